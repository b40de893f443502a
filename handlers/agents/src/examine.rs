//! What is wrong with a tree: its dependency graphs held against the advisories, less what is suppressed.

use crate::environment::Environment;
use crate::environment::sources::Sources;
use crate::error::AgentError;
use detectors::dependency;
use detectors::dependency::matching::{self, Matched};
use detectors::imports;
use detectors::source_tree::{SourceTree, TextError};
use pipeline::advisory::normalised_name;
use pipeline::dependency::DependencyGraph;
use pipeline::finding::{Finding, Fix, Imported, ScanError, Severity};
use pipeline::ids::Fingerprint;
use pipeline::learning::track::day;
use pipeline::repository_config::{self, RepositoryConfig};
use pipeline::suppress::{self, Suppression, Suppressions};
use pipeline::version::Ecosystem;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Everything that was seen in a tree.
#[derive(Debug, Clone)]
pub struct Examination {
    /// How many projects there are.
    pub projects_seen: usize,
    /// How many packages they depend on.
    pub packages_seen: usize,
    /// What the projects in the tree depend on. Empty where only findings were asked for.
    pub graphs: Vec<DependencyGraph>,
    /// Findings to act on, worst first.
    pub matched: Vec<Matched>,
    /// Findings that are suppressed, with who and why.
    pub suppressed: Vec<(Matched, Suppression)>,
    /// What could not be read or asked for. What concerns no file has an empty path.
    pub errors: Vec<ScanError>,
    /// Packages whose advisories could not be asked for: that nothing is found of them means nothing.
    pub unasked: BTreeSet<(Ecosystem, String)>,
    /// What people should know: that there was nothing to look at, or that their own suppressions are expired or unused.
    pub notes: Vec<String>,
    /// What was left out because of a limit.
    pub limits_hit: Vec<String>,
    /// Whether a project may be among what was left out. `true`: nothing found is not "nothing there".
    pub has_unseen: bool,
    /// Whether every advisory that there is could be asked for. `false`: nothing found is not "nothing there".
    pub is_complete: bool,
    /// The repository's own settings; the defaults where they can't be read.
    pub config: RepositoryConfig,
    /// Why the repository's own settings can't be read: then nothing may be healed, for they may forbid it.
    pub config_error: Option<String>,
}

/// Looks at `tree`. Only a failure of our own is an error: whatever can't be read is said in the examination.
pub async fn examine(env: &Environment, tree: &SourceTree) -> Result<Examination, AgentError> {
    look(env, tree, Depth::Graphs, None).await
}

/// As [`examine`], by the settings `config` whatever those of `tree` say: a change does not make the rules by which it is judged.
pub async fn examine_by(
    env: &Environment,
    tree: &SourceTree,
    config: &RepositoryConfig,
) -> Result<Examination, AgentError> {
    look(env, tree, Depth::Graphs, Some(config)).await
}

/// Looks at `tree` for findings alone: as [`examine`], but `graphs` stays empty. It takes half of the time.
pub async fn examine_findings(env: &Environment, tree: &SourceTree) -> Result<Examination, AgentError> {
    look(env, tree, Depth::Findings, None).await
}

/// What is wanted of the graphs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// All of them.
    Graphs,
    /// The packages with advisories.
    Findings,
}

async fn look(
    env: &Environment,
    tree: &SourceTree,
    depth: Depth,
    config: Option<&RepositoryConfig>,
) -> Result<Examination, AgentError> {
    let files = dependency::Files::read(tree);
    let mut projects = files.projects();
    let mut errors = std::mem::take(&mut projects.errors);
    let (config, config_error) = match config {
        Some(config) => (config.clone(), None),
        None => read_config(tree, &mut errors),
    };
    let (projects_seen, packages_seen) = projects.count();
    // What a broken file leaves unread shows in the graphs.
    let depth = if errors.is_empty() { depth } else { Depth::Graphs };
    let answer = env.advisories.advisories_of(&projects.judged(), env.clock.now()).await;
    errors.extend(answer.notes.iter().map(|note| ScanError { path: String::new(), line: None, message: note.clone() }));
    let unasked = answer.failed().map(|(ecosystem, name)| (ecosystem, name.to_owned())).collect();
    let advisories_of = |ecosystem, name: &str| answer.known(ecosystem, name);
    let (graphs, mut matched) = match depth {
        Depth::Graphs => {
            let (graphs, more) = projects.into_graphs();
            errors.extend(more);
            let packages = graphs.iter().map(|graph| (graph.ecosystem, graph.packages.as_slice()));
            let matched = matching::findings(packages, advisories_of);
            (graphs, matched)
        }
        Depth::Findings => {
            let excerpts = projects.excerpts(|ecosystem, name| !advisories_of(ecosystem, name).is_empty(), &mut errors);
            let packages = excerpts.iter().map(|excerpt| (excerpt.ecosystem, excerpt.packages.as_slice()));
            (Vec::new(), matching::findings(packages, advisories_of))
        }
    };
    if env.registries.is_offline() {
        // Whether a fixed version was ever released, and when, is a registry's to say.
        matched
            .iter_mut()
            .filter(|matched| matched.finding.fix == Fix::Available)
            .for_each(|matched| matched.finding.fix = Fix::Unknown);
    }
    let mut suppressions = env.suppressions.clone();
    suppressions.ignores.clone_from(&config.ignore);
    let (kept, suppressed, mut notes) = part(matched, &suppressions, env);
    if projects_seen == 0 && errors.iter().all(|error| error.path.is_empty()) {
        notes.push("there is no npm or pip project here, and this version reads no others".to_owned());
    }
    Ok(Examination {
        projects_seen,
        packages_seen,
        graphs,
        matched: kept,
        suppressed,
        errors,
        unasked,
        notes,
        limits_hit: tree.limits_hit.clone(),
        has_unseen: tree.has_unseen,
        is_complete: answer.complete,
        config,
        config_error,
    })
}

/// The repository's own settings alone; the defaults where they can't be read.
pub fn config_of(tree: &SourceTree) -> RepositoryConfig {
    read_config(tree, &mut Vec::new()).0
}

/// The repository's own settings, and why they can't be read.
fn read_config(tree: &SourceTree, errors: &mut Vec<ScanError>) -> (RepositoryConfig, Option<String>) {
    let path = repository_config::PATH;
    let parsed = match tree.text(path) {
        Err(TextError::Absent) if !tree.contains(path) => Ok(RepositoryConfig::default()),
        Err(error) => Err(ScanError { path: path.to_owned(), line: None, message: error.to_string() }),
        Ok(text) => RepositoryConfig::parse(path, text).map_err(ScanError::from),
    };
    match parsed {
        Ok(config) => (config, None),
        Err(error) => {
            let line = error.line.map_or_else(String::new, |line| format!(":{line}"));
            let reason = format!("{path}{line}: {}", error.message);
            errors.push(error);
            (RepositoryConfig::default(), Some(reason))
        }
    }
}

/// Parts findings into those to act on and those that are suppressed, both worst first.
fn part(
    matched: Vec<Matched>,
    suppressions: &Suppressions,
    env: &Environment,
) -> (Vec<Matched>, Vec<(Matched, Suppression)>, Vec<String>) {
    let today = day(env.clock.now());
    let findings: Vec<Finding> = matched.iter().map(|matched| matched.finding.clone()).collect();
    let parted = suppress::apply(findings, suppressions, today);
    let why: BTreeMap<Fingerprint, Suppression> =
        parted.suppressed.into_iter().map(|(finding, why)| (finding.fingerprint, why)).collect();
    let mut kept = Vec::new();
    let mut suppressed = Vec::new();
    for matched in matched {
        match why.get(&matched.finding.fingerprint) {
            Some(why) => suppressed.push((matched, why.clone())),
            None => kept.push(matched),
        }
    }
    (kept, suppressed, parted.notes)
}

/// Manifests and lockfiles with errors of which no project was made: nothing is known of what they hold.
pub fn unread<'a>(graphs: &[DependencyGraph], errors: &'a [ScanError]) -> BTreeSet<&'a str> {
    let is_read = |path: &str| {
        graphs.iter().any(|graph| {
            // A broken lockfile still governs its project, which then can't be edited and has no package of it.
            let is_lockfile = graph.lockfile.as_deref() == Some(path)
                && (graph.read_only.is_none() || graph.packages.iter().any(|package| package.path == path));
            graph.manifest == path || is_lockfile
        })
    };
    let paths = errors.iter().map(|error| error.path.as_str());
    paths.filter(|path| dependency::wants(path) && !is_read(path)).collect()
}

impl Examination {
    /// Says of each finding whether what has it is imported by the code in `sources`; what is not is not exposed. `tree` is what was
    /// examined. Where nothing was found nothing is read; of a file with an error nothing is said.
    pub async fn look_for_imports(&mut self, tree: &SourceTree, sources: &Sources) {
        if self.matched.is_empty() && self.suppressed.is_empty() {
            return;
        }
        let Some(sources) = sources.read().await else { return };
        let graphs = match self.graphs.as_slice() {
            [] => &dependency::graphs(tree).0,
            graphs => graphs,
        };
        let imported = imports::imported(graphs, tree, &sources);
        let has_error = |path: &str| self.errors.iter().any(|error| error.path == path);
        let of_entries = graphs.iter().zip(&imported).map(|(graph, imported)| {
            let is_read = !has_error(&graph.manifest) && !graph.lockfile.as_deref().is_some_and(has_error);
            let entries = graph.packages.iter().map(|package| package.place.as_str()).zip(imported.iter().copied());
            entries.filter(|_| is_read).collect::<HashMap<&str, Imported>>()
        });
        let of_entries: Vec<_> = of_entries.collect();
        for matched in self.matched.iter_mut().chain(self.suppressed.iter_mut().map(|(matched, _)| matched)) {
            let of_entry = |place: &String| of_entries.get(matched.graph)?.get(place.as_str()).copied();
            let imported = matched.places.iter().map(|place| of_entry(place).unwrap_or_default()).max();
            matched.finding.imported = imported.unwrap_or_default();
            // What was made to do harm does it as soon as it is installed.
            let is_safe = matched.finding.imported == Imported::NotSeen && !matched.finding.is_malicious();
            matched.finding.risk.exposed &= !is_safe;
        }
    }

    /// The findings to act on of one graph.
    pub fn of_graph(&self, index: usize) -> impl Iterator<Item = &Matched> {
        self.matched.iter().filter(move |matched| matched.graph == index)
    }

    /// Index of the graph that is mended by changing `path`.
    pub fn graph_at(&self, path: &str) -> Option<usize> {
        self.graphs.iter().position(|graph| graph.lockfile.as_ref().unwrap_or(&graph.manifest) == path)
    }

    /// Whether advisories on any package of the project that is mended by changing `path` could not be asked for.
    pub fn is_unasked(&self, path: &str) -> bool {
        self.graph_at(path).and_then(|graph| self.graphs.get(graph)).is_some_and(|graph| {
            let names = graph.packages.iter().map(|package| normalised_name(graph.ecosystem, &package.name));
            names.into_iter().any(|name| self.unasked.contains(&(graph.ecosystem, name.into_owned())))
        })
    }

    /// What of the tree could not be read at all.
    pub fn unread(&self) -> BTreeSet<&str> {
        unread(&self.graphs, &self.errors)
    }

    /// Findings to act on by severity, worst first; severities without any are absent.
    pub fn summary(&self) -> BTreeMap<String, usize> {
        let mut summary = BTreeMap::new();
        for severity in Severity::WORST_FIRST {
            let count = self.matched.iter().filter(|matched| matched.finding.severity == severity).count();
            if count > 0 {
                summary.insert(severity.to_string(), count);
            }
        }
        summary
    }
}
