use super::read::SUMMARY_CHARS_MAX;
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
    check(&format!(r#"{{"id":"A","schema_version":"9","new":[[{{}}]],"affected":[{{{PACKAGE},"new":1}}]}}"#), 1, &[]);
    let severity =
        r#"[{"type":"NEW","score":"12"},{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}]"#;
    let record =
        check(&format!(r#"{{"id":"A","severity":{severity},"affected":[{{{PACKAGE}}}]}}"#), 1, &["severity: not a"]);
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
        let record =
            OsvRecord::parse(format!(r#"{{"id":"A","affected":[{entry},{{{PACKAGE}}}]}}"#).as_bytes()).expect(entry);
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
fn what_is_only_informational_says_what_it_is() {
    for (own, expect) in [(r#""unmaintained""#, Some("unmaintained")), ("null", None), ("7", None)] {
        let own = format!(r#""database_specific":{{"categories":[],"cvss":null,"informational":{own}}}"#);
        let record = check(&format!(r#"{{"id":"A","affected":[{{{PACKAGE},{own}}}]}}"#), 1, &[]);
        let (_, _, advisory) = record.advisories().remove(0);
        assert_eq!((advisory.informational.as_deref(), advisory.severity()), (expect, Severity::Unknown));
    }
}

#[test]
fn nesting_without_end_is_no_trouble() {
    let deep = format!(
        r#"{{"id":"A","references":{}{},"affected":[{{{PACKAGE}}}]}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    check(&deep, 1, &[]);
    let deep =
        format!(r#"{{"id":"A","affected":[{{{PACKAGE},"ranges":{}{}}}]}}"#, "[".repeat(100_000), "]".repeat(100_000));
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
fn entries_of_one_package_have_no_more_together_than_one_may_have() {
    let list = |count: usize, of: &str| vec![of; count].join(",");
    let entry = |name: &str, ranges: usize, versions: usize| {
        let ranges = list(ranges, r#"{"type":"ECOSYSTEM","events":[{"introduced":"9"}]}"#);
        let versions = list(versions, "\"1\"");
        format!(r#"{{"package":{{"ecosystem":"PyPI","name":"{name}"}},"ranges":[{ranges}],"versions":[{versions}]}}"#)
    };
    let read = |entries: &[String], packages, oddities: &[&str]| {
        check(&format!(r#"{{"id":"A","affected":[{}]}}"#, entries.join(",")), packages, oddities).advisories()
    };
    let (ranges, versions) = (RANGES_MAX / 2 + 1, VERSIONS_MAX / 2 + 1);
    let advisories = read(
        &[entry("a-b", ranges, versions), entry("A_b", ranges, versions), entry("a.b", 1, 1)],
        1,
        &["affected[1]: only the first", "affected[2]: only the first"],
    );
    let (_, _, advisory) = &advisories[0];
    assert_eq!((advisory.ranges.len(), advisory.versions.len()), (RANGES_MAX, VERSIONS_MAX));
    read(&[entry("a", ranges, versions), entry("b", ranges, versions)], 2, &[]);
}

#[test]
fn the_summary_is_one_bounded_line() {
    assert_eq!(check(r#"{"id":"A","summary":" ","details":"\n## Impact\u0007\nmore"}"#, 0, &[]).summary, "## Impact");
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

    /// A whole record with some bytes replaced, removed or doubled.
    #[test]
    fn a_mutated_record_is_read_or_refused(changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>(), 0..3u8), 1..8)) {
        let ranges = r#""ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.2.3"},{"introduced":"2.0.0-rc.1"},{"last_affected":"2.3.4"}]}]"#;
        let severity = r#""severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}]"#;
        let record = format!(r#"{{"id":"A-1","modified":"2024-01-01T00:00:00Z","aliases":["B"],{severity},"affected":[{{{PACKAGE},{ranges},"versions":["1.0.0"]}}]}}"#);
        let mut bytes = record.into_bytes();
        for (at, byte, kind) in changes {
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => { bytes.remove(at); }
            }
        }
        let version = crate::version::Version::parse(Ecosystem::Npm, "2.1.0").expect("a version");
        for (_, _, advisory) in OsvRecord::parse(&bytes).iter().flat_map(OsvRecord::advisories) {
            advisory.affects(&version);
            advisory.fixed_versions(Ecosystem::Npm, &version);
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = OsvRecord::parse(&bytes);
    }
}
