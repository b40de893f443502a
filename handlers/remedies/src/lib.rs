//! Finding and facts in, patch out. Pure: no IO, no clock; one strategy a module.

pub mod update_dependency;
