//! `package.json`: a range becomes another, an override is written down.

use super::super::state::workspace;
use super::EditError;
use super::text::{self, Op, Order, Splices, Style};
use jsonc_parser::ast::{Object, Value};
use pipeline::dependency::DependencyGraph;
use pipeline::patch::{Change, Plan};
use serde_json::Value as Json;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

const SECTIONS: [&str; 3] = ["dependencies", "devDependencies", "optionalDependencies"];

/// What the project asks of those who install it: changed only where nothing else asks for the name.
const PEERS: [&str; 1] = ["peerDependencies"];

/// The manifests that a plan changes.
pub(super) fn paths(graph: &DependencyGraph, plan: &Plan) -> BTreeSet<String> {
    let of = |change: &Change| match change {
        Change::Require { path, .. } => Some(path.clone()),
        Change::Override { .. } => Some(graph.manifest.clone()),
        _ => None,
    };
    plan.changes.iter().filter_map(of).collect()
}

/// The manifest at `path` with the plan's ranges and overrides.
pub(super) fn edit(path: &str, before: &str, graph: &DependencyGraph, plan: &Plan) -> Result<String, EditError> {
    let root = text::parse(path, before)?;
    let style = Style::of(before, &root);
    let mut splices = Splices::default();
    let mut overrides: BTreeMap<String, Op> = BTreeMap::new();
    for change in &plan.changes {
        match change {
            Change::Require { path: at, name, from, to } if at == path => {
                require(path, &root, name, from, to, &mut splices)?;
                if path == graph.manifest {
                    follow(&root, name, from, to, &mut splices);
                }
            }
            Change::Override { name, version } if path == graph.manifest => {
                overrides.insert(name.clone(), Op::Set(Json::from(version.as_str())));
            }
            _ => {}
        }
    }
    if !overrides.is_empty() {
        force(before, &root, &style, overrides, &mut splices);
    }
    splices.apply(path, before)
}

/// Replaces the range of `name` in every section of `object` that has it; in `peerDependencies` only where no other does.
pub(super) fn require(
    path: &str,
    object: &Object<'_>,
    name: &str,
    from: &str,
    to: &str,
    splices: &mut Splices,
) -> Result<(), EditError> {
    let mut found = false;
    let has =
        |section: &&str| text::object(object, section).is_some_and(|section| text::member(section, name).is_some());
    let sections: &[&str] = if SECTIONS.iter().any(has) { &SECTIONS } else { &PEERS };
    for section in sections.iter().filter_map(|section| text::object(object, section)) {
        let Some(Value::StringLit(range)) = text::member(section, name).map(|member| &member.value) else { continue };
        found |= range.value == from || range.value == to;
        if range.value == from && from != to {
            splices.replace(range.range, Json::from(to).to_string());
        }
    }
    let moved = || EditError::Moved { path: path.to_owned(), entry: format!("{name} {from}") };
    found.then_some(()).ok_or_else(moved)
}

/// An override that says the same as the project's own range changes with it: npm refuses them if they differ.
fn follow(root: &Object<'_>, name: &str, from: &str, to: &str, splices: &mut Splices) {
    let overridden = text::object(root, "overrides").and_then(|overrides| text::member(overrides, name));
    let itself = match overridden.map(|member| &member.value) {
        Some(Value::Object(nested)) => text::member(nested, ".").map(|member| &member.value),
        other => other,
    };
    if let Some(Value::StringLit(range)) = itself.filter(|_| from != to)
        && range.value == from
    {
        splices.replace(range.range, Json::from(to).to_string());
    }
}

fn force(before: &str, root: &Object<'_>, style: &Style, mut overrides: BTreeMap<String, Op>, splices: &mut Splices) {
    let at_end: Order = |_, _| Ordering::Equal;
    let Some(known) = text::object(root, "overrides") else {
        let set = |(name, op)| match op {
            Op::Set(value) => Some((name, value)),
            Op::Remove => None,
        };
        let all: serde_json::Map<String, Json> = overrides.into_iter().filter_map(set).collect();
        let ops = BTreeMap::from([("overrides".to_owned(), Op::Set(Json::Object(all)))]);
        splices.edit(before, root, style, 1, ops, at_end);
        return;
    };
    // `"a": {"b": "1"}` says something of what `a` needs; `.` says what `a` itself is.
    let nested: Vec<String> = overrides.keys().filter(|name| text::object(known, name).is_some()).cloned().collect();
    for name in nested {
        if let (Some(op), Some(object)) = (overrides.remove(&name), text::object(known, &name)) {
            splices.edit(before, object, style, 3, BTreeMap::from([(".".to_owned(), op)]), at_end);
        }
    }
    splices.edit(before, known, style, 2, overrides, at_end);
}

/// The folder of a manifest as lockfiles name it: empty for the root.
pub(super) fn folder(graph: &DependencyGraph, path: &str) -> String {
    workspace(graph.manifest.rsplit_once('/').map_or("", |(base, _)| base), path)
}
