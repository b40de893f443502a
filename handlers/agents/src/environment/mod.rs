//! The outside world, as clients that speak to it.

pub mod registries;
