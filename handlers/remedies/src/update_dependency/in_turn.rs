//! Wounds one after the other, each on what the ones before changed: irreducible, not the smallest.

use super::acts::Act;
use super::cost::Cost;
use super::heal::Healing;
use super::replay::{replay, without};
use super::search::Outcome;
use super::state::Id;

impl Healing<'_, '_, '_> {
    /// Heals entry by entry on what is already changed, then takes back what is not needed: irreducible, not smallest.
    pub(super) fn in_turn(&mut self, cluster: &[Id], found: Option<Vec<Act>>) -> Vec<Act> {
        self.exact = false;
        let acts = match found {
            Some(acts) => acts,
            None => self.best_order(cluster),
        };
        self.pruned(acts, cluster)
    }

    /// Takes back every act that the healed entries of `cluster` don't need, until the tries are used up.
    pub(super) fn pruned(&mut self, mut acts: Vec<Act>, cluster: &[Id]) -> Vec<Act> {
        let mark = self.state.mark();
        replay(self.state, &acts, None);
        let healed: Vec<Id> = cluster.iter().copied().filter(|id| self.is_healed(*id)).collect();
        self.state.back_to(mark);
        let mut at = acts.len();
        while at > 0 && self.tries_left > 0 {
            at -= 1;
            self.tries_left = self.tries_left.saturating_sub(acts.len() as u64);
            if self.holds_without(&acts, at, &healed) {
                acts = without(self.state.originals, &acts, at);
                // What was needed for this one may not be needed now.
                at = acts.len();
            }
        }
        acts
    }

    /// Wounds that one order leaves come first in the next.
    fn best_order(&mut self, cluster: &[Id]) -> Vec<Act> {
        let touches = |this: &Self, wound: &usize| {
            this.reasons[*wound].is_none() && this.entries[*wound].iter().any(|id| cluster.contains(id))
        };
        let mut order: Vec<usize> = (0..self.entries.len()).filter(|wound| touches(self, wound)).collect();
        let mut best: Option<(Vec<usize>, Vec<Act>)> = None;
        for _ in 0..ORDERS_MAX {
            let (left, acts) = self.one_order(&order, cluster);
            if !self.missing.is_empty() {
                return Vec::new();
            }
            let rank = |(left, acts): &(Vec<usize>, Vec<Act>)| (left.len(), acts.len());
            let first: Vec<usize> =
                left.iter().chain(order.iter().filter(|wound| !left.contains(wound))).copied().collect();
            let found = (left, acts);
            let better = best.as_ref().is_none_or(|best| rank(&found) < rank(best));
            if better {
                best = Some(found);
            }
            if first == order {
                break;
            }
            order = first;
        }
        let (left, acts) = best.unwrap_or_default();
        for wound in left {
            self.leave_for_others(wound);
        }
        acts
    }

    /// Which wounds are left, and the acts for the others.
    fn one_order(&mut self, order: &[usize], cluster: &[Id]) -> (Vec<usize>, Vec<Act>) {
        let mark = self.state.mark();
        let (mut acts, mut left): (Vec<Act>, Vec<usize>) = (Vec::new(), Vec::new());
        let mut healed: Vec<Id> = Vec::new();
        for &wound in order {
            let before = (self.state.mark(), acts.len());
            let ids: Vec<Id> = self.entries[wound].iter().copied().filter(|id| cluster.contains(id)).collect();
            if ids.iter().all(|id| self.heal_on_top(*id, &healed, &mut acts)) {
                healed.extend(ids);
            } else {
                self.state.back_to(before.0);
                acts.truncate(before.1);
                left.push(wound);
            }
        }
        self.state.back_to(mark);
        (left, acts)
    }

    /// Heals one more entry, so that those that are healed stay so. What is left behind where that fails is not taken back.
    fn heal_on_top(&mut self, id: Id, healed: &[Id], acts: &mut Vec<Act>) -> bool {
        if self.is_healed(id) {
            return true;
        }
        let stays_healed = |this: &Self| this.is_healed(id) && healed.iter().all(|id| this.is_healed(*id));
        if let Some(alone) = self.alone.get(&id) {
            let mark = self.state.mark();
            let added = self.state.nodes.len() - self.state.originals;
            let shifted = shifted(self.state.originals, &alone.acts, added);
            if replay(self.state, &shifted, None) && self.state.broken_edge().is_none() && stays_healed(self) {
                acts.extend(shifted);
                return true;
            }
            self.state.back_to(mark);
        }
        let steps_max = self.steps_for_one();
        let all: Vec<Id> = healed.iter().copied().chain([id]).collect();
        let (mut outcome, _) = self.search(&all, self.allowed, steps_max, Cost::default());
        if let (Outcome::GaveUp(None), true) = (&outcome, all.len() > 1) {
            outcome = self.construct(id, self.allowed, None);
            self.missing.append(&mut self.state.registry.missing.borrow_mut());
        }
        let (Outcome::Solved(_, found) | Outcome::GaveUp(Some((_, found)))) = outcome else { return false };
        let holds = replay(self.state, &found, None);
        acts.extend(found);
        holds && stays_healed(self)
    }

    pub(super) fn is_healed(&self, id: Id) -> bool {
        self.state.nodes[id].assigned || !self.state.is_needed(id)
    }

    fn holds_without(&mut self, acts: &[Act], at: usize, healed: &[Id]) -> bool {
        let mark = self.state.mark();
        let holds = replay(self.state, acts, Some(at))
            && self.state.broken_edge().is_none()
            && healed.iter().all(|id| self.is_healed(*id));
        self.state.back_to(mark);
        holds
    }
}

/// Orders of the wounds that are tried.
const ORDERS_MAX: usize = 3;

/// The acts, where so many entries were added before.
fn shifted(originals: usize, acts: &[Act], added: usize) -> Vec<Act> {
    let mut acts = acts.to_vec();
    for act in &mut acts {
        if let Act::Add { parent, .. } = act
            && *parent >= originals
        {
            *parent += added;
        }
    }
    acts
}
