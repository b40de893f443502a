//! npm: `package.json`, `package-lock.json` of versions 1 to 3 and `npm-shrinkwrap.json`.
//!
//! A project is a folder with a lockfile, together with the folders (workspaces) that the lockfile governs; or a
//! manifest without one. Needs are resolved as node does, overrides as npm does.

mod assembly;
pub mod consistency;
mod edges;
mod entry;
mod file_errors;
mod json;
mod legacy;
mod lines;
mod locked;
mod lockfile;
mod manifest;
mod need;
mod overrides;
mod packages;
mod projects;
mod purl;
mod reach;
mod request;
mod resolve;
mod unlocked;

pub use assembly::Assembly;
pub use projects::{Files, Project, graphs, wants};

#[cfg(test)]
mod tests;
