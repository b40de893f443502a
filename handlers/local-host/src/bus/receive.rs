//! Receiving: messages are taken in order, under locks. Nothing is written, unless a message can't be delivered.

use super::catalog::Shelf;
use super::fault::Fault;
use super::held::Lock;
use super::read::{Row, SELECT, row};
use super::session::{ACTIVE, Session, time};
use super::settle::delivered_too_often;
use super::{LockToken, Received, Source};
use crate::chance;
use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

impl Session<'_> {
    /// Takes at most `max` messages of `source`, or of its dead letters, the oldest first.
    pub(super) fn receive(&mut self, source: &Source, dead: bool, max: usize) -> Result<Vec<Received>, Fault> {
        let (index, entity) = self.catalog.source(source)?;
        let shelf = Shelf { entity: index, dead };
        let until = self.after_ms(entity.rules.lock_duration_ms);
        let mut received = Vec::new();
        while received.len() < max {
            let rows = self.waiting(shelf, entity.id, max - received.len())?;
            if rows.is_empty() {
                self.stock.push((shelf, false));
                break;
            }
            for row in rows {
                // Dead letters are delivered as they are.
                let unfit = if dead { None } else { unfit(&row, entity.rules.max_delivery_count) };
                if let Some((reason, description)) = unfit {
                    if !self.may_write() {
                        return Ok(Vec::new());
                    }
                    self.bury(index, row.sequence_number, reason, &description)?;
                    continue;
                }
                received.push(self.hold(source, shelf, row, until));
            }
        }
        Ok(received)
    }

    /// The next messages of a shelf, at most as many as are wanted: one that came back, or of those that were never taken.
    fn waiting(&mut self, shelf: Shelf, entity: i64, wanted: usize) -> Result<Vec<Row>, Fault> {
        while let Some(sequence_number) = self.held.take_back(shelf) {
            if let Some(row) = self.still_waiting(shelf, entity, sequence_number)? {
                return Ok(vec![row]);
            }
        }
        if !self.held.may_have_more(shelf) {
            return Ok(Vec::new());
        }
        let mut select = self.connection.prepare_cached(&format!(
            "{SELECT} WHERE entity = ?1 AND dead = ?2 AND state = {ACTIVE} AND sequence_number > ?3 ORDER BY sequence_number LIMIT ?4"
        ))?;
        let max = i64::try_from(wanted).unwrap_or(i64::MAX);
        let rows = select.query_map(params![entity, shelf.dead, self.held.taken(shelf), max], row)?;
        let rows: Vec<Row> = rows.collect::<rusqlite::Result<_>>()?;
        if let Some(last) = rows.last() {
            self.held.reach(shelf, last.sequence_number);
        }
        if rows.len() < wanted {
            self.held.is_at_end(shelf);
        }
        Ok(rows)
    }

    /// A message that came back, unless it expired or was replayed since.
    fn still_waiting(&self, shelf: Shelf, entity: i64, sequence_number: i64) -> Result<Option<Row>, Fault> {
        let mut select = self.connection.prepare_cached(&format!(
            "{SELECT} WHERE sequence_number = ?1 AND entity = ?2 AND dead = ?3 AND state = {ACTIVE}"
        ))?;
        Ok(select.query_row(params![sequence_number, entity, shelf.dead], row).optional()?)
    }

    fn hold(&mut self, source: &Source, shelf: Shelf, mut row: Row, until: i64) -> Received {
        let token = LockToken(chance::uuid());
        let delivery_count = row.delivery_count.saturating_add(1);
        let (sequence_number, expires_at) = (row.sequence_number, row.expires_at);
        let now = self.now_us();
        self.held.take(Lock { token, sequence_number, shelf, delivery_count, until, expires_at }, now);
        if shelf.dead {
            row.tell_why_dead();
        }
        Received {
            lock: token,
            body: row.body,
            properties: row.properties,
            sequence_number,
            delivery_count,
            enqueued_time: time(row.enqueued_at),
            locked_until: time(until),
            expires_at: expires_at.map_or(Timestamp::MAX, time),
            dead_letter_source: shelf.dead.then(|| source.to_string()),
        }
    }
}

/// Why a message can't be delivered, if it can't. Its receiver must not take it for what was sent, or it was delivered as often as it may by a
/// process that was killed; and the others must not wait behind it.
fn unfit(row: &Row, max_delivery_count: u32) -> Option<(&'static str, String)> {
    if let Some(what) = &row.damage {
        tracing::error!(sequence_number = row.sequence_number, what, "a message is damaged");
        return Some(("Damaged", what.clone()));
    }
    (row.delivery_count >= max_delivery_count).then(|| delivered_too_often(max_delivery_count))
}
