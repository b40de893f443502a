//! The outside, as clients that can be pointed at it.

pub mod advisories;
