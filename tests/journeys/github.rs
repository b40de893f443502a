//! Vulnerable dependencies of a repository on GitHub, from a signed delivery to what became of the pull request.

use crate::world::World;
use crate::world::github::Fault;
use crate::world::on_github::SOMEBODY;
use crate::world::project::Project;
use crate::world::weather::{in_every_weather, to_one_end};
use agents::environment::effects::Effects;
use jiff::SignedDuration;
use pipeline::case::{Outcome, Status};
use pipeline::message::{queue, topic};
use pipeline::payload::{Mode, RepositoryAccess, ScanRequested};
use serde_json::Value;

/// `gate` asks for `latch ^1.0.0`; `latch` is vulnerable before 1.2.0.
pub fn shop() -> Project {
    Project::new().needs("gate", "^2.0.0").locks("gate", "2.1.0", &[("latch", "^1.0.0")]).locks("latch", "1.0.3", &[])
}

/// Its fix.
pub fn healed() -> Project {
    shop().locks("latch", "1.2.0", &[])
}

async fn shop_without_advisory() -> World {
    let world = World::on_github(&shop()).await;
    world.registry.publish("gate", "2.1.0", &[("latch", "^1.0.0")]);
    for version in ["1.0.3", "1.1.0", "1.2.0", "1.3.0", "2.0.0"] {
        world.registry.publish("latch", version, &[]);
    }
    world
}

/// It is known to be vulnerable, and nobody has looked.
pub async fn shop_with_hole() -> World {
    let mut world = shop_without_advisory().await;
    world.advise("GHSA-aaaa-bbbb-cccc", "latch", "1.2.0", "MODERATE");
    world
}

/// Somebody pushed, and GitHub told of it; nobody has worked yet.
pub async fn shop_after_a_push() -> World {
    let mut world = shop_with_hole().await;
    world.push("main", &[("README.md", "# Shop\n")]);
    world.hear().await;
    world
}

/// The fix is offered.
pub async fn shop_with_offer() -> World {
    let mut world = shop_after_a_push().await;
    world.live().await;
    assert_eq!(world.open_pulls().len(), 1);
    world
}

/// The number of a pull request.
pub fn number(pull: &Value) -> u64 {
    pull["number"].as_u64().unwrap()
}

#[tokio::test]
async fn push_becomes_one_proven_pull_request() {
    let world = shop_with_offer().await;
    let [pull] = &world.open_pulls()[..] else { panic!("{:?}", world.open_pulls()) };
    assert_eq!((pull["draft"].as_bool(), pull["base"]["ref"].as_str()), (Some(false), Some("main")));
    assert_eq!(pull["title"], "Update latch to 1.2.0");
    let body = pull["body"].as_str().unwrap();
    for part in ["### What", "1.0.3 -> 1.2.0", "### Why", "GHSA-aaaa-bbbb-cccc", "### Proof", "gone", "### Undo"] {
        assert!(body.contains(part), "{part}: {body}");
    }
    assert_eq!(pull["labels"][0]["name"], "suture");
    let case = &world.cases().await[0];
    assert_eq!(case.status, Status::Proposed);
    let branch = case.case.branch();
    assert_eq!(world.there().text(&branch, "package-lock.json"), Some(healed().lockfile()));
    assert_eq!(world.there().branches(), ["main", &branch]);
    world.finish();
}

#[tokio::test]
async fn push_becomes_one_pull_request_in_every_weather() {
    in_every_weather(shop_after_a_push).await;
}

#[tokio::test]
async fn scan_that_died_and_was_then_put_off_opens_its_cases_all_the_same() {
    let (mut dies_after, mut world) = (0, shop_after_a_push().await);
    // It keeps what the branch depends on, and dies before it says what it found.
    while world.inventories().await == 0 {
        dies_after += 1;
        world = shop_after_a_push().await;
        let doomed = world.process(Effects::crashing_after(dies_after));
        world.bus.deliver(0, &doomed).await.unwrap();
    }
    assert_eq!((world.inventories().await, world.keys("journal/scan").await.len()), (1, 0));
    world.github().order("GET /api/v3/repos/octo/shop", Fault::Error(500));
    world.settle().await;
    assert_eq!(world.wake_ups().await.len(), 1);
    world.clock.advance(SignedDuration::from_mins(2));
    world.sweep().await;
    world.live().await;
    assert_eq!(world.open_pulls().len(), 1);
    world.finish();
}

#[tokio::test]
async fn two_pushes_at_once_become_one_pull_request_in_every_weather() {
    let begin = || async {
        let mut world = shop_after_a_push().await;
        world.push("main", &[("CHANGES.md", "more\n")]);
        world.hear().await;
        world
    };
    to_one_end(begin, async |world| {
        let [pull] = &world.there().pulls()[..] else { panic!("{:?}", world.there().pulls()) };
        assert_eq!(pull["state"], "open");
        assert_eq!(pull["base"]["sha"].as_str(), world.there().branch("main").as_ref().map(|commit| commit.as_str()));
        let branch = pull["head"]["ref"].as_str().unwrap();
        assert_eq!(world.there().text(branch, "package-lock.json"), Some(healed().lockfile()));
        let cases = world.cases().await;
        assert_eq!((cases.len(), cases[0].status), (1, Status::Proposed), "{cases:#?}");
        world.assert_sound(&Default::default());
    })
    .await;
}

#[tokio::test]
async fn delivery_that_comes_twice_is_work_once() {
    let mut world = shop_with_hole().await;
    world.push("main", &[("README.md", "# Shop\n")]);
    let deliveries = world.github().take_deliveries();
    let env = world.process(Default::default());
    let [push] = &deliveries[..] else { panic!("{deliveries:?}") };
    let first = crate::world::on_github::take(&env, push).await;
    let again = crate::world::on_github::take(&env, push).await;
    assert_eq!(first, again);
    world.send_all(&first);
    world.send_all(&again);
    world.live().await;
    assert_eq!(world.there().pulls().len(), 1);
    world.finish();
}

#[tokio::test]
async fn merged_fix_is_looked_at_again_and_verified() {
    let mut world = shop_with_offer().await;
    let pull = number(&world.open_pulls()[0]);
    world.there().merge(pull, SOMEBODY);
    world.live().await;
    let case = &world.cases().await[0];
    assert_eq!((case.status, case.outcome), (Status::Completed, Some(Outcome::Verified)), "{case:#?}");
    assert_eq!(world.there().pulls().len(), 1);
    world.finish();
}

#[tokio::test]
async fn merge_is_followed_in_every_weather() {
    in_every_weather(|| async {
        let mut world = shop_with_offer().await;
        let pull = number(&world.open_pulls()[0]);
        world.there().merge(pull, SOMEBODY);
        world.hear().await;
        world
    })
    .await;
}

#[tokio::test]
async fn merged_fix_that_somebody_undid_meanwhile_is_told() {
    let mut world = shop_with_offer().await;
    let pull = number(&world.open_pulls()[0]);
    world.there().merge(pull, SOMEBODY);
    world.push("main", &[("package-lock.json", &shop().lockfile())]);
    world.hear().await;
    // The push is lost: only the merge is told of.
    world.bus.waiting.retain(|delivery| delivery.function == "verify");
    world.settle().await;
    let case = &world.cases().await[0];
    assert_eq!((case.status, case.outcome), (Status::Failed, Some(Outcome::NotFixed)), "{case:#?}");
    world.finish();
}

#[tokio::test]
async fn declined_fix_is_not_offered_again() {
    let mut world = shop_with_offer().await;
    let pull = number(&world.open_pulls()[0]);
    world.there().close(pull, SOMEBODY);
    world.live().await;
    let case = &world.cases().await[0];
    assert_eq!((case.status, case.outcome), (Status::Suppressed, Some(Outcome::Declined)), "{case:#?}");
    world.push("main", &[("package.json", &format!("{}\n", shop().manifest()))]);
    world.live().await;
    assert_eq!(world.open_pulls(), Vec::<Value>::new());
    let case = &world.cases().await[0];
    assert_eq!(case.status, Status::Suppressed);
    assert!(case.reasons[0].contains("declined"), "{:?}", case.reasons);
    world.finish();
}

#[tokio::test]
async fn declined_fix_is_not_offered_again_when_other_lines_of_the_file_change() {
    let mut world = shop_with_offer().await;
    let pull = number(&world.open_pulls()[0]);
    world.there().close(pull, SOMEBODY);
    world.live().await;
    let grown = shop().needs("hinge", "^1.0.0").locks("hinge", "1.0.0", &[]);
    world.registry.publish("hinge", "1.0.0", &[]);
    world.push("main", &[("package.json", &grown.manifest()), ("package-lock.json", &grown.lockfile())]);
    world.live().await;
    assert_eq!(world.open_pulls(), Vec::<Value>::new());
    assert_eq!(world.cases().await[0].status, Status::Suppressed);
    world.finish();
}

#[tokio::test]
async fn fix_is_rebuilt_when_its_base_moved() {
    let mut world = shop_with_offer().await;
    let grown = shop().needs("hinge", "^1.0.0").locks("hinge", "1.0.0", &[]);
    world.registry.publish("hinge", "1.0.0", &[]);
    let base = world.push("main", &[("package.json", &grown.manifest()), ("package-lock.json", &grown.lockfile())]);
    world.live().await;
    let [pull] = &world.open_pulls()[..] else { panic!("{:?}", world.there().pulls()) };
    let branch = pull["head"]["ref"].as_str().unwrap();
    let fixed = grown.locks("latch", "1.2.0", &[]);
    assert_eq!(world.there().text(branch, "package-lock.json"), Some(fixed.lockfile()));
    assert_eq!(pull["base"]["sha"].as_str(), Some(base.as_str()));
    assert_eq!(world.cases().await[0].status, Status::Proposed);
    world.finish();
}

#[tokio::test]
async fn pull_request_is_closed_with_a_reason_when_its_wound_is_gone() {
    let mut world = shop_with_offer().await;
    let pull = number(&world.open_pulls()[0]);
    world.push("main", &[("package-lock.json", &healed().lockfile())]);
    world.live().await;
    assert_eq!(world.open_pulls(), Vec::<Value>::new());
    assert_eq!(world.there().branches(), ["main"]);
    assert_eq!(world.there().pulls().len(), 1, "#{pull}");
    assert_eq!(world.cases().await[0].status, Status::FalsePositive);
    // Should it come back, it is offered again: nobody declined it.
    world.push("main", &[("package-lock.json", &shop().lockfile())]);
    world.live().await;
    assert_eq!(world.open_pulls().len(), 1);
    world.finish();
}

#[tokio::test]
async fn pull_request_is_taken_back_by_suture_itself_though_the_list_lags() {
    let mut world = shop_with_offer().await;
    for _ in 0..10 {
        world.github().order("GET /api/v3/repos/octo/shop/pulls", Fault::Lag);
    }
    world.push("main", &[("package-lock.json", &healed().lockfile())]);
    world.live().await;
    let [pull] = &world.there().pulls()[..] else { panic!("{:?}", world.there().pulls()) };
    assert_eq!(pull["state"], "closed");
    assert!(pull["body"].as_str().unwrap().contains("suture withdrawn"), "{pull}");
    world.finish();
}

#[tokio::test]
async fn pull_request_that_others_took_over_is_not_closed_when_the_wound_is_gone() {
    let mut world = shop_with_offer().await;
    let branch = world.cases().await[0].case.branch();
    let theirs = world.push(&branch, &[("package-lock.json", "{}\n")]);
    // Nobody is told of it.
    world.github().take_deliveries();
    world.push("main", &[("package-lock.json", &healed().lockfile())]);
    world.live().await;
    assert_eq!((world.open_pulls().len(), world.there().branch(&branch)), (1, Some(theirs)));
    world.finish();
}

#[tokio::test]
async fn others_who_commit_to_the_branch_take_the_fix_over() {
    let mut world = shop_with_offer().await;
    let branch = world.cases().await[0].case.branch();
    let theirs = world.push(&branch, &[("package-lock.json", "{}\n")]);
    world.live().await;
    assert_eq!(world.cases().await[0].status, Status::Superseded);
    assert_eq!(world.there().branch(&branch), Some(theirs));
    world.finish();
}

#[tokio::test]
async fn failed_checks_make_a_draft_of_it_and_people_are_told() {
    let mut world = shop_with_offer().await;
    let case = world.cases().await.remove(0);
    let commit = case.delivery.unwrap().commit.unwrap();
    world.there().check(&commit, "github-actions", "test", Some("failure"));
    world.live().await;
    let case = &world.cases().await[0];
    assert_eq!(case.status, Status::Failed, "{case:#?}");
    assert_eq!(world.open_pulls()[0]["draft"], true);
    assert!(world.notices.lock().unwrap().iter().any(|notice| notice.body.iter().any(|line| line.contains("test"))));
    world.finish();
}

#[tokio::test]
async fn failed_checks_are_told_where_no_draft_may_be_made() {
    let mut world = shop_with_offer().await;
    let commit = world.cases().await.remove(0).delivery.unwrap().commit.unwrap();
    world.github().grant("contents", Some("read"));
    world.there().check(&commit, "github-actions", "test", Some("failure"));
    world.live().await;
    assert_eq!(world.cases().await[0].status, Status::Failed);
    assert_eq!(world.open_pulls()[0]["draft"], false);
    assert!(world.notices.lock().unwrap().iter().any(|notice| notice.body.iter().any(|line| line.contains("test"))));
    world.finish();
}

#[tokio::test]
async fn checks_that_pass_are_noted() {
    let mut world = shop_with_offer().await;
    let commit = world.cases().await.remove(0).delivery.unwrap().commit.unwrap();
    world.there().check(&commit, "github-actions", "test", None);
    world.there().check(&commit, "github-actions", "lint", Some("success"));
    world.live().await;
    let steps =
        |cases: Vec<pipeline::case::Case>| cases[0].steps.iter().filter(|step| step.name == "verify: checks").count();
    assert_eq!(steps(world.cases().await), 0, "one of them still runs");
    world.there().check(&commit, "github-actions", "test", Some("success"));
    world.live().await;
    let cases = world.cases().await;
    assert_eq!((cases[0].status, steps(cases)), (Status::Proposed, 1));
    world.finish();
}

#[tokio::test]
async fn checks_that_pass_when_they_are_run_again_are_believed_and_so_is_their_next_failure() {
    let mut world = shop_with_offer().await;
    let commit = world.cases().await.remove(0).delivery.unwrap().commit.unwrap();
    let rows = [
        ("success", Status::Proposed),
        ("failure", Status::Failed),
        ("failure", Status::Failed),
        ("cancelled", Status::Failed),
        ("success", Status::Proposed),
        ("failure", Status::Failed),
    ];
    for (conclusion, expect) in rows {
        world.there().check(&commit, "github-actions", "test", Some(conclusion));
        world.live().await;
        assert_eq!(world.cases().await[0].status, expect, "{conclusion}");
    }
    let steps: Vec<bool> =
        world.cases().await[0].steps.iter().filter(|step| step.name == "verify: checks").map(|step| step.ok).collect();
    assert_eq!(steps, [true, false, true, false], "what did not change is not told again");
    world.finish();
}

#[tokio::test]
async fn advisory_that_is_published_later_needs_no_push() {
    let mut world = shop_without_advisory().await;
    world.push("main", &[("README.md", "# Shop\n")]);
    world.live().await;
    assert_eq!(world.cases().await.len(), 0);
    world.advise("GHSA-aaaa-bbbb-cccc", "latch", "1.2.0", "MODERATE");
    for _ in 0..7 {
        world.clock.advance(SignedDuration::from_hours(1));
        world.sweep().await;
    }
    world.live().await;
    assert_eq!(world.open_pulls().len(), 1);
    assert_eq!(world.cases().await[0].status, Status::Proposed);
    world.finish();
}

#[tokio::test]
async fn advisory_that_is_withdrawn_takes_its_fix_back_without_a_push() {
    let mut world = shop_with_offer().await;
    world.withdraw_advisories();
    world.advise("GHSA-dddd-eeee-ffff", "hinge", "1.2.0", "MODERATE");
    for _ in 0..7 {
        world.clock.advance(SignedDuration::from_hours(1));
        world.sweep().await;
    }
    world.live().await;
    assert_eq!(world.open_pulls(), Vec::<Value>::new());
    assert_eq!(world.cases().await[0].status, Status::FalsePositive);
    world.finish();
}

#[tokio::test]
async fn advisory_that_is_withdrawn_is_seen_by_a_push_that_changes_nothing_that_is_read() {
    let mut world = shop_with_offer().await;
    world.withdraw_advisories();
    world.advise("GHSA-dddd-eeee-ffff", "hinge", "1.2.0", "MODERATE");
    world.push("main", &[("src/index.js", "42\n")]);
    world.live().await;
    assert_eq!(world.open_pulls(), Vec::<Value>::new());
    assert_eq!(world.cases().await[0].status, Status::FalsePositive);
    world.finish();
}

#[tokio::test]
async fn merge_that_nobody_told_of_is_seen_by_the_next_look() {
    let mut world = shop_with_offer().await;
    let pull = number(&world.open_pulls()[0]);
    world.there().merge(pull, SOMEBODY);
    // All deliveries are lost.
    world.github().take_deliveries();
    world.clock.advance(SignedDuration::from_hours(7));
    world.sweep().await;
    let case = &world.cases().await[0];
    assert_eq!((case.status, case.outcome), (Status::Completed, Some(Outcome::Verified)), "{case:#?}");
    world.finish();
}

#[tokio::test]
async fn delivery_that_can_not_be_asked_for_holds_up_no_other() {
    let mut world = shop_with_hole().await;
    world.push("main", &[("README.md", "# Shop\n")]);
    world.push("main", &[("CHANGES.md", "more\n")]);
    for delivery in world.github().take_deliveries() {
        world.github().note_delivery(&delivery, 500);
    }
    let asked = |world: &World| world.github().asked().iter().filter(|line| line.ends_with("/attempts")).count();
    world.github().order("/attempts", Fault::Error(422));
    world.sweep().await;
    assert_eq!((asked(&world), world.github().take_deliveries().len()), (2, 1));
    // Neither is asked for again at once, nor what GitHub wants to be left alone for.
    world.clock.advance(SignedDuration::from_mins(10));
    world.github().order("/attempts", Fault::SecondaryLimit(None));
    world.sweep().await;
    assert_eq!(asked(&world), 3);
    world.clock.advance(SignedDuration::from_mins(1));
    world.sweep().await;
    assert_eq!(asked(&world), 3);
    world.finish();
}

#[tokio::test]
async fn push_that_changes_nothing_that_is_read_fetches_nothing() {
    let mut world = shop_with_offer().await;
    let asked = world.github().asked().len();
    world.push("main", &[("src/index.js", "42\n")]);
    world.live().await;
    let asked = &world.github().asked()[asked..];
    assert!(asked.iter().any(|line| line.contains("/compare/")), "{asked:?}");
    assert!(!asked.iter().any(|line| line.contains("/tarball/")), "{asked:?}");
    assert_eq!(world.open_pulls().len(), 1);
    world.finish();
}

#[tokio::test]
async fn pull_request_of_others_is_told_what_it_brings_in() {
    let mut world = World::on_github(&healed()).await;
    world.advise("GHSA-aaaa-bbbb-cccc", "latch", "1.2.0", "MODERATE");
    world.push("feature", &[("package-lock.json", &shop().lockfile())]);
    world.there().open("feature", "main", SOMEBODY);
    world.live().await;
    let [run] = &world.there().check_runs()[..] else { panic!("{:?}", world.there().check_runs()) };
    assert_eq!((run["name"].as_str(), run["conclusion"].as_str()), (Some("suture"), Some("neutral")));
    assert_eq!(run["output"]["title"], "1 finding brought in");
    assert_eq!(world.cases().await.len(), 0, "a pull request opens no case");
    world.finish();
}

/// A `.suture.yml` that lets the hole in `latch` be.
const IGNORES: &str = "ignore:\n  - id: GHSA-aaaa-bbbb-cccc\n    reason: it is never called\n";

#[tokio::test]
async fn pull_request_is_judged_by_the_rules_of_its_base_and_not_by_its_own() {
    for (on, expect) in [("feature", ("neutral", "1 finding brought in")), ("main", ("success", ""))] {
        let mut world = World::on_github(&healed()).await;
        world.advise("GHSA-aaaa-bbbb-cccc", "latch", "1.2.0", "MODERATE");
        world.push("feature", &[("package-lock.json", &shop().lockfile())]);
        world.push(on, &[(".suture.yml", IGNORES)]);
        world.there().open("feature", "main", SOMEBODY);
        world.live().await;
        let [run] = &world.there().check_runs()[..] else { panic!("{:?}", world.there().check_runs()) };
        let title = run["output"]["title"].as_str().unwrap();
        assert_eq!(run["conclusion"], expect.0, "{on}: {run}");
        assert!(title.contains(expect.1), "{on}: {run}");
        world.finish();
    }
}

#[tokio::test]
async fn pull_request_that_can_not_be_read_is_no_success() {
    let mut world = World::on_github(&healed()).await;
    world.advise("GHSA-aaaa-bbbb-cccc", "latch", "1.2.0", "MODERATE");
    world.push("feature", &[("package-lock.json", "{")]);
    world.there().open("feature", "main", SOMEBODY);
    world.live().await;
    let [run] = &world.there().check_runs()[..] else { panic!("{:?}", world.there().check_runs()) };
    assert_eq!(run["conclusion"], "neutral");
    assert_eq!(run["output"]["title"], "Not everything could be read");
    assert!(run["output"]["summary"].as_str().unwrap().contains("package-lock.json"), "{run}");
    world.finish();
}

#[tokio::test]
async fn pull_request_brings_in_nothing_that_its_base_lost_meanwhile() {
    let mut world = shop_with_hole().await;
    world.push("feature", &[("README.md", "# Shop\n")]);
    world.push("main", &[("package-lock.json", &healed().lockfile())]);
    world.there().open("feature", "main", SOMEBODY);
    world.live().await;
    let [run] = &world.there().check_runs()[..] else { panic!("{:?}", world.there().check_runs()) };
    assert_eq!(run["conclusion"], "success", "{run}");
    world.finish();
}

#[tokio::test]
async fn pull_request_is_passed_over_by_who_may_make_no_check_runs() {
    let mut world = shop_with_hole().await;
    world.hub.as_mut().unwrap().user = Some("helper".to_owned());
    world.push("feature", &[("README.md", "# Shop\n")]);
    world.there().open("feature", "main", SOMEBODY);
    world.live().await;
    assert_eq!(world.there().check_runs(), Vec::<Value>::new());
    world.finish();
}

/// A day passes, and the daily look is taken.
pub async fn a_day_later(world: &mut World) {
    world.clock.advance(SignedDuration::from_hours(25));
    world.sweep().await;
}

#[tokio::test]
async fn daily_look_does_without_alerts_that_may_not_be_seen() {
    let mut world = shop_with_offer().await;
    world.github().grant("vulnerability_alerts", None);
    a_day_later(&mut world).await;
    assert_eq!(world.inventories().await, 1);
    world.finish();
}

#[tokio::test]
async fn repository_that_is_gone_is_forgotten_with_what_is_offered_there() {
    let mut world = shop_with_offer().await;
    // The dashboard is current.
    world.sweep().await;
    assert_eq!((world.inventories().await, world.keys("offered").await.len()), (1, 1));
    world.there().uninstall();
    a_day_later(&mut world).await;
    assert_eq!((world.inventories().await, world.keys("offered").await.len()), (0, 0));
    world.finish();
}

#[tokio::test]
async fn dashboard_of_a_repository_that_is_gone_is_not_asked_for_again() {
    let mut world = shop_with_offer().await;
    assert_eq!(world.keys("dirty").await.len(), 1);
    world.there().uninstall();
    for _ in 0..2 {
        world.clock.advance(SignedDuration::from_mins(10));
        world.sweep().await;
        assert_eq!(world.keys("dirty").await, Vec::<String>::new());
    }
    world.finish();
}

#[tokio::test]
async fn repository_that_is_taken_off_is_forgotten_with_what_is_offered_there() {
    let mut world = shop_with_offer().await;
    let removed = RepositoryAccess { repository: world.there().name(), installation: 1 };
    world.there().uninstall();
    world.send(queue::SCAN, topic::REPOSITORY_REMOVED, &removed);
    world.settle().await;
    assert_eq!((world.inventories().await, world.keys("offered").await.len()), (0, 0));
    world.finish();
}

#[tokio::test]
async fn repository_that_is_added_again_is_healed_as_before_and_a_new_one_only_observed() {
    for (mut world, expect) in [(shop_with_offer().await, Status::Proposed), (shop_with_hole().await, Status::Observed)]
    {
        let added = RepositoryAccess { repository: world.there().name(), installation: 1 };
        world.push("main", &[("package.json", &format!("{}\n", shop().manifest()))]);
        // Only this is told.
        world.github().take_deliveries();
        world.send(queue::SCAN, topic::REPOSITORY_ADDED, &added);
        world.live().await;
        assert_eq!(world.cases().await[0].status, expect);
        world.finish();
    }
}

#[tokio::test]
async fn branch_that_is_gone_is_forgotten_alone() {
    let mut world = shop_with_offer().await;
    let commit = world.push("old", &[("README.md", "old\n")]);
    let (repository, base_branch) = (world.there().name(), "old".to_owned());
    let request = ScanRequested { repository, base_branch, commit, mode: Mode::Observe, is_anew: false };
    world.send(queue::SCAN, topic::SCAN_REQUESTED, &request);
    world.live().await;
    assert_eq!(world.inventories().await, 2);
    world.there().delete("old", SOMEBODY);
    a_day_later(&mut world).await;
    assert_eq!((world.inventories().await, world.keys("offered").await.len()), (1, 1));
    world.finish();
}

#[tokio::test]
async fn one_issue_tells_how_the_cases_stand_and_is_kept_current() {
    let mut world = shop_with_offer().await;
    world.sweep().await;
    let [issue] = &world.there().issues()[..] else { panic!("{:?}", world.there().issues()) };
    let body = issue["body"].as_str().unwrap();
    let pull = number(&world.open_pulls()[0]);
    for part in ["### Offered", "`package-lock.json` on `main`: 1 finding, worst medium", &format!("#{pull}")] {
        assert!(body.contains(part), "{part}: {body}");
    }
    world.sweep().await;
    assert_eq!(world.there().issues().len(), 1, "nothing happened since");
    world.there().merge(pull, SOMEBODY);
    world.live().await;
    world.clock.advance(SignedDuration::from_mins(10));
    world.sweep().await;
    let [issue] = &world.there().issues()[..] else { panic!("{:?}", world.there().issues()) };
    assert!(issue["body"].as_str().unwrap().starts_with("Nothing is open."), "{issue}");
    world.finish();
}
