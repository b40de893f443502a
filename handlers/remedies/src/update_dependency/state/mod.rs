//! The tree of entries while it is being changed: who answers whom, what is broken, and how to take a change back.

mod answers;
mod broken;
mod change;
mod orphans;
mod read;
mod ways;

pub(super) use read::workspace;

use super::registry::{Name, Need, Range, Registry, Ver};
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

/// An entry, a new entry, or a folder of the project, as a number.
pub(super) type Id = usize;

/// One entry or folder.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub place: String,
    /// The folder whose `node_modules` holds it.
    pub parent: Option<Id>,
    /// The folder name: what it is asked for by.
    pub key: Name,
    /// The name by which the registry knows it.
    pub package: Name,
    pub version: Option<Rc<Ver>>,
    pub needs: Rc<[Need]>,
    /// Where it stood before any change. `None`: it is new.
    pub original: Option<Original>,
    /// Whether a change was decided; then it stays decided.
    pub assigned: bool,
    /// Whether the registry has other versions for this place.
    pub movable: bool,
    /// Whether the project itself asks for it.
    pub direct: bool,
    /// Inside its parent's archive.
    pub bundled: bool,
    /// Its line has a marker, so that it is not installed on every machine (pip).
    pub conditional: bool,
    /// It went with the archive that held it.
    pub gone: bool,
    /// A folder of the project: its needs are what is to be satisfied.
    pub root: bool,
    /// Where a link leads.
    pub link: Option<Id>,
    /// The next pin of the same name (pip).
    twin: Option<Id>,
    kids: HashMap<Name, Id>,
    pub pythons: u32,
}

/// An entry before any change.
#[derive(Debug, Clone)]
pub(super) struct Original {
    pub version: Option<Rc<Ver>>,
    pub needs: Rc<[Need]>,
}

/// What does not hold.
#[derive(Debug, Clone)]
pub(super) enum Violation {
    /// An entry that has a wound.
    Wounded(Id),
    /// `from` asks for something else than what `to` has.
    Rejects { from: Id, need: Need, to: Id },
    /// Nothing answers.
    Missing { from: Id, need: Need },
}

/// The tree, its indexes, and the way back.
pub(super) struct State<'r, 'a> {
    pub registry: &'r Registry<'a>,
    pub nodes: Vec<Node>,
    /// How many nodes there were before any change.
    pub originals: usize,
    /// By name, who asks for it (a superset: needs change).
    users: HashMap<Name, Vec<Id>>,
    /// Needs that nothing good answers as things stand; not ours to mend.
    broken: HashSet<(Id, Name)>,
    /// A shortest way to the project, by entry.
    above: Vec<Option<Id>>,
    /// What was changed, in order.
    pub touched: Vec<Id>,
    /// Edited ranges of the project: folder, name, text then.
    pub required: BTreeMap<(Id, Name), String>,
    pub overrides: BTreeMap<Name, Rc<Ver>>,
    pub flat: bool,
    keys: HashMap<Name, Vec<Id>>,
    hashed: bool,
    /// Whether one Python ran all pins before any change.
    one_python: bool,
    /// Whether a change was not tried because no Python would have run all pins.
    pub python_in_the_way: Cell<bool>,
    trail: Vec<change::Undo>,
    /// Index in `graph.packages` by node.
    pub package: HashMap<Id, usize>,
}

/// The root folder of the project.
pub(super) const ROOT: Id = 0;

impl State<'_, '_> {
    /// What stands in the `node_modules` of `parent` under a name.
    pub(super) fn kid(&self, parent: Id, key: Name) -> Option<Id> {
        self.nodes[parent].kids.get(&key).copied()
    }

    /// The new entry at the place of one that went with its archive.
    pub(super) fn successor(&self, id: Id) -> Option<Id> {
        (self.originals..self.nodes.len()).find(|new| self.predecessor(*new) == Some(id))
    }

    /// The entry that stood at the place of a new one.
    pub(super) fn predecessor(&self, id: Id) -> Option<Id> {
        self.nodes[id].twin.filter(|_| id >= self.originals && !self.flat)
    }

    /// The entry in whose archive a bundled one is; any other, itself.
    pub(super) fn bundler(&self, id: Id) -> Id {
        let mut at = id;
        while let Some(parent) = self.nodes[at].parent.filter(|_| self.nodes[at].bundled) {
            at = parent;
        }
        at
    }

    /// Whether anything led to it before any change.
    pub(super) fn was_needed(&self, id: Id) -> bool {
        self.flat || self.above.get(id).copied().flatten().is_some()
    }

    pub(super) fn need_of(&self, id: Id, name: Name) -> Option<&Need> {
        find(&self.nodes[id].needs, name)
    }

    /// Every need that is written in the tree.
    pub(super) fn written_needs(&self) -> Vec<Need> {
        let originals = self.nodes.iter().filter_map(|node| node.original.as_ref());
        originals.flat_map(|original| original.needs.iter().cloned()).collect()
    }

    /// Whether any entry of that folder name, wherever it stands, has a version that `range` lets in.
    pub(super) fn has_answer(&self, key: Name, range: Option<&Range>) -> bool {
        let answers = |node: &Node| {
            node.key == key
                && node.version.as_ref().is_none_or(|version| range.is_none_or(|range| range.allows(version)))
        };
        let known = self.keys.get(&key).into_iter().flatten();
        known.map(|id| &self.nodes[*id]).chain(self.nodes.iter().skip(self.originals)).any(answers)
    }

    /// How many folders lie above a place.
    pub(super) fn depth(&self, id: Id) -> u64 {
        let mut depth = 0;
        let mut at = self.nodes[id].parent;
        while let Some(up) = at {
            depth += 1;
            at = self.nodes[up].parent;
        }
        depth
    }
}

pub(super) fn find(needs: &[Need], name: Name) -> Option<&Need> {
    needs.binary_search_by_key(&name, |need| need.name).ok().and_then(|at| needs.get(at))
}
