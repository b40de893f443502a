//! The bus as its users hold it.

use super::{BusError, Counts, Destination, Entities, LockToken, Outgoing, Peeked, Received, Source};
use crate::clock::Clock;
use jiff::Timestamp;
use std::path::Path;

/// A bus. Clones are the same bus; it is closed when the last one is dropped.
#[derive(Debug, Clone)]
pub struct Bus {}

impl Bus {
    /// Opens the bus in `file`, or makes it. All locks of an earlier process are released; the delivery counts stay.
    pub fn open(_file: &Path, _entities: Entities, _clock: Clock) -> Result<Self, BusError> {
        Err(BusError::Closed)
    }

    /// Sends all of `messages` or none. They survive a power cut once this returns.
    pub async fn send(&self, _messages: Vec<(Destination, Outgoing)>) -> Result<(), BusError> {
        Err(BusError::Closed)
    }

    /// Takes at most `max` messages of `source` under locks; none if there is none now. Raises their delivery counts.
    pub async fn receive(&self, _source: &Source, _max: usize) -> Result<Vec<Received>, BusError> {
        Err(BusError::Closed)
    }

    /// As [`Bus::receive`], from the dead letters of `source`. They are settled in the same way.
    pub async fn receive_dead_letters(&self, _source: &Source, _max: usize) -> Result<Vec<Received>, BusError> {
        Err(BusError::Closed)
    }

    /// Waits until `source` may have a message to receive: one was sent, given back, or came due. May be wrong, so receive in a loop.
    pub async fn arrived(&self, _source: &Source) {
        std::future::pending().await
    }

    /// Keeps a message for another lock duration from now. Until when is answered.
    pub async fn renew(&self, _lock: LockToken) -> Result<Timestamp, BusError> {
        Err(BusError::Closed)
    }

    /// The message is done.
    pub async fn complete(&self, _lock: LockToken) -> Result<(), BusError> {
        Err(BusError::Closed)
    }

    /// Gives the message back. One that was delivered as often as it may becomes a dead letter.
    pub async fn abandon(&self, _lock: LockToken) -> Result<(), BusError> {
        Err(BusError::Closed)
    }

    /// Puts the message with the dead letters.
    pub async fn dead_letter(&self, _lock: LockToken, _reason: &str, _description: &str) -> Result<(), BusError> {
        Err(BusError::Closed)
    }

    /// What every source holds, in order.
    pub async fn counts(&self) -> Result<Vec<Counts>, BusError> {
        Err(BusError::Closed)
    }

    /// Looks at messages of `source` from sequence number `from` on, whatever their state. Changes nothing.
    pub async fn peek(&self, _source: &Source, _from: i64, _max: usize) -> Result<Vec<Peeked>, BusError> {
        Err(BusError::Closed)
    }

    /// As [`Bus::peek`], at the dead letters.
    pub async fn dead_letters(&self, _source: &Source, _from: i64, _max: usize) -> Result<Vec<Peeked>, BusError> {
        Err(BusError::Closed)
    }

    /// Moves at most `max` dead letters of `source` back to it, the oldest first, as if they had never been delivered.
    /// How many is answered.
    pub async fn replay(&self, _source: &Source, _max: usize) -> Result<usize, BusError> {
        Err(BusError::Closed)
    }
}
