//! Dead letters are sent again.

use super::Source;
use super::catalog::Shelf;
use super::fault::Fault;
use super::read::{Row, SELECT, row};
use super::session::{ACTIVE, Session, after_us};
use rusqlite::params;

impl Session<'_> {
    /// Moves at most `max` dead letters of `source` back to it, the oldest first, with new sequence numbers. Locked ones stay.
    pub(super) fn replay(&mut self, source: &Source, max: usize) -> Result<usize, Fault> {
        let (index, entity) = self.catalog.source(source)?;
        let mut select = self.connection.prepare_cached(&format!(
            "{SELECT} WHERE entity = ?1 AND dead = 1 AND state = {ACTIVE} ORDER BY sequence_number LIMIT ?2"
        ))?;
        // Held ones are among what is read, and left alone.
        let read_max = i64::try_from(max.saturating_add(self.held.all().count())).unwrap_or(i64::MAX);
        let rows = select.query_map(params![entity.id, read_max], row)?.collect::<rusqlite::Result<Vec<Row>>>()?;
        let mut moved = 0;
        let may_move = |row: &&Row| row.damage.is_none() && !self.held.has(row.sequence_number);
        for row in rows.iter().filter(may_move).take(max) {
            let ttl = [row.properties.time_to_live_ms, entity.rules.time_to_live_ms].into_iter().flatten().min();
            let expires = ttl.map(|ttl_ms| after_us(self.now_us(), ttl_ms));
            let mut insert = self.connection.prepare_cached(&format!(
                "INSERT INTO message(entity, dead, state, delivery_count, enqueued_at, expires_at, due_at, body, properties, checksum) \
                 SELECT entity, 0, {ACTIVE}, 0, ?2, ?3, ?3, body, properties, checksum FROM message WHERE sequence_number = ?1"
            ))?;
            self.highest = insert.insert(params![row.sequence_number, self.now_us(), expires])?;
            self.remove(row.sequence_number)?;
            moved += 1;
        }
        if moved > 0 {
            self.arrives(Shelf { entity: index, dead: false }, self.highest);
        }
        Ok(moved)
    }
}
