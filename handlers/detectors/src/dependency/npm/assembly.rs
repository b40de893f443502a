//! The shared nouns out of entries, edges and what reaches them.

use super::edges::{Edge, Edges};
use super::entry::Entry;
use super::locked::Project;
use super::manifest::Manifest;
use super::purl::purl;
use super::reach::Reach;
use super::request::Request;
use super::resolve::{Node, ROOT};
use pipeline::dependency::{Dependency, DependencyGraph, Package, Source, Written};
use pipeline::finding::{ScanError, Scope};
use pipeline::version::Ecosystem;
use std::borrow::Cow;

/// Bytes of names in all paths of one graph. Beyond it a path is the name alone, which is told.
const VIA_BYTES_MAX: usize = 64 << 20;

/// All that the packages of one project follow from.
pub struct Assembly<'p> {
    project: Project<'p>,
    edges: Edges<'p>,
    reach: Reach,
    /// By node.
    bundled: Vec<bool>,
    /// By node: whether the project itself, or a folder of it, asks for it.
    is_direct: Vec<bool>,
    /// By node: the need that asks for it by an address. Such an archive may come over HTTP like those of the
    /// registry, but no registry knows it.
    elsewhere: Vec<Option<usize>>,
    /// What the project itself and its folders ask for.
    pub(super) direct: Vec<Dependency>,
}

impl<'p> Assembly<'p> {
    /// `folders` are those of the project.
    pub(super) fn of(
        project: Project<'p>,
        edges: Edges<'p>,
        reach: Reach,
        bundled: Vec<bool>,
        folders: &[Node],
    ) -> Self {
        let nodes = project.lockfile.entries.len() + 1;
        let mut is_direct = vec![false; nodes];
        for edge in [ROOT].iter().chain(folders).flat_map(|&node| edges.of_node(node)) {
            if let Some(direct) = is_direct.get_mut(edge.to as usize) {
                *direct = true;
            }
        }
        let mut elsewhere = vec![None; nodes];
        for (index, edge) in edges.all().iter().enumerate() {
            if let (Request::Elsewhere(_), Some(asked)) = (Request::of(&edge.text), elsewhere.get_mut(edge.to as usize))
            {
                *asked = Some(index);
            }
        }
        let mut assembly = Self { project, edges, reach, bundled, is_direct, elsewhere, direct: Vec::new() };
        assembly.direct = [ROOT].iter().chain(folders).flat_map(|&node| assembly.asked_by(node)).collect();
        assembly
    }

    /// The manifest of the project.
    pub(super) fn manifest_path(&self) -> &str {
        &self.project.manifest_path
    }

    /// The graph of the project.
    pub(super) fn graph(&self, errors: &mut Vec<ScanError>) -> DependencyGraph {
        let (project, lockfile) = (&self.project, self.project.lockfile);
        let own = |of: fn(&Manifest<'_>) -> Option<String>, or: &Option<Cow<'_, str>>| {
            project.manifest.and_then(of).or_else(|| or.as_deref().map(str::to_owned))
        };
        DependencyGraph {
            ecosystem: Ecosystem::Npm,
            manifest: project.manifest_path.clone(),
            lockfile: Some(project.lockfile_path.clone()),
            name: own(|manifest| manifest.name.as_deref().map(str::to_owned), &lockfile.name),
            version: own(|manifest| manifest.version.as_deref().map(str::to_owned), &lockfile.version),
            direct: self.direct.clone(),
            packages: self.packages(|_| true, errors),
            read_only: match project.manifest {
                Some(_) => None,
                None => Some(format!("{} is not there, or cannot be read", project.manifest_path)),
            },
        }
    }

    /// How many packages the graph has.
    pub(super) fn len(&self) -> usize {
        self.project.lockfile.entries.len()
    }

    /// Name and version of every entry that advisories can be held against: see [`Package::is_judged`].
    pub(super) fn judged(&self) -> impl Iterator<Item = (&str, &str)> {
        let entries =
            (1..).zip(&self.project.lockfile.entries).filter(|&(node, entry)| match self.origin(node, entry) {
                Origin::Bundled | Origin::Registry(_) => true,
                Origin::Link(_) | Origin::Other(_) => false,
            });
        let named = entries.map(|(node, entry)| self.name_and_version(node, entry));
        named.filter(|(_, version)| !version.is_empty())
    }

    /// What `node`, the project itself or a folder of it, asks for.
    fn asked_by(&self, node: Node) -> Vec<Dependency> {
        let lockfile = self.project.lockfile;
        let edges = self.edges.of_node(node).iter();
        let Some(manifest) = self.project.manifest_of(node) else {
            let entry = lockfile.entry(node).or(lockfile.root.as_ref());
            let line = entry.map_or(1, |entry| entry.line);
            let written = || Some(Written { path: self.project.lockfile_path.clone(), line });
            return edges.map(|edge| dependency(edge, written())).collect();
        };
        let written = |line: &u32| Some(Written { path: manifest.path.clone(), line: *line });
        edges.zip(&manifest.lines).map(|(edge, line)| dependency(edge, written(line))).collect()
    }

    /// The entries of which `keep` wants the name, as packages, in the order of the file.
    pub(super) fn packages(&self, keep: impl Fn(&str) -> bool, errors: &mut Vec<ScanError>) -> Vec<Package> {
        let mut via = Via { assembly: self, path: Vec::new(), bytes_left: VIA_BYTES_MAX };
        let entries = (1..).zip(&self.project.lockfile.entries);
        let kept = entries.filter(|&(node, entry)| keep(self.name_and_version(node, entry).0));
        let packages = kept.map(|(node, entry)| self.package(node, entry, &mut via)).collect();
        if via.bytes_left == 0 {
            let message = format!("paths to packages take over {VIA_BYTES_MAX} bytes, so some are left out");
            errors.push(ScanError { path: self.project.lockfile_path.clone(), line: None, message });
        }
        packages
    }

    /// The package at `index` of the graph.
    pub(super) fn package_at(&self, index: usize) -> Option<Package> {
        let entry = self.project.lockfile.entries.get(index)?;
        let mut via = Via { assembly: self, path: Vec::new(), bytes_left: VIA_BYTES_MAX };
        Some(self.package(Node::try_from(index + 1).ok()?, entry, &mut via))
    }

    fn package(&self, node: Node, entry: &Entry<'_>, via: &mut Via<'_>) -> Package {
        let (name, version) = self.name_and_version(node, entry);
        let origin = self.origin(node, entry);
        Package {
            place: entry.place.as_ref().to_owned(),
            name: name.to_owned(),
            version: version.to_owned(),
            purl: match origin {
                Origin::Registry(_) | Origin::Bundled => purl(name, version),
                Origin::Other(_) | Origin::Link(_) => String::new(),
            },
            path: self.project.lockfile_path.clone(),
            line: entry.line,
            scope: self.reach.scope(node).unwrap_or_else(|| flagged(entry)),
            direct: self.is_direct.get(node as usize).copied().unwrap_or(false),
            via: via.of(node, name),
            source: origin.into(),
            hashes: match &entry.integrity {
                Some(integrity) => integrity.split_whitespace().map(str::to_owned).collect(),
                None => Vec::new(),
            },
            dependencies: self.edges.of_node(node).iter().map(|edge| dependency(edge, None)).collect(),
        }
    }

    /// As the lockfile has it; of a folder of the project, which version 1 says nothing of, as its manifest has it.
    fn name_and_version<'e>(&'e self, node: Node, entry: &'e Entry<'_>) -> (&'e str, &'e str) {
        let manifest = if entry.is_folder() { self.project.manifest_of(node) } else { None };
        let (name, version) = manifest.map_or((None, None), |own| (own.name.as_deref(), own.version.as_deref()));
        let version = if entry.link { "" } else { entry.version.as_deref().or(version).unwrap_or_default() };
        (entry.name.as_deref().or(name).unwrap_or_else(|| entry.registry_name()), version)
    }

    fn origin<'e>(&'e self, node: Node, entry: &'e Entry<'_>) -> Origin<'e> {
        let resolved = entry.resolved.as_deref();
        if entry.link {
            return Origin::Link(resolved.unwrap_or_default());
        }
        if entry.is_folder() {
            return Origin::Link(&entry.place);
        }
        let at = node as usize;
        if self.bundled.get(at).copied().unwrap_or(false) {
            return Origin::Bundled;
        }
        let elsewhere = self.elsewhere.get(at).copied().flatten().and_then(|index| self.edges.all().get(index));
        match (resolved, elsewhere) {
            (resolved, Some(asked)) => Origin::Other(resolved.unwrap_or(&asked.text)),
            (Some(address), None) if address.starts_with("https:") || address.starts_with("http:") => {
                Origin::Registry(Some(address))
            }
            (Some(address), None) => Origin::Other(address),
            // npm can be told not to write the addresses of its registry.
            (None, None) => Origin::Registry(None),
        }
    }
}

/// A [`Source`] in the words of the lockfile.
enum Origin<'e> {
    Registry(Option<&'e str>),
    Bundled,
    Other(&'e str),
    Link(&'e str),
}

impl From<Origin<'_>> for Source {
    fn from(origin: Origin<'_>) -> Self {
        match origin {
            Origin::Registry(address) => Self::Registry(address.map(str::to_owned)),
            Origin::Bundled => Self::Bundled,
            Origin::Other(address) => Self::Other(address.to_owned()),
            Origin::Link(folder) => Self::Link(folder.to_owned()),
        }
    }
}

/// Paths as names, within a limit of bytes.
struct Via<'s> {
    assembly: &'s Assembly<'s>,
    path: Vec<Node>,
    bytes_left: usize,
}

impl Via<'_> {
    fn of(&mut self, node: Node, name: &str) -> Vec<String> {
        self.assembly.reach.path(node, &mut self.path);
        let lockfile = self.assembly.project.lockfile;
        let names = || self.path.iter().filter_map(|&node| lockfile.entry(node)).map(Entry::registry_name);
        let bytes = names().map(str::len).sum::<usize>();
        match self.bytes_left.checked_sub(bytes) {
            Some(left) if left > 0 => {
                self.bytes_left = left;
                self.path.pop();
                let outer = self.path.iter().filter_map(|&node| lockfile.entry(node)).map(Entry::registry_name);
                outer.chain([name]).map(str::to_owned).collect()
            }
            _ => {
                self.bytes_left = 0;
                vec![name.to_owned()]
            }
        }
    }
}

fn dependency(edge: &Edge<'_>, written: Option<Written>) -> Dependency {
    Dependency {
        name: edge.name.to_owned(),
        requirement: edge.text.as_ref().to_owned(),
        kind: edge.kind,
        to: edge.answer(),
        written,
    }
}

/// What the lockfile's own flags say, for an entry that nothing leads to.
fn flagged(entry: &Entry<'_>) -> Scope {
    match (entry.dev, entry.optional) {
        (true, _) => Scope::Dev,
        (false, true) => Scope::Optional,
        (false, false) => Scope::Prod,
    }
}
