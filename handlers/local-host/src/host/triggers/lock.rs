//! The lock of a message is renewed while its function runs.

use super::Listener;
use crate::bus::{BusError, Received};
use std::pin::pin;
use std::time::Duration;

/// A lock is renewed no more often than this.
const RENEW_PAUSE_MIN: Duration = Duration::from_millis(20);

/// Lets `work` on `message` run, and renews the lock at half of its time, until `maxAutoLockRenewalDuration` is over. After that the
/// message may come again while the function still runs, as in Azure.
pub async fn renewed<T>(listener: &Listener, message: &Received, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    let clock = &listener.invoker.clock;
    let renewed_for = Duration::from_millis(listener.invoker.app.host.service_bus.max_auto_lock_renewal_ms);
    let begun = tokio::time::Instant::now();
    let mut until = message.locked_until;
    while begun.elapsed() < renewed_for {
        let left = Duration::try_from(until.duration_since(clock.now())).unwrap_or_default();
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep((left / 2).max(RENEW_PAUSE_MIN)) => {}
        }
        match listener.bus.renew(message.lock).await {
            Ok(renewed) => until = renewed,
            Err(error @ BusError::LockLost(_)) => {
                listener.trouble("keeping a message of", &error).await;
                break;
            }
            Err(error) => listener.trouble("keeping a message of", &error).await,
        }
    }
    work.await
}
