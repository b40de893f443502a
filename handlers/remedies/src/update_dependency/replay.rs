//! Lists of acts: joined, shortened, done again.

use super::acts::Act;
use super::state::{Id, State};
use std::collections::HashMap;

/// One list of acts: entries that were added keep their order, and so their numbers.
pub(super) fn joined(originals: usize, lists: &[&Vec<Act>]) -> Vec<Act> {
    let mut all = Vec::new();
    let mut added = 0;
    for list in lists {
        let offset = added;
        for act in list.iter() {
            let mut act = act.clone();
            if let Act::Add { parent, .. } = &mut act {
                if *parent >= originals {
                    *parent += offset;
                }
                added += 1;
            }
            all.push(act);
        }
    }
    all
}

/// The list without one act, and without what stands inside an entry that it added.
pub(super) fn without(originals: usize, acts: &[Act], skip: usize) -> Vec<Act> {
    let mut numbers: HashMap<Id, Id> = HashMap::new();
    let (mut before, mut after) = (originals, originals);
    let mut kept = Vec::new();
    for (at, act) in acts.iter().enumerate() {
        let mut act = act.clone();
        if let Act::Add { parent, .. } = &mut act {
            let number = before;
            before += 1;
            let stands = if *parent >= originals { numbers.get(parent).copied() } else { Some(*parent) };
            let Some(stands) = stands.filter(|_| at != skip) else { continue };
            *parent = stands;
            numbers.insert(number, after);
            after += 1;
        } else if at == skip {
            continue;
        }
        kept.push(act);
    }
    kept
}

/// Does all acts on the state. `false`: two of them want the same place.
pub(super) fn replay(state: &mut State<'_, '_>, acts: &[Act], skip: Option<usize>) -> bool {
    let shortened;
    let acts = match skip {
        Some(at) => {
            shortened = without(state.originals, acts, at);
            &shortened
        }
        None => acts,
    };
    acts.iter().all(|act| {
        let free = match act {
            Act::Add { parent, key, .. } => {
                state.flat || state.kid(*parent, *key).is_none_or(|kid| state.nodes[kid].gone)
            }
            Act::Update { id, .. } => !state.nodes[*id].assigned,
            Act::Require { id, name, .. } => !state.required.contains_key(&(*id, *name)),
            Act::Override { name, .. } => !state.overrides.contains_key(name),
        };
        free && state.perform(act)
    })
}
