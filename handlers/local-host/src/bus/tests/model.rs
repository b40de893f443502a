//! The bus against a model of it in a few lines, over operations in any order, crashes between them.

use super::*;
use crate::bus::{LockToken, Received};
use proptest::prelude::*;
use std::collections::BTreeMap;

const LOCK_MS: i64 = 1000;
const COUNT_MAX: u32 = 3;

#[derive(Debug, Clone)]
enum Act {
    Send { delay_ms: Option<i64>, ttl_ms: Option<i64> },
    Receive(usize),
    ReceiveDead,
    Complete(usize),
    Abandon(usize),
    DeadLetter(usize),
    Renew(usize),
    Replay(usize),
    Pass(i64),
    Reopen,
}

fn act() -> impl Strategy<Value = Act> {
    let sometimes = || proptest::option::weighted(0.2, 1..3000_i64);
    prop_oneof![
        6 => (sometimes(), sometimes()).prop_map(|(delay_ms, ttl_ms)| Act::Send { delay_ms, ttl_ms }),
        6 => (1..4_usize).prop_map(Act::Receive),
        1 => Just(Act::ReceiveDead),
        3 => (0..6_usize).prop_map(Act::Complete),
        4 => (0..6_usize).prop_map(Act::Abandon),
        1 => (0..6_usize).prop_map(Act::DeadLetter),
        1 => (0..6_usize).prop_map(Act::Renew),
        1 => (1..3_usize).prop_map(Act::Replay),
        4 => (1..1500_i64).prop_map(Act::Pass),
        1 => Just(Act::Reopen),
    ]
}

/// A message of the model. Its name is its body; places in the order are counted apart from the bus.
#[derive(Debug, Clone)]
struct Message {
    name: usize,
    dead: bool,
    count: u32,
    ttl_ms: Option<i64>,
    expires: Option<i64>,
    scheduled: Option<i64>,
    locked: Option<(i64, LockToken)>,
}

#[derive(Debug, Default)]
struct Model {
    now: i64,
    next: u64,
    messages: BTreeMap<u64, Message>,
}

impl Model {
    fn put(&mut self, message: Message) {
        self.next += 1;
        self.messages.insert(self.next, message);
    }

    fn send(&mut self, name: usize, delay_ms: Option<i64>, ttl_ms: Option<i64>) {
        let scheduled = delay_ms.map(|delay| self.now + delay);
        let expires = ttl_ms.map(|ttl| scheduled.unwrap_or(self.now) + ttl);
        self.put(Message { name, dead: false, count: 0, ttl_ms, expires, scheduled, locked: None });
    }

    /// Time passes to `now`. All that is due falls on one moment of the bus, the earliest first.
    fn pass(&mut self) {
        loop {
            let due = |message: &Message| match message {
                Message { locked: Some((until, _)), .. } => Some(*until),
                Message { scheduled: Some(at), .. } => Some(*at),
                Message { dead: false, expires, .. } => *expires,
                _ => None,
            };
            let next = self.messages.iter().filter_map(|(place, message)| Some((due(message)?, *place))).min();
            let Some((_, place)) = next.filter(|(at, _)| *at <= self.now) else { return };
            if self.messages[&place].locked.is_some() {
                self.release(place);
            } else if self.messages[&place].scheduled.is_some() {
                let mut message = self.messages.remove(&place).unwrap();
                message.scheduled = None;
                message.expires = message.ttl_ms.map(|ttl| self.now + ttl);
                self.put(message);
            } else {
                self.messages.remove(&place);
            }
        }
    }

    fn release(&mut self, place: u64) {
        let message = self.messages.get_mut(&place).unwrap();
        message.locked = None;
        message.dead |= message.count >= COUNT_MAX;
    }

    fn waiting(&self, dead: bool) -> Vec<u64> {
        let waits = |message: &Message| message.dead == dead && message.locked.is_none() && message.scheduled.is_none();
        self.messages.iter().filter(|(_, message)| waits(message)).map(|(place, _)| *place).collect()
    }

    fn receive(&mut self, dead: bool, received: &[Received], max: usize) {
        let expect: Vec<u64> = self.waiting(dead).into_iter().take(max).collect();
        let names = |place: &u64| self.messages[place].name.to_string().into_bytes();
        let bodies: Vec<Vec<u8>> = received.iter().map(|message| message.body.clone()).collect();
        assert_eq!(expect.iter().map(names).collect::<Vec<_>>(), bodies);
        for (place, received) in expect.iter().zip(received) {
            let message = self.messages.get_mut(place).unwrap();
            message.count += 1;
            message.locked = Some((self.now + LOCK_MS, received.lock));
            assert_eq!(message.count, received.delivery_count);
        }
    }

    fn find(&self, lock: LockToken) -> Option<u64> {
        let holds = |message: &Message| message.locked.is_some_and(|(_, held)| held == lock);
        self.messages.iter().find(|(_, message)| holds(message)).map(|(place, _)| *place)
    }

    fn numbers(&self) -> [u64; 4] {
        let mut numbers = [0; 4];
        for message in self.messages.values() {
            let at = match message {
                Message { dead: true, .. } => 3,
                Message { scheduled: Some(_), .. } => 2,
                Message { locked: Some(_), .. } => 1,
                _ => 0,
            };
            numbers[at] += 1;
        }
        numbers
    }
}

async fn play(acts: Vec<Act>) {
    let rules = Rules { lock_duration_ms: LOCK_MS as u64, max_delivery_count: COUNT_MAX, ..Rules::default() };
    let mut bench = Bench::new(rules);
    let mut model = Model::default();
    let mut locks: Vec<LockToken> = Vec::new();
    for (name, act) in acts.into_iter().enumerate() {
        let lock = |index: usize| locks.iter().rev().nth(index).copied();
        match act {
            Act::Send { delay_ms, ttl_ms } => {
                let at = delay_ms.map(|delay| bench.clock.now() + SignedDuration::from_millis(delay));
                let change = |message: &mut Outgoing| {
                    message.properties.scheduled_enqueue_time = at;
                    message.properties.time_to_live_ms = ttl_ms.map(|ttl| ttl as u64);
                };
                bench.send_with(&name.to_string(), change).await;
                model.send(name, delay_ms, ttl_ms);
            }
            Act::Receive(max) => {
                let received = bench.bus().receive(&queue(), max).await.unwrap();
                model.receive(false, &received, max);
                locks.extend(received.iter().map(|message| message.lock));
            }
            Act::ReceiveDead => {
                let received = bench.bus().receive_dead_letters(&queue(), 1).await.unwrap();
                model.receive(true, &received, 1);
                locks.extend(received.iter().map(|message| message.lock));
            }
            Act::Complete(index) => {
                let Some(lock) = lock(index) else { continue };
                let place = model.find(lock);
                assert_eq!(bench.bus().complete(lock).await.is_ok(), place.is_some());
                place.map(|place| model.messages.remove(&place));
            }
            Act::Abandon(index) => {
                let Some(lock) = lock(index) else { continue };
                let place = model.find(lock);
                assert_eq!(bench.bus().abandon(lock).await.is_ok(), place.is_some());
                place.into_iter().for_each(|place| model.release(place));
            }
            Act::DeadLetter(index) => {
                let Some(lock) = lock(index) else { continue };
                let place = model.find(lock).filter(|place| !model.messages[place].dead);
                assert_eq!(bench.bus().dead_letter(lock, "r", "d").await.is_ok(), place.is_some());
                if let Some(message) = place.and_then(|place| model.messages.get_mut(&place)) {
                    (message.dead, message.locked) = (true, None);
                }
            }
            Act::Renew(index) => {
                let Some(lock) = lock(index) else { continue };
                let place = model.find(lock);
                assert_eq!(bench.bus().renew(lock).await.is_ok(), place.is_some());
                if let Some(message) = place.and_then(|place| model.messages.get_mut(&place)) {
                    message.locked = Some((model.now + LOCK_MS, lock));
                }
            }
            Act::Replay(max) => {
                let places: Vec<u64> = model.waiting(true).into_iter().take(max).collect();
                assert_eq!(bench.bus().replay(&queue(), max).await.unwrap(), places.len());
                for place in places {
                    let mut message = model.messages.remove(&place).unwrap();
                    (message.dead, message.count) = (false, 0);
                    message.expires = message.ttl_ms.map(|ttl| model.now + ttl);
                    model.put(message);
                }
            }
            Act::Pass(duration_ms) => {
                bench.later(duration_ms);
                model.now += duration_ms;
                model.pass();
            }
            Act::Reopen => {
                bench.reopen();
                let locked = model.messages.iter().filter(|(_, message)| message.locked.is_some());
                for place in locked.map(|(place, _)| *place).collect::<Vec<_>>() {
                    model.release(place);
                }
                model.pass();
            }
        }
        model.pass();
        assert_eq!(bench.numbers().await, model.numbers());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_operations_leave_what_the_model_says(acts in proptest::collection::vec(act(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(acts));
    }
}
