//! Entries that nothing leads to: they are healed by being removed.

use super::{Id, State};
use pipeline::dependency::DependencyKind;
use std::collections::BTreeSet;

impl State<'_, '_> {
    /// Takes out, for good, those of `wounded` that nothing leads to, not even an optional peer.
    ///
    /// With each go the orphans that stand inside it or ask for it. One that a link or a folder of the project has to do
    /// with stays: people wrote that.
    pub(in super::super) fn drop_orphans(&mut self, wounded: &BTreeSet<Id>) {
        if self.flat {
            return;
        }
        let kept = self.reached(|_| true);
        for &id in wounded.iter().filter(|id| kept.get(**id) == Some(&false)) {
            if let Some(orphans) = self.orphans_with(id, &kept) {
                orphans.into_iter().for_each(|id| self.nodes[id].gone = true);
            }
        }
    }

    fn orphans_with(&self, id: Id, kept: &[bool]) -> Option<BTreeSet<Id>> {
        let mut orphans = BTreeSet::new();
        let mut stack = vec![id];
        while let Some(id) = stack.pop() {
            let node = &self.nodes[id];
            let is_entry = node.link.is_none() && !node.root && self.package.contains_key(&id);
            if kept.get(id) != Some(&false) || !is_entry || !self.links_to(id).is_empty() {
                return None;
            }
            if orphans.insert(id) {
                stack.extend(node.kids.values());
                let users = self.dependents(id).into_iter();
                stack.extend(users.filter(|(_, need)| need.kind != DependencyKind::PeerOptional).map(|(user, _)| user));
            }
        }
        Some(orphans)
    }
}
