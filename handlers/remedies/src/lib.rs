//! Finding and facts in, patch out. Pure and format-preserving: no IO, no clock; one strategy a module.

mod pip;
pub mod update_dependency;
