//! A project that has a lockfile: what it asks for, resolved.

use super::assembly::Assembly;
use super::edges::{Edges, Wanted, wanted};
use super::entry::Entry;
use super::lockfile::Lockfile;
use super::manifest::{Manifest, shown};
use super::overrides::{Overrides, Target};
use super::reach::Reach;
use super::request::Request;
use super::resolve::{NONE, Node, ROOT, Tree};
use pipeline::dependency::DependencyKind;
use pipeline::finding::ScanError;

/// One project: its lockfile and the manifests that it governs.
pub(super) struct Project<'p> {
    /// Path of the root manifest, there or not.
    pub(super) manifest_path: String,
    pub(super) lockfile_path: String,
    pub(super) lockfile: &'p Lockfile<'p>,
    /// `None`: it is not there or could not be read.
    pub(super) manifest: Option<&'p Manifest<'p>>,
    /// By index of entry: the manifest of a folder of the project. Empty where there are none.
    pub(super) folders: Vec<Option<&'p Manifest<'p>>>,
}

/// Resolves what `project` asks for.
pub(super) fn resolve<'p>(project: Project<'p>, errors: &mut Vec<ScanError>) -> Assembly<'p> {
    let lockfile = project.lockfile;
    let nodes = lockfile.entries.len() + 1;
    let tree = Tree::of(&lockfile.entries);
    let folder_needs = |node| Some(project.manifest_of(node)?.needs.as_slice());
    let mut edges = match (project.manifest, &lockfile.root) {
        (Some(manifest), _) => Edges::of(lockfile, &tree, wanted(&manifest.needs), folder_needs),
        (None, Some(root)) => Edges::of(lockfile, &tree, wanted(&root.needs), folder_needs),
        (None, None) => Edges::of(lockfile, &tree, project.guess_root_needs(&tree).into_iter(), folder_needs),
    };
    let workspaces = project.workspaces(&edges, &tree);
    let bundled = bundled(lockfile, &tree);
    let overrides = project.overrides(errors);
    if let Some(overrides) = &overrides {
        let about = |node: Node| match lockfile.entry(node) {
            Some(entry) => Target {
                there: !entry.link,
                version: entry.version.as_deref().unwrap_or_default(),
                bundled: bundled.get(node as usize).copied().unwrap_or(false),
            },
            None => Target::MISSING,
        };
        if !overrides.apply(&mut edges, nodes, &workspaces, about) {
            project.tell(errors, "`overrides` takes too many comparisons, so it is not taken into account".to_owned());
        }
    }
    let folders = lockfile.folders();
    let reach = Reach::of(&edges, nodes, &workspaces, &folders);
    Assembly::of(project, edges, reach, bundled, &folders)
}

impl<'p> Project<'p> {
    /// The manifest of the project itself or of one of its folders.
    pub(super) fn manifest_of(&self, node: Node) -> Option<&'p Manifest<'p>> {
        match (node as usize).checked_sub(1) {
            None => self.manifest,
            Some(index) => self.folders.get(index).copied().flatten(),
        }
    }

    /// What the project asks for where neither a manifest nor the lockfile says it: every entry at the top that no
    /// other entry needs.
    fn guess_root_needs(&self, tree: &Tree<'_>) -> Vec<Wanted<'p>> {
        let edges = Edges::of(self.lockfile, tree, wanted(&[]), |_| None);
        let mut needed = vec![false; self.lockfile.entries.len() + 1];
        for edge in edges.all() {
            if let Some(needed) = needed.get_mut(edge.to as usize) {
                *needed = true;
            }
        }
        let free = (1..).zip(&self.lockfile.entries).filter(|(node, _)| needed.get(*node as usize) == Some(&false));
        free.filter_map(|(_, entry)| {
            let (_, name) = entry.owner_and_name().filter(|(owner, _)| owner.is_empty())?;
            let kind = match (entry.dev, entry.optional) {
                (true, _) => DependencyKind::Dev,
                (false, true) => DependencyKind::Optional,
                (false, false) => DependencyKind::Prod,
            };
            Some((name, "", kind))
        })
        .collect()
    }

    /// Links that the project has because their targets are its workspaces.
    fn workspaces(&self, edges: &Edges<'_>, tree: &Tree<'_>) -> Vec<Node> {
        let declared = self.manifest.is_some_and(|manifest| manifest.has_workspaces)
            || self.lockfile.root.as_ref().is_some_and(|root| root.has_workspaces);
        if !declared {
            return Vec::new();
        }
        let asked_as_folder = |node| {
            let from_root = edges.of_node(ROOT).iter();
            from_root
                .filter(|edge| edge.to == node)
                .any(|edge| matches!(Request::of(&edge.text), Request::Elsewhere(_)))
        };
        let links = (1..).zip(&self.lockfile.entries).filter(|(_, entry)| entry.link);
        links
            .filter(|&(node, entry)| tree.above(node) == ROOT && tree.target(entry).is_some() && !asked_as_folder(node))
            .map(|(node, _)| node)
            .collect()
    }

    fn overrides(&self, errors: &mut Vec<ScanError>) -> Option<Overrides> {
        let manifest = self.manifest?;
        match Overrides::read(manifest.overrides.as_ref()?, &manifest.needs) {
            Ok(overrides) => {
                if let Some((name, asked, rule)) = overrides.conflicts(&manifest.needs).next() {
                    let (name, asked, rule) = (shown(name), shown(asked), shown(rule));
                    self.tell(errors, format!("`overrides` has {name}@{rule}, but the project itself asks for {name}@{asked}; npm refuses that"));
                }
                Some(overrides)
            }
            Err(message) => {
                self.tell(errors, format!("{message}; overrides are not taken into account"));
                None
            }
        }
    }

    fn tell(&self, errors: &mut Vec<ScanError>, message: String) {
        errors.push(ScanError { path: self.manifest_path.clone(), line: None, message });
    }
}

impl<'a> Lockfile<'a> {
    /// The entry of `node`; `None` for the project itself.
    pub(super) fn entry(&self, node: Node) -> Option<&Entry<'a>> {
        self.entries.get((node as usize).checked_sub(1)?)
    }

    /// Entries that are folders of the project.
    fn folders(&self) -> Vec<Node> {
        (1..).zip(&self.entries).filter(|(_, entry)| entry.is_folder()).map(|(node, _)| node).collect()
    }
}

/// By node: whether it comes inside the archive of a package. What the project itself bundles does not.
fn bundled(lockfile: &Lockfile<'_>, tree: &Tree<'_>) -> Vec<bool> {
    let is_bundled = |node: Node, entry: &Entry<'_>| {
        let mut at = if entry.in_bundle { tree.above(node) } else { NONE };
        while let Some(owner) = lockfile.entry(at) {
            if !owner.in_bundle {
                return !owner.is_folder();
            }
            at = tree.above(at);
        }
        false
    };
    let entries = (1..).zip(&lockfile.entries).map(|(node, entry)| is_bundled(node, entry));
    [false].into_iter().chain(entries).collect()
}
