//! Branches and pull requests: made once whatever happens, and never over somebody else's work.

use super::{BRANCH, Desk, MESSAGE, bot, deliver, not_before};
use crate::world::github::{Fault, HOOK_SECRET};
use agents::environment::effects::Effects;
use agents::environment::git::Delivered;
use agents::environment::github::{
    Changes, GitHub, GitHubError, GitHubRepository, Label, NewPullRequest, PullRequest, Refusal,
};
use aws_lc_rs::hmac;
use axum::http::HeaderMap;

const LABELS: [Label<'_>; 1] = [Label { name: "security: fix", color: "b60205", description: "closes a wound" }];
const NEW: NewPullRequest<'_> =
    NewPullRequest { title: "Update latch", body: "why", head: BRANCH, base: "main", is_draft: true, labels: &LABELS };

async fn open(ours: &GitHubRepository) -> Result<PullRequest, GitHubError> {
    ours.open_pull_request(&NEW).await
}

#[tokio::test]
async fn a_fix_is_one_commit_of_the_app_upon_the_base() {
    let desk = Desk::new().await;
    let tip = desk.delivered("{2}").await;
    assert_eq!(desk.repository.branch(BRANCH), Some(tip.clone()));
    let commit = desk.ours.commit(&tip).await.unwrap();
    assert_eq!((commit.author, commit.is_verified), (Some(bot()), true));
    assert_eq!((commit.parents, commit.message.as_str()), (vec![desk.base.clone()], MESSAGE));
    assert_eq!(desk.repository.text(BRANCH, "package-lock.json").as_deref(), Some("{2}"));
    assert_eq!(desk.repository.text("main", "package-lock.json").as_deref(), Some("{1}"));
    let tree = desk.ours.tree(&tip, &Default::default()).await.unwrap();
    assert!(tree.contains("bin/run.sh"));
}

#[tokio::test]
async fn the_same_fix_is_found_and_another_takes_its_place() {
    let desk = Desk::new().await;
    let first = desk.delivered("{2}").await;
    assert_eq!(desk.deliver("{2}").await.unwrap(), Delivered::Before(first.clone()));
    let second = desk.delivered("{3}").await;
    assert_ne!(first, second);
    assert_eq!(desk.ours.commit(&second).await.unwrap().parents, std::slice::from_ref(&desk.base));
}

#[tokio::test]
async fn the_mode_of_a_file_stays() {
    let desk = Desk::new().await;
    desk.delivered("{2}").await;
    assert_eq!(desk.repository.mode(BRANCH, "bin/run.sh"), 0o100_755);
    assert_eq!(desk.repository.mode(BRANCH, "package-lock.json"), 0o100_644);
}

#[tokio::test]
async fn two_deliveries_at_once_leave_one_commit_whichever_is_first() {
    let desk = Desk::new().await;
    let others = [(), ()].map(|()| desk.repository.of(&desk.github.client(Effects::default())));
    let spawn = |ours: GitHubRepository| {
        let base = desk.base.clone();
        tokio::spawn(async move { deliver(&ours, &base, "{2}").await.unwrap() })
    };
    let [first, second] = others.map(spawn);
    let done = [first.await.unwrap(), second.await.unwrap()];
    let tip = desk.repository.branch(BRANCH).unwrap();
    assert_eq!(done.iter().filter(|one| **one == Delivered::Now(tip.clone())).count(), 1, "{done:?}");
    assert_eq!(done.iter().filter(|one| **one == Delivered::Before(tip.clone())).count(), 1, "{done:?}");
}

#[tokio::test]
async fn what_was_pushed_while_the_branch_was_looked_at_is_not_lost() {
    let desk = Desk::new().await;
    desk.delivered("{2}").await;
    // The branch is moved by the compare and swap alone, and that fails.
    desk.repository.push_before("POST /api/graphql", BRANCH, &[("notes.md", "mine")], "mona");
    let done = desk.deliver("{3}").await.unwrap();
    assert_eq!(done, Delivered::Foreign(desk.repository.branch(BRANCH).unwrap()));
    assert_eq!(desk.repository.text(BRANCH, "notes.md").as_deref(), Some("mine"));
}

#[tokio::test]
async fn somebody_elses_commit_is_left_alone() {
    let desk = Desk::new().await;
    let ours = desk.delivered("{2}").await;
    let theirs = desk.repository.push(BRANCH, &[("notes.md", "mine")], "mona");
    assert_eq!(desk.deliver("{3}").await.unwrap(), Delivered::Foreign(theirs.clone()));
    assert!(!desk.ours.withdraw(BRANCH, &ours).await.unwrap());
    assert!(!desk.ours.withdraw(BRANCH, &theirs).await.unwrap());
    assert_eq!(desk.repository.branch(BRANCH), Some(theirs));
}

#[tokio::test]
async fn a_branch_that_somebody_made_is_left_alone() {
    let desk = Desk::new().await;
    let theirs = desk.repository.push(BRANCH, &[("notes.md", "mine")], "mona");
    assert_eq!(desk.deliver("{2}").await.unwrap(), Delivered::Foreign(theirs));
}

#[tokio::test]
async fn a_base_that_moved_is_said() {
    let desk = Desk::new().await;
    desk.repository.push("main", &[("notes.md", "new")], "mona");
    assert!(matches!(desk.deliver("{2}").await, Err(GitHubError::BaseMoved)));
    assert_eq!(desk.repository.branches(), ["main"]);
}

#[tokio::test]
async fn a_base_that_moves_while_the_fix_is_made_is_said() {
    let desk = Desk::new().await;
    desk.repository.push_before("POST /api/v3/repos/octo/shop/git/commits", "main", &[("notes.md", "new")], "mona");
    assert!(matches!(desk.deliver("{2}").await, Err(GitHubError::BaseMoved)));
    assert_eq!(desk.repository.branches(), ["main"]);
}

#[tokio::test]
async fn a_fix_is_withdrawn_once() {
    let desk = Desk::new().await;
    let tip = desk.delivered("{2}").await;
    desk.github.order("POST /api/graphql", Fault::ErrorAfterWrite);
    assert_eq!(not_before(desk.ours.withdraw(BRANCH, &tip).await), None);
    assert!(desk.ours.withdraw(BRANCH, &tip).await.unwrap());
    assert_eq!(desk.repository.branches(), ["main"]);
}

#[tokio::test]
async fn a_protected_branch_refuses_in_words() {
    let desk = Desk::new().await;
    desk.delivered("{2}").await;
    desk.repository.protect(BRANCH);
    let error = desk.deliver("{3}").await.unwrap_err();
    assert!(error.is_refused_as(Refusal::Protected), "{error}");
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_found_by_the_next_attempt() {
    let writes = ["/git/blobs", "/git/trees", "/git/commits", "/git/refs", "/pulls", "/labels", "/issues/1/labels"];
    for write in writes {
        let desk = Desk::new().await;
        desk.github.order(&format!("POST /api/v3/repos/octo/shop{write}"), Fault::ErrorAfterWrite);
        let attempt = async || match desk.deliver("{2}").await {
            Ok(delivered) => open(&desk.ours).await.map(|pull| (delivered, pull)),
            Err(error) => Err(error),
        };
        assert_eq!(not_before(attempt().await), None, "{write}");
        let (_, pull) = attempt().await.unwrap();
        assert_eq!(pull.labels, ["security: fix"], "{write}");
        assert_eq!(desk.repository.pulls().len(), 1, "{write}");
        let tip = desk.ours.commit(&desk.repository.branch(BRANCH).unwrap()).await.unwrap();
        assert_eq!(tip.parents, std::slice::from_ref(&desk.base), "{write}");
    }
}

#[tokio::test]
async fn a_process_may_die_between_any_two_writes() {
    let mut dead = 0;
    for count in 0.. {
        let desk = Desk::new().await;
        let (effects, ours) = desk.dying_after(count);
        let first = deliver(&ours, &desk.base, "{2}").await;
        let opened = if first.is_ok() { open(&ours).await.is_ok() } else { false };
        assert_eq!(effects.has_crashed() && !opened, !opened, "{count}");
        desk.deliver("{2}").await.unwrap();
        let pull = open(&desk.ours).await.unwrap();
        assert_eq!((pull.number, desk.repository.pulls().len()), (1, 1), "{count}");
        if opened {
            break;
        }
        dead += 1;
    }
    // Two blobs, tree, commit, branch, pull request, label, and the label on it.
    assert_eq!(dead, 8);
}

#[tokio::test]
async fn a_pull_request_is_opened_once_though_the_list_lags() {
    let desk = Desk::new().await;
    desk.delivered("{2}").await;
    let first = open(&desk.ours).await.unwrap();
    assert!(first.is_draft && first.is_open && first.author == Some(bot()));
    desk.github.order("GET /api/v3/repos/octo/shop/pulls", Fault::Lag);
    desk.github.order("GET /api/v3/repos/octo/shop/pulls", Fault::Lag);
    assert_eq!(not_before(open(&desk.ours).await), None);
    assert_eq!(open(&desk.ours).await.unwrap().number, first.number);
    assert_eq!(desk.repository.pulls().len(), 1);
}

#[tokio::test]
async fn a_pull_request_is_opened_where_there_are_no_drafts() {
    let desk = Desk::new().await;
    desk.repository.forbid_drafts();
    desk.delivered("{2}").await;
    let pull = open(&desk.ours).await.unwrap();
    assert!(pull.is_open && !pull.is_draft);
    assert_eq!(desk.repository.pulls().len(), 1);
}

#[tokio::test]
async fn a_pull_request_of_a_private_repository_takes_leave_to_read_its_branches() {
    let desk = Desk::new().await;
    desk.delivered("{2}").await;
    desk.github.grant("contents", Some("read"));
    assert!(open(&desk.ours).await.unwrap().is_open);
}

#[tokio::test]
async fn a_pull_request_is_changed_closed_and_opened_anew() {
    let desk = Desk::new().await;
    desk.delivered("{2}").await;
    let pull = open(&desk.ours).await.unwrap();
    desk.ours.set_draft(&pull, false).await.unwrap();
    let pull = desk.ours.pull_request(pull.number).await.unwrap().unwrap();
    assert!(!pull.is_draft);
    let before = desk.github.graphql().len();
    desk.ours.set_draft(&pull, false).await.unwrap();
    assert_eq!(desk.github.graphql().len(), before);
    let changes = Changes { title: Some("Another"), is_open: Some(false), ..Changes::default() };
    let changed = desk.ours.update_pull_request(pull.number, changes).await.unwrap();
    assert_eq!((changed.title.as_str(), changed.body.as_str(), changed.is_open), ("Another", "why", false));
    let next = open(&desk.ours).await.unwrap();
    assert_eq!((next.number, next.is_open), (2, true));
    assert_eq!(desk.ours.pull_request_of(BRANCH).await.unwrap().unwrap().number, 2);
}

#[tokio::test]
async fn a_merged_pull_request_names_its_commit() {
    let desk = Desk::new().await;
    desk.delivered("{2}").await;
    let pull = open(&desk.ours).await.unwrap();
    assert_eq!(pull.merge_commit, None);
    let merged = desk.repository.merge(pull.number, "mona");
    let pull = desk.ours.pull_request_of(BRANCH).await.unwrap().unwrap();
    assert!(!pull.is_open && pull.merged_at.is_some());
    assert_eq!(pull.merge_commit, Some(merged));
    assert_eq!(desk.repository.text("main", "package-lock.json").as_deref(), Some("{2}"));
}

#[tokio::test]
async fn a_user_with_a_token_delivers_too() {
    let desk = Desk::new().await;
    let client = GitHub::new(desk.github.settings_of_user("mona"), Effects::default()).unwrap();
    let ours = desk.repository.of(&client);
    let Delivered::Now(tip) = deliver(&ours, &desk.base, "{2}").await.unwrap() else {
        panic!("it was not there before")
    };
    let again = deliver(&ours, &desk.base, "{2}").await.unwrap();
    assert_eq!(again, Delivered::Before(tip.clone()));
    // To the App it is somebody else's.
    assert_eq!(desk.deliver("{2}").await.unwrap(), Delivered::Foreign(tip));
    assert!(!desk.github.asked().iter().any(|line| line.contains("mona")));
}

#[tokio::test]
async fn what_happens_is_delivered_with_a_signature() {
    let desk = Desk::new().await;
    desk.github.take_deliveries();
    desk.delivered("{2}").await;
    let pull = open(&desk.ours).await.unwrap();
    desk.repository.check(&pull.head_commit, "ci", "tests", Some("success"));
    desk.repository.close(pull.number, "mona");
    let told = desk.github.take_deliveries();
    let told: Vec<_> = told.iter().map(|one| (one.event.as_str(), one.value())).collect();
    let said: Vec<_> = told
        .iter()
        .map(|(event, body)| (*event, body["action"].as_str(), body["sender"]["login"].as_str().unwrap()))
        .collect();
    let bot = bot();
    let expect = [
        ("push", None, bot.as_str()),
        ("pull_request", Some("opened"), bot.as_str()),
        ("check_run", Some("completed"), "ci[bot]"),
        ("pull_request", Some("closed"), "mona"),
    ];
    assert_eq!(said, expect);
    assert_eq!(told[0].1["ref"], format!("refs/heads/{BRANCH}"));
}

#[tokio::test]
async fn a_delivery_carries_the_signature_of_its_bytes() {
    let desk = Desk::new().await;
    let delivery = desk.github.take_deliveries().remove(0);
    let (sender, mut received) = tokio::sync::mpsc::channel(1);
    let app = axum::Router::new().fallback(move |headers: HeaderMap, body: String| async move {
        sender.send((headers, body)).await.unwrap();
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/api/github-webhook", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    assert_eq!(delivery.send(&reqwest::Client::new(), &address).await, 200);
    let (headers, body) = received.recv().await.unwrap();
    assert_eq!(body, delivery.body);
    assert_eq!(headers["x-github-delivery"], delivery.guid);
    let key = hmac::Key::new(hmac::HMAC_SHA256, HOOK_SECRET.as_bytes());
    let signature = headers["x-hub-signature-256"].to_str().unwrap().strip_prefix("sha256=").unwrap();
    hmac::verify(&key, body.as_bytes(), &hex::decode(signature).unwrap()).unwrap();
}
