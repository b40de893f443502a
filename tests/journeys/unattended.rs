//! Fixes that wait for tests, and fixes that are merged without people.

use super::github::{healed, number, shop, shop_with_hole};
use crate::world::World;
use crate::world::github::Fault;
use crate::world::on_github::SOMEBODY;
use crate::world::weather::{in_every_weather, to_one_end};
use agents::environment::effects::Effects;
use agents::{audit, kill_switch, learned, merges};
use jiff::{SignedDuration, Timestamp};
use pipeline::audit::Act;
use pipeline::case::{Case, Status, Step};
use pipeline::ids::CommitSha;
use pipeline::learning::merges::{Merge, OF_ONE_RELEASE_MAX};
use pipeline::learning::outcome::{Ending, OutcomeRecord, Remedy};
use pipeline::policy::DEFAULT_POLICIES;
use serde_json::Value;
use std::collections::BTreeSet;

/// Name of the steps that tell why something is not merged without people.
const WITHOUT_PEOPLE: &str = "verify: without people";

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

const MERGES: &str = "auto_merge: { wrong_rate_max: 0.1 }";

/// So many fixes of the same kind ended well, long enough ago.
async fn known_to_be_right(world: &World, times: u32) {
    let env = world.process(Effects::default());
    let at: Timestamp = "2025-12-10T00:00:00Z".parse().unwrap();
    for number in 0..times {
        let outcome = OutcomeRecord {
            case: format!("npm-{number}").parse().unwrap(),
            plan: "a plan".to_owned(),
            pull_request: 0,
            repository: "github.example/octo/other".parse().unwrap(),
            remedy: Remedy::from("update_dependency:npm:in_place".to_owned()),
            confidence: 0.95,
            is_unattended: false,
            at,
            ending: Ending::Merged,
            before: None,
            healed: Default::default(),
        };
        learned::keep(&env, at, &outcome).await.unwrap();
    }
    learned::learn(&env).await.unwrap();
}

async fn hours_later(world: &mut World, hours: i64) {
    world.clock.advance(SignedDuration::from_hours(hours));
    world.sweep().await;
    world.live().await;
}

/// The fix is offered and its checks have passed, where enough is known for it to be merged without people after an hour.
async fn about_to_merge(settings: &str) -> World {
    let mut world = offered_under(MERGES, settings).await;
    known_to_be_right(&world, 200).await;
    check_ends(&mut world, "success").await;
    world.live().await;
    assert_eq!(world.open_pulls().len(), 1, "people have an hour");
    world
}

/// Who merged it.
fn merged_by(world: &World) -> Option<String> {
    world.there().pulls()[0]["merged_by"]["login"].as_str().map(str::to_owned)
}

/// The steps called `name`, of all runs.
async fn steps(world: &World, name: &str) -> Vec<Step> {
    let records = world.records().await.into_iter();
    records.flat_map(|record| record.steps).filter(|step| step.name == name).collect()
}

async fn why_not(world: &World) -> Vec<Step> {
    steps(world, WITHOUT_PEOPLE).await
}

/// Nobody merges it, for a day; it is told why, once.
async fn stays_open(world: &mut World, why: &str) {
    for _ in 0..4 {
        hours_later(world, 7).await;
    }
    assert_eq!(merged_by(world), None);
    let told = why_not(world).await;
    assert_eq!(told.iter().filter(|step| step.detail.contains(why)).count(), 1, "{why}: {told:#?}");
}

async fn outcomes(world: &World) -> Vec<(Ending, bool)> {
    let mut outcomes = Vec::new();
    for key in world.keys("events").await {
        let event: Value = world.read(&key).await;
        if event["topic"] == "outcome.recorded" {
            let record: OutcomeRecord = serde_json::from_value(event["payload"].clone()).unwrap();
            outcomes.push((record.ending, record.is_unattended));
        }
    }
    outcomes
}

#[tokio::test]
async fn fix_of_a_remedy_that_is_known_to_be_right_is_merged_once_its_checks_pass() {
    let mut world = about_to_merge(AUTO).await;
    hours_later(&mut world, 7).await;
    assert_eq!(merged_by(&world), Some("suture-app[bot]".to_owned()));
    assert_eq!(world.there().text("main", "package-lock.json"), Some(healed().lockfile()));
    assert_eq!(only_case(&world).await.status, Status::Completed);
    assert_eq!(outcomes(&world).await, [(Ending::Merged, true)]);
    assert_eq!(world.github().asked().iter().filter(|line| line.ends_with("/merge")).count(), 1);
    let store = world.process(Effects::default()).store;
    let [entry] = &audit::entries(&store).await.unwrap()[..] else { panic!("it is in the audit once") };
    assert_eq!((entry.deed.who.as_str(), entry.deed.act), ("suture", Act::Merged));
    world.finish();
}

/// The hour is over, and GitHub tells of the checks once more; nobody has worked yet.
async fn merging() -> World {
    let mut world = about_to_merge(AUTO).await;
    world.clock.advance(SignedDuration::from_hours(2));
    // The first word merges it, the other one may be who hears of that.
    for _ in 0..2 {
        check_ends(&mut world, "success").await;
    }
    world
}

#[tokio::test]
async fn fix_is_merged_once_without_people_in_every_weather() {
    to_one_end(merging, async |world| {
        assert_eq!(merged_by(world), Some("suture-app[bot]".to_owned()));
        assert_eq!(world.there().text("main", "package-lock.json"), Some(healed().lockfile()));
        assert_eq!(only_case(world).await.status, Status::Completed);
        let told: BTreeSet<_> = outcomes(world).await.into_iter().collect();
        assert_eq!(told, [(Ending::Merged, true)].into());
        assert_eq!(world.keys("outcomes").await.len(), 200 + 1, "however often it is told, it is kept once");
        assert_eq!(why_not(world).await, Vec::new());
    })
    .await;
}

#[tokio::test]
async fn merge_whose_answer_is_lost_is_found() {
    let mut world = about_to_merge(AUTO).await;
    world.github().order("PUT", Fault::ErrorAfterWrite);
    hours_later(&mut world, 7).await;
    hours_later(&mut world, 1).await;
    assert_eq!((outcomes(&world).await, world.poison().await), (vec![(Ending::Merged, true)], Vec::new()));
    assert_eq!(world.github().asked().iter().filter(|line| line.ends_with("/merge")).count(), 1);
    world.finish();
}

/// The plan of what was offered last.
async fn plan(world: &World) -> String {
    only_case(world).await.delivery.unwrap().pull_request.unwrap().plan.unwrap()
}

/// Whether the fix by `plan` has a place among the merges without people.
async fn has_a_place(world: &World, plan: &str) -> bool {
    merges::has(&world.process(Effects::default()), &only_case(world).await.case, plan).await.unwrap()
}

/// Whoever took its place among the merges without people, the last one that its release has, died before it was merged.
async fn merged_in_vain() -> World {
    let world = about_to_merge(AUTO).await;
    world.clock.advance(SignedDuration::from_hours(7));
    let env = world.process(Effects::default());
    let others = (1..OF_ONE_RELEASE_MAX).map(|number| (format!("npm-{number}").parse().unwrap(), "a plan".to_owned()));
    for (case, plan) in others.chain([(only_case(&world).await.case, plan(&world).await)]) {
        let releases = ["npm latch 1.2.0".to_owned()].into();
        let merge = Merge { case, plan, releases, at: world.clock.now(), is_wrong: false };
        assert_eq!(merges::take(&env, &merge, 0.1).await.unwrap(), None);
    }
    assert!(has_a_place(&world, &plan(&world).await).await);
    world
}

#[tokio::test]
async fn fix_that_was_to_be_merged_in_vain_is_merged_when_it_is_tried_again() {
    let mut world = merged_in_vain().await;
    hours_later(&mut world, 0).await;
    assert_eq!((merged_by(&world), why_not(&world).await), (Some("suture-app[bot]".to_owned()), Vec::new()));
    assert_eq!(outcomes(&world).await, [(Ending::Merged, true)]);
    world.finish();
}

#[tokio::test]
async fn place_that_was_taken_in_vain_is_given_back_however_the_fix_ends() {
    for ending in [Ending::Merged, Ending::Declined, Ending::ChecksFailed] {
        let mut world = merged_in_vain().await;
        kill_switch::set(&world.process(Effects::default()), true, "mona", "look into it").await.unwrap();
        world.clock.advance(SignedDuration::from_mins(1));
        let (pull, plan) = (number(&world.open_pulls()[0]), plan(&world).await);
        match ending {
            Ending::Merged => drop(world.there().merge(pull, SOMEBODY)),
            Ending::Declined => world.there().close(pull, SOMEBODY),
            _ => check_ends(&mut world, "failure").await,
        }
        world.live().await;
        assert_eq!((outcomes(&world).await, has_a_place(&world, &plan).await), (vec![(ending, false)], false));
    }
}

#[tokio::test]
async fn place_that_was_taken_in_vain_is_given_back_where_the_fix_stays_open() {
    let mut world = merged_in_vain().await;
    kill_switch::set(&world.process(Effects::default()), true, "mona", "look into it").await.unwrap();
    hours_later(&mut world, 7).await;
    assert_eq!((merged_by(&world), has_a_place(&world, &plan(&world).await).await), (None, false));
    world.finish();
}

#[tokio::test]
async fn place_that_was_taken_in_vain_is_given_back_where_another_fix_is_offered_instead() {
    let mut world = merged_in_vain().await;
    let before = plan(&world).await;
    world.advise("GHSA-dddd-eeee-ffff", "latch", "1.3.0", "MODERATE");
    world.push("main", &[("package.json", &format!("{}\n", shop().manifest()))]);
    world.live().await;
    assert!(world.there().pulls().len() == 1 && plan(&world).await != before);
    assert!(!has_a_place(&world, &before).await);
}

#[tokio::test]
async fn fix_that_people_merge_is_not_one_that_was_merged_without_them() {
    let mut world = about_to_merge(AUTO).await;
    world.there().merge(number(&world.open_pulls()[0]), SOMEBODY);
    world.live().await;
    assert_eq!(outcomes(&world).await, [(Ending::Merged, false)]);
    world.finish();
}

#[tokio::test]
async fn without_enough_outcomes_nothing_is_merged() {
    let mut world = offered_under(MERGES, AUTO).await;
    known_to_be_right(&world, 15).await;
    check_ends(&mut world, "success").await;
    world.live().await;
    stays_open(&mut world, "15 outcomes of such fixes are known").await;
    world.finish();
}

#[tokio::test]
async fn what_the_policy_does_not_ask_for_is_not_merged_and_not_told() {
    let mut world = offered_under("limits: {}", AUTO).await;
    known_to_be_right(&world, 200).await;
    check_ends(&mut world, "success").await;
    world.live().await;
    hours_later(&mut world, 7).await;
    assert_eq!((merged_by(&world), why_not(&world).await), (None, Vec::new()));
    world.finish();
}

#[tokio::test]
async fn repository_may_ask_for_people() {
    let mut world = about_to_merge("policies: [{no_auto_merge: true}]\n").await;
    stays_open(&mut world, "no_auto_merge").await;
    world.finish();
}

#[tokio::test]
async fn kill_switch_holds_a_merge_until_it_is_taken_back() {
    let mut world = about_to_merge(AUTO).await;
    let env = world.process(Effects::default());
    kill_switch::set(&env, true, "mona", "look into it").await.unwrap();
    stays_open(&mut world, "kill switch: mona stopped everything").await;
    kill_switch::set(&env, false, "mona", "it is over").await.unwrap();
    hours_later(&mut world, 7).await;
    assert!(merged_by(&world).is_some());
    world.finish();
}

#[tokio::test]
async fn freeze_holds_a_merge() {
    let mut world = about_to_merge(AUTO).await;
    world.push(
        "main",
        &[(
            ".suture.yml",
            "policies: [{freeze: [{name: release, from: 2026-01-01T00:00, until: 2026-02-01T00:00}]}]\n",
        )],
    );
    world.live().await;
    stays_open(&mut world, "freeze: `release`").await;
    world.finish();
}

#[tokio::test]
async fn commit_of_somebody_else_leaves_the_merge_to_people() {
    let mut world = about_to_merge(AUTO).await;
    let branch = only_case(&world).await.case.branch();
    // Between the look and the merge, and nobody is told of it.
    world.there().push_before("/merge", &branch, &[("README.md", "# Mine\n")], "somebody");
    hours_later(&mut world, 7).await;
    world.github().take_deliveries();
    assert_eq!(merged_by(&world), None);
    let refused = steps(&world, "verify: merge").await;
    assert!(refused.len() == 1 && refused[0].detail.contains("Head branch was modified"), "{refused:?}");
    for _ in 0..4 {
        hours_later(&mut world, 7).await;
        assert_eq!(merged_by(&world), None);
    }
    world.finish();
}

#[tokio::test]
async fn check_that_failed_leaves_the_merge_to_people() {
    let mut world = about_to_merge(AUTO).await;
    check_ends(&mut world, "failure").await;
    world.live().await;
    hours_later(&mut world, 7).await;
    assert_eq!((merged_by(&world), draft(&world)), (None, true));
    world.finish();
}

#[tokio::test]
async fn draft_and_changes_that_somebody_asks_for_leave_the_merge_to_people() {
    let mut world = about_to_merge(AUTO).await;
    let pull = number(&world.open_pulls()[0]);
    world.there().redraft(pull, true, SOMEBODY);
    stays_open(&mut world, "the pull request is a draft").await;
    world.there().redraft(pull, false, SOMEBODY);
    world.there().review(pull, "CHANGES_REQUESTED", SOMEBODY);
    world.there().review(pull, "COMMENTED", SOMEBODY);
    hours_later(&mut world, 7).await;
    assert_eq!(merged_by(&world), None);
    world.there().review(pull, "APPROVED", SOMEBODY);
    hours_later(&mut world, 7).await;
    assert!(merged_by(&world).is_some());
    world.finish();
}

#[tokio::test]
async fn repository_that_refuses_a_merge_is_not_asked_for_ever() {
    let mut world = about_to_merge(AUTO).await;
    world.there().protect("main");
    for _ in 0..6 {
        hours_later(&mut world, 7).await;
    }
    let refused = steps(&world, "verify: merge").await.len();
    let asked = world.github().asked().iter().filter(|line| line.ends_with("/merge")).count();
    assert_eq!((merged_by(&world), refused, asked), (None, 3, 3));
    world.finish();
}

#[tokio::test]
async fn offer_that_nobody_touches_says_nothing_of_its_fix_until_it_is_merged_after_all() {
    let mut world = offered_under("limits: {}", AUTO).await;
    for _ in 0..5 {
        hours_later(&mut world, 7 * 24).await;
    }
    assert_eq!(outcomes(&world).await, [(Ending::Censored, false)]);
    world.there().merge(number(&world.open_pulls()[0]), SOMEBODY);
    world.live().await;
    let mut ended = outcomes(&world).await;
    ended.sort();
    assert_eq!(ended, [(Ending::Merged, false), (Ending::Censored, false)]);
    world.finish();
}

/// The fix was merged and holds; a day later somebody brings back what was there before.
async fn undone(days: i64) -> World {
    let mut world = offered_under("limits: {}", AUTO).await;
    world.there().merge(number(&world.open_pulls()[0]), SOMEBODY);
    world.live().await;
    world.clock.advance(SignedDuration::from_hours(days * 24));
    world.push("main", &[("package-lock.json", &shop().lockfile())]);
    world.hear().await;
    world
}

#[tokio::test]
async fn fix_that_is_undone_soon_after_its_merge_was_wrong() {
    let mut world = undone(1).await;
    world.live().await;
    // Seen again and again, it is told once.
    world.push("main", &[("package-lock.json", &format!("{}\n", shop().lockfile()))]);
    world.live().await;
    let mut ended = outcomes(&world).await;
    ended.sort();
    assert_eq!(ended, [(Ending::Merged, false), (Ending::Reverted, false)]);
    world.finish();
}

#[tokio::test]
async fn fix_that_is_undone_after_another_was_offered_was_wrong_all_the_same() {
    let mut world = offered_under("limits: {}", AUTO).await;
    world.there().merge(number(&world.open_pulls()[0]), SOMEBODY);
    world.live().await;
    world.clock.advance(SignedDuration::from_hours(24));
    world.advise("GHSA-dddd-eeee-ffff", "latch", "1.3.0", "MODERATE");
    world.push("main", &[("package.json", &format!("{}\n", healed().manifest()))]);
    world.live().await;
    assert_eq!((world.open_pulls().len(), outcomes(&world).await), (1, vec![(Ending::Merged, false)]));
    world.push("main", &[("package-lock.json", &shop().lockfile())]);
    world.live().await;
    let ended: BTreeSet<_> = outcomes(&world).await.into_iter().collect();
    assert!(ended.contains(&(Ending::Reverted, false)), "{ended:?}");
    world.finish();
}

#[tokio::test]
async fn fix_that_is_undone_long_after_its_merge_says_nothing_of_it() {
    let mut world = undone(15).await;
    world.live().await;
    assert_eq!(outcomes(&world).await, [(Ending::Merged, false)]);
    world.finish();
}

#[tokio::test]
async fn fix_that_is_undone_is_told_once_in_every_weather() {
    // Whether the next fix is offered before the breaker hears of it is left to chance.
    to_one_end(
        || undone(1),
        async |world| {
            let mut ended = outcomes(world).await;
            ended.sort();
            assert_eq!(ended, [(Ending::Merged, false), (Ending::Reverted, false)]);
        },
    )
    .await;
}
