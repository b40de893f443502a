//! Writing a backup while agents and the local host work.
//!
//! What was work at the moment of the messages has to be work after a restore. All messages are of one moment. Records are copied after
//! it: a message that is in the copy and was handled meanwhile comes again, finds its records, and is answered as before. The other way
//! round, a message that was handled between the two would be in neither.
//!
//! Work that was put off moves from a message to a wake-up and back, so wake-ups are copied before that moment and again right after
//! it: who misses one in both would have to see it made, sent, handled and swept away in between. What `sweep` finds in the journal it
//! takes for done, so of a wake-up that is in the copy, or that a message in the copy will make again, the journal says nothing that
//! was written later than the messages: what that work sent is not among them. It is done again.
//!
//! The registry of agents comes before all: that people were told of a silence is a wake-up first.

use super::archive::{Archive, entry_of};
use super::manifest::{Manifest, SCHEMA};
use super::undone::undone;
use super::walk::{self, Found};
use crate::Failure;
use agents::environment::clock::Clock;
use jiff::{SignedDuration, Timestamp};
use local_host::backup::{self, FOLDER, Snapshot};
use std::collections::BTreeSet;
use std::io::{BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

/// By more than this the time of a file is not behind the moment when it was written.
const FILE_TIME_LAG: SignedDuration = SignedDuration::from_millis(100);

/// Writes the state in `state` to `file`, which appears whole or not at all. Also tells what is not in it.
pub fn backup(
    state: &Path,
    file: &Path,
    now: Timestamp,
    told: &mut dyn FnMut(&str, &str),
) -> Result<(Manifest, Vec<String>), Failure> {
    if !state.is_dir() {
        return Err(Failure(format!("{}: there is no state; use --state DIR", state.display())));
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let failure = |error: std::io::Error| Failure(format!("{}: {error}", file.display()));
    let (inside, outside) = (state.canonicalize().map_err(failure)?, folder.canonicalize().map_err(failure)?);
    if outside.starts_with(&inside) {
        return Err(Failure(format!("{} is within the state; write the backup elsewhere", file.display())));
    }
    // In it are keys and messages: it is its owner's alone, as temporary files are.
    let mut unfinished = tempfile::Builder::new().prefix(".suture-backup-").tempfile_in(folder).map_err(failure)?;
    let mut archive = Archive::new(BufWriter::new(unfinished.as_file_mut()));
    let mut shelves = Shelves { state, passed_over: BTreeSet::new() };
    for shelf in walk::BEFORE {
        for path in shelves.files(Path::new(shelf))? {
            told("copying records", &archive.entries.len().to_string());
            archive.add_record(state, &path)?;
        }
    }
    told("copying messages", "");
    let databases = backup::databases(&state.join(FOLDER)).map_err(Failure::new)?;
    // Before the first of them: what is written from then on may be of work that is in a message here. Files have the time of a coarser
    // clock, which lags; what is taken to be later than it is is done again, and no more.
    let moment = Clock::System.now() - FILE_TIME_LAG;
    let snapshots: Result<Vec<_>, _> = databases.iter().map(|database| Snapshot::of(database)).collect();
    let snapshots = snapshots.map_err(Failure::new)?;
    let before: BTreeSet<String> = archive.entries.iter().map(|entry| entry.path.clone()).collect();
    for path in shelves.files(Path::new(walk::WAKE_UPS))? {
        told("copying wake-ups again", "");
        if !before.contains(&entry_of(&path)) {
            archive.add_record(state, &path)?;
        }
    }
    let put_off = archive.entries.iter().filter_map(|entry| entry.path.rsplit('/').next()).map(str::to_owned).collect();
    let databases = copy_databases(&snapshots, folder, &mut archive, told)?;
    drop(snapshots);
    for shelf in walk::shelves(state)? {
        let files = shelves.files(&shelf)?;
        let undone =
            if shelf == Path::new(walk::JOURNAL) { undone(state, &files, moment, &put_off)? } else { BTreeSet::new() };
        for path in files.iter().filter(|path| !undone.contains(*path)) {
            told("copying records", &archive.entries.len().to_string());
            archive.add_record(state, path)?;
        }
    }
    let manifest = Manifest {
        schema: SCHEMA.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        made: now,
        databases,
        records: archive.entries.len() - databases,
        entries: std::mem::take(&mut archive.entries),
    };
    archive.finish(&manifest)?;
    unfinished.as_file().sync_all().map_err(failure)?;
    unfinished.persist(file).map_err(|error| failure(error.error))?;
    Ok((manifest, shelves.passed_over.into_iter().collect()))
}

/// The records of a state, and what was met among them that is none.
struct Shelves<'a> {
    state: &'a Path,
    passed_over: BTreeSet<String>,
}

impl Shelves<'_> {
    fn files(&mut self, shelf: &Path) -> Result<Vec<PathBuf>, Failure> {
        let mut found = Found::default();
        walk::files(self.state, shelf, &mut found)?;
        self.passed_over.extend(found.passed_over);
        Ok(found.files)
    }
}

/// Copies `snapshots`; how many. Copies on the way are `beside` the backup.
fn copy_databases<W: Write + Seek>(
    snapshots: &[Snapshot],
    beside: &Path,
    archive: &mut Archive<W>,
    told: &mut dyn FnMut(&str, &str),
) -> Result<usize, Failure> {
    let copies = tempfile::Builder::new().prefix(".suture-backup-").tempdir_in(beside).map_err(Failure::new)?;
    let before = archive.entries.len();
    for snapshot in snapshots {
        let Some(name) = snapshot.file().file_name().and_then(|name| name.to_str()) else { continue };
        told("copying messages", name);
        let copy = copies.path().join(name);
        snapshot.copy(&copy).map_err(Failure::new)?;
        archive.add(&format!("{FOLDER}/{name}"), &copy)?;
        // It may be large, and there may be more.
        std::fs::remove_file(&copy).map_err(Failure::new)?;
    }
    Ok(archive.entries.len() - before)
}
