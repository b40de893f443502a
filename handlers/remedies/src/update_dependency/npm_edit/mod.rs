//! A plan carried out in `package.json` and the lockfile: only the entries that change are written.

mod archive;
mod entry;
mod flags;
mod legacy;
mod lockfile;
mod manifest;
mod order;
#[cfg(test)]
mod tests;
mod text;

use super::Rules;
use super::registry::Registry;
use super::state::{Id, ROOT, State};
use flags::Flags;
use pipeline::dependency::{DependencyGraph, Source};
use pipeline::facts::{Facts, Release};
use pipeline::patch::{Change, Patch, PatchedFile, Plan};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Why a plan can't be carried out. Nothing is written then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The file is not there.
    #[error("{0} is not there, or is over a limit")]
    Absent(String),
    /// The file is no JSON object.
    #[error("{path} can't be read: {message}")]
    Unreadable {
        /// Which file.
        path: String,
        /// Where and why.
        message: String,
    },
    /// The file has no such entry, or another than the plan was made for.
    #[error("{path} has no {entry} as the plan has it")]
    Moved {
        /// Which file.
        path: String,
        /// Which entry.
        entry: String,
    },
    /// The facts don't have the release that the plan chose.
    #[error("nothing is known of {name} {version}")]
    UnknownRelease {
        /// Registry name.
        name: String,
        /// Version.
        version: String,
    },
    /// The entry has the checksum of its archive, and the registry tells none of the new one: what is installed could no
    /// longer be checked.
    #[error("the registry has no checksum of {name} {version}")]
    Unchecked {
        /// Registry name.
        name: String,
        /// Version.
        version: String,
    },
    /// Two changes of the same bytes: what they would make is not what either intends.
    #[error("changes of {0} overlap")]
    Overlap(String),
}

/// One entry as it will be.
struct Entry<'a> {
    name: String,
    key: String,
    release: &'a Release,
    /// `false`: an entry that stays where it is. `true`: a new one.
    is_new: bool,
}

/// Everything that happens to a lockfile, by place.
struct Changes<'a> {
    entries: BTreeMap<String, Entry<'a>>,
    removed: BTreeSet<String>,
    marks: BTreeMap<String, (Option<Flags>, Flags)>,
    /// An address of an archive, and the name of its package: what new addresses are modelled on.
    like: BTreeMap<String, (String, String)>,
    any_like: Option<(String, String)>,
    /// By folder of a workspace: the place of the link to it.
    links: HashMap<String, String>,
}

/// Writes `plan` into the files of a project of npm. `texts` reads a file of the tree.
///
/// Every byte outside the changed entries stays. A plan that is already carried out gives a patch without files.
pub(super) fn apply(
    graph: &DependencyGraph,
    plan: &Plan,
    facts: &Facts,
    texts: &dyn Fn(&str) -> Option<String>,
) -> Result<Patch, EditError> {
    let mut patch = Patch::default();
    let mut push = |path: &str, edit: &dyn Fn(&str) -> Result<String, EditError>| {
        let before = texts(path).ok_or_else(|| EditError::Absent(path.to_owned()))?;
        let after = edit(&before)?;
        if after != before {
            patch.files.push(PatchedFile { path: path.to_owned(), before, after });
        }
        Ok(())
    };
    for path in manifest::paths(graph, plan) {
        push(&path, &|text| manifest::edit(&path, text, graph, plan))?;
    }
    if let Some(path) = &graph.lockfile {
        let changes = Changes::of(graph, plan, facts)?;
        push(path, &|text| lockfile::edit(path, text, graph, plan, &changes))?;
    }
    Ok(patch)
}

impl<'a> Changes<'a> {
    fn of(graph: &DependencyGraph, plan: &Plan, facts: &'a Facts) -> Result<Self, EditError> {
        let rules = Rules::new(jiff::Timestamp::UNIX_EPOCH);
        let registry = Registry::new(graph.ecosystem, facts, &rules);
        let mut state = State::new(graph, &registry);
        let before = flags::flags(&state);
        let mut ids: HashMap<String, Id> =
            state.nodes.iter().enumerate().map(|(id, node)| (node.place.clone(), id)).collect();
        let mut changes = Self {
            entries: BTreeMap::new(),
            removed: BTreeSet::new(),
            marks: BTreeMap::new(),
            like: BTreeMap::new(),
            any_like: None,
            links: HashMap::new(),
        };
        let mut checked: BTreeSet<&str> = BTreeSet::new();
        for package in &graph.packages {
            if !package.hashes.is_empty() {
                checked.insert(&package.place);
            }
            match &package.source {
                Source::Registry(Some(address)) if address.starts_with("http") => {
                    let like = (address.clone(), package.name.clone());
                    if changes.any_like.is_none() && address.contains("/-/") {
                        changes.any_like = Some(like.clone());
                    }
                    changes.like.insert(package.place.clone(), like);
                }
                // A workspace's own folder says that it is itself: only the link to it has a name.
                Source::Link(folder) if folder.trim_start_matches("./") != package.place => {
                    changes.links.insert(folder.trim_start_matches("./").to_owned(), package.place.clone());
                }
                _ => {}
            }
        }
        let mut placed: Vec<(&String, &String, &String, bool)> = Vec::new();
        for change in &plan.changes {
            match change {
                Change::Update { place, name, to, .. } => placed.push((place, name, to, false)),
                Change::Add { place, name, version, .. } => placed.push((place, name, version, true)),
                Change::Remove { place, .. } => {
                    changes.removed.insert(place.clone());
                }
                Change::Require { .. } | Change::Override { .. } => {}
            }
        }
        // A folder before what stands in it.
        placed.sort_by_key(|(place, ..)| place.len());
        for (place, name, version, is_new) in placed {
            let unknown = || EditError::UnknownRelease { name: name.clone(), version: version.clone() };
            let release =
                facts.packages.get(name).and_then(|facts| facts.releases.iter().find(|r| r.version == *version));
            let release = release.ok_or_else(unknown)?;
            if release.hashes.is_empty() && checked.contains(place.as_str()) {
                return Err(EditError::Unchecked { name: name.clone(), version: version.clone() });
            }
            let read = registry.version(version).ok_or_else(unknown)?;
            let needs = registry.needs_of(registry.name(name), release);
            let (parent, key) = place.rsplit_once("node_modules/").unwrap_or(("", place));
            match ids.get(place).copied().filter(|id| !state.nodes[*id].gone) {
                Some(id) => state.update(id, read, needs, u32::MAX),
                None => {
                    let parent = ids.get(parent.trim_end_matches('/')).copied().unwrap_or(ROOT);
                    let id = state.add(parent, registry.name(key), registry.name(name), read, needs, u32::MAX);
                    ids.insert(place.clone(), id);
                }
            }
            let entry = Entry { name: name.clone(), key: key.to_owned(), release, is_new };
            changes.entries.insert(place.clone(), entry);
        }
        let after = flags::flags(&state);
        let needed = state.needed();
        for (id, node) in state.nodes.iter().enumerate().filter(|(id, _)| needed.get(*id) == Some(&true)) {
            let (was, is) = (before.get(&id).copied(), after.get(&id).copied());
            let is_folder = node.root || node.link.is_some();
            if let Some(is) = is.filter(|is| was != Some(*is) && !is_folder) {
                changes.marks.insert(node.place.clone(), (was, is));
            }
        }
        Ok(changes)
    }

    /// The address of an entry's new archive, as far as the lockfile has addresses.
    fn resolved(&self, place: &str, entry: &Entry<'_>) -> Option<String> {
        let like = self.like.get(place).filter(|_| !entry.is_new).or(self.any_like.as_ref().filter(|_| entry.is_new));
        let (address, name) = like?;
        archive::resolved(&entry.name, entry.release, address, name)
    }
}
