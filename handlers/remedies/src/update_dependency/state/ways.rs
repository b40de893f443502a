//! The ways from the project to its entries.

use super::{Id, ROOT, State};
use pipeline::dependency::DependencyKind;
use std::collections::{HashMap, VecDeque};

impl State<'_, '_> {
    /// The way from the project to `id`, ends included. `None`: nothing needs it any more.
    pub fn path(&self, id: Id) -> Option<Vec<Id>> {
        if self.nodes[id].gone {
            return None;
        }
        if self.flat {
            return Some(if id == ROOT { vec![ROOT] } else { vec![ROOT, id] });
        }
        self.known_path(id).or_else(|| self.search_path(id))
    }

    pub(super) fn known_path(&self, id: Id) -> Option<Vec<Id>> {
        let mut path = vec![id];
        let mut at = id;
        while !self.nodes[at].root {
            let above = self.above.get(at).copied().flatten()?;
            let holds = self.nodes[above].link == Some(at)
                || self
                    .need_of(above, self.nodes[at].key)
                    .is_some_and(|need| need.kind != DependencyKind::PeerOptional)
                    && self.resolve(above, self.nodes[at].key) == Some(at);
            if !holds || self.nodes[above].gone {
                return None;
            }
            path.push(above);
            at = above;
        }
        path.reverse();
        Some(path)
    }

    pub(super) fn search_path(&self, id: Id) -> Option<Vec<Id>> {
        let mut below: HashMap<Id, Id> = HashMap::from([(id, id)]);
        let mut queue = VecDeque::from([id]);
        while let Some(at) = queue.pop_front() {
            if self.nodes[at].root {
                let mut path = vec![at];
                let mut at = at;
                while at != id {
                    at = *below.get(&at)?;
                    path.push(at);
                }
                return Some(path);
            }
            let links = self.links_to(at);
            let users = self.dependents(at).into_iter().filter(|(_, need)| need.kind != DependencyKind::PeerOptional);
            for up in links.into_iter().chain(users.map(|(user, _)| user)) {
                below.entry(up).or_insert_with(|| {
                    queue.push_back(up);
                    at
                });
            }
        }
        None
    }

    pub(super) fn links_to(&self, id: Id) -> Vec<Id> {
        let is_folder =
            self.nodes[id].parent.is_some_and(|parent| self.nodes[parent].kids.get(&self.nodes[id].key) != Some(&id));
        if !is_folder {
            return Vec::new();
        }
        (0..self.originals).filter(|from| self.nodes[*from].link == Some(id)).collect()
    }

    pub fn is_needed(&self, id: Id) -> bool {
        self.path(id).is_some()
    }

    /// Everything that the project still needs.
    pub fn needed(&self) -> Vec<bool> {
        self.reached(|kind| kind != DependencyKind::PeerOptional)
    }

    /// Everything that the project leads to by needs of these kinds.
    pub(super) fn reached(&self, by: impl Fn(DependencyKind) -> bool) -> Vec<bool> {
        let mut needed = vec![self.flat; self.nodes.len()];
        let mut stack: Vec<Id> = (0..self.nodes.len()).filter(|id| self.nodes[*id].root).collect();
        while let Some(id) = stack.pop() {
            if std::mem::replace(&mut needed[id], true) && !self.flat {
                continue;
            }
            if self.flat {
                break;
            }
            stack.extend(self.nodes[id].link);
            for need in self.nodes[id].needs.iter().filter(|need| by(need.kind)) {
                stack.extend(self.resolve(id, need.name).filter(|to| !needed[*to]));
            }
        }
        needed
    }
}
