//! When each function worked last. It is told, not kept: another process has its own, and `sweep` takes the latest.

use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// When each function of this process worked last.
#[derive(Debug, Clone, Default)]
pub struct LastWork(Arc<Mutex<BTreeMap<&'static str, Timestamp>>>);

impl LastWork {
    /// `function` works, now.
    pub fn note(&self, function: &'static str, now: Timestamp) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(function, now);
    }

    /// When `function` worked last; `None`: not since this process began.
    pub fn of(&self, function: &str) -> Option<Timestamp> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(function).copied()
    }
}
