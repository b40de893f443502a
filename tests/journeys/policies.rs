//! What policies, settings and guard rails make of one and the same wound.

use super::github::{healed, number, shop, shop_after_a_push, shop_with_hole};
use crate::world::World;
use crate::world::on_github::SOMEBODY;
use crate::world::weather::in_every_weather;
use agents::environment::effects::Effects;
use agents::kill_switch;
use jiff::SignedDuration;
use pipeline::case::{Case, Status};
use pipeline::policy::DEFAULT_POLICIES;

/// The built-in policies, of which the first says `more`.
fn with(more: &str) -> String {
    DEFAULT_POLICIES.replacen("rollback_enabled: true", &format!("rollback_enabled: true\n    {more}"), 1)
}

/// Somebody pushed in a world of these policies; nobody has worked yet.
async fn pushed_under(policies: impl AsRef<str>) -> World {
    let mut world = shop_after_a_push().await;
    world.set_policies(policies.as_ref());
    world
}

async fn only_case(world: &World) -> Case {
    let mut cases = world.cases().await;
    assert_eq!(cases.len(), 1, "{cases:#?}");
    cases.remove(0)
}

fn reasons(case: &Case) -> String {
    case.reasons.join("\n")
}

/// `minutes` pass, and the timer ticks.
async fn later(world: &mut World, minutes: i64) {
    world.clock.advance(SignedDuration::from_mins(minutes));
    world.sweep().await;
    world.live().await;
}

/// The world begins at midnight UTC: frozen until six in the morning.
const FROZEN: &str = "freeze: [{name: nights, from: '22:00', until: '06:00'}]";

#[tokio::test]
async fn frozen_fix_is_delivered_when_it_thaws() {
    let mut world = pushed_under(with(FROZEN)).await;
    world.live().await;
    let case = only_case(&world).await;
    assert_eq!((case.status, world.open_pulls().len()), (Status::Initiated, 0));
    assert!(reasons(&case).contains("freeze: `nights`; nothing is done before 2026-01-01T06:00:00Z"), "{case:#?}");
    assert_eq!(world.wake_ups().await.len(), 1);
    later(&mut world, 5 * 60).await;
    assert_eq!(world.open_pulls().len(), 0);
    later(&mut world, 61).await;
    assert_eq!((only_case(&world).await.status, world.open_pulls().len()), (Status::Proposed, 1));
    world.finish();
}

#[tokio::test]
async fn frozen_fix_is_held_in_every_weather() {
    in_every_weather(|| pushed_under(with(FROZEN))).await;
}

#[tokio::test]
async fn budget_that_is_used_up_is_renewed_at_midnight_of_its_time_zone() {
    // In Tokyo it is nine in the morning.
    let mut world =
        pushed_under(with("limits: {pull_requests_per_repository_per_day: 0, time_zone: Asia/Tokyo}")).await;
    world.live().await;
    let case = only_case(&world).await;
    assert_eq!((case.status, world.open_pulls().len()), (Status::Initiated, 0));
    assert!(reasons(&case).contains("budget: 0 pull requests were opened in this repository today; 0 are allowed"));
    assert!(reasons(&case).contains("nothing is done before 2026-01-01T15:00:00Z"), "{case:#?}");
    world.set_policies(&with("limits: {pull_requests_per_repository_per_day: 1, time_zone: Asia/Tokyo}"));
    later(&mut world, 15 * 60 - 1).await;
    assert_eq!(world.open_pulls().len(), 0);
    later(&mut world, 2).await;
    assert_eq!(world.open_pulls().len(), 1);
    world.finish();
}

#[tokio::test]
async fn pull_request_is_paid_for_once_in_every_weather() {
    in_every_weather(|| pushed_under(with("limits: {pull_requests_per_repository_per_day: 1}"))).await;
}

#[tokio::test]
async fn kill_switch_that_is_thrown_in_mid_case_stops_the_delivery_until_it_is_taken_back() {
    let mut world = shop_after_a_push().await;
    let env = world.process(Effects::default());
    // `scan` and `analyze` have worked.
    while world.bus.waiting.iter().all(|waiting| waiting.function != "remediate") {
        world.bus.deliver(0, &env).await.unwrap();
    }
    kill_switch::set(&env, true, "mona", "the registry is under attack").await.unwrap();
    world.live().await;
    let case = only_case(&world).await;
    assert_eq!((case.status, world.open_pulls().len()), (Status::Initiated, 0));
    assert!(reasons(&case).contains("kill switch: mona stopped everything: the registry is under attack"));
    for _ in 0..8 {
        later(&mut world, 16).await;
        assert_eq!(world.open_pulls().len(), 0);
    }
    kill_switch::set(&env, false, "mona", "it is over").await.unwrap();
    later(&mut world, 16).await;
    assert_eq!(world.open_pulls().len(), 1);
    world.finish();
}

#[tokio::test]
async fn large_patch_is_for_people() {
    let mut world = pushed_under(with("limits: {lines_max: 1}")).await;
    world.live().await;
    let case = only_case(&world).await;
    assert_eq!((case.status, world.open_pulls().len()), (Status::Escalated, 0));
    assert!(reasons(&case).contains("patch size: the patch changes"), "{case:#?}");
    world.finish();
}

#[tokio::test]
async fn mode_of_the_repository_is_the_ceiling_of_every_decision() {
    for (mode, status, drafts) in [("propose", Status::Proposed, vec![true]), ("observe", Status::Observed, vec![])] {
        let mut world = shop_with_hole().await;
        world.push("main", &[(".suture.yml", &format!("mode: {mode}\n"))]);
        world.live().await;
        let case = only_case(&world).await;
        let pulls: Vec<bool> = world.open_pulls().iter().map(|pull| pull["draft"].as_bool().unwrap()).collect();
        assert_eq!((case.status, pulls), (status, drafts), "{mode}: {case:#?}");
        world.finish();
    }
}

#[tokio::test]
async fn repository_tightens_what_the_policy_allows() {
    let mut world = shop_with_hole().await;
    world.push("main", &[(".suture.yml", "policies:\n  - auto_heal_severities: [low]\n")]);
    world.live().await;
    let case = only_case(&world).await;
    assert_eq!(world.open_pulls()[0]["draft"], true);
    assert!(reasons(&case).contains("severity medium is not in auto_heal_severities"), "{case:#?}");
    world.finish();
}

#[tokio::test]
async fn first_policy_whose_expression_holds_decides() {
    let ours = "policies:
  - name: latches
    event_type: vulnerability.dependency
    when: packages.exists(name, name == 'latch') && severity == 'medium'
    auto_heal_severities: []
    confidence_threshold: 0.9
    actions: [{type: update_dependency}, {type: create_pr}]
";
    let mut world = pushed_under(ours).await;
    world.live().await;
    assert_eq!(world.open_pulls()[0]["draft"], true);
    let mut world = pushed_under(ours.replace("'latch'", "'hinge'")).await;
    world.live().await;
    assert_eq!(world.open_pulls()[0]["draft"], false, "the built-in one decides");
    world.finish();
}

#[tokio::test]
async fn case_that_was_tried_too_often_is_for_people() {
    let mut world = shop_with_hole().await;
    world.set_policies(&with("limits: {attempts_per_case: 2}"));
    for lockfile in [&shop(), &healed(), &shop(), &healed(), &shop()].map(|project| project.lockfile()) {
        world.push("main", &[("package-lock.json", &format!("{lockfile}\n")), ("README.md", &lockfile)]);
        world.live().await;
        // A rebuilt pull request is no other try.
        world.push("main", &[("package-lock.json", &lockfile)]);
        world.live().await;
    }
    let case = only_case(&world).await;
    assert_eq!(case.status, Status::Escalated, "{case:#?}");
    assert!(reasons(&case).contains("attempts: 2 fixes of it were delivered within 30 days; 2 are allowed"));
    world.finish();
}

#[tokio::test]
async fn what_came_of_a_fix_is_learned() {
    let mut world = shop_after_a_push().await;
    world.live().await;
    let pull = number(&world.open_pulls()[0]);
    world.there().merge(pull, SOMEBODY);
    world.live().await;
    let env = world.process(Effects::default());
    let learned = agents::learned::anew(&env).await.unwrap();
    let (remedy, sums) = learned.all.remedies.first_key_value().expect("one remedy was tried");
    assert_eq!(remedy.as_str(), "update_dependency:npm:in_place");
    assert_eq!(sums.telling(), 1);
    world.finish();
}
