//! A model of the Azure Functions host and of Service Bus for one machine: durable, embedded, and it runs the very app that is deployed.

pub mod app;
pub mod backup;
pub mod bus;
pub mod chance;
pub mod host;
mod lock;
mod stopwatch;
