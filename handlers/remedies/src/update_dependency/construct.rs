//! The way out where the exact search takes too long: what a patient person would do, step by step.
//!
//! From the entry outwards: another version of it that all who ask for it accept; else a copy of its own for each of them;
//! else another version of those who ask, and so on up to the project. What that needs in turn is answered as npm would:
//! by what is there, else in place, else by a new entry as high up as it may stand. Polynomial, for at each point only a few
//! nearest (to change) or newest (to add) releases are tried, and a step budget bounds them all. What it finds holds, but
//! is not proven to be the smallest, and it may miss what there is.

use super::acts::{Act, Allowed};
use super::cost::Cost;
use super::ranges;
use super::registry::{Name, Need};
use super::state::{Id, State, Violation};
use pipeline::dependency::DependencyKind;
use std::collections::HashSet;

/// Healing one entry by construction.
pub(super) struct Construct<'s, 'r, 'a> {
    state: &'s mut State<'r, 'a>,
    allowed: Allowed,
    steps_left: u64,
    acts: Vec<Act>,
    cost: Cost,
    /// Entries that are being dealt with: ways in circles lead nowhere.
    climbing: Vec<Id>,
    /// Entries nearer than this to the wound stay as they are in this attempt.
    from_level: usize,
    deepest: usize,
    /// Needs of packages of which nothing is known yet: taken as answered, so that one round asks for many.
    unknown: HashSet<(Id, Name)>,
}

/// Folders that are climbed above the wound.
const LEVELS_MAX: usize = 40;
/// Feasible ways that are compared.
const FEASIBLE_MAX: usize = 3;
/// Releases tried at one place: so many of the nearest, and so many of the newest.
const NEAREST_MAX: usize = 4;
const NEWEST_MAX: usize = 2;
/// Changes in one set. It bounds the depth of the recursion.
const ACTS_MAX: usize = 200;
/// Ways to mend one need, of each kind.
const MENDS_MAX: usize = 2;
/// Steps for one way of several.
const STEPS_OF_A_WAY: u64 = 150;

impl<'s, 'r, 'a> Construct<'s, 'r, 'a> {
    pub(super) fn new(state: &'s mut State<'r, 'a>, allowed: Allowed, steps_max: u64) -> Self {
        Self {
            state,
            allowed,
            steps_left: steps_max,
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
        let mut used = 0;
        for level in 0..LEVELS_MAX {
            self.steps_left = STEPS_OF_A_WAY.min(total.saturating_sub(used));
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
            used += before - self.steps_left;
            if feasible >= FEASIBLE_MAX || self.deepest < level || used >= total || self.state.flat {
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
        if node.root || node.link.is_some() || level >= LEVELS_MAX || self.climbing.contains(&id) {
            return false;
        }
        self.climbing.push(id);
        let cleared = self.in_place(id, wanted, level) || self.by_dependents(id, wanted, level);
        self.climbing.pop();
        cleared
    }

    /// Another version at the same place, which all who ask for it accept.
    fn in_place(&mut self, id: Id, wanted: &dyn Fn(usize) -> bool, level: usize) -> bool {
        if level < self.from_level {
            return false;
        }
        let dependents = self.needed_dependents(id);
        let mut acts = Vec::new();
        self.state.updates(id, self.allowed, |_, _| true, &mut acts);
        let candidates = self.state.registry.candidates(self.state.nodes[id].package);
        acts.retain(|(_, act)| {
            let Act::Update { release, .. } = act else { return false };
            let Some(candidate) = candidates.get(*release) else { return false };
            let accepts = |(user, need): &(Id, Need)| {
                self.state.nodes[*user].root && !self.state.flat || self.state.allows(*user, need, &candidate.version)
            };
            wanted(*release) && (self.state.flat || dependents.iter().all(accepts))
        });
        // Deprecated ones cost more than the distance, but the nearest is the one that asks for the least.
        acts.sort_by(|(_, a), (_, b)| a.cmp(b));
        let skipped = NEAREST_MAX..acts.len().saturating_sub(NEWEST_MAX).max(NEAREST_MAX);
        let tries = acts.iter().enumerate().filter(|(at, _)| !skipped.contains(at));
        let tries: Vec<(Cost, Act)> = tries.map(|(_, act)| act.clone()).collect();
        tries.into_iter().any(|(cost, act)| self.attempt(cost, &act))
    }

    /// A copy of its own, or another version, for each who asks.
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
            if self.own_copy(id, user, wanted, level) {
                continue;
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

    fn own_copy(&mut self, id: Id, user: Id, wanted: &dyn Fn(usize) -> bool, level: usize) -> bool {
        if level < self.from_level || self.state.nodes[user].root {
            return false;
        }
        let Some(need) = self.state.need_of(user, self.state.nodes[id].key).cloned() else { return false };
        let mut acts = Vec::new();
        self.state.additions(user, &need, Some(id), &mut acts);
        acts.retain(|(_, act)| matches!(act, Act::Add { release, .. } if wanted(*release)));
        acts.sort();
        let mut acts = self.highest(acts);
        acts.truncate(MENDS_MAX);
        acts.into_iter().any(|(cost, act)| self.attempt(cost, &act))
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
        let all = self.state.nodes.iter().enumerate().filter(|(other, node)| node.key == key && self.state.is_needed(*other));
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
    fn attempt(&mut self, cost: Cost, act: &Act) -> bool {
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

    fn settle(&mut self) -> bool {
        let Some(broken) = self.first_broken() else { return true };
        if self.acts.len() >= ACTS_MAX {
            return false;
        }
        self.mends(&broken).into_iter().any(|(cost, act)| self.attempt(cost, &act))
    }

    /// The first need that nothing answers, leaving aside what can't be known yet.
    fn first_broken(&mut self) -> Option<Violation> {
        loop {
            let broken = self.state.broken_edges(self.unknown.len() + 1).into_iter().find(|broken| match broken {
                Violation::Missing { from, need } => !self.unknown.contains(&(*from, need.name)),
                _ => true,
            })?;
            match &broken {
                Violation::Missing { from, need } if self.state.registry.facts(need.package).is_none() => {
                    self.state.registry.candidates(need.package);
                    self.unknown.insert((*from, need.name));
                }
                _ => return Some(broken),
            }
        }
    }

    /// A few ways to mend it, in the order in which npm would think of them.
    fn mends(&self, broken: &Violation) -> Vec<(Cost, Act)> {
        let to = match broken {
            Violation::Rejects { to, .. } => Some(*to),
            _ => None,
        };
        let (mut theirs, mut edits, mut own, mut added) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let from = match broken {
            Violation::Rejects { from, .. } | Violation::Missing { from, .. } => Some(*from),
            Violation::Wounded(_) => None,
        };
        for (cost, act) in self.state.acts(broken, Allowed { overrides: false, ..self.allowed }) {
            match &act {
                Act::Update { id, release } => {
                    let list = match Some(*id) {
                        id if id == to => &mut theirs,
                        id if id == from => &mut own,
                        _ => continue,
                    };
                    if list.len() < MENDS_MAX && self.is_welcome(*id, *release) {
                        list.push((cost, act));
                    }
                }
                Act::Add { .. } => added.push((cost, act)),
                Act::Require { .. } => edits.push((cost, act)),
                Act::Override { .. } => {}
            }
        }
        let mut added = self.highest(added);
        added.truncate(MENDS_MAX);
        [theirs, edits, added, own].concat()
    }

    fn highest(&self, mut acts: Vec<(Cost, Act)>) -> Vec<(Cost, Act)> {
        let depth = |act: &Act| match act {
            Act::Add { parent, .. } => self.state.depth(*parent),
            _ => 0,
        };
        let highest = acts.iter().map(|(_, act)| depth(act)).min();
        acts.retain(|(_, act)| Some(depth(act)) == highest);
        acts
    }

    /// Whether all who ask for an entry accept that release of it.
    fn is_welcome(&self, id: Id, release: usize) -> bool {
        let candidates = self.state.registry.candidates(self.state.nodes[id].package);
        let Some(candidate) = candidates.get(release) else { return false };
        self.state.flat
            || self.needed_dependents(id).iter().all(|(user, need)| {
                let node = &self.state.nodes[*user];
                let can_be_edited = || ranges::bump(self.state.registry.ecosystem, &need.range.text, &candidate.version.version).is_some();
                self.state.allows(*user, need, &candidate.version) || node.root && can_be_edited()
            })
    }

    fn needed_dependents(&self, id: Id) -> Vec<(Id, Need)> {
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
