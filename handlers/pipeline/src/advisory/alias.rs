//! Which ids mean the same vulnerability: union-find over texts.

use std::collections::HashMap;

#[derive(Default)]
pub(super) struct Aliases<'a> {
    nodes: HashMap<&'a str, usize>,
    parents: Vec<usize>,
}

impl<'a> Aliases<'a> {
    pub(super) fn node(&mut self, id: &'a str) -> usize {
        *self.nodes.entry(id).or_insert_with(|| {
            self.parents.push(self.parents.len());
            self.parents.len() - 1
        })
    }

    pub(super) fn join(&mut self, one: &'a str, other: &'a str) {
        let (one, other) = (self.node(one), self.node(other));
        let (one, other) = (self.root(one), self.root(other));
        self.parents[one.max(other)] = one.min(other);
    }

    pub(super) fn root_of(&mut self, id: &'a str) -> usize {
        let node = self.node(id);
        self.root(node)
    }

    /// All ids, by group.
    pub(super) fn groups(&mut self) -> HashMap<usize, Vec<&'a str>> {
        let nodes: Vec<_> = self.nodes.iter().map(|(id, node)| (*id, *node)).collect();
        let mut groups: HashMap<usize, Vec<&'a str>> = HashMap::new();
        for (id, node) in nodes {
            groups.entry(self.root(node)).or_default().push(id);
        }
        groups
    }

    fn root(&mut self, mut node: usize) -> usize {
        while self.parents[node] != node {
            self.parents[node] = self.parents[self.parents[node]];
            node = self.parents[node];
        }
        node
    }
}
