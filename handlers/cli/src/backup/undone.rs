//! What the journal says of work that was put off, and that has to be done again after a restore.

use crate::Failure;
use agents::journal::JournalRecord;
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Which of the journal's `files` stay out: those written after `moment` for messages that are `put_off`, or were since.
pub fn undone(
    state: &Path,
    files: &[PathBuf],
    moment: Timestamp,
    put_off: &BTreeSet<String>,
) -> Result<BTreeSet<PathBuf>, Failure> {
    let mut put_off = put_off.clone();
    let mut since = Vec::new();
    for path in files {
        let full = state.join(path);
        let written = match full.metadata().and_then(|metadata| metadata.modified()) {
            Ok(written) => written,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(Failure(format!("{}: {error}", full.display()))),
        };
        if Timestamp::try_from(written).is_ok_and(|written| written > moment) {
            // A record that is damaged says nothing.
            let record =
                std::fs::read(&full).ok().and_then(|bytes| serde_json::from_slice::<JournalRecord>(&bytes).ok());
            put_off.extend(record.and_then(|record| record.wake_up).map(|wake_up| wake_up.message.id.to_string()));
            since.push(path.clone());
        }
    }
    let is_put_off =
        |path: &PathBuf| path.file_name().and_then(|id| id.to_str()).is_some_and(|id| put_off.contains(id));
    Ok(since.into_iter().filter(is_put_off).collect())
}
