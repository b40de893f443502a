//! Why a wound is left, in words, with the smallest change that would do.

use super::acts::Act;
use super::registry::Obstacle;
use super::state::{Id, State};

/// The reason. `would_do`: acts that heal it under wider rules, and whether a breaking change is what is not allowed.
pub(super) fn why(state: &mut State<'_, '_>, id: Id, would_do: Option<(Vec<Act>, bool)>, gave_up: bool) -> String {
    if let Some((acts, breaking)) = would_do {
        return smallest_change(state, &acts, breaking);
    }
    if gave_up {
        return "the search for a set of versions ended at its limit".to_owned();
    }
    let node = &state.nodes[id];
    let name = state.registry.text(node.package);
    if node.bundled {
        return format!("{name} is inside the archive of the package that bundles it, and no version of that one helps");
    }
    if !node.movable {
        return format!("{name} does not come from a registry");
    }
    let Some(facts) = state.registry.facts(node.package) else { return format!("nothing is known of {name}") };
    if let Some(reason) = &facts.unavailable {
        return format!("the releases of {name} are not known: {reason}");
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
        Some(version) => format!("{name} {version} would do, but it is too young"),
        None => format!("no later release of {name} is without known vulnerabilities"),
    }
}

fn smallest_change(state: &mut State<'_, '_>, acts: &[Act], breaking: bool) -> String {
    let mark = state.mark();
    acts.iter().for_each(|act| {
        state.perform(act);
    });
    let mut steps = Vec::new();
    for act in acts {
        match act {
            Act::Update { id, .. } => {
                let node = &state.nodes[*id];
                let from = node.original.as_ref().and_then(|original| original.version.as_ref());
                if let (Some(from), Some(to)) = (from, &node.version) {
                    let incompatible = !super::ranges::compatible(from.numbers, to.numbers);
                    steps.push((node.direct && incompatible, format!("{} {} → {}", state.registry.text(node.package), from.version, to.version)));
                }
            }
            Act::Override { name, .. } => {
                if let Some(version) = state.overrides.get(name) {
                    steps.push((false, format!("an override of {} to {}", state.registry.text(*name), version.version)));
                }
            }
            Act::Add { .. } | Act::Require { .. } => {}
        }
    }
    state.back_to(mark);
    if breaking && steps.iter().any(|(incompatible, _)| *incompatible) {
        steps.retain(|(incompatible, _)| *incompatible);
    } else if steps.iter().any(|(_, step)| step.starts_with("an override")) {
        steps.retain(|(_, step)| step.starts_with("an override"));
    }
    let steps: Vec<String> = steps.into_iter().map(|(_, step)| step).collect();
    let obstacle = if breaking { "it is a breaking change" } else { "overrides are not allowed" };
    format!("{} would do, but {obstacle}", steps.join(" with "))
}

fn no_set(state: &State<'_, '_>, id: Id) -> String {
    let node = &state.nodes[id];
    let name = state.registry.text(node.package);
    let candidates = state.registry.candidates(node.package);
    let newer = candidates.iter().filter(|candidate| node.version.as_ref().is_some_and(|now| candidate.version.version > now.version));
    let newer: Vec<_> = newer.collect();
    let strict = state.dependents(id).into_iter().find(|(user, need)| {
        state.is_needed(*user) && !newer.iter().any(|candidate| state.allows(*user, need, &candidate.version))
    });
    match strict {
        Some((user, need)) => {
            let who = &state.nodes[user];
            let who = if who.root { "the project".to_owned() } else { state.registry.text(who.package).to_string() };
            format!("{who} asks for {name} {}, which no version without known vulnerabilities answers", need.range.text)
        }
        None => format!("no version of {name} without known vulnerabilities fits what the others ask for"),
    }
}
