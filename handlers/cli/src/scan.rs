//! `suture scan PATH`: what is wrong here.

use crate::arguments::{Kind, Scan, ScanFormat};
use crate::terminal::Terminal;
use crate::{Failure, Outcome, block_on, block_on_local, open, present, sbom};
use agents::environment::Environment;
use agents::environment::advisories::AdvisorySource;
use agents::environment::effects::Effects;
use agents::environment::folder;
use agents::environment::git::{GitError, LocalRepository};
use agents::environment::sources::Sources;
use agents::environment::tree_limits::TreeLimits;
use agents::examine::{Examination, examine, examine_findings};
use detectors::report::sarif;
use detectors::source_tree::SourceTree;
use pipeline::suppress::Suppressor;
use pipeline::suppress::baseline::Baseline;
use pipeline::wording::plain;
use std::path::Path;

/// Scans, and tells what was found.
pub fn run(arguments: &Scan, terminal: &Terminal) -> Result<Outcome, Failure> {
    refuse_kinds_without_detector(&arguments.kind)?;
    refuse_what_is_no_folder(&arguments.path)?;
    let mut env = open::environment(open::Wanted {
        advisories: &arguments.advisories,
        known: Some(&arguments.known),
        policy: None,
        repository: None,
        store: None,
        terminal,
    })?;
    let progress = terminal.progress();
    progress.stage("scanning", "reading manifests and lockfiles");
    let (tree, sources) = tree_and_sources(&arguments.path, arguments.commit.as_deref())?;
    let since = arguments.since.as_deref().map(|revision| tree_since(&arguments.path, revision)).transpose()?;
    progress.stage("scanning", "looking up advisories");
    let needs_graphs = matches!(arguments.format, ScanFormat::Cyclonedx | ScanFormat::Spdx);
    let is_remote = env.advisories.is_remote();
    let work = async {
        if let (Some(tree), Some(revision)) = (&since, &arguments.since) {
            let known = known_at(&env, tree, revision).await?;
            env.suppressions.baselines.push(known);
        }
        let examined = if needs_graphs { examine(&env, &tree).await } else { examine_findings(&env, &tree).await };
        let mut examined = examined.map_err(Failure::new)?;
        examined.look_for_imports(&tree, &sources).await;
        Ok((examined, env))
    };
    let (mut examination, env) = if is_remote { block_on(work) } else { block_on_local(work) }?;
    if let Some(revision) = &arguments.since {
        let place = place_of(revision);
        // Whoever reads SARIF may show what is suppressed as well, so what is not new is not there at all.
        let is_there_before = |by: &Suppressor| matches!(by, Suppressor::Baseline { path } if *path == place);
        examination.suppressed.retain(|(_, why)| !is_there_before(&why.by));
    }
    drop(progress);
    let target = arguments.path.display().to_string();
    match arguments.format {
        ScanFormat::Table => terminal.result(&present::scan_table(&target, &examination, terminal.columns())),
        ScanFormat::Json => terminal.document(&present::scan_json(&target, &examination)?),
        ScanFormat::Sarif => terminal.document(&sarif(&examination)),
        ScanFormat::Cyclonedx => terminal.document(&sbom::cyclonedx(&arguments.path, &examination.graphs, &env.clock)),
        ScanFormat::Spdx => terminal.document(&sbom::spdx(&arguments.path, &examination.graphs, &env.clock)),
    }
    if arguments.format != ScanFormat::Table {
        examination.notes.iter().for_each(|note| terminal.note(&format!("note: {note}")));
    }
    if needs_graphs {
        // A bill of materials has no room for what it lacks.
        sbom::warn(&examination.errors, &examination.limits_hit, terminal);
    }
    if examination.matched.iter().any(|matched| matched.finding.severity >= arguments.fail_on) {
        return Ok(Outcome::Left);
    }
    let is_complete = examination.is_complete || is_partial_by_choice(&env.advisories);
    let unread: Vec<&str> = examination.unread().into_iter().collect();
    refuse_to_call_clean(is_complete, &unread, examination.has_unseen)
}

/// The files of a folder at an earlier commit. None where the folder was not there yet: then all in it is new.
fn tree_since(path: &Path, revision: &str) -> Result<SourceTree, Failure> {
    let repository = LocalRepository::discover(path, Effects::default()).map_err(Failure::new)?;
    let commit = repository.resolve(revision).map_err(Failure::new)?;
    match repository.tree_under(&commit, &repository.place_of(path), &TreeLimits::default()) {
        Err(GitError::Absent(_)) => Ok(SourceTree::default()),
        tree => tree.map_err(Failure::new),
    }
}

/// Findings of `tree`, which is that of `revision`: those that are ignored there too, for they are not new either.
async fn known_at(env: &Environment, tree: &SourceTree, revision: &str) -> Result<Baseline, Failure> {
    let before = examine_findings(env, tree).await.map_err(Failure::new)?;
    let suppressed = before.suppressed.iter().map(|(matched, _)| matched);
    let fingerprints = before.matched.iter().chain(suppressed).map(|matched| matched.finding.fingerprint.clone());
    Ok(Baseline { path: place_of(revision), fingerprints: fingerprints.collect() })
}

fn place_of(revision: &str) -> String {
    format!("commit {revision}")
}

/// Whether the user asked for a part of the advisories only: then that nothing else was looked at is no surprise.
pub fn is_partial_by_choice(source: &AdvisorySource) -> bool {
    matches!(source, AdvisorySource::Starter)
}

/// Clean, unless something could not be looked at: nothing found is not nothing there.
pub fn refuse_to_call_clean(is_complete: bool, unread: &[&str], has_unseen: bool) -> Result<Outcome, Failure> {
    if !is_complete {
        return Err(Failure(
            "not every advisory could be asked for, so nothing found is not nothing there; see the notes".to_owned(),
        ));
    }
    if !unread.is_empty() {
        let unread = unread.iter().map(|path| plain(path)).collect::<Vec<_>>().join(", ");
        return Err(Failure(format!("{unread} could not be read, so nothing found is not nothing there")));
    }
    if has_unseen {
        return Err(Failure(
            "not everything could be looked at, so nothing found is not nothing there; see the limits".to_owned(),
        ));
    }
    Ok(Outcome::Clean)
}

fn sarif(examination: &Examination) -> String {
    sarif::write(&sarif::Run {
        tool_version: env!("CARGO_PKG_VERSION"),
        findings: &examination.matched.iter().map(|matched| matched.finding.clone()).collect::<Vec<_>>(),
        suppressed: &examination
            .suppressed
            .iter()
            .map(|(matched, why)| (matched.finding.clone(), why.clone()))
            .collect::<Vec<_>>(),
        errors: &examination.errors,
        limits_hit: &examination.limits_hit,
        notes: &examination.notes,
    })
}

/// The files to look at: of a commit, else as they are on the disk.
pub fn tree(path: &Path, commit: Option<&str>) -> Result<SourceTree, Failure> {
    tree_and_sources(path, commit).map(|(tree, _)| tree)
}

/// As [`tree`], with where the code is that belongs to it.
fn tree_and_sources(path: &Path, commit: Option<&str>) -> Result<(SourceTree, Sources), Failure> {
    let limits = TreeLimits::default();
    refuse_what_is_no_folder(path)?;
    if let Some(revision) = commit {
        let repository = LocalRepository::discover(path, Effects::default()).map_err(Failure::new)?;
        let commit = repository.resolve(revision).map_err(Failure::new)?;
        let folder = repository.place_of(path);
        let tree = repository.tree_under(&commit, &folder, &limits).map_err(Failure::new)?;
        return Ok((tree, Sources::Commit { repository, commit, folder }));
    }
    let tree = folder::tree(path, &limits).map_err(|error| Failure(format!("{}: {error}", path.display())))?;
    Ok((tree, Sources::Folder(path.to_path_buf())))
}

fn refuse_what_is_no_folder(path: &Path) -> Result<(), Failure> {
    if path.is_dir() {
        return Ok(());
    }
    let problem = if path.exists() { "is not a folder" } else { "does not exist" };
    Err(Failure(format!("{} {problem}", path.display())))
}

fn refuse_kinds_without_detector(kinds: &[Kind]) -> Result<(), Failure> {
    let without: Vec<String> =
        kinds.iter().filter(|kind| **kind != Kind::Dependency).map(|kind| format!("{kind:?}").to_lowercase()).collect();
    if without.is_empty() {
        return Ok(());
    }
    Err(Failure(format!("this version has no detector of kind {}; use --kind dependency", without.join(", "))))
}
