//! The `--hash` options of a requirement, in the layout that they have.

use super::edit::Splice;
use detectors::dependency::pip::requirement::Requirement;
use std::collections::BTreeSet;

/// Puts `new` in place of the hashes of `requirement`, which has some. Nothing changes if they are the same.
pub fn replace(text: &str, requirement: &Requirement, new: &[String], splices: &mut Vec<Splice>) {
    let old = &requirement.hashes;
    let values: Vec<_> = old.iter().map(|hash| hash.value.as_str()).collect();
    let mut seen = BTreeSet::new();
    let mut new: Vec<_> = new.iter().map(String::as_str).filter(|hash| seen.insert(*hash)).collect();
    if values.iter().copied().collect::<BTreeSet<_>>() == seen {
        return;
    }
    if values.is_sorted() {
        new.sort_unstable();
    }
    let Some(layout) = Layout::of(text, requirement) else { return };
    for (hash, value) in old.iter().zip(&new) {
        splices.push((hash.range.clone(), format!("{}{value}", layout.option)));
    }
    let surplus = old.get(new.len()..).unwrap_or_default();
    for hash in surplus {
        let kept = text[..hash.range.start].trim_end_matches(is_gap);
        splices.push((kept.len()..hash.range.end, String::new()));
    }
    let more = new.get(old.len()..).unwrap_or_default();
    if let Some(last) = old.last().filter(|_| !more.is_empty()) {
        splices.push((last.range.end..last.range.end, layout.write(more.iter().copied())));
    }
}

/// How hashes are written: what stands before each of them, and the option itself.
pub struct Layout<'a> {
    separator: &'a str,
    option: &'a str,
}

impl<'a> Layout<'a> {
    /// The layout of a requirement that has hashes.
    pub fn of(text: &'a str, requirement: &Requirement) -> Option<Self> {
        let first = requirement.hashes.first()?;
        let option = text.get(first.range.clone())?.strip_suffix(first.value.as_str());
        let gap = |from: usize, to: usize| text.get(from..to).filter(|gap| !gap.is_empty() && gap.chars().all(is_gap));
        let separator = match requirement.hashes.as_slice() {
            [.., before, last] => gap(before.range.end, last.range.start),
            _ => gap(requirement.range.end, first.range.start),
        };
        // An option in quotation marks, or one among others, is followed by plain ones.
        let plain = option.filter(|option| !option.contains(['"', '\'']));
        Some(Self { separator: separator.unwrap_or(" "), option: plain.unwrap_or("--hash=") })
    }

    /// The options of `hashes`, with what separates them from what stands before.
    pub fn write<'b>(&self, hashes: impl Iterator<Item = &'b str>) -> String {
        hashes.map(|hash| format!("{}{}{hash}", self.separator, self.option)).collect()
    }
}

fn is_gap(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\\' | '\r' | '\n')
}
