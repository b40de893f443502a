//! `suture heal` where it can heal.

use super::{Desk, shop, write};
use crate::world::program::{ran, run};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn hole_is_healed_on_a_branch_and_nothing_else_is_touched() {
    let desk = Desk::with_hole("MODERATE").await;
    let said = desk.suture(&["heal", "shop"]);
    assert!(said.expect(0).contains("completed: healed, proven and verified"));
    let [(branch, _), (main, _)] = &desk.repository.branches()[..] else { panic!("{:?}", desk.repository.branches()) };
    assert!(main == "main" || branch == "main");
    let status = run("git", &["status", "--porcelain"], desk.repository.folder());
    assert_eq!(status.expect(0), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_the_contract() {
    let desk = Desk::with_hole("MODERATE").await;
    let said = desk.suture(&["heal", "shop", "--format", "json", "--quiet"]);
    assert_eq!(said.stderr, "");
    let said = said.json(0);
    let keys: Vec<&str> = said.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["schema", "cases", "summary", "errors", "notes", "limits_hit"]);
    assert_eq!((&said["schema"], &said["summary"]), (&json!("suture.heal/1"), &json!({ "completed": 1 })));
    let case = &said["cases"][0];
    let keys: Vec<&str> = case.as_object().unwrap().keys().map(String::as_str).collect();
    let expect = [
        "case",
        "event_type",
        "rule",
        "severity",
        "decision",
        "reasons",
        "grounds",
        "status",
        "findings",
        "left",
        "steps",
        "branch",
        "commit",
        "files",
        "priority",
    ];
    assert_eq!(keys, expect);
    assert_eq!(case["branch"], json!(format!("suture/{}", case["case"].as_str().unwrap())));
    assert_eq!((&case["decision"], &case["status"], &case["left"]), (&json!("heal"), &json!("completed"), &json!([])));
    assert_eq!(case["files"], json!(["package-lock.json"]));
    assert_eq!(case["priority"], json!({ "urgency": "sixty_days", "epss": null }));
    for step in case["steps"].as_array().unwrap() {
        let keys: Vec<&str> = step.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!((keys, &step["ok"]), (vec!["name", "ok", "detail"], &json!(true)), "{step}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn severe_hole_is_proposed_and_not_completed() {
    let desk = Desk::with_hole("HIGH").await;
    let said = desk.suture(&["heal", "shop", "--format", "json"]).json(1);
    assert_eq!((&said["cases"][0]["decision"], &said["cases"][0]["status"]), (&json!("propose"), &json!("proposed")));
}

#[tokio::test(flavor = "multi_thread")]
async fn second_run_says_the_same_and_changes_nothing() {
    let desk = Desk::with_hole("MODERATE").await;
    let first = desk.suture(&["heal", "shop", "--format", "json"]).json(0);
    let objects = desk.repository.objects();
    let again = desk.suture(&["heal", "shop", "--format", "json"]).json(0);
    assert_eq!(again["cases"][0]["commit"], first["cases"][0]["commit"]);
    assert_eq!(desk.repository.objects(), objects);
}

#[tokio::test(flavor = "multi_thread")]
async fn dry_run_plans_and_leaves_no_trace() {
    let desk = Desk::with_hole("MODERATE").await;
    let (branches, objects) = (desk.repository.branches(), desk.repository.objects());
    let said = desk.suture(&["heal", "shop", "--dry-run", "--format", "json"]).json(1);
    let case = &said["cases"][0];
    assert_eq!((&case["status"], &case["branch"], &case["commit"]), (&json!("planned"), &json!(null), &json!(null)));
    assert_eq!((desk.repository.branches(), desk.repository.objects()), (branches, objects));
    assert!(desk.suture(&["cases"]).expect(0).starts_with("no cases yet"));
}

#[tokio::test(flavor = "multi_thread")]
async fn diff_is_one_that_git_applies() {
    let desk = Desk::with_hole("MODERATE").await;
    let said = desk.suture(&["heal", "shop", "--diff"]);
    write(&desk.user.home().join("fix.patch"), said.expect(1));
    run("git", &["apply", "../fix.patch"], desk.repository.folder()).expect(0);
    let on_disk = std::fs::read_to_string(desk.repository.folder().join("package-lock.json")).unwrap();
    assert_eq!(on_disk, shop().locks("latch", "1.2.0", &[]).lockfile());
}

#[tokio::test(flavor = "multi_thread")]
async fn diff_has_no_place_in_json() {
    let desk = Desk::with_hole("MODERATE").await;
    let ran = desk.suture(&["heal", "shop", "--diff", "--format", "json"]);
    assert_eq!(ran.expect(2), "");
    assert!(ran.stderr.contains("use --dry-run with --format json"), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_at_the_same_time_end_alike() {
    let desk = Desk::with_hole("MODERATE").await;
    for round in 0..3 {
        desk.repository.commit("more", &[("README.md", &format!("{round}\n"))]);
        let runs: Vec<_> = (0..4).map(|_| desk.user.start(&["heal", "shop", "--format", "json", "--quiet"])).collect();
        let said: Vec<_> = runs.into_iter().map(|run| ran(run.wait_with_output().unwrap()).json(0)).collect();
        assert!(said.iter().all(|one| one["cases"][0]["commit"] == said[0]["cases"][0]["commit"]), "{said:#?}");
        run("git", &["fsck", "--strict"], desk.repository.folder()).expect(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_to_heal_is_clean() {
    let desk = Desk::with_project(&shop()).await;
    assert!(desk.suture(&["heal", "shop"]).expect(0).contains("nothing found to heal"));
}
