//! What the graphs hold, each thing once: the ground of both formats.

use super::Document;
use super::address::reference;
use super::hashes::{self, Hash};
use crate::address::without_secrets;
use pipeline::advisory::normalised_name;
use pipeline::dependency::{Dependency, DependencyGraph, DependencyKind, Package, Source};
use pipeline::finding::Scope;
use pipeline::version::Ecosystem;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Components by their id, and who needs whom.
pub struct Inventory {
    /// Id of what the document is about: the project, or the document where there are several projects (or none).
    pub subject: String,
    /// By id; the subject and the projects are among them.
    pub components: BTreeMap<String, Component>,
    /// Needs, from id to id. Never from a component to itself.
    pub needs: BTreeMap<String, BTreeMap<String, Need>>,
}

/// One thing. Sets, since it may stand at several places.
#[derive(Default)]
pub struct Component {
    /// As the registry knows it.
    pub name: String,
    /// Empty where none is written.
    pub version: String,
    /// Empty where no registry knows it.
    pub purl: String,
    /// Whether it is the subject or a project, which nobody installs.
    pub is_project: bool,
    /// The strongest use; `None` for projects.
    pub scope: Option<Scope>,
    pub is_npm: bool,
    /// Everywhere inside of another package's archive.
    pub is_bundled: bool,
    /// File, line, and the place in it.
    pub occurrences: BTreeSet<(String, u32, String)>,
    pub hashes: BTreeSet<Hash>,
    /// Integrity that is no hash we know, as written.
    pub other_integrity: BTreeSet<String>,
    /// Legal addresses, without secrets.
    pub addresses: BTreeSet<String>,
    /// Where it comes from, in other words: a path, a git address in git's own form.
    pub other_sources: BTreeSet<String>,
    /// What is asked for, where no version answers.
    pub requirements: BTreeSet<String>,
}

/// How strongly something is needed: the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// A project of the document.
    Holds,
    /// At run time.
    Runs,
    /// At run time, where it can be installed.
    Optional,
    /// While developing.
    Dev,
}

impl Inventory {
    pub fn of(document: &Document<'_>, graphs: &[DependencyGraph]) -> Self {
        let mut graphs: Vec<_> = graphs.iter().collect();
        graphs.sort_by(|a, b| (a.ecosystem, &a.manifest, &a.lockfile).cmp(&(b.ecosystem, &b.manifest, &b.lockfile)));
        let mut inventory =
            Self { subject: "document".to_owned(), components: BTreeMap::new(), needs: BTreeMap::new() };
        if let [graph] = graphs.as_slice() {
            inventory.subject = project_id(graph);
        } else {
            let root = Component { name: document.name.to_owned(), is_project: true, ..Component::default() };
            inventory.components.insert(inventory.subject.clone(), root);
        }
        let alone = graphs.len() == 1;
        for graph in graphs {
            let name = if alone { document.name } else { &graph.manifest };
            inventory.add_graph(graph, name);
        }
        inventory
    }

    fn add_graph(&mut self, graph: &DependencyGraph, fallback_name: &str) {
        let project = project_id(graph);
        let component = self.components.entry(project.clone()).or_default();
        component.is_project = true;
        component.is_npm = graph.ecosystem == Ecosystem::Npm;
        component.name = graph.name.clone().filter(|name| !name.is_empty()).unwrap_or_else(|| fallback_name.to_owned());
        component.version = graph.version.clone().unwrap_or_default();
        for file in [Some(&graph.manifest), graph.lockfile.as_ref()].into_iter().flatten() {
            component.occurrences.insert((file.clone(), 0, String::new()));
        }
        self.need(&self.subject.clone(), &project, Need::Holds);

        let ids = self.add_packages(graph);
        for need in &graph.direct {
            match need.to {
                Some(to) => {
                    if let Some(id) = ids.get(to) {
                        self.need(&project, id, need.kind.into());
                    }
                }
                None => self.add_unanswered(graph, &project, need),
            }
        }
        for (package, id) in graph.packages.iter().zip(&ids) {
            for need in &package.dependencies {
                if let Some(to) = need.to.and_then(|to| ids.get(to)) {
                    self.need(id, to, need.kind.into());
                }
            }
        }
    }

    /// Adds what the lockfile names; the id of each package, in its order.
    fn add_packages(&mut self, graph: &DependencyGraph) -> Vec<String> {
        let places: HashMap<&str, &Package> = graph.packages.iter().map(|at| (at.place.as_str(), at)).collect();
        let mut ids = Vec::with_capacity(graph.packages.len());
        for package in &graph.packages {
            // A link and the folder that it leads to are one component.
            let shown = match &package.source {
                Source::Link(folder) => places.get(folder.trim_start_matches("./")).copied().unwrap_or(package),
                _ => package,
            };
            let id = package_id(graph, shown);
            let component = self.components.entry(id.clone()).or_insert_with(|| Component {
                name: shown.name.clone(),
                version: without_secrets(&shown.version),
                purl: shown.purl.clone(),
                is_bundled: true,
                is_npm: graph.ecosystem == Ecosystem::Npm,
                ..Component::default()
            });
            component.add(package, &shown.name);
            ids.push(id);
        }
        ids
    }

    /// A direct need that nothing answers is listed by name: leaving it out would hide that the project asks for it.
    ///
    /// Peers and, under a lockfile, optional ones may be absent by design.
    fn add_unanswered(&mut self, graph: &DependencyGraph, project: &str, need: &Dependency) {
        let may_be_absent = match need.kind {
            DependencyKind::Prod | DependencyKind::Dev => false,
            DependencyKind::Optional => graph.lockfile.is_some(),
            DependencyKind::Peer | DependencyKind::PeerOptional => true,
        };
        if may_be_absent {
            return;
        }
        let purl = unpinned_purl(graph.ecosystem, need);
        let id = if purl.is_empty() { format!("{}:{}", graph.ecosystem, need.name) } else { purl.clone() };
        let component = self.components.entry(id.clone()).or_insert_with(|| Component {
            name: need.name.clone(),
            purl,
            is_npm: graph.ecosystem == Ecosystem::Npm,
            ..Component::default()
        });
        let scope = match need.kind {
            DependencyKind::Dev => Scope::Dev,
            DependencyKind::Optional => Scope::Optional,
            _ => Scope::Prod,
        };
        component.is_bundled = false;
        component.use_as(scope);
        component.requirements.insert(without_secrets(&need.requirement));
        let (path, line) = need.written.as_ref().map_or((graph.manifest.as_str(), 0), |at| (at.path.as_str(), at.line));
        component.occurrences.insert((path.to_owned(), line, String::new()));
        self.need(project, &id, need.kind.into());
    }

    fn need(&mut self, from: &str, to: &str, need: Need) {
        if from == to {
            return;
        }
        let known = self.needs.entry(from.to_owned()).or_default().entry(to.to_owned()).or_insert(need);
        *known = need.min(*known);
    }
}

impl Component {
    fn add(&mut self, package: &Package, name: &str) {
        // Spellings of one name (`Django`, `django`) differ by file: any order of files gives the same one.
        if name < self.name.as_str() {
            name.clone_into(&mut self.name);
        }
        self.use_as(package.scope);
        self.is_bundled &= package.source == Source::Bundled;
        self.occurrences.insert((package.path.clone(), package.line, package.place.clone()));
        for part in package.hashes.iter().flat_map(|integrity| hashes::parse(integrity)) {
            match part {
                Ok(hash) => _ = self.hashes.insert(hash),
                Err(text) => _ = self.other_integrity.insert(text.to_owned()),
            }
        }
        match &package.source {
            Source::Registry(None) | Source::Bundled => {}
            Source::Registry(Some(text)) | Source::Other(text) => match reference(text) {
                Some(address) => _ = self.addresses.insert(address),
                None => _ = self.other_sources.insert(without_secrets(text)),
            },
            Source::Link(folder) => _ = self.other_sources.insert(folder.clone()),
        }
    }

    fn use_as(&mut self, scope: Scope) {
        self.scope = Some(self.scope.map_or(scope, |known| known.min(scope)));
    }

    /// The hashes, where no two are of one algorithm: then they are of one archive.
    pub fn hashes_of_one_archive(&self) -> Option<&BTreeSet<Hash>> {
        let algorithms: BTreeSet<_> = self.hashes.iter().map(|hash| hash.algorithm).collect();
        (algorithms.len() == self.hashes.len()).then_some(&self.hashes)
    }
}

impl From<DependencyKind> for Need {
    fn from(kind: DependencyKind) -> Self {
        match kind {
            DependencyKind::Prod | DependencyKind::Peer => Self::Runs,
            DependencyKind::Optional | DependencyKind::PeerOptional => Self::Optional,
            DependencyKind::Dev => Self::Dev,
        }
    }
}

fn project_id(graph: &DependencyGraph) -> String {
    format!("project:{}:{}", graph.ecosystem, graph.manifest)
}

/// Packages with the same id are the same component: by purl, and by where they come from if that is no registry.
fn package_id(graph: &DependencyGraph, package: &Package) -> String {
    let known = if package.purl.is_empty() {
        format!("{}:{}@{}", graph.ecosystem, package.name, without_secrets(&package.version))
    } else {
        package.purl.clone()
    };
    match &package.source {
        Source::Registry(_) | Source::Bundled => known,
        // Two git addresses that differ in their credentials alone stay one component.
        Source::Other(from) => format!("{known} from {}", without_secrets(from)),
        Source::Link(folder) => format!("{known} from {}:{folder}", graph.manifest),
    }
}

/// The purl of a need that no version answers; empty for aliases, addresses and names that would need escaping.
fn unpinned_purl(ecosystem: Ecosystem, need: &Dependency) -> String {
    let plain = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
    };
    if need.requirement.contains([':', '/']) {
        return String::new();
    }
    match (ecosystem, need.name.split_once('/')) {
        (Ecosystem::Npm, None) if plain(&need.name) => format!("pkg:npm/{}", need.name),
        (Ecosystem::Npm, Some((scope, name))) if plain(name) => match scope.strip_prefix('@') {
            Some(scope) if plain(scope) => format!("pkg:npm/%40{scope}/{name}"),
            _ => String::new(),
        },
        (Ecosystem::PyPI, None) if plain(&need.name) && need.name.bytes().any(|byte| byte.is_ascii_alphanumeric()) => {
            format!("pkg:pypi/{}", normalised_name(ecosystem, &need.name))
        }
        _ => String::new(),
    }
}
