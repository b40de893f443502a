//! What registries and advisories say: the inputs of a plan, as values.

use crate::advisory::Advisory;
use crate::dependency::DependencyKind;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// All that is known of the packages that a plan may touch. Names are as the registry knows them
/// (PyPI: normalised by PEP 503).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// By package name.
    pub packages: BTreeMap<String, PackageFacts>,
}

/// What the registry and the advisories say of one package.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PackageFacts {
    /// Every release, in no order.
    pub releases: Vec<Release>,
    /// Every advisory on the package, withdrawn ones left out.
    pub advisories: Vec<Advisory>,
    /// `Some(reason)`: the registry could not be asked, so nothing follows from what is missing.
    pub unavailable: Option<String>,
}

/// One release of a package.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Release {
    /// Exact version, as the registry writes it.
    pub version: String,
    /// When it was published. `None`: the registry does not say, which counts as too young.
    pub published: Option<jiff::Timestamp>,
    /// Withdrawn by its authors (PyPI `yanked`). Never chosen.
    pub yanked: bool,
    /// Marked deprecated (npm). Chosen only where nothing else does.
    pub deprecated: bool,
    /// What it needs.
    pub dependencies: Vec<Need>,
    /// What to write into a lockfile: SRI (npm), `sha256:…` of every file (PyPI).
    pub hashes: Vec<String>,
    /// Address of the archive (npm `dist.tarball`).
    pub archive: Option<String>,
    /// `engines` (npm) as JSON members in order, or `requires-python` under the key `python`.
    pub engines: BTreeMap<String, String>,
    /// Other members that an npm lockfile entry copies, as JSON in the registry's order:
    /// `bin`, `os`, `cpu`, `libc`, `license`, `funding`, `hasInstallScript`, `deprecated`, `peerDependenciesMeta`.
    pub lockfile_members: BTreeMap<String, serde_json::Value>,
}

/// One need of a release.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Need {
    /// Name under which it is asked for.
    pub name: String,
    /// Range (npm), or specifier set (PyPI).
    pub requirement: String,
    /// Kind of the need.
    pub kind: DependencyKind,
    /// PEP 508 marker, as written; `None` in npm.
    pub marker: Option<String>,
}
