//! Results as people read them, and as programs do.

mod agents;
mod case;
mod learning;
mod policy;
mod scan;
mod timeline;
mod trace;

pub use agents::agents;
pub use case::{case_in_full, case_list, case_summary, heal_json};
pub use learning::{learning, learning_json};
pub use policy::policies;
pub use scan::{scan_json, scan_table};
pub use timeline::{grounds, timeline};
pub use trace::{message_json, message_tree};

use crate::Failure;
use comfy_table::{ContentArrangement, Table, presets};
use pipeline::finding::ScanError;
use pipeline::wording::plain;
use serde::Serialize;

/// Blanks before what is said of a case.
const INDENT: usize = 11;

/// `value` as JSON, ended by a newline.
pub fn json(value: &impl Serialize) -> Result<String, Failure> {
    Ok(serde_json::to_string_pretty(value).map_err(Failure::new)? + "\n")
}

/// What could not be read, where, and why: one line.
pub fn error_line(error: &ScanError) -> String {
    let line = error.line.map_or_else(String::new, |line| format!(":{line}"));
    let place = if error.path.is_empty() { String::new() } else { format!("{}{line}: ", error.path) };
    plain(&format!("{place}{}", error.message)).into_owned()
}

/// Lines for people about what stands beside findings and cases.
pub fn beside(errors: &[ScanError], notes: &[String], limits_hit: &[String]) -> String {
    let errors = errors.iter().map(|error| format!("note: {}\n", error_line(error)));
    let notes = notes.iter().map(|note| format!("note: {}\n", plain(note)));
    let limits = limits_hit.iter().map(|limit| format!("limit: {}\n", plain(limit)));
    errors.chain(notes).chain(limits).collect()
}

/// A table without lines, as wide as `columns` where that is known.
pub fn table(columns: Option<u16>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    match columns {
        Some(columns) => table.set_content_arrangement(ContentArrangement::Dynamic).set_width(columns),
        None => table.set_content_arrangement(ContentArrangement::Disabled),
    };
    table
}

/// `text` broken between words so that it fits `columns` with `indent` blanks before every line; the first has them already.
fn wrapped(text: &str, columns: Option<u16>, indent: usize) -> String {
    let Some(width) = columns.map(|columns| usize::from(columns).saturating_sub(indent)) else {
        return text.to_owned();
    };
    let mut wrapped = String::new();
    let mut used = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > width {
            wrapped.push('\n');
            wrapped.extend(std::iter::repeat_n(' ', indent));
            used = 0;
        } else if used > 0 {
            wrapped.push(' ');
            used += 1;
        }
        wrapped.push_str(word);
        used += length;
    }
    wrapped
}

/// The lines of `table` without the blanks at their ends.
fn lines(table: &Table) -> String {
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn lines_are_broken_between_words() {
        let check =
            |columns, expect: &str| assert_eq!(wrapped("one two three fourteen", columns, 2), expect, "{columns:?}");
        check(None, "one two three fourteen");
        check(Some(80), "one two three fourteen");
        check(Some(10), "one two\n  three\n  fourteen");
        check(Some(5), "one\n  two\n  three\n  fourteen");
        check(Some(0), "one\n  two\n  three\n  fourteen");
    }
}
