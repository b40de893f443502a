//! Wounds that touch the same things are healed together; what turns out to clash is merged.

use super::acts::Act;
use super::cost::{Cost, OVERRIDES, REQUIRES};
use super::heal::Healing;
use super::replay::{joined, replay};
use super::search::{Outcome, Variable};
use super::state::{Id, State};
use std::collections::{BTreeMap, BTreeSet};

/// Wounds of one cluster among which those to leave are chosen exactly; above, they are healed in turn.
const GROUPS_MAX: usize = 8;

impl Healing<'_, '_, '_> {
    /// Entries of the wounds that are not left.
    fn open(&self) -> BTreeSet<Id> {
        let open = self.entries.iter().zip(&self.reasons).filter(|(_, reason)| reason.is_none());
        open.flat_map(|(ids, _)| ids)
            .copied()
            .filter(|id| self.alone.get(id).is_some_and(|alone| !alone.acts.is_empty()))
            .collect()
    }

    /// Solves what belongs together, and merges what turns out to.
    pub(super) fn together(&mut self) {
        let mut clusters = self.clusters();
        let mut solved: BTreeMap<Vec<Id>, Vec<Act>> = BTreeMap::new();
        loop {
            let mut again = false;
            for cluster in clusters.clone() {
                if solved.contains_key(&cluster) {
                    continue;
                }
                let left_before = self.reasons.iter().flatten().count();
                let acts = self.solve(&cluster);
                solved.insert(cluster, acts);
                if self.reasons.iter().flatten().count() != left_before {
                    // A wound was given up: what else it had to do with needs no change now.
                    again = true;
                    break;
                }
            }
            if !self.missing.is_empty() {
                return;
            }
            if again {
                clusters = self.clusters();
                continue;
            }
            let all: Vec<&Vec<Act>> = clusters.iter().filter_map(|cluster| solved.get(cluster)).collect();
            match self.first_conflict(&all, &clusters) {
                None => {
                    self.acts = joined(self.state.originals, &all);
                    return;
                }
                Some(with) => {
                    let mut merged: Vec<Id> = Vec::new();
                    for at in with.iter().rev() {
                        merged.extend(clusters.remove(*at));
                    }
                    merged.sort_unstable();
                    clusters.push(merged);
                    clusters.sort();
                }
            }
        }
    }

    /// Entries that share anything their searches touched.
    fn clusters(&self) -> Vec<Vec<Id>> {
        let mut by_variable: BTreeMap<&Variable, usize> = BTreeMap::new();
        let mut clusters: Vec<Vec<Id>> = Vec::new();
        for id in self.open() {
            let Some(alone) = self.alone.get(&id) else { continue };
            let touching: BTreeSet<usize> =
                alone.footprint.iter().filter_map(|v| by_variable.get(v).copied()).collect();
            let mut merged = vec![id];
            for at in &touching {
                merged.append(&mut clusters[*at]);
            }
            let at = clusters.len();
            for known in by_variable.values_mut().filter(|known| touching.contains(known)) {
                *known = at;
            }
            by_variable.extend(alone.footprint.iter().map(|variable| (variable, at)));
            merged.sort_unstable();
            clusters.push(merged);
        }
        clusters.retain(|cluster| !cluster.is_empty());
        clusters.sort();
        clusters
    }

    /// The cheapest way to heal a cluster; wounds that stand in the way of more are left.
    fn solve(&mut self, cluster: &[Id]) -> Vec<Act> {
        if let [id] = cluster {
            let Some(alone) = self.alone.get(id) else { return Vec::new() };
            let acts = alone.acts.clone();
            return if alone.exact { acts } else { self.in_turn(cluster, Some(acts)) };
        }
        if cluster.iter().any(|id| self.alone.get(id).is_some_and(|alone| !alone.exact)) {
            return self.in_turn(cluster, None);
        }
        match self.joint(cluster) {
            Outcome::Solved(_, acts) => return acts,
            Outcome::FactsMissing => return Vec::new(),
            Outcome::GaveUp(best) => {
                self.exact = false;
                return self.in_turn(cluster, best.map(|(_, acts)| acts));
            }
            Outcome::Impossible => {}
        }
        let wounds: Vec<usize> = (0..self.entries.len())
            .filter(|wound| {
                self.reasons[*wound].is_none() && self.entries[*wound].iter().any(|id| cluster.contains(id))
            })
            .collect();
        let mut groups: BTreeMap<Vec<Id>, Vec<usize>> = BTreeMap::new();
        for wound in wounds {
            groups.entry(self.entries[wound].clone()).or_default().push(wound);
        }
        let groups: Vec<(Vec<Id>, Vec<usize>)> = groups.into_iter().collect();
        if groups.len() > GROUPS_MAX {
            self.exact = false;
            return self.in_turn(cluster, None);
        }
        let mut choices: Vec<(usize, u32)> = (1..(1u32 << groups.len()))
            .map(|left| {
                let weight = |(at, (_, wounds)): (usize, &(Vec<Id>, Vec<usize>))| {
                    if left >> at & 1 == 1 { wounds.len() } else { 0 }
                };
                (groups.iter().enumerate().map(weight).sum(), left)
            })
            .collect();
        choices.sort_unstable();
        let mut best: Option<(usize, Cost, Vec<Act>, u32)> = None;
        for (weight, left) in choices {
            if best.as_ref().is_some_and(|(known, ..)| weight > *known) {
                break;
            }
            let kept = groups.iter().enumerate().filter(|(at, _)| left >> at & 1 == 0).flat_map(|(_, (ids, _))| ids);
            let kept: BTreeSet<Id> = kept.copied().filter(|id| cluster.contains(id)).collect();
            let kept: Vec<Id> = kept.into_iter().collect();
            match self.joint(&kept) {
                Outcome::Solved(cost, acts) if best.as_ref().is_none_or(|(_, known, ..)| cost < *known) => {
                    best = Some((weight, cost, acts, left));
                }
                Outcome::GaveUp(_) => {
                    self.exact = false;
                    return self.in_turn(cluster, None);
                }
                _ => {}
            }
        }
        let (_, _, acts, left) = best.unwrap_or_default();
        for (at, (_, wounds)) in groups.iter().enumerate() {
            for wound in wounds.iter().filter(|_| left >> at & 1 == 1) {
                self.leave_for_others(*wound);
            }
        }
        acts
    }

    fn joint(&mut self, ids: &[Id]) -> Outcome {
        let at_least = ids.iter().filter_map(|id| self.alone.get(id)).map(|alone| {
            let mut least = Cost::default();
            least.0[OVERRIDES] = alone.cost[OVERRIDES];
            least.0[REQUIRES] = alone.cost[REQUIRES];
            least
        });
        let at_least = at_least.max().unwrap_or_default();
        let steps_max = self.steps_for_one();
        self.search(ids, self.allowed, steps_max, at_least).0
    }

    /// Whether all clusters hold at once; if not, which have to be solved together.
    ///
    /// One may break what another relies on, or bring back the entry that the other made superfluous.
    fn first_conflict(&mut self, clusters: &[&Vec<Act>], ids: &[Vec<Id>]) -> Option<Vec<usize>> {
        let healed = |state: &State<'_, '_>, of: &[Vec<Id>]| {
            of.iter().flatten().all(|id| state.nodes[*id].assigned || !state.is_needed(*id))
        };
        let mark = self.state.mark();
        let mut conflict = None;
        for at in 0..clusters.len() {
            let done = joined(self.state.originals, &clusters[..=at]);
            self.state.back_to(mark);
            let holds = replay(self.state, &done, None)
                && self.state.broken_edge().is_none()
                && healed(self.state, &ids[..=at]);
            if !holds {
                conflict = Some(at);
                break;
            }
        }
        self.state.back_to(mark);
        let at = conflict?;
        let alone_with = |this: &mut Self, other: usize| {
            let pair = joined(this.state.originals, &[clusters[other], clusters[at]]);
            let mark = this.state.mark();
            let of = [ids[other].clone(), ids[at].clone()];
            let holds =
                replay(this.state, &pair, None) && this.state.broken_edge().is_none() && healed(this.state, &of);
            this.state.back_to(mark);
            holds
        };
        let against: Vec<usize> = (0..at).filter(|other| !alone_with(self, *other)).collect();
        // Three that agree two by two: all of them together, then.
        let mut with = if against.is_empty() { (0..at).collect() } else { against };
        with.push(at);
        if with.len() < 2 {
            // Nobody to blame but itself. A search answers only with what holds, so this would be its fault; the proof of the
            // patch would tell.
            return None;
        }
        Some(with)
    }
}
