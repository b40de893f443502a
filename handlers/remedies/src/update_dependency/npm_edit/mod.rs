//! placeholder until the edits are merged
use pipeline::{dependency::DependencyGraph, facts::Facts, patch::{Patch, Plan}};
/// e
#[derive(Debug, thiserror::Error)]
#[error("not merged")]
pub struct EditError;
/// a
pub fn apply_npm(_: &DependencyGraph, _: &Plan, _: &Facts, _: &dyn Fn(&str) -> Option<String>) -> Result<Patch, EditError> { Err(EditError) }
