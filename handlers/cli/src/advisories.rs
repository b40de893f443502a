//! `suture advisories`: an index of one's own.

use crate::arguments::{Advisories, AdvisoriesCommand};
use crate::terminal::Terminal;
use crate::{Failure, Outcome};
use agents::environment::advisories::exploitation::ExploitationFiles;
use agents::environment::advisories::index::{BuildReport, IndexMeta};
use agents::environment::advisories::zips;
use agents::environment::clock::Clock;
use pipeline::advisory::exploitation::Listed;
use pipeline::wording::plain;
use std::path::Path;

/// Builds an index, and tells what is in it.
pub fn run(arguments: &Advisories, terminal: &Terminal) -> Result<Outcome, Failure> {
    match &arguments.command {
        AdvisoriesCommand::Build { folder, output, kev, epss } => {
            let given = ExploitationFiles { kev: kev.clone(), epss: epss.clone() };
            build(folder, &given.or(ExploitationFiles::of_folder(folder)), output, terminal)?;
        }
    }
    Ok(Outcome::Clean)
}

fn build(folder: &Path, files: &ExploitationFiles, output: &Path, terminal: &Terminal) -> Result<(), Failure> {
    let now = Clock::System.now();
    let progress = terminal.progress();
    let built = zips::build_index(folder, files, output, now, &mut |step| progress.indexing(step));
    drop(progress);
    let (report, notes) = built.map_err(Failure::new)?;
    tell(Some(&report), &notes, terminal);
    report.meta.exploitation.stale(now).iter().for_each(|old| terminal.warning(old));
    let output = output.display().to_string();
    terminal.result(&format!("{}: {}", plain(&output), contents(&report.meta)));
    Ok(())
}

/// What an index has, and from when that is.
fn contents(meta: &IndexMeta) -> String {
    let counts: Vec<String> =
        meta.ecosystems.iter().map(|(ecosystem, meta)| format!("{ecosystem} {}", meta.advisories)).collect();
    let listed = |list: Option<Listed>| {
        list.map_or("none".to_owned(), |list| format!("{} of {}", list.count, list.date.strftime("%Y-%m-%d")))
    };
    format!(
        "{}; {} records could not be read; known exploited CVEs: {}; EPSS scores: {}",
        counts.join(", "),
        meta.skipped,
        listed(meta.exploitation.known_exploited),
        listed(meta.exploitation.epss)
    )
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
