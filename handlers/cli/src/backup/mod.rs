//! `suture backup` and `suture restore`: the local state in one file, and back.

mod archive;
mod manifest;
mod restore;
mod undone;
mod walk;
mod write;

use crate::arguments::{Backup, Restore};
use crate::terminal::Terminal;
use crate::{Failure, Outcome, open};
use agents::environment::clock::Clock;
use manifest::Manifest;

/// Writes the state to a file, while agents may be working on it.
pub fn backup(arguments: &Backup, terminal: &Terminal) -> Result<Outcome, Failure> {
    let state = open::state(arguments.state.as_deref())?;
    let progress = terminal.progress();
    let written = write::backup(&state, &arguments.file, Clock::System.now(), &mut |stage, detail| {
        progress.stage(stage, detail);
    });
    drop(progress);
    let (manifest, passed_over) = written?;
    for path in passed_over {
        terminal.warning(&format!("{path} is neither a file nor a folder, and is not in the backup"));
    }
    terminal.result(&format!("{}: {}", arguments.file.display(), told(&manifest)));
    Ok(Outcome::Clean)
}

/// Puts the state of a backup where there is none.
pub fn restore(arguments: &Restore, terminal: &Terminal) -> Result<Outcome, Failure> {
    let state = open::state(arguments.state.as_deref())?;
    let progress = terminal.progress();
    let restored =
        restore::restore(&arguments.file, &state, arguments.force, Clock::System.now(), &mut |stage, detail| {
            progress.stage(stage, detail);
        });
    drop(progress);
    let (manifest, replaced) = restored?;
    if let Some(replaced) = replaced {
        terminal.note(&format!("what was there is in {}", replaced.display()));
    }
    terminal.result(&format!("{}: {}", state.display(), told(&manifest)));
    Ok(Outcome::Clean)
}

fn told(manifest: &Manifest) -> String {
    let (records, databases) = (manifest.records, manifest.databases);
    format!("{records} records and {databases} databases of {}, by version {}", manifest.made, manifest.version)
}

#[cfg(test)]
mod interleavings;
#[cfg(test)]
mod tests;
