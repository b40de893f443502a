//! Settling: what becomes of a message that was received.

use super::catalog::{Entity, Shelf};
use super::fault::Fault;
use super::session::{ACTIVE, LOCKED, Session, time};
use super::{BusError, LockToken, Source};
use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

/// A message that is locked.
struct Locked<'a> {
    sequence_number: i64,
    content: i64,
    index: usize,
    entity: &'a Entity,
    dead: bool,
    delivery_count: u32,
    expires_at: Option<i64>,
}

impl<'a> Session<'a> {
    /// Keeps the message for another lock duration.
    pub(super) fn renew(&mut self, lock: LockToken) -> Result<Timestamp, Fault> {
        let locked = self.locked(lock)?;
        let until = self.after_ms(locked.entity.rules.lock_duration_ms);
        let mut update = self.connection.prepare_cached("UPDATE message SET due_at = ?2 WHERE sequence_number = ?1")?;
        update.execute(params![locked.sequence_number, until])?;
        Ok(time(until))
    }

    /// The message is done.
    pub(super) fn complete(&mut self, lock: LockToken) -> Result<(), Fault> {
        let locked = self.locked(lock)?;
        self.remove(locked.sequence_number, locked.content)
    }

    /// Gives the message back.
    pub(super) fn abandon(&mut self, lock: LockToken) -> Result<(), Fault> {
        let locked = self.locked(lock)?;
        self.release(&locked)
    }

    /// Puts the message with the dead letters.
    pub(super) fn dead_letter(&mut self, lock: LockToken, reason: &str, description: &str) -> Result<(), Fault> {
        let locked = self.locked(lock)?;
        if locked.dead {
            return Err(BusError::AlreadyDead(lock).into());
        }
        self.bury(locked.sequence_number, reason, description)?;
        self.stock.push((Shelf { entity: locked.index, dead: true }, true));
        Ok(())
    }

    /// Whether `lock` holds the message `id` of `source`, or of its dead letters.
    pub(super) fn is_held(&mut self, lock: LockToken, source: &Source, dead: bool, id: &str) -> Result<bool, Fault> {
        let (_, entity) = self.catalog.source(source)?;
        let mut select = self.connection.prepare_cached(
            "SELECT count(*) FROM message JOIN content ON content.id = message.content WHERE lock_token = ?1 AND entity = ?2 \
             AND dead = ?3 AND (CAST(sequence_number AS TEXT) = ?4 OR properties ->> 'message_id' = ?4)",
        )?;
        Ok(select.query_row(params![lock.0.as_bytes(), entity.id, dead, id], |row| row.get::<_, i64>(0))? > 0)
    }

    /// The lock of the message `sequence_number` ran out, or its receiver is gone.
    pub(super) fn run_out(&mut self, sequence_number: i64) -> Result<(), Fault> {
        let locked = self.locked_where("sequence_number = ?1", params![sequence_number])?;
        match locked {
            Some(locked) => self.release(&locked),
            None => Ok(()),
        }
    }

    /// Makes a dead letter of a message. The caller says that the shelf has one more.
    pub(super) fn bury(&self, sequence_number: i64, reason: &str, description: &str) -> Result<(), Fault> {
        let mut update = self.connection.prepare_cached(&format!(
            "UPDATE message SET dead = 1, state = {ACTIVE}, lock_token = NULL, due_at = NULL, \
             dead_reason = ?2, dead_description = ?3 WHERE sequence_number = ?1"
        ))?;
        update.execute(params![sequence_number, reason, description])?;
        Ok(())
    }

    /// Deletes a message.
    pub(super) fn remove(&self, sequence_number: i64, content: i64) -> Result<(), Fault> {
        self.connection.prepare_cached("DELETE FROM message WHERE sequence_number = ?1")?.execute([sequence_number])?;
        self.connection.prepare_cached("DELETE FROM content WHERE id = ?1")?.execute([content])?;
        Ok(())
    }

    fn locked(&self, lock: LockToken) -> Result<Locked<'a>, Fault> {
        let found = self.locked_where("lock_token = ?1", params![lock.0.as_bytes()])?;
        found.ok_or_else(|| BusError::LockLost(lock).into())
    }

    fn locked_where(&self, which: &str, parameter: &[&dyn rusqlite::ToSql]) -> Result<Option<Locked<'a>>, Fault> {
        let mut select = self.connection.prepare_cached(&format!(
            "SELECT sequence_number, content, entity, dead, delivery_count, expires_at FROM message \
             WHERE {which} AND state = {LOCKED}"
        ))?;
        let found = select.query_row(parameter, |row| {
            let catalog = self.catalog;
            let Some((index, entity)) = catalog.by_id(row.get(2)?) else { return Ok(None) };
            Ok(Some(Locked {
                sequence_number: row.get(0)?,
                content: row.get(1)?,
                index,
                entity,
                dead: row.get(3)?,
                delivery_count: row.get(4)?,
                expires_at: row.get(5)?,
            }))
        });
        Ok(found.optional()?.flatten())
    }

    fn release(&mut self, locked: &Locked<'_>) -> Result<(), Fault> {
        let max = locked.entity.rules.max_delivery_count;
        if !locked.dead && locked.delivery_count >= max {
            let description = format!("Message could not be consumed after {max} delivery attempts.");
            self.bury(locked.sequence_number, "MaxDeliveryCountExceeded", &description)?;
            self.stock.push((Shelf { entity: locked.index, dead: true }, true));
            return Ok(());
        }
        // Whether it expired meanwhile is seen next. Dead letters never do.
        let due = locked.expires_at.filter(|_| !locked.dead);
        let mut update = self.connection.prepare_cached(&format!(
            "UPDATE message SET state = {ACTIVE}, lock_token = NULL, due_at = ?2 WHERE sequence_number = ?1"
        ))?;
        update.execute(params![locked.sequence_number, due])?;
        self.stock.push((Shelf { entity: locked.index, dead: locked.dead }, true));
        Ok(())
    }
}
