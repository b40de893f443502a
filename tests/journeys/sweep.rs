//! Sweeps in bad weather: two at once, or one that dies.

use crate::world::World;
use crate::world::release::shop_with_hole;
use agents::environment::effects::Effects;
use agents::functions::tick;
use jiff::SignedDuration;
use pipeline::case::Status;
use pipeline::message::{Envelope, queue};
use std::collections::BTreeSet;

/// A world whose remediation was put off, and is due.
async fn with_work_that_is_due() -> World {
    let mut world = shop_with_hole().await;
    world.ask_to_heal();
    let env = world.process(Effects::default());
    while world.bus.waiting[0].function != queue::REMEDIATE {
        world.bus.deliver(0, &env).await.unwrap();
    }
    let mut blind = world.process(Effects::default());
    blind.advisories = world.silent_advisories();
    world.bus.settle(&blind, |_| {}).await.unwrap();
    assert_eq!(world.wake_ups().await.len(), 1);
    world.clock.advance(SignedDuration::from_hours(1));
    world
}

fn send(world: &mut World, messages: &[Envelope]) {
    for message in messages {
        world.bus.send(Some("sweep"), message).unwrap();
    }
}

/// Lets everything come to an end, which has to be the same in every weather.
async fn is_healed_once(mut world: World, weather: &str) {
    world.settle().await;
    for _ in 0..3 {
        world.clock.advance(SignedDuration::from_mins(6));
        world.sweep().await;
    }
    let case = world.expect(&world.cases().await, Status::Completed);
    assert_eq!(world.repository.ahead(&case.case.branch()), 1, "{weather}");
    assert_eq!(world.wake_ups().await, Vec::<String>::new(), "{weather}");
    let told: BTreeSet<String> = world.notices.lock().unwrap().iter().map(|notice| notice.subject.clone()).collect();
    assert_eq!(told.len(), 1, "{weather}: {told:?}");
    world.finish();
}

#[tokio::test]
async fn sweep_that_dies_anywhere_loses_no_work() {
    for dies_after in 0..12 {
        let mut world = with_work_that_is_due().await;
        let doomed = world.process(Effects::crashing_after(dies_after));
        // What the dead answered does not leave.
        if let Ok(messages) = tick(&doomed, "sweep").await {
            send(&mut world, &messages);
        }
        world.sweep().await;
        is_healed_once(world, &format!("died after effect {dies_after}")).await;
    }
}

#[tokio::test]
async fn two_sweeps_at_once_heal_once() {
    for later_first in [false, true] {
        let mut world = with_work_that_is_due().await;
        let (one, other) = (world.process(Effects::default()), world.process(Effects::default()));
        for _ in 0..3 {
            let (first, second) = tokio::join!(tick(&one, "sweep"), tick(&other, "sweep"));
            let (first, second) = (first.unwrap(), second.unwrap());
            send(&mut world, if later_first { &second } else { &first });
            send(&mut world, if later_first { &first } else { &second });
            // Some of it arrives between two ticks.
            let half = world.bus.waiting.len() / 2;
            for _ in 0..half {
                let last = world.bus.waiting.len() - 1;
                world.bus.deliver(if later_first { last } else { 0 }, &one).await.unwrap();
            }
            world.clock.advance(SignedDuration::from_mins(1));
        }
        is_healed_once(world, "two sweeps at once").await;
    }
}
