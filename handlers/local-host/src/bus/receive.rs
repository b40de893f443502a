//! Receiving: messages are taken in order, under locks.

use super::catalog::Shelf;
use super::fault::Fault;
use super::read::{Row, SELECT, row};
use super::session::{ACTIVE, LOCKED, Session, time};
use super::{LockToken, Received, Source};
use crate::chance;
use jiff::Timestamp;
use rusqlite::params;

impl Session<'_> {
    /// Takes at most `max` messages of `source`, or of its dead letters, the oldest first.
    pub(super) fn receive(&mut self, source: &Source, dead: bool, max: usize) -> Result<Vec<Received>, Fault> {
        let (index, entity) = self.catalog.source(source)?;
        let shelf = Shelf { entity: index, dead };
        let until = self.after_ms(entity.rules.lock_duration_ms);
        let mut received = Vec::new();
        while received.len() < max {
            let rows = self.waiting(entity.id, dead, max - received.len())?;
            if rows.is_empty() {
                self.stock.push((shelf, false));
                break;
            }
            for row in rows {
                if let Some(what) = row.damage.as_ref().filter(|_| !dead) {
                    // Its receiver must not take it for what was sent, and the others must not wait behind it.
                    tracing::error!(source = %source, sequence_number = row.sequence_number, what, "a message is damaged");
                    self.bury(row.sequence_number, "Damaged", what)?;
                    self.stock.push((Shelf { entity: index, dead: true }, true));
                    continue;
                }
                received.push(self.lock(source, dead, row, until)?);
            }
        }
        Ok(received)
    }

    fn waiting(&self, entity: i64, dead: bool, max: usize) -> Result<Vec<Row>, Fault> {
        let mut select = self.connection.prepare_cached(&format!(
            "{SELECT} WHERE entity = ?1 AND dead = ?2 AND state = {ACTIVE} ORDER BY sequence_number LIMIT ?3"
        ))?;
        let max = i64::try_from(max).unwrap_or(i64::MAX);
        let rows = select.query_map(params![entity, dead, max], row)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn lock(&self, source: &Source, dead: bool, mut row: Row, until: i64) -> Result<Received, Fault> {
        let lock = LockToken(chance::uuid());
        let mut update = self.connection.prepare_cached(&format!(
            "UPDATE message SET state = {LOCKED}, lock_token = ?2, due_at = ?3, delivery_count = delivery_count + 1 \
             WHERE sequence_number = ?1"
        ))?;
        update.execute(params![row.sequence_number, lock.0.as_bytes(), until])?;
        if dead {
            row.tell_why_dead();
        }
        Ok(Received {
            lock,
            body: row.body,
            properties: row.properties,
            sequence_number: row.sequence_number,
            delivery_count: row.delivery_count.saturating_add(1),
            enqueued_time: time(row.enqueued_at),
            locked_until: time(until),
            expires_at: row.expires_at.map_or(Timestamp::MAX, time),
            dead_letter_source: dead.then(|| source.to_string()),
        })
    }
}
