//! What policies, settings and guard rails make of one and the same wound.

use super::github::{healed, number, shop, shop_after_a_push, shop_with_hole};
use crate::world::World;
use crate::world::chance::Chance;
use crate::world::on_github::SOMEBODY;
use crate::world::weather::{in_every_weather, storm, to_one_end};
use agents::environment::effects::Effects;
use agents::kill_switch;
use jiff::SignedDuration;
use pipeline::case::{Case, Status};
use pipeline::decision::Decision;
use pipeline::policy::DEFAULT_POLICIES;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

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

#[tokio::test]
async fn finding_of_unknown_severity_is_not_healed_beside_one_that_may_be() {
    let mut world = shop_with_hole().await;
    world.advise("GHSA-dddd-eeee-ffff", "latch", "1.1.0", "NOBODY SAID");
    world.push("main", &[("README.md", "# Shop\n")]);
    world.hear().await;
    world.live().await;
    let case = only_case(&world).await;
    assert_eq!(case.decision, Some(Decision::Propose), "{case:#?}");
    assert!(reasons(&case).contains("severity medium may be healed"), "{case:#?}");
    assert!(reasons(&case).contains("the severity is unknown, so somebody has to approve"), "{case:#?}");
    let drafts: Vec<bool> = world.open_pulls().iter().map(|pull| pull["draft"] == true).collect();
    assert_eq!(drafts, [true]);
    world.finish();
}

#[tokio::test]
async fn fix_that_has_to_be_reviewed_is_healed_if_only_what_was_intended_is_changed() {
    let reviewed =
        |action: &str| DEFAULT_POLICIES.replacen(action, &format!("{action}\n        validation: code_review"), 1);
    for action in ["type: \"update_dependency\"", "type: \"create_pr\""] {
        let mut world = pushed_under(reviewed(action)).await;
        world.live().await;
        let case = only_case(&world).await;
        assert_eq!((case.decision, world.open_pulls().len()), (Some(Decision::Heal), 1), "{case:#?}");
        let review = case.steps.iter().find(|step| step.name == "code_review");
        assert!(review.is_some_and(|step| step.ok), "{case:#?}");
        assert!(reasons(&case).contains("code_review: only what was intended is changed"), "{case:#?}");
        world.finish();
    }
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
    later(&mut world, 67).await;
    assert_eq!((only_case(&world).await.status, world.open_pulls().len()), (Status::Proposed, 1));
    world.finish();
}

#[tokio::test]
async fn frozen_fix_thaws_in_every_weather() {
    let begin = || async {
        let mut world = pushed_under(with(FROZEN)).await;
        world.live().await;
        world.clock.advance(SignedDuration::from_mins(6 * 60 + 7));
        world.tick().await;
        assert!(world.bus.waiting.iter().any(|waiting| waiting.function == "scan"));
        world
    };
    to_one_end(begin, async |world| {
        assert_eq!((only_case(world).await.status, world.open_pulls().len()), (Status::Proposed, 1));
        assert_eq!(world.there().pulls().len(), 1);
    })
    .await;
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
    later(&mut world, 8).await;
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
        later(&mut world, 22).await;
        assert_eq!(world.open_pulls().len(), 0);
    }
    kill_switch::set(&env, false, "mona", "it is over").await.unwrap();
    later(&mut world, 22).await;
    assert_eq!(world.open_pulls().len(), 1);
    world.finish();
}

#[tokio::test]
async fn kill_switch_holds_in_every_weather() {
    in_every_weather(|| async {
        let world = shop_after_a_push().await;
        kill_switch::set(&world.process(Effects::default()), true, "mona", "the registry is under attack")
            .await
            .unwrap();
        world
    })
    .await;
}

/// Lets the agents work, while time passes with each message.
async fn work_slowly(world: &mut World) {
    let env = world.process(Effects::default());
    while !world.bus.waiting.is_empty() {
        world.bus.deliver(0, &env).await.unwrap();
        world.clock.advance(SignedDuration::from_millis(700));
    }
}

/// Four projects of one repository with the same hole. Somebody pushed.
async fn four_shops() -> World {
    let mut world = shop_with_hole().await;
    let (manifest, lockfile) = (shop().manifest(), shop().lockfile());
    let files = ["a", "b", "c"].map(|folder| {
        [(format!("{folder}/package.json"), &manifest), (format!("{folder}/package-lock.json"), &lockfile)]
    });
    let files: Vec<(&str, &str)> = files.iter().flatten().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    world.push("main", &files);
    world.hear().await;
    world
}

/// The runs of each case.
async fn runs_of_cases(world: &World) -> Vec<usize> {
    let mut runs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for key in world.keys("cases").await {
        let parts: Vec<&str> = key.split('/').collect();
        runs.entry(parts[1].to_owned()).or_default().insert(parts[2].to_owned());
    }
    runs.into_values().map(|runs| runs.len()).collect()
}

#[tokio::test]
async fn cases_of_a_branch_that_are_held_share_one_scan_each_time() {
    let mut world = four_shops().await;
    world.set_policies(&with("limits: {open_pull_requests_per_repository: 0}"));
    let rounds = 6;
    work_slowly(&mut world).await;
    for _ in 0..rounds {
        world.clock.advance(SignedDuration::from_mins(6 * 60 + 7));
        world.tick().await;
        work_slowly(&mut world).await;
    }
    let runs = runs_of_cases(&world).await;
    assert_eq!(runs.len(), 4);
    assert!(runs.iter().all(|runs| (rounds..=rounds + 1).contains(runs)), "{runs:?}");
    world.finish();
}

#[tokio::test]
async fn kill_switch_that_is_on_for_long_makes_no_history() {
    let mut world = four_shops().await;
    kill_switch::set(&world.process(Effects::default()), true, "mona", "look into it").await.unwrap();
    work_slowly(&mut world).await;
    assert_eq!(runs_of_cases(&world).await, [1; 4]);
    for _ in 0..12 {
        world.clock.advance(SignedDuration::from_mins(22));
        world.tick().await;
        work_slowly(&mut world).await;
    }
    assert_eq!(runs_of_cases(&world).await, [1; 4]);
    // What was handled goes with the next tick.
    world.sweep().await;
    assert_eq!(world.wake_ups().await.len(), 1, "they wait for the same look");
    kill_switch::set(&world.process(Effects::default()), false, "mona", "it is fine").await.unwrap();
    later(&mut world, 22).await;
    assert_eq!(world.open_pulls().len(), 4);
    world.finish();
}

#[tokio::test]
async fn look_that_is_put_off_by_the_kill_switch_ends_the_same_in_every_weather() {
    let begin = || async {
        let mut world = shop_after_a_push().await;
        let env = world.process(Effects::default());
        kill_switch::set(&env, true, "mona", "the registry is under attack").await.unwrap();
        world.live().await;
        world.clock.advance(SignedDuration::from_mins(22));
        world.tick().await;
        // A dashboard whose writer dies waits for its lease: that is another journey.
        world.bus.waiting.retain(|waiting| waiting.function == "scan");
        assert!(!world.bus.waiting.is_empty());
        world
    };
    to_one_end(begin, async |world| {
        assert_eq!((runs_of_cases(world).await, world.open_pulls().len()), (vec![1], 0));
        let wake_ups = world.wake_ups().await;
        assert!(wake_ups.iter().any(|key| key.starts_with("wakeups/20260101T0035/")), "{wake_ups:?}");
    })
    .await;
}

#[tokio::test]
async fn what_is_held_is_decided_by_the_head_of_its_branch() {
    let mut world = pushed_under(with(FROZEN)).await;
    world.live().await;
    assert_eq!(only_case(&world).await.status, Status::Initiated);
    // Nobody hears of this push.
    world.push("main", &[("package-lock.json", &healed().lockfile())]);
    world.github().take_deliveries();
    later(&mut world, 6 * 60 + 7).await;
    assert_eq!(world.open_pulls().len(), 0);
    let inventory = world.there().branch("main");
    let env = world.process(Effects::default());
    let found = agents::inventory::Inventory::find(&env.store, &world.there().name(), "main").await.unwrap();
    assert_eq!(found.map(|found| found.commit), inventory);
    world.finish();
}

/// Ignored until the third of January; the world begins on the first.
const IGNORED: &str = "ignore:\n  - id: GHSA-aaaa-bbbb-cccc\n    reason: nobody reaches it\n    expires: 2026-01-03\n";

async fn ignored() -> World {
    let mut world = shop_with_hole().await;
    world.push("main", &[(".suture.yml", IGNORED)]);
    world.hear().await;
    world
}

#[tokio::test]
async fn what_is_suppressed_is_healed_once_that_expires() {
    let mut world = ignored().await;
    world.live().await;
    let case = only_case(&world).await;
    assert_eq!((case.status, world.open_pulls().len()), (Status::Suppressed, 0), "{case:#?}");
    assert!(reasons(&case).contains("nobody reaches it"), "{case:#?}");
    // Nobody pushes: what the branch depends on is looked at again, a sixth of all in each hour.
    for _ in 0..24 {
        later(&mut world, 60).await;
    }
    assert_eq!(world.open_pulls().len(), 0);
    for _ in 0..48 {
        later(&mut world, 60).await;
    }
    assert_eq!((only_case(&world).await.status, world.open_pulls().len()), (Status::Proposed, 1));
    world.finish();
}

#[tokio::test]
async fn what_is_suppressed_stays_so_in_every_weather() {
    in_every_weather(ignored).await;
}

/// The offered fix was merged, and somebody undid it at once; of that push nobody heard.
async fn undone() -> World {
    let mut world = shop_after_a_push().await;
    world.live().await;
    let pull = number(&world.open_pulls()[0]);
    world.there().merge(pull, SOMEBODY);
    world.push("main", &[("package-lock.json", &shop().lockfile())]);
    world.hear().await;
    world.bus.waiting.retain(|delivery| delivery.function == "verify");
    world.settle().await;
    world
}

#[tokio::test]
async fn breaker_is_opened_by_harm_and_closed_by_its_probe() {
    let mut world = undone().await;
    world.push("main", &[("package.json", &format!("{}\n", shop().manifest()))]);
    world.live().await;
    let case = only_case(&world).await;
    assert_eq!((case.status, world.open_pulls().len()), (Status::Initiated, 0), "{case:#?}");
    assert!(reasons(&case).contains("circuit breaker: the remedy failed in this repository"), "{case:#?}");
    later(&mut world, 23 * 60).await;
    assert_eq!(world.open_pulls().len(), 0);
    later(&mut world, 67).await;
    let probe = &world.open_pulls()[0];
    assert_eq!(probe["draft"], true);
    assert!(reasons(&only_case(&world).await).contains("this is the one try that it gets"));
    world.there().merge(number(probe), SOMEBODY);
    world.live().await;
    assert_eq!(only_case(&world).await.status, Status::Completed);
    world.advise("GHSA-dddd-eeee-ffff", "latch", "1.3.0", "MODERATE");
    world.push("main", &[("package.json", &format!("{}\n\n", shop().manifest()))]);
    world.live().await;
    assert_eq!(world.open_pulls()[0]["draft"], false, "it is closed again");
    world.finish();
}

#[tokio::test]
async fn probe_that_fails_opens_the_breaker_for_longer() {
    let mut world = undone().await;
    world.push("main", &[("package.json", &format!("{}\n", shop().manifest()))]);
    world.live().await;
    later(&mut world, 24 * 60 + 7).await;
    let commit = world.there().branch(&only_case(&world).await.case.branch()).unwrap();
    world.there().check(&commit, "github-actions", "test", Some("failure"));
    world.live().await;
    assert_eq!(only_case(&world).await.status, Status::Failed);
    world.push("main", &[("package-lock.json", &healed().lockfile())]);
    world.live().await;
    world.push("main", &[("package-lock.json", &shop().lockfile())]);
    world.live().await;
    later(&mut world, 47 * 60).await;
    assert_eq!(world.open_pulls().len(), 0);
    later(&mut world, 67).await;
    assert_eq!(world.open_pulls().len(), 1);
    world.finish();
}

/// The newest value of the state whose name begins with `prefix`.
async fn state(world: &World, prefix: &str) -> Value {
    let keys = world.keys("state").await;
    let newest = keys.iter().rfind(|key| key.starts_with(&format!("state/{prefix}"))).expect(prefix);
    world.read(newest).await["value"].clone()
}

/// The breaker is open, and a case waits for it.
async fn waiting_for_the_breaker() -> World {
    let mut world = undone().await;
    world.push("main", &[("package.json", &format!("{}\n", shop().manifest()))]);
    world.live().await;
    assert!(reasons(&only_case(&world).await).contains("circuit breaker"));
    world
}

#[tokio::test]
async fn case_without_budget_does_not_take_the_one_try_of_the_breaker() {
    let mut world = waiting_for_the_breaker().await;
    world.set_policies(&with("limits: {pull_requests_per_repository_per_day: 0}"));
    later(&mut world, 24 * 60 + 7).await;
    let case = only_case(&world).await;
    assert!(reasons(&case).contains("budget: 0 pull requests were opened"), "{case:#?}");
    let breaker = state(&world, "breaker-").await;
    assert!(breaker["opened"] != Value::Null && breaker["probe"] == Value::Null, "{breaker}");
    world.set_policies(&with("limits: {pull_requests_per_repository_per_day: 1}"));
    later(&mut world, 24 * 60 + 7).await;
    assert_eq!(world.open_pulls().len(), 1);
    assert_ne!(state(&world, "breaker-").await["probe"], Value::Null);
    world.finish();
}

#[tokio::test]
async fn what_was_taken_for_a_fix_is_given_back_where_its_branch_is_of_somebody_else() {
    let mut world = waiting_for_the_breaker().await;
    world.push(&only_case(&world).await.case.branch(), &[("README.md", "mine\n")]);
    world.github().take_deliveries();
    later(&mut world, 24 * 60 + 7).await;
    let case = only_case(&world).await;
    assert_eq!(case.status, Status::Escalated, "{case:#?}");
    assert!(reasons(&case).contains("has commits of somebody else"), "{case:#?}");
    assert_eq!(state(&world, "breaker-").await["probe"], Value::Null);
    assert_eq!(state(&world, "budget-UTC-2026-01-02").await["cases"], json!({}));
}

#[tokio::test]
async fn breaker_opens_in_every_weather() {
    in_every_weather(|| async {
        let mut world = undone().await;
        world.push("main", &[("package.json", &format!("{}\n", shop().manifest()))]);
        world.hear().await;
        world
    })
    .await;
}

/// Vulnerable repositories, pushes to each of them, and pull requests that may be opened on one day.
const SHOPS: usize = 25;
const PUSHES: usize = 20;
const PER_DAY: usize = 7;

#[tokio::test]
async fn storm_of_five_hundred_pushes_stays_within_its_budget_and_loses_nothing() {
    let mut world = shop_with_hole().await;
    world.set_policies(&with(&format!("limits: {{pull_requests_per_day: {PER_DAY}}}")));
    let (manifest, lockfile) = (shop().manifest(), shop().lockfile());
    let files = [("package.json", manifest.as_str()), ("package-lock.json", lockfile.as_str())];
    let shops: Vec<_> =
        (0..SHOPS).map(|number| world.github().repository(&format!("octo/shop{number}"), &files)).collect();
    world.github().take_deliveries();
    for push in 0..PUSHES {
        for there in &shops {
            there.push("main", &[("CHANGES.md", &format!("{push}\n"))], SOMEBODY);
        }
    }
    assert_eq!(world.hear().await, SHOPS * PUSHES);
    let mut world = storm(world, Chance(500), 200).await;
    world.live().await;
    let offered = || shops.iter().filter(|there| !there.pulls().is_empty()).count();
    for day in 1..=SHOPS.div_ceil(PER_DAY) {
        assert_eq!(offered(), SHOPS.min(day * PER_DAY), "day {day}");
        // The world began at midnight.
        later(&mut world, 24 * 60 + 7).await;
    }
    for there in &shops {
        assert_eq!(there.pulls().len(), 1, "{}", there.name());
    }
    assert!(world.cases().await.iter().all(|case| case.status == Status::Proposed));
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
