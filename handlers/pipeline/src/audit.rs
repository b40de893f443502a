//! Who decided what, as a chain: each entry has the hash of the one before it in its own. An entry that is edited, left out or moved breaks it.
//!
//! No key is in it: whoever may write all of the entries can make another chain. Kept elsewhere, the last hash shows that too.

use crate::ids::hash_of;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The hash before the first entry.
pub const BEGINNING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The form of what is hashed and exported.
const FORM: u32 = 1;

/// What somebody did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Let a fix be offered for review, or merged.
    Approved,
    /// Did not want a fix.
    Rejected,
    /// Wanted a case tried again.
    Retried,
    /// Wanted a fix made again upon its base.
    Rebased,
    /// Put a case off.
    Snoozed,
    /// Stopped all work, or that on a repository.
    Stopped,
    /// Let it go on.
    Resumed,
    /// Changed what is allowed.
    PolicyChanged,
    /// Merged a fix without people.
    Merged,
    /// Took back what was delivered.
    Undone,
    /// Said that a finding is none, or is to be lived with.
    Dismissed,
}

/// What is told to the audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// By which it is known: told again, it is not written again.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// Who: the login of a person, the name of an operator, or `suture`.
    pub who: String,
    /// What.
    pub act: Act,
    /// To what: a case, a repository, `everything`.
    pub about: String,
    /// Why, and how far: in the words of whoever did it.
    pub detail: String,
}

/// One line of the audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its place, from 1.
    pub number: u64,
    /// What was done.
    pub deed: Deed,
    /// The hash of the entry before.
    pub before: String,
    /// Its own.
    pub hash: String,
}

/// The first line of an export: what follows it, so that neither end can be cut off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The form of the lines.
    pub suture_audit: u32,
    /// The number of the first entry.
    pub first: u64,
    /// How many follow.
    pub entries: u64,
    /// The hash before the first.
    pub before: String,
    /// The hash of the last; where none follows, that before.
    pub hash: String,
}

/// Where a chain breaks, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    /// The line of an export, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for Break {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "line {}: {}", self.line, self.why)
    }
}

impl fmt::Display for Act {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Retried => "retried",
            Self::Rebased => "rebased",
            Self::Snoozed => "snoozed",
            Self::Stopped => "stopped",
            Self::Resumed => "resumed",
            Self::PolicyChanged => "policy_changed",
            Self::Merged => "merged",
            Self::Undone => "undone",
            Self::Dismissed => "dismissed",
        })
    }
}

/// The end of a chain, to which entries are added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// The number of the last entry; 0 before the first.
    pub number: u64,
    /// Its hash.
    pub hash: String,
}

impl Default for End {
    fn default() -> Self {
        Self { number: 0, hash: BEGINNING.to_owned() }
    }
}

impl End {
    /// The entry that follows with `deed`.
    pub fn follow(&self, deed: Deed) -> Entry {
        let number = self.number.saturating_add(1);
        Entry { number, hash: hash(number, &deed, &self.hash), deed, before: self.hash.clone() }
    }

    /// Why `entry` does not follow, if it does not.
    pub fn refuses(&self, entry: &Entry) -> Option<String> {
        let Entry { number, deed, before, .. } = entry;
        if *number != self.number.saturating_add(1) {
            return Some(format!("entry {number} follows entry {}", self.number));
        }
        if *before != self.hash {
            return Some(format!("entry {number} was written after another entry {}", self.number));
        }
        (entry.hash != hash(*number, deed, before)).then(|| format!("entry {number} was edited"))
    }
}

impl Entry {
    /// The end of the chain with it.
    pub fn end(&self) -> End {
        End { number: self.number, hash: self.hash.clone() }
    }
}

fn is_hash(text: &str) -> bool {
    text.len() == BEGINNING.len() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn hash(number: u64, deed: &Deed, before: &str) -> String {
    let Deed { id, at, who, act, about, detail } = deed;
    let (form, number) = (FORM.to_string(), number.to_string());
    hash_of(&["suture audit", &form, &number, id, &at.to_string(), who, &act.to_string(), about, detail, before])
}

/// `entries`, which follow on `before`, as JSON lines with their header.
pub fn export(before: &End, entries: &[Entry]) -> Result<String, serde_json::Error> {
    let header = Header {
        suture_audit: FORM,
        first: before.number.saturating_add(1),
        entries: entries.len() as u64,
        before: before.hash.clone(),
        hash: entries.last().map_or_else(|| before.hash.clone(), |last| last.hash.clone()),
    };
    let mut lines = serde_json::to_string(&header)? + "\n";
    for entry in entries {
        lines += &(serde_json::to_string(entry)? + "\n");
    }
    Ok(lines)
}

/// Holds the lines of an export against each other. The header, where nothing is wrong.
pub fn verify(export: &str) -> Result<Header, Break> {
    let broken = |line: u64, why: String| Err(Break { line, why });
    let mut lines = export.lines();
    let header: Header = match lines.next().map(serde_json::from_str) {
        Some(Ok(header)) => header,
        Some(Err(error)) => return broken(1, format!("this is no header of an audit: {error}")),
        None => return broken(1, "this is empty".to_owned()),
    };
    if header.suture_audit != FORM {
        return broken(1, format!("its form is {}, and {FORM} is known here", header.suture_audit));
    }
    let (Some(number), Some(_)) = (header.first.checked_sub(1), header.first.checked_add(header.entries)) else {
        return broken(1, "entries are counted from 1, and not so far".to_owned());
    };
    if !is_hash(&header.before) || !is_hash(&header.hash) {
        return broken(1, "it names what is no hash".to_owned());
    }
    let mut end = End { number, hash: header.before.clone() };
    if number == 0 && end.hash != BEGINNING {
        return broken(1, "it does not begin where audits begin".to_owned());
    }
    for (line, text) in (2..).zip(lines) {
        let entry: Entry = match serde_json::from_str(text) {
            Ok(entry) => entry,
            Err(error) => return broken(line, format!("this is no entry: {error}")),
        };
        if let Some(why) = end.refuses(&entry) {
            return broken(line, why);
        }
        end = entry.end();
    }
    let there = end.number - number;
    if there != header.entries {
        return broken(there + 1, format!("{there} entries follow, and {} are promised", header.entries));
    }
    if end.hash != header.hash {
        return broken(there + 1, "the last entry is not the one that is promised".to_owned());
    }
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn deed(number: usize, who: &str, detail: &str) -> Deed {
        Deed {
            id: format!("deed {number}"),
            at: Timestamp::UNIX_EPOCH,
            who: who.to_owned(),
            act: if number.is_multiple_of(2) { Act::Approved } else { Act::Stopped },
            about: "npm-0123456789ab".to_owned(),
            detail: detail.to_owned(),
        }
    }

    fn chain(deeds: &[(String, String)]) -> Vec<Entry> {
        let mut end = End::default();
        let entries = deeds.iter().enumerate().map(|(number, (who, detail))| {
            let entry = end.follow(deed(number, who, detail));
            end = entry.end();
            entry
        });
        entries.collect()
    }

    fn deeds() -> impl Strategy<Value = Vec<(String, String)>> {
        vec(("\\PC{0,8}", "\\PC{0,30}"), 1..12)
    }

    proptest! {
        #[test]
        fn whole_chains_hold_from_any_entry_on(deeds in deeds(), from in any::<prop::sample::Index>()) {
            let entries = chain(&deeds);
            let from = from.index(entries.len());
            let before = from.checked_sub(1).map_or_else(End::default, |last| entries[last].end());
            let header = verify(&export(&before, &entries[from..]).unwrap()).unwrap();
            prop_assert_eq!((header.entries, &header.hash), ((entries.len() - from) as u64, &entries.last().unwrap().hash));
        }

        #[test]
        fn lines_that_are_dropped_or_swapped_are_found(deeds in deeds(), one in any::<prop::sample::Index>(), other in any::<prop::sample::Index>()) {
            let whole = export(&End::default(), &chain(&deeds)).unwrap();
            let lines: Vec<&str> = whole.lines().collect();
            let (one, other) = (one.index(lines.len()), other.index(lines.len()));
            let mut dropped = lines.clone();
            dropped.remove(one);
            prop_assert!(verify(&dropped.join("\n")).is_err(), "without line {}", one + 1);
            let mut twice = lines.clone();
            twice.insert(one, lines[one]);
            prop_assert!(verify(&twice.join("\n")).is_err(), "with line {} twice", one + 1);
            let mut swapped = lines.clone();
            swapped.swap(one, other);
            prop_assert_eq!(verify(&swapped.join("\n")).is_ok(), one == other, "with lines {} and {} swapped", one + 1, other + 1);
        }

        #[test]
        fn lines_that_are_edited_are_found(deeds in deeds(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let whole = export(&End::default(), &chain(&deeds)).unwrap();
            let mut bytes = whole.clone().into_bytes();
            let at = at.index(bytes.len() - 1);
            bytes[at] = byte;
            let Ok(edited) = String::from_utf8(bytes) else { return Ok(()) };
            // What is read of it may still be the same: white space, and other ways to write a character.
            let read = |text: &str| -> Vec<serde_json::Value> {
                text.lines().map(|line| serde_json::from_str(line).unwrap_or_default()).collect()
            };
            prop_assert_eq!(verify(&edited).is_ok(), read(&edited) == read(&whole), "byte {} is {}", at, byte);
        }
    }

    #[test]
    fn breaks_say_where_and_why() {
        let whole = export(
            &End::default(),
            &chain(&[("ada".to_owned(), "yes".to_owned()), ("bo".to_owned(), "no".to_owned())]),
        )
        .unwrap();
        for (text, expected) in [
            (String::new(), "line 1: this is empty"),
            ("{}".to_owned(), "line 1: this is no header of an audit: missing field `suture_audit` at line 1 column 2"),
            (whole.replace("yes", "never"), "line 2: entry 1 was edited"),
            (whole.replace("\"number\":2", "\"number\":3"), "line 3: entry 3 follows entry 1"),
            (whole.lines().take(2).collect::<Vec<_>>().join("\n"), "line 2: 1 entries follow, and 2 are promised"),
            (whole.replace("\"suture_audit\":1", "\"suture_audit\":2"), "line 1: its form is 2, and 1 is known here"),
        ] {
            assert_eq!(verify(&text).unwrap_err().to_string(), expected);
        }
    }
}
