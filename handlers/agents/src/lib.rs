//! agents

pub mod environment;
