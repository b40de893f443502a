//! `suture audit`: who decided what, and whether anything of it was changed since.

use crate::arguments::{Audit, AuditCommand};
use crate::terminal::Terminal;
use crate::{Failure, Outcome, block_on, open};
use ::agents::audit;
use ::agents::environment::store::StoreError;
use jiff::Timestamp;
use pipeline::audit::{End, Entry, export, verify};
use pipeline::wording;
use std::io::Read;
use std::path::Path;

/// An export that is longer is not read.
const EXPORT_BYTES_MAX: u64 = 1 << 30;

/// Prints the audit as JSON lines, or holds its lines against each other. Exit code 1 if the chain is broken.
pub fn run(arguments: &Audit, terminal: &Terminal) -> Result<Outcome, Failure> {
    match &arguments.command {
        Some(AuditCommand::Verify { file: Some(file) }) => told(&verify_text(&read(file)?), terminal),
        Some(AuditCommand::Verify { file: None }) => told(&verify_store(arguments.state.as_deref())?, terminal),
        None => {
            let entries = entries(arguments.state.as_deref())?.map_err(Failure::new)?;
            let (before, chosen) = between(&entries, arguments.since, arguments.until);
            terminal.document(export(&before, chosen).map_err(Failure::new)?.trim_end());
            Ok(Outcome::Clean)
        }
    }
}

/// What became of a verification: how it was, or what is wrong.
type Verified = Result<String, String>;

fn told(verified: &Verified, terminal: &Terminal) -> Result<Outcome, Failure> {
    match verified {
        Ok(how) => {
            terminal.result(&format!("{how}\n"));
            Ok(Outcome::Clean)
        }
        Err(what) => {
            terminal.result(&format!("the audit is broken: {}\n", wording::plain(what)));
            Ok(Outcome::Left)
        }
    }
}

fn verify_text(text: &str) -> Verified {
    match verify(text) {
        Err(broken) => Err(broken.to_string()),
        Ok(header) => Ok(format!("the chain holds: {}, the last with the hash {}", lines(header.entries), header.hash)),
    }
}

/// `known`: the end as it was last written down, before `entries` were read.
fn verify_entries(entries: &[Entry], known: &End) -> Result<Verified, Failure> {
    let there = match known.number.checked_sub(1).and_then(|place| entries.get(usize::try_from(place).ok()?)) {
        None if known.number > 0 => {
            return Ok(Err(format!("it has {}, and entry {} was written", lines(entries.len() as u64), known.number)));
        }
        there => there,
    };
    if there.is_some_and(|there| there.hash != known.hash) {
        return Ok(Err(format!("entry {} is not the one that was written", known.number)));
    }
    Ok(verify_text(&export(&End::default(), entries).map_err(Failure::new)?))
}

fn lines(entries: u64) -> String {
    wording::count(usize::try_from(entries).unwrap_or(usize::MAX), "line")
}

fn verify_store(state: Option<&Path>) -> Result<Verified, Failure> {
    let store = open::store_to_read(state)?;
    let known = block_on(async {
        match audit::known_end(&store).await {
            Err(StoreError::Damaged { .. }) => Ok(End::default()),
            known => known.map_err(Failure::new),
        }
    })?;
    match entries(state)? {
        Ok(entries) => verify_entries(&entries, &known),
        Err(damaged) => Ok(Err(damaged.to_string())),
    }
}

/// All entries; the inner error is about one that can't be read.
fn entries(state: Option<&Path>) -> Result<Result<Vec<Entry>, StoreError>, Failure> {
    let store = open::store_to_read(state)?;
    block_on(async {
        match audit::entries(&store).await {
            Err(error @ StoreError::Damaged { .. }) => Ok(Err(error)),
            entries => entries.map(Ok).map_err(Failure::new),
        }
    })
}

/// The entries from the first that was written at or after `since` to the last before `until`, and what they follow on. Those between are all there,
/// for clocks differ and the chain has no gaps.
fn between(entries: &[Entry], since: Option<Timestamp>, until: Option<Timestamp>) -> (End, &[Entry]) {
    let is_since = |entry: &Entry| since.is_none_or(|since| entry.deed.at >= since);
    let is_until = |entry: &Entry| until.is_none_or(|until| entry.deed.at < until);
    let first = entries.iter().position(is_since).unwrap_or(entries.len());
    let last = entries.iter().rposition(is_until).map_or(0, |last| last + 1);
    let chosen = entries.get(first..last).unwrap_or_default();
    let before = match (chosen.first(), entries.get(first.wrapping_sub(1))) {
        (Some(first), _) => End { number: first.number.saturating_sub(1), hash: first.before.clone() },
        (None, Some(last)) => last.end(),
        (None, None) => End::default(),
    };
    (before, chosen)
}

fn read(file: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let told = match file.to_str() {
        Some("-") => std::io::stdin().lock().take(EXPORT_BYTES_MAX).read_to_string(&mut text),
        _ => std::fs::File::open(file).and_then(|file| file.take(EXPORT_BYTES_MAX).read_to_string(&mut text)),
    };
    told.map_err(|error| Failure::new(format!("{}: {error}", file.display())))?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pipeline::audit::{Act, Deed};

    fn entries(days: &[&str]) -> Vec<Entry> {
        let mut end = End::default();
        let entries = days.iter().enumerate().map(|(number, day)| {
            let at = format!("{day}T12:00:00Z").parse().unwrap();
            let (id, about) = (number.to_string(), "everything".to_owned());
            let entry =
                end.follow(Deed { id, at, who: "ada".to_owned(), act: Act::Stopped, about, detail: String::new() });
            end = entry.end();
            entry
        });
        entries.collect()
    }

    #[test]
    fn what_is_exported_by_time_is_whole() {
        // One clock was a day behind.
        let entries = entries(&["2026-01-01", "2026-01-03", "2026-01-02", "2026-01-04"]);
        let day = |day: u32| Some(format!("2026-01-{day:02}T00:00:00Z").parse().unwrap());
        for (since, until, expected) in [
            (None, None, 0..4),
            (day(2), None, 1..4),
            (day(3), None, 1..4),
            (None, day(3), 0..3),
            (day(2), day(4), 1..3),
            (day(9), None, 4..4),
            (None, day(1), 0..0),
        ] {
            let (before, chosen) = between(&entries, since, until);
            assert_eq!(chosen, &entries[expected.clone()], "{since:?} to {until:?}");
            let header = verify(&export(&before, chosen).unwrap()).unwrap();
            assert_eq!(header.entries, expected.len() as u64);
        }
    }

    #[test]
    fn chain_that_is_not_the_one_that_was_written_is_found() {
        let (whole, other) = (entries(&["2026-01-01", "2026-01-02"]), entries(&["2026-01-01", "2026-01-03"]));
        let known = whole[1].end();
        let told = |entries: &[Entry]| verify_entries(entries, &known).unwrap();
        assert!(told(&whole).unwrap().starts_with("the chain holds: 2 lines, "));
        assert_eq!(told(&whole[..1]).unwrap_err(), "it has 1 line, and entry 2 was written");
        assert_eq!(told(&other).unwrap_err(), "entry 2 is not the one that was written");
        assert!(verify_entries(&[], &End::default()).unwrap().unwrap().starts_with("the chain holds: 0 lines, "));
    }
}
