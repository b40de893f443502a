//! The handler that Azure runs: all agents behind the routes that the functions host calls.

pub mod log;
pub mod orphan;
pub mod server;
pub mod settings;
pub mod wire;
