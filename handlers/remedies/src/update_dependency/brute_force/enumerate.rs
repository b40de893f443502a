//! Every set of a few changes.

use super::case::{After, Case, Cost, Place, V};
use std::collections::BTreeSet;

/// Entries that a set changes or adds.
pub const ENTRIES_MAX: usize = 3;

impl Case {
    /// The least cost over every set of up to [`ENTRIES_MAX`] changes.
    pub fn least(&self) -> Cost {
        let mut least = self.best_of(None);
        let direct: BTreeSet<usize> = self.asked.iter().map(|need| need.0).collect();
        if self.overrides && least[0] > 0 {
            for package in (0..self.packages.len()).filter(|package| !direct.contains(package)) {
                for rel in self.packages[package].iter().filter(|rel| self.may_choose(package, rel.version)) {
                    least = least.min(self.best_of(Some((package, rel.version))));
                }
            }
        }
        least
    }

    /// Whether anything that may come to stand in a folder can ask for the package: nothing else justifies it there.
    pub fn may_want(&self, folder: &Place, package: usize) -> bool {
        let inside = self.installed.keys().filter(|place| place.starts_with(folder)).filter_map(|place| place.last());
        let mut reached: BTreeSet<usize> = inside.chain(folder.last()).copied().collect();
        let mut stack: Vec<usize> = reached.iter().copied().collect();
        while let Some(user) = stack.pop() {
            for need in self.packages[user].iter().flat_map(|rel| &rel.needs) {
                if need.0 == package {
                    return true;
                }
                if reached.insert(need.0) {
                    stack.push(need.0);
                }
            }
        }
        false
    }

    pub fn best_of(&self, forced: Option<(usize, V)>) -> Cost {
        let mut after = After { entries: self.installed.clone(), forced };
        let mut best = [u64::MAX; 13];
        for changes in 0..=ENTRIES_MAX {
            // More changes cost more, unless they heal more or spare a manifest.
            if best[0] == 0 && best[2] == 0 {
                break;
            }
            self.extend(&mut after, changes, None, &mut best);
        }
        best
    }

    /// Tries every set of so many further changes.
    pub fn extend(&self, after: &mut After, left: usize, last: Option<&(Place, V)>, best: &mut Cost) {
        if left == 0 {
            if let Some(cost) = self.evaluate(after) {
                *best = (*best).min(cost);
            }
            return;
        }
        let mut moves: Vec<(Place, V)> = Vec::new();
        for (place, now) in &after.entries {
            let package = *place.last().unwrap();
            if self.installed.get(place) == Some(now) {
                moves.extend(
                    self.packages[package]
                        .iter()
                        .filter(|rel| rel.version > *now)
                        .map(|rel| (place.clone(), rel.version)),
                );
            }
        }
        let parents = std::iter::once(Vec::new()).chain(after.entries.keys().cloned());
        for parent in parents.filter(|parent| parent.len() < 3) {
            for package in 0..self.packages.len() {
                let place = [&parent[..], &[package]].concat();
                let wanted = parent.is_empty() || self.may_want(&parent, package);
                if wanted && !after.entries.contains_key(&place) {
                    moves.extend(self.packages[package].iter().map(|rel| (place.clone(), rel.version)));
                }
            }
        }
        for (place, version) in
            moves.into_iter().filter(|(place, version)| self.may_choose(*place.last().unwrap(), *version))
        {
            // Sets, not sequences; a new place may only come after the place that it stands in.
            if last.is_some_and(|last| place <= last.0) {
                continue;
            }
            let before = after.entries.insert(place.clone(), version);
            let this = (place.clone(), version);
            self.extend(after, left - 1, Some(&this), best);
            match before {
                Some(before) => after.entries.insert(place, before),
                None => after.entries.remove(&place),
            };
        }
    }
}
