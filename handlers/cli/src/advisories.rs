//! `suture advisories`: an index of one's own.

use crate::arguments::{Advisories, AdvisoriesCommand};
use crate::terminal::Terminal;
use crate::{Failure, Outcome};
use agents::environment::advisories::index::BuildReport;
use agents::environment::advisories::zips;
use agents::environment::clock::Clock;
use pipeline::wording::plain;

/// Builds the index, and tells what is in it.
pub fn run(arguments: &Advisories, terminal: &Terminal) -> Result<Outcome, Failure> {
    let AdvisoriesCommand::Build { folder, output } = &arguments.command;
    let progress = terminal.progress();
    let built = zips::build_index(folder, output, Clock::System.now(), &mut |step| progress.indexing(step));
    drop(progress);
    let (report, notes) = built.map_err(Failure::new)?;
    tell(Some(&report), &notes, terminal);
    let counts: Vec<String> =
        report.meta.ecosystems.iter().map(|(ecosystem, meta)| format!("{ecosystem} {}", meta.advisories)).collect();
    let output = output.display().to_string();
    let told = format!("{}: {}; {} records could not be read", plain(&output), counts.join(", "), report.meta.skipped);
    terminal.result(&told);
    Ok(Outcome::Clean)
}

/// Says what an index of archives lacks. `report`: what building it has met, where it was built just now.
pub fn tell(report: Option<&BuildReport>, notes: &[String], terminal: &Terminal) {
    notes.iter().for_each(|note| terminal.warning(note));
    for skipped in report.iter().flat_map(|report| &report.skipped) {
        terminal.warning(&format!("{}: {}", skipped.place, skipped.reason));
    }
    for odd in report.iter().flat_map(|report| &report.oddities) {
        terminal.note(&format!("note: {odd}"));
    }
}
