//! `suture advisories`: an index of one's own.

use crate::arguments::{Advisories, AdvisoriesCommand};
use crate::terminal::Terminal;
use crate::{Failure, Outcome};
use agents::environment::advisories::zips;
use agents::environment::clock::Clock;

/// Builds the index, and tells what is in it.
pub fn run(arguments: &Advisories, terminal: &Terminal) -> Result<Outcome, Failure> {
    let AdvisoriesCommand::Build { folder, output } = &arguments.command;
    let progress = terminal.progress();
    let built = zips::build_index(folder, output, Clock::System.now(), &mut |step| {
        progress.stage(
            &format!("indexing advisories of {}", step.ecosystem),
            &format!("{} of {}", step.records, step.records_all),
        );
    });
    drop(progress);
    let report = built.map_err(Failure::new)?;
    for skipped in &report.skipped {
        terminal.warning(&format!("{}: {}", skipped.place, skipped.reason));
    }
    for odd in &report.oddities {
        terminal.note(&format!("note: {odd}"));
    }
    let counts: Vec<String> =
        report.meta.ecosystems.iter().map(|(ecosystem, meta)| format!("{ecosystem} {}", meta.advisories)).collect();
    let told =
        format!("{}: {}; {} records could not be read", output.display(), counts.join(", "), report.meta.skipped);
    terminal.result(&told);
    Ok(Outcome::Clean)
}
