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
    count: usize,
    /// Kept only when asked for: a process that lives for months does not remember each of its effects.
    names: Option<Vec<String>>,
    crash_after: Option<usize>,
}

/// The process is taken to be dead: nothing that follows may have an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the process died here")]
pub struct Crashed;

impl Effects {
    /// Effects that are remembered by name.
    pub fn remembered() -> Self {
        Self(Arc::new(Mutex::new(State { names: Some(Vec::new()), ..State::default() })))
    }

    /// Effects of a process that dies after `count` of them.
    pub fn crashing_after(count: usize) -> Self {
        Self(Arc::new(Mutex::new(State { crash_after: Some(count), ..State::default() })))
    }

    /// To be asked before an effect: refused once the process is dead.
    pub fn permit(&self) -> Result<(), Crashed> {
        if self.has_crashed() { Err(Crashed) } else { Ok(()) }
    }

    /// To be told after an effect.
    pub fn done(&self, what: impl Into<String>) {
        let mut state = self.lock();
        state.count = state.count.saturating_add(1);
        if let Some(names) = &mut state.names {
            names.push(what.into());
        }
    }

    /// Whether the process is taken to be dead.
    pub fn has_crashed(&self) -> bool {
        let state = self.lock();
        state.crash_after.is_some_and(|count| state.count >= count)
    }

    /// How many there were.
    pub fn count(&self) -> usize {
        self.lock().count
    }

    /// Names of the effects so far, in order. Empty unless they are [remembered](Self::remembered).
    pub fn list(&self) -> Vec<String> {
        self.lock().names.clone().unwrap_or_default()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_only_when_asked_for() {
        for (effects, names) in [
            (Effects::default(), vec![]),
            (Effects::crashing_after(9), vec![]),
            (Effects::remembered(), vec!["a", "b"]),
        ] {
            effects.done("a");
            effects.done("b");
            assert_eq!(effects.count(), 2);
            assert_eq!(effects.list(), names);
        }
    }
}
