//! Messages: as they are sent, and as they are received.

use super::Source;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// What a sender says of a message. Kept as JSON; members that a later version adds are ignored by an earlier one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Properties {
    /// The sender's id of the message. Generated where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// What it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// What it is about; Service Bus calls it the label, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Media type of the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Whom it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Where replies go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// The session it belongs to. Carried, but not ordered by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The session of replies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to_session_id: Option<String>,
    /// The partition it belongs to. Carried only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition_key: Option<String>,
    /// How long it may wait. The shorter of this and its queue's holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_to_live_ms: Option<u64>,
    /// Not to be received before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduled_enqueue_time: Option<Timestamp>,
    /// The sender's own. A dead letter has `DeadLetterReason` and `DeadLetterErrorDescription` among them.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub application_properties: Map<String, Value>,
}

/// A message to send.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outgoing {
    /// Its body.
    pub body: Vec<u8>,
    /// What is said of it.
    pub properties: Properties,
}

impl Outgoing {
    /// A message of which nothing is said.
    pub fn new(body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), properties: Properties::default() }
    }
}

/// Proof that a message was received, by which it is settled. Worth nothing once the lock is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LockToken(pub Uuid);

impl fmt::Display for LockToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for LockToken {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// A message that was received, and is kept from others until `locked_until`.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// By which it is settled.
    pub lock: LockToken,
    /// Its body.
    pub body: Vec<u8>,
    /// What its sender said of it; `message_id` is always there.
    pub properties: Properties,
    /// Its place in the order of the bus.
    pub sequence_number: i64,
    /// How often it was delivered, this time included.
    pub delivery_count: u32,
    /// Since when it could be received.
    pub enqueued_time: Timestamp,
    /// Until when it is kept from others.
    pub locked_until: Timestamp,
    /// Until when it may wait. The end of time where it may wait for ever.
    pub expires_at: Timestamp,
    /// Of a dead letter: what it was taken from.
    pub dead_letter_source: Option<String>,
}

/// How a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It can be received.
    Active,
    /// It is with a receiver.
    Locked,
    /// It waits for its time.
    Scheduled,
}

/// A message that was only looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Peeked {
    /// How it stands.
    pub state: State,
    /// Its body.
    pub body: Vec<u8>,
    /// What its sender said of it.
    pub properties: Properties,
    /// Its place in the order of the bus.
    pub sequence_number: i64,
    /// How often it was delivered.
    pub delivery_count: u32,
    /// Since when it could be received.
    pub enqueued_time: Timestamp,
    /// Until when it may wait. The end of time where it may wait for ever.
    pub expires_at: Timestamp,
    /// Of a dead letter: why.
    pub dead_letter_reason: Option<String>,
    /// Of a dead letter: why, in words.
    pub dead_letter_description: Option<String>,
}

/// A message that became a dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buried {
    /// Where it was.
    pub source: Source,
    /// Its place in the order of the bus.
    pub sequence_number: i64,
    /// Its id, if that can be read.
    pub message_id: Option<String>,
    /// Why.
    pub reason: String,
}

/// How many messages a source holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Where; in JSON as it is displayed.
    pub source: Source,
    /// Can be received.
    pub active: u64,
    /// Are with receivers.
    pub locked: u64,
    /// Wait for their time.
    pub scheduled: u64,
    /// Dead letters, locked ones included.
    pub dead_letters: u64,
}
