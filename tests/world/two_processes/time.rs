//! What takes minutes or hours, brought on: work that was put off is made due, leases expire, and what was noted as done of late is
//! forgotten.

use super::TwoProcesses;
use agents::environment::clock::Clock;
use agents::journal::WakeUp;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// Everything that is put off for less than this is brought on by `settle`. What is due later is the next look at an offer, of which there
/// is always another.
const SOON: SignedDuration = SignedDuration::from_hours(5);

impl TwoProcesses {
    /// Lets everything come to its end: nothing is on its way, nothing is put off, and GitHub has nothing that was not taken.
    pub async fn settle(&self) {
        loop {
            self.until("nothing is on its way", async || self.is_idle().await).await;
            let (put_off, failed) = (self.put_off().await, self.github.failed_deliveries());
            if put_off.is_empty() && failed.is_empty() {
                return self.expect_no_poison().await;
            }
            self.bring_on(put_off).await;
            if !failed.is_empty() {
                self.forget("looked/deliveries").await;
            }
            self.sweep().await;
        }
    }

    /// The timer ticks, whenever it would have. In bad weather it may tick in vain.
    pub async fn sweep(&self) {
        let url = format!("http://{}/admin/functions/sweep", self.address.borrow().clone());
        let _ = self.client.post(url).header("x-functions-key", &self.key).send().await;
    }

    /// The hour is another, as far as anybody noted what was looked at in this one.
    pub async fn an_hour_later(&self) {
        self.forget("matching").await;
        self.sweep().await;
    }

    pub(super) async fn look_for_the_first_time(&self) {
        self.until("the daily look is taken", async || {
            self.sweep().await;
            !self.keys("looked/reconciled").await.is_empty() && !self.keys("matching").await.is_empty()
        })
        .await;
    }

    /// Wake-ups that are due soon.
    async fn put_off(&self) -> Vec<(String, WakeUp)> {
        let soon = Clock::System.now() + SOON;
        let mut put_off = Vec::new();
        for key in self.keys("wakeups").await {
            // A sweep may have deleted it since it was listed.
            let Some(wake_up) = self.store.read::<WakeUp>(&key).await.unwrap() else { continue };
            if wake_up.due < soon {
                put_off.push((key, wake_up));
            }
        }
        put_off
    }

    async fn bring_on(&self, put_off: Vec<(String, WakeUp)>) {
        let now = Clock::System.now();
        for (key, wake_up) in put_off.into_iter().filter(|(_, wake_up)| wake_up.due > now) {
            let sooner = WakeUp { due: now, ..wake_up };
            self.store.create(&sooner.key(), &sooner).await.unwrap();
            if sooner.key() == key {
                self.store.overwrite(&key, &sooner).await.unwrap();
            } else {
                self.store.delete(&key).await.unwrap();
            }
        }
        // Ten minutes passed since anything was sent, and since a process that was killed held a lease.
        self.forget("sent").await;
        self.forget("asked").await;
        for key in self.keys("state").await.into_iter().filter(|key| key.starts_with("state/lease-")) {
            let Some(mut lease) = self.store.read::<Value>(&key).await.unwrap() else { continue };
            lease["value"]["expires"] = json!(Timestamp::UNIX_EPOCH);
            self.store.overwrite(&key, &lease).await.unwrap();
        }
    }

    async fn forget(&self, shelf: &str) {
        for key in self.keys(shelf).await {
            self.store.delete(&key).await.unwrap();
        }
    }
}
