//! The exact search: take the first thing that does not hold, try everything that could mend it, cheapest bound first.
//!
//! Iterative deepening on overrides, manifest edits and entries; within a depth, branch and bound on the whole cost.
//! What was tried at a branch is forbidden to its later siblings, so no set of changes is looked at twice.

use super::acts::{Act, Allowed};
use super::cost::{BREAKING, Cost, ENTRIES, OVERRIDES, REQUIRES};
use super::item::Item;
use super::registry::{Name, Range};
use super::state::{Id, ROOT, State, Violation};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

/// What a search touched: two searches that touch nothing in common don't concern each other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Variable {
    Entry(Id),
    Addition(Id, Name),
    Requirement(Id, Name),
    Override(Name),
}

/// How a search ended.
#[derive(Debug, Clone)]
pub(super) enum Outcome {
    /// The cheapest set of changes.
    Solved(Cost, Vec<Act>),
    /// There is none.
    Impossible,
    /// The facts don't say enough.
    FactsMissing,
    /// The steps are used up; the cheapest set found so far.
    GaveUp(Option<(Cost, Vec<Act>)>),
}

/// One search.
pub(super) struct Search<'s, 'r, 'a> {
    pub state: &'s mut State<'r, 'a>,
    pub items: Vec<Item>,
    pub allowed: Allowed,
    pub steps_left: u64,
    pub footprint: BTreeSet<Variable>,
    limit: Cost,
    /// By part of the cost: the least that was cut off for being over the limit.
    over: [Option<u64>; 3],
    best: Option<(Cost, Vec<Act>)>,
    pub acts: Vec<Act>,
    forbidden: HashSet<Act>,
}

/// Changes in one set. Far more than any project's; it bounds the depth of the recursion.
const ACTS_MAX: usize = 400;

struct OutOfSteps;

type Weighed = (Cost, Vec<(Cost, Act)>, Vec<Name>);

impl<'s, 'r, 'a> Search<'s, 'r, 'a> {
    pub(super) fn new(state: &'s mut State<'r, 'a>, items: Vec<Item>, allowed: Allowed, steps_max: u64) -> Self {
        Self {
            state,
            items,
            allowed,
            steps_left: steps_max,
            footprint: BTreeSet::new(),
            limit: Cost::default(),
            over: [None; 3],
            best: None,
            acts: Vec::new(),
            forbidden: HashSet::new(),
        }
    }

    /// Finds the cheapest set of changes that heals every item. `at_least`: a cost known to be no more than that.
    pub(super) fn run(&mut self, at_least: Cost) -> Outcome {
        self.limit = Cost::default();
        self.limit.0[OVERRIDES] = at_least[OVERRIDES];
        self.limit.0[REQUIRES] = at_least[REQUIRES];
        loop {
            self.over = [None; 3];
            self.best = None;
            let ended = self.descend(Cost::default()).is_err();
            if !self.state.registry.missing.borrow().is_empty() {
                return Outcome::FactsMissing;
            }
            match (self.best.take(), ended) {
                (best, true) => return Outcome::GaveUp(best),
                (Some((cost, acts)), false) => return Outcome::Solved(cost, acts),
                (None, false) => {}
            }
            if let Some(entries) = self.over[ENTRIES] {
                self.limit.0[ENTRIES] = entries;
            } else if let Some(requires) = self.over[REQUIRES] {
                self.limit.0[REQUIRES] = requires;
                self.limit.0[ENTRIES] = 0;
            } else if let Some(overrides) = self.over[OVERRIDES] {
                self.limit.0[OVERRIDES] = overrides;
                self.limit.0[REQUIRES] = 0;
                self.limit.0[ENTRIES] = 0;
            } else {
                return Outcome::Impossible;
            }
        }
    }

    fn descend(&mut self, cost: Cost) -> Result<(), OutOfSteps> {
        let mut violations = self.state.broken_edges(usize::MAX);
        if violations.is_empty() {
            violations
                .extend(self.items.iter().filter(|item| self.is_open(item)).map(|item| Violation::Wounded(item.id)));
        }
        self.steps_left = self.steps_left.checked_sub(1 + violations.len() as u64).ok_or(OutOfSteps)?;
        if violations.is_empty() {
            self.found(cost);
            return Ok(());
        }
        if self.acts.len() >= ACTS_MAX {
            return Err(OutOfSteps);
        }
        let Some((rest, options, names)) = self.weigh(&violations) else { return Ok(()) };
        // What another search could share leaves a footprint, so that the two are solved together. Sharing pays only where
        // what is not shared costs less than the cheapest way alone, so the search comes as far as the first that is.
        self.footprint.extend(names.into_iter().map(|name| Variable::Addition(ROOT, name)));
        let is_over = self.is_over(cost + rest);
        if is_over || self.is_no_better(cost + rest) {
            // Not worth doing alone; it may be together with what heals other wounds, so it leaves a footprint.
            options.iter().for_each(|(_, act)| self.leave_footprint(act));
            return Ok(());
        }
        let mut tried = Vec::new();
        let mut ended = Ok(());
        for (price, act) in options {
            self.leave_footprint(&act);
            if self.is_over(cost + price) || self.is_no_better(cost + price) {
                continue;
            }
            let mark = self.state.mark();
            if self.state.perform(&act) {
                self.acts.push(act.clone());
                ended = self.descend(cost + price);
                self.acts.pop();
            }
            self.state.back_to(mark);
            if ended.is_err() {
                break;
            }
            self.forbidden.insert(act.clone());
            tried.push(act);
        }
        for act in &tried {
            self.forbidden.remove(act);
        }
        ended
    }

    /// What mending everything costs at least, the ways to mend what has the fewest, and the names of what was counted.
    /// `None`: something can't be mended.
    fn weigh(&self, violations: &[Violation]) -> Option<Weighed> {
        let mut fewest: Option<Vec<(Cost, Act)>> = None;
        let mut by_name: HashMap<Name, Cost> = HashMap::new();
        let mut requires: HashSet<Act> = HashSet::new();
        // All of them before the first verdict, so that the facts that are missing are asked for in one go.
        let weighed: Vec<(&Violation, Vec<(Cost, Act)>)> = violations
            .iter()
            .map(|violation| {
                let mut options = self.state.acts(violation, self.allowed);
                self.keep_one_of_a_class(&mut options);
                options.retain(|(_, act)| !self.forbidden.contains(act));
                (violation, options)
            })
            .collect();
        let mut brought: Vec<(Name, Option<Rc<Range>>)> = Vec::new();
        for (violation, options) in weighed {
            let least = options.first()?.0;
            // One edit may mend several needs, where an override makes others follow the project's range.
            if let [(_, act @ Act::Require { .. })] = options.as_slice() {
                requires.insert(act.clone());
            }
            if let Violation::Rejects { from, need, .. } | Violation::Missing { from, need } = violation
                && self.state.nodes[*from].assigned
            {
                // Only an entry of that name mends it, so that names don't share what they cost.
                let known = by_name.entry(need.name).or_insert(least);
                *known = least.max(*known);
                brought.push((need.package, Some(Rc::clone(&need.range))));
            }
            if fewest.as_ref().is_none_or(|fewest| options.len() < fewest.len()) {
                fewest = Some(options);
            }
        }
        self.add_what_is_brought(brought, &mut by_name);
        let requires = requires.iter().fold(Cost::default(), |sum, _| sum + Cost::one(REQUIRES));
        let rest = by_name.values().fold(requires, |sum, least| sum + *least);
        Some((rest + self.lower_bound(&by_name)?, fewest?, by_name.into_keys().collect()))
    }

    /// Counts the entries that are needed in turn, whatever releases are chosen, and that nothing in the tree answers.
    fn add_what_is_brought(&self, mut brought: Vec<(Name, Option<Rc<Range>>)>, by_name: &mut HashMap<Name, Cost>) {
        if self.state.flat || !self.state.overrides.is_empty() {
            return;
        }
        while let Some((package, range)) = brought.pop() {
            for more in self.state.registry.brings(package, range.as_deref()).iter() {
                if !by_name.contains_key(&more.name) && !self.state.has_answer(more.name, more.range.as_deref()) {
                    by_name.insert(more.name, Cost::one(ENTRIES));
                    brought.push((more.package, more.range.clone()));
                }
            }
        }
    }

    /// Of releases that nothing can tell apart, the cheapest is enough.
    fn keep_one_of_a_class(&self, options: &mut Vec<(Cost, Act)>) {
        if options.len() < 2 {
            return;
        }
        let state = &*self.state;
        let mut kept: HashMap<(Id, Option<Name>, u32), usize> = HashMap::new();
        options.retain(|(_, act)| {
            let (variable, package, release) = match act {
                Act::Update { id, release } => ((*id, None), state.nodes[*id].package, *release),
                Act::Add { parent, key, package, release } => ((*parent, Some(*key)), *package, *release),
                Act::Require { .. } | Act::Override { .. } => return true,
            };
            let classes = state.registry.classes(package, &|| state.written_needs());
            let Some(class) = classes.get(release) else { return true };
            let known = kept.entry((variable.0, variable.1, *class)).or_insert(release);
            // A new entry that is older than another may be older than what somebody had.
            *known == release || variable.1.is_some() && *known < release
        });
    }

    fn found(&mut self, mut cost: Cost) {
        let broken = self.state.broken_promises();
        if broken > 0 && !self.allowed.breaking {
            return;
        }
        cost.0[BREAKING] += broken;
        if self.best.as_ref().is_none_or(|(best, _)| cost < *best) {
            self.best = Some((cost, self.acts.clone()));
        }
    }

    fn is_over(&mut self, cost: Cost) -> bool {
        for part in [OVERRIDES, REQUIRES, ENTRIES] {
            if cost[part] > self.limit[part] {
                let least = self.over[part].map_or(cost[part], |known| known.min(cost[part]));
                self.over[part] = Some(least);
                return true;
            }
        }
        false
    }

    fn is_no_better(&self, cost: Cost) -> bool {
        self.best.as_ref().is_some_and(|(best, _)| cost >= *best)
    }

    pub(super) fn is_open(&self, item: &Item) -> bool {
        !self.state.nodes[item.id].assigned && self.state.is_needed(item.id)
    }

    fn leave_footprint(&mut self, act: &Act) {
        let originals = self.state.originals;
        let original = |mut id: Id| {
            while id >= originals {
                id = self.state.nodes[id].parent.unwrap_or_default();
            }
            id
        };
        self.footprint.insert(match act {
            Act::Update { id, .. } => Variable::Entry(*id),
            Act::Add { parent, key, .. } => Variable::Addition(original(*parent), *key),
            Act::Require { id, name, .. } => Variable::Requirement(*id, *name),
            Act::Override { name, .. } => Variable::Override(*name),
        });
    }
}
