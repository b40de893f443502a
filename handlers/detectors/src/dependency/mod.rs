//! What projects depend on: manifests and lockfiles in, graphs out.

pub mod npm;
