//! A registry that does not answer is not asked by every package in turn: offline, that would take hours.

use super::unavailable::Unavailable;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use url::Origin;

/// So many passing failures in a row, and a registry counts as down.
const FAILURES_IN_A_ROW_MAX: u32 = 4;

/// Of the questions to a registry that is down, every so-many-th is asked all the same, to see whether it is back.
const QUESTIONS_BETWEEN_TRIALS: u32 = 32;

/// How each registry did of late.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<HashMap<Origin, Failures>>);

#[derive(Debug)]
struct Failures {
    in_a_row: u32,
    spared: u32,
    last: Unavailable,
}

impl Breaker {
    /// The last failure of a registry that is down; `None`: it may be asked.
    pub(super) fn is_down(&self, origin: &Origin) -> Option<Unavailable> {
        let mut registries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let failures = registries.get_mut(origin).filter(|failures| failures.in_a_row >= FAILURES_IN_A_ROW_MAX)?;
        failures.spared = failures.spared.saturating_add(1);
        if failures.spared.is_multiple_of(QUESTIONS_BETWEEN_TRIALS) {
            return None;
        }
        Some(failures.last.clone().of_registry(&origin.ascii_serialization()))
    }

    /// Takes note of how a question went. Whatever is no passing failure shows that the registry is up.
    pub(super) fn note(&self, origin: Origin, failure: Option<&Unavailable>) {
        let mut registries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(last) = failure.filter(|failure| failure.is_passing()) else {
            registries.remove(&origin);
            return;
        };
        let before = registries.get(&origin).map_or((0, 0), |failures| (failures.in_a_row, failures.spared));
        let failures = Failures { in_a_row: before.0.saturating_add(1), spared: before.1, last: last.clone() };
        registries.insert(origin, failures);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Origin {
        url::Url::parse("https://registry.example/").unwrap().origin()
    }

    fn failure() -> Unavailable {
        Unavailable::Unreachable { address: "a".to_owned(), reason: "b".to_owned() }
    }

    #[test]
    fn a_registry_that_keeps_failing_is_spared_and_tried_now_and_then() {
        let breaker = Breaker::default();
        for _ in 0..FAILURES_IN_A_ROW_MAX {
            assert_eq!(breaker.is_down(&origin()), None);
            breaker.note(origin(), Some(&failure()));
        }
        let spared = (0..QUESTIONS_BETWEEN_TRIALS * 3).filter(|_| breaker.is_down(&origin()).is_some()).count();
        assert_eq!(spared, (QUESTIONS_BETWEEN_TRIALS as usize - 1) * 3);
        breaker.note(origin(), None);
        assert_eq!(breaker.is_down(&origin()), None);
    }

    #[test]
    fn what_is_no_passing_failure_shows_that_it_is_up() {
        let breaker = Breaker::default();
        let missing = Unavailable::NoSuchPackage { address: "a".to_owned() };
        for _ in 0..FAILURES_IN_A_ROW_MAX * 2 {
            breaker.note(origin(), Some(&failure()));
            breaker.note(origin(), Some(&missing));
        }
        assert_eq!(breaker.is_down(&origin()), None);
    }
}
