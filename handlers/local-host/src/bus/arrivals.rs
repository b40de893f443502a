//! Who waits for messages, and on which shelves there are some.

use super::catalog::Shelf;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// For each shelf: whether a message may be there, and who waits for one.
#[derive(Debug)]
pub(super) struct Arrivals {
    shelves: Vec<[Stock; 2]>,
}

#[derive(Debug)]
struct Stock {
    is_stocked: AtomicBool,
    changed: Notify,
}

impl Default for Stock {
    fn default() -> Self {
        // Whoever opens a bus looks at least once.
        Self { is_stocked: AtomicBool::new(true), changed: Notify::new() }
    }
}

impl Arrivals {
    /// For `entities` entities.
    pub(super) fn new(entities: usize) -> Self {
        Self { shelves: std::iter::repeat_with(Default::default).take(entities).collect() }
    }

    fn stock(&self, shelf: Shelf) -> Option<&Stock> {
        self.shelves.get(shelf.entity)?.get(usize::from(shelf.dead))
    }

    /// `shelf` has a message, or has none left.
    pub(super) fn set(&self, shelf: Shelf, is_stocked: bool) {
        if let Some(stock) = self.stock(shelf) {
            stock.is_stocked.store(is_stocked, Ordering::Release);
            if is_stocked {
                stock.changed.notify_waiters();
            }
        }
    }

    /// Waits until `shelf` may have a message.
    pub(super) async fn wait(&self, shelf: Shelf) {
        let Some(stock) = self.stock(shelf) else { return std::future::pending().await };
        loop {
            // Registered before the look, so that what comes between is not missed.
            let mut changed = std::pin::pin!(stock.changed.notified());
            changed.as_mut().enable();
            if stock.is_stocked.load(Ordering::Acquire) {
                return;
            }
            changed.await;
        }
    }
}
