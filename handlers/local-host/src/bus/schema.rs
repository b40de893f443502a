//! The tables of a bus, and how those of an earlier version become these.

use super::BusError;
use super::fault::Fault;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::path::Path;

/// Marks the file as that of a bus, so that no other one is taken for it.
const APPLICATION_ID: i64 = 0x5375_7475;

/// The tables `timer` and `key` are what the host itself remembers, see `host/ledger.rs`.
///
/// Each entry lifts the schema by one version. Entries are never changed, only added.
///
/// `due_at` is when something happens to a message by itself: its time comes, or it expires. Locks are not in the file, see `held.rs`;
/// the first schema had them, and bodies apart from what changes with a lock.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE entity(
        id INTEGER PRIMARY KEY,
        topic TEXT COLLATE NOCASE,
        name TEXT NOT NULL COLLATE NOCASE
    ) STRICT;
    CREATE TABLE content(
        id INTEGER PRIMARY KEY,
        body BLOB NOT NULL,
        properties TEXT NOT NULL,
        checksum INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE message(
        sequence_number INTEGER PRIMARY KEY AUTOINCREMENT,
        content INTEGER NOT NULL,
        entity INTEGER NOT NULL,
        dead INTEGER NOT NULL,
        state INTEGER NOT NULL,
        delivery_count INTEGER NOT NULL,
        enqueued_at INTEGER NOT NULL,
        expires_at INTEGER,
        due_at INTEGER,
        lock_token BLOB,
        dead_reason TEXT,
        dead_description TEXT
    ) STRICT;
    CREATE INDEX message_order ON message(entity, dead, state, sequence_number);
    CREATE INDEX message_due ON message(due_at) WHERE due_at IS NOT NULL;
    CREATE UNIQUE INDEX message_lock ON message(lock_token) WHERE lock_token IS NOT NULL;
    CREATE TABLE timer(app TEXT NOT NULL, function TEXT NOT NULL, last TEXT NOT NULL, PRIMARY KEY (app, function)) STRICT;
    CREATE TABLE key(name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT;
", "
    CREATE TABLE whole(
        sequence_number INTEGER PRIMARY KEY AUTOINCREMENT,
        entity INTEGER NOT NULL,
        dead INTEGER NOT NULL,
        state INTEGER NOT NULL,
        delivery_count INTEGER NOT NULL,
        enqueued_at INTEGER NOT NULL,
        expires_at INTEGER,
        due_at INTEGER,
        dead_reason TEXT,
        dead_description TEXT,
        checksum INTEGER,
        properties TEXT,
        body BLOB
    ) STRICT;
    INSERT INTO whole
        SELECT sequence_number, entity, dead, iif(state = 1, 0, state), delivery_count, enqueued_at, expires_at,
            iif(state = 1, iif(dead, NULL, expires_at), due_at), dead_reason, dead_description, checksum, properties, body
        FROM message LEFT JOIN content ON content.id = message.content;
    DELETE FROM sqlite_sequence WHERE name = 'whole';
    INSERT INTO sqlite_sequence SELECT 'whole', seq FROM sqlite_sequence WHERE name = 'message';
    DROP TABLE message;
    DROP TABLE content;
    ALTER TABLE whole RENAME TO message;
    CREATE INDEX message_order ON message(entity, dead, state, sequence_number);
    CREATE INDEX message_due ON message(due_at) WHERE due_at IS NOT NULL;
"];

/// The newest schema that is known.
pub(super) const NEWEST: i64 = MIGRATIONS.len() as i64;

/// What the file says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing is in it.
    Empty,
    /// A bus, of this schema.
    Bus(i64),
    /// A database of something else.
    Foreign,
}

/// What the file of `connection` is.
pub(super) fn kind(connection: &Connection) -> rusqlite::Result<Kind> {
    let number = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let (application, version) = (number("application_id")?, number("user_version")?);
    if application == APPLICATION_ID {
        return Ok(Kind::Bus(version));
    }
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(if application == 0 && version == 0 && tables == 0 { Kind::Empty } else { Kind::Foreign })
}

/// Lifts the schema from `version` to the newest, in one transaction.
pub(super) fn migrate(connection: &Connection, file: &Path, version: i64) -> Result<(), Fault> {
    let done = usize::try_from(version).unwrap_or_default();
    if done >= MIGRATIONS.len() {
        return Ok(());
    }
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    // Another process may have been first while this one waited.
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version > NEWEST {
        return Err(BusError::NewerSchema { file: file.to_owned(), found: version, known: NEWEST }.into());
    }
    let done = usize::try_from(version).unwrap_or_default();
    for migration in MIGRATIONS.iter().skip(done) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", NEWEST)?;
    Ok(transaction.commit()?)
}
