//! Source tree in, findings out. Pure CPU: no IO, no clock; one detector a file.

pub mod address;
pub mod dependency;
pub mod imports;
pub mod report;
pub mod sbom;
pub mod source_tree;

/// Names of files in a folder that say where its registries are.
const NPMRC: &str = ".npmrc";

/// Whether any detector, or what follows from its findings, reads the file at `path`.
pub fn wants(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name == NPMRC || path == pipeline::repository_config::PATH || dependency::wants(path)
}
