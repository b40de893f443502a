//! Whether a set of changes holds, and what it costs. Shares no code with the search.

use super::case::{After, Case, Cost, Place, V, caret, far, in_range};
use pipeline::dependency::DependencyKind::{self, Optional, Peer, PeerOptional};
use std::collections::{BTreeMap, BTreeSet};

impl Case {
    pub fn reached(&self, entries: &BTreeMap<Place, V>) -> BTreeSet<Place> {
        let mut reached = BTreeSet::new();
        let mut stack: Vec<Place> = vec![Vec::new()];
        while let Some(place) = stack.pop() {
            if reached.insert(place.clone()) {
                let needs = self.needs(entries, &place).iter().filter(|need| need.2 != PeerOptional);
                stack.extend(needs.filter_map(|need| Self::walk(entries, &place, need.0)));
            }
        }
        reached
    }

    /// Whether something is wrong with a need, before anything is changed.
    pub fn was_broken(&self, place: &[usize], need: &(usize, String, DependencyKind)) -> bool {
        match Self::walk(&self.installed, place, need.0) {
            None => !matches!(need.2, Optional | PeerOptional),
            Some(to) => !in_range(&need.1, self.installed[&to]),
        }
    }

    /// Vulnerable entries that nothing leads to, with the orphans that stand inside them or ask for them.
    pub fn orphans(&self) -> BTreeSet<Place> {
        let reached = self.reached(&self.installed);
        let unreached: Vec<&Place> = self.installed.keys().filter(|place| !reached.contains(*place)).collect();
        let is_bad = |place: &&&Place| self.rel(*place.last().unwrap(), self.installed[**place]).bad;
        let mut orphans: BTreeSet<Place> = unreached.iter().filter(is_bad).map(|place| (*place).clone()).collect();
        loop {
            let hangs_on = |place: &&&Place| {
                let above = (1..place.len()).any(|up| orphans.contains(&place[..up]));
                let needs = self.needs(&self.installed, place).iter().filter(|need| need.2 != PeerOptional);
                let asks = needs.filter_map(|need| Self::walk(&self.installed, place, need.0));
                !orphans.contains(**place) && (above || asks.into_iter().any(|to| orphans.contains(&to)))
            };
            let more: Vec<Place> = unreached.iter().filter(hangs_on).map(|place| (*place).clone()).collect();
            if more.is_empty() {
                return orphans;
            }
            orphans.extend(more);
        }
    }

    /// The cost of a set of changes; `None` where something does not hold.
    pub fn evaluate(&self, after: &After) -> Option<Cost> {
        let entries = &after.entries;
        let reached = self.reached(entries);
        let mut cost = [0; 13];
        cost[1] = u64::from(after.forced.is_some());
        for place in &reached {
            let before = self.installed.contains_key(place) || place.is_empty();
            for need in self.needs(entries, place) {
                // Nobody gets an older release than before, not even one whose need was broken.
                let had = before && self.needs(&self.installed, place).iter().any(|old| old.0 == need.0);
                let now = Self::walk(entries, place, need.0).filter(|now| !self.installed.contains_key(now));
                let old = Self::walk(&self.installed, place, need.0).filter(|_| had);
                if now.zip(old).is_some_and(|(now, old)| entries[&now] < self.installed[&old]) {
                    return None;
                }
                let is_forced = after.forced.filter(|forced| forced.0 == need.0 && !place.is_empty());
                let same_before =
                    before && self.needs(&self.installed, place).iter().any(|old| old.0 == need.0 && old.1 == need.1);
                if same_before && is_forced.is_none() && self.was_broken(place, need) {
                    continue;
                }
                let in_force = |x: V| is_forced.map_or_else(|| in_range(&need.1, x), |forced| forced.1 == x);
                let Some(to) = Self::walk(entries, place, need.0) else {
                    let missing_is_wrong = match need.2 {
                        Optional if place.is_empty() || self.installed.get(place) == entries.get(place) => false,
                        Optional => self.packages[need.0]
                            .iter()
                            .any(|rel| self.may_choose(need.0, rel.version) && in_force(rel.version)),
                        Peer => !before || !self.needs(&self.installed, place).iter().any(|old| old.0 == need.0),
                        PeerOptional => false,
                        _ => true,
                    };
                    if missing_is_wrong {
                        return None;
                    }
                    continue;
                };
                let version = entries[&to];
                // A peer inside one's own folder is no peer.
                let is_local =
                    to.len() == place.len() + 1 && matches!(need.2, Peer | PeerOptional) && !place.is_empty();
                if is_local && !self.installed.contains_key(&to) {
                    return None;
                }
                if !in_force(version) {
                    if !place.is_empty()
                        || self.installed.get(&to) == Some(&version)
                        || !self.installed.contains_key(&to)
                    {
                        return None;
                    }
                    cost[2] += 1;
                }
            }
        }
        for (place, version) in entries {
            let package = *place.last().unwrap();
            let old = self.installed.get(place);
            if old == Some(version) {
                continue;
            }
            if !self.may_choose(package, *version) || !reached.contains(place) {
                return None;
            }
            // An override takes it beyond what someone asks for, to what is incompatible with what that one had.
            let beyond = |user: &Place| {
                let had = || {
                    let asked = self.installed.contains_key(user)
                        && self.needs(&self.installed, user).iter().any(|need| need.0 == package);
                    Self::walk(&self.installed, user, package).filter(|_| asked).map(|place| self.installed[&place])
                };
                let asks = |need: &(usize, String, DependencyKind)| need.0 == package && !in_range(&need.1, *version);
                !user.is_empty()
                    && self.needs(entries, user).iter().any(asks)
                    && Self::walk(entries, user, package).as_ref() == Some(place)
                    && had().is_none_or(|had| !caret(had, *version))
            };
            cost[4] += u64::from(after.forced.is_some_and(|forced| forced.0 == package) && reached.iter().any(beyond));
            cost[3] += 1;
            cost[5] += u64::from(self.rel(package, *version).deprecated);
            match old {
                Some(old) => {
                    if version < old {
                        return None;
                    }
                    let direct =
                        self.asked.iter().any(|need| Self::walk(&self.installed, &[], need.0).as_ref() == Some(place));
                    cost[4] += u64::from(direct && !caret(*old, *version));
                    (0..3).for_each(|i| cost[7 + i] += far(*old, *version)[i]);
                }
                None => {
                    if !self.is_justified(after, &reached, place) {
                        return None;
                    }
                    cost[6] += place.len() as u64 - 1;
                    let newest = self.packages[package]
                        .iter()
                        .map(|rel| rel.version)
                        .filter(|x| self.may_choose(package, *x))
                        .max()
                        .unwrap();
                    (0..3).for_each(|i| cost[10 + i] += far(*version, newest)[i]);
                }
            }
        }
        if cost[4] > 0 && !self.breaking {
            return None;
        }
        let mut wounds: BTreeMap<(usize, V), bool> = BTreeMap::new();
        for (place, version) in &self.installed {
            let package = *place.last().unwrap();
            if self.rel(package, *version).bad {
                let stays = entries[place] == *version && reached.contains(place);
                *wounds.entry((package, *version)).or_default() |= stays;
            }
        }
        cost[0] = wounds.values().filter(|stays| **stays).count() as u64;
        Some(cost)
    }

    /// Whether somebody needs a new entry: what they would find without it, if anything, is not what they ask for.
    pub fn is_justified(&self, after: &After, reached: &BTreeSet<Place>, place: &Place) -> bool {
        let package = *place.last().unwrap();
        let mut without = after.entries.clone();
        without.remove(place);
        reached.iter().any(|user| {
            Self::walk(&after.entries, user, package).as_ref() == Some(place)
                && self.needs(&after.entries, user).iter().filter(|need| need.0 == package).any(|need| {
                    Self::walk(&without, user, package).is_none_or(|other| !in_range(&need.1, without[&other]))
                })
        })
    }
}
