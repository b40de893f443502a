//! Tokens, limits, refusals, redirects: what every question may meet.

use super::{Desk, NOW, cant_be_helped, not_before};
use crate::world::github::Fault;
use agents::environment::effects::Effects;
use agents::environment::github::{GitHub, GitHubError, Refusal};
use jiff::{SignedDuration, Timestamp};

#[tokio::test]
async fn one_token_serves_until_it_expires_and_is_renewed_once() {
    let desk = Desk::new().await;
    let issued = || desk.github.asked().iter().filter(|line| line.ends_with("/access_tokens")).count();
    desk.ours.about().await.unwrap();
    desk.ours.branch("main").await.unwrap();
    assert_eq!(issued(), 1);
    desk.github.expire_tokens();
    desk.ours.branch("main").await.unwrap();
    assert_eq!(issued(), 2);
    let line = "GET /api/v3/repos/octo/shop/git/ref/heads/main";
    for _ in 0..2 {
        desk.github.order(line, Fault::Error(401));
    }
    assert_eq!(not_before(desk.ours.branch("main").await), None);
    assert_eq!(issued(), 3);
}

#[tokio::test]
async fn a_token_is_for_what_the_call_needs_and_no_more() {
    let desk = Desk::new().await;
    // The simulation refuses a token that lacks a permission, and gives none that was not granted.
    desk.github.grant("contents", Some("read"));
    desk.ours.branch("main").await.unwrap();
    let reason = cant_be_helped(desk.deliver("{2}").await);
    assert!(reason.contains("contents=write") && reason.contains("octo/shop"), "{reason}");
}

#[tokio::test]
async fn limits_say_when_to_come_back_and_nothing_is_asked_twice() {
    let desk = Desk::new().await;
    desk.ours.about().await.unwrap();
    let now: Timestamp = NOW.parse().unwrap();
    let after = |seconds| Some(now + SignedDuration::from_secs(seconds));
    let rows = [
        (Fault::PrimaryLimit(1234), after(1234)),
        (Fault::SecondaryLimit(Some(90)), after(90)),
        (Fault::SecondaryLimit(None), after(60)),
        (Fault::Error(500), None),
        (Fault::Error(503), None),
    ];
    for (fault, expect) in rows {
        let before = desk.github.asked().len();
        desk.github.order("GET", fault);
        assert_eq!(not_before(desk.ours.about().await), expect, "{fault:?}");
        assert_eq!(desk.github.asked().len(), before + 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_permission_that_is_missing_is_named_with_the_repository() {
    let desk = Desk::new().await;
    desk.github.grant("checks", None);
    let reason = cant_be_helped(desk.ours.check_runs(&desk.base).await);
    assert!(reason.contains("checks=read") && reason.contains("octo/shop"), "{reason}");
}

#[tokio::test]
async fn what_may_not_be_seen_is_absent() {
    let desk = Desk::new().await;
    assert_eq!(desk.ours.branch("nowhere").await.unwrap(), None);
    desk.repository.uninstall();
    let error = desk.github.client(Effects::default());
    let error = desk.repository.of(&error).about().await;
    assert!(matches!(error, Err(GitHubError::Absent { .. })), "{error:?}");
    assert!(cant_be_helped(error).contains("not installed"));
}

#[tokio::test]
async fn a_renamed_repository_is_found_by_its_old_name() {
    let desk = Desk::new().await;
    let (old, client) = (desk.repository.name(), desk.github.client(Effects::default()));
    desk.repository.rename("octo/Store");
    let ours = client.repository(&old).unwrap();
    assert_eq!(ours.about().await.unwrap().full_name, "octo/Store");
    let delivered = super::deliver(&ours, &desk.base, "{2}").await;
    assert!(delivered.is_ok(), "{delivered:?}");
    assert_eq!(desk.repository.text(super::BRANCH, "package-lock.json").as_deref(), Some("{2}"));
}

#[tokio::test]
async fn a_repository_that_was_known_before_it_was_renamed_gets_a_new_token() {
    let desk = Desk::new().await;
    desk.ours.about().await.unwrap();
    desk.repository.rename("octo/Store");
    desk.github.expire_tokens();
    assert_eq!(desk.ours.about().await.unwrap().full_name, "octo/Store");
}

#[tokio::test]
async fn an_app_that_was_installed_anew_is_looked_up_once_more() {
    let desk = Desk::new().await;
    let looked_up = || desk.github.asked().iter().filter(|line| line.ends_with("/installation")).count();
    desk.ours.about().await.unwrap();
    desk.github.reinstall();
    desk.ours.about().await.unwrap();
    assert_eq!(looked_up(), 2);
    // One that is gone is looked for once.
    desk.github.reinstall();
    desk.repository.uninstall();
    let gone = desk.ours.about().await;
    assert!(matches!(gone, Err(GitHubError::Absent { .. })), "{gone:?}");
    assert_eq!(looked_up(), 3);
}

#[tokio::test]
async fn what_did_not_change_is_not_sent_again() {
    let desk = Desk::new().await;
    let first = desk.ours.about().await.unwrap();
    assert_eq!(desk.ours.about().await.unwrap(), first);
    let statuses: Vec<_> =
        desk.github.answers().iter().filter(|one| one.operation == "repos/get").map(|one| one.status).collect();
    assert_eq!(statuses, [200, 304]);
    desk.repository.archive();
    assert!(desk.ours.about().await.unwrap().is_archived);
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_is_not_taken_for_nothing() {
    let desk = Desk::new().await;
    desk.github.order("/pulls", Fault::Nonsense);
    let found = desk.ours.pull_request_of(super::BRANCH).await;
    assert!(matches!(found, Err(GitHubError::Unusable { .. })), "{found:?}");
}

#[tokio::test]
async fn an_answer_over_the_limit_is_not_read() {
    let desk = Desk::new().await;
    desk.github.order("/pulls", Fault::Huge);
    let reason = cant_be_helped(desk.ours.pull_request_of(super::BRANCH).await);
    assert!(reason.contains("over 16777216 bytes"), "{reason}");
}

#[tokio::test]
async fn a_redirect_to_another_host_is_not_followed() {
    let desk = Desk::new().await;
    for (line, address) in [("/pulls", "http://127.0.0.1:9/api/v3/pulls"), ("/git/blobs", "/api/v3/elsewhere")] {
        desk.github.order(line, Fault::Redirect(address));
    }
    let found = desk.ours.pull_request_of(super::BRANCH).await;
    assert!(matches!(found, Err(GitHubError::Unusable { .. })), "{found:?}");
    // Nor is a write where it may have been done.
    let delivered = desk.deliver("{2}").await;
    assert!(matches!(delivered, Err(GitHubError::Unusable { .. })), "{delivered:?}");
}

#[tokio::test]
async fn a_github_that_is_not_there_is_asked_again_later() {
    let mut settings = Desk::new().await.github.settings();
    // Nothing listens on port 9.
    settings.api = "http://127.0.0.1:9/api/v3/".parse().unwrap();
    let client = GitHub::new(settings, Effects::default()).unwrap();
    assert_eq!(not_before(client.app().await), None);
}

#[tokio::test]
async fn an_archived_repository_refuses_in_words() {
    let desk = Desk::new().await;
    desk.repository.archive();
    let error = desk.deliver("{2}").await.unwrap_err();
    assert!(error.is_refused_as(Refusal::Archived), "{error}");
}

#[tokio::test]
async fn no_secret_is_ever_printed() {
    let desk = Desk::new().await;
    desk.ours.about().await.unwrap();
    let (_, key) = desk.github.app_key();
    let token = desk.github.client(Effects::default());
    let printed = format!("{:?} {:?} {:?}", desk.client, desk.ours, token);
    let body = key.lines().nth(1).unwrap();
    assert!(!printed.contains(body) && !printed.contains("ghs_"), "{printed}");
}

#[tokio::test]
async fn names_of_other_hosts_and_of_nothing_are_no_repositories() {
    let desk = Desk::new().await;
    let host = desk.client.host();
    let is_one = |name: String| desk.client.repository(&name.parse().unwrap()).is_some();
    assert!(is_one(format!("{host}/octo/shop")));
    for name in ["octo/shop", "other.example/octo/shop", "/srv/shop"] {
        assert!(!is_one(name.to_owned()), "{name}");
    }
    for path in ["octo", "octo/shop/more", "octo/..", "octo/sh?p", "octo/"] {
        assert!(!is_one(format!("{host}/{path}")), "{path}");
    }
}

#[tokio::test]
async fn a_key_that_is_none_is_refused_without_being_repeated() {
    let desk = Desk::new().await;
    let mut settings = desk.github.settings();
    let text = "-----BEGIN PRIVATE KEY-----\nhush\n-----END PRIVATE KEY-----\n";
    settings.identity = agents::environment::github::Identity::App { id: 1, key: text.into() };
    let error = GitHub::new(settings, Effects::default()).unwrap_err().to_string();
    assert!(error.contains("SUTURE_GITHUB_APP_KEY") && !error.contains("hush"), "{error}");
}
