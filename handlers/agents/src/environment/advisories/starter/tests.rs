use super::*;
use crate::environment::advisories::zips::tests::real_records;
use pipeline::advisory::{Advisory, RangeEvent};
use pipeline::version::{Ecosystem, Version};
use std::collections::BTreeSet;

#[test]
fn there_are_a_hundred_advisories_and_more_of_each_ecosystem() {
    let raw: Vec<&RawValue> = serde_json::from_str(RECORDS).expect("a list");
    assert_eq!(records().count(), raw.len(), "each of them can be read");
    assert!(raw.len() >= 100);
    for ecosystem in [Ecosystem::Npm, Ecosystem::PyPI] {
        assert!(MERGED.iter().filter(|merged| merged.ecosystem == ecosystem).count() >= 50, "{ecosystem}");
    }
}

#[test]
fn each_advisory_is_whole_and_each_range_ends_with_a_fix() {
    let mut ids = BTreeSet::new();
    for record in records() {
        assert!(ids.insert(record.id.clone()), "{} is there twice", record.id);
        assert!(record.oddities.is_empty() && !record.withdrawn, "{}: {:?}", record.id, record.oddities);
        assert!((10..=100).contains(&record.summary.len()), "{}", record.summary);
        for (ecosystem, name, advisory) in record.advisories() {
            for events in &advisory.ranges {
                let mut at: Option<Version> = None;
                for pair in events.chunks(2) {
                    let [RangeEvent::Introduced(from), RangeEvent::Fixed(to)] = pair else {
                        panic!("{}: {pair:?}", record.id)
                    };
                    let read = |text: &str| Version::parse(ecosystem, text).expect(text);
                    let from = (from != "0").then(|| read(from));
                    assert!(at.is_none() || (from.is_some() && at <= from), "{} is not in order", record.id);
                    assert!(from.is_none_or(|from| from < read(to)), "{} ends before it begins", record.id);
                    at = Some(read(to));
                }
                assert!(at.is_some(), "{} {name} has no range", record.id);
            }
        }
    }
}

/// Where GitHub's and PyPA's databases are of different opinions on a bound: the set follows GitHub's.
const DISPUTED: [(&str, &str); 3] = [
    ("GHSA-232r-66cg-79px", "2.4.0 is affected: PyPA's range leaves out 2.4"),
    ("GHSA-3pqx-4fqf-j49f", "the fix is in the release 5.2; PyPA names its beta"),
    ("GHSA-q2q7-5pp4-w6pg", "the regular expression came with 1.25.4; PyPA says from the beginning"),
];

/// A real record on the same CVE and package agrees: what we call fixed is fixed there, and no version that it lists as
/// affected is free here, nor the other way round.
#[test]
fn real_records_on_the_same_cve_agree() {
    let real = real_records();
    if real.is_empty() {
        return;
    }
    let mut ours: BTreeMap<(Ecosystem, String, String), Advisory> = BTreeMap::new();
    for merged in MERGED.iter() {
        for cve in merged.advisory.aliases.iter().filter(|alias| alias.starts_with("CVE-")) {
            ours.insert((merged.ecosystem, merged.name.clone(), cve.clone()), merged.advisory.clone());
        }
    }
    let (mut compared, mut disputed, mut differ) = (0, 0, Vec::new());
    for record in real.iter().filter(|record| !record.withdrawn) {
        for (ecosystem, name, theirs) in record.advisories() {
            for cve in &record.aliases {
                let Some(our) = ours.get(&(ecosystem, name.clone(), cve.clone())) else { continue };
                compared += 1;
                let listed = record.affected.iter().flat_map(|affected| &affected.versions);
                let bounds = theirs.ranges.iter().chain(&our.ranges).flatten().map(|event| match event {
                    RangeEvent::Introduced(at) | RangeEvent::Fixed(at) => at,
                    RangeEvent::LastAffected(at) | RangeEvent::Limit(at) => at,
                });
                let versions: BTreeSet<_> = listed.chain(bounds).collect();
                let versions = versions.iter().filter_map(|text| Version::parse(ecosystem, text).ok());
                let other = versions.filter(|at| our.affects(at) != theirs.affects(at));
                let other: Vec<_> = other.map(|at| at.to_string()).collect();
                if !other.is_empty() && DISPUTED.iter().any(|(id, _)| *id == our.id) {
                    disputed += 1;
                } else if !other.is_empty() {
                    differ.push(format!("{} {name}, {}: {other:?}; theirs {:?}", our.id, record.id, theirs.ranges));
                }
            }
        }
    }
    println!("{compared} compared");
    assert!(compared >= 40, "{compared}");
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    assert_eq!(disputed, DISPUTED.len(), "a dispute that is over");
}
