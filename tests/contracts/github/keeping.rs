//! Checks, comments, issues, alerts.

use super::{Desk, bot};
use crate::world::github::Fault;
use agents::environment::github::{AlertClosure, Annotation, Changes, Label, NewCheckRun};

fn annotations(count: u64) -> Vec<Annotation> {
    let one = |line| Annotation {
        path: "package-lock.json".to_owned(),
        start_line: line,
        end_line: line,
        level: "warning",
        title: "latch".to_owned(),
        message: "is vulnerable".to_owned(),
    };
    (1..=count).map(one).collect()
}

fn run(annotations: &[Annotation]) -> NewCheckRun<'_> {
    let (title, summary) = ("Something new", "in words");
    NewCheckRun { external_id: "a1", name: "suture", conclusion: "neutral", title, summary, annotations }
}

#[tokio::test]
async fn a_check_run_says_each_thing_once_though_answers_are_lost() {
    let all = annotations(120);
    for lost in [None, Some("POST"), Some("PATCH")] {
        let desk = Desk::new().await;
        if let Some(method) = lost {
            desk.github.order(&format!("{method} /api/v3/repos/octo/shop/check-runs"), Fault::ErrorAfterWrite);
            super::not_before(desk.ours.put_check_run(&desk.base, &run(&all)).await);
        }
        for _ in 0..2 {
            desk.ours.put_check_run(&desk.base, &run(&all)).await.unwrap();
        }
        let [made] = &desk.repository.check_runs()[..] else { panic!("{lost:?}: one check run") };
        assert_eq!(made["output"]["annotations_count"], 120, "{lost:?}");
        let writes =
            desk.github.asked().iter().filter(|line| !line.starts_with("GET") && line.contains("check-runs")).count();
        assert_eq!(writes, 3, "{lost:?}");
    }
}

#[tokio::test]
async fn checks_of_apps_and_statuses_are_one_list() {
    let desk = Desk::new().await;
    desk.repository.check(&desk.base, "ci", "tests", Some("failure"));
    desk.repository.check(&desk.base, "ci", "tests", Some("success"));
    desk.repository.check(&desk.base, "lint", "style", None);
    desk.repository.status(&desk.base, "deploy", "pending");
    desk.repository.status(&desk.base, "old-ci", "error");
    let listed = desk.ours.check_runs(&desk.base).await.unwrap();
    let told: Vec<_> =
        listed.items.iter().map(|one| (one.name.as_str(), one.app.as_deref(), one.conclusion.as_deref())).collect();
    let expect = [
        ("tests", Some("ci"), Some("success")),
        ("style", Some("lint"), None),
        ("deploy", None, None),
        ("old-ci", None, Some("failure")),
    ];
    assert_eq!((told, listed.is_cut), (expect.to_vec(), false));
}

#[tokio::test]
async fn an_issue_is_found_by_its_marker_and_its_maker() {
    let desk = Desk::new().await;
    let labels = [Label { name: "suture", color: "0e8a16", description: "kept by Suture" }];
    let marker = "<!-- suture:dashboard -->";
    assert_eq!(desk.ours.issue_with(marker, &bot()).await.unwrap(), None);
    let made = desk.ours.create_issue("Wounds", &format!("none\n{marker}"), &labels).await.unwrap();
    desk.ours.create_issue("Another", "text", &labels).await.unwrap();
    assert_eq!(desk.ours.login().await.unwrap(), bot());
    let found = desk.ours.issue_with(marker, &bot()).await.unwrap().unwrap();
    assert_eq!((found.number, found.labels), (made.number, vec!["suture".to_owned()]));
    assert_eq!(desk.ours.issue_with(marker, "mona").await.unwrap(), None);
    let changes = Changes { body: Some(marker), is_open: Some(false), ..Changes::default() };
    let changed = desk.ours.update_issue(made.number, changes).await.unwrap();
    assert_eq!((changed.title.as_str(), changed.body.as_str(), changed.is_open), ("Wounds", marker, false));
    assert_eq!(desk.repository.issues().len(), 2);
    let labels_made = desk.github.asked().iter().filter(|line| *line == "POST /api/v3/repos/octo/shop/labels").count();
    assert_eq!(labels_made, 1);
}

#[tokio::test]
async fn comments_come_page_by_page_and_bounded() {
    let desk = Desk::new().await;
    for number in 0..130 {
        desk.ours.comment(7, &format!("comment {number}")).await.unwrap();
    }
    let listed = desk.ours.comments(7).await.unwrap();
    assert_eq!((listed.items.len(), listed.is_cut), (130, false));
    assert_eq!((listed.items[129].body.as_str(), listed.items[129].author.clone()), ("comment 129", Some(bot())));
}

#[tokio::test]
async fn alerts_are_listed_closed_and_absent_where_they_are_switched_off() {
    let desk = Desk::new().await;
    assert_eq!(desk.ours.dependabot_alerts().await.unwrap(), None);
    assert_eq!(desk.ours.code_alerts().await.unwrap(), None);
    assert_eq!(desk.ours.secret_alerts().await.unwrap(), None);
    super::answers::raise(&desk);
    let closure = |reason| Some(AlertClosure { reason, comment: "see the pull request" });

    let listed = desk.ours.dependabot_alerts().await.unwrap().unwrap();
    assert_eq!(listed.items[0].dependency.package.name, "latch");
    desk.ours.update_dependabot_alert(1, closure("tolerable_risk")).await.unwrap();
    assert_eq!(desk.ours.dependabot_alert(1).await.unwrap().unwrap().state, "dismissed");
    assert_eq!(desk.ours.dependabot_alerts().await.unwrap().unwrap().items, []);
    desk.ours.update_dependabot_alert(1, None).await.unwrap();
    assert_eq!(desk.ours.dependabot_alert(1).await.unwrap().unwrap().state, "open");

    let listed = desk.ours.code_alerts().await.unwrap().unwrap();
    assert_eq!(listed.items[0].rule.id.as_deref(), Some("js/eval"));
    desk.ours.update_code_alert(1, closure("won't fix")).await.unwrap();
    assert_eq!(desk.ours.code_alert(1).await.unwrap().unwrap().state.as_deref(), Some("dismissed"));

    let listed = desk.ours.secret_alerts().await.unwrap().unwrap();
    assert_eq!((listed.items[0].secret_type.as_str(), listed.items[0].publicly_leaked), ("some_token", Some(true)));
    assert!(!format!("{listed:?}").contains("hush"));
    assert_eq!(desk.ours.secret_locations(1).await.unwrap().items[0].details.path.as_deref(), Some("config.env"));
    desk.ours.update_secret_alert(1, closure("revoked")).await.unwrap();
    assert_eq!(desk.ours.secret_alert(1).await.unwrap().unwrap().resolution.as_deref(), Some("revoked"));
    assert_eq!(desk.ours.secret_alert(9).await.unwrap(), None);
    assert_eq!(desk.repository.alerts("secret")[0]["state"], "resolved");
}
