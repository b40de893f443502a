//! One vulnerability of one package version, whatever number of records tell of it.

use super::Advisory;
use super::alias::Aliases;
use crate::finding::Severity;
use crate::version::Version;
use std::collections::{BTreeMap, BTreeSet};

/// The advisories on one package version that mean the same vulnerability.
#[derive(Debug, Clone, PartialEq)]
pub struct AdvisoryGroup {
    /// The leading id: see [`groups`].
    pub id: String,
    /// Every record id and alias, sorted.
    pub ids: Vec<String>,
    /// The worst that any record says.
    pub severity: Severity,
    /// One line, of the record with the most preferred id that has one.
    pub summary: String,
    /// Whether a record says that the release was made to do harm.
    pub malicious: bool,
    /// Whether a record says that an attack can be automated.
    pub automatable: bool,
    /// Whether a record says that an attack gets everything.
    pub total_impact: bool,
    /// Whether a record is of a vulnerability that is known to be exploited.
    pub known_exploited: bool,
    /// The highest EPSS score of any record.
    pub epss: Option<f64>,
    /// What the group is instead of a vulnerability, where all of its records say so.
    pub informational: Option<String>,
    /// Versions that end an affected range, ascending: of all records, and affected by none of them.
    pub fixed_versions: Vec<String>,
}

/// Groups `advisories`, all of which affect `version`, by shared ids and aliases; the worst severity first.
///
/// Without a version that its ecosystem can read there are no fixed versions.
///
/// The leading id is the first of: `MAL-`, `CVE-`, `GHSA-`, any other; the least of its kind. CVE comes before the ids of
/// one database, since every database has it as an alias: so the id stays the same when the source of advisories changes.
pub fn groups(advisories: &[&Advisory], version: Option<&Version>) -> Vec<AdvisoryGroup> {
    let mut aliases = Aliases::default();
    for advisory in advisories {
        aliases.node(&advisory.id);
        for alias in &advisory.aliases {
            aliases.join(&advisory.id, alias);
        }
    }
    let mut members: BTreeMap<usize, Vec<&Advisory>> = BTreeMap::new();
    for advisory in advisories {
        members.entry(aliases.root_of(&advisory.id)).or_default().push(advisory);
    }
    let mut groups: Vec<_> = members.values().map(|members| group(members, version)).collect();
    groups.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.id.cmp(&b.id)));
    groups
}

fn group(members: &[&Advisory], version: Option<&Version>) -> AdvisoryGroup {
    let ids: BTreeSet<&String> = members.iter().flat_map(|member| member.aliases.iter().chain([&member.id])).collect();
    let mut by_preference = members.to_vec();
    by_preference.sort_by_key(|member| preference(&member.id));
    let summary = by_preference.iter().map(|member| &member.summary).find(|summary| !summary.is_empty());
    let is_informational = members.iter().all(|member| member.informational.is_some());
    AdvisoryGroup {
        id: ids.iter().min_by_key(|id| preference(id)).map(|id| (*id).clone()).unwrap_or_default(),
        ids: ids.iter().map(|id| (*id).clone()).collect(),
        severity: members.iter().map(|member| member.severity()).max().unwrap_or(Severity::Unknown),
        summary: summary.cloned().unwrap_or_default(),
        malicious: members.iter().any(|member| member.malicious),
        automatable: members.iter().any(|member| member.automatable),
        total_impact: members.iter().any(|member| member.total_impact),
        known_exploited: members.iter().any(|member| member.known_exploited),
        epss: members.iter().filter_map(|member| member.epss).reduce(f64::max),
        informational: by_preference.first().filter(|_| is_informational).and_then(|first| first.informational.clone()),
        fixed_versions: version.map_or_else(Vec::new, |version| fixed_versions(members, version)),
    }
}

fn preference(id: &str) -> (usize, &str) {
    let prefixes = ["MAL-", "CVE-", "GHSA-"];
    (prefixes.iter().position(|prefix| id.starts_with(prefix)).unwrap_or(prefixes.len()), id)
}

fn fixed_versions(members: &[&Advisory], version: &Version) -> Vec<String> {
    let ecosystem = version.ecosystem();
    let fixed = members.iter().flat_map(|member| member.fixed_versions(ecosystem, version));
    let mut fixed: Vec<_> = fixed.filter_map(|text| Version::parse(ecosystem, &text).ok()).collect();
    fixed.sort();
    fixed.dedup();
    // Two databases may disagree where it ends: a version that one of them still calls affected fixes nothing.
    fixed.retain(|fixed| !members.iter().any(|member| member.affects(fixed)));
    fixed.iter().map(|version| version.as_str().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advisory::RangeEvent;
    use crate::version::Ecosystem;

    fn advisory(id: &str, aliases: &[&str], score: f64, fixed: &str) -> Advisory {
        Advisory {
            id: id.to_owned(),
            aliases: aliases.iter().map(ToString::to_string).collect(),
            summary: format!("told by {id}"),
            score: Some(score),
            ranges: vec![vec![RangeEvent::Introduced("0".to_owned()), RangeEvent::Fixed(fixed.to_owned())]],
            ..Advisory::default()
        }
    }

    /// Groups that are expected: leading id, number of ids, severity, fixed versions.
    fn check(advisories: &[Advisory], expect: &[(&str, usize, Severity, &[&str])]) {
        let version = Version::parse(Ecosystem::Npm, "1.0.0").expect("a version");
        let groups = groups(&advisories.iter().collect::<Vec<_>>(), Some(&version));
        let found: Vec<_> = groups
            .iter()
            .map(|group| (group.id.as_str(), group.ids.len(), group.severity, group.fixed_versions.clone()))
            .collect();
        let expect: Vec<_> = expect
            .iter()
            .map(|(id, ids, severity, fixed)| {
                (*id, *ids, *severity, fixed.iter().map(ToString::to_string).collect::<Vec<_>>())
            })
            .collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn one_vulnerability_told_twice_is_one_group() {
        check(
            &[advisory("PYSEC-1", &["CVE-1"], 5.0, "1.5.0"), advisory("GHSA-1", &["CVE-1"], 9.8, "1.5.0")],
            &[("CVE-1", 3, Severity::Critical, &["1.5.0"])],
        );
    }

    #[test]
    fn other_vulnerabilities_stay_apart_the_worst_first() {
        check(
            &[
                advisory("GHSA-1", &[], 5.0, "1.5.0"),
                advisory("GHSA-2", &[], 7.5, "1.2.0"),
                advisory("GHSA-0", &[], 5.0, "1.5.0"),
            ],
            &[
                ("GHSA-2", 1, Severity::High, &["1.2.0"]),
                ("GHSA-0", 1, Severity::Medium, &["1.5.0"]),
                ("GHSA-1", 1, Severity::Medium, &["1.5.0"]),
            ],
        );
    }

    #[test]
    fn a_version_that_one_record_still_calls_affected_fixes_nothing() {
        check(
            &[advisory("GHSA-1", &["CVE-1"], 5.0, "1.5.0"), advisory("NSWG-1", &["CVE-1"], 5.0, "1.10.0")],
            &[("CVE-1", 3, Severity::Medium, &["1.10.0"])],
        );
    }

    #[test]
    fn the_leading_id_does_not_depend_on_the_order_or_the_source() {
        check(&[advisory("GHSA-1", &["MAL-1", "CVE-1"], 5.0, "2.0.0")], &[("MAL-1", 3, Severity::Medium, &["2.0.0"])]);
        check(&[advisory("ZZZ-1", &["GHSA-1"], 5.0, "2.0.0")], &[("GHSA-1", 2, Severity::Medium, &["2.0.0"])]);
        check(&[advisory("ZZZ-2", &["AAA-1"], 5.0, "2.0.0")], &[("AAA-1", 2, Severity::Medium, &["2.0.0"])]);
    }
}
