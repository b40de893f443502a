//! The graph of what a project depends on, as its manifest and lockfile say.

use crate::finding::Scope;
use crate::version::Ecosystem;
use serde::{Deserialize, Serialize};

/// One project's dependencies: an npm lockfile (or manifest without one), or a set of requirements files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DependencyGraph {
    /// Whose packages these are.
    pub ecosystem: Ecosystem,
    /// The manifest, from the root of the tree: `package.json`, or the outermost requirements file.
    pub manifest: String,
    /// The lockfile that governs the manifest. `None`: the manifest is all there is.
    pub lockfile: Option<String>,
    /// Name and version of the project itself, where it has them.
    pub name: Option<String>,
    /// Version of the project itself.
    pub version: Option<String>,
    /// What the project itself asks for (in npm: of the root and of every workspace).
    pub direct: Vec<Dependency>,
    /// Every package that the lockfile names, in the order of the file.
    pub packages: Vec<Package>,
    /// `Some(reason)`: Suture reads this project but must not edit it (a lockfile of a kind it can't write).
    pub read_only: Option<String>,
}

/// One entry: a package at a place. The same package can stand at many places.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Package {
    /// The place, unique in the graph: `node_modules/a/node_modules/b` (npm; the same in a v1 lockfile),
    /// `requirements.txt:12` (pip).
    pub place: String,
    /// Name by which the registry knows it (an alias is resolved), as written.
    pub name: String,
    /// Exact version. Empty where none is written (an unpinned requirement, a link, a git dependency without one).
    pub version: String,
    /// Package URL, normalised; empty for what no registry knows.
    pub purl: String,
    /// The file that has the entry, and its line (from 1).
    pub path: String,
    /// Line, from 1.
    pub line: u32,
    /// What it is used for: the strongest use of all that lead to it (prod before optional before dev).
    pub scope: Scope,
    /// Whether the project itself asks for it.
    pub direct: bool,
    /// Names that bring it in, outermost first, ending with itself. One shortest path.
    pub via: Vec<String>,
    /// Where it comes from.
    pub source: Source,
    /// Integrity as written: SRI in npm, `sha256:…` hashes in pip (several, one a file of the release).
    pub hashes: Vec<String>,
    /// What it needs.
    pub dependencies: Vec<Dependency>,
}

/// One need: a name, what is asked for, and the entry that answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dependency {
    /// The name under which it is asked for (the alias, where there is one).
    pub name: String,
    /// What is asked for, as written: a range, `npm:other@^1`, a URL, a PEP 440 specifier set, empty for anything.
    /// In npm the effect of `overrides` is already in it.
    pub requirement: String,
    /// Kind of the need.
    pub kind: DependencyKind,
    /// Index into `packages` of the entry that answers it. `None`: nothing installed answers.
    pub to: Option<usize>,
    /// Where it is written, for direct ones: file, and line from 1.
    pub written: Option<Written>,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// Path from the root of the tree.
    pub path: String,
    /// Line, from 1.
    pub line: u32,
}

/// Kinds of need, as npm names them; pip has `Prod` alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DependencyKind {
    /// `dependencies`.
    Prod,
    /// `devDependencies` (of the project itself only).
    Dev,
    /// `optionalDependencies`.
    Optional,
    /// `peerDependencies`.
    Peer,
    /// `peerDependencies` marked optional in `peerDependenciesMeta`.
    PeerOptional,
}

/// Where a package comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// A registry; the address of the archive where one is written (npm `resolved`).
    Registry(Option<String>),
    /// Inside its parent's archive (npm `inBundle`): it can't be changed on its own.
    Bundled,
    /// A git repository, a URL or a file: as written.
    Other(String),
    /// A workspace or a link to a folder of the project.
    Link(String),
}

impl Package {
    /// Whether advisories can be held against it: its version is known, and it is a release of a registry, perhaps inside
    /// another archive or downloaded from elsewhere (the wheel of a version).
    pub fn is_judged(&self) -> bool {
        let is_release = match &self.source {
            Source::Registry(_) | Source::Bundled => true,
            // Readers give a purl only where the address itself names a release.
            Source::Other(_) => !self.purl.is_empty(),
            Source::Link(_) => false,
        };
        is_release && !self.version.is_empty()
    }

    /// Whether its version can be changed through the registry.
    pub fn is_from_registry(&self) -> bool {
        matches!(self.source, Source::Registry(_)) && !self.version.is_empty()
    }
}
