//! The npm projects of a tree.

use super::locked::{self, Project};
use super::lockfile::{self, Lockfile};
use super::manifest::{self, Manifest};
use super::request::normalise;
use super::{consistency, unlocked};
use crate::source_tree::{SourceTree, TextError};
use pipeline::dependency::{Dependency, DependencyGraph};
use pipeline::finding::ScanError;
use std::collections::{BTreeMap, BTreeSet};

const MANIFEST: &str = "package.json";
/// The first that is there governs.
const LOCKFILES: [&str; 2] = ["npm-shrinkwrap.json", "package-lock.json"];
/// Lockfiles that other tools write.
const FOREIGN_LOCKFILES: [&str; 4] = ["yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb"];
/// How many needs a note on a lockfile that is out of step names.
const NEEDS_SHOWN_MAX: usize = 5;

/// Whether the contents of the file at `path` bear on npm dependencies. What is installed is not looked at.
pub fn wants(path: &str) -> bool {
    let (folder, file) = split(path);
    (file == MANIFEST || LOCKFILES.contains(&file)) && !folder.split('/').any(|part| part == "node_modules")
}

/// The dependency graphs of all npm projects in `tree`, by path of their manifests, and what could not be read.
///
/// A manifest or lockfile that is broken is one error; the rest is still read. Where the lockfile is broken, the
/// graph is that of the manifest, and read-only.
pub fn graphs(tree: &SourceTree) -> (Vec<DependencyGraph>, Vec<ScanError>) {
    let mut errors = Vec::new();
    let mut manifests = BTreeMap::new();
    let mut lockfiles = BTreeMap::new();
    for path in tree.paths().filter(|path| wants(path)) {
        let (folder, file) = split(path);
        if file == MANIFEST {
            let manifest = read(tree, path, &mut errors).and_then(|text| {
                manifest::read(path, text, &mut errors).map_err(|error| errors.push(error)).ok()
            });
            manifests.insert(folder, manifest);
        } else if file == LOCKFILES[0] || !tree.contains(&join(folder, LOCKFILES[0])) {
            let lockfile = read(tree, path, &mut errors).and_then(|text| {
                lockfile::read(path, text, &mut errors).map_err(|error| errors.push(error)).ok()
            });
            lockfiles.insert(folder, (path, lockfile));
        }
    }
    let found = Found { tree, manifests, lockfiles };
    let mut graphs = Vec::new();
    let mut governed = BTreeSet::new();
    for (folder, (path, lockfile)) in &found.lockfiles {
        if let Some(lockfile) = lockfile {
            graphs.push(found.locked(folder, path, lockfile, &mut governed, &mut errors));
        }
    }
    for (folder, manifest) in &found.manifests {
        let has_lockfile = found.lockfiles.get(folder).is_some_and(|(_, lockfile)| lockfile.is_some());
        if let Some(manifest) = manifest.as_ref().filter(|manifest| !manifest.needs.is_empty())
            && !has_lockfile
            && !governed.contains(*folder)
        {
            graphs.push(found.unlocked(folder, manifest, &mut errors));
        }
    }
    graphs.sort_by(|one, other| one.manifest.cmp(&other.manifest));
    (graphs, errors)
}

/// Manifests and lockfiles by folder; `None` where they could not be read.
struct Found<'t> {
    tree: &'t SourceTree,
    manifests: BTreeMap<&'t str, Option<Manifest<'t>>>,
    lockfiles: BTreeMap<&'t str, (&'t str, Option<Lockfile<'t>>)>,
}

impl<'t> Found<'t> {
    fn locked(
        &self,
        folder: &str,
        path: &str,
        lockfile: &Lockfile<'t>,
        governed: &mut BTreeSet<String>,
        errors: &mut Vec<ScanError>,
    ) -> DependencyGraph {
        let folders = lockfile.entries.iter().map(|entry| {
            let inside = (!entry.link && entry.is_folder()).then(|| normalise(&join(folder, &entry.place)))?;
            let manifest = self.manifests.get(inside.as_str()).and_then(Option::as_ref);
            governed.insert(inside);
            manifest
        });
        let folders = folders.collect();
        let manifest = self.manifests.get(folder).and_then(Option::as_ref);
        let manifest_path = join(folder, MANIFEST);
        let project =
            Project { manifest_path: manifest_path.clone(), lockfile_path: path.to_owned(), lockfile, manifest, folders };
        let graph = locked::graph(&project, errors);
        if !self.tree.contains(&manifest_path) {
            let message = format!("there is no {manifest_path} to this lockfile, so it is not edited");
            errors.push(ScanError { path: path.to_owned(), line: None, message });
        }
        if let Some(other) = foreign_lockfile(self.tree, folder) {
            let message = format!("is not read and stays as it is; {path} is taken to govern the project");
            errors.push(ScanError { path: other, line: None, message });
        }
        errors.extend(out_of_step(&graph, lockfile.legacy));
        graph
    }

    fn unlocked(&self, folder: &str, manifest: &Manifest<'_>, errors: &mut Vec<ScanError>) -> DependencyGraph {
        let mut graph = unlocked::graph(manifest);
        let mut tell = |message| errors.push(ScanError { path: graph.manifest.clone(), line: None, message });
        if let Some((path, _)) = self.lockfiles.get(folder) {
            graph.lockfile = Some((*path).to_owned());
            graph.read_only = Some(format!("{path} cannot be read"));
        } else if let Some(other) = self.governing_lockfile(folder) {
            let reason = format!("governed by {other}, which Suture does not read yet");
            tell(format!("{reason}: only what the manifest itself asks for is looked at"));
            graph.read_only = Some(reason);
        } else {
            tell("has no lockfile: only exact versions that it asks for can be held against advisories".to_owned());
        }
        graph
    }

    /// The lockfile of another tool that governs the manifest in `folder`: beside it, or at the root of its workspace.
    fn governing_lockfile(&self, folder: &str) -> Option<String> {
        let beside = foreign_lockfile(self.tree, folder);
        beside.or_else(|| {
            let mut at = folder;
            while !at.is_empty() {
                at = split(at).0;
                let declares = self.manifests.get(at).and_then(Option::as_ref).is_some_and(|root| root.has_workspaces);
                if declares || self.tree.contains(&join(at, "pnpm-workspace.yaml")) {
                    let broken = self.lockfiles.get(at).filter(|(_, lockfile)| lockfile.is_none());
                    return broken.map(|(path, _)| (*path).to_owned()).or_else(|| foreign_lockfile(self.tree, at));
                }
            }
            None
        })
    }
}

/// One note on the needs of the project that the lockfile does not answer.
fn out_of_step(graph: &DependencyGraph, legacy: bool) -> Option<ScanError> {
    use pipeline::dependency::DependencyKind::Peer;
    // npm did not install peers before lockfile version 2.
    let looked_at = graph.direct.iter().filter(|need| !(legacy && need.kind == Peer && need.to.is_none()));
    let troubles: Vec<_> = looked_at.filter_map(|need| Some((need, consistency::trouble(graph, need)?))).collect();
    let (first, _) = troubles.first()?;
    let with_answer = |(need, trouble): &(&Dependency, String)| match consistency::answer(graph, need) {
        Some(answer) => format!("{trouble} ({answer})"),
        None => trouble.clone(),
    };
    let mut words: Vec<String> = troubles.iter().take(NEEDS_SHOWN_MAX).map(with_answer).collect();
    if troubles.len() > NEEDS_SHOWN_MAX {
        words.push("…".to_owned());
    }
    let lockfile = graph.lockfile.as_deref().unwrap_or_default();
    let count = troubles.len();
    let message = format!("out of step with {lockfile} in {count} of its needs: {}; run `npm install`", words.join(", "));
    let written = first.written.as_ref();
    Some(ScanError {
        path: written.map_or_else(|| graph.manifest.clone(), |written| written.path.clone()),
        line: written.map(|written| written.line),
        message,
    })
}

fn foreign_lockfile(tree: &SourceTree, folder: &str) -> Option<String> {
    FOREIGN_LOCKFILES.iter().map(|file| join(folder, file)).find(|path| tree.contains(path))
}

fn read<'t>(tree: &'t SourceTree, path: &str, errors: &mut Vec<ScanError>) -> Option<&'t str> {
    let (line, message) = match tree.text(path) {
        Ok(text) => return Some(text),
        Err(TextError::Absent) => (None, "was not read: it is over a limit".to_owned()),
        Err(TextError::NotUtf8(at)) => {
            let before = tree.bytes(path).and_then(|bytes| bytes.get(..at)).unwrap_or_default();
            let newlines = before.iter().filter(|&&byte| byte == b'\n').count();
            (u32::try_from(newlines.saturating_add(1)).ok(), "is not UTF-8, so it is not read".to_owned())
        }
    };
    errors.push(ScanError { path: path.to_owned(), line, message });
    None
}

/// A path as its folder and its file.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

fn join(folder: &str, file: &str) -> String {
    if folder.is_empty() { file.to_owned() } else { format!("{folder}/{file}") }
}
