//! What a set of changes costs. Costs are compared part by part, first part first.

use std::ops::{Add, Index};

/// Overrides, manifest edits, entries changed or added, breaking changes, deprecated releases chosen, how deep new entries
/// stand, distance (majors, minors, patches), and how far new entries are from the newest release. Fewer wounds left come
/// before all of these: that is decided where sets of wounds are chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cost(pub [u64; 12]);

pub(super) const OVERRIDES: usize = 0;
pub(super) const REQUIRES: usize = 1;
pub(super) const ENTRIES: usize = 2;
pub(super) const BREAKING: usize = 3;
pub(super) const DEPRECATED: usize = 4;
const DEPTH: usize = 5;
const DISTANCE: usize = 6;
const AGE: usize = 9;

impl Cost {
    /// One of one part.
    pub(super) fn one(part: usize) -> Self {
        let mut cost = Self::default();
        cost.0[part] = 1;
        cost
    }

    /// An entry that goes from one version to another.
    pub(super) fn update(from: [u64; 3], to: [u64; 3], breaking: bool, deprecated: bool) -> Self {
        let mut cost = Self::one(ENTRIES);
        cost.0[BREAKING] = u64::from(breaking);
        cost.0[DEPRECATED] = u64::from(deprecated);
        cost.0[DISTANCE..AGE].copy_from_slice(&distance(from, to));
        cost
    }

    /// A new entry, `depth` folders down.
    pub(super) fn add(version: [u64; 3], newest: [u64; 3], depth: u64, deprecated: bool) -> Self {
        let mut cost = Self::one(ENTRIES);
        cost.0[DEPRECATED] = u64::from(deprecated);
        cost.0[DEPTH] = depth;
        cost.0[AGE..].copy_from_slice(&distance(version, newest));
        cost
    }
}

impl Add for Cost {
    type Output = Self;
    fn add(mut self, other: Self) -> Self {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine = mine.saturating_add(theirs);
        }
        self
    }
}

impl Index<usize> for Cost {
    type Output = u64;
    fn index(&self, part: usize) -> &u64 {
        &self.0[part]
    }
}

/// How far apart two versions are: only numbers after the first that differs restart from zero.
fn distance(from: [u64; 3], to: [u64; 3]) -> [u64; 3] {
    if from[0] != to[0] {
        [to[0].abs_diff(from[0]), to[1], to[2]]
    } else if from[1] != to[1] {
        [0, to[1].abs_diff(from[1]), to[2]]
    } else {
        [0, 0, to[2].abs_diff(from[2])]
    }
}
