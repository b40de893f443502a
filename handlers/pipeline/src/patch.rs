//! A plan of version changes and the patch it becomes.

use crate::ids::Fingerprint;
use serde::{Deserialize, Serialize};

/// What is to be changed in one project, smallest first found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The changes, in the order of the file.
    pub changes: Vec<Change>,
    /// Findings that the changes remove.
    pub heals: Vec<Fingerprint>,
    /// Findings that stay, each with the reason.
    pub left: Vec<Left>,
    /// Whether every smaller set was ruled out. `false`: the search ended at its limit, and the set is merely
    /// irreducible (no change can be taken back).
    pub smallest: bool,
}

/// A finding that stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// Which one.
    pub fingerprint: Fingerprint,
    /// Why, and the smallest change that would do.
    pub reason: String,
}

/// One changed entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum Change {
    /// Another version at the same place.
    Update {
        /// `Package::place`.
        place: String,
        /// Registry name.
        name: String,
        /// Version now.
        from: String,
        /// Version then.
        to: String,
    },
    /// A new entry.
    Add {
        /// Where it will stand.
        place: String,
        /// Registry name.
        name: String,
        /// Its version.
        version: String,
        /// On which machines it is needed (pip), as a marker. `None`: on all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        marker: Option<String>,
        /// What needs it (pip), by name.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        via: Vec<String>,
    },
    /// An entry that nothing needs any more.
    Remove {
        /// `Package::place`.
        place: String,
        /// Registry name.
        name: String,
        /// Version now.
        version: String,
    },
    /// Another range in the manifest.
    Require {
        /// The file: `package.json` of the root or of a workspace, or the requirements file.
        path: String,
        /// Name as written there.
        name: String,
        /// Requirement now.
        from: String,
        /// Requirement then.
        to: String,
    },
    /// An `overrides` entry in the root's `package.json`.
    Override {
        /// Name as the registry knows it.
        name: String,
        /// The version forced.
        version: String,
    },
}

impl Change {
    /// Name and version of the release that it brings in, if it does.
    pub fn brings_in(&self) -> Option<(&str, &str)> {
        match self {
            Self::Update { name, to: version, .. }
            | Self::Add { name, version, .. }
            | Self::Override { name, version } => Some((name, version)),
            Self::Remove { .. } | Self::Require { .. } => None,
        }
    }
}

/// New contents of files.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Patch {
    /// By path, each file once.
    pub files: Vec<PatchedFile>,
}

impl Patch {
    /// Lines that it adds and removes, together.
    pub fn lines_changed(&self) -> usize {
        let changed = self.files.iter().map(|file| {
            let patch = diffy::create_patch(&file.before, &file.after);
            let lines = patch.hunks().iter().flat_map(|hunk| hunk.lines());
            lines.filter(|line| !matches!(line, diffy::Line::Context(_))).count()
        });
        changed.sum()
    }
}

/// One file, before and after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PatchedFile {
    /// Path from the root of the tree.
    pub path: String,
    /// Text before.
    pub before: String,
    /// Text after.
    pub after: String,
}
