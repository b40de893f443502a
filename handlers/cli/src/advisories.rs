//! `suture advisories`: an index of one's own.

use crate::arguments::{Advisories, AdvisoriesCommand};
use crate::terminal::Terminal;
use crate::{Failure, Outcome, block_on};
use agents::environment::advisories::exploitation::ExploitationFiles;
use agents::environment::advisories::index::{BuildReport, IndexMeta};
use agents::environment::advisories::sync::{Fetched, Folder, Source, SyncSettings};
use agents::environment::advisories::zips;
use agents::environment::clock::Clock;
use agents::environment::open;
use agents::environment::settings::Settings;
use pipeline::advisory::exploitation::Listed;
use pipeline::version::Ecosystem;
use pipeline::wording::plain;
use std::path::Path;

/// Builds an index, and tells what is in it.
pub fn run(arguments: &Advisories, terminal: &Terminal) -> Result<Outcome, Failure> {
    match &arguments.command {
        AdvisoriesCommand::Sync { folder, ecosystem, output } => {
            let output = output.clone().unwrap_or_else(|| folder.join("advisories.index"));
            sync(folder, ecosystem, &output, terminal)?;
        }
        AdvisoriesCommand::Build { folder, output, kev, epss } => {
            let given = ExploitationFiles { kev: kev.clone(), epss: epss.clone() };
            build(folder, &given.or(ExploitationFiles::of_folder(folder)), output, terminal)?;
        }
    }
    Ok(Outcome::Clean)
}

/// Fetches what has changed, and builds an index of what is there then. Fails where anything could not be fetched, after that.
fn sync(path: &Path, ecosystems: &[Ecosystem], output: &Path, terminal: &Terminal) -> Result<(), Failure> {
    let settings = open::sync(&Settings::read())?;
    let folder = Folder::open(path).map_err(|error| Failure(format!("{}: {error}", path.display())))?;
    let sources = settings.sources(ecosystems);
    let missed = block_on(fetch(&folder, &sources, &settings, terminal))?;
    build(path, &ExploitationFiles::of_folder(path), output, terminal)?;
    if missed > 0 {
        let of_all = sources.len();
        return Err(Failure(format!(
            "{missed} of {of_all} files could not be fetched; the index has what was there before"
        )));
    }
    Ok(())
}

/// Fetches `sources`, one after the other; how many of them could not be.
async fn fetch(
    folder: &Folder,
    sources: &[Source],
    settings: &SyncSettings,
    terminal: &Terminal,
) -> Result<usize, Failure> {
    let mut missed = 0;
    for source in sources {
        let progress = terminal.progress();
        let stage = format!("fetching {}", source.name);
        progress.stage(&stage, "");
        let told = &mut |bytes: u64| progress.stage(&stage, &format!("{:.1} MB", bytes as f64 / 1e6));
        let fetched = folder.fetch(source, settings, told).await;
        drop(progress);
        match fetched {
            Ok(Fetched::New { bytes }) => terminal.note(&format!("{}: {:.1} MB", source.name, bytes as f64 / 1e6)),
            Ok(Fetched::Unchanged) => terminal.note(&format!("{}: unchanged", source.name)),
            Err(error) => {
                missed += 1;
                terminal.warning(&format!("{} could not be fetched: {error}", source.name));
            }
        }
    }
    Ok(missed)
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
