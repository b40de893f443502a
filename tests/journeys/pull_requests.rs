//! What becomes of a pull request of ours when newer runs, people, checks and alerts come in between.

use super::github::{a_day_later, healed, number, shop, shop_after_a_push, shop_with_hole, shop_with_offer};
use crate::world::World;
use crate::world::github::Fault;
use crate::world::on_github::SOMEBODY;
use crate::world::project::Project;
use crate::world::weather::{in_every_weather, to_one_end};
use agents::history::RUNS_READ_MAX;
use agents::in_process::Delivery;
use jiff::SignedDuration;
use pipeline::case::{Case, Outcome, Status, Step};
use pipeline::ids::CommitSha;
use pipeline::message::{RunId, queue, topic};
use pipeline::payload::{Mode, ScanRequested};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// `bolt` asks for `latch ~1.0.0`, of which every version is vulnerable.
fn shop_without_fix() -> Project {
    Project::new().needs("bolt", "^1.0.0").locks("bolt", "1.0.0", &[("latch", "~1.0.0")]).locks("latch", "1.0.3", &[])
}

const IGNORED: &str = "ignore:\n  - id: GHSA-aaaa-bbbb-cccc\n    reason: nobody gets there\n";

async fn only_case(world: &World) -> Case {
    let mut cases = world.cases().await;
    assert_eq!(cases.len(), 1, "{cases:#?}");
    cases.remove(0)
}

/// The outcomes of what was offered, with the runs that offered it, as often as they are recorded.
async fn outcomes_by_run(world: &World) -> Vec<(RunId, Outcome)> {
    let mut records = world.records().await;
    records.sort_by_key(|record| (record.run, record.hops));
    records.into_iter().filter_map(|record| Some((record.run, record.outcome?))).collect()
}

async fn outcomes(world: &World) -> Vec<Outcome> {
    outcomes_by_run(world).await.into_iter().map(|(_, outcome)| outcome).collect()
}

/// One for each run that offered something: in bad weather, who looks at the same time may tell of it twice.
async fn outcomes_of_runs(world: &World) -> Vec<Outcome> {
    outcomes_by_run(world).await.into_iter().collect::<BTreeMap<_, _>>().into_values().collect()
}

fn steps<'a>(case: &'a Case, name: &str) -> Vec<&'a Step> {
    case.steps.iter().filter(|step| step.name == name).collect()
}

/// A later run of the case sees it, and does nothing: nobody asked for more yet.
async fn observe(world: &mut World) {
    world.rewrite("inventory", |inventory| inventory["mode"] = json!(Mode::Observe)).await;
    let (repository, base_branch) = (world.there().name(), "main".to_owned());
    let commit = world.there().branch("main").unwrap();
    let request = ScanRequested { repository, base_branch, commit, mode: Mode::Observe, is_anew: true };
    world.send(queue::SCAN, topic::SCAN_REQUESTED, &request);
    world.live().await;
    assert_eq!(only_case(world).await.status, Status::Observed);
}

/// The base moves on to where nothing can be mended.
fn push_without_fix(world: &mut World) {
    world.registry.publish("bolt", "1.0.0", &[("latch", "~1.0.0")]);
    let base = shop_without_fix();
    world.push("main", &[("package.json", &base.manifest()), ("package-lock.json", &base.lockfile())]);
}

#[tokio::test]
async fn merge_is_followed_though_a_newer_run_only_observed() {
    let mut world = shop_with_offer().await;
    let pull = number(&world.open_pulls()[0]);
    observe(&mut world).await;
    world.there().merge(pull, SOMEBODY);
    world.live().await;
    assert_eq!(outcomes(&world).await, [Outcome::Verified]);
    // What the newer run told of is gone as well.
    assert_eq!(only_case(&world).await.status, Status::Completed);
    world.finish();
}

#[tokio::test]
async fn merge_behind_a_newer_run_is_followed_in_every_weather() {
    in_every_weather(|| async {
        let mut world = shop_with_offer().await;
        let pull = number(&world.open_pulls()[0]);
        observe(&mut world).await;
        world.there().merge(pull, SOMEBODY);
        world.hear().await;
        world
    })
    .await;
}

#[tokio::test]
async fn merge_behind_a_newer_run_that_nobody_told_of_is_seen_once_a_day() {
    let mut world = shop_with_offer().await;
    let pull = number(&world.open_pulls()[0]);
    observe(&mut world).await;
    world.there().merge(pull, SOMEBODY);
    world.github().take_deliveries();
    a_day_later(&mut world).await;
    assert_eq!(outcomes(&world).await, [Outcome::Verified]);
    a_day_later(&mut world).await;
    assert_eq!(world.keys("offered").await, Vec::<String>::new());
    assert_eq!(outcomes(&world).await, [Outcome::Verified], "once");
    world.finish();
}

#[tokio::test]
async fn declined_behind_a_newer_run_is_an_outcome_and_changes_nothing_of_its_word() {
    let mut world = shop_with_offer().await;
    let pull = number(&world.open_pulls()[0]);
    observe(&mut world).await;
    world.there().close(pull, SOMEBODY);
    world.live().await;
    assert_eq!(outcomes(&world).await, [Outcome::Declined]);
    assert_eq!(only_case(&world).await.status, Status::Observed);
    world.finish();
}

#[tokio::test]
async fn failed_checks_behind_a_newer_run_are_told() {
    let mut world = shop_with_offer().await;
    let commit = only_case(&world).await.delivery.unwrap().commit.unwrap();
    observe(&mut world).await;
    world.there().check(&commit, "github-actions", "test", Some("failure"));
    world.live().await;
    assert_eq!(world.open_pulls()[0]["draft"], true);
    assert_eq!(only_case(&world).await.status, Status::Observed);
    world.finish();
}

#[tokio::test]
async fn offer_that_an_older_release_kept_is_followed() {
    let mut world = shop_with_offer().await;
    let pull = number(&world.open_pulls()[0]);
    world
        .rewrite("offered", |value| {
            value.as_object_mut().unwrap().remove("offer").unwrap();
        })
        .await;
    observe(&mut world).await;
    world.there().merge(pull, SOMEBODY);
    world.live().await;
    assert_eq!(outcomes(&world).await, [Outcome::Verified]);
    world.finish();
}

#[tokio::test]
async fn offer_is_taken_back_where_its_base_has_no_fix_any_more_and_made_anew_once_there_is_one() {
    let mut world = shop_with_offer().await;
    let pull = number(&world.open_pulls()[0]);
    push_without_fix(&mut world);
    world.live().await;
    assert_eq!((world.open_pulls(), world.there().branches()), (Vec::new(), vec!["main".to_owned()]));
    let said = world.there().comments(pull);
    assert!(said.len() == 1 && said[0].contains("not proven any more"), "{said:?}");
    assert_eq!(only_case(&world).await.status, Status::Escalated, "the newer word stands");
    assert_eq!(outcomes(&world).await, [], "nobody decided anything");
    world.push("main", &[("package.json", &shop().manifest()), ("package-lock.json", &shop().lockfile())]);
    world.live().await;
    assert_eq!(world.open_pulls().len(), 1);
    assert_eq!(only_case(&world).await.status, Status::Proposed);
    world.finish();
}

#[tokio::test]
async fn offer_without_a_fix_at_its_base_is_taken_back_in_every_weather() {
    in_every_weather(|| async {
        let mut world = shop_with_offer().await;
        push_without_fix(&mut world);
        world.hear().await;
        world
    })
    .await;
}

/// What was seen at the base has yet to be acted on, when a push comes that changes nothing that is read.
async fn push_more_before_verify_works(world: &mut World) {
    world.hear().await;
    let env = world.process(Default::default());
    while !world.bus.waiting.iter().any(|delivery| delivery.function == "verify") {
        world.bus.deliver(0, &env).await.unwrap();
    }
    world.push("main", &[("src/index.js", "42\n")]);
    world.live().await;
}

#[tokio::test]
async fn offer_of_what_is_gone_is_taken_back_though_a_harmless_push_follows() {
    let mut world = shop_with_offer().await;
    world.push("main", &[("package-lock.json", &healed().lockfile())]);
    push_more_before_verify_works(&mut world).await;
    assert_eq!((world.open_pulls(), world.there().branches()), (Vec::new(), vec!["main".to_owned()]));
    assert_eq!(only_case(&world).await.status, Status::FalsePositive);
    world.finish();
}

#[tokio::test]
async fn offer_without_a_fix_at_its_base_is_taken_back_though_a_harmless_push_follows() {
    let mut world = shop_with_offer().await;
    push_without_fix(&mut world);
    push_more_before_verify_works(&mut world).await;
    assert_eq!((world.open_pulls(), world.there().branches()), (Vec::new(), vec!["main".to_owned()]));
    assert_eq!(only_case(&world).await.status, Status::Escalated);
    world.finish();
}

#[tokio::test]
async fn offer_of_what_is_gone_is_taken_back_whenever_a_harmless_push_follows() {
    let begin = || async {
        let mut world = shop_with_offer().await;
        world.push("main", &[("package-lock.json", &healed().lockfile())]);
        world.hear().await;
        world.push("main", &[("src/index.js", "42\n")]);
        world.hear().await;
        world
    };
    to_one_end(begin, async |world| {
        assert_eq!((world.open_pulls(), world.there().branches()), (Vec::new(), vec!["main".to_owned()]));
        assert_eq!(only_case(world).await.status, Status::FalsePositive);
    })
    .await;
}

#[tokio::test]
async fn harmless_push_leaves_an_offer_that_stands_where_it_is() {
    let mut world = shop_with_offer().await;
    let before = only_case(&world).await;
    for line in ["42\n", "43\n"] {
        world.push("main", &[("src/index.js", line)]);
        world.live().await;
    }
    let case = only_case(&world).await;
    assert_eq!((case.run, case.delivery), (before.run, before.delivery), "no other run looked at the files");
    world.finish();
}

#[tokio::test]
async fn offer_of_what_is_suppressed_meanwhile_is_taken_back() {
    let mut world = shop_with_offer().await;
    let pull = number(&world.open_pulls()[0]);
    world.push("main", &[(".suture.yml", IGNORED)]);
    world.live().await;
    assert_eq!(world.open_pulls(), Vec::<Value>::new());
    assert!(world.there().comments(pull)[0].contains("nobody gets there"));
    assert_eq!(only_case(&world).await.status, Status::Suppressed);
    world.finish();
}

#[tokio::test]
async fn settings_that_can_not_be_read_leave_the_offer_as_it_is() {
    let mut world = shop_with_offer().await;
    world.push("main", &[(".suture.yml", "ignore: 3\n")]);
    world.live().await;
    assert_eq!(only_case(&world).await.status, Status::Escalated);
    a_day_later(&mut world).await;
    let pulls = world.open_pulls();
    assert_eq!(pulls.len(), 1);
    assert_eq!(world.there().comments(number(&pulls[0])), Vec::<String>::new());
    world.finish();
}

/// The base moves on: it has to be read again, and the same is wrong with it.
fn push_blank_line(world: &mut World) {
    world.push("main", &[("package.json", &format!("{}\n", shop().manifest()))]);
}

#[tokio::test]
async fn registry_that_lets_nobody_in_leaves_the_offer_as_it_is() {
    let mut world = shop_with_offer().await;
    world.registry.refuse(Some(401), None);
    push_blank_line(&mut world);
    world.live().await;
    let case = only_case(&world).await;
    assert_eq!((case.status, steps(&case, "facts").len()), (Status::Escalated, 1), "{case:#?}");
    a_day_later(&mut world).await;
    let [pull] = &world.open_pulls()[..] else { panic!("{:?}", world.there().pulls()) };
    assert_eq!(world.there().comments(number(pull)), Vec::<String>::new());
    // Let in again, it is asked at the next push, whatever that changes.
    world.registry.refuse(None, None);
    world.push("main", &[("src/index.js", "42\n")]);
    world.live().await;
    assert_eq!((world.open_pulls().len(), only_case(&world).await.status), (1, Status::Proposed));
    world.finish();
}

#[tokio::test]
async fn registry_that_is_not_reached_is_asked_again_for_half_an_hour_and_the_offer_stays() {
    for is_back in [true, false] {
        let mut world = shop_with_offer().await;
        let address = std::mem::replace(&mut world.registry.address, "http://127.0.0.1:9/".to_owned());
        push_blank_line(&mut world);
        world.live().await;
        for minutes in [2, 4, 8, 16] {
            let status = only_case(&world).await.status;
            assert_eq!((status, world.open_pulls().len()), (Status::Initiated, 1), "before {minutes}");
            world.clock.advance(SignedDuration::from_mins(minutes));
            world.sweep().await;
        }
        if is_back {
            world.registry.address = address;
        }
        world.clock.advance(SignedDuration::from_mins(32));
        world.sweep().await;
        world.live().await;
        let expected = if is_back { Status::Proposed } else { Status::Escalated };
        assert_eq!((only_case(&world).await.status, world.open_pulls().len()), (expected, 1));
        a_day_later(&mut world).await;
        assert_eq!(world.open_pulls().len(), 1, "back {is_back}");
        world.finish();
    }
}

#[tokio::test]
async fn offer_that_others_committed_to_is_not_taken_back() {
    let mut world = shop_with_offer().await;
    let branch = only_case(&world).await.case.branch();
    let theirs = world.push(&branch, &[("package-lock.json", "{}\n")]);
    // Nobody is told of it.
    world.github().take_deliveries();
    push_without_fix(&mut world);
    world.live().await;
    assert_eq!((world.open_pulls().len(), world.there().branch(&branch)), (1, Some(theirs)));
    world.finish();
}

#[tokio::test]
async fn merge_to_a_branch_that_can_not_be_read_verifies_nothing_until_it_can() {
    let mut world = shop_with_offer().await;
    world.there().merge(number(&world.open_pulls()[0]), SOMEBODY);
    world.push("main", &[("package-lock.json", "{ \"packages\": \n")]);
    world.live().await;
    for _ in 0..2 {
        assert_eq!((only_case(&world).await.status, outcomes(&world).await), (Status::Failed, Vec::new()));
        assert_eq!(notices_of(&world, "package-lock.json can't be read"), 1);
        a_day_later(&mut world).await;
    }
    world.push("main", &[("package-lock.json", &healed().lockfile())]);
    world.live().await;
    a_day_later(&mut world).await;
    assert_eq!((only_case(&world).await.status, outcomes(&world).await), (Status::Completed, vec![Outcome::Verified]));
    world.finish();
}

#[tokio::test]
async fn merge_to_another_branch_says_nothing_of_the_fix() {
    let mut world = shop_with_offer().await;
    let pull = number(&world.open_pulls()[0]);
    world.push("develop", &[("README.md", "# Next\n")]);
    world.there().retarget(pull, "develop", SOMEBODY);
    world.there().merge(pull, SOMEBODY);
    world.live().await;
    let case = only_case(&world).await;
    assert_eq!((case.status, outcomes(&world).await), (Status::Superseded, Vec::new()), "{case:#?}");
    let [step] = steps(&case, "verify: stands")[..] else { panic!("{case:#?}") };
    assert!(step.detail.contains("merged to develop"), "{step:?}");
    world.finish();
}

#[tokio::test]
async fn offer_that_is_closed_with_its_base_is_not_declined() {
    for is_merged in [false, true] {
        let mut world = shop_with_offer().await;
        let pull = number(&world.open_pulls()[0]);
        match is_merged {
            true => drop(world.there().merge(pull, SOMEBODY)),
            false => world.there().close(pull, SOMEBODY),
        }
        world.there().delete("main", SOMEBODY);
        world.live().await;
        let case = only_case(&world).await;
        assert_eq!((case.status, outcomes(&world).await), (Status::Superseded, Vec::new()), "merged {is_merged}");
        world.finish();
    }
}

#[tokio::test]
async fn offer_of_another_identity_is_not_taken_back() {
    let mut world = shop_with_offer().await;
    let (pull, branch) = (number(&world.open_pulls()[0]), only_case(&world).await.case.branch());
    world.hub.as_mut().unwrap().user = Some("helper".to_owned());
    push_without_fix(&mut world);
    world.live().await;
    assert_eq!((world.open_pulls().len(), world.there().comments(pull)), (1, Vec::new()));
    assert!(world.there().branch(&branch).is_some());
    world.finish();
}

/// The fix is offered, and `verify` has yet to look at it.
async fn shop_with_unverified_offer() -> World {
    let mut world = shop_after_a_push().await;
    let env = world.process(Default::default());
    while world.open_pulls().is_empty() {
        world.bus.deliver(0, &env).await.unwrap();
    }
    assert!(world.bus.waiting.iter().any(|delivery| delivery.function == "verify"));
    world
}

#[tokio::test]
async fn what_is_merged_before_it_was_verified_is_verified_at_its_base() {
    let begin = || async {
        let mut world = shop_with_unverified_offer().await;
        let pull = number(&world.open_pulls()[0]);
        world.there().merge(pull, SOMEBODY);
        world.hear().await;
        world
    };
    to_one_end(begin, async |world| {
        let case = only_case(world).await;
        assert_eq!((case.status, case.outcome), (Status::Completed, Some(Outcome::Verified)), "{case:#?}");
        assert_eq!(outcomes_of_runs(world).await, [Outcome::Verified]);
    })
    .await;
}

#[tokio::test]
async fn what_is_declined_before_it_was_verified_stays_declined() {
    let begin = || async {
        let mut world = shop_with_unverified_offer().await;
        let pull = number(&world.open_pulls()[0]);
        world.there().close(pull, SOMEBODY);
        world.hear().await;
        world
    };
    to_one_end(begin, async |world| {
        let case = only_case(world).await;
        assert_eq!((case.status, case.outcome), (Status::Suppressed, Some(Outcome::Declined)), "{case:#?}");
        assert_eq!(outcomes_of_runs(world).await, [Outcome::Declined]);
    })
    .await;
}

#[tokio::test]
async fn offer_that_a_later_run_took_over_is_not_begun_anew_by_who_was_put_off() {
    let mut world = shop_with_unverified_offer().await;
    let is_late = |delivery: &Delivery| delivery.function == "verify";
    let (late, others) = std::mem::take(&mut world.bus.waiting).into_iter().partition(is_late);
    world.bus.waiting = others;
    world.clock.advance(SignedDuration::from_hours(1));
    world.push("main", &[("package.json", &format!("{}\n", shop().manifest()))]);
    world.live().await;
    world.there().merge(number(&world.open_pulls()[0]), SOMEBODY);
    world.live().await;
    a_day_later(&mut world).await;
    assert_eq!(world.keys("offered").await, Vec::<String>::new());
    world.bus.waiting = late;
    world.live().await;
    assert_eq!(world.there().pulls().len(), 1);
    assert_eq!(outcomes(&world).await, [Outcome::Verified]);
    assert_eq!(world.keys("offered").await, Vec::<String>::new());
    world.finish();
}

/// Somebody takes what Suture wrote out of the text.
fn take_mark_out(world: &World, pull: u64) {
    world.there().edit(pull, "I will look at it.", SOMEBODY);
}

#[tokio::test]
async fn fix_is_declined_though_its_mark_was_taken_out_and_is_not_offered_again() {
    let mut world = shop_with_offer().await;
    let pull = number(&world.open_pulls()[0]);
    take_mark_out(&world, pull);
    world.there().close(pull, SOMEBODY);
    world.live().await;
    let case = only_case(&world).await;
    assert_eq!((case.status, case.outcome), (Status::Suppressed, Some(Outcome::Declined)));
    for lines in 1..3 {
        world.push("main", &[("package.json", &format!("{}{}", shop().manifest(), "\n".repeat(lines)))]);
        world.live().await;
        assert_eq!((world.open_pulls().len(), only_case(&world).await.status), (0, Status::Suppressed));
    }
    world.finish();
}

#[tokio::test]
async fn fix_that_was_declined_is_not_offered_again_though_another_was_offered_in_between() {
    let mut world = shop_with_hole().await;
    let with_hinge = |version| shop().needs("hinge", "^1.0.0").locks("hinge", version, &[]);
    for version in ["1.0.0", "1.1.0"] {
        world.registry.publish("hinge", version, &[]);
    }
    let push = |world: &mut World, project: &Project| {
        world.push("main", &[("package.json", &project.manifest()), ("package-lock.json", &project.lockfile())]);
    };
    push(&mut world, &with_hinge("1.0.0"));
    world.live().await;
    let declined = number(&world.open_pulls()[0]);
    world.there().close(declined, SOMEBODY);
    world.live().await;
    world.advise("GHSA-dddd-eeee-ffff", "hinge", "1.1.0", "MODERATE");
    world.push("main", &[("package.json", &format!("{}\n", with_hinge("1.0.0").manifest()))]);
    world.live().await;
    assert!(world.open_pulls().len() == 1 && number(&world.open_pulls()[0]) != declined, "another fix is offered");
    // Somebody mends the other hole by hand.
    push(&mut world, &with_hinge("1.1.0"));
    world.live().await;
    let case = only_case(&world).await;
    assert_eq!((case.status, world.open_pulls().len()), (Status::Suppressed, 0), "{case:#?}");
    assert!(case.reasons[0].contains(&format!("#{declined} was closed")), "{case:#?}");
    world.finish();
}

/// So many runs that the one which offered the fix is not read any more come to nothing, for it was declined.
async fn push_until_the_offer_is_long_ago(world: &mut World) {
    for lines in 1..=RUNS_READ_MAX + 1 {
        world.push("main", &[("package.json", &format!("{}{}", shop().manifest(), "\n".repeat(lines)))]);
        world.live().await;
        assert_eq!((world.open_pulls().len(), only_case(world).await.status), (0, Status::Suppressed), "{lines}");
    }
    assert_eq!(only_case(world).await.delivery, None);
}

#[tokio::test]
async fn fix_that_was_declined_long_ago_is_not_offered_again_and_can_be_opened_again() {
    let mut world = shop_with_offer().await;
    let pull = number(&world.open_pulls()[0]);
    take_mark_out(&world, pull);
    world.there().close(pull, SOMEBODY);
    world.live().await;
    push_until_the_offer_is_long_ago(&mut world).await;
    world.there().reopen(pull, SOMEBODY);
    world.live().await;
    assert_eq!((world.open_pulls().len(), only_case(&world).await.status), (1, Status::Proposed));
    world.finish();
}

#[tokio::test]
async fn fix_whose_run_was_forgotten_can_be_opened_again() {
    let (mut world, pull) = shop_with_declined_offer().await;
    let offered_in = outcomes_by_run(&world).await[0].0;
    push_until_the_offer_is_long_ago(&mut world).await;
    for key in world.keys("cases").await.iter().filter(|key| key.contains(&offered_in.to_string())) {
        world.delete(key).await;
    }
    world.there().reopen(pull, SOMEBODY);
    world.live().await;
    assert_eq!((world.open_pulls().len(), only_case(&world).await.status), (1, Status::Proposed));
    world.finish();
}

#[tokio::test]
async fn what_suture_takes_back_is_not_declined_though_its_mark_was_taken_out() {
    let mut world = shop_with_offer().await;
    take_mark_out(&world, number(&world.open_pulls()[0]));
    world.push("main", &[("package-lock.json", &healed().lockfile())]);
    world.live().await;
    assert_eq!((world.open_pulls().len(), only_case(&world).await.status), (0, Status::FalsePositive));
    assert_eq!(outcomes(&world).await, []);
    world.push("main", &[("package-lock.json", &shop().lockfile())]);
    world.live().await;
    assert_eq!(world.open_pulls().len(), 1, "nobody declined it");
    world.finish();
}

/// Somebody declined the fix.
async fn shop_with_declined_offer() -> (World, u64) {
    let mut world = shop_with_offer().await;
    let pull = number(&world.open_pulls()[0]);
    world.there().close(pull, SOMEBODY);
    world.live().await;
    assert_eq!(only_case(&world).await.status, Status::Suppressed);
    (world, pull)
}

#[tokio::test]
async fn declined_fix_that_somebody_opens_again_is_proposed_and_looked_after_again() {
    let (mut world, pull) = shop_with_declined_offer().await;
    // A later run came to nothing, because it was declined.
    world.push("main", &[("package.json", &format!("{}\n", shop().manifest()))]);
    world.live().await;
    assert_eq!(only_case(&world).await.status, Status::Suppressed);
    world.there().reopen(pull, SOMEBODY);
    world.live().await;
    let case = only_case(&world).await;
    assert_eq!((case.status, case.outcome), (Status::Proposed, None), "{case:#?}");
    let [open] = &world.open_pulls()[..] else { panic!("{:?}", world.there().pulls()) };
    assert_eq!(
        (number(open), open["base"]["sha"].as_str()),
        (pull, world.there().branch("main").as_ref().map(CommitSha::as_str))
    );
    world.there().merge(pull, SOMEBODY);
    world.live().await;
    let case = only_case(&world).await;
    assert_eq!((case.status, case.outcome), (Status::Completed, Some(Outcome::Verified)), "{case:#?}");
    world.finish();
}

#[tokio::test]
async fn declined_fix_is_opened_again_though_its_repository_was_renamed() {
    let (mut world, pull) = shop_with_declined_offer().await;
    world.push("main", &[("package.json", &format!("{}\n", shop().manifest()))]);
    world.live().await;
    world.there().rename("octo/store");
    world.live().await;
    world.there().reopen(pull, SOMEBODY);
    world.live().await;
    let case = only_case(&world).await;
    assert_eq!((case.status, case.wound.unwrap().repository), (Status::Proposed, world.there().name()));
    world.there().merge(pull, SOMEBODY);
    world.live().await;
    assert_eq!(only_case(&world).await.outcome, Some(Outcome::Verified));
    a_day_later(&mut world).await;
    assert_eq!(world.keys("offered").await, Vec::<String>::new());
    world.finish();
}

#[tokio::test]
async fn declined_fix_that_is_opened_again_unheard_is_seen_once_a_day() {
    let (mut world, pull) = shop_with_declined_offer().await;
    world.there().reopen(pull, SOMEBODY);
    world.github().take_deliveries();
    a_day_later(&mut world).await;
    assert_eq!(only_case(&world).await.status, Status::Proposed);
    let records = world.records().await.len();
    a_day_later(&mut world).await;
    assert_eq!(world.records().await.len(), records, "nothing comes of what is offered");
    world.there().merge(pull, SOMEBODY);
    world.live().await;
    assert_eq!(only_case(&world).await.outcome, Some(Outcome::Verified));
    world.finish();
}

#[tokio::test]
async fn declined_fix_is_opened_again_in_every_weather() {
    in_every_weather(|| async {
        let (mut world, pull) = shop_with_declined_offer().await;
        world.there().reopen(pull, SOMEBODY);
        world.hear().await;
        world
    })
    .await;
}

#[tokio::test]
async fn fix_that_is_closed_once_more_is_declined_once_more() {
    let (mut world, pull) = shop_with_declined_offer().await;
    world.there().reopen(pull, SOMEBODY);
    world.live().await;
    world.there().close(pull, SOMEBODY);
    world.live().await;
    let case = only_case(&world).await;
    assert_eq!((case.status, case.outcome), (Status::Suppressed, Some(Outcome::Declined)), "{case:#?}");
    world.finish();
}

/// Suture took its offer back, for nothing was left to mend. Somebody may have the branch again, and the pull request too.
async fn shop_with_offer_taken_back() -> (World, u64, CommitSha) {
    let mut world = shop_with_offer().await;
    let pull = number(&world.open_pulls()[0]);
    let commit = only_case(&world).await.delivery.unwrap().commit.unwrap();
    world.push("main", &[("package-lock.json", &healed().lockfile())]);
    world.live().await;
    assert_eq!((world.open_pulls().len(), only_case(&world).await.status), (0, Status::FalsePositive));
    (world, pull, commit)
}

#[tokio::test]
async fn offer_that_was_taken_back_and_is_opened_again_is_for_people() {
    let (mut world, pull, commit) = shop_with_offer_taken_back().await;
    let branch = only_case(&world).await.case.branch();
    world.there().force(&branch, &commit, SOMEBODY);
    world.there().reopen(pull, SOMEBODY);
    world.live().await;
    assert_eq!(only_case(&world).await.status, Status::Proposed);
    // Another scan finds nothing to mend, and leaves it open.
    world.push("main", &[("package.json", &format!("{}\n", healed().manifest()))]);
    world.live().await;
    a_day_later(&mut world).await;
    assert_eq!((world.open_pulls().len(), only_case(&world).await.status), (1, Status::Proposed));
    // Closed by people, it is declined, and not taken back.
    world.there().close(pull, SOMEBODY);
    world.live().await;
    assert_eq!(outcomes(&world).await, [Outcome::Declined]);
    world.finish();
}

#[tokio::test]
async fn offer_that_was_taken_back_is_opened_again_in_every_weather() {
    in_every_weather(|| async {
        let (mut world, pull, commit) = shop_with_offer_taken_back().await;
        let branch = only_case(&world).await.case.branch();
        world.there().force(&branch, &commit, SOMEBODY);
        world.there().reopen(pull, SOMEBODY);
        world.hear().await;
        world
    })
    .await;
}

#[tokio::test]
async fn offer_that_is_opened_again_with_the_work_of_others_is_left_alone() {
    let (mut world, pull, _) = shop_with_offer_taken_back().await;
    let branch = only_case(&world).await.case.branch();
    let theirs = world.push(&branch, &[("README.md", "mine\n")]);
    world.there().reopen(pull, SOMEBODY);
    world.live().await;
    assert_eq!(only_case(&world).await.status, Status::FalsePositive);
    assert_eq!((world.open_pulls().len(), world.there().branch(&branch)), (1, Some(theirs)));
    world.finish();
}

#[tokio::test]
async fn check_that_is_wanted_once_more_is_made_once_more_of_forks_too() {
    for is_fork in [false, true] {
        let mut world = shop_with_hole().await;
        let head = world.push("feature", &[("README.md", "# Shop\n")]);
        match is_fork {
            false => world.there().open("feature", "main", SOMEBODY),
            true => world.there().open_of_fork("feature", "main", SOMEBODY),
        };
        world.live().await;
        assert_eq!(world.there().check_runs().len(), 1);
        world.there().rerequest(&head, SOMEBODY);
        world.live().await;
        let runs = world.there().check_runs();
        assert_eq!(runs.len(), 2, "fork {is_fork}");
        assert!(runs.iter().all(|run| run["head_sha"] == head.as_str() && run["conclusion"] == "success"), "{runs:?}");
        world.finish();
    }
}

#[tokio::test]
async fn check_that_is_wanted_once_more_is_made_once_however_often_it_is_tried() {
    let mut world = shop_with_hole().await;
    let head = world.push("feature", &[("README.md", "# Shop\n")]);
    world.there().open("feature", "main", SOMEBODY);
    world.live().await;
    world.there().rerequest(&head, SOMEBODY);
    world.github().order("POST /api/v3/repos/octo/shop/check-runs", Fault::ErrorAfterWrite);
    world.live().await;
    assert_eq!(world.wake_ups().await.len(), 1);
    hours_later(&mut world, 1).await;
    assert_eq!(world.there().check_runs().len(), 2);
    world.finish();
}

/// What GitHub itself says of `latch`.
fn raise_alert(world: &World) -> u64 {
    let package = json!({ "ecosystem": "npm", "name": "latch" });
    world.there().alert(
        "dependabot",
        json!({
            "dependency": { "package": package, "manifest_path": "package-lock.json", "scope": "runtime" },
            "security_advisory": { "ghsa_id": "GHSA-aaaa-bbbb-cccc", "cve_id": null, "severity": "medium" },
            "security_vulnerability": {
                "package": package, "severity": "medium", "vulnerable_version_range": "< 1.2.0",
                "first_patched_version": { "identifier": "1.2.0" },
            },
        }),
    )
}

/// The fix is merged; GitHub has an alert on what it healed, with the number that is returned.
async fn shop_with_merged_fix() -> (World, u64) {
    let mut world = shop_with_offer().await;
    let alert = raise_alert(&world);
    let pull = number(&world.open_pulls()[0]);
    world.there().merge(pull, SOMEBODY);
    world.live().await;
    assert_eq!(only_case(&world).await.outcome, Some(Outcome::Verified));
    (world, alert)
}

async fn hours_later(world: &mut World, hours: i64) {
    world.clock.advance(SignedDuration::from_hours(hours));
    world.sweep().await;
    world.live().await;
}

fn notices_of(world: &World, words: &str) -> usize {
    let notices = world.notices.lock().unwrap();
    notices.iter().filter(|notice| notice.body.iter().any(|line| line.contains(words))).count()
}

#[tokio::test]
async fn alert_that_github_closes_some_hours_after_the_merge_is_noted() {
    let (mut world, alert) = shop_with_merged_fix().await;
    hours_later(&mut world, 1).await;
    assert_eq!(steps(&only_case(&world).await, "verify: alerts"), Vec::<&Step>::new(), "it is open still");
    world.there().close_alert("dependabot", alert, "fixed");
    // GitHub's word of it is lost.
    world.github().take_deliveries();
    hours_later(&mut world, 2).await;
    for _ in 0..2 {
        let case = only_case(&world).await;
        let [step] = steps(&case, "verify: alerts")[..] else { panic!("{case:#?}") };
        assert!(step.ok, "{step:?}");
        assert_eq!((case.status, case.outcome), (Status::Completed, Some(Outcome::Verified)));
        hours_later(&mut world, 24).await;
    }
    world.finish();
}

#[tokio::test]
async fn alert_that_github_closes_is_noted_when_it_says_so() {
    let (mut world, alert) = shop_with_merged_fix().await;
    world.there().close_alert("dependabot", alert, "auto_dismissed");
    world.live().await;
    assert_eq!(steps(&only_case(&world).await, "verify: alerts").len(), 1);
    hours_later(&mut world, 1).await;
    assert_eq!(steps(&only_case(&world).await, "verify: alerts").len(), 1, "once");
    world.finish();
}

#[tokio::test]
async fn alert_that_github_closes_does_not_end_the_wait_for_another() {
    let (mut world, alert) = shop_with_merged_fix().await;
    let beside = raise_alert(&world);
    world
        .there()
        .change_alert("dependabot", beside, |alert| alert["dependency"]["manifest_path"] = "package.json".into());
    world.there().close_alert("dependabot", alert, "fixed");
    world.live().await;
    assert_eq!(steps(&only_case(&world).await, "verify: alerts"), Vec::<&Step>::new(), "the other is open");
    world.there().close_alert("dependabot", beside, "fixed");
    hours_later(&mut world, 1).await;
    assert!(steps(&only_case(&world).await, "verify: alerts")[0].ok);
    world.finish();
}

#[tokio::test]
async fn alert_on_what_people_merged_in_spite_of_suture_is_told_apart_from_others() {
    let (mut world, pull, commit) = shop_with_offer_taken_back().await;
    let branch = only_case(&world).await.case.branch();
    world.there().force(&branch, &commit, SOMEBODY);
    world.there().reopen(pull, SOMEBODY);
    world.live().await;
    let other = raise_alert(&world);
    world.there().change_alert("dependabot", other, |alert| {
        alert["security_advisory"]["ghsa_id"] = "GHSA-oooo-oooo-oooo".into()
    });
    world.there().merge(pull, SOMEBODY);
    world.live().await;
    assert_eq!(outcomes(&world).await, [Outcome::Verified]);
    hours_later(&mut world, 1).await;
    let case = only_case(&world).await;
    let [step] = steps(&case, "verify: alerts")[..] else { panic!("{case:#?}") };
    assert!(step.ok, "{step:?}");
    world.finish();
}

#[tokio::test]
async fn alert_that_github_never_closes_is_told_once() {
    let (mut world, alert) = shop_with_merged_fix().await;
    for hours in [1, 2, 4, 8] {
        hours_later(&mut world, hours).await;
        assert_eq!(notices_of(&world, "GHSA-aaaa-bbbb-cccc"), 0, "{hours}");
    }
    for _ in 0..3 {
        hours_later(&mut world, 12).await;
        assert_eq!(notices_of(&world, &format!("#{alert} on latch: GHSA-aaaa-bbbb-cccc (medium")), 1);
    }
    let case = only_case(&world).await;
    let [step] = steps(&case, "verify: alerts")[..] else { panic!("{case:#?}") };
    assert!(!step.ok, "{step:?}");
    assert_eq!((case.status, case.outcome), (Status::Completed, Some(Outcome::Verified)));
    world.finish();
}

#[tokio::test]
async fn alert_on_something_else_is_not_waited_for() {
    let (mut world, alert) = shop_with_merged_fix().await;
    world.there().close_alert("dependabot", alert, "fixed");
    let other = raise_alert(&world);
    world.there().change_alert("dependabot", other, |alert| {
        alert["dependency"]["manifest_path"] = "web/package-lock.json".into()
    });
    world.github().take_deliveries();
    hours_later(&mut world, 1).await;
    assert!(steps(&only_case(&world).await, "verify: alerts")[0].ok);
    world.finish();
}

#[tokio::test]
async fn alerts_that_may_not_be_seen_are_no_failure() {
    let (mut world, _) = shop_with_merged_fix().await;
    world.github().grant("vulnerability_alerts", None);
    hours_later(&mut world, 1).await;
    let case = only_case(&world).await;
    let [step] = steps(&case, "verify: alerts")[..] else { panic!("{case:#?}") };
    assert!(step.ok && step.detail.contains("can't all be looked at"), "{step:?}");
    world.finish();
}

#[tokio::test]
async fn alerts_are_looked_at_in_every_weather() {
    in_every_weather(|| async {
        let (mut world, _) = shop_with_merged_fix().await;
        for hours in [1, 2, 4, 8, 12] {
            world.clock.advance(SignedDuration::from_hours(hours));
            let env = world.process(Default::default());
            for message in agents::functions::tick(&env, "sweep").await.unwrap() {
                world.bus.send(Some("sweep"), &message).unwrap();
            }
            if hours < 12 {
                world.live().await;
            }
        }
        world
    })
    .await;
}
