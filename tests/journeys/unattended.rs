//! Fixes that wait for tests.

use super::github::{number, shop_with_hole};
use crate::world::World;
use crate::world::on_github::SOMEBODY;
use crate::world::weather::in_every_weather;
use jiff::SignedDuration;
use pipeline::case::Case;
use pipeline::ids::CommitSha;
use pipeline::policy::DEFAULT_POLICIES;

/// Settings that ask for nothing beyond the policies.
const AUTO: &str = "mode: auto\n";

/// The fix is offered under the built-in policies, of which the first says `more`, with these settings of the repository.
async fn offered_under(more: &str, settings: &str) -> World {
    let mut world = shop_with_hole().await;
    let policies =
        DEFAULT_POLICIES.replacen("rollback_enabled: true", &format!("rollback_enabled: true\n    {more}"), 1);
    world.set_policies(&policies);
    world.push("main", &[("README.md", "# Shop\n"), (".suture.yml", settings)]);
    world.live().await;
    assert_eq!(world.open_pulls().len(), 1);
    world
}

async fn only_case(world: &World) -> Case {
    let mut cases = world.cases().await;
    assert_eq!(cases.len(), 1, "{cases:#?}");
    cases.remove(0)
}

async fn offered_commit(world: &World) -> CommitSha {
    only_case(world).await.delivery.unwrap().commit.unwrap()
}

fn draft(world: &World) -> bool {
    world.open_pulls()[0]["draft"].as_bool().unwrap()
}

/// A check of the repository ends, and GitHub tells of it; nobody has worked yet.
async fn check_ends(world: &mut World, conclusion: &str) {
    let commit = offered_commit(world).await;
    world.there().check(&commit, "github-actions", "test", Some(conclusion));
    world.hear().await;
}

const TESTS: &str = "test_required: true";

#[tokio::test]
async fn fix_that_waits_for_tests_is_a_draft_until_they_pass() {
    let mut world = offered_under(TESTS, AUTO).await;
    assert!(draft(&world));
    let body = world.open_pulls()[0]["body"].as_str().unwrap().to_owned();
    assert!(body.contains("Where there are no checks, it stays one"), "{body}");
    check_ends(&mut world, "success").await;
    world.live().await;
    assert!(!draft(&world));
    let pull = number(&world.open_pulls()[0]);
    assert_eq!(world.there().comments(pull).len(), 1);
    // Somebody has a reason to make a draft of it again.
    world.there().redraft(pull, true, SOMEBODY);
    check_ends(&mut world, "success").await;
    world.live().await;
    assert!(draft(&world));
    assert_eq!(world.there().comments(pull).len(), 1);
    world.finish();
}

#[tokio::test]
async fn fix_that_waits_for_tests_is_made_ready_in_every_weather() {
    in_every_weather(|| async {
        let mut world = offered_under(TESTS, AUTO).await;
        check_ends(&mut world, "success").await;
        world
    })
    .await;
}

#[tokio::test]
async fn fix_that_waits_for_tests_stays_a_draft_where_they_fail_or_where_there_are_none() {
    for conclusion in [Some("failure"), Some("cancelled"), Some("skipped"), None] {
        let mut world = offered_under(TESTS, AUTO).await;
        if let Some(conclusion) = conclusion {
            check_ends(&mut world, conclusion).await;
        }
        world.live().await;
        hours_later(&mut world, 7).await;
        assert!(draft(&world), "{conclusion:?}");
        world.finish();
    }
}

#[tokio::test]
async fn fix_that_waits_for_approval_too_stays_a_draft_when_its_tests_pass() {
    let mut world = offered_under(TESTS, "mode: propose\n").await;
    check_ends(&mut world, "success").await;
    world.live().await;
    assert!(draft(&world));
    world.finish();
}

async fn hours_later(world: &mut World, hours: i64) {
    world.clock.advance(SignedDuration::from_hours(hours));
    world.sweep().await;
    world.live().await;
}
