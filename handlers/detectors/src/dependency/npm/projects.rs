//! The npm projects of a tree.

use super::assembly::Assembly;
use super::locked;
use super::lockfile::{self, Lockfile};
use super::manifest::{self, Manifest};
use super::request::normalise;
use super::{consistency, unlocked};
use crate::source_tree::{SourceTree, TextError};
use pipeline::dependency::{Dependency, DependencyGraph, Package};
use pipeline::finding::ScanError;
use std::borrow::Cow;
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
    let files = Files::read(tree);
    let (projects, mut errors) = files.projects();
    let graphs = projects.into_iter().map(|project| project.into_graph(&mut errors)).collect();
    (graphs, errors)
}

/// Manifests and lockfiles by folder; `None` where they could not be read.
pub struct Files<'t> {
    tree: &'t SourceTree,
    manifests: BTreeMap<&'t str, Option<Manifest<'t>>>,
    lockfiles: BTreeMap<&'t str, (&'t str, Option<Lockfile<'t>>)>,
    errors: Vec<ScanError>,
}

/// A project whose needs are resolved, but whose packages are not spelled out yet.
pub enum Project<'f> {
    /// It has a lockfile.
    Locked(Box<Assembly<'f>>),
    /// It has a manifest alone.
    Unlocked(DependencyGraph),
}

impl Project<'_> {
    /// The graph.
    pub fn into_graph(self, errors: &mut Vec<ScanError>) -> DependencyGraph {
        match self {
            Self::Locked(assembly) => assembly.graph(errors),
            Self::Unlocked(graph) => graph,
        }
    }

    /// How many packages the graph has.
    pub fn packages_count(&self) -> usize {
        match self {
            Self::Locked(assembly) => assembly.len(),
            Self::Unlocked(graph) => graph.packages.len(),
        }
    }

    /// Calls `take` with name and version of every package of the graph that is judged.
    pub fn judged<'s>(&'s self, mut take: impl FnMut(&'s str, &'s str)) {
        match self {
            Self::Locked(assembly) => assembly.judged().for_each(|(name, version)| take(name, version)),
            Self::Unlocked(graph) => {
                let judged = graph.packages.iter().filter(|package| package.is_judged());
                judged.for_each(|package| take(&package.name, &package.version));
            }
        }
    }

    /// Those packages of the graph whose name `keep` wants.
    pub fn packages(&self, keep: impl Fn(&str) -> bool, errors: &mut Vec<ScanError>) -> Vec<Package> {
        match self {
            Self::Locked(assembly) => assembly.packages(keep, errors),
            Self::Unlocked(graph) => graph.packages.iter().filter(|package| keep(&package.name)).cloned().collect(),
        }
    }

    fn manifest_path(&self) -> &str {
        match self {
            Self::Locked(assembly) => assembly.manifest_path(),
            Self::Unlocked(graph) => &graph.manifest,
        }
    }
}

impl<'t> Files<'t> {
    /// Reads the manifests and lockfiles of `tree`.
    pub fn read(tree: &'t SourceTree) -> Self {
        let mut errors = Vec::new();
        let mut manifests = BTreeMap::new();
        let mut lockfiles = BTreeMap::new();
        for path in tree.paths().filter(|path| wants(path)) {
            let (folder, file) = split(path);
            if file == MANIFEST {
                let manifest = read(tree, path, &mut errors)
                    .and_then(|text| manifest::read(path, text, &mut errors).map_err(|error| errors.push(error)).ok());
                manifests.insert(folder, manifest);
            } else if file == LOCKFILES[0] || !tree.contains(&join(folder, LOCKFILES[0])) {
                let lockfile = read(tree, path, &mut errors)
                    .and_then(|text| lockfile::read(path, text, &mut errors).map_err(|error| errors.push(error)).ok());
                lockfiles.insert(folder, (path, lockfile));
            }
        }
        Self { tree, manifests, lockfiles, errors }
    }

    /// The projects, by path of their manifests, and what could not be read.
    pub fn projects(&self) -> (Vec<Project<'_>>, Vec<ScanError>) {
        let mut errors = self.errors.clone();
        let mut projects = Vec::new();
        let mut governed = BTreeSet::new();
        for (folder, (path, lockfile)) in &self.lockfiles {
            if let Some(lockfile) = lockfile {
                let assembly = self.locked(folder, path, lockfile, &mut governed, &mut errors);
                projects.push(Project::Locked(Box::new(assembly)));
            }
        }
        for (folder, manifest) in &self.manifests {
            let has_lockfile = self.lockfiles.get(folder).is_some_and(|(_, lockfile)| lockfile.is_some());
            if let Some(manifest) = manifest.as_ref().filter(|manifest| !manifest.needs.is_empty())
                && !has_lockfile
                && !governed.contains(*folder)
            {
                projects.push(Project::Unlocked(self.unlocked(folder, manifest, &mut errors)));
            }
        }
        projects.sort_by(|one, other| one.manifest_path().cmp(other.manifest_path()));
        (projects, errors)
    }

    fn locked<'f>(
        &'f self,
        folder: &str,
        path: &str,
        lockfile: &'f Lockfile<'t>,
        governed: &mut BTreeSet<String>,
        errors: &mut Vec<ScanError>,
    ) -> Assembly<'f> {
        let folders = lockfile.entries.iter().map(|entry| {
            let inside = (!entry.link && entry.is_folder()).then(|| normalise(&join(folder, &entry.place)))?;
            let manifest = self.manifests.get(inside.as_str()).and_then(Option::as_ref);
            governed.insert(inside);
            manifest
        });
        let folders = folders.collect();
        let manifest = self.manifests.get(folder).and_then(Option::as_ref);
        let manifest_path = join(folder, MANIFEST);
        let lockfile_path = path.to_owned();
        let project =
            locked::Project { manifest_path: manifest_path.clone(), lockfile_path, lockfile, manifest, folders };
        let assembly = locked::resolve(project, errors);
        if !self.tree.contains(&manifest_path) {
            let message = format!("there is no {manifest_path} to this lockfile, so it is not edited");
            errors.push(ScanError { path: path.to_owned(), line: None, message });
        }
        if let Some(other) = foreign_lockfile(self.tree, folder) {
            let message = format!("is not read and stays as it is; {path} is taken to govern the project");
            errors.push(ScanError { path: other, line: None, message });
        }
        errors.extend(out_of_step(&assembly, &manifest_path, path, lockfile.legacy));
        assembly
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
fn out_of_step(assembly: &Assembly<'_>, manifest: &str, lockfile: &str, legacy: bool) -> Option<ScanError> {
    use pipeline::dependency::DependencyKind::Peer;
    // npm did not install peers before lockfile version 2.
    let looked_at = assembly.direct.iter().filter(|need| !(legacy && need.kind == Peer && need.to.is_none()));
    let package_at = |index| assembly.package_at(index).map(Cow::Owned);
    let troubles: Vec<_> = looked_at.filter_map(|need| Some((need, consistency::trouble(need, package_at)?))).collect();
    let (first, _) = troubles.first()?;
    let with_answer = |(need, trouble): &(&Dependency, String)| match consistency::answer(need, package_at) {
        Some(answer) => format!("{trouble} ({answer})"),
        None => trouble.clone(),
    };
    let mut words: Vec<String> = troubles.iter().take(NEEDS_SHOWN_MAX).map(with_answer).collect();
    if troubles.len() > NEEDS_SHOWN_MAX {
        words.push("…".to_owned());
    }
    let count = troubles.len();
    let message =
        format!("out of step with {lockfile} in {count} of its needs: {}; run `npm install`", words.join(", "));
    let written = first.written.as_ref();
    Some(ScanError {
        path: written.map_or_else(|| manifest.to_owned(), |written| written.path.clone()),
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
