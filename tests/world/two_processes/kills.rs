//! Kills at moments that a seed draws.

use super::{PATIENCE, TwoProcesses, start};
use crate::world::chance::Chance;
use crate::world::host::kill;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// After so many, all is let come to its end: a message may be delivered ten times.
const IN_A_ROW_MAX: usize = 5;

/// No longer is some work waited for: there may be none to do.
const WAIT: Duration = Duration::from_secs(1);

impl TwoProcesses {
    /// Lets `journey` happen while handler and host are killed, up to `kills` times.
    pub async fn killing<T>(&self, seed: u64, kills: usize, journey: impl Future<Output = T>) -> T {
        let mut chance = Chance(seed);
        let is_over = AtomicBool::new(false);
        let journey = async {
            let come = journey.await;
            is_over.store(true, Ordering::SeqCst);
            come
        };
        let killing = async {
            for number in (0..kills).take_while(|_| !is_over.load(Ordering::SeqCst)) {
                if number > 0 && number % IN_A_ROW_MAX == 0 {
                    self.until("no message waits", async || self.is_idle().await).await;
                }
                self.kill_one(&mut chance).await;
            }
        };
        let (come, ()) = tokio::join!(journey, killing);
        come
    }

    /// Lets some work be done, but not all, and kills one of the two.
    async fn kill_one(&self, chance: &mut Chance) {
        let mut place = self.local.lock().await;
        let mut local = place.take().unwrap();
        let (steps, pause) = (chance.below(15), chance.below(40));
        let works = async {
            let mut done = 0;
            while local.handler.is_none() || done < steps {
                match tokio::time::timeout(WAIT, local.next()).await {
                    Ok(event) if event["event"] == "invoked" => done += 1,
                    Ok(_) => {}
                    Err(_) if local.handler.is_some() => break,
                    Err(_) => {}
                }
            }
        };
        tokio::time::timeout(PATIENCE, works).await.expect("a handler starts, and works or has nothing to do");
        tokio::time::sleep(Duration::from_millis(pause as u64)).await;
        let status = self.status().await.unwrap();
        self.hits.fetch_add(usize::from(status["in_flight"] != 0), Ordering::SeqCst);
        if chance.below(2) == 0 {
            kill(local.handler.take().unwrap());
        } else {
            local.kill();
            local = start(&self.machine, &self.github, &self.osv).await;
            self.address.send(local.address.clone()).unwrap();
        }
        *place = Some(local);
    }
}
