//! Bills of materials from dependency graphs: CycloneDX 1.6 and SPDX 2.3, both as JSON.
//!
//! The same graphs and the same [`Document`] give the same bytes, in whatever order the graphs come. One package at
//! several places is one component. Addresses are written without credentials and without their query, which may hold
//! a token.

mod address;
pub mod cyclonedx;
mod hashes;
mod inventory;
pub mod spdx;
#[cfg(test)]
mod tests;

use jiff::Timestamp;

/// What a document says of itself. Time and identity come from the caller, so that a document can be made again.
#[derive(Debug, Clone, Copy)]
pub struct Document<'a> {
    /// What the document is about: a repository, a folder.
    pub name: &'a str,
    /// Absolute URI without a fragment that no other document has (SPDX `documentNamespace`).
    pub namespace: &'a str,
    /// UUID, lower-case with hyphens (CycloneDX `serialNumber`, after `urn:uuid:`).
    pub uuid: &'a str,
    /// When it was made. Written in whole seconds, as SPDX asks for.
    pub timestamp: Timestamp,
    /// Version of Suture.
    pub tool_version: &'a str,
}

impl Document<'_> {
    fn created(&self) -> String {
        self.timestamp.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }
}
