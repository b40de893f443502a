//! Which entry answers a need, as node looks for it: in the asker's `node_modules`, then in that of every folder above.

use super::lockfile::Entry;
use super::request::normalise;
use std::collections::HashMap;

/// A project or an entry: 0 is the project itself, `n` the `n - 1`th entry.
pub(super) type Node = u32;

/// The project itself.
pub(super) const ROOT: Node = 0;

/// Stands for "none" in lists of nodes.
pub(super) const NONE: Node = u32::MAX;

/// Entries by place.
pub(super) struct Tree<'e> {
    /// The node whose `node_modules` is looked into next.
    above: Vec<Node>,
    children: HashMap<(Node, &'e str), Node>,
    places: HashMap<&'e str, Node>,
}

impl<'e> Tree<'e> {
    /// The tree of `entries`.
    pub(super) fn of(entries: &'e [Entry<'_>]) -> Self {
        let mut tree = Self {
            above: Vec::with_capacity(entries.len() + 1),
            children: HashMap::with_capacity(entries.len()),
            places: HashMap::with_capacity(entries.len() + 1),
        };
        tree.places.insert("", ROOT);
        for (node, entry) in (1..).zip(entries) {
            tree.places.insert(&entry.place, node);
        }
        tree.above.push(NONE);
        for (node, entry) in (1..).zip(entries) {
            let above = match entry.owner_and_name() {
                Some((owner, name)) => {
                    let owner = tree.place(owner).unwrap_or(NONE);
                    tree.children.insert((owner, name), node);
                    owner
                }
                None => tree.folder_above(&entry.place),
            };
            tree.above.push(above);
        }
        tree
    }

    /// The entry at `place`.
    pub(super) fn place(&self, place: &str) -> Option<Node> {
        self.places.get(place).copied()
    }

    /// The entry that `from` gets when it asks for `name`.
    pub(super) fn find(&self, from: Node, name: &str) -> Option<Node> {
        let mut at = from;
        while at != NONE {
            if let Some(&found) = self.children.get(&(at, name)) {
                return Some(found);
            }
            at = self.above(at);
        }
        None
    }

    /// The node whose `node_modules` is looked into after that of `node`.
    pub(super) fn above(&self, node: Node) -> Node {
        self.above.get(node as usize).copied().unwrap_or(NONE)
    }

    /// The folder that a link leads to.
    pub(super) fn target(&self, link: &Entry<'_>) -> Option<Node> {
        let resolved = link.resolved.as_deref()?;
        self.place(resolved).or_else(|| self.place(&normalise(resolved))).filter(|&node| node != ROOT)
    }

    /// The nearest known folder around a workspace; nothing is around one that lies outside of the project.
    fn folder_above(&self, place: &str) -> Node {
        if place.starts_with("../") || place.starts_with('/') {
            return NONE;
        }
        let mut place = place;
        while let Some((folder, _)) = place.rsplit_once('/') {
            if let Some(node) = self.place(folder) {
                return node;
            }
            place = folder;
        }
        ROOT
    }
}
