//! Settling: what becomes of a message that was received.

use super::catalog::Shelf;
use super::fault::Fault;
use super::held::Lock;
use super::session::{Session, time};
use super::{Buried, BusError, LockToken, Source};
use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

impl Session<'_> {
    /// Keeps the message for another lock duration.
    pub(super) fn renew(&mut self, token: LockToken) -> Result<Timestamp, Fault> {
        let lock = self.held.lock(token).ok_or(BusError::LockLost(token))?;
        let rules = self.catalog.all().get(lock.shelf.entity).map(|entity| &entity.rules);
        let until = self.after_ms(rules.map_or(0, |rules| rules.lock_duration_ms));
        self.held.renew(token, until);
        Ok(time(until))
    }

    /// The message is done.
    pub(super) fn complete(&mut self, token: LockToken) -> Result<(), Fault> {
        let lock = self.end(token)?;
        self.remove(lock.sequence_number)
    }

    /// Gives the message back. Should it become a dead letter by it, `why` is told.
    pub(super) fn abandon(&mut self, token: LockToken, why: Option<&str>) -> Result<(), Fault> {
        let lock = self.end(token)?;
        let told = self.buried.len();
        self.release(&lock)?;
        if let (Some(buried), Some(why)) = (self.buried.get_mut(told), why) {
            why.clone_into(&mut buried.reason);
        }
        Ok(())
    }

    /// Puts the message with the dead letters.
    pub(super) fn dead_letter(&mut self, token: LockToken, reason: &str, description: &str) -> Result<(), Fault> {
        let lock = self.end(token)?;
        if lock.shelf.dead {
            return Err(BusError::AlreadyDead(token).into());
        }
        self.write_delivery(&lock)?;
        self.bury(lock.shelf.entity, lock.sequence_number, reason, description)
    }

    /// Whether `token` holds the message `id` of `source`, or of its dead letters.
    pub(super) fn is_held(&self, token: LockToken, source: &Source, dead: bool, id: &str) -> Result<bool, Fault> {
        let (entity, _) = self.catalog.source(source)?;
        let Some(lock) = self.held.lock(token).filter(|lock| lock.shelf == Shelf { entity, dead }) else {
            return Ok(false);
        };
        let mut select = self.connection.prepare_cached(
            "SELECT count(*) FROM message WHERE sequence_number = ?1 \
             AND (CAST(sequence_number AS TEXT) = ?2 OR properties ->> 'message_id' = ?2)",
        )?;
        Ok(select.query_row(params![lock.sequence_number, id], |row| row.get::<_, i64>(0))? > 0)
    }

    /// Makes a dead letter of a message of the entity at `index`.
    pub(super) fn bury(
        &mut self,
        index: usize,
        sequence_number: i64,
        reason: &str,
        description: &str,
    ) -> Result<(), Fault> {
        // Of a message that the disk changed the properties may be anything.
        let mut update = self.connection.prepare_cached(
            "UPDATE message SET dead = 1, due_at = NULL, dead_reason = ?2, dead_description = ?3 WHERE sequence_number = ?1 \
             RETURNING iif(json_valid(properties), properties ->> 'message_id', NULL)",
        )?;
        let buried = update.query_row(params![sequence_number, reason, description], |row| row.get(0)).optional()?;
        self.is_back(Shelf { entity: index, dead: true }, sequence_number);
        if let (Some(message_id), Some(entity)) = (buried, self.catalog.all().get(index)) {
            let (source, reason) = (entity.source.clone(), format!("{reason}: {description}"));
            self.buried.push(Buried { source, sequence_number, message_id, reason });
        }
        Ok(())
    }

    /// Deletes a message.
    pub(super) fn remove(&self, sequence_number: i64) -> Result<(), Fault> {
        self.connection.prepare_cached("DELETE FROM message WHERE sequence_number = ?1")?.execute([sequence_number])?;
        Ok(())
    }

    /// The holder of `lock` gave its message back, is gone, or took too long.
    pub(super) fn release(&mut self, lock: &Lock) -> Result<(), Fault> {
        self.write_delivery(lock)?;
        let rules = self.catalog.all().get(lock.shelf.entity).map(|entity| &entity.rules);
        let max = rules.map_or(u32::MAX, |rules| rules.max_delivery_count);
        if !lock.shelf.dead && lock.delivery_count >= max {
            let (reason, description) = delivered_too_often(max);
            return self.bury(lock.shelf.entity, lock.sequence_number, reason, &description);
        }
        // Whether it expired meanwhile is seen next. Dead letters never do.
        if let Some(expires_at) = lock.expires_at.filter(|_| !lock.shelf.dead) {
            let mut update =
                self.connection.prepare_cached("UPDATE message SET due_at = ?2 WHERE sequence_number = ?1")?;
            update.execute([lock.sequence_number, expires_at])?;
        }
        self.is_back(lock.shelf, lock.sequence_number);
        Ok(())
    }

    /// Writes how often a message was delivered.
    pub(super) fn write_delivery(&self, lock: &Lock) -> Result<(), Fault> {
        let mut update =
            self.connection.prepare_cached("UPDATE message SET delivery_count = ?2 WHERE sequence_number = ?1")?;
        update.execute(params![lock.sequence_number, lock.delivery_count])?;
        Ok(())
    }

    fn is_back(&mut self, shelf: Shelf, sequence_number: i64) {
        self.held.put_back(shelf, sequence_number);
        self.stock.push((shelf, true));
    }

    fn end(&mut self, token: LockToken) -> Result<Lock, Fault> {
        self.held.end(token).ok_or_else(|| BusError::LockLost(token).into())
    }
}

/// Why a message that was delivered `max` times becomes a dead letter: reason and description.
pub(super) fn delivered_too_often(max: u32) -> (&'static str, String) {
    ("MaxDeliveryCountExceeded", format!("Message could not be consumed after {max} delivery attempts."))
}
