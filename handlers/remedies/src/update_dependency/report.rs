//! The changed tree as a plan.

use super::Wound;
use super::markers;
use super::registry::Ver;
use super::state::{Id, State, find, workspace};
use pep508_rs::MarkerTree;
use pipeline::dependency::{DependencyGraph, Source};
use pipeline::patch::{Change, Left, Plan};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Lists the changes, what they heal, and what is left.
pub(super) fn report(
    state: &State<'_, '_>,
    graph: &DependencyGraph,
    wounds: &[Wound<'_>],
    entries: &[Vec<Id>],
    mut reasons: Vec<Option<String>>,
    smallest: bool,
) -> Plan {
    let needed = state.needed();
    let mut plan = Plan { changes: changes(state, graph, &needed), smallest, ..Plan::default() };
    for (at, wound) in wounds.iter().enumerate() {
        let ids = entries.get(at).map(Vec::as_slice).unwrap_or_default();
        let healed = |id: &Id| {
            let goes = needed.get(*id) == Some(&false) && state.was_needed(*id);
            goes || state.nodes.get(*id).is_some_and(|node| node.assigned || node.gone)
        };
        if !ids.is_empty() && ids.iter().all(healed) {
            plan.heals.push(wound.fingerprint.clone());
        } else {
            let reason = reasons.get_mut(at).and_then(Option::take);
            let reason = reason.unwrap_or_else(|| "no set of versions was found that removes it".to_owned());
            plan.left.push(Left { fingerprint: wound.fingerprint.clone(), reason });
        }
    }
    plan
}

fn changes(state: &State<'_, '_>, graph: &DependencyGraph, needed: &[bool]) -> Vec<Change> {
    let text = |name| state.registry.text(name).to_string();
    let mut changes = Vec::new();
    let base = graph.manifest.rsplit_once('/').map_or("", |(folder, _)| folder);
    for direct in &graph.direct {
        let Some(written) = &direct.written else { continue };
        let folder = workspace(base, &written.path);
        // What it asks of those who install it stays, where it asks for the same by another range.
        let edit = state.required.iter().find(|((id, name), _)| {
            let before = state.nodes[*id].original.as_ref().and_then(|original| find(&original.needs, *name));
            state.nodes[*id].place == folder
                && *text(*name) == direct.name
                && before.is_some_and(|need| need.range.text == direct.requirement)
        });
        if let Some((_, to)) = edit {
            let (path, name, from) = (written.path.clone(), direct.name.clone(), direct.requirement.clone());
            let change = Change::Require { path, name, from, to: to.clone() };
            if !changes.contains(&change) {
                changes.push(change);
            }
        }
    }
    for (name, version) in &state.overrides {
        changes.push(Change::Override { name: text(*name), version: version.version.to_string() });
    }
    let mut originals: Vec<(usize, Id)> = state.package.iter().map(|(id, index)| (*index, *id)).collect();
    originals.sort_unstable();
    for (index, id) in originals {
        let (Some(package), Some(node)) = (graph.packages.get(index), state.nodes.get(id)) else { continue };
        let (place, name) = (package.place.clone(), package.name.clone());
        let again = if node.gone { state.successor(id).filter(|id| needed.get(*id) == Some(&true)) } else { Some(id) };
        let stays = again.is_some_and(|id| needed.get(id) == Some(&true));
        if !stays {
            if (state.was_needed(id) || node.gone) && !matches!(package.source, Source::Link(_)) {
                changes.push(Change::Remove { place, name, version: package.version.clone() });
            }
            continue;
        }
        let now = again.and_then(|id| state.nodes[id].version.as_ref());
        // What took the place of a bundled entry is written anew, even where it has the same version.
        let differs = |now: &&Rc<Ver>| node.gone || node.assigned && now.version.as_str() != package.version;
        if let Some(now) = now.filter(differs) {
            changes.push(Change::Update { place, name, from: package.version.clone(), to: now.version.to_string() });
        }
    }
    let pins = added_pins(state, graph);
    let mut added: Vec<Change> = (state.originals..state.nodes.len())
        .filter(|id| needed.get(*id) == Some(&true) && state.predecessor(*id).is_none())
        .filter_map(|id| {
            let node = &state.nodes[id];
            let (name, version) = (text(node.package), node.version.as_ref()?.version.to_string());
            Some(match pins.get(&id) {
                Some(pin) => {
                    let marker = Some(&pin.marker).filter(|tree| !tree.is_true()).and_then(MarkerTree::try_to_string);
                    Change::Add { place: pin.path.to_owned(), name, version, marker, via: pin.via.clone() }
                }
                None => Change::Add { place: node.place.clone(), name, version, marker: None, via: Vec::new() },
            })
        })
        .collect();
    added.sort_by_key(|change| match change {
        Change::Add { place, name, .. } => (place.clone(), name.clone()),
        _ => Default::default(),
    });
    changes.append(&mut added);
    changes
}

/// A new pin of a requirements file.
struct Pin<'g> {
    path: &'g str,
    marker: MarkerTree,
    via: Vec<String>,
}

/// The new pins, each in the file of whoever needs it, on the machines on which it is needed.
fn added_pins<'g>(state: &State<'_, '_>, graph: &'g DependencyGraph) -> BTreeMap<Id, Pin<'g>> {
    let mut pins: BTreeMap<Id, Pin<'g>> = BTreeMap::new();
    if !state.flat {
        return pins;
    }
    // Whoever made a pin necessary was there before it; one that came after needs it as well, and is taken to need it
    // everywhere.
    for id in state.originals..state.nodes.len() {
        let mut pin = Pin { path: &graph.manifest, marker: MarkerTree::FALSE, via: Vec::new() };
        let mut path = None;
        for (user, need) in state.dependents(id) {
            let original = state.package.get(&user).and_then(|index| graph.packages.get(*index));
            let above = pins.get(&user);
            path = path.or(original.map(|package| package.path.as_str())).or(above.map(|above| above.path));
            let marker = match above {
                Some(above) => markers::both(need.marker, &above.marker),
                None if original.is_some() => need.marker,
                None => MarkerTree::TRUE,
            };
            pin.marker = markers::either(pin.marker, &marker);
            pin.via.push(state.registry.text(state.nodes[user].package).to_string());
        }
        pin.via.sort();
        pin.path = path.unwrap_or(&graph.manifest);
        pins.insert(id, pin);
    }
    pins
}
