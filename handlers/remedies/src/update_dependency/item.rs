//! An entry to heal, and what healing it costs at least.

use super::acts::{Act, Allowed};
use super::cost::Cost;
use super::registry::Name;
use super::search::Search;
use super::state::{Id, State};
use std::collections::{HashMap, HashSet};

/// An entry to heal.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub id: Id,
    /// Each solution moves one of these entries to one of these releases: what a lower bound can be made of.
    hitting: HashMap<Id, HashSet<usize>>,
    /// The least that such a move costs. `None`: there is no such move.
    least: Option<Cost>,
}

impl Item {
    pub(super) fn new(state: &State<'_, '_>, id: Id, allowed: Allowed) -> Self {
        let mut acts = Vec::new();
        state.updates(id, allowed, |_, _| true, &mut acts);
        state.cuts(id, allowed, &mut acts);
        let mut hitting: HashMap<Id, HashSet<usize>> = HashMap::new();
        let least = acts.iter().map(|(cost, _)| *cost).min();
        for (_, act) in acts {
            if let Act::Update { id, release } = act {
                hitting.entry(id).or_default().insert(release);
            }
        }
        Self { id, hitting, least }
    }
}

impl Search<'_, '_, '_> {
    /// What healing the open items costs at least: the sum over items that no single move heals together.
    /// `None`: one of them can't be healed any more.
    pub(super) fn lower_bound(&self, counted: &HashMap<Name, Cost>) -> Option<Cost> {
        let mut bound = Cost::default();
        let mut used: HashSet<Id> = HashSet::new();
        for item in &self.items {
            if !self.is_open(item) {
                continue;
            }
            let mut moved = false;
            let mut free = Vec::new();
            for (id, releases) in &item.hitting {
                let node = &self.state.nodes[*id];
                if node.assigned {
                    moved |= self.acts.iter().any(|act| matches!(act, Act::Update { id: moved, release } if moved == id && releases.contains(release)));
                } else {
                    free.push(*id);
                }
            }
            if moved {
                continue;
            }
            if free.is_empty() {
                return None;
            }
            if free.iter().all(|id| !used.contains(id) && !counted.contains_key(&self.state.nodes[*id].key)) {
                used.extend(free);
                bound = bound + item.least?;
            }
        }
        Some(bound)
    }
}
