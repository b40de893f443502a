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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::send::checksum;
    use crate::bus::{Bus, Entities, QueueSettings, Source, State};
    use agents::environment::clock::Clock;
    use rusqlite::params;

    /// A file of the first schema: rows of `message` from `dead` on, and the highest number that was ever given out.
    fn first(file: &Path, rows: &[(i64, &str)], highest: i64) {
        let connection = Connection::open(file).unwrap();
        connection.execute_batch(MIGRATIONS[0]).unwrap();
        connection.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
        connection.pragma_update(None, "user_version", 1).unwrap();
        connection.execute("INSERT INTO entity VALUES (1, NULL, 'in')", []).unwrap();
        for (number, row) in rows {
            let (body, properties) = (number.to_string(), format!(r#"{{"message_id":"m{number}"}}"#));
            let sum = checksum(body.as_bytes(), &properties);
            let content = params![number * 10, body.as_bytes(), properties, sum];
            connection.execute("INSERT INTO content VALUES (?1, ?2, ?3, ?4)", content).unwrap();
            let message = format!("INSERT INTO message VALUES ({number}, {number} * 10, 1, {row})");
            connection.execute(&message, []).unwrap();
        }
        connection.execute("INSERT INTO key VALUES ('default', 'k')", []).unwrap();
        connection.execute("UPDATE sqlite_sequence SET seq = ?1 WHERE name = 'message'", [highest]).unwrap();
    }

    #[tokio::test]
    async fn bus_of_the_first_schema_is_lifted_with_all_that_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bus.sqlite3");
        // dead, state, delivery_count, enqueued_at, expires_at, due_at, lock_token, dead_reason, dead_description
        let rows = [
            (1, "0, 0, 2, 5, NULL, NULL, NULL, NULL, NULL"),
            (2, "0, 1, 3, 5, NULL, 9, X'01', NULL, NULL"),
            (3, "0, 2, 0, 253402207200000000, NULL, 253402207200000000, NULL, NULL, NULL"),
            (4, "1, 1, 4, 5, 1, 9, X'02', 'Broken', 'in words'"),
        ];
        first(&file, &rows, 77);
        let entities = Entities { queues: vec![QueueSettings::new("in")], subscriptions: Vec::new() };
        let bus = Bus::open(&file, entities, Clock::System).unwrap();
        let queue = Source::Queue("in".to_owned());
        let mut found = bus.peek(&queue, 0, 10).await.unwrap();
        found.extend(bus.dead_letters(&queue, 0, 10).await.unwrap());
        let told: Vec<_> = found
            .iter()
            .map(|message| {
                assert_eq!(message.properties.message_id, Some(format!("m{}", message.sequence_number)));
                assert_eq!(message.body, message.sequence_number.to_string().as_bytes());
                (message.sequence_number, message.state, message.delivery_count)
            })
            .collect();
        // Whoever held one is gone.
        let expect = [(1, State::Active, 2), (2, State::Active, 3), (3, State::Scheduled, 0), (4, State::Active, 4)];
        assert_eq!(told, expect);
        assert_eq!(found[3].dead_letter_reason.as_deref(), Some("Broken"));
        assert_eq!(bus.replay(&queue, 10).await.unwrap(), 1);
        let received = bus.receive(&queue, 10).await.unwrap();
        let numbers: Vec<i64> = received.iter().map(|message| message.sequence_number).collect();
        assert_eq!(numbers, [1, 2, 78], "numbers are not given out twice");
        drop(bus);
        let key = "SELECT value FROM key WHERE name = 'default'";
        let key: String = Connection::open(&file).unwrap().query_row(key, [], |row| row.get(0)).unwrap();
        assert_eq!(key, "k");
    }
}
