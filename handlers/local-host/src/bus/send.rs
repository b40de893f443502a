//! Sending: a message is written once for each receiver.

use super::catalog::{Entity, Shelf};
use super::fault::Fault;
use super::session::{ACTIVE, SCHEDULED, Session, after_us};
use super::{BusError, Destination, Outgoing, Properties};
use crate::chance;
use rusqlite::params;

/// Of a message, body and properties together: what a Standard namespace of Service Bus takes.
pub const MESSAGE_BYTES_MAX: usize = 256 * 1024;

/// A message as it is kept.
struct Content<'a> {
    body: &'a [u8],
    properties: String,
    checksum: u32,
}

impl Session<'_> {
    /// Sends all of `messages`.
    pub(super) fn send(&mut self, messages: &[(Destination, Outgoing)]) -> Result<(), Fault> {
        for (destination, outgoing) in messages {
            let entities = self.catalog.destination(destination)?;
            let mut properties = outgoing.properties.clone();
            properties.message_id.get_or_insert_with(|| chance::uuid().simple().to_string());
            let content = content(&outgoing.body, &properties)?;
            for (index, entity) in entities {
                self.put(index, entity, &content, &properties)?;
            }
        }
        Ok(())
    }

    fn put(
        &mut self,
        index: usize,
        entity: &Entity,
        content: &Content<'_>,
        properties: &Properties,
    ) -> Result<(), Fault> {
        let scheduled = properties.scheduled_enqueue_time.map(|time| time.as_microsecond());
        let scheduled = scheduled.filter(|time| *time > self.now_us());
        let enqueued = scheduled.unwrap_or(self.now_us());
        let ttl = [properties.time_to_live_ms, entity.rules.time_to_live_ms].into_iter().flatten().min();
        let expires = ttl.map(|ttl_ms| after_us(enqueued, ttl_ms));
        let (state, due) = if scheduled.is_some() { (SCHEDULED, scheduled) } else { (ACTIVE, expires) };
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO message(entity, dead, state, delivery_count, enqueued_at, expires_at, due_at, body, properties, checksum) \
             VALUES (?1, 0, ?2, 0, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        let Content { body, properties, checksum } = content;
        self.highest = insert.insert(params![entity.id, state, enqueued, expires, due, body, properties, checksum])?;
        if state == ACTIVE {
            self.arrives(Shelf { entity: index, dead: false }, self.highest);
        }
        Ok(())
    }
}

fn content<'a>(body: &'a [u8], properties: &Properties) -> Result<Content<'a>, BusError> {
    let properties = serde_json::to_string(properties)
        .map_err(|error| BusError::OutOfRange("the properties of a message", error.to_string()))?;
    let bytes = body.len() + properties.len();
    if bytes > MESSAGE_BYTES_MAX {
        return Err(BusError::TooLarge { bytes, bytes_max: MESSAGE_BYTES_MAX });
    }
    let checksum = checksum(body, &properties);
    Ok(Content { body, properties, checksum })
}

/// By which a message that the disk changed is told from the one that was sent.
pub(super) fn checksum(body: &[u8], properties: &str) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(body);
    hasher.update(properties.as_bytes());
    hasher.finalize()
}
