//! `suture scan PATH`: what is wrong here.

use crate::arguments::{Kind, Scan, ScanFormat};
use crate::terminal::Terminal;
use crate::{Failure, Outcome, block_on, block_on_local, open, present, sbom};
use agents::environment::advisories::AdvisorySource;
use agents::environment::effects::Effects;
use agents::environment::folder;
use agents::environment::git::LocalRepository;
use agents::environment::tree_limits::TreeLimits;
use agents::examine::{Examination, examine, examine_findings};
use detectors::report::sarif;
use detectors::source_tree::SourceTree;
use pipeline::wording::plain;
use std::path::Path;

/// Scans, and tells what was found.
pub fn run(arguments: &Scan, terminal: &Terminal) -> Result<Outcome, Failure> {
    refuse_kinds_without_detector(&arguments.kind)?;
    refuse_what_is_no_folder(&arguments.path)?;
    let env = open::environment(open::Wanted {
        advisories: &arguments.advisories,
        known: Some(&arguments.known),
        policy: None,
        repository: None,
        store: None,
        terminal,
    })?;
    let progress = terminal.progress();
    progress.stage("scanning", "reading manifests and lockfiles");
    let tree = tree(&arguments.path, arguments.commit.as_deref())?;
    progress.stage("scanning", "looking up advisories");
    let needs_graphs = matches!(arguments.format, ScanFormat::Cyclonedx | ScanFormat::Spdx);
    let work = async {
        let examined = if needs_graphs { examine(&env, &tree).await } else { examine_findings(&env, &tree).await };
        examined.map_err(Failure::new)
    };
    let examination = if env.advisories.is_remote() { block_on(work) } else { block_on_local(work) }?;
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
    let limits = TreeLimits::default();
    refuse_what_is_no_folder(path)?;
    if let Some(revision) = commit {
        let repository = LocalRepository::discover(path, Effects::default()).map_err(Failure::new)?;
        let commit = repository.resolve(revision).map_err(Failure::new)?;
        return repository.tree_under(&commit, &repository.place_of(path), &limits).map_err(Failure::new);
    }
    folder::tree(path, &limits).map_err(|error| Failure(format!("{}: {error}", path.display())))
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
