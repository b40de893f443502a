//! What is in work, and whether anything new may begin.

use std::time::Duration;
use tokio::sync::watch;

/// Counts what is in work, until nothing new is begun and all of it has ended.
#[derive(Debug, Clone)]
pub struct Drain {
    stopping: watch::Sender<bool>,
    in_flight: watch::Sender<usize>,
}

/// Some work. It has ended when the last clone is dropped.
#[derive(Debug)]
pub struct Work(Drain);

impl Default for Drain {
    fn default() -> Self {
        Self { stopping: watch::Sender::new(false), in_flight: watch::Sender::new(0) }
    }
}

impl Drain {
    /// Begins some work. `None`: nothing new may begin.
    pub fn begin(&self) -> Option<Work> {
        // Counted first and looked at afterwards: whoever stops either is seen, or sees the count.
        let work = Work::of(self.clone());
        (!self.is_stopping()).then_some(work)
    }

    /// Whether nothing new may begin.
    pub fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Lets nothing new begin.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Returns once nothing new may begin.
    pub async fn stopped(&self) {
        // `self` keeps the sender.
        let _ = self.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }

    /// How much is in work.
    pub fn in_flight(&self) -> usize {
        *self.in_flight.borrow()
    }

    /// Waits until all work has ended, at most so long. How much has not is answered.
    pub async fn idle_within(&self, limit: Duration) -> usize {
        let mut in_flight = self.in_flight.subscribe();
        let _ = tokio::time::timeout(limit, in_flight.wait_for(|count| *count == 0)).await;
        self.in_flight()
    }
}

impl Work {
    fn of(drain: Drain) -> Self {
        drain.in_flight.send_modify(|count| *count += 1);
        Self(drain)
    }
}

impl Clone for Work {
    fn clone(&self) -> Self {
        Self::of(self.0.clone())
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.0.in_flight.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_begins_once_it_stops_and_what_began_is_waited_for() {
        let drain = Drain::default();
        let work = drain.begin().unwrap();
        let more = work.clone();
        drain.stop();
        assert!(drain.begin().is_none());
        drop(work);
        assert_eq!(drain.idle_within(Duration::from_millis(1)).await, 1);
        drop(more);
        assert_eq!(drain.idle_within(Duration::from_secs(9)).await, 0);
    }
}
