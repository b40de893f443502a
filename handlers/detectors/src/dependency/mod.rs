//! What a project depends on, read from its manifests and lockfiles.

pub mod pip;
