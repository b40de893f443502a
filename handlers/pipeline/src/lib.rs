//! The nouns of Suture: messages, findings, policies, decisions, plans, outcomes and wording.
//!
//! Nothing here reads a clock, a file, the network or the environment: everything is a value that can be printed,
//! replayed and tested.

pub mod advisory;
pub mod audit;
pub mod case;
pub mod decision;
pub mod dependency;
pub mod facts;
pub mod finding;
pub mod github;
pub mod ids;
pub mod learning;
pub mod message;
pub mod outbox;
pub mod patch;
pub mod payload;
pub mod policy;
pub mod repository_config;
pub mod suppress;
pub mod version;
pub mod wording;
