//! Which of several cases is worked first.

use super::github::shop;
use crate::world::World;
use crate::world::project::Project;
use crate::world::weather::to_one_end;
use agents::environment::effects::Effects;
use jiff::SignedDuration;
use pipeline::case::Status;
use pipeline::decision::priority::Urgency;
use pipeline::message::Envelope;
use pipeline::policy::DEFAULT_POLICIES;
use serde_json::{Value, json};

/// The built-in policies, of which the first says `more`.
fn with(more: &str) -> String {
    DEFAULT_POLICIES.replacen("rollback_enabled: true", &format!("rollback_enabled: true\n    {more}"), 1)
}

/// A project that asks for `knob` 1.0.0 while it is developed: manifest and lockfile.
fn tools() -> [String; 2] {
    let project = Project::new().needs("knob", "^1.0.0").locks("knob", "1.0.0", &[]);
    let mut manifest: Value = serde_json::from_str(&project.manifest()).unwrap();
    let mut lockfile: Value = serde_json::from_str(&project.lockfile()).unwrap();
    for asks in [&mut manifest, &mut lockfile["packages"][""]] {
        let needs = asks.as_object_mut().unwrap().remove("dependencies").unwrap();
        asks["devDependencies"] = needs;
    }
    lockfile["packages"]["node_modules/knob"]["dev"] = json!(true);
    [manifest, lockfile].map(|file| serde_json::to_string_pretty(&file).unwrap() + "\n")
}

/// Somebody pushed to a repository with two projects. What the shop uses at run time has a hole of medium severity, what `tools` uses
/// for development a critical one. Nobody has worked yet.
async fn pushed_under(policies: impl AsRef<str>) -> World {
    let mut world = World::on_github(&shop()).await;
    world.set_policies(policies.as_ref());
    world.registry.publish("gate", "2.1.0", &[("latch", "^1.0.0")]);
    for version in ["1.0.3", "1.2.0"] {
        world.registry.publish("latch", version, &[]);
    }
    for version in ["1.0.0", "1.0.1"] {
        world.registry.publish("knob", version, &[]);
    }
    world.advise("GHSA-aaaa-bbbb-cccc", "latch", "1.2.0", "MODERATE");
    world.advise("GHSA-dddd-eeee-ffff", "knob", "1.0.1", "CRITICAL");
    let [manifest, lockfile] = tools();
    world.push("main", &[("tools/package.json", &manifest), ("tools/package-lock.json", &lockfile)]);
    world.hear().await;
    world
}

fn titles(world: &World) -> Vec<String> {
    let mut titles: Vec<_> = world.open_pulls().iter().map(|pull| pull["title"].as_str().unwrap().to_owned()).collect();
    titles.sort();
    titles
}

/// So much time passes, and the timer ticks.
async fn later(world: &mut World, time: SignedDuration) {
    world.clock.advance(time);
    world.sweep().await;
    world.live().await;
}

#[tokio::test]
async fn scan_sends_the_most_urgent_case_first() {
    let mut world = pushed_under(DEFAULT_POLICIES).await;
    let env = world.process(Effects::default());
    while world.bus.waiting.iter().all(|waiting| waiting.function != "analyze") {
        world.bus.deliver(0, &env).await.unwrap();
    }
    let to_analyze = world.bus.waiting.iter().filter(|waiting| waiting.function == "analyze");
    let paths: Vec<String> = to_analyze
        .map(|waiting| serde_json::from_slice::<Envelope>(&waiting.body).unwrap())
        .map(|message| message.payload["wound"]["path"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(paths, ["package-lock.json", "tools/package-lock.json"], "run time before severity");
    world.live().await;
    let urgencies: Vec<_> = world
        .cases()
        .await
        .into_iter()
        .map(|case| (case.wound.as_ref().unwrap().path.clone(), Some(case.priority().urgency)))
        .collect();
    for (path, urgency) in
        [("package-lock.json", Urgency::SixtyDays), ("tools/package-lock.json", Urgency::NextUpgrade)]
    {
        assert!(urgencies.contains(&(path.to_owned(), Some(urgency))), "{urgencies:?}");
    }
    assert_eq!(titles(&world).len(), 2);
    world.finish();
}

#[tokio::test]
async fn cases_of_different_urgency_come_to_one_end_in_every_weather() {
    // Which of them is the first pull request is a matter of the weather.
    to_one_end(
        || pushed_under(DEFAULT_POLICIES),
        async |world| {
            assert_eq!(titles(world), ["Update knob to 1.0.1", "Update latch to 1.2.0"]);
            let cases = world.cases().await;
            assert!(cases.len() == 2 && cases.iter().all(|case| case.status == Status::Proposed), "{cases:#?}");
            world.assert_sound(&Default::default());
        },
    )
    .await;
}

#[tokio::test]
async fn budget_of_each_day_goes_to_the_most_urgent_case() {
    let mut world = pushed_under(with("limits: {pull_requests_per_repository_per_day: 1}")).await;
    world.live().await;
    assert_eq!(titles(&world), ["Update latch to 1.2.0"]);
    later(&mut world, SignedDuration::from_hours(24) + SignedDuration::from_mins(7)).await;
    assert_eq!(titles(&world), ["Update knob to 1.0.1", "Update latch to 1.2.0"]);
    world.finish();
}

/// The world begins at midnight UTC: frozen until six in the morning.
const FROZEN: &str = "freeze: [{name: nights, from: '22:00', until: '06:00'}]";

#[tokio::test]
async fn most_urgent_case_is_looked_at_first_when_a_freeze_is_over() {
    let mut world = pushed_under(with(FROZEN)).await;
    world.live().await;
    let wake_ups = world.wake_ups().await;
    let moments: Vec<&str> = wake_ups.iter().map(|key| key.split('/').nth(1).unwrap()).collect();
    assert_eq!(
        moments,
        ["20260101T0605", "20260101T0606"],
        "those of urgency 3 and 4, each a minute later, and two for clocks that differ"
    );
    later(&mut world, SignedDuration::from_hours(6)).await;
    assert_eq!(world.open_pulls().len(), 0);
    later(&mut world, SignedDuration::from_mins(7)).await;
    assert_eq!(world.open_pulls().len(), 2);
    world.finish();
}
