//! Queues, topics and subscriptions, as Service Bus has them, in one SQLite file.
//!
//! One thread writes ([`handle::Bus`] is the way to it): it does all calls that wait in one transaction, and answers them after one
//! commit, so that the disk is asked once for many. What was sent is on the disk when that is answered. What was settled survives the
//! process, but maybe not a power cut: then a message comes again, which at-least-once allows. Locks are only in memory.

mod arrivals;
mod call;
mod catalog;
mod due;
mod entity;
mod error;
mod fault;
mod handle;
mod held;
mod mark;
mod message;
mod open;
mod read;
mod receive;
mod replay;
pub mod rest;
mod schema;
mod send;
mod session;
mod settle;
mod writer;

pub use entity::{Destination, Entities, QueueSettings, Rules, Source, SubscriptionSettings};
pub use error::BusError;
pub use handle::Bus;
pub use message::{Buried, Counts, LockToken, Outgoing, Peeked, Properties, Received, State};
pub(crate) use open::connect;
pub use send::MESSAGE_BYTES_MAX;

#[cfg(test)]
mod tests;
