//! Whether a lockfile holds together: what npm would refuse or repair on the next install.

use super::manifest::shown;
use super::request::{Request, satisfies};
use super::{lockfile, manifest};
use crate::source_tree::SourceTree;
use pipeline::dependency::{Dependency, DependencyGraph, DependencyKind, Package, Source};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Everything in `graph` that does not hold together, in words; the same words for the same trouble, so that what a
/// patch brought in is what was not there before it.
///
/// Told are needs that are not answered (optional ones may be), answers outside of what is asked for, and entries
/// that nothing needs. A graph without a lockfile has nothing to hold together. See [`disagreements`] for the rest.
pub fn problems(graph: &DependencyGraph) -> Vec<String> {
    if graph.lockfile.is_none() {
        return Vec::new();
    }
    let package_at = |index: usize| graph.packages.get(index).map(Cow::Borrowed);
    let mut problems = Vec::new();
    for need in &graph.direct {
        problems.extend(trouble(need, package_at).map(|trouble| format!("{}: {trouble}", graph.manifest)));
    }
    let lost = graph.packages.iter().filter(|package| !is_own_folder(package) && package.dependencies.is_empty());
    for package in lost {
        if let Source::Link(folder) = &package.source {
            problems.push(format!("{}: leads to {}, which is not there", package.place, shown(folder)));
        }
    }
    let installed = graph.packages.iter().filter(|package| !is_own_folder(package));
    for package in installed {
        let troubles = package.dependencies.iter().filter_map(|need| trouble(need, package_at));
        problems.extend(troubles.map(|trouble| format!("{}: {trouble}", package.place)));
    }
    let needed = needed(graph);
    let orphans =
        graph.packages.iter().zip(needed).filter(|(package, needed)| !needed && package.source != Source::Bundled);
    problems.extend(orphans.map(|(package, _)| format!("{}: nothing needs it", package.place)));
    problems
}

/// Where the manifest of `graph` and what its lockfile remembers of it differ, in words. Lockfiles of version 1
/// remember nothing.
pub fn disagreements(tree: &SourceTree, graph: &DependencyGraph) -> Vec<String> {
    let Some(lockfile_path) = &graph.lockfile else { return Vec::new() };
    let (Ok(manifest_text), Ok(lockfile_text)) = (tree.text(&graph.manifest), tree.text(lockfile_path)) else {
        return Vec::new();
    };
    let mut unused = Vec::new();
    let manifest = manifest::read(&graph.manifest, manifest_text, &mut unused);
    let lockfile = lockfile::read(lockfile_path, lockfile_text, &mut unused);
    let (Ok(manifest), Ok(lockfile)) = (manifest, lockfile) else { return Vec::new() };
    let Some(root) = &lockfile.root else { return Vec::new() };
    let mut asked = BTreeMap::new();
    for need in &manifest.needs {
        asked.insert((need.name.as_ref(), format!("{:?}", need.kind).to_lowercase()), (Some(&need.text), None));
    }
    for need in &root.needs {
        let key = (need.name.as_ref(), format!("{:?}", need.kind).to_lowercase());
        asked.entry(key).or_insert((None, None)).1 = Some(&need.text);
    }
    let differing = asked.into_iter().filter(|(_, (here, there))| here != there);
    let words = |text: Option<&Cow<'_, str>>| match text {
        Some(text) => format!("asks for `{}`", shown(text)),
        None => "does not ask for it".to_owned(),
    };
    differing
        .map(|((name, kind), (here, there))| {
            format!("{name} ({kind}): {} {}, {lockfile_path} {}", graph.manifest, words(here), words(there))
        })
        .collect()
}

/// What is wrong with the answer to `need`, an entry that `package_at` knows by its index; the same words whatever version
/// answers, so that an old trouble is known again after an update.
pub(super) fn trouble<'g>(need: &Dependency, package_at: impl Fn(usize) -> Option<Cow<'g, Package>>) -> Option<String> {
    let asked = if need.requirement.is_empty() { "*".to_owned() } else { shown(&need.requirement) };
    let Some(package) = need.to.and_then(&package_at) else {
        let must_be_there = matches!(need.kind, DependencyKind::Prod | DependencyKind::Dev | DependencyKind::Peer);
        return must_be_there.then(|| format!("needs {}@{asked}, which is not there", need.name));
    };
    let version = version_of(&package, &package_at);
    let version = version.as_str();
    let fits = match Request::of(&need.requirement) {
        Request::Registry(range) => satisfies(version, range),
        Request::Alias(name, range) => package.name == name && satisfies(version, range),
        Request::Elsewhere(_) => true,
    };
    // What is not from the registry need not have a version.
    let unknown = version.is_empty() && matches!(package.source, Source::Other(_) | Source::Link(_));
    (!fits && !unknown).then(|| format!("needs {}@{asked}, which {} is not", need.name, package.place))
}

/// What answers `need`, as name and version; `None` where nothing does.
pub(super) fn answer<'g>(need: &Dependency, package_at: impl Fn(usize) -> Option<Cow<'g, Package>>) -> Option<String> {
    let package = package_at(need.to?)?;
    Some(format!("{}@{}", package.name, shown(&version_of(&package, &package_at))))
}

/// The version; of a link, that of its folder.
fn version_of<'g>(package: &Package, package_at: impl Fn(usize) -> Option<Cow<'g, Package>>) -> String {
    match (&package.source, package.dependencies.first()) {
        (Source::Link(_), Some(target)) if package.version.is_empty() => {
            target.to.and_then(package_at).map_or_else(String::new, |folder| folder.version.clone())
        }
        _ => package.version.clone(),
    }
}

/// A folder of the project: what it asks for is among what is direct.
fn is_own_folder(package: &Package) -> bool {
    matches!(&package.source, Source::Link(folder) if *folder == package.place)
}

/// By package: whether the project, or a folder of it, leads to it.
fn needed(graph: &DependencyGraph) -> Vec<bool> {
    let mut needed = vec![false; graph.packages.len()];
    let own = graph.packages.iter().enumerate().filter(|(_, package)| matches!(package.source, Source::Link(_)));
    let mut queue: Vec<usize> =
        own.map(|(index, _)| index).chain(graph.direct.iter().filter_map(|need| need.to)).collect();
    while let Some(index) = queue.pop() {
        if let Some(seen @ false) = needed.get_mut(index) {
            *seen = true;
            let package = graph.packages.get(index);
            queue.extend(package.into_iter().flat_map(|package| &package.dependencies).filter_map(|need| need.to));
        }
    }
    needed
}
