//! Edits of requirements files as values, and the patch that they make.

use super::{add, hashes, specifier, verify};
use detectors::dependency::pip::decode::decode;
use detectors::dependency::pip::file::{Entry, RequirementsFile};
use detectors::dependency::pip::requirement::Requirement;
use detectors::dependency::pip::{check_hash, comments_below, normalised};
use detectors::source_tree::SourceTree;
use pep440_rs::Version;
use pipeline::patch::{Patch, PatchedFile};
use std::collections::BTreeMap;
use std::ops::Range;
use std::str::FromStr;

/// One change of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Another version of what is there.
    Pin(PinEdit),
    /// A requirement that is new.
    Add(AddEdit),
    /// A requirement that goes, with the indented comments below it.
    Remove(RemoveEdit),
}

/// Another version at the same line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinEdit {
    /// The file.
    pub path: String,
    /// Where the requirement starts, from 1.
    pub line: u32,
    /// Its name, in any spelling.
    pub name: String,
    /// The version that the pin becomes.
    pub to: String,
    /// `sha256:…` of every file of the release. They replace the hashes that the requirement has; where it has none,
    /// none are written.
    pub hashes: Vec<String>,
}

/// A new pin, at its place in the order of the names; in a file without order, after the last requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddEdit {
    /// The file.
    pub path: String,
    /// As it is to be written.
    pub name: String,
    /// The pin.
    pub version: String,
    /// On which machines it is installed, written after `;`. `None`: on all.
    pub marker: Option<String>,
    /// `sha256:…` of every file of the release: written where the file has hashes.
    pub hashes: Vec<String>,
    /// What needs it: written as `# via` comment where the file was compiled.
    pub via: Vec<String>,
}

/// A requirement that nothing needs any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoveEdit {
    /// The file.
    pub path: String,
    /// Where the requirement starts, from 1.
    pub line: u32,
    /// Its name, in any spelling.
    pub name: String,
}

/// Why an edit was not made. Nothing is changed then: all edits are made, or none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The file is not in the tree.
    #[error("{0} is not there")]
    Absent(String),
    /// The file could not be written back byte by byte.
    #[error("{0} is not UTF-8")]
    NotUtf8(String),
    /// The line has another requirement, or none: the file changed since the edit was planned.
    #[error("{path}:{line} does not ask for {name}")]
    Moved {
        /// The file.
        path: String,
        /// From 1.
        line: u32,
        /// What was expected there.
        name: String,
    },
    /// It is taken from a URL or a path, so that no version can be set.
    #[error("{0} is not taken from a registry")]
    NotFromRegistry(String),
    /// It is a range, which decides at install time.
    #[error("{0} is not pinned")]
    NotPinned(String),
    /// The name, the version or a hash is none; it would break the file.
    #[error("`{0}` can't be written: {1}")]
    Invalid(String, String),
    /// What stands beside the pin forbids the version.
    #[error("{name} {to} is forbidden by `{clause}` on the same line")]
    Excluded {
        /// The package.
        name: String,
        /// The version wanted.
        to: String,
        /// What forbids it.
        clause: String,
    },
    /// The file has hashes, so pip would refuse a version without.
    #[error("{0} needs the hashes of the new version")]
    HashesMissing(String),
    /// The name is there already.
    #[error("{path} asks for {name} already, at line {line}")]
    AlreadyThere {
        /// The file.
        path: String,
        /// From 1.
        line: u32,
        /// The package.
        name: String,
    },
    /// Two edits of the same requirement.
    #[error("two edits of {0}:{1}")]
    Twice(String, u32),
    /// Read again, the new text says something else than was intended.
    #[error("{0} would not say what is intended: {1}")]
    NotAsIntended(String, String),
}

/// Text to be put in place of a range.
pub(super) type Splice = (Range<usize>, String);

/// Makes all `edits`, and reads the result again to be sure that it says exactly what they intend (`verify`).
pub fn apply(tree: &SourceTree, edits: &[Edit]) -> Result<Patch, EditError> {
    let mut by_path: BTreeMap<&str, Vec<&Edit>> = BTreeMap::new();
    for edit in edits {
        by_path.entry(edit.path()).or_default().push(edit);
    }
    let mut patch = Patch::default();
    for (path, edits) in by_path {
        let decoded = decode(tree.bytes(path).ok_or_else(|| EditError::Absent(path.to_owned()))?);
        if !decoded.is_utf8 {
            return Err(EditError::NotUtf8(path.to_owned()));
        }
        let after = apply_to(path, &decoded.text, &edits)?;
        if after != decoded.text {
            patch.files.push(PatchedFile { path: path.to_owned(), before: decoded.text, after });
        }
    }
    Ok(patch)
}

impl AddEdit {
    /// What stands after the name: `==1.0 ; sys_platform == 'win32'`.
    pub(super) fn after_name(&self) -> String {
        let marker = self.marker.as_ref().map(|marker| format!(" ; {marker}"));
        format!("=={}{}", self.version, marker.unwrap_or_default())
    }
}

impl Edit {
    /// The file that it changes.
    pub fn path(&self) -> &str {
        match self {
            Self::Pin(PinEdit { path, .. })
            | Self::Add(AddEdit { path, .. })
            | Self::Remove(RemoveEdit { path, .. }) => path,
        }
    }
}

fn apply_to(path: &str, text: &str, edits: &[&Edit]) -> Result<String, EditError> {
    let file = RequirementsFile::parse(text);
    let mut splices = Vec::new();
    let mut changed = Vec::new();
    for edit in edits {
        match edit {
            Edit::Pin(edit) => {
                let (_, entry, requirement) = find(&file, path, edit.line, &edit.name)?;
                changed.push(entry.line);
                pin(text, requirement, edit, &mut splices)?;
            }
            Edit::Remove(edit) => {
                let (at, entry, _) = find(&file, path, edit.line, &edit.name)?;
                changed.push(entry.line);
                let last = file.entries.get(at + comments_below(&file.entries[at + 1..]));
                splices.push((entry.span.start..last.unwrap_or(entry).span.end, String::new()));
            }
            Edit::Add(edit) => splices.push(add::splice(&file, text, edit)?),
        }
    }
    changed.sort_unstable();
    if let Some(pair) = changed.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(EditError::Twice(path.to_owned(), pair[0]));
    }
    let after =
        spliced(text, splices).ok_or_else(|| EditError::NotAsIntended(path.to_owned(), "edits overlap".to_owned()))?;
    verify::verify(path, text, &after, edits)?;
    Ok(after)
}

fn find<'a>(
    file: &'a RequirementsFile,
    path: &str,
    line: u32,
    name: &str,
) -> Result<(usize, &'a Entry, &'a Requirement), EditError> {
    let found = file.entries.iter().enumerate().find(|(_, entry)| entry.line == line);
    let found = found.and_then(|(at, entry)| Some((at, entry, entry.requirement()?)));
    let same = found.filter(|(_, _, requirement)| normalised(&requirement.name) == normalised(name));
    same.ok_or_else(|| EditError::Moved { path: path.to_owned(), line, name: name.to_owned() })
}

fn pin(text: &str, requirement: &Requirement, edit: &PinEdit, splices: &mut Vec<Splice>) -> Result<(), EditError> {
    if requirement.address.is_some() {
        return Err(EditError::NotFromRegistry(edit.name.clone()));
    }
    check_text(&edit.to, &edit.hashes)?;
    let before = splices.len();
    specifier::rewrite(requirement, edit, splices)?;
    let same_version = splices.len() == before;
    if requirement.hashes.is_empty() || (same_version && edit.hashes.is_empty()) {
        return Ok(());
    }
    if edit.hashes.is_empty() {
        return Err(EditError::HashesMissing(edit.name.clone()));
    }
    hashes::replace(text, requirement, &edit.hashes, splices);
    Ok(())
}

/// Nothing that is written may break out of its place: a version is a version, a hash is hex.
pub(super) fn check_text(version: &str, hashes: &[String]) -> Result<(), EditError> {
    let invalid = |text: &str, error: String| Err(EditError::Invalid(text.chars().take(120).collect(), error));
    if let Err(error) = Version::from_str(version) {
        return invalid(version, error.to_string());
    }
    if version.contains(char::is_whitespace) {
        return invalid(version, "it holds white space".to_owned());
    }
    for hash in hashes {
        let is_hex = hash
            .split_once(':')
            .is_some_and(|(_, digest)| !digest.is_empty() && digest.bytes().all(|b| b.is_ascii_hexdigit()));
        match check_hash(hash) {
            Err(error) => return invalid(hash, error),
            Ok(()) if !is_hex => return invalid(hash, "its digest is not hexadecimal".to_owned()),
            Ok(()) => {}
        }
    }
    Ok(())
}

fn spliced(text: &str, mut splices: Vec<Splice>) -> Option<String> {
    // What is added at one place comes in the order of the names.
    splices.sort_by(|(a, first), (b, second)| (a.start, a.end, first).cmp(&(b.start, b.end, second)));
    let mut after = String::with_capacity(text.len());
    let mut at = 0;
    for (range, replacement) in splices {
        after.push_str(text.get(at..range.start)?);
        after.push_str(&replacement);
        at = range.end;
    }
    after.push_str(text.get(at..)?);
    Some(after)
}
