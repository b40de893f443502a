//! `suture demo`: a vulnerable repository, and recorded registries to heal it with.

pub mod registry;
pub mod repository;
