//! From wounds to a plan: each entry alone, then those that touch the same things together.

use super::acts::{Act, Allowed};
use super::construct::Construct;
use super::cost::Cost;
use super::item::Item;
use super::reason;
use super::registry::Registry;
use super::replay::replay;
use super::report;
use super::search::{Outcome, Search, Variable};
use super::state::{Id, State};
use super::{Planned, Rules, Wound};
use pipeline::dependency::DependencyGraph;
use pipeline::facts::Facts;
use pipeline::patch::{Left, Plan};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Finds the smallest set of version changes that heals the wounds of one project.
///
/// A wound that can't be healed is left, with the reason, and does not stop the others. Costs are compared part by part:
/// wounds left, overrides, manifest edits, entries changed or added, breaking changes, deprecated releases, distance.
/// The same arguments give the same plan.
pub fn plan(graph: &DependencyGraph, wounds: &[Wound<'_>], facts: &Facts, rules: &Rules) -> Planned {
    if let Some(reason) = &graph.read_only {
        let left = wounds.iter().map(|wound| Left { fingerprint: wound.fingerprint.clone(), reason: reason.clone() });
        return Planned::Plan(Plan { left: left.collect(), smallest: true, ..Plan::default() });
    }
    let registry = Registry::new(graph.ecosystem, facts, rules);
    let mut state = State::new(graph, &registry);
    registry.missing.borrow_mut().clear();
    let allowed = Allowed { breaking: rules.allow_breaking, overrides: rules.allow_overrides };
    let mut healing = Healing::new(&mut state, graph, wounds, allowed, rules.steps_max);
    healing.one_by_one();
    let missing = std::mem::take(&mut healing.missing);
    if !missing.is_empty() {
        return Planned::NeedFacts(missing);
    }
    healing.together();
    if !healing.missing.is_empty() {
        return Planned::NeedFacts(healing.missing);
    }
    let Healing { acts, reasons, exact, entries, .. } = healing;
    replay(&mut state, &acts, None);
    let exact = exact && !state.python_in_the_way.get();
    Planned::Plan(report::report(&state, graph, wounds, &entries, reasons, exact))
}

/// What is known of one entry that is to be healed.
pub(super) struct Alone {
    pub cost: Cost,
    pub acts: Vec<Act>,
    pub footprint: BTreeSet<Variable>,
    pub exact: bool,
}

pub(super) struct Healing<'h, 'r, 'a> {
    pub state: &'h mut State<'r, 'a>,
    pub allowed: Allowed,
    pub steps_left: u64,
    /// Changes that may still be tried where no search is made. When they are used up, what is open is left.
    pub tries_left: u64,
    /// What a search may always take, though others used up what there was.
    pub steps_min: u64,
    /// What a search may take at most.
    pub steps_each_max: u64,
    /// By wound: its entries.
    pub entries: Vec<Vec<Id>>,
    /// By wound: why it is left.
    pub reasons: Vec<Option<String>>,
    pub alone: BTreeMap<Id, Alone>,
    pub missing: BTreeSet<String>,
    pub acts: Vec<Act>,
    pub exact: bool,
}

impl<'h, 'r, 'a> Healing<'h, 'r, 'a> {
    fn new(
        state: &'h mut State<'r, 'a>,
        graph: &DependencyGraph,
        wounds: &[Wound<'_>],
        allowed: Allowed,
        steps_max: u64,
    ) -> Self {
        let by_place: HashMap<&str, Id> = state
            .package
            .iter()
            .filter_map(|(id, index)| Some((graph.packages.get(*index)?.place.as_str(), *id)))
            .collect();
        let entries: Vec<Vec<Id>> = wounds
            .iter()
            .map(|wound| {
                let mut ids: Vec<Id> =
                    wound.places.iter().filter_map(|place| by_place.get(place.as_str()).copied()).collect();
                ids.sort_unstable();
                ids.dedup();
                ids
            })
            .collect();
        let reasons =
            entries.iter().map(|ids| ids.is_empty().then(|| "the entry is not in the graph".to_owned())).collect();
        Self {
            state,
            allowed,
            steps_left: steps_max,
            tries_left: TRIES_MAX,
            steps_min: steps_max.min(STEPS_MIN),
            steps_each_max: steps_max / SEARCHES,
            entries,
            reasons,
            alone: BTreeMap::new(),
            missing: BTreeSet::new(),
            acts: Vec::new(),
            exact: true,
        }
    }

    /// Finds for each entry by itself whether and how it can be healed.
    fn one_by_one(&mut self) {
        let ids: BTreeSet<Id> = self.entries.iter().flatten().copied().collect();
        self.state.drop_orphans(&ids);
        let mut failed: Vec<Id> = Vec::new();
        for id in ids {
            if self.state.nodes[id].gone {
                continue;
            }
            if !self.state.is_needed(id) {
                // Optional peers are no way to change anything, and npm keeps what they lead to.
                failed.push(id);
                continue;
            }
            if self.tries_left == 0 {
                self.exact = false;
                failed.push(id);
                continue;
            }
            let steps_max = self.steps_for_one();
            match self.search(&[id], self.allowed, steps_max, Cost::default()) {
                (Outcome::Solved(cost, acts), footprint) => {
                    self.alone.insert(id, Alone { cost, acts, footprint, exact: true });
                }
                (Outcome::GaveUp(Some((cost, acts))), footprint) => {
                    self.exact = false;
                    self.alone.insert(id, Alone { cost, acts, footprint, exact: false });
                }
                (Outcome::GaveUp(None), _) => {
                    self.exact = false;
                    failed.push(id);
                }
                (Outcome::Impossible, _) => {
                    failed.push(id);
                }
                (Outcome::FactsMissing, _) => {}
            }
        }
        for id in failed {
            let mut why = None;
            for wound in 0..self.entries.len() {
                if self.entries[wound].contains(&id) && self.reasons[wound].is_none() {
                    let why = why.get_or_insert_with(|| self.why(id));
                    self.reasons[wound] = Some(why.clone());
                }
            }
        }
    }

    /// The wound is left for the sake of the others.
    pub(super) fn leave_for_others(&mut self, wound: usize) {
        let alone = self.entries[wound].iter().find_map(|id| Some((*id, self.alone.get(id)?.acts.clone())));
        self.reasons[wound] = alone.map(|(id, acts)| reason::against_others(self.state, id, &acts));
    }

    /// What one search may take: bounded by what is left of all, so that the whole is bounded.
    pub(super) fn steps_for_one(&self) -> u64 {
        (self.steps_left / 8).min(self.steps_each_max) + self.steps_min
    }

    fn why(&mut self, id: Id) -> String {
        if !self.state.is_needed(id) {
            return reason::nothing_asks(self.state, id);
        }
        if self.tries_left == 0 {
            return reason::ended_before(self.state, id);
        }
        let wider = [(true, self.allowed.overrides), (self.allowed.breaking, true), (true, true)];
        for (breaking, overrides) in wider {
            if (breaking, overrides) == (self.allowed.breaking, self.allowed.overrides) {
                continue;
            }
            let steps_max = self.steps_for_one();
            let (outcome, _) = self.search(&[id], Allowed { breaking, overrides }, steps_max, Cost::default());
            if let Outcome::Solved(_, acts) | Outcome::GaveUp(Some((_, acts))) = outcome {
                let forced = acts.iter().any(|act| matches!(act, Act::Override { .. }));
                let obstacle = match (breaking && !self.allowed.breaking, forced && !self.allowed.overrides) {
                    (true, true) => "it is a breaking change, and overrides are not allowed",
                    (_, true) => "overrides are not allowed",
                    _ => "it is a breaking change",
                };
                return reason::would_do(self.state, id, &acts, obstacle);
            }
        }
        reason::nothing_does(self.state, id)
    }

    /// The exact search; where it takes too long for one entry, what can be constructed.
    pub(super) fn search(
        &mut self,
        ids: &[Id],
        allowed: Allowed,
        steps_max: u64,
        at_least: Cost,
    ) -> (Outcome, BTreeSet<Variable>) {
        if let [id] = ids
            && self.state.nodes[*id].bundled
        {
            let outcome = self.construct(*id, allowed, None);
            self.missing.append(&mut self.state.registry.missing.borrow_mut());
            return (outcome, BTreeSet::new());
        }
        let items = ids.iter().map(|id| Item::new(self.state, *id, allowed)).collect();
        let mut search = Search::new(self.state, items, allowed, steps_max);
        let mut outcome = search.run(at_least);
        let used = steps_max.saturating_sub(search.steps_left);
        let footprint = search.footprint;
        self.steps_left = self.steps_left.saturating_sub(used);
        if let (Outcome::GaveUp(best), [id]) = (&outcome, ids) {
            outcome = self.construct(*id, allowed, best.clone());
        }
        self.missing.append(&mut self.state.registry.missing.borrow_mut());
        (outcome, footprint)
    }

    /// The cheaper of what is known and what can be constructed.
    pub(super) fn construct(&mut self, id: Id, allowed: Allowed, best: Option<(Cost, Vec<Act>)>) -> Outcome {
        let target = self.state.bundler(id);
        let mut construct = Construct::new(self.state, allowed, STEPS_TO_CONSTRUCT.min(self.tries_left));
        let found = construct.heal(target);
        self.tries_left = self.tries_left.saturating_sub(construct.used + 1);
        if !self.state.registry.missing.borrow().is_empty() {
            return Outcome::FactsMissing;
        }
        Outcome::GaveUp(best.into_iter().chain(found).min())
    }
}

/// What a search may always take, though others used up what there was.
const STEPS_MIN: u64 = 100;

/// One search may take at most this part of all steps.
const SEARCHES: u64 = 30;

/// Changes tried for one entry where the exact search ended at its limit.
const STEPS_TO_CONSTRUCT: u64 = 1_000;

/// Changes tried for all entries beyond the searches, and changes made again to see which of them can be taken back.
const TRIES_MAX: u64 = 2_000_000;
