//! Why a wound is left, in words: always the package and its version, and the smallest change that would do.

use super::acts::Act;
use super::registry::Obstacle;
use super::replay::replay;
use super::state::{Id, State};

/// The acts that heal it under wider rules, and what the rules hold against them.
pub(super) fn would_do(state: &mut State<'_, '_>, id: Id, acts: &[Act], obstacle: &str) -> String {
    format!("{}, but {obstacle}", told(state, id, acts))
}

/// What stands in the way where no rule does.
pub(super) fn nothing_does(state: &State<'_, '_>, id: Id) -> String {
    let node = &state.nodes[id];
    let who = named(state, id);
    if node.bundled {
        let owner = named(state, state.bundler(id));
        return format!("{who} is inside the archive of {owner}, which bundles it, and no other version of that helps");
    }
    if !node.movable {
        return format!("{who} does not come from a registry");
    }
    let Some(facts) = state.registry.facts(node.package) else { return format!("nothing is known of {who}") };
    let name = state.registry.text(node.package);
    if let Some(reason) = &facts.unavailable {
        return format!("{who}: the releases of {name} are not known: {reason}");
    }
    let now = node.version.as_ref();
    let mut young = None;
    for release in &facts.releases {
        let Some(version) = state.registry.version(&release.version) else { continue };
        if now.is_some_and(|now| version.version <= now.version) || version.prerelease {
            continue;
        }
        match state.registry.obstacle(facts, release) {
            None => return no_set(state, id),
            Some(Obstacle::TooYoung) if young.is_none() => young = Some(release.version.as_str()),
            Some(_) => {}
        }
    }
    match young {
        Some(version) => format!("{who}: {name} {version} has no known vulnerability, but it is too young"),
        None => format!("{who}: no later release of {name} is without known vulnerabilities"),
    }
}

/// Why an entry that only optional peers lead to is left.
pub(super) fn nothing_asks(state: &State<'_, '_>, id: Id) -> String {
    format!("{} is kept for an optional peer or a link alone: nothing that is changed replaces it", named(state, id))
}

/// Why an entry that nothing was tried for is left.
pub(super) fn ended_before(state: &State<'_, '_>, id: Id) -> String {
    format!("the search ended at its limit before {} was dealt with", named(state, id))
}

/// Why a wound that can be healed alone is left for others.
pub(super) fn against_others(state: &mut State<'_, '_>, id: Id, acts: &[Act]) -> String {
    let would = told(state, id, acts);
    format!("{would}, but not together with what heals other wounds: their version ranges exclude each other")
}

/// `mocha 2.5.3 → 5.0.0 would bring minimatch 3.0.4 in place of minimatch 0.3.0`
fn told(state: &mut State<'_, '_>, id: Id, acts: &[Act]) -> String {
    let wound = named(state, id);
    let mark = state.mark();
    replay(state, acts, None);
    let mut steps = Vec::new();
    for act in acts {
        match act {
            Act::Update { id: moved, .. } => {
                let node = &state.nodes[*moved];
                let from = node.original.as_ref().and_then(|original| original.version.as_ref());
                if let (Some(from), Some(to)) = (from, &node.version) {
                    let incompatible = node.direct && from.breaks(to);
                    let text = format!("{} {} → {}", state.registry.text(node.package), from.version, to.version);
                    steps.push((incompatible, *moved == id, text));
                }
            }
            Act::Override { name, .. } => {
                if let Some(version) = state.overrides.get(name) {
                    let text = format!("an override of {} to {}", state.registry.text(*name), version.version);
                    steps.push((true, state.nodes[id].key == *name, text));
                }
            }
            Act::Add { .. } | Act::Require { .. } => {}
        }
    }
    // Of many changes those that decide: what breaks, what is forced.
    if steps.iter().any(|(decisive, ..)| *decisive) {
        steps.retain(|(decisive, ..)| *decisive);
    }
    let is_itself = steps.iter().any(|(_, itself, _)| *itself);
    let brings = state.nodes[id].version.clone().filter(|_| state.nodes[id].assigned && state.is_needed(id));
    let name = state.registry.text(state.nodes[id].package);
    state.back_to(mark);
    let steps: Vec<String> = steps.into_iter().map(|(.., text)| text).collect();
    let steps = if steps.is_empty() { "new entries".to_owned() } else { steps.join(" with ") };
    match brings {
        _ if is_itself => format!("{steps} would do"),
        Some(version) => format!("{steps} would bring {name} {} in place of {wound}", version.version),
        None => format!("{steps} would remove {wound}"),
    }
}

fn no_set(state: &State<'_, '_>, id: Id) -> String {
    let node = &state.nodes[id];
    let (who, name) = (named(state, id), state.registry.text(node.package));
    let candidates = state.registry.candidates(node.package);
    let newer = candidates
        .iter()
        .filter(|candidate| node.version.as_ref().is_some_and(|now| candidate.version.version > now.version));
    let newer: Vec<_> = newer.collect();
    let strict = state.dependents(id).into_iter().find(|(user, need)| {
        state.is_needed(*user) && !newer.iter().any(|candidate| state.allows(*user, need, &candidate.version))
    });
    let first = newer.first().map(|candidate| candidate.version.version.to_string()).unwrap_or_default();
    match strict {
        Some((user, need)) => {
            let by = if state.nodes[user].root { "the project".to_owned() } else { named(state, user) };
            format!(
                "{who}: {by} asks for {name} {}, and the nearest version without known vulnerabilities is {first}",
                need.range.text
            )
        }
        None => format!("{who}: no version of {name} from {first} on fits what the others ask for"),
    }
}

fn named(state: &State<'_, '_>, id: Id) -> String {
    let node = &state.nodes[id];
    let original = node.original.as_ref().and_then(|original| original.version.as_ref()).or(node.version.as_ref());
    let version = original.map(|version| format!(" {}", version.version)).unwrap_or_default();
    format!("{}{version}", state.registry.text(node.package))
}
