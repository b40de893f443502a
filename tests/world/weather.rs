//! Weather: the same journey under crashes, redelivery, reordering, and a seeded storm of all three.

use super::World;
use super::chance::Chance;
use agents::environment::Environment;
use agents::environment::effects::Effects;
use agents::functions;
use pipeline::case::{Case, Status};
use pipeline::message::Envelope;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

/// Everything that a journey leaves behind, as far as the weather must not change it.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    cases: Vec<(String, Status, Option<pipeline::decision::Decision>, Vec<String>)>,
    branches: Vec<(String, String)>,
    ahead: BTreeMap<String, usize>,
    notices: Vec<String>,
    dead_letters: Vec<String>,
    wake_ups: Vec<String>,
    /// Topics of the events that were kept, by case; empty for those about none.
    events: BTreeMap<String, BTreeSet<String>>,
    poison: Vec<String>,
    on_github: Vec<String>,
}

impl Outcome {
    async fn of(world: &World) -> Self {
        let cases = world.cases().await;
        let branches = world.repository.branches();
        let mut notices: Vec<String> =
            world.notices.lock().unwrap().iter().map(|notice| notice.subject.clone()).collect();
        notices.sort();
        notices.dedup();
        Self {
            cases: cases.iter().map(brief).collect(),
            ahead: branches.iter().map(|(branch, _)| (branch.clone(), world.repository.ahead(branch))).collect(),
            branches,
            notices,
            dead_letters: world
                .bus
                .dead_letters
                .iter()
                .map(|(letter, reason)| format!("{}: {reason}", letter.function))
                .collect(),
            wake_ups: world.wake_ups().await,
            events: events(world).await,
            poison: world.store.list("poison").await.unwrap(),
            on_github: world.seen_on_github(),
        }
    }
}

async fn events(world: &World) -> BTreeMap<String, BTreeSet<String>> {
    let mut events: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for key in world.store.list("events").await.unwrap() {
        let event: Envelope = world.store.read(&key).await.unwrap().unwrap();
        let case = event.payload["case"].as_str().unwrap_or_default().to_owned();
        events.entry(case).or_default().insert(event.topic);
    }
    events
}

/// The end of `world`, which has to be `expected`. Nothing may be left that belongs to no case.
async fn check(world: &mut World, expected: &Outcome, weather: &str) {
    world.live().await;
    assert_eq!(Outcome::of(world).await, *expected, "{weather}");
    let deliveries = world.cases().await.into_iter().filter_map(|case| case.delivery?.branch);
    world.assert_sound(&deliveries.collect());
}

fn brief(case: &Case) -> (String, Status, Option<pipeline::decision::Decision>, Vec<String>) {
    let steps = case.steps.iter().map(|step| format!("{} {}", step.name, step.ok)).collect();
    (case.case.to_string(), case.status, case.decision, steps)
}

/// Runs the journey that `begin` sets out on in every weather, where several ways lead to one end: `is_end` fails on any other.
pub async fn to_one_end<F: Future<Output = World>>(begin: impl Fn() -> F, is_end: impl AsyncFn(&World)) {
    let mut calm = begin().await;
    let effects = Effects::remembered();
    let env = calm.process(effects.clone());
    calm.bus.settle(&env, |_| {}).await.unwrap();
    calm.live().await;
    is_end(&calm).await;
    let count = effects.count();
    for dies_after in 0..=count {
        let mut world = begin().await;
        let doomed = world.process(Effects::crashing_after(dies_after));
        while !world.bus.waiting.is_empty() && world.bus.deliver(0, &doomed).await.unwrap().is_none() {}
        world.live().await;
        is_end(&world).await;
    }
    let mut world = twins(begin().await).await;
    world.live().await;
    is_end(&world).await;
    for seed in 0..SEEDS {
        println!("seed {seed}");
        let mut world = storm(begin().await, Chance(seed), count).await;
        world.live().await;
        is_end(&world).await;
    }
}

/// Runs the journey that `begin` sets out on in every weather. Each time it has to end like on a calm day.
pub async fn in_every_weather<F: Future<Output = World>>(begin: impl Fn() -> F) {
    let mut calm = begin().await;
    let effects = Effects::remembered();
    let env = calm.process(effects.clone());
    calm.bus.settle(&env, |_| {}).await.unwrap();
    calm.live().await;
    let expected = Outcome::of(&calm).await;
    assert!(!expected.events.is_empty(), "a journey without events proves nothing");
    check(&mut calm, &expected, "a calm day").await;
    let count = effects.count();
    assert!(count > 2, "a journey without effects proves nothing: {:?}", effects.list());

    for dies_after in 0..=count {
        let mut world = begin().await;
        let doomed = world.process(Effects::crashing_after(dies_after));
        while !world.bus.waiting.is_empty() && world.bus.deliver(0, &doomed).await.unwrap().is_none() {}
        world.settle().await;
        check(&mut world, &expected, &format!("the process died after effect {dies_after} of {:?}", effects.list()))
            .await;
    }
    let mut world = twins(begin().await).await;
    check(&mut world, &expected, "two processes handled every message at the same time").await;
    for seed in 0..SEEDS {
        let mut world = storm(begin().await, Chance(seed), count).await;
        check(&mut world, &expected, &format!("seed {seed}")).await;
    }
}

/// Delivers every message to two processes at the same time; both answers are sent.
async fn twins(mut world: World) -> World {
    let (one, other) = (world.process(Effects::default()), world.process(Effects::default()));
    while !world.bus.waiting.is_empty() {
        at_the_same_time(&mut world, 0, &one, &other).await;
    }
    world
}

async fn at_the_same_time(world: &mut World, index: usize, one: &Environment, other: &Environment) {
    let delivery = world.bus.waiting.remove(index);
    let message = || serde_json::from_slice::<Envelope>(&delivery.body).unwrap();
    let work = |env| functions::handle(env, &delivery.function, message());
    let (first, second) = tokio::join!(work(one), work(other));
    if let (Ok(first), Ok(second)) = (&first, &second) {
        assert_eq!(first, second, "two answers to one message");
    }
    if first.is_err() && second.is_err() {
        world.bus.waiting.push(delivery.clone());
    }
    for message in [first, second].into_iter().flatten().flatten() {
        world.bus.send(Some(&delivery.function), &message).unwrap();
    }
}

/// Seeds of storms. One that fails is printed, and worth a test of its own.
const SEEDS: u64 = 40;

/// Delivers in any order, some messages twice, some to two processes at the same time, some answers lost before they are
/// sent, and some processes dead on the way.
pub async fn storm(mut world: World, mut chance: Chance, effects: usize) -> World {
    let mut env = world.process(Effects::crashing_after(chance.below(effects + 1)));
    let mut mishaps = 30;
    while !world.bus.waiting.is_empty() {
        let index = chance.below(world.bus.waiting.len());
        mishaps -= i32::from(mishaps > 0);
        match if mishaps > 0 { chance.below(8) } else { 7 } {
            0 => {
                let twin = world.bus.waiting[index].clone();
                world.bus.waiting.push(twin);
            }
            1 => {
                // The answer is lost between the function and the bus: nothing is sent, nothing is settled.
                let delivery = world.bus.waiting[index].clone();
                let message: Envelope = serde_json::from_slice(&delivery.body).unwrap();
                let _ = functions::handle(&env, &delivery.function, message).await;
            }
            2 => {
                let other = world.process(Effects::default());
                at_the_same_time(&mut world, index, &env, &other).await;
            }
            _ => {
                let _ = world.bus.deliver(index, &env).await.unwrap();
            }
        }
        if env.store.is_dead() {
            let lives_for =
                if mishaps > 0 { Effects::crashing_after(chance.below(effects + 1)) } else { Effects::default() };
            env = world.process(lives_for);
        }
    }
    world
}
