//! Copies of the local host's databases while it runs: by SQLite's online backup, so that each copy is of one moment.

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the local host keeps its own files, below the folder of its state.
pub const FOLDER: &str = "local-host";

/// The messages.
pub const BUS: &str = "bus.sqlite3";

/// The running host holds this file.
const LOCK: &str = "host.lock";

/// Pages that are copied at once: all of them, so that no writer can make the copy begin anew. In WAL mode nobody waits for it.
const PAGES_ALL: std::ffi::c_int = -1;

/// How long is waited for a writer that holds the file, and how often it is tried.
const BUSY_MS: u64 = 200;
const BUSY_TRIES_MAX: u32 = 150;

/// A database can't be copied, or is no sound one.
#[derive(Debug, thiserror::Error)]
#[error("{}: {what}", file.display())]
pub struct BackupError {
    file: PathBuf,
    what: String,
}

impl BackupError {
    fn new(file: &Path, what: impl std::fmt::Display) -> Self {
        Self { file: file.to_owned(), what: what.to_string() }
    }
}

/// The databases in `folder`: that of the bus first, then the others by name. None where there is no such folder.
pub fn databases(folder: &Path) -> Result<Vec<PathBuf>, BackupError> {
    let failed = |error: std::io::Error| BackupError::new(folder, error);
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        if entry.file_type().map_err(failed)?.is_file() && path.extension().is_some_and(|end| end == "sqlite3") {
            found.push(path);
        }
    }
    found.sort_by_key(|path| (path.file_name().is_none_or(|name| name != BUS), path.clone()));
    Ok(found)
}

/// A database as it was at one moment, while others write to it.
#[derive(Debug)]
pub struct Snapshot {
    file: PathBuf,
    source: Connection,
}

impl Snapshot {
    /// The database `file` as it is now. It takes no time; until the snapshot is dropped, the log of the database grows.
    pub fn of(file: &Path) -> Result<Self, BackupError> {
        let failed = |error: rusqlite::Error| BackupError::new(file, error);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let source = Connection::open_with_flags(file, flags).map_err(failed)?;
        source.busy_timeout(Duration::from_millis(BUSY_MS * u64::from(BUSY_TRIES_MAX))).map_err(failed)?;
        // A transaction sees what was there at its first read.
        source.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema").map_err(failed)?;
        Ok(Self { file: file.to_owned(), source })
    }

    /// Which database.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Copies it to the new file `to`. The copy is one file: it needs no log beside it.
    pub fn copy(&self, to: &Path) -> Result<(), BackupError> {
        let mut copy = Connection::open(to).map_err(|error| BackupError::new(to, error))?;
        copy_all(&self.source, &mut copy).map_err(|what| BackupError::new(&self.file, what))?;
        // A log of its own would be a second file.
        copy.pragma_update(None, "journal_mode", "DELETE").map_err(|error| BackupError::new(to, error))?;
        copy.close().map_err(|(_, error)| BackupError::new(to, error))
    }
}

fn copy_all(source: &Connection, copy: &mut Connection) -> Result<(), String> {
    let backup = Backup::new(source, copy).map_err(|error| error.to_string())?;
    for _ in 0..BUSY_TRIES_MAX {
        match backup.step(PAGES_ALL).map_err(|error| error.to_string())? {
            StepResult::Done => return Ok(()),
            _ => std::thread::sleep(Duration::from_millis(BUSY_MS)),
        }
    }
    Err("somebody else has held it all the time; try again".to_owned())
}

/// Fails where `file` is no sound database.
pub fn check(file: &Path) -> Result<(), BackupError> {
    let failed = |error: rusqlite::Error| BackupError::new(file, error);
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(failed)?;
    let said: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if said == "ok" { Ok(()) } else { Err(BackupError::new(file, said)) }
}

/// Whether a host runs on `folder`.
pub fn is_in_use(folder: &Path) -> bool {
    let Ok(lock) = File::options().write(true).open(folder.join(LOCK)) else { return false };
    matches!(lock.try_lock(), Err(TryLockError::WouldBlock))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    fn database(file: &Path) -> Connection {
        let connection = Connection::open(file).unwrap();
        connection.busy_timeout(Duration::from_secs(5)).unwrap();
        connection.pragma_update(None, "journal_mode", "WAL").unwrap();
        connection.execute_batch("CREATE TABLE IF NOT EXISTS moves (id INTEGER PRIMARY KEY, account, amount)").unwrap();
        connection
    }

    fn copy(file: &Path, to: &Path) -> Result<(), BackupError> {
        Snapshot::of(file)?.copy(to)
    }

    fn sum(file: &Path) -> (i64, i64) {
        let connection = Connection::open(file).unwrap();
        connection
            .query_row("SELECT count(*), coalesce(sum(amount), 0) FROM moves", [], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
    }

    #[test]
    fn copy_is_of_one_moment_while_others_write() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(BUS);
        let mut connection = database(&file);
        let stop = Arc::new(AtomicBool::new(false));
        let writer = std::thread::spawn({
            let stop = Arc::clone(&stop);
            move || {
                while !stop.load(Ordering::Relaxed) {
                    // Both or neither: the sum is always nothing.
                    let both = connection.transaction().unwrap();
                    both.execute("INSERT INTO moves (account, amount) VALUES ('one', -7)", []).unwrap();
                    both.execute("INSERT INTO moves (account, amount) VALUES ('other', 7)", []).unwrap();
                    both.commit().unwrap();
                }
            }
        });
        let mut last = 0;
        for number in 0..20 {
            let to = folder.path().join(format!("copy-{number}"));
            copy(&file, &to).unwrap();
            check(&to).unwrap();
            let (count, sum) = sum(&to);
            assert_eq!(sum, 0);
            assert!(count >= last);
            last = count;
            assert!(!folder.path().join(format!("copy-{number}-wal")).exists());
        }
        stop.store(true, Ordering::Relaxed);
        writer.join().unwrap();
        assert!(last > 0);
    }

    #[test]
    fn snapshot_is_of_the_moment_when_it_was_taken() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(BUS);
        let connection = database(&file);
        connection.execute("INSERT INTO moves (account, amount) VALUES ('one', 1)", []).unwrap();
        let snapshot = Snapshot::of(&file).unwrap();
        connection.execute("INSERT INTO moves (account, amount) VALUES ('one', 1)", []).unwrap();
        snapshot.copy(&folder.path().join("copy")).unwrap();
        assert_eq!((sum(&folder.path().join("copy")), sum(&file)), ((1, 1), (2, 2)));
    }

    #[test]
    fn databases_are_found_and_that_of_the_bus_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.sqlite3", BUS, "bus.sqlite3-wal", "bus.sqlite3.mark", LOCK] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let found = databases(folder.path()).unwrap();
        assert_eq!(found, [folder.path().join(BUS), folder.path().join("a.sqlite3")]);
        assert_eq!(databases(&folder.path().join("nowhere")).unwrap(), Vec::<PathBuf>::new());
    }

    #[test]
    fn damaged_database_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(BUS);
        drop(database(&file));
        check(&file).unwrap();
        std::fs::write(&file, "not a database, but long enough to be looked at as if it were one".repeat(40)).unwrap();
        let error = check(&file).unwrap_err().to_string();
        assert!(error.contains(BUS) && error.contains("not a database"), "{error}");
        assert!(copy(&file, &folder.path().join("copy")).is_err());
    }

    #[test]
    fn running_host_is_seen_by_its_lock() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_in_use(folder.path()));
        let lock = File::create(folder.path().join(LOCK)).unwrap();
        assert!(!is_in_use(folder.path()));
        lock.lock().unwrap();
        assert!(is_in_use(folder.path()));
    }
}
