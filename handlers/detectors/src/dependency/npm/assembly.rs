//! The shared nouns out of entries, edges and what reaches them.

use super::edges::{Edge, Edges};
use super::lockfile::Entry;
use super::locked::Project;
use super::purl::purl;
use super::reach::Reach;
use super::request::Request;
use super::resolve::{Node, ROOT};
use pipeline::dependency::{Dependency, Package, Source, Written};
use pipeline::finding::{ScanError, Scope};

/// Bytes of names in all paths of one graph. Beyond it a path is the name alone, which is told.
const VIA_BYTES_MAX: usize = 64 << 20;

/// All that the packages of one project follow from.
pub(super) struct Assembly<'s> {
    pub(super) project: &'s Project<'s>,
    pub(super) edges: &'s Edges<'s>,
    pub(super) reach: &'s Reach,
    /// By node.
    pub(super) bundled: &'s [bool],
}

impl Assembly<'_> {
    /// What the project itself, or a folder of it, asks for.
    pub(super) fn direct(&self, node: Node) -> Vec<Dependency> {
        let lockfile = self.project.lockfile;
        let edges = self.edges.from(node).iter();
        let Some(manifest) = self.project.manifest_of(node) else {
            let entry = lockfile.entry(node).or(lockfile.root.as_ref());
            let line = entry.map_or(1, |entry| entry.line);
            let written = || Some(Written { path: self.project.lockfile_path.clone(), line });
            return edges.map(|edge| dependency(edge, written())).collect();
        };
        let written = |line: &u32| Some(Written { path: manifest.path.clone(), line: *line });
        edges.zip(&manifest.lines).map(|(edge, line)| dependency(edge, written(line))).collect()
    }

    /// Every entry as a package; what the project and its `folders` ask for is direct.
    pub(super) fn packages(&self, folders: &[Node], errors: &mut Vec<ScanError>) -> Vec<Package> {
        let lockfile = self.project.lockfile;
        let mut direct = vec![false; lockfile.entries.len() + 1];
        for edge in [ROOT].iter().chain(folders).flat_map(|&node| self.edges.from(node)) {
            if let Some(direct) = direct.get_mut(edge.to as usize) {
                *direct = true;
            }
        }
        let elsewhere = self.asked_from_elsewhere();
        let mut via = Via { assembly: self, path: Vec::new(), bytes_left: VIA_BYTES_MAX };
        let packages = (1..).zip(&lockfile.entries).map(|(node, entry)| {
            let at = node as usize;
            let source = self.source(node, entry, elsewhere.get(at).copied().flatten());
            let name = entry.registry_name();
            let version = if entry.link { "" } else { entry.version.as_deref().unwrap_or_default() };
            Package {
                place: entry.place.as_ref().to_owned(),
                name: name.to_owned(),
                version: version.to_owned(),
                purl: match source {
                    Source::Registry(_) | Source::Bundled => purl(name, version),
                    Source::Other(_) | Source::Link(_) => String::new(),
                },
                path: self.project.lockfile_path.clone(),
                line: entry.line,
                scope: self.reach.scope(node).unwrap_or_else(|| flagged(entry)),
                direct: direct.get(at).copied().unwrap_or(false),
                via: via.of(node, name),
                source,
                hashes: match &entry.integrity {
                    Some(integrity) => integrity.split_whitespace().map(str::to_owned).collect(),
                    None => Vec::new(),
                },
                dependencies: self.edges.from(node).iter().map(|edge| dependency(edge, None)).collect(),
            }
        });
        let packages = packages.collect();
        if via.bytes_left == 0 {
            let message = format!("paths to packages take over {VIA_BYTES_MAX} bytes, so some are left out");
            errors.push(ScanError { path: self.project.lockfile_path.clone(), line: None, message });
        }
        packages
    }

    fn source(&self, node: Node, entry: &Entry<'_>, elsewhere: Option<&str>) -> Source {
        let resolved = entry.resolved.as_deref();
        if entry.link {
            return Source::Link(resolved.unwrap_or_default().to_owned());
        }
        if entry.is_folder() {
            return Source::Link(entry.place.as_ref().to_owned());
        }
        if self.bundled.get(node as usize).copied().unwrap_or(false) {
            return Source::Bundled;
        }
        match (resolved, elsewhere) {
            (resolved, Some(asked)) => Source::Other(resolved.unwrap_or(asked).to_owned()),
            (Some(address), None) if address.starts_with("https:") || address.starts_with("http:") => {
                Source::Registry(Some(address.to_owned()))
            }
            (Some(address), None) => Source::Other(address.to_owned()),
            // npm can be told not to write the addresses of its registry.
            (None, None) => Source::Registry(None),
        }
    }

    /// By node: the address by which some need asks for it. Such an archive may come over HTTP like those of the
    /// registry, but no registry knows it.
    fn asked_from_elsewhere(&self) -> Vec<Option<&str>> {
        let mut asked = vec![None; self.project.lockfile.entries.len() + 1];
        for edge in self.edges.all() {
            if let (Request::Elsewhere(address), Some(asked)) =
                (Request::of(&edge.text), asked.get_mut(edge.to as usize))
            {
                *asked = Some(address);
            }
        }
        asked
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
                names().map(str::to_owned).collect()
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
