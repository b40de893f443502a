//! The proof of a patch: the patched tree is looked at as if nobody had promised anything.

use crate::environment::Environment;
use crate::error::AgentError;
use crate::examine::{Examination, examine};
use detectors::dependency;
use detectors::source_tree::SourceTree;
use pipeline::case::Step;
use pipeline::finding::{Finding, ScanError};
use pipeline::ids::Fingerprint;
use std::collections::{BTreeMap, BTreeSet};

/// A tree, and what was seen in it.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The tree.
    pub tree: &'a SourceTree,
    /// What was seen.
    pub examination: &'a Examination,
}

/// Looks at `after`, which is `before` with a fix in it that is to remove `heals`. Every step says what was seen; a fix is
/// proven if all of them are `ok`.
///
/// Tries later where advisories can't be asked for that could be before: nothing found would mean nothing.
pub async fn prove(
    env: &Environment,
    before: Seen<'_>,
    heals: &[Fingerprint],
    after: &SourceTree,
) -> Result<Vec<Step>, AgentError> {
    let examination = examine(env, after).await?;
    let known = before.examination;
    let promised = everything(known).filter(|finding| heals.contains(&finding.fingerprint)).count();
    let is_forgotten = promised < heals.len() && !known.unasked.is_empty();
    if is_forgotten || !examination.unasked.is_subset(&known.unasked) {
        return Err(AgentError::advisories_silent());
    }
    Ok(vec![
        gone(known, heals, &examination),
        nothing_new(known, &examination),
        parses(known, &examination),
        consistent(before, Seen { tree: after, examination: &examination }),
    ])
}

/// The checks that failed, in words.
pub fn failures(steps: &[Step]) -> Vec<String> {
    steps.iter().filter(|step| !step.ok).map(|step| format!("{}: {}", step.name, step.detail)).collect()
}

/// What tells a finding apart when files change around it: not its fingerprint, whose ordinal counts its likes.
pub fn identity(finding: &Finding) -> (String, String, String) {
    let package = finding.package.as_ref().map_or_else(String::new, |package| package.purl.clone());
    (finding.path.clone(), finding.rule.clone(), package)
}

/// Everything that was found, suppressed or not.
pub fn everything(examination: &Examination) -> impl Iterator<Item = &Finding> {
    let suppressed = examination.suppressed.iter().map(|(matched, _)| &matched.finding);
    examination.matched.iter().map(|matched| &matched.finding).chain(suppressed)
}

fn gone(before: &Examination, heals: &[Fingerprint], seen: &Examination) -> Step {
    let promised: Vec<&Finding> = everything(before).filter(|finding| heals.contains(&finding.fingerprint)).collect();
    let still: BTreeSet<_> = everything(seen).map(identity).collect();
    let kept: Vec<String> = promised
        .iter()
        .filter(|finding| still.contains(&identity(finding)))
        .map(|finding| finding.rule.clone())
        .collect();
    match (promised.len() == heals.len(), kept.is_empty()) {
        (true, true) => Step::new("gone", true, format!("{} of {} found again", 0, promised.len())),
        (true, false) => Step::new("gone", false, format!("found again: {}", kept.join(", "))),
        (false, _) => Step::new("gone", false, "it promises to remove what was never found".to_owned()),
    }
}

fn nothing_new(before: &Examination, seen: &Examination) -> Step {
    let known: BTreeSet<_> = everything(before).map(identity).collect();
    // The same vulnerability in another version of the package is new as well: the version was chosen by us.
    let new: Vec<String> = everything(seen)
        .filter(|finding| !known.contains(&identity(finding)))
        .map(|finding| {
            format!(
                "{} in {}",
                finding.rule,
                finding.package.as_ref().map_or(finding.path.as_str(), |package| &package.purl)
            )
        })
        .collect();
    if new.is_empty() {
        Step::new("nothing new", true, "no finding that was not there before")
    } else {
        Step::new("nothing new", false, format!("it brings in {}", new.join(", ")))
    }
}

/// More errors in a file than before: their words may differ, since they count lines. What concerns no file is not the
/// patch's doing.
fn parses(before: &Examination, seen: &Examination) -> Step {
    let count = |errors: &[ScanError], path: &str| errors.iter().filter(|error| error.path == path).count();
    let new: Vec<String> = seen
        .errors
        .iter()
        .filter(|error| !error.path.is_empty() && count(&seen.errors, &error.path) > count(&before.errors, &error.path))
        .map(|error| format!("{}: {}", error.path, error.message))
        .collect();
    if !new.is_empty() {
        return Step::new("parses", false, new.join("; "));
    }
    if seen.graphs.len() != before.graphs.len() {
        return Step::new(
            "parses",
            false,
            format!("{} projects instead of {}", seen.graphs.len(), before.graphs.len()),
        );
    }
    Step::new("parses", true, "every changed file is read without an error")
}

fn consistent(before: Seen<'_>, after: Seen<'_>) -> Step {
    let mut known: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for graph in &before.examination.graphs {
        known.entry(&graph.manifest).or_default().extend(dependency::problems(before.tree, graph));
    }
    let new: Vec<String> = after
        .examination
        .graphs
        .iter()
        .flat_map(|graph| {
            let known = known.get(graph.manifest.as_str());
            let problems = dependency::problems(after.tree, graph);
            problems.into_iter().filter(move |problem| known.is_none_or(|known| !known.contains(problem)))
        })
        .collect();
    if new.is_empty() {
        Step::new("consistent", true, "nothing that the package manager would refuse, as far as the files tell")
    } else {
        Step::new("consistent", false, new.join("; "))
    }
}
