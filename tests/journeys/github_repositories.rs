//! What a repository on GitHub is: its names, its owners, its ends, and which of several scans of it counts.

use super::github::{a_day_later, number, shop, shop_after_a_push, shop_with_hole, shop_with_offer};
use crate::world::World;
use crate::world::on_github::SOMEBODY;
use crate::world::weather::to_one_end;
use agents::functions;
use agents::inventory::Inventory;
use jiff::SignedDuration;
use pipeline::case::{Case, Outcome, Status};
use pipeline::ids::RepoName;
use pipeline::message::{Envelope, RunId, queue, topic};
use pipeline::payload::{InstallationAccess, MatchRequested, Mode, RepositoryAccess, ScanRequested};
use serde_json::Value;
use std::collections::BTreeSet;

/// Takes what is on its way, and lets what comes after it go first: a push that changes the manifest, and a second hole.
async fn overtaken_by_a_push(world: &mut World) -> RunId {
    let late = std::mem::take(&mut world.bus.waiting);
    assert_eq!(late.len(), 1);
    world.clock.advance(SignedDuration::from_hours(1));
    world.push("main", &[("package.json", &format!("{}\n", shop().manifest()))]);
    world.live().await;
    let newest = world.cases().await[0].run;
    world.clock.advance(SignedDuration::from_hours(1));
    world.advise("GHSA-dddd-eeee-ffff", "latch", "1.3.0", "MODERATE");
    world.bus.waiting = late;
    world.live().await;
    newest
}

#[track_caller]
fn expect_both_holes_mended(world: &World, cases: &[Case], newest: RunId) {
    let [case] = cases else { panic!("{cases:#?}") };
    let findings = case.wound.as_ref().map(|wound| wound.findings.len());
    assert_eq!((case.status, findings), (Status::Proposed, Some(2)), "{case:#?}");
    assert!(case.run > newest, "{} is not later than {newest}", case.run);
    assert_eq!(world.open_pulls()[0]["title"], "Update latch to 1.3.0");
}

#[tokio::test]
async fn scan_that_a_late_look_asks_for_counts_as_later_than_a_push_that_came_meanwhile() {
    let mut world = shop_with_offer().await;
    let inventory = world.keys("inventory").await[0].split('/').nth(1).unwrap().to_owned();
    world.send(queue::SCAN, topic::MATCH_REQUESTED, &MatchRequested { inventory });
    let newest = overtaken_by_a_push(&mut world).await;
    expect_both_holes_mended(&world, &world.cases().await, newest);
    world.finish();
}

#[tokio::test]
async fn scan_that_was_overtaken_by_a_later_one_is_taken_anew_at_the_head() {
    let mut world = shop_with_offer().await;
    world.push("main", &[("package.json", &format!("{}\n\n", shop().manifest()))]);
    world.hear().await;
    let newest = overtaken_by_a_push(&mut world).await;
    expect_both_holes_mended(&world, &world.cases().await, newest);
    world.finish();
}

#[tokio::test]
async fn scan_after_one_by_a_clock_that_is_ahead_is_taken_anew_once() {
    let mut world = shop_with_hole().await;
    let ahead = RunId::about(world.clock.now() + SignedDuration::from_hours(24), "ahead");
    let commit = world.there().branch("main").unwrap();
    let repository = world.there().name();
    let asked = ScanRequested { repository, base_branch: "main".to_owned(), commit, mode: Mode::Heal, is_anew: false };
    let now = world.clock.now();
    let message = Envelope::root("test", queue::SCAN, topic::SCAN_REQUESTED, &asked, ahead, now).unwrap();
    world.bus.send(None, &message).unwrap();
    world.live().await;
    world.push("main", &[("package.json", &format!("{}\n", shop().manifest()))]);
    world.live().await;
    let case = &world.cases().await[0];
    assert_eq!((case.status, world.open_pulls().len()), (Status::Proposed, 1), "{case:#?}");
    assert!(case.run > ahead, "{} is not later than {ahead}", case.run);
    world.finish();
}

/// Somebody pushed; then the repository is told to be reached, and the first look that this leads to is asked for.
async fn first_look_after_a_push() -> World {
    let mut world = shop_after_a_push().await;
    world.clock.advance(SignedDuration::from_mins(1));
    let added = RepositoryAccess { repository: world.there().name(), installation: 1 };
    world.send(queue::SCAN, topic::REPOSITORY_ADDED, &added);
    let env = world.process(Default::default());
    let last = world.bus.waiting.len() - 1;
    world.bus.deliver(last, &env).await.unwrap();
    world
}

async fn expect_offered_and_healed_from_now_on(world: &World) {
    let cases = world.cases().await;
    let [case] = &cases[..] else { panic!("{cases:#?}") };
    assert!(case.status == Status::Proposed && case.delivery.is_some(), "{case:#?}");
    let [pull] = &world.open_pulls()[..] else { panic!("{:?}", world.open_pulls()) };
    assert_eq!(pull["title"], "Update latch to 1.2.0");
    let repository = world.there().name();
    let kept = Inventory::find(&world.process(Default::default()).store, &repository, "main").await.unwrap().unwrap();
    assert_eq!(kept.mode, Mode::Heal);
}

#[tokio::test]
async fn first_look_that_comes_after_a_push_takes_nothing_back_in_every_weather() {
    to_one_end(first_look_after_a_push, async |world| expect_offered_and_healed_from_now_on(world).await).await;
}

#[tokio::test]
async fn first_look_that_a_push_overtook_takes_nothing_back() {
    let mut world = shop_with_hole().await;
    let added = RepositoryAccess { repository: world.there().name(), installation: 1 };
    world.send(queue::SCAN, topic::REPOSITORY_ADDED, &added);
    let env = world.process(Default::default());
    world.bus.deliver(0, &env).await.unwrap();
    let late = std::mem::take(&mut world.bus.waiting);
    assert_eq!(late.len(), 1);
    world.clock.advance(SignedDuration::from_mins(1));
    world.push("main", &[("README.md", "# Shop\n")]);
    world.live().await;
    world.bus.waiting = late;
    world.live().await;
    expect_offered_and_healed_from_now_on(&world).await;
    world.finish();
}

/// What is kept of the one case is under the name that its repository has now, and nothing is doubled.
async fn expect_one_case_under_its_new_name(world: &World) {
    let [pull] = &world.there().pulls()[..] else { panic!("{:?}", world.there().pulls()) };
    assert_eq!(pull["state"], "open");
    let cases = world.cases().await;
    let [case] = &cases[..] else { panic!("{cases:#?}") };
    assert_eq!(case.status, Status::Proposed, "{case:#?}");
    assert_eq!(case.wound.as_ref().unwrap().repository, world.there().name());
    assert_eq!(case.delivery.as_ref().unwrap().pull_request.as_ref().unwrap().number, number(pull));
    for shelf in ["inventory", "offered", "branches", "repositories"] {
        assert_eq!(world.keys(shelf).await.len(), 1, "{shelf}: {:?}", world.keys(shelf).await);
    }
}

#[tokio::test]
async fn renamed_repository_keeps_its_case_its_pull_request_and_its_dashboard() {
    for (name, has_push) in [("octo/store", true), ("octo/store", false), ("mona/shop", true)] {
        let mut world = shop_with_offer().await;
        world.sweep().await;
        world.there().rename(name);
        if has_push {
            world.push("main", &[("package.json", &format!("{}\n", shop().manifest()))]);
        }
        world.live().await;
        expect_one_case_under_its_new_name(&world).await;
        world.clock.advance(SignedDuration::from_mins(10));
        world.sweep().await;
        let [issue] = &world.there().issues()[..] else { panic!("{:?}", world.there().issues()) };
        assert!(issue["body"].as_str().unwrap().contains("### Offered"), "{issue}");
        world.there().merge(number(&world.open_pulls()[0]), SOMEBODY);
        world.live().await;
        assert_eq!(world.cases().await[0].outcome, Some(Outcome::Verified), "{name}");
        assert_eq!(world.keys("offered").await, Vec::<String>::new());
        world.finish();
    }
}

#[tokio::test]
async fn renamed_repository_keeps_its_case_in_every_weather() {
    let begin = || async {
        let mut world = shop_with_offer().await;
        world.there().rename("octo/store");
        world.push("main", &[("package.json", &format!("{}\n", shop().manifest()))]);
        world.hear().await;
        world
    };
    to_one_end(begin, async |world| {
        expect_one_case_under_its_new_name(world).await;
        world.assert_sound(&Default::default());
    })
    .await;
}

#[tokio::test]
async fn renaming_that_nobody_told_of_is_seen_by_the_daily_look_and_by_the_next_push() {
    let mut world = shop_with_offer().await;
    world.there().rename("octo/store");
    world.github().take_deliveries();
    a_day_later(&mut world).await;
    expect_one_case_under_its_new_name(&world).await;
    world.there().rename("octo/stall");
    world.github().take_deliveries();
    world.push("main", &[("package.json", &format!("{}\n", shop().manifest()))]);
    world.live().await;
    let pulls = world.there().pulls();
    assert_eq!((world.cases().await.len(), pulls.len()), (1, 1), "{pulls:?}");
    a_day_later(&mut world).await;
    expect_one_case_under_its_new_name(&world).await;
    world.finish();
}

#[tokio::test]
async fn offer_that_came_under_an_old_name_after_the_renaming_is_moved_by_the_daily_look() {
    let mut world = shop_with_offer().await;
    let store = world.process(Default::default()).store;
    let old_key = world.keys("offered").await.remove(0);
    let late: Value = store.read(&old_key).await.unwrap().unwrap();
    world.there().rename("octo/store");
    world.live().await;
    store.delete(&world.keys("offered").await[0]).await.unwrap();
    store.create(&old_key, &late).await.unwrap();
    a_day_later(&mut world).await;
    world.live().await;
    expect_one_case_under_its_new_name(&world).await;
    assert_ne!(world.keys("offered").await, [old_key]);
    world.there().merge(number(&world.open_pulls()[0]), SOMEBODY);
    world.live().await;
    assert_eq!(world.cases().await[0].outcome, Some(Outcome::Verified));
    world.finish();
}

#[tokio::test]
async fn name_that_somebody_takes_up_again_is_another_repository() {
    let mut world = shop_with_offer().await;
    world.there().rename("octo/store");
    world.live().await;
    let (manifest, lockfile) = (shop().manifest(), shop().lockfile());
    let files = [("package.json", manifest.as_str()), ("package-lock.json", lockfile.as_str())];
    let other = world.github().repository("octo/shop", &files);
    world.live().await;
    let mut told: Vec<_> = world.cases().await.into_iter().map(|case| case.wound.unwrap().repository).collect();
    told.sort();
    assert_eq!(told, [other.name(), world.there().name()]);
    assert_eq!((world.open_pulls().len(), other.pulls().len()), (1, 1));
    world.finish();
}

#[tokio::test]
async fn repository_that_is_archived_is_forgotten_and_healed_again_when_it_is_taken_back() {
    let mut world = shop_with_offer().await;
    world.sweep().await;
    world.there().archive();
    world.live().await;
    assert_eq!((world.inventories().await, world.keys("offered").await.len()), (0, 0));
    world.there().unarchive();
    world.live().await;
    assert_eq!((world.inventories().await, world.keys("offered").await.len()), (1, 1));
    let cases = world.cases().await;
    assert_eq!((cases.len(), cases[0].status, world.open_pulls().len()), (1, Status::Proposed, 1));
    world.finish();
}

#[tokio::test]
async fn word_that_a_repository_is_out_of_reach_is_not_believed_while_it_is_reached() {
    let mut world = shop_with_offer().await;
    world.there().archive();
    world.hear().await;
    let late = std::mem::take(&mut world.bus.waiting);
    assert_eq!(late.len(), 1);
    world.there().unarchive();
    world.live().await;
    world.bus.waiting = late;
    world.live().await;
    let removed = RepositoryAccess { repository: world.there().name(), installation: 1 };
    world.send(queue::SCAN, topic::REPOSITORY_REMOVED, &removed);
    world.live().await;
    assert_eq!((world.inventories().await, world.keys("offered").await.len()), (1, 1));
    world.finish();
}

#[tokio::test]
async fn repositories_of_an_installation_are_forgotten_only_while_it_is_suspended() {
    let mut world = shop_with_offer().await;
    let suspended = InstallationAccess {
        installation: 1,
        account: Some("Octo".to_owned()),
        named: 0,
        page: None,
        among: Vec::new(),
    };
    world.github().suspend();
    world.github().unsuspend();
    world.send(queue::SCAN, topic::INSTALLATION_REMOVED, &suspended);
    world.live().await;
    assert_eq!((world.inventories().await, world.keys("offered").await.len()), (1, 1));
    world.github().suspend();
    world.send(queue::SCAN, topic::INSTALLATION_REMOVED, &suspended);
    world.live().await;
    assert_eq!((world.inventories().await, world.keys("offered").await.len()), (0, 0));
    world.finish();
}

#[tokio::test]
async fn many_repositories_of_an_installation_that_is_gone_are_shared_out_among_messages() {
    let world = shop_with_offer().await;
    let of_owner = world.keys("branches").await[0].rsplitn(3, '/').nth(2).unwrap().to_owned();
    for number in 0..205 {
        let name: RepoName = world.there().name().as_str().replace("shop", &format!("r{number}")).parse().unwrap();
        world.write(&format!("{of_owner}/r{number}/main"), &name).await;
    }
    let env = world.process(Default::default());
    let now = world.clock.now();
    let gone = InstallationAccess {
        installation: 1,
        account: Some("octo".to_owned()),
        named: 0,
        page: None,
        among: Vec::new(),
    };
    let run = RunId::about(now, "test");
    let root = Envelope::root("test", queue::SCAN, topic::INSTALLATION_REMOVED, &gone, run, now).unwrap();
    let mut asked = Vec::new();
    for share in functions::handle(&env, queue::SCAN, root).await.unwrap() {
        let messages = functions::handle(&env, queue::SCAN, share).await.unwrap();
        assert!(messages.iter().all(|message| message.topic == topic::REPOSITORY_REMOVED));
        asked.push(messages.len());
    }
    assert_eq!(asked, [200, 6]);
    world.finish();
}

#[tokio::test]
async fn repositories_of_an_installation_are_listed_page_by_page() {
    let world = shop_with_hole().await;
    for number in 0..230 {
        world.github().repository(&format!("octo/r{number}"), &[("README.md", "# One\n")]);
    }
    let env = world.process(Default::default());
    let now = world.clock.now();
    let whole = InstallationAccess { installation: 1, account: None, named: 231, page: None, among: Vec::new() };
    let run = RunId::about(now, "test");
    let root = Envelope::root("test", queue::SCAN, topic::INSTALLATION_ADDED, &whole, run, now).unwrap();
    let mut waiting = vec![root];
    let (mut listed, mut lengths) = (BTreeSet::new(), Vec::new());
    while let Some(message) = waiting.pop() {
        let asked = world.github().asked().len();
        let answers = functions::handle(&env, queue::SCAN, message).await.unwrap();
        let asked = world.github().asked().split_off(asked);
        let pages = asked.iter().filter(|line| line.ends_with("/installation/repositories")).count();
        assert_eq!(pages, 1, "a message reads one page");
        let (added, pages): (Vec<_>, Vec<_>) =
            answers.into_iter().partition(|message| message.topic == topic::REPOSITORY_ADDED);
        lengths.push((added.len(), pages.len()));
        listed.extend(added.iter().map(|message| message.payload["repository"].to_string()));
        waiting.extend(pages);
    }
    assert_eq!(lengths, [(100, 2), (31, 0), (100, 0)]);
    assert_eq!(listed.len(), 231);
    world.finish();
}

#[tokio::test]
async fn dashboard_that_is_not_written_yet_is_not_asked_for_at_each_tick() {
    let world = shop_with_offer().await;
    let env = world.process(Default::default());
    let mut asked = Vec::new();
    for _ in 0..3 {
        let sent = functions::tick(&env, "sweep").await.unwrap();
        asked.push(sent.iter().filter(|message| message.topic == topic::DASHBOARD_REQUESTED).count());
        world.clock.advance(SignedDuration::from_mins(1));
    }
    assert_eq!(asked, [1, 0, 0]);
    world.finish();
}
