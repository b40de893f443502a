//! The records of a state, in the order in which they have to be copied.

use super::manifest::is_unfinished;
use crate::Failure;
use local_host::backup::FOLDER;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The shelf of work that was put off.
pub const WAKE_UPS: &str = "wakeups";

/// The shelf of what was done.
pub const JOURNAL: &str = "journal";

/// What is copied before the messages.
pub const BEFORE: [&str; 2] = [agents::sweep::REGISTRY, WAKE_UPS];

/// Files below a state.
#[derive(Debug, Default)]
pub struct Found {
    /// Paths below the state.
    pub files: Vec<PathBuf>,
    /// Links and the like, which are not followed.
    pub passed_over: Vec<String>,
}

/// The folders and files directly below `state` that are copied after the messages, the journal first; without the local host's own.
pub fn shelves(state: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(state).map_err(|error| Failure(format!("{}: {error}", state.display())))? {
        names.push(PathBuf::from(entry.map_err(Failure::new)?.file_name()));
    }
    names.retain(|name| name.as_os_str() != FOLDER && !BEFORE.iter().any(|before| name.as_os_str() == *before));
    names.sort_by_key(|name| (name.as_os_str() != JOURNAL, name.clone()));
    Ok(names)
}

/// The files at or below `shelf`, which is a name below `state`, sorted. What vanishes meanwhile is not there.
pub fn files(state: &Path, shelf: &Path, found: &mut Found) -> Result<(), Failure> {
    let failure = |path: &Path, error: std::io::Error| Failure(format!("{}: {error}", path.display()));
    let mut folders = vec![shelf.to_path_buf()];
    let start = found.files.len();
    while let Some(path) = folders.pop() {
        let full = state.join(&path);
        let kind = match full.symlink_metadata() {
            Ok(metadata) => metadata.file_type(),
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(failure(&full, error)),
        };
        if kind.is_dir() {
            match std::fs::read_dir(&full) {
                Ok(entries) => {
                    for entry in entries {
                        folders.push(path.join(entry.map_err(|error| failure(&full, error))?.file_name()));
                    }
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(failure(&full, error)),
            }
        } else if !kind.is_file() {
            found.passed_over.push(full.display().to_string());
        } else if path.to_str().is_some_and(|name| !is_unfinished(name)) {
            found.files.push(path);
        }
    }
    if let Some(new) = found.files.get_mut(start..) {
        new.sort();
    }
    Ok(())
}
