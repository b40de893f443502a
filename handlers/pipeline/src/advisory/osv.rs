//! OSV records, read with tolerance: whatever is odd in one is said and left out, and the rest of it counts.
//!
//! A record is lost only if it is no JSON object, has no id, or is larger than [`RECORD_BYTES_MAX`]. Members that nobody
//! here knows are passed over. Each member is read on its own from its raw text, one level at a time, so that neither
//! depth nor a surprise in one place can cost the others.

use super::severity::Rating;
use super::{Advisory, RangeEvent, normalised_name, range};
use crate::version::Ecosystem;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Bytes of one record. The largest known ones (kernels, distributions) have a few MiB.
pub const RECORD_BYTES_MAX: usize = 16 << 20;
const ID_BYTES_MAX: usize = 256;
const NAME_BYTES_MAX: usize = 1024;
const SUMMARY_CHARS_MAX: usize = 200;
const ALIASES_MAX: usize = 1000;
const AFFECTED_MAX: usize = 20_000;
const RANGES_MAX: usize = 5_000;
const EVENTS_MAX: usize = 10_000;
const VERSIONS_MAX: usize = 100_000;
const ODDITIES_MAX: usize = 20;

/// A record of which nothing can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OsvError {
    /// Larger than [`RECORD_BYTES_MAX`].
    #[error("the record has {bytes} bytes, more than {RECORD_BYTES_MAX}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Not UTF-8, not JSON, or not an object.
    #[error("not a JSON object: {0}")]
    NotAnObject(String),
    /// Without an id nothing can be said of it.
    #[error("the record has no usable `id`")]
    NoId,
}

/// What Suture takes from one OSV record.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OsvRecord {
    /// `GHSA-…`, `PYSEC-…`, …
    pub id: String,
    /// When it was last changed.
    pub modified: Option<Timestamp>,
    /// It no longer holds.
    pub withdrawn: bool,
    /// Ids of the same vulnerability in other databases. `related` and `upstream` are not: see [`super::merge`].
    pub aliases: Vec<String>,
    /// One line; the first of `details` where there is no `summary`.
    pub summary: String,
    /// Severity of the whole record.
    pub rating: Rating,
    /// Packages.
    pub affected: Vec<Affected>,
    /// What was odd and has been left out, with the place.
    pub oddities: Vec<String>,
}

/// One package of a record.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Affected {
    /// As written: `npm`, `Debian:12`, or one that Suture doesn't know.
    pub ecosystem: String,
    /// As written.
    pub name: String,
    /// Severity for this package, where it has one of its own.
    pub rating: Rating,
    /// RustSec: `unmaintained`, `unsound`, `notice`.
    pub informational: Option<String>,
    /// Ranges of versions; those of git commits are left out.
    pub ranges: Vec<Vec<RangeEvent>>,
    /// Versions listed one by one.
    pub versions: Vec<String>,
}

impl OsvRecord {
    /// Reads one record.
    pub fn parse(bytes: &[u8]) -> Result<Self, OsvError> {
        if bytes.len() > RECORD_BYTES_MAX {
            return Err(OsvError::TooLarge { bytes: bytes.len() });
        }
        let text = std::str::from_utf8(bytes).map_err(|error| OsvError::NotAnObject(error.to_string()))?;
        let text = text.trim_start_matches('\u{feff}');
        let members: Members = serde_json::from_str(text).map_err(|error| OsvError::NotAnObject(error.to_string()))?;
        let mut reader = Reader::default();
        let id = reader.text(&members, "id", ID_BYTES_MAX).filter(|id| is_id(id)).ok_or(OsvError::NoId)?;
        let mut record = Self {
            modified: reader.read(&members, "modified"),
            // A time that can't be read is odd, and the record stays in force.
            withdrawn: reader.read::<Timestamp>(&members, "withdrawn").is_some(),
            aliases: reader.texts(&members, "aliases", ALIASES_MAX),
            summary: reader.summary(&members),
            rating: reader.rating(&members),
            ..Self::default()
        };
        record.aliases.retain(|alias| is_id(alias) && *alias != id);
        record.id = id;
        for (at, entry) in reader.list(&members, "affected", AFFECTED_MAX).into_iter().enumerate() {
            match reader.affected(entry) {
                Ok(affected) => record.affected.push(affected),
                Err(reason) => reader.odd(format!("affected[{at}]: {reason}")),
            }
        }
        record.oddities = reader.oddities;
        Ok(record)
    }

    /// The compact form for each package of an ecosystem that Suture knows. Several entries of one package become one.
    pub fn advisories(&self) -> Vec<(Ecosystem, String, Advisory)> {
        let mut packages: BTreeMap<(Ecosystem, String, Option<String>), (Advisory, Rating)> = BTreeMap::new();
        for affected in &self.affected {
            let Ok(ecosystem) = affected.ecosystem.parse::<Ecosystem>() else { continue };
            let name = normalised_name(ecosystem, &affected.name).into_owned();
            let release = affected.ecosystem.split_once(':').map(|(_, release)| release.to_owned());
            let (advisory, rating) = packages.entry((ecosystem, name, release)).or_default();
            advisory.ranges.extend(affected.ranges.iter().cloned());
            advisory.versions.extend(affected.versions.iter().cloned());
            advisory.informational = advisory.informational.take().or_else(|| affected.informational.clone());
            rating.join(&affected.rating);
        }
        let compact = |((ecosystem, name, release), (advisory, rating)): (_, (Advisory, Rating))| {
            let rating = if rating.is_empty() { self.rating } else { rating };
            let versions = range::without_redundant(ecosystem, &advisory.ranges, advisory.versions);
            let advisory = Advisory {
                id: self.id.clone(),
                aliases: self.aliases.clone(),
                summary: self.summary.clone(),
                score: rating.score,
                rating: rating.word,
                malicious: self.id.starts_with("MAL-"),
                release,
                versions,
                ..advisory
            };
            (ecosystem, name, advisory)
        };
        packages.into_iter().map(compact).collect()
    }

    /// The highest severity that is said anywhere in the record.
    pub fn worst_rating(&self) -> Rating {
        let mut rating = self.rating;
        self.affected.iter().for_each(|affected| rating.join(&affected.rating));
        rating
    }
}

/// Members of an object; of several with one name the last counts.
type Members<'a> = BTreeMap<String, &'a RawValue>;

fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= ID_BYTES_MAX
        && !text.chars().any(|character| character.is_control() || character == ' ')
}

#[derive(Default)]
struct Reader {
    oddities: Vec<String>,
}

impl Reader {
    fn odd(&mut self, what: String) {
        if self.oddities.len() < ODDITIES_MAX {
            self.oddities.push(what);
        }
    }

    /// A member that is absent, or `null`, is not odd; one of another type is.
    fn read<'a, T: Deserialize<'a>>(&mut self, members: &Members<'a>, name: &str) -> Option<T> {
        let raw = members.get(name).filter(|raw| raw.get() != "null")?;
        let read = serde_json::from_str(raw.get());
        read.map_err(|error| self.odd(format!("{name}: {error}"))).ok()
    }

    fn text(&mut self, members: &Members<'_>, name: &str, bytes_max: usize) -> Option<String> {
        let text: String = self.read(members, name)?;
        if text.len() > bytes_max {
            self.odd(format!("{name}: more than {bytes_max} bytes"));
            return None;
        }
        Some(text)
    }

    fn list<'a>(&mut self, members: &Members<'a>, name: &str, items_max: usize) -> Vec<&'a RawValue> {
        let mut items: Vec<&RawValue> = self.read(members, name).unwrap_or_default();
        if items.len() > items_max {
            self.odd(format!("{name}: only the first {items_max} of {} are read", items.len()));
            items.truncate(items_max);
        }
        items
    }

    fn texts(&mut self, members: &Members<'_>, name: &str, items_max: usize) -> Vec<String> {
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

    fn summary(&mut self, members: &Members<'_>) -> String {
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
    fn rating(&mut self, members: &Members<'_>) -> Rating {
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

    fn affected(&mut self, entry: &RawValue) -> Result<Affected, String> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Severity;
    use proptest::prelude::*;

    /// Reads `record`, and expects this many packages and oddities.
    fn check(record: &str, packages: usize, oddities: &[&str]) -> OsvRecord {
        let read = OsvRecord::parse(record.as_bytes()).expect(record);
        assert_eq!(read.advisories().len(), packages, "{record}");
        assert_eq!(read.oddities.len(), oddities.len(), "{:?}", read.oddities);
        for (said, expect) in read.oddities.iter().zip(oddities) {
            assert!(said.contains(expect), "{said} has no {expect}");
        }
        read
    }

    const PACKAGE: &str = r#""package":{"ecosystem":"npm","name":"a"}"#;

    #[test]
    fn unknown_ecosystems_severities_and_members_cost_nothing() {
        check(r#"{"id":"A","affected":[{"package":{"ecosystem":"Atlantis:7","name":"a"}}]}"#, 0, &[]);
        check(
            &format!(r#"{{"id":"A","schema_version":"9","new":[[{{}}]],"affected":[{{{PACKAGE},"new":1}}]}}"#),
            1,
            &[],
        );
        let severity = r#"[{"type":"NEW","score":"12"},{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}]"#;
        let record = check(
            &format!(r#"{{"id":"A","severity":{severity},"affected":[{{{PACKAGE}}}]}}"#),
            1,
            &["severity: not a"],
        );
        assert_eq!(record.rating.score, Some(7.5));
    }

    #[test]
    fn an_odd_entry_costs_only_itself() {
        let odd = [
            ("7", "affected[0]"),
            ("{}", "names no package"),
            (r#"{"package":{"ecosystem":"npm"}}"#, "has no name"),
            (r#"{"package":{"name":"a"}}"#, "names no ecosystem"),
            (r#"{"package":"a"}"#, "package: invalid type"),
        ];
        for (entry, reason) in odd {
            let record = OsvRecord::parse(format!(r#"{{"id":"A","affected":[{entry},{{{PACKAGE}}}]}}"#).as_bytes())
                .expect(entry);
            assert_eq!(record.advisories().len(), 1, "{entry}");
            assert!(record.oddities.iter().any(|said| said.contains(reason)), "{entry}: {:?}", record.oddities);
        }
    }

    #[test]
    fn odd_members_cost_only_themselves() {
        check(
            &format!(r#"{{"id":"A","aliases":7,"modified":"soon","summary":[],"affected":[{{{PACKAGE}}}]}}"#),
            1,
            &["modified", "aliases", "summary"],
        );
        let ranges = r#"[7,{"type":"NEW","events":[]},{"type":"GIT","events":[{"introduced":"0"}]},{"type":"SEMVER","events":[{"introduced":0},{"new":"1"},{"fixed":"1.0.0"}]}]"#;
        let record = check(
            &format!(r#"{{"id":"A","affected":[{{{PACKAGE},"ranges":{ranges}}}]}}"#),
            1,
            &["not an object", "unknown type `NEW`", "nothing known"],
        );
        assert_eq!(
            record.affected[0].ranges,
            [[RangeEvent::Introduced("0".to_owned()), RangeEvent::Fixed("1.0.0".to_owned())]]
        );
    }

    #[test]
    fn withdrawn_takes_a_time() {
        assert!(check(r#"{"id":"A","withdrawn":"2024-01-02T03:04:05Z"}"#, 0, &[]).withdrawn);
        assert!(!check(r#"{"id":"A","withdrawn":null}"#, 0, &[]).withdrawn);
        assert!(!check(r#"{"id":"A","withdrawn":"soon"}"#, 0, &["withdrawn"]).withdrawn);
    }

    #[test]
    fn records_without_use_are_refused_with_the_reason() {
        for (bytes, expect) in [
            ("[]", "not a JSON object"),
            ("{", "not a JSON object"),
            ("{}", "no usable `id`"),
            (r#"{"id":""}"#, "no usable `id`"),
        ] {
            let error = OsvRecord::parse(bytes.as_bytes()).expect_err(bytes);
            assert!(error.to_string().contains(expect), "{error}");
        }
        assert!(OsvRecord::parse(b"\xff").is_err());
        assert_eq!(
            OsvRecord::parse(&vec![b' '; RECORD_BYTES_MAX + 1]),
            Err(OsvError::TooLarge { bytes: RECORD_BYTES_MAX + 1 })
        );
    }

    #[test]
    fn nesting_without_end_is_no_trouble() {
        let deep = format!(
            r#"{{"id":"A","references":{}{},"affected":[{{{PACKAGE}}}]}}"#,
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        check(&deep, 1, &[]);
        let deep = format!(
            r#"{{"id":"A","affected":[{{{PACKAGE},"ranges":{}{}}}]}}"#,
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        check(&deep, 1, &["not an object"]);
    }

    #[test]
    fn a_word_is_the_severity_where_no_vector_is() {
        let severity = |record: &str| OsvRecord::parse(record.as_bytes()).expect(record).advisories()[0].2.severity();
        let with = |own: &str| severity(&format!(r#"{{"id":"A","affected":[{{{PACKAGE}}}],{own}}}"#));
        assert_eq!(with(r#""database_specific":{"severity":"MODERATE"}"#), Severity::Medium);
        assert_eq!(
            with(
                r#""database_specific":{"severity":"CRITICAL"},"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N"}]"#
            ),
            Severity::Low
        );
        assert_eq!(
            with(
                r#""database_specific":{"cvss":{"score":8.1,"vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}}"#
            ),
            Severity::Critical
        );
        assert_eq!(with(r#""database_specific":{"cvss":"AV:N/AC:L/Au:N/C:N/I:N/A:C"}"#), Severity::High);
        assert_eq!(with(r#""database_specific":{"cvss":4.2}"#), Severity::Medium);
        assert_eq!(with(r#""database_specific":[]"#), Severity::Unknown);
        let own = severity(&format!(
            r#"{{"id":"A","database_specific":{{"severity":"LOW"}},"affected":[{{{PACKAGE},"severity":[{{"type":"Ubuntu","score":"high"}}]}}]}}"#
        ));
        assert_eq!(own, Severity::High);
        assert_eq!(severity(&format!(r#"{{"id":"MAL-2024-1","affected":[{{{PACKAGE}}}]}}"#)), Severity::Critical);
    }

    #[test]
    fn entries_of_one_package_become_one_and_listed_versions_of_a_range_are_left_out() {
        let ranges = |from: &str, to: &str| {
            format!(r#""ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"{from}"}},{{"fixed":"{to}"}}]}}]"#)
        };
        let package = |name: &str| format!(r#""package":{{"ecosystem":"PyPI","name":"{name}"}}"#);
        let one = format!(r#"{{{},{},"versions":["1.0","5.0"]}}"#, package("A.b"), ranges("0", "1.5"));
        let two = format!(r#"{{{},{}}}"#, package("a-B"), ranges("2.0", "2.5"));
        let record = check(&format!(r#"{{"id":"A","affected":[{one},{two}]}}"#), 1, &[]);
        let (_, name, advisory) = record.advisories().remove(0);
        assert_eq!((name.as_str(), advisory.ranges.len(), advisory.versions), ("a-b", 2, vec!["5.0".to_owned()]));
    }

    #[test]
    fn the_summary_is_one_bounded_line() {
        assert_eq!(
            check(r#"{"id":"A","summary":" ","details":"\n## Impact\u0007\nmore"}"#, 0, &[]).summary,
            "## Impact"
        );
        assert_eq!(
            check(&format!(r#"{{"id":"A","summary":"{}"}}"#, "ä".repeat(5000)), 0, &[]).summary.chars().count(),
            SUMMARY_CHARS_MAX + 1
        );
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            "[0-9.a-z*-]{0,8}|\\PC{0,8}|npm|PyPI|SEMVER|CVSS:3.1/AV:N".prop_map(Into::into),
        ];
        let key = "id|modified|withdrawn|aliases|summary|severity|score|affected|package|ecosystem|name|ranges|type|events|introduced|fixed|last_affected|limit|versions|database_specific|cvss";
        leaf.prop_recursive(6, 64, 6, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
                proptest::collection::btree_map(key, inner, 0..8)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_json_is_read_or_refused(json in any_json()) {
            if let Ok(record) = OsvRecord::parse(json.to_string().as_bytes()) {
                record.advisories();
            }
        }

        #[test]
        fn any_affected_is_read(affected in any_json()) {
            let text = format!(r#"{{"id":"A","affected":[{affected},{{{PACKAGE},"ranges":[{affected}],"versions":{affected}}}]}}"#);
            let record = OsvRecord::parse(text.as_bytes()).expect("an object with an id");
            let version = crate::version::Version::parse(Ecosystem::Npm, "1.2.3").expect("a version");
            for (_, _, advisory) in record.advisories() {
                advisory.affects(&version);
                advisory.fixed_versions(Ecosystem::Npm, &version);
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = OsvRecord::parse(&bytes);
        }
    }
}
