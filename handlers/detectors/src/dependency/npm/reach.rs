//! Who brings an entry in, and what for.

use super::edges::Edges;
use super::resolve::{NONE, Node, ROOT};
use pipeline::dependency::DependencyKind;
use pipeline::finding::Scope;

/// Of a longer path, the outermost name and the innermost ones are kept.
const VIA_NAMES_MAX: usize = 64;

/// What is reached from the project, for each use.
pub(super) struct Reach {
    /// Strongest use first.
    walks: Vec<(Scope, Walk)>,
}

/// One breadth-first walk.
struct Walk {
    /// By node: the node it was reached from, itself for a start, `NONE` where it was not reached.
    from: Vec<Node>,
    /// By node: the first one after the start.
    first: Vec<Node>,
}

impl Reach {
    /// Walks `edges` from the project and from the links to its `workspaces`. Paths begin anew at each of the
    /// project's own `folders`, since what those ask for is direct.
    pub(super) fn of(edges: &Edges<'_>, nodes: usize, workspaces: &[Node], folders: &[Node]) -> Self {
        let walks = [Scope::Prod, Scope::Optional, Scope::Dev].into_iter().map(|scope| {
            let mut walk = Walk::new(edges, nodes, scope, workspaces, &[]);
            let reached: Vec<Node> = folders.iter().copied().filter(|&folder| walk.has(folder)).collect();
            if !reached.is_empty() {
                walk = Walk::new(edges, nodes, scope, workspaces, &reached);
            }
            (scope, walk)
        });
        Self { walks: walks.collect() }
    }

    /// What `node` is used for; `None`: nothing leads to it.
    pub(super) fn scope(&self, node: Node) -> Option<Scope> {
        self.walk(node).map(|(scope, _)| *scope)
    }

    /// The nodes of a shortest path to `node` among those for its strongest use, outermost first, in `path`.
    pub(super) fn path(&self, node: Node, path: &mut Vec<Node>) {
        path.clear();
        path.push(node);
        let Some((_, walk)) = self.walk(node) else { return };
        let mut at = node;
        loop {
            let from = walk.from(at);
            if from == at || from == ROOT || from == NONE || walk.from(from) == from {
                break;
            }
            at = if path.len() + 1 == VIA_NAMES_MAX { walk.first(node) } else { from };
            path.push(at);
            if path.len() == VIA_NAMES_MAX {
                break;
            }
        }
        path.reverse();
    }

    fn walk(&self, node: Node) -> Option<&(Scope, Walk)> {
        self.walks.iter().find(|(_, walk)| walk.has(node))
    }
}

impl Walk {
    fn new(edges: &Edges<'_>, nodes: usize, scope: Scope, workspaces: &[Node], folders: &[Node]) -> Self {
        let mut walk = Self { from: vec![NONE; nodes], first: vec![NONE; nodes] };
        let mut queue = Vec::with_capacity(nodes);
        for &start in [ROOT].iter().chain(folders) {
            walk.visit(start, start, &mut queue);
        }
        for &workspace in workspaces {
            walk.visit(workspace, ROOT, &mut queue);
        }
        let mut next = 0;
        while let Some(&node) = queue.get(next) {
            next += 1;
            for edge in edges.from(node) {
                if edge.to != NONE && is_walked(edge.kind, scope) {
                    walk.visit(edge.to, node, &mut queue);
                }
            }
        }
        walk
    }

    fn visit(&mut self, node: Node, from: Node, queue: &mut Vec<Node>) {
        let first = if self.from(from) == from || from == node { node } else { self.first(from) };
        if let (Some(slot @ &mut NONE), Some(first_slot)) =
            (self.from.get_mut(node as usize), self.first.get_mut(node as usize))
        {
            (*slot, *first_slot) = (from, first);
            queue.push(node);
        }
    }

    fn has(&self, node: Node) -> bool {
        self.from(node) != NONE
    }

    fn from(&self, node: Node) -> Node {
        self.from.get(node as usize).copied().unwrap_or(NONE)
    }

    fn first(&self, node: Node) -> Node {
        self.first.get(node as usize).copied().unwrap_or(NONE)
    }
}

/// Whether a need of `kind` is on a path whose weakest use is `scope`.
fn is_walked(kind: DependencyKind, scope: Scope) -> bool {
    match kind {
        DependencyKind::Prod | DependencyKind::Peer => true,
        DependencyKind::Optional | DependencyKind::PeerOptional => scope >= Scope::Optional,
        DependencyKind::Dev => scope >= Scope::Dev,
    }
}
