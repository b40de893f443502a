//! Opening: what is in the file is checked before anything is believed.

use super::catalog::Catalog;
use super::fault::Fault;
use super::mark::Mark;
use super::schema::{self, Kind};
use super::session::ACTIVE;
use super::{BusError, Entities};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// How long to wait for whoever else reads or writes the file.
const BUSY_MS: u64 = 5000;
/// Pages of the log after which they go into the file: 16 MiB.
const LOG_PAGES: i64 = 4000;
/// Bytes that the log keeps once its pages are in the file.
const LOG_BYTES_MAX: i64 = 16 * 1024 * 1024;

/// What is opened.
pub(super) struct Opened {
    pub(super) writer: Connection,
    pub(super) reader: Connection,
    pub(super) catalog: Catalog,
    pub(super) mark: Mark,
    /// When something is due to a message, as the file has it.
    pub(super) next_due: Option<i64>,
}

/// Opens the bus in `file`, or makes it.
pub(super) fn open(file: &Path, entities: &Entities) -> Result<Opened, BusError> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)
            .map_err(|error| BusError::Storage { file: folder.to_owned(), what: error.to_string() })?;
    }
    let mark = Mark::open(file)?;
    let opened = checked(file, &mark).and_then(|writer| {
        let catalog = Catalog::enter(&writer, entities)?;
        let next_due = rouse(&writer)?;
        let reader =
            Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        reader.busy_timeout(Duration::from_millis(BUSY_MS))?;
        Ok((writer, reader, catalog, next_due))
    });
    let (writer, reader, catalog, next_due) = opened.map_err(|fault| fault.about(file))?;
    Ok(Opened { writer, reader, catalog, mark, next_due })
}

/// Another connection to the file of a bus, which is made if it is absent: for what else the host keeps in it.
///
/// The schema of a file that another process has as its bus stays as it is: that may be an earlier version, which knows no other. What is
/// kept besides the messages has been the same in all of them.
pub(crate) fn connect(file: &Path) -> Result<Connection, BusError> {
    let open = || {
        let (connection, version) = known(file)?;
        let mark = if (1..schema::NEWEST).contains(&version) { Mark::open(file).map(Some) } else { Ok(None) };
        match mark {
            Err(BusError::InUse { .. }) => {}
            mark => {
                // Held until the schema is lifted.
                let _mark = mark?;
                lay(&connection, file, version)?;
            }
        }
        Ok(connection)
    };
    open().map_err(|fault: Fault| fault.about(file))
}

/// Opens `file`, which has to be a bus or empty, and tells its schema; 0: it is empty.
fn known(file: &Path) -> Result<(Connection, i64), Fault> {
    make_private(file).map_err(|error| BusError::of_file(file, file, &error))?;
    let connection = Connection::open(file)?;
    connection.busy_timeout(Duration::from_millis(BUSY_MS))?;
    let version = match schema::kind(&connection)? {
        Kind::Empty => 0,
        Kind::Bus(version) => version,
        Kind::Foreign => {
            let what = "it has other tables".to_owned();
            return Err(BusError::Foreign { file: file.to_owned(), what }.into());
        }
    };
    if version > schema::NEWEST {
        return Err(BusError::NewerSchema { file: file.to_owned(), found: version, known: schema::NEWEST }.into());
    }
    Ok((connection, version))
}

/// Sets how the file is written, and lifts its schema to the newest.
fn lay(connection: &Connection, file: &Path, version: i64) -> Result<(), Fault> {
    // Before there is a table: later it would take a rewrite of the file.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        let what = format!("its folder does not allow a write-ahead log (journal mode {mode})");
        return Err(BusError::Storage { file: file.to_owned(), what }.into());
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES_MAX)?;
    schema::migrate(connection, file, version)
}

fn checked(file: &Path, mark: &Mark) -> Result<Connection, Fault> {
    let (connection, version) = known(file)?;
    connection.set_prepared_statement_cache_capacity(64);
    // Else statements are prepared anew whenever they are given other values.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    let damaged = |what: String| Fault::from(BusError::Damaged { file: file.to_owned(), what });
    let verdict: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(damaged(verdict.replace('\n', " ")));
    }
    let reached = if version == 0 { 0 } else { highest(&connection)? };
    if reached < mark.highest() {
        return Err(damaged(format!(
            "it knows messages up to number {reached}, but {} were accepted: it, or its log, was cut off or replaced. \
             To go on with what is left, remove {}",
            mark.highest(),
            Mark::path(file).display()
        )));
    }
    lay(&connection, file, version)?;
    Ok(connection)
}

/// It holds messages and keys, so it is made for nobody but its owner. One that is there stays as it is.
#[cfg(unix)]
fn make_private(file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    match std::fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(file) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop),
    }
}

#[cfg(not(unix))]
fn make_private(_file: &Path) -> std::io::Result<()> {
    Ok(())
}

/// The highest sequence number that was ever given out.
fn highest(connection: &Connection) -> rusqlite::Result<i64> {
    let select = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'message'";
    connection.query_row(select, [], |row| row.get(0))
}

/// Messages that were spared while a process held them, which is gone, may expire again. Tells when something is due next.
fn rouse(connection: &Connection) -> Result<Option<i64>, Fault> {
    let sql = format!(
        "UPDATE message SET due_at = expires_at WHERE dead = 0 AND state = {ACTIVE} AND due_at IS NULL AND expires_at IS NOT NULL"
    );
    connection.execute(&sql, [])?;
    let next_due = "SELECT min(due_at) FROM message WHERE due_at IS NOT NULL";
    Ok(connection.query_row(next_due, [], |row| row.get(0))?)
}
