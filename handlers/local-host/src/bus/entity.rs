//! What there is on a bus, and what it is called.

use serde::{Serialize, Serializer};
use std::fmt;

/// The queues and subscriptions of a bus. A topic is there as soon as one subscription names it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entities {
    /// Queues.
    pub queues: Vec<QueueSettings>,
    /// Subscriptions of topics.
    pub subscriptions: Vec<SubscriptionSettings>,
}

/// How a queue or a subscription treats its messages. Defaults are those of Service Bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// How long a received message is kept from others.
    pub lock_duration_ms: u64,
    /// How often a message is delivered before it becomes a dead letter.
    pub max_delivery_count: u32,
    /// How long a message may wait at most. `None`: for ever.
    pub time_to_live_ms: Option<u64>,
    /// Whether a message that waited too long becomes a dead letter. Otherwise it is dropped, as Service Bus does unless told otherwise.
    pub dead_letter_expired: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { lock_duration_ms: 60_000, max_delivery_count: 10, time_to_live_ms: None, dead_letter_expired: false }
    }
}

/// A queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueSettings {
    /// Its name. As in Service Bus, upper and lower case are the same.
    pub name: String,
    /// How it treats its messages.
    pub rules: Rules,
}

impl QueueSettings {
    /// A queue with default rules.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), rules: Rules::default() }
    }
}

/// A subscription of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionSettings {
    /// Its topic's name.
    pub topic: String,
    /// Its own name.
    pub name: String,
    /// How it treats its messages.
    pub rules: Rules,
}

impl SubscriptionSettings {
    /// A subscription with default rules.
    pub fn new(topic: impl Into<String>, name: impl Into<String>) -> Self {
        Self { topic: topic.into(), name: name.into(), rules: Rules::default() }
    }
}

/// Where messages are received.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// A queue.
    Queue(String),
    /// A subscription.
    Subscription {
        /// Its topic's name.
        topic: String,
        /// Its own name.
        name: String,
    },
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queue(queue) => f.write_str(queue),
            Self::Subscription { topic, name } => write!(f, "{topic}/Subscriptions/{name}"),
        }
    }
}

/// Where messages are sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Destination {
    /// A queue.
    Queue(String),
    /// Every subscription of a topic.
    Topic(String),
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queue(name) | Self::Topic(name) => f.write_str(name),
        }
    }
}
