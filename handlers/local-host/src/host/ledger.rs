//! What the host itself remembers: when timers last fired, and its keys. Two tables in the file of the bus, written through a connection of
//! their own: keys can be shown while a host runs.

use super::front::Keys;
use crate::bus::{self, BusError};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The file.
#[derive(Debug, Clone)]
pub struct Ledger {
    file: PathBuf,
    connection: Arc<Mutex<Connection>>,
}

/// The file can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {what}", file.display())]
pub struct LedgerError {
    file: PathBuf,
    what: String,
}

impl Ledger {
    /// Opens the file of the bus, made if it is absent, for nobody but its owner.
    pub fn open(file: &Path) -> Result<Self, BusError> {
        let connection = bus::connect(file)?;
        Ok(Self { file: file.to_owned(), connection: Arc::new(Mutex::new(connection)) })
    }

    /// When `function` of `app` last fired, as far as is known.
    pub fn last(&self, app: &str, function: &str) -> Result<Option<Timestamp>, LedgerError> {
        let query = "SELECT last FROM timer WHERE app = ?1 AND function = ?2";
        let last: Option<String> =
            self.ask(|connection| connection.query_row(query, [app, function], |row| row.get(0)).optional())?;
        last.map(|last| last.parse().map_err(|error: jiff::Error| self.failed(error))).transpose()
    }

    /// Notes that `function` of `app` fired at `moment`.
    pub fn note(&self, app: &str, function: &str, moment: Timestamp) -> Result<(), LedgerError> {
        let statement = "INSERT INTO timer VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET last = excluded.last";
        self.ask(|connection| connection.execute(statement, [app, function, &moment.to_string()])).map(drop)
    }

    /// The keys, made where there are none yet.
    pub fn keys(&self) -> Result<Keys, LedgerError> {
        let key = |name: &str| {
            let made = format!("{}{}", crate::chance::uuid().simple(), crate::chance::uuid().simple());
            self.ask(|connection| {
                let known = |connection: &Connection| {
                    connection.query_row("SELECT value FROM key WHERE name = ?1", [name], |row| row.get(0)).optional()
                };
                if let Some(known) = known(connection)? {
                    return Ok(known);
                }
                connection.execute("INSERT INTO key VALUES (?1, ?2) ON CONFLICT DO NOTHING", [name, &made])?;
                known(connection)?.ok_or(rusqlite::Error::QueryReturnedNoRows)
            })
        };
        Ok(Keys { master: key("_master")?, default: key("default")? })
    }

    fn ask<T>(&self, ask: impl FnOnce(&Connection) -> Result<T, rusqlite::Error>) -> Result<T, LedgerError> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        ask(&connection).map_err(|error| self.failed(error))
    }

    fn failed(&self, error: impl std::fmt::Display) -> LedgerError {
        LedgerError { file: self.file.clone(), what: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_moments_outlive_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bus.sqlite3");
        let ledger = Ledger::open(&file).unwrap();
        let keys = ledger.keys().unwrap();
        assert_ne!(keys.master, keys.default);
        assert_eq!(ledger.last("agents", "sweep").unwrap(), None);
        let moments: [Timestamp; 2] = ["2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"].map(|at| at.parse().unwrap());
        moments.iter().for_each(|moment| ledger.note("agents", "sweep", *moment).unwrap());
        drop(ledger);
        let ledger = Ledger::open(&file).unwrap();
        assert_eq!(ledger.keys().unwrap(), keys);
        assert_eq!(ledger.last("agents", "sweep").unwrap(), Some(moments[1]));
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_reads_the_keys() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bus.sqlite3");
        Ledger::open(&file).unwrap();
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn foreign_and_newer_files_are_refused_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bus.sqlite3");
        std::fs::write(&file, "this is no database, but a text of some length").unwrap();
        let error = Ledger::open(&file).unwrap_err().to_string();
        assert!(error.contains("bus.sqlite3"), "{error}");
        std::fs::remove_file(&file).unwrap();
        Ledger::open(&file).unwrap();
        Connection::open(&file).unwrap().pragma_update(None, "user_version", 9).unwrap();
        assert!(Ledger::open(&file).unwrap_err().to_string().contains("newer"));
    }
}
