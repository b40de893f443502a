//! What is in a backup: the first to be read, and what all else is held against.

use jiff::Timestamp;
use local_host::backup::FOLDER;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::{Component, Path};

/// The form of a backup.
pub const SCHEMA: &str = "suture.backup/1";

/// Where the manifest is in the archive.
pub const NAME: &str = "manifest.json";

/// The folder of the records in the archive.
pub const RECORDS: &str = "records";

/// A manifest may have this many bytes, and name this many entries, with this many bytes in all.
pub const MANIFEST_BYTES_MAX: u64 = 512 << 20;
const ENTRIES_MAX: usize = 4_000_000;
const BYTES_MAX: u64 = 256 << 30;

/// What is in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`SCHEMA`].
    pub schema: String,
    /// The version that wrote it.
    pub version: String,
    /// When.
    pub made: Timestamp,
    /// How many of the entries are databases of the local host.
    pub databases: usize,
    /// How many are records of the store.
    pub records: usize,
    /// All of them, in the order in which they were copied.
    pub entries: Vec<Entry>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its path in the archive, with `/`.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// When it was written last, in milliseconds since 1970: how old a record is decides when it may be forgotten.
    pub written_ms: u64,
}

impl Manifest {
    /// Reads a manifest. What it asks for can be done without leaving a folder.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Head {
            schema: String,
            version: String,
        }
        let head: Head = serde_json::from_slice(bytes).map_err(|error| format!("{NAME} is damaged: {error}"))?;
        if head.schema != SCHEMA {
            return Err(format!(
                "it is of the form {}, which this version can't read; it was written by version {}: restore it with that",
                head.schema, head.version
            ));
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(|error| format!("{NAME} is damaged: {error}"))?;
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), String> {
        if self.entries.len() > ENTRIES_MAX {
            return Err(format!("more than {ENTRIES_MAX} entries"));
        }
        let bytes = self.entries.iter().try_fold(0_u64, |sum, entry| sum.checked_add(entry.bytes));
        if bytes.is_none_or(|bytes| bytes > BYTES_MAX) {
            return Err(format!("more than {BYTES_MAX} bytes"));
        }
        let mut files = BTreeSet::new();
        let (mut databases, mut records) = (0, 0);
        for entry in &self.entries {
            match Place::of(&entry.path) {
                Some(Place::Database(_)) => databases += 1,
                Some(Place::Record(_)) => records += 1,
                None => return Err(format!("`{}` is no place that a backup has", entry.path.escape_debug())),
            }
            if !files.insert(entry.path.as_str()) {
                return Err(format!("{} is in it twice", entry.path));
            }
        }
        if (databases, records) != (self.databases, self.records) {
            return Err(format!(
                "it is to have {} records and {} databases, and names {records} and {databases}",
                self.records, self.databases
            ));
        }
        let is_file = |path: &str| files.contains(path);
        let inside = |path: &str| path.match_indices('/').any(|(at, _)| is_file(&path[..at]));
        match files.iter().find(|path| inside(path)) {
            Some(path) => Err(format!("{path} is in it below a file")),
            None => Ok(()),
        }
    }
}

/// Where an entry goes.
#[derive(Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// A database of the local host, by its file name.
    Database(&'a str),
    /// A record, by its path below the state.
    Record(&'a Path),
}

impl<'a> Place<'a> {
    /// Where the entry `path` goes; `None`: nowhere that a backup may write to.
    pub fn of(path: &'a str) -> Option<Self> {
        let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_));
        // A name that is taken apart and put together again is the same: no `//`, no `.`, no `/` at an end.
        let is_exact = |rest: &str| {
            Path::new(rest).iter().map(|part| part.to_str().unwrap_or("")).collect::<Vec<_>>().join("/") == rest
        };
        if path.contains(['\0', '\\']) || !Path::new(path).components().all(is_plain) || !is_exact(path) {
            return None;
        }
        let (folder, rest) = path.split_once('/')?;
        match folder {
            FOLDER if !rest.contains('/') && rest.ends_with(".sqlite3") => Some(Self::Database(rest)),
            RECORDS if rest.split('/').next() != Some(FOLDER) && !is_unfinished(rest) => {
                Some(Self::Record(Path::new(rest)))
            }
            _ => None,
        }
    }
}

/// Whether `name` is that of a record that its writer has not finished: `…#1`. No key has such an end.
pub fn is_unfinished(name: &str) -> bool {
    name.rsplit_once('#').is_some_and(|(_, end)| !end.is_empty() && end.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_places_of_the_state_are_taken() {
        let check = |path: &str, expect: Option<Place<'_>>| assert_eq!(Place::of(path), expect, "{path}");
        check("records/journal/scan/1", Some(Place::Record(Path::new("journal/scan/1"))));
        check("records/agents.json", Some(Place::Record(Path::new("agents.json"))));
        check("local-host/bus.sqlite3", Some(Place::Database("bus.sqlite3")));
        for path in [
            "",
            "records",
            "records/",
            "/records/a",
            "records//a",
            "records/../a",
            "records/./a",
            "records/a/",
            "other/a",
            "records/local-host/bus.sqlite3",
            "local-host/a/bus.sqlite3",
            "local-host/host.lock",
            "records/a\\b",
            "records/journal/1#1",
            "../records/a",
            "records/a\0b",
        ] {
            check(path, None);
        }
    }
}
