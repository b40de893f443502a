//! Where a new requirement goes, and how it is written there.

use super::edit::{AddEdit, EditError, Splice, check_text};
use super::hashes::Layout;
use detectors::dependency::pip::file::{Entry, RequirementsFile};
use detectors::dependency::pip::{comments_below, normalised};
use std::ops::Range;

/// The new lines, and where they go.
pub fn splice(file: &RequirementsFile, text: &str, edit: &AddEdit) -> Result<Splice, EditError> {
    check_text(&edit.version, &edit.hashes)?;
    // An empty name passes for one there.
    if edit.name.is_empty() || pep508_rs::PackageName::new(edit.name.clone()).is_err() {
        return Err(EditError::Invalid(edit.name.clone(), "it is not the name of a package".to_owned()));
    }
    let key = normalised(&edit.name);
    if let Some((line, _)) = file.requirements().find(|(_, known)| normalised(&known.name) == key) {
        return Err(EditError::AlreadyThere { path: edit.path.clone(), line, name: edit.name.clone() });
    }
    let lines = lines(file, text, edit)?;
    let at = place(file, text, &key);
    let eol = line_ending(text);
    // The last line of the file may have no ending: then the new one has none either.
    let written = if at > 0 && !text[..at].ends_with(['\n', '\r', '\u{b}', '\u{c}', '\u{feff}']) {
        format!("{eol}{}", lines.trim_end_matches(['\r', '\n']))
    } else {
        lines
    };
    Ok((at..at, written))
}

/// The line ending of the file's first line.
fn line_ending(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

fn lines(file: &RequirementsFile, text: &str, edit: &AddEdit) -> Result<String, EditError> {
    let eol = line_ending(text);
    let mut lines = format!("{}{}", edit.name, edit.after_name());
    if let Some((_, hashed)) = file.requirements().find(|(_, requirement)| !requirement.hashes.is_empty()) {
        let layout = Layout::of(text, hashed).filter(|_| !edit.hashes.is_empty());
        let layout = layout.ok_or_else(|| EditError::HashesMissing(edit.name.clone()))?;
        lines.push_str(&layout.write(edit.hashes.iter().map(String::as_str)));
    }
    let via: Vec<_> = edit.via.iter().filter(|via| !via.contains(['\r', '\n', '\\'])).map(String::as_str).collect();
    if file.compiled && !via.is_empty() {
        // Some files have the comment on the line of the requirement.
        let beside = file.entries.iter().filter(|entry| entry.requirement().is_some_and(|found| !found.via.is_empty()));
        let beside = beside
            .map(|entry| &text[entry.span.clone()])
            .any(|raw| raw.lines().next().is_some_and(|first| first.contains("# via")));
        lines.push_str(&match via.as_slice() {
            via if beside => format!("  # via {}", via.join(", ")),
            [via] => format!("{eol}    # via {via}"),
            via => format!("{eol}    # via{}", via.iter().map(|via| format!("{eol}    #   {via}")).collect::<String>()),
        });
    }
    lines.push_str(eol);
    Ok(lines)
}

fn place(file: &RequirementsFile, text: &str, key: &str) -> usize {
    let named: Vec<_> = file
        .entries
        .iter()
        .enumerate()
        .filter_map(|(at, entry)| {
            entry.requirement().filter(|found| found.address.is_none()).map(|found| (at, normalised(&found.name)))
        })
        .collect();
    let keys: Vec<_> = named.iter().map(|(_, key)| key.as_str()).collect();
    let run = sorted_run(&keys);
    // pip-compile sets setuptools and its like last, under a comment, out of order: the long run is what is sorted.
    let (run, sorted) = if run.len() * 2 > keys.len() { (run, true) } else { (0..keys.len(), false) };
    let next = named[run.clone()].iter().find(|(_, found)| sorted && found.as_str() > key);
    if let Some((at, _)) = next {
        return before(&file.entries, *at);
    }
    let Some((last, _)) = run.end.checked_sub(1).and_then(|last| named.get(last)) else { return text.len() };
    let last = last + comments_below(&file.entries[last + 1..]);
    file.entries.get(last).map_or(text.len(), |entry| entry.span.end)
}

/// The longest run of names in order.
fn sorted_run(keys: &[&str]) -> Range<usize> {
    let (mut best, mut start) = (0..0, 0);
    for end in 1..=keys.len() {
        if end == keys.len() || keys[end] < keys[end - 1] {
            if end - start > best.len() {
                best = start..end;
            }
            start = end;
        }
    }
    best
}

/// Before the entry and the comment that stands over it, but after the comments that open the file.
fn before(entries: &[Entry], at: usize) -> usize {
    let over = entries[..at].iter().rev().take_while(|entry| entry.is_comment() && !entry.indented).count();
    let is_heading = entries[..at - over].iter().any(|entry| entry.requirement().is_some());
    entries[if is_heading { at - over } else { at }].span.start
}
