//! What becomes of a fix after it was merged: as it was offered or otherwise, and what the checks of the merged branch say of it.

use super::github::{healed, number, shop, shop_with_offer};
use crate::world::World;
use crate::world::on_github::SOMEBODY;
use crate::world::weather::in_every_weather;
use jiff::SignedDuration;
use pipeline::case::{Case, Outcome, Status};
use pipeline::ids::CommitSha;
use pipeline::learning::outcome::{Ending, OutcomeRecord};
use pipeline::message::{queue, topic};
use pipeline::payload::MergeChecksAwaited;
use serde_json::Value;

/// Name of the step that tells of checks.
const CHECKS: &str = "verify: checks of the merge";

async fn only_case(world: &World) -> Case {
    let mut cases = world.cases().await;
    assert_eq!(cases.len(), 1, "{cases:#?}");
    cases.remove(0)
}

async fn endings(world: &World) -> Vec<Ending> {
    let mut endings = Vec::new();
    for key in world.keys("events").await {
        let event: Value = world.read(&key).await;
        if event["topic"] == "outcome.recorded" {
            endings.push(serde_json::from_value::<OutcomeRecord>(event["payload"].clone()).unwrap().ending);
        }
    }
    endings.sort();
    endings
}

fn merge(world: &World) -> CommitSha {
    world.there().merge(number(&world.open_pulls()[0]), SOMEBODY)
}

#[tokio::test]
async fn fix_that_others_took_over_is_learned_from_when_they_merge_it() {
    let mut world = shop_with_offer().await;
    let branch = only_case(&world).await.case.branch();
    world.push(&branch, &[("index.js", "// for the new latch\n")]);
    world.live().await;
    assert_eq!((only_case(&world).await.status, endings(&world).await), (Status::Superseded, vec![Ending::Censored]));
    merge(&world);
    world.live().await;
    let case = only_case(&world).await;
    assert_eq!((case.status, case.outcome), (Status::Completed, Some(Outcome::VerifiedEdited)), "{case:#?}");
    assert!(case.steps.iter().any(|step| step.detail.contains("changed by others and merged")), "{case:#?}");
    assert_eq!(endings(&world).await, [Ending::MergedEdited, Ending::Censored]);
    world.finish();
}

#[tokio::test]
async fn merge_of_a_fix_that_others_took_over_is_seen_though_nobody_tells_of_it() {
    let mut world = shop_with_offer().await;
    let branch = only_case(&world).await.case.branch();
    world.push(&branch, &[("index.js", "// for the new latch\n")]);
    world.live().await;
    for _ in 0..2 {
        hours_later(&mut world, 8 * 24).await;
    }
    assert_eq!(endings(&world).await, [Ending::Censored], "it is open");
    merge(&world);
    world.github().take_deliveries();
    hours_later(&mut world, 8 * 24).await;
    assert_eq!(endings(&world).await, [Ending::MergedEdited, Ending::Censored]);
    world.finish();
}

#[tokio::test]
async fn fix_that_was_changed_and_merged_and_is_undone_is_not_judged() {
    let mut world = shop_with_offer().await;
    let branch = only_case(&world).await.case.branch();
    let before = world.there().text("main", "package-lock.json").unwrap();
    world.push(&branch, &[("index.js", "// for the new latch\n")]);
    world.live().await;
    merge(&world);
    world.live().await;
    hours_later(&mut world, 1).await;
    world.push("main", &[("package-lock.json", &before)]);
    world.live().await;
    assert!(!endings(&world).await.contains(&Ending::Reverted), "{:?}", endings(&world).await);
    world.finish();
}

#[tokio::test]
async fn fix_that_is_undone_before_its_checks_fail_again_was_wrong_once() {
    let (mut world, merge) = merged().await;
    let before = shop().lockfile();
    says(&world, &merge, "failure");
    hours_later(&mut world, 2).await;
    world.push("main", &[("package-lock.json", &before)]);
    world.live().await;
    says(&world, &merge, "failure");
    for _ in 0..4 {
        hours_later(&mut world, 5).await;
    }
    assert_eq!(reruns(&world), 0, "what came after the merge is left alone");
    let endings = endings(&world).await;
    assert!(endings.contains(&Ending::Reverted) && !endings.contains(&Ending::Regressed), "{endings:?}");
    world.finish();
}

#[tokio::test]
async fn fix_that_others_changed_and_merged_before_anybody_looked_counts_as_changed_in_every_weather() {
    in_every_weather(|| async {
        let mut world = shop_with_offer().await;
        let branch = only_case(&world).await.case.branch();
        world.push(&branch, &[("index.js", "// for the new latch\n")]);
        merge(&world);
        // The merge is told of first.
        let told = world.github().take_deliveries();
        let closed = told.iter().rfind(|told| told.event == "pull_request").cloned();
        world.github().deliver_again(&closed.into_iter().collect::<Vec<_>>());
        world.hear().await;
        world
    })
    .await;
}

#[tokio::test]
async fn what_others_made_of_it_is_not_judged_as_ours() {
    let mut world = shop_with_offer().await;
    let branch = only_case(&world).await.case.branch();
    let before = world.there().text("main", "package-lock.json").unwrap();
    world.push(&branch, &[("package-lock.json", &before), ("README.md", "# No fix\n")]);
    merge(&world);
    world.live().await;
    let mut endings = endings(&world).await;
    // Whoever takes it over and merges it is heard of twice, which is learned once.
    endings.dedup();
    assert_eq!(endings, [Ending::Censored]);
    assert_eq!(world.keys("outcomes").await.len(), 1);
    world.finish();
}

#[tokio::test]
async fn branch_that_was_brought_up_to_its_base_is_as_it_was_offered() {
    let mut world = shop_with_offer().await;
    world.push("main", &[("README.md", "# Shop, renewed\n")]);
    world.github().take_deliveries();
    world.there().bring_up(number(&world.open_pulls()[0]), SOMEBODY);
    world.live().await;
    merge(&world);
    world.live().await;
    assert_eq!(world.there().text("main", "package-lock.json"), Some(healed().lockfile()));
    assert_eq!(endings(&world).await, [Ending::Merged, Ending::Censored]);
    world.finish();
}

/// The fix was merged, and holds; before the merge the check `test` passed.
async fn merged() -> (World, CommitSha) {
    let mut world = shop_with_offer().await;
    let base = world.there().branch("main").unwrap();
    world.there().check(&base, "github-actions", "test", Some("success"));
    world.there().check(&base, "github-actions", "lint", Some("failure"));
    let merge = merge(&world);
    world.live().await;
    assert_eq!(endings(&world).await, [Ending::Merged]);
    (world, merge)
}

fn says(world: &World, merge: &CommitSha, test: &str) {
    world.there().check(merge, "github-actions", "test", Some(test));
}

async fn hours_later(world: &mut World, hours: i64) {
    world.clock.advance(SignedDuration::from_hours(hours));
    world.sweep().await;
    world.live().await;
}

/// How often a job was asked to run again.
fn reruns(world: &World) -> usize {
    world.github().asked().iter().filter(|line| line.ends_with("/rerun")).count()
}

async fn told(world: &World) -> Vec<(bool, String)> {
    let records = world.records().await.into_iter();
    let steps = records.flat_map(|record| record.steps).filter(|step| step.name == CHECKS);
    steps.map(|step| (step.ok, step.detail)).collect()
}

#[tokio::test]
async fn check_that_fails_since_the_merge_and_fails_again_is_the_fixs_fault() {
    let (mut world, merge) = merged().await;
    world.github().grant("actions", Some("write"));
    says(&world, &merge, "failure");
    world.there().check(&merge, "github-actions", "lint", Some("failure"));
    hours_later(&mut world, 2).await;
    assert_eq!((reruns(&world), told(&world).await), (1, Vec::new()));
    says(&world, &merge, "failure");
    hours_later(&mut world, 3).await;
    let case = only_case(&world).await;
    assert_eq!((case.status, case.outcome), (Status::Failed, Some(Outcome::Regressed)), "{case:#?}");
    let [(false, detail)] = &told(&world).await[..] else { panic!("{case:#?}") };
    assert!(detail.ends_with("failed on the merge, and again when run again: test (github-actions)"), "{detail}");
    assert_eq!(endings(&world).await, [Ending::Merged, Ending::Regressed]);
    let notices = world.notices.lock().unwrap().clone();
    assert!(notices.iter().any(|notice| notice.subject.contains("fail since")), "{notices:#?}");
    for _ in 0..4 {
        hours_later(&mut world, 13).await;
    }
    assert_eq!((reruns(&world), told(&world).await.len()), (1, 1));
    world.finish();
}

/// Somebody looks for the checks of the merge once more, having `seen` which of them failed; nobody has worked yet.
async fn looking(seen: Option<u64>) -> World {
    let (mut world, merge) = merged().await;
    world.github().grant("actions", Some("write"));
    says(&world, &merge, "failure");
    world.live().await;
    let case = only_case(&world).await;
    let awaited = MergeChecksAwaited {
        case: case.case,
        repository: world.there().name(),
        run: case.run,
        number: 1,
        look: 1,
        failed: seen.map(|id| ("test (github-actions)".to_owned(), [id].into())).into_iter().collect(),
    };
    world.send(queue::VERIFY, topic::MERGE_CHECKS_AWAITED, &awaited);
    world
}

#[tokio::test]
async fn check_that_fails_since_the_merge_is_run_again_in_every_weather() {
    in_every_weather(|| looking(None)).await;
}

#[tokio::test]
async fn regression_is_learned_once_in_every_weather() {
    in_every_weather(|| looking(Some(1))).await;
}

#[tokio::test]
async fn check_that_passes_when_it_is_run_again_says_nothing_against_the_fix() {
    let (mut world, merge) = merged().await;
    says(&world, &merge, "failure");
    hours_later(&mut world, 2).await;
    says(&world, &merge, "success");
    hours_later(&mut world, 3).await;
    assert_eq!(told(&world).await, [(true, "what passed before the merge passes after it".to_owned())]);
    assert_eq!((only_case(&world).await.status, endings(&world).await), (Status::Completed, vec![Ending::Merged]));
    world.finish();
}

#[tokio::test]
async fn check_that_nobody_runs_again_is_told_and_not_learned() {
    let (mut world, merge) = merged().await;
    says(&world, &merge, "failure");
    for _ in 0..6 {
        hours_later(&mut world, 13).await;
    }
    let [(false, detail)] = &told(&world).await[..] else { panic!("{:?}", told(&world).await) };
    assert!(detail.contains("nobody had it run again"), "{detail}");
    assert_eq!(reruns(&world), 0, "the App may not");
    assert_eq!((only_case(&world).await.status, endings(&world).await), (Status::Completed, vec![Ending::Merged]));
    world.finish();
}

#[tokio::test]
async fn check_that_failed_before_the_merge_too_is_not_its_fault() {
    let (mut world, merge) = merged().await;
    says(&world, &merge, "success");
    for _ in 0..6 {
        world.there().check(&merge, "github-actions", "lint", Some("failure"));
        hours_later(&mut world, 13).await;
    }
    assert_eq!(told(&world).await, [(true, "what passed before the merge passes after it".to_owned())]);
    assert_eq!(endings(&world).await, [Ending::Merged]);
    world.finish();
}
