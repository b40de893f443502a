//! Records that mean the same vulnerability, joined over all databases.
//!
//! Two records are the same vulnerability if one names the other in `aliases`, or both name a third id there, and so on:
//! the specification calls the relation symmetric and transitive. `related` says "another one, worth reading", and
//! `upstream` says "this package carries those": a distribution's record names several of them, which would glue
//! vulnerabilities together that have nothing in common but the day of an update. Neither is followed.
//!
//! Withdrawn records are dropped, along with the aliases that they claim.

use super::Advisory;
use super::alias::Aliases;
use super::osv::OsvRecord;
use super::severity::Rating;
use crate::version::Ecosystem;
use jiff::Timestamp;
use std::collections::HashMap;

/// Ids of one group. A larger one is no vulnerability but an accident in the data: its records keep what they say themselves.
const GROUP_IDS_MAX: usize = 256;

/// Takes records one by one, and joins them in the end. A record that comes twice counts once, in its newest form.
#[derive(Debug, Default)]
pub struct Merger {
    records: HashMap<String, Kept>,
}

#[derive(Debug)]
struct Kept {
    modified: Option<Timestamp>,
    withdrawn: bool,
    aliases: Vec<String>,
    rating: Rating,
    advisories: Vec<(Ecosystem, String, Advisory)>,
}

/// What one record says of one package, with the aliases and the severity of its group.
#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    /// Whose package.
    pub ecosystem: Ecosystem,
    /// Normalised name.
    pub name: String,
    /// When the record was last changed.
    pub modified: Option<Timestamp>,
    /// What it says.
    pub advisory: Advisory,
}

impl Merger {
    /// Takes up `record`.
    pub fn add(&mut self, record: &OsvRecord) {
        let known = self.records.get(&record.id);
        if known.is_some_and(|known| known.modified >= record.modified) {
            return;
        }
        let advisories = if record.withdrawn { Vec::new() } else { record.advisories() };
        let kept = Kept {
            modified: record.modified,
            withdrawn: record.withdrawn,
            aliases: record.aliases.clone(),
            rating: record.worst_rating(),
            advisories,
        };
        self.records.insert(record.id.clone(), kept);
    }

    /// How many records are withdrawn, and so left out.
    pub fn withdrawn(&self) -> usize {
        self.records.values().filter(|kept| kept.withdrawn).count()
    }

    /// All that the records say of packages, sorted by ecosystem, name and id.
    pub fn finish(mut self) -> Vec<Merged> {
        self.records.retain(|_, kept| !kept.withdrawn);
        let shared = self.shared();
        let mut merged: Vec<_> = self
            .records
            .into_iter()
            .flat_map(|(id, kept)| {
                let group = shared.get(&id);
                let modified = kept.modified;
                kept.advisories.into_iter().map(move |(ecosystem, name, mut advisory)| {
                    if let Some((ids, rating)) = group {
                        advisory.aliases = ids.iter().filter(|alias| **alias != advisory.id).cloned().collect();
                        advisory.score = rating.score;
                        advisory.rating = rating.word;
                        advisory.automatable = rating.automatable;
                        advisory.total_impact = rating.total_impact;
                    }
                    Merged { ecosystem, name, modified, advisory }
                })
            })
            .collect();
        let key =
            |one: &Merged| (one.ecosystem, one.name.clone(), one.advisory.id.clone(), one.advisory.release.clone());
        merged.sort_by_cached_key(key);
        merged
    }

    /// Sorted ids and the highest rating of the group of each record that has any alias.
    fn shared(&self) -> HashMap<String, (Vec<String>, Rating)> {
        let mut aliases = Aliases::default();
        for (id, kept) in self.records.iter().filter(|(_, kept)| !kept.aliases.is_empty()) {
            kept.aliases.iter().for_each(|alias| aliases.join(id, alias));
        }
        let mut shared = HashMap::new();
        for mut ids in aliases.groups().into_values().filter(|ids| ids.len() <= GROUP_IDS_MAX) {
            ids.sort_unstable();
            let records: Vec<_> = ids.iter().filter_map(|id| Some((*id, self.records.get(*id)?))).collect();
            let mut rating = Rating::default();
            records.iter().for_each(|(_, kept)| rating.join(&kept.rating));
            let all: Vec<_> = ids.iter().map(|id| (*id).to_owned()).collect();
            shared.extend(records.iter().map(|(id, _)| ((*id).to_owned(), (all.clone(), rating))));
        }
        shared
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records as `id: alias alias [severity word] [members]`, merged; for each record its closed aliases and its severity.
    fn check(records: &[(&str, &[&str], &str)], expect: &[(&str, &[&str], &str)]) {
        let mut merger = Merger::default();
        for (id, aliases, more) in records {
            let aliases = aliases.join("\",\"");
            let aliases = if aliases.is_empty() { String::new() } else { format!("\"{aliases}\"") };
            let package = r#""affected":[{"package":{"ecosystem":"npm","name":"a"}}]"#;
            let text = format!(r#"{{"id":"{id}","aliases":[{aliases}],{package}{more}}}"#);
            merger.add(&OsvRecord::parse(text.as_bytes()).expect(&text));
        }
        let merged = merger.finish();
        let found: Vec<_> = merged
            .iter()
            .map(|one| {
                let aliases: Vec<_> = one.advisory.aliases.iter().map(String::as_str).collect();
                (one.advisory.id.as_str(), aliases, one.advisory.severity().to_string())
            })
            .collect();
        let expect: Vec<_> =
            expect.iter().map(|(id, aliases, severity)| (*id, aliases.to_vec(), (*severity).to_owned())).collect();
        assert_eq!(found, expect);
    }

    const HIGH: &str = r#","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}]"#;
    const CRITICAL: &str = r#","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]"#;
    const TOTAL: &str = r#","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:L/AC:H/PR:N/UI:R/S:U/C:H/I:H/A:N"}]"#;
    const LOW_WORD: &str = r#","database_specific":{"severity":"LOW"}"#;
    const WITHDRAWN: &str = r#","withdrawn":"2024-01-01T00:00:00Z""#;

    #[test]
    fn aliases_are_closed_over_all_records() {
        check(
            &[("G-1", &["CVE-1"], ""), ("P-1", &["CVE-1"], ""), ("R-1", &["P-1"], ""), ("G-2", &["CVE-2"], "")],
            &[
                ("G-1", &["CVE-1", "P-1", "R-1"], "unknown"),
                ("G-2", &["CVE-2"], "unknown"),
                ("P-1", &["CVE-1", "G-1", "R-1"], "unknown"),
                ("R-1", &["CVE-1", "G-1", "P-1"], "unknown"),
            ],
        );
    }

    #[test]
    fn the_highest_severity_of_any_alias_counts_and_a_score_beats_a_word() {
        check(
            &[("G-1", &["CVE-1"], HIGH), ("P-1", &["CVE-1"], ""), ("CVE-1", &[], CRITICAL)],
            &[
                ("CVE-1", &["G-1", "P-1"], "critical"),
                ("G-1", &["CVE-1", "P-1"], "critical"),
                ("P-1", &["CVE-1", "G-1"], "critical"),
            ],
        );
        check(
            &[("G-1", &["CVE-1"], LOW_WORD), ("P-1", &["CVE-1"], HIGH)],
            &[("G-1", &["CVE-1", "P-1"], "high"), ("P-1", &["CVE-1", "G-1"], "high")],
        );
        check(
            &[("G-1", &["CVE-1"], LOW_WORD), ("P-1", &["CVE-1"], "")],
            &[("G-1", &["CVE-1", "P-1"], "low"), ("P-1", &["CVE-1", "G-1"], "low")],
        );
    }

    #[test]
    fn what_any_alias_says_of_an_attack_holds_for_all() {
        let mut merger = Merger::default();
        for (id, severity) in [("G-1", HIGH), ("P-1", ""), ("CVE-1", TOTAL), ("G-2", LOW_WORD)] {
            let alias = if id == "G-2" { "CVE-2" } else { "CVE-1" };
            let package = r#""affected":[{"package":{"ecosystem":"npm","name":"a"}}]"#;
            let text = format!(r#"{{"id":"{id}","aliases":["{alias}"],{package}{severity}}}"#);
            merger.add(&OsvRecord::parse(text.as_bytes()).expect(&text));
        }
        let merged = merger.finish();
        let found: Vec<_> = merged
            .iter()
            .map(|one| (one.advisory.id.as_str(), one.advisory.automatable, one.advisory.total_impact))
            .collect();
        assert_eq!(
            found,
            [("CVE-1", true, true), ("G-1", true, true), ("G-2", false, false), ("P-1", true, true)],
            "HIGH can be automated and gets little, TOTAL the other way round"
        );
    }

    #[test]
    fn related_and_upstream_join_nothing() {
        let related = r#","related":["CVE-2"],"upstream":["CVE-2"]"#;
        check(
            &[("G-1", &["CVE-1"], related), ("G-2", &["CVE-2"], "")],
            &[("G-1", &["CVE-1"], "unknown"), ("G-2", &["CVE-2"], "unknown")],
        );
    }

    #[test]
    fn withdrawn_records_are_dropped_with_their_aliases() {
        check(
            &[("G-1", &["CVE-1", "CVE-2"], WITHDRAWN), ("P-1", &["CVE-1"], ""), ("P-2", &["CVE-2"], "")],
            &[("P-1", &["CVE-1"], "unknown"), ("P-2", &["CVE-2"], "unknown")],
        );
    }

    #[test]
    fn of_two_copies_the_newest_counts() {
        let at = |year: u16, more: &str| format!(r#","modified":"{year}-01-01T00:00:00Z"{more}"#);
        check(
            &[("G-1", &[], &at(2024, HIGH)), ("G-1", &[], &at(2023, CRITICAL)), ("G-1", &[], &at(2022, WITHDRAWN))],
            &[("G-1", &[], "high")],
        );
        check(&[("G-1", &[], &at(2023, HIGH)), ("G-1", &[], &at(2024, WITHDRAWN))], &[]);
    }

    #[test]
    fn a_group_past_all_reason_is_not_joined() {
        let ids: Vec<String> = (0..GROUP_IDS_MAX).map(|at| format!("CVE-{at:04}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        check(
            &[("A-1", &ids, ""), ("B-1", &["CVE-0000"], HIGH)],
            &[("A-1", &ids, "unknown"), ("B-1", &["CVE-0000"], "high")],
        );
    }
}
