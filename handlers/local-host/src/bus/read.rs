//! Reading messages and numbers of them, changing nothing.

use super::catalog::{Catalog, Shelf};
use super::fault::Fault;
use super::send::checksum;
use super::session::{ACTIVE, SCHEDULED, Session, time};
use super::{Counts, Peeked, Properties, Source, State};
use jiff::Timestamp;
use rusqlite::{Connection, params};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// A message as the file has it.
pub(super) struct Row {
    pub(super) sequence_number: i64,
    pub(super) delivery_count: u32,
    pub(super) enqueued_at: i64,
    pub(super) expires_at: Option<i64>,
    pub(super) body: Vec<u8>,
    pub(super) properties: Properties,
    /// Set where the disk did not keep what was sent.
    pub(super) damage: Option<String>,
    state: i64,
    dead_reason: Option<String>,
    dead_description: Option<String>,
}

/// Selects what [`row`] reads.
pub(super) const SELECT: &str = "SELECT sequence_number, state, delivery_count, enqueued_at, expires_at, dead_reason, \
     dead_description, body, properties, checksum FROM message";

/// Reads a message, damaged or not.
pub(super) fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let body: Option<Vec<u8>> = row.get(7)?;
    let properties: Option<Vec<u8>> = row.get_ref(8)?.as_bytes_or_null()?.map(<[u8]>::to_vec);
    let expected: Option<i64> = row.get(9)?;
    let body_bytes = body.unwrap_or_default();
    let text = properties.and_then(|properties| String::from_utf8(properties).ok()).unwrap_or_default();
    let parsed = serde_json::from_str(&text).ok();
    let is_whole = expected == Some(i64::from(checksum(&body_bytes, &text))) && parsed.is_some();
    let damage = (!is_whole).then(|| "its body or its properties are not those that were sent".to_owned());
    Ok(Row {
        sequence_number: row.get(0)?,
        state: row.get(1)?,
        delivery_count: row.get(2)?,
        enqueued_at: row.get(3)?,
        expires_at: row.get(4)?,
        dead_reason: row.get(5)?,
        dead_description: row.get(6)?,
        body: body_bytes,
        properties: parsed.unwrap_or_default(),
        damage,
    })
}

impl Row {
    /// Puts the reason of a dead letter among its properties, where Service Bus has it.
    pub(super) fn tell_why_dead(&mut self) {
        let why = [("DeadLetterReason", &self.dead_reason), ("DeadLetterErrorDescription", &self.dead_description)];
        for (name, value) in why {
            if let Some(value) = value {
                self.properties.application_properties.insert(name.to_owned(), Value::String(value.clone()));
            }
        }
    }

    fn peeked(self, held: &HashSet<i64>) -> Peeked {
        Peeked {
            state: match self.state {
                _ if held.contains(&self.sequence_number) => State::Locked,
                SCHEDULED => State::Scheduled,
                _ => State::Active,
            },
            sequence_number: self.sequence_number,
            delivery_count: self.delivery_count,
            enqueued_time: time(self.enqueued_at),
            expires_at: self.expires_at.map_or(Timestamp::MAX, time),
            body: self.body,
            properties: self.properties,
            dead_letter_reason: self.dead_reason,
            dead_letter_description: self.dead_description,
        }
    }
}

impl Session<'_> {
    /// The messages that are held.
    pub(super) fn held_messages(&self) -> HashSet<i64> {
        self.held.all().map(|lock| lock.sequence_number).collect()
    }

    /// How many messages are held of each shelf.
    pub(super) fn held_counts(&self) -> HashMap<Shelf, u64> {
        let mut counts = HashMap::new();
        for lock in self.held.all() {
            *counts.entry(lock.shelf).or_default() += 1;
        }
        counts
    }
}

/// At most `max` messages of `source`, or of its dead letters, from sequence number `from` on. Those in `held` are with receivers.
pub(super) fn peek(
    connection: &Connection,
    catalog: &Catalog,
    held: &HashSet<i64>,
    (source, dead): (&Source, bool),
    from: i64,
    max: usize,
) -> Result<Vec<Peeked>, Fault> {
    let (_, entity) = catalog.source(source)?;
    // One branch for each state, so that each is read in the order of the index and only as far as asked.
    let branch = |state: i64| {
        format!(
            "SELECT * FROM (SELECT sequence_number AS number FROM message WHERE entity = ?1 AND dead = ?2 AND state = {state} \
             AND sequence_number >= ?3 ORDER BY sequence_number LIMIT ?4)"
        )
    };
    let numbers = [ACTIVE, SCHEDULED].map(branch).join(" UNION ALL ");
    let mut select = connection
        .prepare_cached(&format!("{SELECT} WHERE sequence_number IN ({numbers}) ORDER BY sequence_number LIMIT ?4"))?;
    let max = i64::try_from(max).unwrap_or(i64::MAX);
    let rows = select.query_map(params![entity.id, dead, from, max], row)?;
    rows.map(|row| Ok(row?.peeked(held))).collect()
}

/// What every entity has. `held` says how much of it is with receivers.
pub(super) fn counts(
    connection: &Connection,
    catalog: &Catalog,
    held: &HashMap<Shelf, u64>,
) -> Result<Vec<Counts>, Fault> {
    let empty =
        |source: &Source| Counts { source: source.clone(), active: 0, locked: 0, scheduled: 0, dead_letters: 0 };
    let mut counts: Vec<Counts> = catalog.all().iter().map(|entity| empty(&entity.source)).collect();
    let mut select =
        connection.prepare_cached("SELECT entity, dead, state, count(*) FROM message GROUP BY entity, dead, state")?;
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    for row in rows {
        let (entity, dead, state, number): (i64, bool, i64, i64) = row?;
        let number = u64::try_from(number).unwrap_or_default();
        let Some(counts) = catalog.by_id(entity).and_then(|(index, _)| counts.get_mut(index)) else { continue };
        match (dead, state) {
            (true, _) => counts.dead_letters += number,
            (false, SCHEDULED) => counts.scheduled += number,
            (false, _) => counts.active += number,
        }
    }
    for (shelf, number) in held.iter().filter(|(shelf, _)| !shelf.dead) {
        if let Some(counts) = counts.get_mut(shelf.entity) {
            // Some may have been settled since they were counted.
            counts.locked = counts.active.min(*number);
            counts.active -= counts.locked;
        }
    }
    Ok(counts)
}
