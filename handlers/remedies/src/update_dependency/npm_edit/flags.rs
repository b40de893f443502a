//! `dev`, `optional`, `devOptional` and `peer` of every entry, as npm computes them.

use super::super::state::{Id, State};
use pipeline::dependency::DependencyKind;
use std::collections::{HashMap, HashSet};

/// The marks of one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flags {
    pub dev: bool,
    pub optional: bool,
    pub dev_optional: bool,
    pub peer: bool,
}

const ALL: Flags = Flags { dev: true, optional: true, dev_optional: true, peer: true };
const NONE: Flags = Flags { dev: false, optional: false, dev_optional: false, peer: false };

/// Marks of every entry, by node.
///
/// Arborist's `calcDepFlags`: everything is marked until a way is found that takes the mark off.
pub(super) fn flags(state: &State<'_, '_>) -> HashMap<Id, Flags> {
    let mut flags: HashMap<Id, Flags> = (0..state.nodes.len()).map(|id| (id, ALL)).collect();
    let mut queue: Vec<Id> = (0..state.nodes.len()).rev().filter(|id| state.nodes[*id].root).collect();
    for id in &queue {
        flags.insert(*id, NONE);
    }
    let mut seen: HashSet<Id> = HashSet::new();
    while let Some(id) = queue.pop() {
        let first = seen.insert(id);
        let from = flags.get(&id).copied().unwrap_or(ALL);
        if let Some(target) = state.nodes[id].link {
            let now = flags.get(&target).copied().unwrap_or(ALL);
            let then = Flags {
                dev: now.dev && from.dev,
                optional: now.optional && from.optional,
                dev_optional: now.dev_optional && from.dev_optional,
                peer: now.peer && from.peer,
            };
            flags.insert(target, then);
            if then != now || first && !seen.contains(&target) {
                queue.push(target);
            }
            continue;
        }
        for need in state.nodes[id].needs.iter() {
            let Some(to) = state.resolve(id, need.name) else { continue };
            let peer = matches!(need.kind, DependencyKind::Peer | DependencyKind::PeerOptional);
            let optional = matches!(need.kind, DependencyKind::Optional | DependencyKind::PeerOptional);
            let dev = need.kind == DependencyKind::Dev;
            let now = flags.get(&to).copied().unwrap_or(ALL);
            let off = !from.dev_optional && !from.dev && !from.optional && !dev && !optional;
            let then = Flags {
                dev: now.dev && (from.dev || dev),
                optional: now.optional && (from.optional || optional),
                dev_optional: now.dev_optional && !off,
                peer: now.peer && (from.peer || peer),
            };
            if then != now {
                flags.insert(to, then);
                queue.push(to);
            }
        }
    }
    for flags in flags.values_mut() {
        flags.dev_optional &= !flags.dev && !flags.optional;
    }
    flags
}
