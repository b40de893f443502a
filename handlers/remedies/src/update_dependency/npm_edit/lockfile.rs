//! `package-lock.json` and `npm-shrinkwrap.json`: `packages` (versions 2 and 3) and `dependencies` (versions 1 and 2).

use super::entry::{self, Habits, Shown};
use super::legacy::{Legacy, Page};
use super::text::{self, Op, Splices, Style};
use super::{Changes, EditError, manifest, order};
use jsonc_parser::ast::{Object, Value};
use pipeline::dependency::DependencyGraph;
use pipeline::patch::{Change, Plan};
use std::collections::BTreeMap;

/// The lockfile with the plan's entries.
pub(super) fn edit(
    path: &str,
    before: &str,
    graph: &DependencyGraph,
    plan: &Plan,
    changes: &Changes<'_>,
) -> Result<String, EditError> {
    let root = text::parse(path, before)?;
    let style = Style::of(before, &root);
    let mut splices = Splices::default();
    let packages = text::object(&root, "packages");
    if let Some(packages) = packages {
        edit_packages(path, before, packages, &style, changes, &mut splices)?;
        for change in &plan.changes {
            let Change::Require { path: manifest, name, from, to } = change else { continue };
            let Some(own) = text::object(packages, &manifest::folder(graph, manifest)) else { continue };
            manifest::require(path, own, name, from, to, &mut splices)?;
        }
    }
    if text::member(&root, "dependencies").is_some() || packages.is_none() {
        let mut legacy = Legacy::default();
        for (place, entry) in &changes.entries {
            let resolved = changes.resolved(place, entry);
            let shown =
                Shown { name: &entry.name, key: &entry.key, release: entry.release, resolved: resolved.as_deref() };
            let ops = entry::legacy(shown);
            legacy.at(path, place, &changes.links)?.write(ops, entry.is_new);
        }
        for (place, (was, is)) in &changes.marks {
            let ops = entry::marks(*was, *is);
            legacy.at(path, place, &changes.links)?.mark(ops);
        }
        for place in &changes.removed {
            legacy.at(path, place, &changes.links)?.remove();
        }
        let mut forced = BTreeMap::new();
        for change in &plan.changes {
            match change {
                Change::Require { path: manifest, name, from, to } => {
                    let folder = manifest::folder(graph, manifest);
                    if !folder.is_empty() {
                        legacy.at(path, &folder, &changes.links)?.require(name, from, to);
                    }
                }
                Change::Override { name, version } => {
                    forced.insert(name.as_str(), version.as_str());
                }
                _ => {}
            }
        }
        legacy.edit(&Page { path, before, style: &style, forced }, &root, &mut splices)?;
    }
    splices.apply(path, before)
}

fn edit_packages(
    path: &str,
    before: &str,
    packages: &Object<'_>,
    style: &Style,
    changes: &Changes<'_>,
    splices: &mut Splices,
) -> Result<(), EditError> {
    let habits = Habits { license: some_entry_has_license(packages) };
    let mut ops: BTreeMap<String, Op> = BTreeMap::new();
    let mut inside: BTreeMap<&str, BTreeMap<String, Op>> = BTreeMap::new();
    for (place, entry) in &changes.entries {
        let resolved = changes.resolved(place, entry);
        let shown = Shown { name: &entry.name, key: &entry.key, release: entry.release, resolved: resolved.as_deref() };
        inside.insert(place, entry::modern(shown, habits));
    }
    for (place, (was, is)) in &changes.marks {
        inside.entry(place).or_default().extend(entry::marks(*was, *is));
    }
    for (place, members) in inside {
        let entry = text::object(packages, place);
        match (entry, changes.entries.get(place)) {
            (Some(entry), _) => splices.edit(before, entry, style, 3, members, order::members),
            (None, Some(new)) if new.is_new => {
                ops.insert(place.to_owned(), Op::Set(entry::fresh(members)));
            }
            (None, Some(_)) => return Err(EditError::Moved { path: path.to_owned(), entry: place.to_owned() }),
            (None, None) => {}
        }
    }
    ops.extend(changes.removed.iter().map(|place| (place.clone(), Op::Remove)));
    splices.edit(before, packages, style, 2, ops, order::members);
    Ok(())
}

fn some_entry_has_license(packages: &Object<'_>) -> bool {
    packages.properties.iter().filter(|entry| !entry.name.as_str().is_empty()).any(|entry| match &entry.value {
        Value::Object(entry) => text::member(entry, "license").is_some(),
        _ => false,
    })
}
