//! The way out where the exact search takes too long: what a patient person would do, step by step.
//!
//! From the entry outwards: another version of it that all who ask for it accept, or else with copies of their own for those
//! who don't; else another version of those who ask, and so on up to the project. What that needs in turn is answered as npm would:
//! by what is there, else in place, else by a new entry as high up as it may stand. Polynomial, for at each point only a few
//! nearest (to change) or newest (to add) releases are tried, and a step budget bounds them all. What it finds holds, but
//! is not proven to be the smallest, and it may miss what there is.

use super::acts::{Act, Allowed};
use super::cost::Cost;
use super::registry::{Name, Need};
use super::state::{Id, State};
use pipeline::dependency::DependencyKind;
use std::collections::HashSet;

/// Healing one entry by construction.
pub(super) struct Construct<'s, 'r, 'a> {
    pub state: &'s mut State<'r, 'a>,
    pub allowed: Allowed,
    pub steps_left: u64,
    pub used: u64,
    pub acts: Vec<Act>,
    pub cost: Cost,
    /// Entries that are being dealt with, and by release whether it would do: ways in circles lead nowhere.
    pub climbing: Vec<(Id, Vec<bool>)>,
    /// Entries nearer than this to the wound stay as they are in this attempt.
    pub from_level: usize,
    pub deepest: usize,
    /// Needs of packages of which nothing is known yet: taken as answered, so that one round asks for many.
    pub unknown: HashSet<(Id, Name)>,
}

/// Folders that are climbed above the wound.
const LEVELS_MAX: usize = 40;
/// Feasible ways that are compared.
const FEASIBLE_MAX: usize = 3;
/// Releases tried at one place: so many of the nearest, and so many of the newest.
const NEAREST_MAX: usize = 4;
const NEWEST_MAX: usize = 2;
const TRIES_MAX: usize = 2 * NEAREST_MAX;
/// Steps for one way of several.
const STEPS_OF_A_WAY: u64 = 150;

impl<'s, 'r, 'a> Construct<'s, 'r, 'a> {
    pub(super) fn new(state: &'s mut State<'r, 'a>, allowed: Allowed, steps_max: u64) -> Self {
        Self {
            state,
            allowed,
            steps_left: steps_max,
            used: 0,
            acts: Vec::new(),
            cost: Cost::default(),
            climbing: Vec::new(),
            from_level: 0,
            deepest: 0,
            unknown: HashSet::new(),
        }
    }

    /// The cheapest of the first few ways found to heal `id`. The state is as before then.
    ///
    /// `None` with names in `registry.missing`: more has to be known first.
    pub(super) fn heal(&mut self, id: Id) -> Option<(Cost, Vec<Act>)> {
        let mut best: Option<(Cost, Vec<Act>)> = None;
        let mut feasible = 0;
        let total = self.steps_left;
        for level in 0..LEVELS_MAX {
            self.steps_left = STEPS_OF_A_WAY.min(total.saturating_sub(self.used));
            let before = self.steps_left;
            self.from_level = level;
            self.deepest = 0;
            let mark = self.state.mark();
            if self.clear(id, &|_| true, 0) && self.is_sound(id) {
                feasible += 1;
                let found = (self.cost, self.acts.clone());
                if best.as_ref().is_none_or(|best| found < *best) {
                    best = Some(found);
                }
            }
            self.back_to(mark, 0, Cost::default());
            self.climbing.clear();
            self.used += before - self.steps_left;
            if feasible >= FEASIBLE_MAX || self.deepest < level || self.used >= total || self.state.flat {
                break;
            }
        }
        if best.is_none() && self.allowed.overrides {
            self.steps_left = STEPS_OF_A_WAY;
            best = self.force(id);
        }
        best.filter(|_| self.state.registry.missing.borrow().is_empty())
    }

    /// Nothing that is wrong, and the wound is gone.
    fn is_sound(&self, id: Id) -> bool {
        let healed = self.state.nodes[id].assigned || !self.state.is_needed(id);
        healed && (self.allowed.breaking || self.state.broken_promises() == 0)
    }

    /// Brings the entry to a version that is `wanted`, or makes it superfluous.
    fn clear(&mut self, id: Id, wanted: &dyn Fn(usize) -> bool, level: usize) -> bool {
        self.deepest = self.deepest.max(level);
        if self.state.nodes[id].assigned {
            return self.release_now(id).is_some_and(wanted);
        }
        if !self.state.is_needed(id) {
            return true;
        }
        let node = &self.state.nodes[id];
        if node.root
            || node.link.is_some()
            || level >= LEVELS_MAX
            || self.climbing.iter().any(|(other, _)| *other == id)
        {
            return false;
        }
        let candidates = self.state.registry.candidates(self.state.nodes[id].package);
        self.climbing.push((id, (0..candidates.len()).map(wanted).collect()));
        let cleared = self.in_place(id, wanted, level) || self.by_dependents(id, wanted, level);
        self.climbing.pop();
        cleared
    }

    /// Another version at the same place: one that all who ask for it accept; else others get copies of their own.
    fn in_place(&mut self, id: Id, wanted: &dyn Fn(usize) -> bool, level: usize) -> bool {
        if level < self.from_level {
            return false;
        }
        let dependents = self.needed_dependents(id);
        let mut acts = Vec::new();
        self.state.updates(id, self.allowed, |_, _| true, &mut acts);
        let candidates = self.state.registry.candidates(self.state.nodes[id].package);
        let rejections = |release: usize| {
            let Some(candidate) = candidates.get(release) else { return usize::MAX };
            let rejects = |(user, need): &&(Id, Need)| {
                !self.state.nodes[*user].root && !self.state.allows(*user, need, &candidate.version)
            };
            if self.state.flat { 0 } else { dependents.iter().filter(rejects).count() }
        };
        let mut tries: Vec<(usize, usize, Cost, Act)> = acts
            .into_iter()
            .filter_map(|(cost, act)| {
                let Act::Update { release, .. } = act else { return None };
                let rejections = rejections(release);
                let is_of_use = wanted(release) && (rejections == 0 || rejections < dependents.len());
                is_of_use.then_some((rejections, release, cost, act))
            })
            .collect();
        // Deprecated ones cost more than the distance, but the nearest is the one that asks for the least.
        tries.sort();
        let welcome = tries.iter().filter(|(rejections, ..)| *rejections == 0).count();
        let skipped = NEAREST_MAX..welcome.saturating_sub(NEWEST_MAX).max(NEAREST_MAX);
        let tries = tries.into_iter().enumerate().filter(|(at, _)| !skipped.contains(at)).take(TRIES_MAX);
        let tries: Vec<(Cost, Act)> = tries.map(|(_, (_, _, cost, act))| (cost, act)).collect();
        tries.into_iter().any(|(cost, act)| self.attempt(cost, &act))
    }

    /// Another version of each who asks.
    fn by_dependents(&mut self, id: Id, wanted: &dyn Fn(usize) -> bool, level: usize) -> bool {
        if self.state.flat {
            return false;
        }
        let (mark, acts, cost) = (self.state.mark(), self.acts.len(), self.cost);
        for (user, need) in self.needed_dependents(id) {
            let still = !self.state.nodes[id].assigned
                && self.state.is_needed(user)
                && self.state.need_of(user, need.name).is_some()
                && self.state.resolve(user, need.name) == Some(id);
            if !still {
                continue;
            }
            if !self.state.nodes[user].movable {
                self.back_to(mark, acts, cost);
                return false;
            }
            let (key, package) = (self.state.nodes[id].key, self.state.nodes[id].package);
            let candidates = self.state.registry.candidates(package);
            let goods: Vec<usize> = (0..candidates.len()).filter(|at| wanted(*at)).collect();
            let of_user = self.state.registry.candidates(self.state.nodes[user].package);
            let good: Vec<bool> = of_user
                .iter()
                .map(|candidate| {
                    let needs = self.state.registry.needs(candidate);
                    let asks = needs.iter().find(|need| need.name == key && need.kind != DependencyKind::PeerOptional);
                    asks.is_none_or(|need| {
                        need.package != package || goods.iter().any(|at| need.range.allows(&candidates[*at].version))
                    })
                })
                .collect();
            if !self.clear(user, &|at| good.get(at) == Some(&true), level + 1) {
                self.back_to(mark, acts, cost);
                return false;
            }
        }
        let done = |this: &Self| match this.state.nodes[id].assigned {
            true => this.release_now(id).is_some_and(wanted),
            false => !this.state.is_needed(id),
        };
        // Those who asked may now accept what they would not before.
        if done(self) || !self.state.nodes[id].assigned && self.in_place(id, wanted, usize::MAX) {
            return true;
        }
        self.back_to(mark, acts, cost);
        false
    }

    /// One version for all who ask for it.
    fn force(&mut self, id: Id) -> Option<(Cost, Vec<Act>)> {
        let mut acts = Vec::new();
        for (user, need) in self.needed_dependents(id) {
            self.state.overrides(user, &need, Some(id), &mut acts);
        }
        acts.sort_by(|(_, a), (_, b)| a.cmp(b));
        acts.dedup();
        // One version for all, and for none of them an older one.
        let key = self.state.nodes[id].key;
        let all =
            self.state.nodes.iter().enumerate().filter(|(other, node)| node.key == key && self.state.is_needed(*other));
        let newest = all.filter_map(|(_, node)| node.version.clone()).max_by(|a, b| a.version.cmp(&b.version));
        let candidates = self.state.registry.candidates(key);
        acts.retain(|(_, act)| {
            let Act::Override { release, .. } = act else { return false };
            let forced = candidates.get(*release);
            forced.is_some_and(|forced| newest.as_ref().is_none_or(|newest| forced.version.version >= newest.version))
        });
        acts.truncate(NEAREST_MAX);
        for (cost, act) in acts {
            let mark = self.state.mark();
            let found = self.attempt(cost, &act) && self.is_sound(id);
            let found = found.then(|| (self.cost, self.acts.clone()));
            self.back_to(mark, 0, Cost::default());
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// Does it and mends what that breaks; takes all back where that can't be.
    pub(super) fn attempt(&mut self, cost: Cost, act: &Act) -> bool {
        let Some(steps_left) = self.steps_left.checked_sub(1) else { return false };
        self.steps_left = steps_left;
        let (mark, acts, before) = (self.state.mark(), self.acts.len(), self.cost);
        if self.state.perform(act) {
            self.acts.push(act.clone());
            self.cost = self.cost + cost;
            if self.settle() {
                return true;
            }
        }
        self.back_to(mark, acts, before);
        false
    }

    pub(super) fn needed_dependents(&self, id: Id) -> Vec<(Id, Need)> {
        let mut dependents = self.state.dependents(id);
        dependents.retain(|(user, need)| need.kind != DependencyKind::PeerOptional && self.state.is_needed(*user));
        dependents
    }

    fn release_now(&self, id: Id) -> Option<usize> {
        let node = &self.state.nodes[id];
        let now = node.version.as_ref()?;
        self.state.registry.candidates(node.package).iter().position(|candidate| candidate.version.id == now.id)
    }

    fn back_to(&mut self, mark: usize, acts: usize, cost: Cost) {
        self.state.back_to(mark);
        self.acts.truncate(acts);
        self.cost = cost;
    }
}
