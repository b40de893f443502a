//! The files that belong together as one graph.
//!
//! A *package* stands where its version is written, for that line is what a fix changes: a pinned requirement, or a
//! pin in a constraints file. A *dependency* in `direct` stands where the project asks: every requirement has one.
//! So a requirement without pin that a constraint pins is a dependency written in the requirements file whose package
//! is a line of the constraints file. Where both pin, both are packages, as both have to be changed.

use super::annotation::is_project;
use super::includes::Files;
use super::names::normalised;
use super::requirement::Requirement;
use packageurl::PackageUrl;
use pipeline::dependency::{Dependency, DependencyGraph, DependencyKind, Package, Source, Written};
use pipeline::finding::{ScanError, Scope};
use pipeline::version::Ecosystem;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

/// Unpinned requirements that the note of a file names; it counts the others.
const NAMED_MAX: usize = 5;

/// One written requirement, or one pin of a constraints file.
struct Line<'a> {
    path: &'a str,
    line: u32,
    requirement: &'a Requirement,
    asked_for: bool,
    compiled: bool,
    scope: Scope,
    key: String,
}

/// The graph of `group`, whose first path is the outermost file; notes on what is not pinned go to `notes`.
pub fn graph(files: &Files, group: &[&str], notes: &mut Vec<ScanError>) -> Option<DependencyGraph> {
    let manifest = group.first()?;
    let written = written(files, group);
    let pins = Pins::new(files, group, &written);
    let mut packages = Vec::new();
    let mut index_of = HashMap::new();
    for (at, entry) in written.iter().enumerate() {
        let constrained = entry.is_unpinned() && pins.find(entry).is_some();
        if (entry.asked_for && !constrained) || (!entry.asked_for && entry.requirement.pin().is_some()) {
            index_of.insert(at, packages.len());
            packages.push(package(entry, &pins));
        }
    }
    set_via(&mut packages, &written, &index_of);
    let direct = written.iter().enumerate().filter(|(_, entry)| entry.asked_for).map(|(at, entry)| {
        let to = index_of.get(&at).or_else(|| index_of.get(&pins.find(entry)?)).copied();
        dependency(entry, to)
    });
    let graph = DependencyGraph {
        ecosystem: Ecosystem::PyPI,
        manifest: (*manifest).to_owned(),
        lockfile: None,
        name: None,
        version: None,
        direct: direct.collect(),
        packages,
        read_only: read_only(files, group),
    };
    note_unpinned(&written, &pins, notes);
    (!graph.packages.is_empty() || !graph.direct.is_empty()).then_some(graph)
}

impl Line<'_> {
    /// Whether only the installation decides its version.
    fn is_unpinned(&self) -> bool {
        self.requirement.pin().is_none() && self.requirement.address.is_none()
    }

    /// Whether the project itself asks for it, as far as the file knows.
    fn is_direct(&self) -> bool {
        let via = &self.requirement.via;
        !self.compiled
            || via.iter().all(|source| source.starts_with("-c "))
            || via.iter().any(|source| is_project(source))
    }
}

fn written<'a>(files: &'a Files, group: &[&'a str]) -> Vec<Line<'a>> {
    let files = group.iter().filter_map(|path| Some((*path, files.files.get(*path)?)));
    files
        .flat_map(|(path, file)| {
            file.parsed.requirements().map(move |(line, requirement)| Line {
                path,
                line,
                requirement,
                asked_for: file.is_asked_for,
                compiled: file.parsed.compiled,
                scope: file.scope,
                key: normalised(&requirement.name),
            })
        })
        .collect()
}

/// The pins of constraints files, and who asks for a name.
struct Pins {
    /// Index of the first pin of each constraints file, by normalised name.
    by_name: BTreeMap<String, BTreeMap<String, usize>>,
    /// For each file one bit for each outermost file whose installation reads it.
    read_by: BTreeMap<String, Vec<u64>>,
    /// For each name the strongest scope of what asks for it, and whether the project itself does.
    asked: BTreeMap<String, (Scope, bool)>,
}

impl Pins {
    fn new(files: &Files, group: &[&str], written: &[Line<'_>]) -> Self {
        let mut by_name: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        let mut asked = BTreeMap::new();
        for (at, entry) in written.iter().enumerate() {
            if entry.asked_for {
                let known = asked.entry(entry.key.clone()).or_insert((entry.scope, false));
                *known = (known.0.min(entry.scope), known.1 | entry.is_direct());
            } else if entry.requirement.pin().is_some() {
                by_name.entry(entry.key.clone()).or_default().entry(entry.path.to_owned()).or_insert(at);
            }
        }
        let mut read_by: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        // Without constraints nobody asks which files are read together.
        let group = if by_name.is_empty() { &[] } else { group };
        let included = |path: &str| files.files.get(path).is_none_or(|file| !file.included_by.is_empty());
        let all_included = group.iter().all(|path| included(path));
        let roots = group.iter().filter(|path| all_included || !included(path));
        for (at, root) in roots.enumerate() {
            for path in files.reached_from(root) {
                let bits = read_by.entry(path.to_owned()).or_default();
                bits.resize(bits.len().max(at / 64 + 1), 0);
                if let Some(word) = bits.last_mut() {
                    *word |= 1 << (at % 64);
                }
            }
        }
        Self { by_name, read_by, asked }
    }

    /// The pin in a constraints file that is read together with `entry`: that of the first such file.
    fn find(&self, entry: &Line<'_>) -> Option<usize> {
        if !entry.is_unpinned() {
            return None;
        }
        let own = self.read_by.get(entry.path)?;
        let together = |path: &str| {
            let others = self.read_by.get(path);
            others.is_some_and(|others| own.iter().zip(others).any(|(own, other)| own & other != 0))
        };
        let pins = self.by_name.get(&entry.key)?;
        pins.iter().find(|(path, _)| together(path)).map(|(_, at)| *at)
    }
}

fn package(entry: &Line<'_>, pins: &Pins) -> Package {
    let requirement = entry.requirement;
    let version = requirement.pin().or(requirement.wheel_version.as_deref()).unwrap_or_default();
    let name = if requirement.name.is_empty() {
        requirement.address.as_deref().unwrap_or_default()
    } else {
        &requirement.name
    };
    let (scope, direct) = match pins.asked.get(&entry.key) {
        _ if entry.asked_for => (entry.scope, entry.is_direct()),
        Some(asked) => *asked,
        None => (entry.scope, false),
    };
    Package {
        place: format!("{}:{}", entry.path, entry.line),
        name: name.to_owned(),
        version: version.to_owned(),
        purl: purl(requirement, version),
        path: entry.path.to_owned(),
        line: entry.line,
        scope,
        direct,
        via: vec![name.to_owned()],
        source: requirement.address.clone().map_or(Source::Registry(None), Source::Other),
        hashes: requirement.hashes.iter().map(|hash| hash.value.clone()).collect(),
        dependencies: Vec::new(),
    }
}

/// Empty for what no registry knows. The wheel of a version is that release wherever it is downloaded from.
fn purl(requirement: &Requirement, version: &str) -> String {
    if requirement.name.is_empty() || (requirement.address.is_some() && version.is_empty()) {
        return String::new();
    }
    let Ok(mut purl) = PackageUrl::new("pypi", normalised(&requirement.name)) else { return String::new() };
    if !version.is_empty() && purl.with_version(version.to_owned()).is_err() {
        return String::new();
    }
    purl.to_string()
}

fn dependency(entry: &Line<'_>, to: Option<usize>) -> Dependency {
    Dependency {
        name: entry.requirement.name.clone(),
        requirement: entry.requirement.after_name.clone(),
        kind: DependencyKind::Prod,
        to,
        written: Some(Written { path: entry.path.to_owned(), line: entry.line }),
    }
}

/// Writes the shortest chain of `# via` comments before the name of each package of a compiled file.
fn set_via(packages: &mut [Package], written: &[Line<'_>], index_of: &HashMap<usize, usize>) {
    let mut by_file: BTreeMap<&str, Vec<&Line<'_>>> = BTreeMap::new();
    for entry in written.iter().filter(|entry| entry.compiled) {
        by_file.entry(entry.path).or_default().push(entry);
    }
    let mut chains: HashMap<(&str, u32), Vec<String>> = HashMap::new();
    for (path, entries) in by_file {
        let brought_by = |name: &str| name.split(['[', ' ']).next().map(normalised).unwrap_or_default();
        let mut brings: HashMap<String, Vec<&Line<'_>>> = HashMap::new();
        for entry in &entries {
            for source in entry.requirement.via.iter().filter(|source| !source.starts_with('-')) {
                brings.entry(brought_by(source)).or_default().push(entry);
            }
        }
        let mut seen: HashSet<u32> = HashSet::new();
        let mut open: VecDeque<_> =
            entries.iter().filter(|entry| entry.is_direct()).map(|entry| (*entry, Vec::new())).collect();
        seen.extend(open.iter().map(|(entry, _)| entry.line));
        while let Some((entry, mut chain)) = open.pop_front() {
            chain.push(entry.requirement.name.clone());
            let brought = brings.get(&entry.key).into_iter().flatten().filter(|brought| seen.insert(brought.line));
            // A chain as long as the file would cost its square: beyond this the middle says nothing.
            open.extend(brought.filter(|_| chain.len() < 64).map(|brought| (*brought, chain.clone())));
            chains.insert((path, entry.line), chain);
        }
        // Brought in by something that is not in the file: that much is known.
        for entry in entries.iter().filter(|entry| !chains.contains_key(&(path, entry.line))).collect::<Vec<_>>() {
            let source = entry.requirement.via.iter().find(|source| !source.starts_with('-')).cloned();
            chains.insert((path, entry.line), source.into_iter().chain([entry.requirement.name.clone()]).collect());
        }
    }
    for (at, index) in index_of {
        let Some((entry, package)) = written.get(*at).zip(packages.get_mut(*index)) else { continue };
        if let Some(chain) = chains.remove(&(entry.path, entry.line)).filter(|_| !entry.requirement.name.is_empty()) {
            package.via = chain;
        }
    }
}

fn read_only(files: &Files, group: &[&str]) -> Option<String> {
    let other = group.iter().find(|path| files.files.get(**path).is_some_and(|file| !file.is_utf8))?;
    Some(format!("`{other}` is not UTF-8, so it can't be written back as it is; save it as UTF-8"))
}

fn note_unpinned(written: &[Line<'_>], pins: &Pins, notes: &mut Vec<ScanError>) {
    let mut by_file: BTreeMap<&str, Vec<&Line<'_>>> = BTreeMap::new();
    for entry in written.iter().filter(|entry| entry.asked_for && entry.is_unpinned() && pins.find(entry).is_none()) {
        by_file.entry(entry.path).or_default().push(entry);
    }
    for (path, entries) in by_file {
        let first: Vec<_> = entries
            .iter()
            .take(NAMED_MAX)
            .map(|entry| format!("{} (line {})", entry.requirement.name, entry.line))
            .collect();
        let (is, more) = (if entries.len() == 1 { "is" } else { "are" }, entries.len().saturating_sub(NAMED_MAX));
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        notes.push(ScanError {
            path: path.to_owned(),
            line: entries.first().map(|entry| entry.line),
            message: format!(
                "{} {is} not pinned: the version is chosen at install time, so it is not judged: {}{more}",
                entries.len(),
                first.join(", "),
            ),
        });
    }
}
