use super::*;
use crate::finding::{Fix, PackageRef, Scope, Severity};
use crate::ids::Fingerprint;
use crate::repository_config::{PATH, RepositoryConfig};
use proptest::prelude::*;

pub fn finding(rule: &str, alias: &str, purl: &str) -> Finding {
    Finding {
        fingerprint: Fingerprint::of(rule, purl, 0),
        event_type: "vulnerability.dependency".to_owned(),
        rule: rule.to_owned(),
        severity: Severity::High,
        confidence: 1.0,
        title: format!("{rule} in {purl}"),
        path: "web/package-lock.json".to_owned(),
        line: Some(7),
        package: Some(PackageRef {
            purl: purl.to_owned(),
            name: "lodash".to_owned(),
            version: "4.17.20".to_owned(),
            scope: Scope::Prod,
            direct: true,
        }),
        advisories: vec![rule.to_owned(), alias.to_owned()],
        fixed_versions: Vec::new(),
        fix: Fix::Unknown,
        risk: Default::default(),
        imported: Default::default(),
    }
}

fn lodash() -> Finding {
    finding("GHSA-35jh-r3h4-6jhm", "CVE-2021-23337", "pkg:npm/lodash@4.17.20")
}

/// What an `ignore` entry does to the finding above on 2026-06-15: `None` where it is kept; then the notes.
fn check(entry: &str, suppressed: bool, notes: &[&str]) {
    let config = RepositoryConfig::parse(PATH, &format!("ignore:\n  - {entry}\n")).unwrap();
    let suppressions = Suppressions { ignores: config.ignore, ..Suppressions::default() };
    let parted = apply(vec![lodash()], &suppressions, Date::constant(2026, 6, 15));
    assert_eq!(!parted.suppressed.is_empty(), suppressed, "{entry}");
    assert_eq!(parted.notes, notes, "{entry}");
}

const UNTIL: &str = "reason: why, expires: 2026-06-15";
const UNUSED: &str = ".suture.yml:2: the ignore entry of CVE-2021-23337 matches nothing that was found";

#[test]
fn advisories_are_ignored_by_any_of_their_ids() {
    check(&format!("{{id: CVE-2021-23337, {UNTIL}}}"), true, &[]);
    check(&format!("{{id: ghsa-35JH-r3h4-6jhm, {UNTIL}}}"), true, &[]);
    check(
        &format!("{{id: CVE-2021-2333, {UNTIL}}}"),
        false,
        &[".suture.yml:2: the ignore entry of CVE-2021-2333 matches nothing that was found"],
    );
    check(&format!("{{fingerprint: {}, {UNTIL}}}", lodash().fingerprint), true, &[]);
}

#[test]
fn package_and_path_narrow_an_entry() {
    check(&format!("{{id: CVE-2021-23337, package: lodash, path: '**/package-lock.json', {UNTIL}}}"), true, &[]);
    check(&format!("{{id: CVE-2021-23337, package: 'pkg:npm/lodash@4.17.20', path: './web/**', {UNTIL}}}"), true, &[]);
    check(&format!("{{id: CVE-2021-23337, package: lodash-es, {UNTIL}}}"), false, &[UNUSED]);
    check(&format!("{{id: CVE-2021-23337, path: '*.json', {UNTIL}}}"), false, &[UNUSED]);
    check(&format!("{{id: CVE-2021-23337, path: package-lock.json, {UNTIL}}}"), false, &[UNUSED]);
}

#[test]
fn an_entry_holds_through_its_last_day() {
    check("{id: CVE-2021-23337, reason: why, expires: 2026-06-15}", true, &[]);
    check(
        "{id: CVE-2021-23337, reason: why, expires: 2026-06-14}",
        false,
        &[".suture.yml:2: the ignore entry of CVE-2021-23337 ended on 2026-06-14: what it matches is reported again"],
    );
    check(
        "{id: CVE-2021-23337, package: no, reason: why, expires: 2026-06-14}",
        false,
        &[".suture.yml:2: the ignore entry of CVE-2021-23337 ended on 2026-06-14 and matches nothing that was found"],
    );
    check(
        "{id: CVE-2021-23337, reason: why}",
        true,
        &[".suture.yml:2: the ignore entry of CVE-2021-23337 never ends: give it an `expires`"],
    );
}

fn vex(time: &str, status: &str) -> OpenVex {
    let text = format!(
        r#"{{"author":"maker","timestamp":"{time}","statements":[{{"vulnerability":"CVE-2021-23337",
        "products":["pkg:npm/lodash"],"status":"{status}","justification":"vulnerable_code_not_present"}}]}}"#
    );
    OpenVex::parse("vex.json", &text).unwrap()
}

#[test]
fn the_latest_statement_wins_over_documents() {
    let today = Date::constant(2026, 6, 15);
    for (documents, suppressed) in [
        (vec![("2026-01-01T00:00:00Z", "not_affected")], true),
        (vec![("2026-01-02T00:00:00Z", "affected"), ("2026-01-01T00:00:00Z", "not_affected")], false),
        (vec![("2026-01-01T00:00:00Z", "affected"), ("2026-01-02T00:00:00Z", "fixed")], true),
        (vec![("2026-01-01T00:00:00Z", "affected"), ("2026-01-01T00:00:00Z", "fixed")], true),
    ] {
        let vex = documents.iter().map(|(time, status)| vex(time, status)).collect();
        let parted = apply(vec![lodash()], &Suppressions { vex, ..Suppressions::default() }, today);
        assert_eq!(parted.suppressed.len() == 1, suppressed, "{documents:?}");
    }
}

#[test]
fn every_suppression_says_who_and_why() {
    let config =
        RepositoryConfig::parse(PATH, "ignore:\n  - {id: CVE-2021-23337, reason: no template, expires: 2026-07-01}\n");
    let baseline = Baseline {
        path: "old.json".to_owned(),
        fingerprints: [lodash().fingerprint, Fingerprint::of("x", "y", 0)].into(),
    };
    let mut suppressions = Suppressions {
        ignores: config.unwrap().ignore,
        vex: vec![vex("2026-01-01T00:00:00Z", "not_affected")],
        baselines: vec![baseline],
    };
    let mut said = Vec::new();
    for _ in 0..4 {
        let mut parted = apply(vec![lodash()], &suppressions, Date::constant(2026, 6, 15));
        let (by, why) = match parted.suppressed.pop() {
            Some((_, suppression)) => (suppression.by.to_string(), serde_json::to_string(&suppression).unwrap()),
            None => ("reported".to_owned(), String::new()),
        };
        said.push(format!("{by} | {why} | {}", parted.notes.join(", ")));
        if !suppressions.ignores.is_empty() {
            suppressions.ignores.clear();
        } else if !suppressions.vex.is_empty() {
            suppressions.vex.clear();
        } else {
            suppressions.baselines.clear();
        }
    }
    insta::assert_snapshot!(said.join("\n"), @r#"
    .suture.yml:2 | {"by":{"kind":"ignore","path":".suture.yml","line":2},"reason":"no template","until":"2026-07-01"} | old.json: 1 of its 2 findings were not found this time
    vex.json by maker | {"by":{"kind":"openvex","path":"vex.json","author":"maker"},"reason":"not_affected: vulnerable_code_not_present","until":null} | old.json: 1 of its 2 findings were not found this time
    baseline old.json | {"by":{"kind":"baseline","path":"old.json"},"reason":"it was there before","until":null} | old.json: 1 of its 2 findings were not found this time
    reported |  |
    "#);
}

prop_compose! {
    fn any_finding()(rule in "(CVE|GHSA)-[1-4]", alias in "CVE-[1-4]", purl in "pkg:npm/[ab]@[12]|") -> Finding {
        let mut found = finding(&rule, &alias, &purl);
        if purl.is_empty() { found.package = None; }
        found
    }
}

proptest! {
    #[test]
    fn no_finding_is_lost_or_invented(
        findings in proptest::collection::vec(any_finding(), 0..12),
        ids in proptest::collection::vec(("(CVE|GHSA)-[1-4]", 1..29i8, "[ab*]"), 0..6),
        known in proptest::collection::vec(any_finding(), 0..3),
        says in proptest::collection::vec(("CVE-[1-4]", "pkg:npm/[ab](@[12])?", "not_affected|affected|fixed"), 0..4),
    ) {
        let entries: String = ids.iter().map(|(id, day, package)| {
            let package = if package == "*" { String::new() } else { format!(", package: 'pkg:npm/{package}'") };
            format!("  - {{id: {id}, reason: x, expires: 2026-06-{day:02}{package}}}\n")
        }).collect();
        let statements: Vec<_> = says.iter().map(|(id, product, status)| serde_json::json!({
            "vulnerability": { "name": id }, "products": [{ "@id": product }], "status": status,
        })).collect();
        let suppressions = Suppressions {
            ignores: RepositoryConfig::parse(PATH, &format!("ignore:\n{entries}")).unwrap().ignore,
            vex: vec![OpenVex::parse("v", &serde_json::json!({ "statements": statements }).to_string()).unwrap()],
            baselines: vec![Baseline { path: "b".into(), fingerprints: known.into_iter().map(|at| at.fingerprint).collect() }],
        };
        let parted = apply(findings.clone(), &suppressions, Date::constant(2026, 6, 15));
        let key = |at: &Finding| (at.fingerprint.clone(), at.advisories.clone());
        let mut before: Vec<_> = findings.iter().map(key).collect();
        let mut after: Vec<_> = parted.kept.iter().chain(parted.suppressed.iter().map(|(at, _)| at)).map(key).collect();
        before.sort();
        after.sort();
        prop_assert_eq!(before, after);
        // With nothing to say, everything is reported.
        prop_assert_eq!(apply(findings.clone(), &Suppressions::default(), Date::constant(2026, 6, 15)).kept, findings);
    }
}
