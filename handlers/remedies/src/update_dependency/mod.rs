//! The smallest set of version changes that heals one project.

mod acts;
mod apply;
#[cfg(test)]
mod brute_force;
mod classes;
mod construct;
mod cost;
mod heal;
mod in_turn;
mod item;
mod markers;
mod mend;
mod npm_edit;
#[cfg(test)]
mod pip_brute_force;
mod ranges;
mod reach;
mod reason;
mod registry;
mod replay;
mod report;
mod review;
mod search;
mod state;
#[cfg(test)]
mod tests;
mod together;

pub use apply::{ApplyError, apply};
pub use heal::plan;
pub use reach::reach;
pub use review::review;

use pipeline::ids::Fingerprint;
use pipeline::patch::Plan;
use std::collections::BTreeSet;

/// A wound: one finding, and every entry that has it.
#[derive(Debug, Clone)]
pub struct Wound<'a> {
    /// The finding.
    pub fingerprint: &'a Fingerprint,
    /// `Package::place` of every entry that has it.
    pub places: Vec<String>,
}

/// What a plan may do.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The time at which releases are held to be old enough.
    pub now: jiff::Timestamp,
    /// Releases younger than this are not chosen, in days: malice is usually found in the first of them.
    pub minimum_release_age_days: u32,
    /// Whether a semver-incompatible version of a direct dependency, or of anything beyond what its dependents ask for,
    /// may be chosen.
    pub allow_breaking: bool,
    /// Whether `overrides` may be written (npm).
    pub allow_overrides: bool,
    /// Steps of the search. When they are used up the plan is irreducible, but not proven to be the smallest.
    pub steps_max: u64,
}

impl Rules {
    /// The rules that hold where nobody says otherwise.
    pub fn new(now: jiff::Timestamp) -> Self {
        Self { now, minimum_release_age_days: 3, allow_breaking: false, allow_overrides: true, steps_max: 60_000 }
    }
}

/// What came of planning.
#[derive(Debug, Clone, PartialEq)]
pub enum Planned {
    /// What to change, and what is left.
    Plan(Plan),
    /// Registry names that the facts don't have yet: get them and plan again.
    NeedFacts(BTreeSet<String>),
}
