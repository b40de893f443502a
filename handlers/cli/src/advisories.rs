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
    let built = zips::build_index(folder, output, Clock::System.now(), &mut |step| progress.stage(step.to_string()));
    progress.finish();
    let report = built.map_err(|error| Failure(format!("{}: {error}", folder.display())))?;
    terminal.result(&format!("{}: {report}", output.display()));
    Ok(Outcome::Clean)
}
