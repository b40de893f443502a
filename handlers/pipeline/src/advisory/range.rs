//! Whether a range holds a version: the evaluation algorithm of the OSV specification.
//!
//! Events are sorted by version and walked: `introduced` opens, `fixed` and a passed `last_affected` close; a version
//! beyond every `limit` is not held. Events of one version keep the order of the record. `SEMVER` and `ECOSYSTEM` ranges
//! are both read in the order of the ecosystem, which is that of SemVer wherever databases write `SEMVER`; `GIT` ranges
//! are left out when a record is read.
//!
//! A bound that the ecosystem can't read never hides a version:
//! - `introduced` counts from the place of the event before it in the record, or from the beginning;
//! - `fixed` and `last_affected` do not close, unless the record lists its versions: then the list alone decides, since it
//!   has to be complete by the specification and an end that nobody can read would flag every later release for ever;
//! - `limit` limits nothing.

use super::{Advisory, RangeEvent};
use crate::version::{Ecosystem, Version};

/// Ends that [`fixed_versions`] follows of one version; those beyond are not looked at. Records have a handful.
const ENDS_FOLLOWED_MAX: usize = 64;

/// Comparisons that [`without_redundant`] makes for one package: below a second. It only saves room, so that more is not worth it.
const COMPARISONS_MAX: usize = 10_000_000;

pub(super) fn affects(advisory: &Advisory, version: &Version) -> bool {
    Read::of(advisory, version.ecosystem()).affects(version)
}

pub(super) fn fixed_versions(advisory: &Advisory, ecosystem: Ecosystem, version: &Version) -> Vec<String> {
    let read = Read::of(advisory, ecosystem);
    let mut fixed: Vec<Version> = Vec::new();
    let mut seen: Vec<Version> = Vec::new();
    let mut waiting = vec![version.clone()];
    while let Some(held) = waiting.pop() {
        for end in read.ends(&held) {
            if seen.len() == ENDS_FOLLOWED_MAX {
                break;
            }
            if seen.contains(end) {
                continue;
            }
            seen.push(end.clone());
            // Ranges may overlap: where one ends, another may still hold.
            if read.affects(end) { waiting.push(end.clone()) } else { fixed.push(end.clone()) }
        }
    }
    fixed.sort();
    fixed.iter().map(|version| version.as_str().to_owned()).collect()
}

/// Drops the listed versions that a range holds anyway. Nothing is dropped where a range has an end that can't be read, or where it would take
/// more than [`COMPARISONS_MAX`].
pub(super) fn without_redundant(
    ecosystem: Ecosystem,
    ranges: &[Vec<RangeEvent>],
    versions: Vec<String>,
) -> Vec<String> {
    let events: usize = ranges.iter().map(|events| events.len() + 1).sum();
    if versions.len().saturating_mul(events) > COMPARISONS_MAX {
        return versions;
    }
    let ranges: Vec<_> = ranges.iter().map(|events| Range::read(ecosystem, events)).collect();
    if ranges.iter().any(|range| range.has_unreadable_end) {
        return versions;
    }
    let is_held = |text: &String| {
        Version::parse(ecosystem, text).is_ok_and(|version| ranges.iter().any(|range| range.holds(&version)))
    };
    versions.into_iter().filter(|text| !is_held(text)).collect()
}

/// The ranges of an advisory, read once.
struct Read<'a> {
    advisory: &'a Advisory,
    ecosystem: Ecosystem,
    ranges: Vec<Range>,
}

impl<'a> Read<'a> {
    fn of(advisory: &'a Advisory, ecosystem: Ecosystem) -> Self {
        let ranges = advisory.ranges.iter().map(|events| Range::read(ecosystem, events)).collect();
        Self { advisory, ecosystem, ranges }
    }

    fn affects(&self, version: &Version) -> bool {
        let listed = &self.advisory.versions;
        let in_range = |range: &Range| (listed.is_empty() || !range.has_unreadable_end) && range.holds(version);
        self.ranges.iter().any(in_range)
            || self.advisory.lists(version.as_str())
            || listed.iter().any(|listed| read_version(self.ecosystem, listed).is_some_and(|listed| listed == *version))
    }

    /// The first fixed version after `version` of each range that holds it.
    fn ends(&self, version: &Version) -> impl Iterator<Item = &Version> {
        self.ranges.iter().filter(move |range| range.holds(version)).filter_map(move |range| range.end_after(version))
    }
}

/// As the ecosystem writes it, or as a `SEMVER` range writes it: without the `v` that Go has.
fn read_version(ecosystem: Ecosystem, text: &str) -> Option<Version> {
    let version = Version::parse(ecosystem, text).ok();
    version.or_else(|| Version::parse(ecosystem, &format!("v{text}")).ok())
}

#[derive(Clone, Copy, PartialEq)]
enum Edge {
    Introduced,
    Fixed,
    LastAffected,
}

struct Range {
    /// Sorted; `None` is the beginning.
    events: Vec<(Option<Version>, Edge)>,
    limits: Vec<Version>,
    has_unreadable_end: bool,
}

impl Range {
    fn read(ecosystem: Ecosystem, written: &[RangeEvent]) -> Self {
        let mut range =
            Self { events: Vec::with_capacity(written.len()), limits: Vec::new(), has_unreadable_end: false };
        let mut is_limitless = false;
        for event in written {
            match event {
                RangeEvent::Introduced(text) if text == "0" => range.events.push((None, Edge::Introduced)),
                RangeEvent::Introduced(text) => {
                    let before = || range.events.last().and_then(|(at, _)| at.clone());
                    let at = read_version(ecosystem, text).or_else(before);
                    range.events.push((at, Edge::Introduced));
                }
                RangeEvent::Fixed(text) => range.close(read_version(ecosystem, text), Edge::Fixed),
                RangeEvent::LastAffected(text) => range.close(read_version(ecosystem, text), Edge::LastAffected),
                RangeEvent::Limit(text) => match read_version(ecosystem, text) {
                    Some(limit) => range.limits.push(limit),
                    None => is_limitless = true,
                },
            }
        }
        if is_limitless {
            range.limits.clear();
        }
        range.events.sort_by(|(a, _), (b, _)| a.cmp(b));
        range
    }

    fn close(&mut self, at: Option<Version>, edge: Edge) {
        match at {
            Some(at) => self.events.push((Some(at), edge)),
            None => self.has_unreadable_end = true,
        }
    }

    fn holds(&self, version: &Version) -> bool {
        if !self.limits.is_empty() && !self.limits.iter().any(|limit| version < limit) {
            return false;
        }
        let mut is_held = false;
        for (at, edge) in &self.events {
            let order = at.as_ref().map_or(std::cmp::Ordering::Greater, |at| version.cmp(at));
            match edge {
                Edge::Introduced if order.is_ge() => is_held = true,
                Edge::Fixed if order.is_ge() => is_held = false,
                Edge::LastAffected if order.is_gt() => is_held = false,
                _ => {}
            }
        }
        is_held
    }

    fn end_after(&self, version: &Version) -> Option<&Version> {
        let (at, edge) = self.events.iter().find(|(at, edge)| match (edge, at) {
            (Edge::Fixed, Some(at)) => at > version,
            (Edge::LastAffected, Some(at)) => at >= version,
            _ => false,
        })?;
        at.as_ref().filter(|_| *edge == Edge::Fixed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `ranges`: events by `,`, ranges by `|`; `expect`: versions that are held, by blanks, and after `/` those that aren't.
    fn check(ecosystem: Ecosystem, ranges: &str, listed: &[&str], expect: &str) {
        let advisory = advisory(ranges, listed);
        let (held, free) = expect.split_once('/').expect("held / free");
        for (versions, is_affected) in [(held, true), (free, false)] {
            for text in versions.split_whitespace() {
                let version = Version::parse(ecosystem, text).expect(text);
                assert_eq!(advisory.affects(&version), is_affected, "{text} in {ranges} {listed:?}");
            }
        }
    }

    fn check_fixed(ecosystem: Ecosystem, ranges: &str, version: &str, expect: &[&str]) {
        let version = Version::parse(ecosystem, version).expect(version);
        assert_eq!(advisory(ranges, &[]).fixed_versions(ecosystem, &version), expect, "{version} in {ranges}");
    }

    fn advisory(ranges: &str, listed: &[&str]) -> Advisory {
        let event = |text: &str| match text.trim().split_once(' ').expect("kind and version") {
            ("introduced", at) => RangeEvent::Introduced(at.to_owned()),
            ("fixed", at) => RangeEvent::Fixed(at.to_owned()),
            ("last", at) => RangeEvent::LastAffected(at.to_owned()),
            ("limit", at) => RangeEvent::Limit(at.to_owned()),
            other => panic!("{other:?}"),
        };
        let ranges = ranges.split('|').filter(|range| !range.trim().is_empty());
        let ranges = ranges.map(|range| range.split(',').map(event).collect()).collect();
        Advisory { ranges, versions: listed.iter().map(ToString::to_string).collect(), ..Advisory::default() }
    }

    const NPM: Ecosystem = Ecosystem::Npm;
    const PYPI: Ecosystem = Ecosystem::PyPI;

    #[test]
    fn introduced_is_held_and_fixed_is_not() {
        check(NPM, "introduced 1.0.0, fixed 1.2.0", &[], "1.0.0 1.1.9 1.2.0-rc.1 / 0.9.9 1.0.0-rc.1 1.2.0 2.0.0");
    }

    #[test]
    fn zero_is_before_every_version() {
        check(NPM, "introduced 0, fixed 1.0.0", &[], "0.0.0 0.0.0-alpha 1.0.0-alpha / 1.0.0");
        check(PYPI, "introduced 0, fixed 1.0", &[], "0 0.dev0 1.0rc1 / 1.0 1 1.0.post1 1!0.1");
    }

    #[test]
    fn last_affected_is_held_itself() {
        check(NPM, "introduced 0, last 1.2.3", &[], "0.1.0 1.2.3 / 1.2.4-0 1.2.4");
        check(PYPI, "introduced 2.0, last 2.0", &[], "2.0 2 2.0.0 / 1.9 2.0.1 2.0.post1");
    }

    #[test]
    fn an_open_range_holds_all_that_follows() {
        check(NPM, "introduced 1.0.0", &[], "1.0.0 99.0.0 / 0.1.0");
    }

    #[test]
    fn events_are_sorted_by_version_whatever_their_order() {
        let expect = "0.5.0 1.5.0 / 1.0.0 1.4.0 2.0.0";
        check(NPM, "introduced 0, fixed 1.0.0, introduced 1.5.0, fixed 2.0.0", &[], expect);
        check(NPM, "fixed 2.0.0, introduced 1.5.0, fixed 1.0.0, introduced 0", &[], expect);
        check(NPM, "introduced 1.5.0, introduced 0, fixed 10.0.0, fixed 1.0.0", &[], "9.0.0 0.9.0 / 1.0.0 10.0.0");
    }

    #[test]
    fn events_of_one_version_keep_their_order() {
        check(NPM, "introduced 0, fixed 1.0.0, introduced 1.0.0, fixed 2.0.0", &[], "0.1.0 1.0.0 1.5.0 / 2.0.0");
        check(NPM, "introduced 1.0.0, fixed 1.0.0", &[], "/ 0.9.0 1.0.0 1.1.0");
    }

    #[test]
    fn any_of_several_ranges_suffices() {
        check(NPM, "introduced 0, fixed 1.0.0 | introduced 3.0.0, fixed 3.1.0", &[], "0.1.0 3.0.5 / 1.0.0 2.0.0 3.1.0");
    }

    #[test]
    fn a_range_without_introduced_holds_nothing() {
        check(NPM, "fixed 1.0.0", &[], "/ 0.1.0 1.0.0");
    }

    #[test]
    fn a_limit_cuts_off_and_the_furthest_of_several_counts() {
        check(NPM, "introduced 1.0.0, limit 2.0.0", &[], "1.0.0 1.9.0 / 2.0.0 3.0.0");
        check(NPM, "introduced 1.0.0, limit 2.0.0, limit 3.0.0", &[], "2.0.0 / 3.0.0");
        check(NPM, "introduced 1.0.0, limit *", &[], "2.0.0 / 0.1.0");
        check(NPM, "introduced 1.0.0, limit 2.0.0, limit *", &[], "2.5.0 / 0.1.0");
    }

    #[test]
    fn listed_versions_are_held_by_the_equality_of_the_ecosystem() {
        check(PYPI, "", &["1.0", "2.0-beta1"], "1.0 1 1.0.0 2.0b1 / 2.0 1.0.1");
        check(NPM, "introduced 0, fixed 1.0.0", &["2.0.0"], "0.1.0 2.0.0 / 1.0.0 2.0.1");
        assert!(advisory("", &["not a version"]).lists("not a version"));
    }

    #[test]
    fn a_bound_that_cannot_be_read_hides_nothing() {
        check(NPM, "introduced ?, fixed 1.0.0", &[], "0.1.0 / 1.0.0");
        check(NPM, "introduced 0, fixed 1.0.0, introduced ?, fixed 2.0.0", &[], "0.1.0 1.5.0 / 2.0.0");
        check(NPM, "introduced 1.0.0, fixed ?", &[], "1.0.0 9.0.0 / 0.1.0");
        check(NPM, "introduced 1.0.0, last ?", &[], "1.0.0 9.0.0 / 0.1.0");
    }

    #[test]
    fn the_list_decides_alone_where_an_end_cannot_be_read() {
        check(PYPI, "introduced 0, fixed 2004d!", &["1.0", "1.1"], "1.0 1.1 / 1.2");
        assert_eq!(
            without_redundant(PYPI, &advisory("introduced 0, fixed ?", &[]).ranges, vec!["1".to_owned()]),
            ["1"]
        );
    }

    #[test]
    fn listed_versions_are_held_against_ranges_only_while_that_is_quick() {
        let redundant = |ranges: usize, versions: usize| {
            let ranges = vec!["introduced 0, fixed 2.0.0"; ranges].join("|");
            without_redundant(NPM, &advisory(&ranges, &[]).ranges, vec!["1.0.0".to_owned(); versions]).len()
        };
        assert_eq!(redundant(1, 1_000), 0);
        let versions = COMPARISONS_MAX / (3 * 1_000);
        assert_eq!(redundant(1_000, versions), 0);
        assert_eq!(redundant(1_000, versions + 1), versions + 1);
    }

    #[test]
    fn the_fixed_version_is_the_one_that_ends_the_range() {
        check_fixed(NPM, "introduced 0, fixed 1.0.0, introduced 2.0.0, fixed 2.1.0", "0.5.0", &["1.0.0"]);
        check_fixed(NPM, "introduced 0, fixed 1.0.0, introduced 2.0.0, fixed 2.1.0", "2.0.5", &["2.1.0"]);
        check_fixed(NPM, "introduced 0, fixed 1.0.0", "1.0.0", &[]);
        check_fixed(NPM, "introduced 0, last 1.0.0, introduced 2.0.0, fixed 2.1.0", "0.5.0", &[]);
        check_fixed(NPM, "introduced 0", "0.5.0", &[]);
    }

    #[test]
    fn a_fixed_version_that_another_range_holds_is_followed_to_its_end() {
        check_fixed(NPM, "introduced 0, fixed 1.0.0 | introduced 0.9.0, fixed 1.1.0", "0.5.0", &["1.1.0"]);
        check_fixed(NPM, "introduced 0, fixed 1.0.0, introduced 1.0.0, fixed 1.2.0", "0.5.0", &["1.2.0"]);
        check_fixed(NPM, "introduced 0, fixed 1.10.0 | introduced 0, fixed 1.9.0", "0.5.0", &["1.10.0"]);
    }

    #[test]
    fn a_chain_of_overlapping_ranges_is_followed_only_so_far() {
        let chain = |length: usize| {
            (0..length).map(|at| format!("introduced {at}.0.0, fixed {}.5.0", at + 1)).collect::<Vec<_>>().join("|")
        };
        check_fixed(NPM, &chain(ENDS_FOLLOWED_MAX), "0.0.0", &["64.5.0"]);
        check_fixed(NPM, &chain(5000), "0.0.0", &[]);
    }

    proptest::proptest! {
        /// The walk over sorted events agrees with the definition for well-formed ranges: in some [introduced, fixed).
        #[test]
        fn well_formed_ranges_hold_what_they_say(cuts in proptest::collection::btree_set(0u64..40, 1..8), at in 0u64..40, turn in 0usize..8) {
            let cuts: Vec<_> = cuts.into_iter().collect();
            let mut events: Vec<_> = cuts.iter().enumerate().map(|(index, cut)| {
                let version = format!("{cut}.0.0");
                if index % 2 == 0 { RangeEvent::Introduced(version) } else { RangeEvent::Fixed(version) }
            }).collect();
            let turn = turn % events.len();
            events.rotate_left(turn);
            let advisory = Advisory { ranges: vec![events], ..Advisory::default() };
            let version = Version::parse(NPM, &format!("{at}.0.0")).expect("a version");
            let expect = cuts.iter().filter(|cut| **cut <= at).count() % 2 == 1;
            proptest::prop_assert_eq!(advisory.affects(&version), expect);
            for fixed in advisory.fixed_versions(NPM, &version) {
                let fixed = Version::parse(NPM, &fixed).expect("a version");
                proptest::prop_assert!(fixed > version && !advisory.affects(&fixed));
            }
        }
    }
}
