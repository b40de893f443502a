//! What the changes broke.

use super::super::registry::{Name, Need};
use super::{Id, Node, State, Violation, find};
use pipeline::dependency::DependencyKind;
use std::collections::HashSet;
use std::rc::Rc;

impl State<'_, '_> {
    /// The first thing that a change broke.
    pub fn broken_edge(&self) -> Option<Violation> {
        self.broken_edges(1).pop()
    }

    /// What the changes broke, at most so much of it, in the order of the changes.
    pub fn broken_edges(&self, violations_max: usize) -> Vec<Violation> {
        let mut broken: Vec<Violation> = Vec::new();
        let mut known: HashSet<(Id, Name)> = HashSet::new();
        for (at, &id) in self.touched.iter().enumerate() {
            if broken.len() >= violations_max {
                return broken;
            }
            if self.touched[..at].contains(&id) || !self.is_needed(id) {
                continue;
            }
            self.broken_needs_of(id, None, &mut known, &mut broken);
            self.broken_dependents_of(id, &mut known, &mut broken);
        }
        for &name in self.overrides.keys() {
            for &user in self.users.get(&name).into_iter().flatten() {
                if self.need_of(user, name).is_some() && self.is_needed(user) {
                    // The others are as they were.
                    self.broken_needs_of(user, Some(name), &mut known, &mut broken);
                }
            }
        }
        broken.truncate(violations_max);
        broken
    }

    pub(super) fn broken_needs_of(
        &self,
        id: Id,
        only: Option<Name>,
        known: &mut HashSet<(Id, Name)>,
        broken: &mut Vec<Violation>,
    ) {
        for need in Rc::clone(&self.nodes[id].needs).iter() {
            if only.is_some_and(|only| only != need.name)
                || known.contains(&(id, need.name))
                || self.is_tolerated(id, need.name)
            {
                continue;
            }
            let mut to = self.resolve(id, need.name);
            if to.is_none() && self.must_answer(id, need) {
                known.insert((id, need.name));
                broken.push(Violation::Missing { from: id, need: need.clone() });
            }
            while let Some(target) = to {
                if !self.accepts(id, need, target) {
                    known.insert((id, need.name));
                    broken.push(Violation::Rejects { from: id, need: need.clone(), to: target });
                    break;
                }
                to = self.nodes[target].twin.filter(|_| self.flat);
            }
        }
    }

    pub(super) fn broken_dependents_of(&self, id: Id, known: &mut HashSet<(Id, Name)>, broken: &mut Vec<Violation>) {
        for (from, need) in self.dependents(id) {
            let is_broken = !known.contains(&(from, need.name))
                && !self.is_tolerated(from, need.name)
                && !self.accepts(from, &need, id)
                && self.is_needed(from);
            if is_broken {
                known.insert((from, need.name));
                broken.push(Violation::Rejects { from, need, to: id });
            }
        }
    }

    /// What was broken before, and is as it was, is not ours to mend.
    pub(super) fn is_tolerated(&self, id: Id, name: Name) -> bool {
        let node = &self.nodes[id];
        let unchanged = node.original.as_ref().is_some_and(|original| {
            matches!((find(&original.needs, name), find(&node.needs, name)), (Some(a), Some(b)) if Rc::ptr_eq(&a.range, &b.range))
        });
        // An older release than before is no part of what was.
        let gets_older = || {
            let now = self.resolve(id, name).map(|to| &self.nodes[to]).filter(|to| to.original.is_none());
            now.and_then(|to| to.version.as_ref()).is_some_and(|version| self.is_older_than_before(id, name, version))
        };
        unchanged && !self.overrides.contains_key(&name) && self.broken.contains(&(id, name)) && !gets_older()
    }

    /// Whether something has to be there for this need of a changed entry.
    pub(super) fn must_answer(&self, id: Id, need: &Need) -> bool {
        if self.flat {
            return self.hashed;
        }
        match need.kind {
            DependencyKind::Prod | DependencyKind::Dev => true,
            DependencyKind::PeerOptional => false,
            // What is made for other machines is listed too, so that the lockfile serves them.
            DependencyKind::Optional => {
                self.registry.candidates(need.package).iter().any(|candidate| self.allows(id, need, &candidate.version))
            }
            DependencyKind::Peer => {
                let node = &self.nodes[id];
                let before = node.original.as_ref().and_then(|original| original.version.as_ref());
                let asked_before =
                    before.and_then(|before| self.registry.release(node.package, before.version.as_str())).is_some_and(
                        |release| release.dependencies.iter().any(|raw| *raw.name == *self.registry.text(need.name)),
                    );
                !asked_before
            }
        }
    }

    /// Whether any Python runs all pins that are installed everywhere; where none did before, that says nothing.
    pub fn some_python_runs_all(&self) -> bool {
        let all = |mask: u32, node: &Node| mask & node.pythons;
        !self.flat || !self.one_python || self.nodes.iter().fold(u32::MAX, all) != 0
    }
}
