//! Finding and facts in, patch out. Pure and format-preserving: no IO, no clock.

pub mod pip;
