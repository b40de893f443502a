//! `suture scan --since`: only what is new.

use super::{ADVISORY, Desk, shop};
use serde_json::json;

/// The shop with another hole, which it did not have at the beginning.
fn worse() -> String {
    shop().needs("lid", "^1.0.0").locks("lid", "1.0.0", &[]).lockfile()
}

async fn desk() -> Desk {
    let desk = Desk::with_hole("HIGH").await;
    desk.osv.advise("GHSA-dddd-eeee-ffff", "lid", "2.0.0", "LOW", "it squeaks");
    desk.repository.commit("more", &[("package-lock.json", &worse())]);
    desk
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_the_commit_did_not_have_is_told() {
    let desk = desk().await;
    let all = desk.suture(&["scan", "shop", "--format", "json"]).json(1);
    assert_eq!(all["findings"].as_array().unwrap().len(), 2);
    let new = desk.suture(&["scan", "shop", "--since", "HEAD~1", "--format", "json"]).json(1);
    assert_eq!(new["findings"].as_array().unwrap().len(), 1);
    assert_eq!(new["findings"][0]["package"]["name"], "lid");
    assert!(desk.suture(&["scan", "shop", "--since", "HEAD"]).expect(0).contains("nothing found"));
    desk.suture(&["scan", "shop", "--commit", "HEAD~1", "--since", "HEAD"]).expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn sarif_has_no_trace_of_what_is_not_new() {
    let desk = desk().await;
    let ran = desk.suture(&["scan", "shop", "--since", "HEAD~1", "--format", "sarif"]);
    let results = ran.json(1)["runs"][0]["results"].clone();
    assert_eq!(results.as_array().unwrap().len(), 1, "{results:#}");
    assert!(!ran.stdout.contains(ADVISORY), "{}", ran.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_ignored_there_is_not_new_here() {
    let desk = Desk::with_hole("HIGH").await;
    let ignore = format!("ignore:\n  - id: {ADVISORY}\n    reason: not reachable\n    expires: 2999-01-01\n");
    desk.repository.commit("ignore", &[(".suture.yml", &ignore)]);
    desk.repository.commit("no longer", &[(".suture.yml", "ignore: []\n")]);
    desk.suture(&["scan", "shop"]).expect(1);
    desk.suture(&["scan", "shop", "--since", "HEAD~1"]).expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn folder_that_was_not_there_is_new_as_a_whole() {
    let desk = Desk::with_hole("HIGH").await;
    desk.repository.commit("sub", &[("sub/package.json", "{}"), ("sub/package-lock.json", &shop().lockfile())]);
    let new = desk.suture(&["scan", "shop/sub", "--since", "HEAD~1", "--format", "json"]).json(1);
    assert_eq!(new["findings"][0]["rule"], json!(ADVISORY));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_commit_is_refused() {
    let desk = Desk::with_hole("HIGH").await;
    let ran = desk.suture(&["scan", "shop", "--since", "nowhere"]);
    ran.expect(2);
    assert!(ran.stderr.contains("`nowhere` is not a commit"), "{}", ran.stderr);
}
