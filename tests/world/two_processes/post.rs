//! The way of deliveries from GitHub to the host.

use crate::world::chance::Chance;
use crate::world::github::{Delivery, SimulatedGitHub};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Semaphore, watch};

/// Deliveries that GitHub makes at the same time.
const AT_ONCE: usize = 16;

/// How often it is looked whether GitHub has anything to tell.
const LOOK: Duration = Duration::from_millis(10);

/// In bad weather, one delivery in so many comes twice.
const TWICE_ONE_IN: usize = 3;

/// In bad weather, a delivery takes up to so long, in milliseconds.
const DELAY_MS: usize = 300;

/// Takes every delivery to where the host listens, and tells GitHub how it was answered.
pub struct Post {
    github: SimulatedGitHub,
    address: watch::Receiver<String>,
    chance: Option<Mutex<Chance>>,
    at_once: Semaphore,
    client: reqwest::Client,
    bag: Mutex<Bag>,
}

#[derive(Default)]
struct Bag {
    taken: usize,
    done: usize,
    carried: BTreeMap<String, Delivery>,
    /// Repositories and events of what is to be lost.
    lost: Vec<(String, String)>,
}

impl Post {
    /// Begins to carry. With a `seed`, deliveries come in any order, and some of them twice.
    pub fn begin(
        github: SimulatedGitHub,
        client: reqwest::Client,
        address: watch::Receiver<String>,
        seed: Option<u64>,
    ) -> Arc<Self> {
        let (chance, at_once) = (seed.map(|seed| Mutex::new(Chance(seed))), Semaphore::new(AT_ONCE));
        let this = Arc::new(Self { github, address, chance, at_once, client, bag: Mutex::default() });
        tokio::spawn(Arc::clone(&this).carry());
        this
    }

    /// The next delivery of `event` about the repository is lost on its way.
    pub fn lose(&self, full_name: &str, event: &str) {
        self.bag.lock().unwrap().lost.push((full_name.to_owned(), event.to_owned()));
    }

    /// How many were carried so far. `None`: some are on their way.
    pub fn all_carried(&self) -> Option<usize> {
        let bag = self.bag.lock().unwrap();
        (self.github.waiting_deliveries() == 0 && bag.taken == bag.done).then_some(bag.done)
    }

    /// All that were carried, each once.
    pub fn carried(&self) -> Vec<Delivery> {
        self.bag.lock().unwrap().carried.values().cloned().collect()
    }

    async fn carry(self: Arc<Self>) {
        loop {
            for delivery in self.take() {
                let this = Arc::clone(&self);
                tokio::spawn(async move {
                    this.hand_over(&delivery).await;
                    this.bag.lock().unwrap().done += 1;
                });
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn take(&self) -> Vec<Delivery> {
        let mut bag = self.bag.lock().unwrap();
        let mut deliveries = self.github.take_deliveries();
        deliveries.retain(|delivery| {
            let full_name = delivery.value()["repository"]["full_name"].clone();
            let is_it = |(of, event): &(String, String)| full_name == *of && *event == delivery.event;
            let lost = bag.lost.iter().position(is_it);
            lost.map(|at| bag.lost.remove(at)).is_none()
        });
        bag.taken += deliveries.len();
        bag.carried.extend(deliveries.iter().map(|delivery| (delivery.guid.clone(), delivery.clone())));
        deliveries
    }

    async fn hand_over(&self, delivery: &Delivery) {
        let (delays, times) = self.weather();
        for delay_ms in &delays[..times] {
            tokio::time::sleep(Duration::from_millis(*delay_ms as u64)).await;
            let _permit = self.at_once.acquire().await.unwrap();
            let url = format!("http://{}/api/github/webhook", self.address.borrow().clone());
            let status = delivery.send(&self.client, &url).await;
            self.github.note_delivery(delivery, status);
        }
    }

    /// How long each attempt takes, and how many there are.
    fn weather(&self) -> ([usize; 2], usize) {
        let Some(chance) = &self.chance else { return ([0; 2], 1) };
        let mut chance = chance.lock().unwrap();
        let delays = [chance.below(DELAY_MS), chance.below(DELAY_MS)];
        (delays, if chance.below(TWICE_ONE_IN) == 0 { 2 } else { 1 })
    }
}
