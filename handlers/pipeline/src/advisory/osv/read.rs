//! Reading the members of a record: each on its own, from its raw text.

use super::super::RangeEvent;
use super::super::severity::Rating;
use super::Affected;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

pub(super) const ID_BYTES_MAX: usize = 256;
const NAME_BYTES_MAX: usize = 1024;
pub(super) const SUMMARY_CHARS_MAX: usize = 200;
pub(super) const RANGES_MAX: usize = 5_000;
const EVENTS_MAX: usize = 10_000;
pub(super) const VERSIONS_MAX: usize = 100_000;
const ODDITIES_MAX: usize = 20;

/// Members of an object; of several with one name the last counts.
pub(super) type Members<'a> = BTreeMap<String, &'a RawValue>;

pub(super) fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= ID_BYTES_MAX
        && !text.chars().any(|character| character.is_control() || character == ' ')
}

/// Reads members one by one, and keeps what was odd.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) oddities: Vec<String>,
}

impl Reader {
    pub(super) fn odd(&mut self, what: String) {
        if self.oddities.len() < ODDITIES_MAX {
            self.oddities.push(what);
        }
    }

    /// A member that is absent, or `null`, is not odd; one of another type is.
    pub(super) fn read<'a, T: Deserialize<'a>>(&mut self, members: &Members<'a>, name: &str) -> Option<T> {
        let raw = members.get(name).filter(|raw| raw.get() != "null")?;
        let read = serde_json::from_str(raw.get());
        read.map_err(|error| self.odd(format!("{name}: {error}"))).ok()
    }

    pub(super) fn text(&mut self, members: &Members<'_>, name: &str, bytes_max: usize) -> Option<String> {
        let text: String = self.read(members, name)?;
        if text.len() > bytes_max {
            self.odd(format!("{name}: more than {bytes_max} bytes"));
            return None;
        }
        Some(text)
    }

    pub(super) fn list<'a>(&mut self, members: &Members<'a>, name: &str, items_max: usize) -> Vec<&'a RawValue> {
        let mut items: Vec<&RawValue> = self.read(members, name).unwrap_or_default();
        if items.len() > items_max {
            self.odd(format!("{name}: only the first {items_max} of {} are read", items.len()));
            items.truncate(items_max);
        }
        items
    }

    pub(super) fn texts(&mut self, members: &Members<'_>, name: &str, items_max: usize) -> Vec<String> {
        let mut texts = Vec::new();
        for item in self.list(members, name, items_max) {
            match serde_json::from_str::<String>(item.get()) {
                Ok(text) if text.len() <= ID_BYTES_MAX => texts.push(text),
                Ok(_) => self.odd(format!("{name}: an item of more than {ID_BYTES_MAX} bytes")),
                Err(error) => self.odd(format!("{name}: {error}")),
            }
        }
        texts
    }

    pub(super) fn summary(&mut self, members: &Members<'_>) -> String {
        let summary = self.read::<String>(members, "summary").filter(|text| !text.trim().is_empty());
        let text = summary.or_else(|| self.read(members, "details")).unwrap_or_default();
        let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        let line: String = line.chars().filter(|character| !character.is_control()).collect();
        match line.char_indices().nth(SUMMARY_CHARS_MAX) {
            Some((cut, _)) => format!("{}…", line.get(..cut).unwrap_or_default().trim_end()),
            None => line,
        }
    }

    /// Vectors in `severity`; and what databases say in their own members: `database_specific.severity` (GHSA, in a word),
    /// `.cvss` (a vector, a number or an object), `ecosystem_specific.severity` (a word).
    pub(super) fn rating(&mut self, members: &Members<'_>) -> Rating {
        let mut rating = Rating::default();
        for item in self.list(members, "severity", 100) {
            let entry: Option<Members> = serde_json::from_str(item.get()).ok();
            let score = entry.and_then(|entry| statement(entry.get("score")?));
            if !score.is_some_and(|score| rating.note(&score)) {
                self.odd(format!("severity: not a vector, score or word: {}", excerpt(item.get())));
            }
        }
        for place in ["database_specific", "ecosystem_specific"] {
            // These members have no schema: what is not understood in them is not odd.
            let Some(own) = members.get(place).and_then(|raw| serde_json::from_str::<Members>(raw.get()).ok()) else {
                continue;
            };
            own.get("severity").and_then(|raw| statement(raw)).map(|text| rating.note(&text));
            let Some(cvss) = own.get("cvss") else { continue };
            if let Some(text) = statement(cvss) {
                rating.note(&text);
            } else if let Ok(object) = serde_json::from_str::<Members>(cvss.get()) {
                let names = ["vectorString", "vector", "score", "baseScore"];
                let said = names.iter().find_map(|name| statement(object.get(*name)?).filter(|text| !text.is_empty()));
                said.map(|text| rating.note(&text));
            }
        }
        rating
    }

    pub(super) fn affected(&mut self, entry: &RawValue) -> Result<Affected, String> {
        let members: Members = serde_json::from_str(entry.get()).map_err(|error| error.to_string())?;
        let package: Members = self.read(&members, "package").ok_or("it names no package")?;
        let ecosystem = self.text(&package, "ecosystem", ID_BYTES_MAX).ok_or("it names no ecosystem")?;
        let name = self
            .text(&package, "name", NAME_BYTES_MAX)
            .filter(|name| !name.is_empty())
            .ok_or("its package has no name")?;
        let mut ranges = Vec::new();
        for range in self.list(&members, "ranges", RANGES_MAX) {
            ranges.extend(self.range(range));
        }
        let own: Option<Members> =
            members.get("database_specific").and_then(|raw| serde_json::from_str(raw.get()).ok());
        Ok(Affected {
            ecosystem,
            name,
            rating: self.rating(&members),
            informational: own.and_then(|own| serde_json::from_str(own.get("informational")?.get()).ok()),
            ranges,
            versions: self.texts(&members, "versions", VERSIONS_MAX),
        })
    }

    fn range(&mut self, range: &RawValue) -> Option<Vec<RangeEvent>> {
        let Ok(members) = serde_json::from_str::<Members>(range.get()) else {
            self.odd(format!("ranges: not an object: {}", excerpt(range.get())));
            return None;
        };
        let kind: String = self.read(&members, "type").unwrap_or_default();
        match kind.as_str() {
            "SEMVER" | "ECOSYSTEM" => {}
            "GIT" => return None,
            other => {
                self.odd(format!("ranges: unknown type `{}`", excerpt(other)));
                return None;
            }
        }
        let mut events = Vec::new();
        for item in self.list(&members, "events", EVENTS_MAX) {
            events.extend(self.events(item));
        }
        Some(events)
    }

    /// One event; of the older form `{"introduced", "fixed"}` two.
    fn events(&mut self, item: &RawValue) -> Vec<RangeEvent> {
        let Ok(members) = serde_json::from_str::<Members>(item.get()) else {
            self.odd(format!("events: not an object: {}", excerpt(item.get())));
            return Vec::new();
        };
        let mut events = Vec::new();
        for name in ["introduced", "fixed", "last_affected", "limit"] {
            let Some(raw) = members.get(name).filter(|raw| raw.get() != "null") else { continue };
            let Some(version) = statement(raw).filter(|version| version.len() <= ID_BYTES_MAX) else {
                self.odd(format!("events: {name} is not a version: {}", excerpt(raw.get())));
                continue;
            };
            events.push(match name {
                "introduced" => RangeEvent::Introduced(version),
                "fixed" => RangeEvent::Fixed(version),
                "last_affected" => RangeEvent::LastAffected(version),
                _ => RangeEvent::Limit(version),
            });
        }
        if events.is_empty() {
            self.odd(format!("events: nothing known in {}", excerpt(item.get())));
        }
        events
    }
}

/// A text, or a number as text.
fn statement(raw: &RawValue) -> Option<String> {
    if raw.get().starts_with(|first: char| first.is_ascii_digit()) && raw.get().len() <= 32 {
        return Some(raw.get().to_owned());
    }
    serde_json::from_str(raw.get()).ok()
}

fn excerpt(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(80).collect()
}
