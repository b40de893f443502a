//! What happens to messages by itself: locks run out, scheduled messages come, messages expire.

use super::catalog::Shelf;
use super::fault::Fault;
use super::session::{ACTIVE, SCHEDULED, Session};
use rusqlite::params;

/// Of what is due, read at a time.
const DUE_MAX: i64 = 1000;
/// How often it is read; what is more waits for the next call.
const PASSES_MAX: usize = 1000;

/// A message to which something is due.
struct Due {
    sequence_number: i64,
    entity: i64,
    state: i64,
}

impl Session<'_> {
    /// Does what is due by now, also what only becomes due by it: a message may have expired under its lock.
    pub(super) fn do_due(&mut self) -> Result<(), Fault> {
        let now = self.now_us();
        while let Some(lock) = self.held.run_out(now).and_then(|token| self.held.end(token)) {
            self.release(&lock)?;
        }
        while let Some(lock) = self.held.lasting(now).cloned() {
            self.write_delivery(&lock)?;
        }
        for _ in 0..PASSES_MAX {
            let due = self.due()?;
            if due.is_empty() {
                break;
            }
            for due in due {
                match due.state {
                    _ if self.held.has(due.sequence_number) => self.spare(due.sequence_number)?,
                    SCHEDULED => self.come(&due)?,
                    _ => self.expire(&due)?,
                }
            }
        }
        Ok(())
    }

    /// Gives back what is held: its holders are gone.
    pub(super) fn release_all(&mut self) -> Result<(), Fault> {
        let tokens: Vec<_> = self.held.all().map(|lock| lock.token).collect();
        for lock in tokens.into_iter().filter_map(|token| self.held.end(token)).collect::<Vec<_>>() {
            self.release(&lock)?;
        }
        Ok(())
    }

    /// When something is due next to a message that nobody holds.
    pub(super) fn next_due(&self) -> Result<Option<i64>, Fault> {
        let mut select = self.connection.prepare_cached("SELECT min(due_at) FROM message WHERE due_at IS NOT NULL")?;
        Ok(select.query_row([], |row| row.get(0))?)
    }

    fn due(&self) -> Result<Vec<Due>, Fault> {
        let mut select = self.connection.prepare_cached(
            "SELECT sequence_number, entity, state FROM message WHERE due_at <= ?1 ORDER BY due_at, sequence_number LIMIT ?2",
        )?;
        let due = select.query_map(params![self.now_us(), DUE_MAX], |row| {
            Ok(Due { sequence_number: row.get(0)?, entity: row.get(1)?, state: row.get(2)? })
        })?;
        Ok(due.collect::<rusqlite::Result<_>>()?)
    }

    /// A message does not expire under a lock. When that ends, it is due again.
    fn spare(&mut self, sequence_number: i64) -> Result<(), Fault> {
        let mut update =
            self.connection.prepare_cached("UPDATE message SET due_at = NULL WHERE sequence_number = ?1")?;
        update.execute([sequence_number])?;
        Ok(())
    }

    /// A scheduled message is enqueued as if it were sent now: behind what is there, with a new sequence number.
    fn come(&mut self, due: &Due) -> Result<(), Fault> {
        let mut insert = self.connection.prepare_cached(&format!(
            "INSERT INTO message(entity, dead, state, delivery_count, enqueued_at, expires_at, due_at, body, properties, checksum) \
             SELECT entity, 0, {ACTIVE}, delivery_count, ?2, expires_at - due_at + ?2, expires_at - due_at + ?2, \
             body, properties, checksum FROM message WHERE sequence_number = ?1"
        ))?;
        self.highest = insert.insert(params![due.sequence_number, self.now_us()])?;
        self.remove(due.sequence_number)?;
        if let Some((index, _)) = self.catalog.by_id(due.entity) {
            self.arrives(Shelf { entity: index, dead: false }, self.highest);
        }
        Ok(())
    }

    /// A message that waited too long is dropped, or becomes a dead letter where its queue says so.
    fn expire(&mut self, due: &Due) -> Result<(), Fault> {
        let entity = self.catalog.by_id(due.entity).filter(|(_, entity)| entity.rules.dead_letter_expired);
        let Some((index, _)) = entity else { return self.remove(due.sequence_number) };
        self.bury(index, due.sequence_number, "TTLExpiredException", "The message expired and was dead lettered.")
    }
}
