//! One transaction's view of the bus: what its calls work with, and what they leave for after the commit.

use super::Buried;
use super::catalog::{Catalog, Shelf};
use super::held::Held;
use jiff::Timestamp;
use rusqlite::Connection;

/// A message can be received.
pub(super) const ACTIVE: i64 = 0;
/// A message waits for its time. (1 was a message with a receiver, which is not written any more.)
pub(super) const SCHEDULED: i64 = 2;

/// What calls within one transaction share.
pub(super) struct Session<'a> {
    /// Within a transaction, unless nothing was to be written.
    pub(super) connection: &'a Connection,
    /// Names.
    pub(super) catalog: &'a Catalog,
    /// What is with receivers.
    pub(super) held: &'a mut Held,
    /// The time of all that is done in it.
    pub(super) now: Timestamp,
    /// Shelves that got messages to receive, or have none left, in order; true once the transaction is.
    pub(super) stock: Vec<(Shelf, bool)>,
    /// The highest sequence number that was given out.
    pub(super) highest: i64,
    /// Messages that became dead letters, to be told once the transaction is done.
    pub(super) buried: Vec<Buried>,
    /// Whether a call that was to write nothing has to: it is done anew within a transaction.
    pub(super) has_to_write: bool,
}

impl<'a> Session<'a> {
    /// One that did nothing yet.
    pub(super) fn new(connection: &'a Connection, catalog: &'a Catalog, held: &'a mut Held, now: Timestamp) -> Self {
        let (stock, buried) = (Vec::new(), Vec::new());
        Self { connection, catalog, held, now, stock, highest: 0, buried, has_to_write: false }
    }

    /// Whether something may be written now. If not, the call is done anew where it may.
    pub(super) fn may_write(&mut self) -> bool {
        self.has_to_write = self.connection.is_autocommit();
        !self.has_to_write
    }

    /// Now, as it is kept in the file.
    pub(super) fn now_us(&self) -> i64 {
        self.now.as_microsecond()
    }

    /// A message that is new, the last of the bus, can be received from `shelf`.
    pub(super) fn arrives(&mut self, shelf: Shelf, sequence_number: i64) {
        self.held.put(shelf, sequence_number);
        self.stock.push((shelf, true));
    }

    /// `duration_ms` from now, as it is kept in the file. Past the end of time: the end of time.
    pub(super) fn after_ms(&self, duration_ms: u64) -> i64 {
        after_us(self.now_us(), duration_ms)
    }
}

/// `duration_ms` after `time_us`.
pub(super) fn after_us(time_us: i64, duration_ms: u64) -> i64 {
    let duration_us = i64::try_from(duration_ms.saturating_mul(1000)).unwrap_or(i64::MAX);
    time_us.saturating_add(duration_us).min(Timestamp::MAX.as_microsecond())
}

/// A time from the file. What lies past the end of time is the end of time.
pub(super) fn time(us: i64) -> Timestamp {
    Timestamp::from_microsecond(us).unwrap_or(if us < 0 { Timestamp::MIN } else { Timestamp::MAX })
}
