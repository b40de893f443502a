//! Dead letters are sent again.

use super::Source;
use super::catalog::Shelf;
use super::fault::Fault;
use super::read::{Row, SELECT, row};
use super::session::{ACTIVE, Session, after_us};
use rusqlite::params;

/// What became of a page of dead letters.
pub(super) struct Page {
    /// How many were sent again.
    pub(super) moved: usize,
    /// The sequence number behind which there may be more. `None`: there is no more.
    pub(super) last: Option<i64>,
}

impl Session<'_> {
    /// Moves those of the next `max` dead letters of `source` behind sequence number `after` back to it, the oldest first, with new sequence
    /// numbers. Locked and damaged ones stay.
    pub(super) fn replay(&mut self, source: &Source, after: i64, max: usize) -> Result<Page, Fault> {
        let (index, entity) = self.catalog.source(source)?;
        let mut select = self.connection.prepare_cached(&format!(
            "{SELECT} WHERE entity = ?1 AND dead = 1 AND state = {ACTIVE} AND sequence_number > ?2 ORDER BY sequence_number LIMIT ?3"
        ))?;
        let rows_max = i64::try_from(max).unwrap_or(i64::MAX);
        let rows =
            select.query_map(params![entity.id, after, rows_max], row)?.collect::<rusqlite::Result<Vec<Row>>>()?;
        let mut moved = 0;
        for row in &rows {
            if row.damage.is_some() || self.held.has(row.sequence_number) {
                continue;
            }
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
        let last = rows.last().filter(|_| rows.len() == max).map(|row| row.sequence_number);
        Ok(Page { moved, last })
    }
}
