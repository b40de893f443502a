//! Where advisories come from.

pub mod index;
