//! Vulnerable dependencies of a local repository.

use crate::world::World;
use crate::world::project::Project;
use crate::world::weather::in_every_weather;
use agents::environment::effects::Effects;
use pipeline::case::Status;
use pipeline::decision::Decision;
use pipeline::policy::DEFAULT_POLICIES;
use std::collections::BTreeSet;

/// `gate` asks for `latch ^1.0.0`; `latch` is vulnerable before 1.2.0.
fn shop() -> Project {
    Project::new().needs("gate", "^2.0.0").locks("gate", "2.1.0", &[("latch", "^1.0.0")]).locks("latch", "1.0.3", &[])
}

async fn shop_with_hole(severity: &str) -> World {
    let mut world = World::with_project(&shop()).await;
    world.advise("GHSA-aaaa-bbbb-cccc", "latch", "1.2.0", severity);
    world.registry.publish("gate", "2.1.0", &[("latch", "^1.0.0")]);
    for version in ["1.0.3", "1.1.0", "1.2.0", "1.3.0", "2.0.0"] {
        world.registry.publish("latch", version, &[]);
    }
    world
}

#[tokio::test]
async fn transitive_hole_is_healed_in_place_on_a_branch_of_its_own() {
    let mut world = shop_with_hole("MODERATE").await;
    world.heal().await;
    let case = world.expect(&world.cases().await, Status::Completed);
    let branch = case.case.branch();
    assert_eq!(case.decision, Some(Decision::Heal));
    assert_eq!(world.repository.ahead(&branch), 1);
    assert_eq!(world.repository.read(&branch, "package.json"), shop().manifest());
    let healed = shop().locks("latch", "1.2.0", &[]).lockfile();
    assert_eq!(world.repository.read(&branch, "package-lock.json"), healed);
    assert!(world.repository.message(&branch).contains("node_modules/latch: 1.0.3 -> 1.2.0"));
    world.finish();
}

#[tokio::test]
async fn work_tree_is_left_as_it_was() {
    let mut world = shop_with_hole("MODERATE").await;
    world.heal().await;
    world.expect(&world.cases().await, Status::Completed);
    let on_disk = std::fs::read_to_string(world.repository.folder().join("package-lock.json")).unwrap();
    assert_eq!(on_disk, shop().lockfile());
    assert_eq!(world.repository.read("main", "package-lock.json"), shop().lockfile());
    world.finish();
}

#[tokio::test]
async fn severe_hole_is_proposed_and_waits() {
    let mut world = shop_with_hole("HIGH").await;
    world.heal().await;
    let case = world.expect(&world.cases().await, Status::Proposed);
    assert_eq!(case.decision, Some(Decision::Propose));
    assert!(case.reasons.iter().any(|reason| reason.contains("somebody has to approve")), "{:?}", case.reasons);
    world.finish();
}

#[tokio::test]
async fn second_run_changes_nothing() {
    let mut world = shop_with_hole("MODERATE").await;
    world.heal().await;
    let before = world.repository.branches();
    let commit = world.expect(&world.cases().await, Status::Completed).delivery;
    world.heal().await;
    assert_eq!(world.repository.branches(), before);
    assert_eq!(world.expect(&world.cases().await, Status::Completed).delivery, commit);
    world.finish();
}

#[tokio::test]
async fn moved_base_gets_an_updated_branch() {
    let mut world = shop_with_hole("MODERATE").await;
    world.heal().await;
    world.repository.commit("say more", &[("README.md", "more\n")]);
    world.heal().await;
    let case = world.expect(&world.cases().await, Status::Completed);
    assert_eq!(world.repository.ahead(&case.case.branch()), 1);
    assert_eq!(world.repository.read(&case.case.branch(), "README.md"), "more\n");
    world.finish();
}

#[tokio::test]
async fn branch_with_commits_of_somebody_else_is_left_alone() {
    let mut world = shop_with_hole("MODERATE").await;
    world.heal().await;
    let branch = world.expect(&world.cases().await, Status::Completed).case.branch();
    let theirs = world.repository.commit_to(&branch, "and this");
    world.repository.commit("say more", &[("README.md", "more\n")]);
    world.heal().await;
    let case = world.expect(&world.cases().await, Status::Escalated);
    assert!(case.reasons.iter().any(|reason| reason.contains("somebody else")), "{:?}", case.reasons);
    assert_eq!(world.process(Effects::default()).repositories[0].branch(&branch).unwrap().unwrap().as_str(), theirs);
    world.finish();
}

#[tokio::test]
async fn only_breaking_fix_is_left_with_the_change_that_would_do() {
    let project = Project::new().needs("latch", "1.0.3").locks("latch", "1.0.3", &[]);
    let mut world = World::with_project(&project).await;
    world.advise("GHSA-aaaa-bbbb-cccc", "latch", "2.0.0", "MODERATE");
    for version in ["1.0.3", "1.9.0", "2.0.0"] {
        world.registry.publish("latch", version, &[]);
    }
    world.heal().await;
    let case = world.expect(&world.cases().await, Status::Escalated);
    assert!(case.left[0].reason.contains("2.0.0"), "{:?}", case.left);
    assert!(case.delivery.is_none());
    world.finish();
}

#[tokio::test]
async fn release_of_yesterday_is_not_chosen() {
    let mut world = shop_with_hole("MODERATE").await;
    for version in ["1.2.0", "1.3.0"] {
        world.registry.publish_at("latch", version, &[], "2025-12-31T00:00:00.000Z");
    }
    world.heal().await;
    let case = world.expect(&world.cases().await, Status::Escalated);
    assert!(case.delivery.is_none());
    world.finish();
}

#[tokio::test]
async fn broken_lockfile_is_told_and_the_rest_is_healed() {
    let project = shop();
    let files = [
        ("package.json", project.manifest()),
        ("package-lock.json", project.lockfile()),
        ("other/package.json", "{}\n".to_owned()),
        ("other/package-lock.json", "{\n  \"lockfileVersion\": 3,\n  oops\n".to_owned()),
    ];
    let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let mut world = World::with_files(&files).await;
    world.advise("GHSA-aaaa-bbbb-cccc", "latch", "1.2.0", "MODERATE");
    world.registry.publish("gate", "2.1.0", &[("latch", "^1.0.0")]);
    world.registry.publish("latch", "1.0.3", &[]);
    world.registry.publish("latch", "1.2.0", &[]);
    world.heal().await;
    world.expect(&world.cases().await, Status::Completed);
    world.finish();
}

#[tokio::test]
async fn hole_that_was_mended_meanwhile_is_not_healed_again() {
    let mut world = shop_with_hole("MODERATE").await;
    world.ask_to_heal();
    let mended = shop().locks("latch", "1.3.0", &[]);
    let env = world.process(Effects::default());
    // The scan sees the old head; then somebody mends it by hand.
    world.bus.deliver(0, &env).await.unwrap();
    world.repository.commit("mend", &[("package-lock.json", &mended.lockfile())]);
    world.settle().await;
    world.expect(&world.cases().await, Status::FalsePositive);
    world.finish();
}

#[tokio::test]
async fn base_that_moves_between_scan_and_fix_starts_over() {
    let mut world = shop_with_hole("MODERATE").await;
    world.ask_to_heal();
    let env = world.process(Effects::default());
    world.bus.deliver(0, &env).await.unwrap();
    world.repository.commit("say more", &[("README.md", "more\n")]);
    world.settle().await;
    let case = world.expect(&world.cases().await, Status::Completed);
    assert_eq!(world.repository.read(&case.case.branch(), "README.md"), "more\n");
    world.finish();
}

#[tokio::test]
async fn registry_that_is_overloaded_is_asked_again_later() {
    let mut world = shop_with_hole("MODERATE").await;
    world.registry.refuse(Some(429), Some(120));
    world.heal().await;
    world.expect(&world.cases().await, Status::Initiated);
    world.registry.refuse(None, None);
    world.clock.advance(jiff::SignedDuration::from_secs(119));
    world.sweep().await;
    world.expect(&world.cases().await, Status::Initiated);
    world.clock.advance(jiff::SignedDuration::from_secs(120));
    world.sweep().await;
    world.expect(&world.cases().await, Status::Completed);
    world.sweep().await;
    assert!(world.wake_ups().await.is_empty());
    world.finish();
}

#[tokio::test]
async fn without_a_policy_people_decide() {
    let mut world = shop_with_hole("MODERATE").await;
    world.set_policies(&DEFAULT_POLICIES.replace("vulnerability.dependency", "misconfiguration.container"));
    world.heal().await;
    let case = world.expect(&world.cases().await, Status::Escalated);
    assert!(case.reasons.iter().any(|reason| reason.contains("no policy")), "{:?}", case.reasons);
    world.finish();
}

#[tokio::test]
async fn override_is_written_only_where_the_policy_allows_it() {
    // The dependent pins the vulnerable version, and has no newer release.
    let project = Project::new().needs("gate", "2.1.0").locks("gate", "2.1.0", &[("latch", "1.0.3")]).locks(
        "latch",
        "1.0.3",
        &[],
    );
    let begin = async || {
        let mut world = World::with_project(&project).await;
        world.advise("GHSA-aaaa-bbbb-cccc", "latch", "1.2.0", "MODERATE");
        world.registry.publish("gate", "2.1.0", &[("latch", "1.0.3")]);
        world.registry.publish("latch", "1.0.3", &[]);
        world.registry.publish("latch", "1.2.0", &[]);
        world
    };
    let mut refused = begin().await;
    refused.heal().await;
    refused.expect(&refused.cases().await, Status::Escalated);
    refused.finish();

    let mut allowed = begin().await;
    let update = "type: \"update_dependency\"";
    allowed.set_policies(&DEFAULT_POLICIES.replace(update, &format!("{update}\n        allow_overrides: true")));
    allowed.heal().await;
    let case = allowed.expect(&allowed.cases().await, Status::Proposed);
    let manifest: serde_json::Value =
        serde_json::from_str(&allowed.repository.read(&case.case.branch(), "package.json")).unwrap();
    assert_eq!(manifest["overrides"]["latch"], "1.2.0");
    allowed.finish();
}

#[tokio::test]
async fn redelivered_message_asks_nobody_and_answers_the_same() {
    let mut world = shop_with_hole("MODERATE").await;
    world.ask_to_heal();
    let env = world.process(Effects::default());
    while world.bus.waiting[0].function != "remediate" {
        world.bus.deliver(0, &env).await.unwrap();
    }
    let twin = world.bus.waiting[0].clone();
    let message = || serde_json::from_slice(&twin.body).unwrap();
    let first = agents::functions::handle(&env, "remediate", message()).await.unwrap();
    let asked = world.registry.asked();
    let other_process = world.process(Effects::default());
    let second = agents::functions::handle(&other_process, "remediate", message()).await.unwrap();
    assert_eq!(first, second);
    assert_eq!(world.registry.asked(), asked);
    world.settle().await;
    world.expect(&world.cases().await, Status::Completed);
    world.finish();
}

/// The branch stands, and before it is verified an advisory comes out on the version that was chosen.
async fn fix_that_turns_out_wrong() -> World {
    let mut world = shop_with_hole("MODERATE").await;
    world.ask_to_heal();
    let env = world.process(Effects::default());
    while world.bus.waiting[0].function != "verify" {
        world.bus.deliver(0, &env).await.unwrap();
    }
    world.advise("GHSA-dddd-eeee-ffff", "latch", "1.3.0", "HIGH");
    world
}

#[tokio::test]
async fn fix_that_does_not_hold_is_taken_back() {
    let mut world = fix_that_turns_out_wrong().await;
    world.settle().await;
    let case = world.expect(&world.cases().await, Status::RolledBack);
    assert_eq!(world.repository.branches().len(), 1, "only main is left");
    assert!(case.steps.iter().any(|step| !step.ok && step.detail.contains("GHSA-dddd-eeee-ffff")), "{:?}", case.steps);
    world.finish();
}

/// Earlier releases claimed it in another place.
#[tokio::test]
async fn rollback_that_an_earlier_release_began_is_brought_to_its_end() {
    let mut died_in_rollback = 0;
    for dies_after in 0..6 {
        let mut world = fix_that_turns_out_wrong().await;
        let doomed = world.process(Effects::crashing_after(dies_after));
        while !world.bus.waiting.is_empty() && world.bus.deliver(0, &doomed).await.unwrap().is_none() {}
        for key in world.keys("rollbacks").await {
            let claim = world.read(&key).await;
            world.delete(&key).await;
            world.write(&format!("state/rollback/{}", key.rsplit('/').next().unwrap()), &claim).await;
            let is_taken_back = world.repository.branches().len() == 1;
            died_in_rollback += usize::from(is_taken_back && world.cases().await[0].status != Status::RolledBack);
        }
        world.settle().await;
        let case = world.expect(&world.cases().await, Status::RolledBack);
        let detail = |part| case.steps.iter().any(|step| !step.ok && step.detail.contains(part));
        assert!(detail("GHSA-dddd-eeee-ffff"), "{dies_after}: {:?}", case.steps);
        world.finish();
    }
    assert!(died_in_rollback > 0);
}

#[tokio::test]
async fn branch_that_somebody_moved_on_is_theirs() {
    let mut world = shop_with_hole("MODERATE").await;
    world.ask_to_heal();
    let env = world.process(Effects::default());
    while world.bus.waiting[0].function != "verify" {
        world.bus.deliver(0, &env).await.unwrap();
    }
    let branch = world.repository.branches()[1].0.clone();
    let theirs = world.repository.commit_to(&branch, "and this");
    world.settle().await;
    let case = world.expect(&world.cases().await, Status::Superseded);
    assert_eq!(case.delivery, None);
    assert_eq!(world.repository.ahead(&branch), 2, "{theirs} is still there");
    world.look_at(&branch);
    world.finish();
}

#[tokio::test]
async fn settings_that_can_not_be_read_forbid_everything() {
    let mut world = shop_with_hole("MODERATE").await;
    world.repository.commit("configure", &[(".suture.yml", "minimum_release_age_days: many\n")]);
    world.heal().await;
    let case = world.expect(&world.cases().await, Status::Escalated);
    assert!(case.reasons.iter().any(|reason| reason.contains(".suture.yml:1")), "{:?}", case.reasons);
    assert_eq!(world.repository.branches().len(), 1);
    world.finish();
}

#[tokio::test]
async fn findings_that_are_suppressed_at_head_are_no_false_positive() {
    let mut world = shop_with_hole("MODERATE").await;
    world.ask_to_heal();
    let env = world.process(Effects::default());
    world.bus.deliver(0, &env).await.unwrap();
    let ignore = "ignore:\n  - id: GHSA-aaaa-bbbb-cccc\n    reason: latch is never locked\n    expires: 2027-01-01\n";
    world.repository.commit("ignore", &[(".suture.yml", ignore)]);
    world.settle().await;
    world.expect(&world.cases().await, Status::Suppressed);
    world.finish();
}

/// The scan could ask for advisories, and then nobody can: nothing found would mean nothing.
#[tokio::test]
async fn advisories_that_can_not_be_asked_for_any_more_put_the_work_off() {
    for stage in ["remediate", "verify"] {
        let mut world = shop_with_hole("MODERATE").await;
        world.ask_to_heal();
        let env = world.process(Effects::default());
        while world.bus.waiting[0].function != stage {
            world.bus.deliver(0, &env).await.unwrap();
        }
        let mut blind = world.process(Effects::default());
        blind.advisories = world.silent_advisories();
        world.bus.settle(&blind, |_| {}).await.unwrap();
        assert_eq!(world.wake_ups().await.len(), 1, "{stage}");
        world.clock.advance(jiff::SignedDuration::from_secs(300));
        world.sweep().await;
        world.expect(&world.cases().await, Status::Completed);
        world.finish();
    }
}

#[tokio::test]
async fn cases_of_a_moved_base_share_one_scan() {
    let (project, hole) = (shop(), [("1.0.3"), ("1.2.0")]);
    let files = [
        ("a/package.json", project.manifest()),
        ("a/package-lock.json", project.lockfile()),
        ("b/package.json", project.manifest()),
        ("b/package-lock.json", project.lockfile()),
    ];
    let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let mut world = World::with_files(&files).await;
    world.advise("GHSA-aaaa-bbbb-cccc", "latch", "1.2.0", "MODERATE");
    world.registry.publish("gate", "2.1.0", &[("latch", "^1.0.0")]);
    hole.iter().for_each(|version| world.registry.publish("latch", version, &[]));
    world.ask_to_heal();
    let env = world.process(Effects::default());
    world.bus.deliver(0, &env).await.unwrap();
    world.repository.commit("say more", &[("README.md", "more\n")]);
    let mut scans = BTreeSet::new();
    let watch = |delivery: &agents::in_process::Delivery| {
        if delivery.function == "scan" {
            let message: serde_json::Value = serde_json::from_slice(&delivery.body).unwrap();
            scans.insert(message["id"].to_string());
        }
    };
    world.bus.settle(&env, watch).await.unwrap();
    assert_eq!(scans.len(), 1);
    let cases = world.cases().await;
    assert_eq!(cases.len(), 2);
    for case in &cases {
        world.expect(std::slice::from_ref(case), Status::Completed);
    }
    world.finish();
}

#[tokio::test]
async fn rollback_ends_the_same_in_every_weather() {
    in_every_weather(fix_that_turns_out_wrong).await;
}

#[tokio::test]
async fn healing_ends_the_same_in_every_weather() {
    in_every_weather(|| async {
        let mut world = shop_with_hole("MODERATE").await;
        world.ask_to_heal();
        world
    })
    .await;
}

/// Two projects of one repository, each with its own lockfile and the same hole.
async fn two_shops() -> World {
    let (front, back) = (shop(), shop().needs("till", "^1.0.0").locks("till", "1.0.0", &[]));
    let files = [
        ("package.json", front.manifest()),
        ("package-lock.json", front.lockfile()),
        ("back/package.json", back.manifest()),
        ("back/package-lock.json", back.lockfile()),
    ];
    let mut world = World::with_files(&files.each_ref().map(|(path, text)| (*path, text.as_str()))).await;
    world.advise("GHSA-aaaa-bbbb-cccc", "latch", "1.2.0", "MODERATE");
    world.registry.publish("gate", "2.1.0", &[("latch", "^1.0.0")]);
    world.registry.publish("till", "1.0.0", &[]);
    for version in ["1.0.3", "1.2.0"] {
        world.registry.publish("latch", version, &[]);
    }
    world.ask_to_heal();
    world
}

#[tokio::test]
async fn two_lockfiles_are_healed_in_every_weather() {
    let mut world = two_shops().await;
    world.settle().await;
    for lockfile in ["package-lock.json", "back/package-lock.json"] {
        let healed = world
            .cases()
            .await
            .into_iter()
            .filter_map(|case| case.delivery?.branch)
            .filter(|branch| world.repository.read(branch, lockfile).contains("latch-1.2.0.tgz"));
        assert_eq!(healed.count(), 1, "{lockfile}");
    }
    in_every_weather(two_shops).await;
}

#[tokio::test]
async fn escalation_ends_the_same_in_every_weather() {
    in_every_weather(|| async {
        let project = Project::new().needs("latch", "1.0.3").locks("latch", "1.0.3", &[]);
        let mut world = World::with_project(&project).await;
        world.advise("GHSA-aaaa-bbbb-cccc", "latch", "2.0.0", "MODERATE");
        world.registry.publish("latch", "1.0.3", &[]);
        world.ask_to_heal();
        world
    })
    .await;
}

#[tokio::test]
async fn moved_base_ends_the_same_in_every_weather() {
    in_every_weather(|| async {
        let mut world = shop_with_hole("MODERATE").await;
        world.ask_to_heal();
        let env = world.process(Effects::default());
        world.bus.deliver(0, &env).await.unwrap();
        world.repository.commit("say more", &[("README.md", "more\n")]);
        world
    })
    .await;
}

#[tokio::test]
async fn false_positive_ends_the_same_in_every_weather() {
    in_every_weather(|| async {
        let mut world = shop_with_hole("MODERATE").await;
        world.ask_to_heal();
        let env = world.process(Effects::default());
        world.bus.deliver(0, &env).await.unwrap();
        let mended = shop().locks("latch", "1.3.0", &[]);
        world.repository.commit("mend", &[("package-lock.json", &mended.lockfile())]);
        world
    })
    .await;
}
