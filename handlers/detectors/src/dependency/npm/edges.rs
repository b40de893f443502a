//! Needs and the entries that answer them.

use super::entry::Entry;
use super::lockfile::Lockfile;
use super::need::Need;
use super::resolve::{NONE, Node, ROOT, Tree};
use pipeline::dependency::DependencyKind;
use std::borrow::Cow;

/// One need of a node.
#[derive(Debug)]
pub(super) struct Edge<'e> {
    pub(super) name: &'e str,
    /// What is asked for, overrides included.
    pub(super) text: Cow<'e, str>,
    pub(super) kind: DependencyKind,
    /// `NONE`: nothing answers.
    pub(super) to: Node,
}

impl Edge<'_> {
    /// Index of the entry that answers.
    pub(super) fn answer(&self) -> Option<usize> {
        if self.to == NONE { None } else { (self.to as usize).checked_sub(1) }
    }
}

/// A need before it is resolved: the name, what is asked for, and the kind.
pub(super) type Wanted<'e> = (&'e str, &'e str, DependencyKind);

/// `needs` as they are written.
pub(super) fn wanted<'e>(needs: &'e [Need<'_>]) -> impl ExactSizeIterator<Item = Wanted<'e>> {
    needs.iter().map(|need| (need.name.as_ref(), need.text.as_ref(), need.kind))
}

/// The edges of all nodes.
#[derive(Debug, Default)]
pub(super) struct Edges<'e> {
    list: Vec<Edge<'e>>,
    ends: Vec<usize>,
}

impl<'e> Edges<'e> {
    /// Resolves the needs of `lockfile`: the project itself asks for `root`; a folder of the project for what
    /// `folder_needs` says where it says something.
    pub(super) fn of(
        lockfile: &'e Lockfile<'_>,
        tree: &Tree<'_>,
        root: impl ExactSizeIterator<Item = Wanted<'e>>,
        folder_needs: impl Fn(Node) -> Option<&'e [Need<'e>]>,
    ) -> Self {
        let needs: usize = lockfile.entries.iter().map(|entry| entry.needs.len()).sum();
        let mut edges =
            Self { list: Vec::with_capacity(root.len() + needs), ends: Vec::with_capacity(lockfile.entries.len() + 1) };
        edges.add(ROOT, root, true, tree);
        for (node, entry) in (1..).zip(&lockfile.entries) {
            if entry.link {
                edges.add_link(entry, tree);
            } else if entry.is_folder() {
                edges.add(node, wanted(folder_needs(node).unwrap_or(&entry.needs)), true, tree);
            } else {
                edges.add(node, wanted(&entry.needs), false, tree);
            }
        }
        if lockfile.legacy {
            edges.tell_optional_by_flags(lockfile);
        }
        edges
    }

    /// The edges of `node`.
    pub(super) fn of_node(&self, node: Node) -> &[Edge<'e>] {
        self.range(node).and_then(|range| self.list.get(range)).unwrap_or_default()
    }

    /// The edges of `node`, to be changed.
    pub(super) fn edges_mut(&mut self, node: Node) -> &mut [Edge<'e>] {
        self.range(node).and_then(|range| self.list.get_mut(range)).unwrap_or_default()
    }

    /// All edges.
    pub(super) fn all(&self) -> &[Edge<'e>] {
        &self.list
    }

    fn range(&self, node: Node) -> Option<std::ops::Range<usize>> {
        let node = node as usize;
        let start = node.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        Some(start..*self.ends.get(node)?)
    }

    /// `top`: the needs are of a manifest in the project, so that those for development count.
    fn add(&mut self, node: Node, needs: impl Iterator<Item = Wanted<'e>>, top: bool, tree: &Tree<'_>) {
        for (name, text, kind) in needs.filter(|(_, _, kind)| top || *kind != DependencyKind::Dev) {
            let to = tree.find(node, name).unwrap_or(NONE);
            self.list.push(Edge { name, text: Cow::Borrowed(text), kind, to });
        }
        self.ends.push(self.list.len());
    }

    fn add_link(&mut self, link: &'e Entry<'_>, tree: &Tree<'_>) {
        if let Some(to) = tree.target(link) {
            let text = Cow::Owned(format!("file:{}", link.resolved.as_deref().unwrap_or_default()));
            self.list.push(Edge { name: link.registry_name(), text, kind: DependencyKind::Prod, to });
        }
        self.ends.push(self.list.len());
    }

    /// Version 1 does not say what kind a need is: one from an entry that is not optional to one that is must be
    /// optional. npm reads it so too.
    fn tell_optional_by_flags(&mut self, lockfile: &Lockfile<'_>) {
        let optional = |node: Node| {
            let index = (node as usize).checked_sub(1);
            index.and_then(|index| lockfile.entries.get(index)).is_some_and(|entry| entry.optional)
        };
        for (node, entry) in (1..).zip(&lockfile.entries) {
            if !entry.optional {
                for edge in self.edges_mut(node) {
                    if edge.kind == DependencyKind::Prod && optional(edge.to) {
                        edge.kind = DependencyKind::Optional;
                    }
                }
            }
        }
    }
}
