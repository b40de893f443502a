//! The functions host: processes, triggers, invocations.

mod event;
pub mod invoke;
pub mod process;
