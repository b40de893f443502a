//! The bus, rule by rule.

mod burials;
mod damage;
mod disk;
mod kill;
mod model;
mod rest;
mod rules;
mod throughput;
mod timing;
mod upgrade;

use super::{Bus, Counts, Destination, Entities, Outgoing, QueueSettings, Rules, Source, SubscriptionSettings};
use agents::environment::clock::Clock;
use jiff::{SignedDuration, Timestamp};
use std::path::PathBuf;
use tempfile::TempDir;

/// A bus in a folder of its own, with a clock that stands still.
struct Bench {
    folder: TempDir,
    clock: Clock,
    entities: Entities,
    bus: Option<Bus>,
}

impl Bench {
    /// Queues `in` and `out`, topic `events` with subscriptions `a` and `b`, all with `rules`.
    fn new(rules: Rules) -> Self {
        let queue = |name: &str| QueueSettings { name: name.to_owned(), rules: rules.clone() };
        let subscription = |name: &str| SubscriptionSettings {
            topic: "events".to_owned(),
            name: name.to_owned(),
            rules: rules.clone(),
        };
        let entities = Entities {
            queues: vec![queue("in"), queue("out")],
            subscriptions: vec![subscription("a"), subscription("b")],
        };
        let clock = Clock::standing_at(Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * 365 * 50));
        let mut bench = Self { folder: folder(), clock, entities, bus: None };
        bench.reopen();
        bench
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("bus.sqlite3")
    }

    fn reopen(&mut self) {
        self.bus = None;
        self.bus = Some(Bus::open(&self.file(), self.entities.clone(), self.clock.clone()).unwrap());
    }

    fn close(&mut self) {
        self.bus = None;
    }

    fn bus(&self) -> &Bus {
        self.bus.as_ref().unwrap()
    }

    fn later(&self, duration_ms: i64) {
        self.clock.advance(SignedDuration::from_millis(duration_ms));
    }

    async fn send(&self, body: &str) {
        self.send_with(body, |_| {}).await;
    }

    async fn send_with(&self, body: &str, change: impl FnOnce(&mut Outgoing)) {
        let mut outgoing = Outgoing::new(body);
        change(&mut outgoing);
        self.bus().send(vec![(Destination::Queue("in".to_owned()), outgoing)]).await.unwrap();
    }

    /// Bodies of what can be received from queue `in` now. They stay locked.
    async fn receive(&self) -> Vec<String> {
        let received = self.bus().receive(&queue(), 100).await.unwrap();
        received.into_iter().map(|message| String::from_utf8(message.body).unwrap()).collect()
    }

    async fn counts(&self) -> Counts {
        self.bus().counts().await.unwrap().remove(0)
    }

    /// Active, locked, scheduled, dead.
    async fn numbers(&self) -> [u64; 4] {
        let counts = self.counts().await;
        [counts.active, counts.locked, counts.scheduled, counts.dead_letters]
    }
}

/// A folder in memory where there is one: these tests are about what is said and kept, not about the disk.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn queue() -> Source {
    Source::Queue("in".to_owned())
}

fn subscription(name: &str) -> Source {
    Source::Subscription { topic: "events".to_owned(), name: name.to_owned() }
}
