//! `suture scan PATH`: what is wrong here.

use crate::arguments::{Kind, Scan, ScanFormat};
use crate::terminal::Terminal;
use crate::{Failure, Outcome, block_on, block_on_local, open, present, sbom};
use agents::environment::effects::Effects;
use agents::environment::folder;
use agents::environment::git::LocalRepository;
use agents::environment::tree_limits::TreeLimits;
use agents::examine::{examine, examine_findings};
use detectors::report::sarif;
use detectors::source_tree::SourceTree;
use std::path::Path;

/// Scans, and tells what was found.
pub fn run(arguments: &Scan, terminal: &Terminal) -> Result<Outcome, Failure> {
    refuse_kinds_without_detector(&arguments.kind)?;
    let tree = tree(&arguments.path, arguments.commit.as_deref())?;
    let env = open::environment(&open::Wanted {
        advisories: &arguments.advisories,
        known: Some(&arguments.known),
        policy: None,
        repository: None,
        terminal,
    })?;
    let needs_graphs = matches!(arguments.format, ScanFormat::Cyclonedx | ScanFormat::Spdx);
    let work = async {
        let examined = if needs_graphs { examine(&env, &tree).await } else { examine_findings(&env, &tree).await };
        examined.map_err(Failure::new)
    };
    let examination = if env.advisories.is_remote() { block_on(work) } else { block_on_local(work) }?;
    let target = arguments.path.display().to_string();
    let text = match arguments.format {
        ScanFormat::Table => present::scan_table(&target, &examination),
        ScanFormat::Json => present::scan_json(&target, &examination)?,
        ScanFormat::Sarif => sarif::write(&sarif::Run {
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
        }),
        ScanFormat::Cyclonedx => sbom::cyclonedx(&arguments.path, &examination.graphs, &env.clock),
        ScanFormat::Spdx => sbom::spdx(&arguments.path, &examination.graphs, &env.clock),
    };
    terminal.result(&text);
    let is_left = examination.matched.iter().any(|matched| matched.finding.severity >= arguments.fail_on);
    if !is_left && !examination.is_complete {
        return Err(Failure("not every advisory could be asked for: nothing found is not nothing there".to_owned()));
    }
    // The process is about to end: what it holds goes with it at once, not piece by piece.
    std::mem::forget((tree, env, examination));
    Ok(if is_left { Outcome::Left } else { Outcome::Clean })
}

/// The files to look at: of a commit, else as they are on the disk.
pub fn tree(path: &Path, commit: Option<&str>) -> Result<SourceTree, Failure> {
    let limits = TreeLimits::default();
    if let Some(revision) = commit {
        let repository = LocalRepository::discover(path, Effects::default()).map_err(Failure::new)?;
        let commit = repository.resolve(revision).map_err(Failure::new)?;
        return repository.tree(&commit, &limits).map_err(Failure::new);
    }
    if !path.is_dir() {
        return Err(Failure(format!("{} is not a folder", path.display())));
    }
    folder::tree(path, &limits).map_err(|error| Failure(format!("{}: {error}", path.display())))
}

fn refuse_kinds_without_detector(kinds: &[Kind]) -> Result<(), Failure> {
    let without: Vec<String> =
        kinds.iter().filter(|kind| **kind != Kind::Dependency).map(|kind| format!("{kind:?}").to_lowercase()).collect();
    if without.is_empty() {
        return Ok(());
    }
    Err(Failure(format!("this version has no detector of kind {}; use --kind dependency", without.join(", "))))
}
