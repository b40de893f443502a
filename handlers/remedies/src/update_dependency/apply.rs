//! A plan as a patch, in the files of its ecosystem.

use crate::pip::edit::{self, AddEdit, Edit, PinEdit, RemoveEdit};
use detectors::source_tree::SourceTree;
use pipeline::advisory::normalised_name;
use pipeline::dependency::DependencyGraph;
use pipeline::facts::{Facts, Release};
use pipeline::patch::{Change, Patch, Plan};
use pipeline::version::Ecosystem;

/// A plan that can't be carried out. Nothing is changed then.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The requirements file does not take it.
    #[error(transparent)]
    Pip(#[from] edit::EditError),
    /// The manifest or lockfile does not take it.
    #[error(transparent)]
    Npm(#[from] super::npm_edit::EditError),
    /// A change of a kind that these files don't have.
    #[error("{0} can't be written into files of {1}")]
    NoSuchChange(String, Ecosystem),
}

/// The byte order mark, which editors on Windows put first.
const MARK: &str = "\u{feff}";

/// The patch that makes the changes of `plan` in the files of `tree`: every byte outside of them stays.
pub fn apply(graph: &DependencyGraph, plan: &Plan, facts: &Facts, tree: &SourceTree) -> Result<Patch, ApplyError> {
    match graph.ecosystem {
        Ecosystem::Npm => {
            let unmarked = |path: &str| tree.text(path).ok().map(str::to_owned);
            let mut patch = super::npm_edit::apply(graph, plan, facts, &unmarked)?;
            // npm reads past a byte order mark, and it stays.
            let is_marked = |path: &str| tree.bytes(path).is_some_and(|bytes| bytes.starts_with(MARK.as_bytes()));
            for file in patch.files.iter_mut().filter(|file| is_marked(&file.path)) {
                file.before.insert_str(0, MARK);
                file.after.insert_str(0, MARK);
            }
            Ok(patch)
        }
        Ecosystem::PyPI => Ok(edit::apply(tree, &pip_edits(graph, plan, facts)?)?),
        other => Err(ApplyError::NoSuchChange("a plan".to_owned(), other)),
    }
}

fn pip_edits(graph: &DependencyGraph, plan: &Plan, facts: &Facts) -> Result<Vec<Edit>, ApplyError> {
    let entry = |place: &str| graph.packages.iter().find(|package| package.place == place);
    let hashes = |name: &str, version: &str| {
        release(graph.ecosystem, facts, name, version).map_or_else(Vec::new, |release| release.hashes.clone())
    };
    let moved =
        |place: &str, name: &str| edit::EditError::Moved { path: place.to_owned(), line: 0, name: name.to_owned() };
    let mut edits = Vec::new();
    for change in &plan.changes {
        edits.push(match change {
            Change::Update { place, name, to, .. } => {
                let entry = entry(place).ok_or_else(|| moved(place, name))?;
                let (path, line) = (entry.path.clone(), entry.line);
                Edit::Pin(PinEdit { path, line, name: name.clone(), to: to.clone(), hashes: hashes(name, to) })
            }
            Change::Add { place, name, version, marker, via } => Edit::Add(AddEdit {
                path: place.clone(),
                name: name.clone(),
                version: version.clone(),
                marker: marker.clone(),
                hashes: hashes(name, version),
                via: via.clone(),
            }),
            Change::Remove { place, name, .. } => {
                let entry = entry(place).ok_or_else(|| moved(place, name))?;
                Edit::Remove(RemoveEdit { path: entry.path.clone(), line: entry.line, name: name.clone() })
            }
            Change::Require { .. } | Change::Override { .. } => {
                return Err(ApplyError::NoSuchChange(format!("{change:?}"), graph.ecosystem));
            }
        });
    }
    Ok(edits)
}

fn release<'f>(ecosystem: Ecosystem, facts: &'f Facts, name: &str, version: &str) -> Option<&'f Release> {
    let known = facts.packages.get(normalised_name(ecosystem, name).as_ref())?;
    known.releases.iter().find(|release| release.version == version)
}
