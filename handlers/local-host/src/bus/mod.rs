//! Queues, topics and subscriptions, as Service Bus has them, in one SQLite file.

mod entity;
mod error;
mod handle;
mod message;

pub use entity::{Destination, Entities, QueueSettings, Rules, Source, SubscriptionSettings};
pub use error::BusError;
pub use handle::Bus;
pub use message::{Counts, LockToken, Outgoing, Peeked, Properties, Received, State};
