//! A count of everything that changes the world outside: the places where a crash can hurt.

use std::sync::{Arc, Mutex, PoisonError};

/// Counts effects, and can pretend that the process died after one of them.
///
/// Every write to the store and every move of a git reference goes through it. A journey under weather counts its effects
/// once, and is then run again with a crash after each.
#[derive(Debug, Clone, Default)]
pub struct Effects(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    done: Vec<String>,
    crash_after: Option<usize>,
}

/// The process is taken to be dead: nothing that follows may have an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the process died here")]
pub struct Crashed;

impl Effects {
    /// Effects of a process that dies after `count` of them.
    pub fn crashing_after(count: usize) -> Self {
        Self(Arc::new(Mutex::new(State { done: Vec::new(), crash_after: Some(count) })))
    }

    /// To be asked before an effect: refused once the process is dead.
    pub fn permit(&self) -> Result<(), Crashed> {
        if self.has_crashed() { Err(Crashed) } else { Ok(()) }
    }

    /// To be told after an effect.
    pub fn done(&self, what: impl Into<String>) {
        self.lock().done.push(what.into());
    }

    /// Whether the process is taken to be dead.
    pub fn has_crashed(&self) -> bool {
        let state = self.lock();
        state.crash_after.is_some_and(|count| state.done.len() >= count)
    }

    /// The effects so far, in order.
    pub fn list(&self) -> Vec<String> {
        self.lock().done.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
