//! What is wrong with a tree: its dependency graphs held against the advisories, less what is suppressed.

use crate::environment::Environment;
use crate::environment::advisories::AdvisoryAnswer;
use crate::error::AgentError;
use detectors::dependency;
use detectors::dependency::matching::{self, Matched};
use detectors::source_tree::{SourceTree, TextError};
use pipeline::advisory::normalised_name;
use pipeline::dependency::DependencyGraph;
use pipeline::finding::{Finding, ScanError, Severity};
use pipeline::repository_config::{self, RepositoryConfig};
use pipeline::suppress::{self, Suppression};
use pipeline::version::Ecosystem;
use std::collections::{BTreeMap, BTreeSet};

/// The repository's own settings. Read from the base branch, never from a proposed change.
pub const REPOSITORY_CONFIG: &str = ".suture.yml";

/// Everything that was seen in a tree.
#[derive(Debug, Clone)]
pub struct Examination {
    /// What the projects in the tree depend on.
    pub graphs: Vec<DependencyGraph>,
    /// Findings to act on, worst first.
    pub matched: Vec<Matched>,
    /// Findings that are suppressed, with who and why.
    pub suppressed: Vec<(Matched, Suppression)>,
    /// What could not be read.
    pub errors: Vec<ScanError>,
    /// What was left out because of a limit.
    pub limits_hit: Vec<String>,
    /// Whether every advisory that there is could be asked for. `false`: nothing found is not "nothing there".
    pub is_complete: bool,
    /// The repository's own settings.
    pub config: RepositoryConfig,
}

/// Looks at `tree`. Only a failure of our own is an error: whatever can't be read is said in the examination.
pub async fn examine(env: &Environment, tree: &SourceTree) -> Result<Examination, AgentError> {
    let (graphs, mut errors) = dependency::graphs(tree);
    let config = read_config(tree, &mut errors);
    let wanted: BTreeSet<(Ecosystem, String)> = graphs
        .iter()
        .flat_map(|graph| graph.packages.iter().filter(|package| package.is_judged()).map(|package| (graph.ecosystem, &package.name)))
        .map(|(ecosystem, name)| (ecosystem, normalised_name(ecosystem, name).into_owned()))
        .collect();
    let answer: AdvisoryAnswer = env.advisories.of(&wanted).await;
    errors.extend(answer.notes.iter().map(|note| ScanError { path: String::new(), line: None, message: note.clone() }));
    let matched = matching::findings(&graphs, |ecosystem, name| answer.on(ecosystem, &normalised_name(ecosystem, name)));
    let mut suppressions = env.suppressions.clone();
    suppressions.ignores.clone_from(&config.ignore);
    let (kept, suppressed) = sort_out(matched, &suppressions, env, &mut errors);
    Ok(Examination {
        graphs,
        matched: kept,
        suppressed,
        errors,
        limits_hit: tree.limits_hit.clone(),
        is_complete: answer.is_complete,
        config,
    })
}

fn read_config(tree: &SourceTree, errors: &mut Vec<ScanError>) -> RepositoryConfig {
    let parsed = match tree.text(REPOSITORY_CONFIG) {
        Err(TextError::Absent) => return RepositoryConfig::default(),
        Err(error) => Err(ScanError { path: REPOSITORY_CONFIG.to_owned(), line: None, message: error.to_string() }),
        Ok(text) => repository_config::parse(REPOSITORY_CONFIG, text),
    };
    parsed.unwrap_or_else(|error| {
        errors.push(error);
        RepositoryConfig::default()
    })
}

fn sort_out(
    matched: Vec<Matched>,
    suppressions: &suppress::Suppressions,
    env: &Environment,
    errors: &mut Vec<ScanError>,
) -> (Vec<Matched>, Vec<(Matched, Suppression)>) {
    let mut by_fingerprint: BTreeMap<_, _> =
        matched.into_iter().map(|matched| (matched.finding.fingerprint.clone(), matched)).collect();
    let findings: Vec<Finding> = by_fingerprint.values().map(|matched| matched.finding.clone()).collect();
    let today = env.clock.now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let sorted = suppress::apply(findings, suppressions, today);
    errors.extend(sorted.notes.into_iter().map(|message| ScanError { path: REPOSITORY_CONFIG.to_owned(), line: None, message }));
    let suppressed = sorted
        .suppressed
        .into_iter()
        .filter_map(|(finding, why)| Some((by_fingerprint.remove(&finding.fingerprint)?, why)))
        .collect();
    let mut kept: Vec<Matched> = by_fingerprint.into_values().collect();
    kept.sort_by(|a, b| matching::order(&a.finding).cmp(&matching::order(&b.finding)));
    (kept, suppressed)
}

impl Examination {
    /// The findings to act on of one graph.
    pub fn of_graph(&self, index: usize) -> impl Iterator<Item = &Matched> {
        self.matched.iter().filter(move |matched| matched.graph == index)
    }

    /// Index of the graph that is mended by changing `path`.
    pub fn graph_at(&self, path: &str) -> Option<usize> {
        self.graphs.iter().position(|graph| graph.lockfile.as_ref().unwrap_or(&graph.manifest) == path)
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
