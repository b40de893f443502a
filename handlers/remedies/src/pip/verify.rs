//! Whether an edited file says exactly what was intended.

use super::edit::{Edit, EditError};
use super::specifier::allows;
use detectors::dependency::pip::file::{Entry, LineError, RequirementsFile};
use detectors::dependency::pip::requirement::Requirement;
use detectors::dependency::pip::{comments_below, normalised};
use pep440_rs::Version;
use std::collections::BTreeSet;
use std::str::FromStr;

/// Reads both texts and compares them line by line: an edited requirement says what its edit wants and keeps the rest
/// of its bytes; an added or removed one is there or gone; every other line is the same, byte by byte.
pub fn verify(path: &str, before: &str, after: &str, edits: &[&Edit]) -> Result<(), EditError> {
    let differs = |reason: String| Err(EditError::NotAsIntended(path.to_owned(), reason));
    let (old, new) = (RequirementsFile::parse(before), RequirementsFile::parse(after));
    let edits: Vec<_> = edits.iter().copied().filter(|edit| edit.path() == path).collect();
    let is_removed = |line: u32| edits.iter().any(|edit| matches!(edit, Edit::Remove(edit) if edit.line == line));
    let messages = |errors: &[LineError]| errors.iter().map(|error| error.message.clone()).collect::<Vec<_>>();
    let left: Vec<_> = old.errors.iter().filter(|error| !is_removed(error.line)).cloned().collect();
    if messages(&left) != messages(&new.errors) {
        return differs("other lines are broken than before".to_owned());
    }
    let mut added = 0;
    let mut at = 0;
    let mut skip = 0;
    for (index, entry) in old.entries.iter().enumerate() {
        if skip > 0 {
            skip -= 1;
            continue;
        }
        let edit = edits.iter().find(|edit| match edit {
            Edit::Pin(edit) => edit.line == entry.line,
            Edit::Remove(edit) => edit.line == entry.line,
            Edit::Add(_) => false,
        });
        if let Some(Edit::Remove(_)) = edit {
            skip = comments_below(&old.entries[index + 1..]);
            continue;
        }
        added += pass_added(&new.entries, &mut at, &edits);
        let Some(found) = new.entries.get(at) else { return differs(format!("line {} is lost", entry.line)) };
        at += 1;
        let is_same = match edit {
            Some(edit) => is_edited(before, entry, after, found, edit),
            None => is_same_raw(before, entry, after, found),
        };
        if !is_same {
            return differs(format!("line {} is not what it should be", found.line));
        }
    }
    added += pass_added(&new.entries, &mut at, &edits);
    let wanted = edits.iter().filter(|edit| matches!(edit, Edit::Add(_))).count();
    if at < new.entries.len() || added != wanted || before.starts_with('\u{feff}') != after.starts_with('\u{feff}') {
        return differs("there are other lines than intended".to_owned());
    }
    Ok(())
}

/// Passes over the requirements at `at` that edits added, with their comments.
fn pass_added(entries: &[Entry], at: &mut usize, edits: &[&Edit]) -> usize {
    let mut count = 0;
    while let Some(requirement) = entries.get(*at).and_then(Entry::requirement) {
        let is_added = edits.iter().any(|edit| match edit {
            Edit::Add(edit) => {
                let hashes = requirement.hashes.is_empty() || has_hashes(requirement, &edit.hashes);
                let plain = requirement.specifiers.len() == 1 && requirement.after_name == edit.after_name();
                requirement.name == edit.name && plain && requirement.marker == edit.marker && hashes
            }
            _ => false,
        });
        if !is_added {
            break;
        }
        count += 1;
        *at += 1 + comments_below(&entries[*at + 1..]);
    }
    count
}

fn is_edited(before: &str, old: &Entry, after: &str, new: &Entry, edit: &Edit) -> bool {
    let (Edit::Pin(edit), Some(was), Some(is)) = (edit, old.requirement(), new.requirement()) else { return false };
    let Ok(to) = Version::from_str(&edit.to) else { return false };
    let same_version = was.specifiers.iter().map(clause).eq(is.specifiers.iter().map(clause));
    let hashes = match was.hashes.is_empty() {
        true => is.hashes.is_empty(),
        false => has_hashes(is, &edit.hashes) || (same_version && is_same_hashes(was, is)),
    };
    let holds = is.specifiers.iter().all(|one| allows(&one.operator, &one.version, &to));
    let same = (&was.name, &was.extras, &was.marker, &was.via) == (&is.name, &is.extras, &is.marker, &is.via);
    let named = normalised(&is.name) == normalised(&edit.name);
    same && named
        && holds
        && hashes
        && was.pin().is_some()
        && is.pin().is_some()
        && is_same_frame(before, old, was, after, new, is)
}

fn clause(specifier: &detectors::dependency::pip::requirement::Specifier) -> (&str, &str) {
    (&specifier.operator, &specifier.version)
}

fn has_hashes(requirement: &Requirement, hashes: &[String]) -> bool {
    requirement.hashes.iter().map(|hash| &hash.value).collect::<BTreeSet<_>>() == hashes.iter().collect()
}

fn is_same_hashes(was: &Requirement, is: &Requirement) -> bool {
    was.hashes.iter().map(|hash| &hash.value).eq(is.hashes.iter().map(|hash| &hash.value))
}

/// What an entry is without its specifiers, its hashes, and what separates these: its bytes before and up to the first hash, the other
/// options, and what follows on them.
fn frame<'a>(text: &'a str, entry: &Entry, requirement: &Requirement) -> Frame<'a> {
    let first = requirement.specifiers.first().map_or(requirement.specifiers_at, |one| one.range.start);
    let last = requirement.specifiers.last().map_or(requirement.specifiers_at, |one| one.range.end);
    let between = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let head = between(entry.span.start, first);
    let Some(first_hash) = requirement.hashes.first() else {
        return Frame { head, gap: "", options: Vec::new(), tail: between(last, entry.span.end) };
    };
    let ends = requirement.hashes.iter().map(|hash| hash.range.end);
    let starts = requirement.hashes.iter().skip(1).map(|hash| hash.range.start);
    let mut options: Vec<&str> = ends.clone().zip(starts).flat_map(|(end, start)| words(between(end, start))).collect();
    let after = between(ends.max().unwrap_or(last), entry.span.end);
    // Options may stand behind the last hash as well: a hash that goes takes what separated it along.
    let is_over = |at: usize| after.get(..at).unwrap_or_default().trim_end_matches([' ', '\t']).len();
    let (more, tail) = after.split_at(after.find('#').map_or(after.trim_end().len(), is_over));
    options.extend(words(more));
    Frame { head, gap: between(last, first_hash.range.start), options, tail }
}

/// An entry without its specifiers and hashes.
struct Frame<'a> {
    head: &'a str,
    gap: &'a str,
    options: Vec<&'a str>,
    tail: &'a str,
}

/// Words of lines that a backslash at their end continues.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split("\\\r\n").flat_map(|part| part.split("\\\n")).flat_map(str::split_whitespace)
}

fn is_same_frame(before: &str, old: &Entry, was: &Requirement, after: &str, new: &Entry, is: &Requirement) -> bool {
    let (was, is) = (frame(before, old, was), frame(after, new, is));
    let ending = is_last(before, old) || is_last(after, new);
    let is_same_tail = was.tail == is.tail || (ending && without_ending(was.tail) == without_ending(is.tail));
    (was.head, was.gap, was.options) == (is.head, is.gap, is.options) && is_same_tail
}

fn is_same_raw(before: &str, old: &Entry, after: &str, new: &Entry) -> bool {
    let was = before.get(old.span.clone()).unwrap_or_default();
    let is = after.get(new.span.clone()).unwrap_or_default();
    // The last line of a file gets an ending when something is added after it, and may lose it as well.
    was == is || ((is_last(before, old) || is_last(after, new)) && without_ending(was) == without_ending(is))
}

fn is_last(text: &str, entry: &Entry) -> bool {
    entry.span.end == text.len()
}

fn without_ending(raw: &str) -> &str {
    raw.trim_end_matches(['\r', '\n'])
}
