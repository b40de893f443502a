use super::*;
use pipeline::finding::{Fix, PackageRef, Scope};
use pipeline::ids::Fingerprint;
use pipeline::suppress::Suppressor;
use proptest::prelude::*;

fn finding(rule: &str, severity: Severity, path: &str, line: Option<u32>) -> Finding {
    Finding {
        fingerprint: Fingerprint::of(rule, path, 0),
        event_type: "vulnerability.dependency".to_owned(),
        rule: rule.to_owned(),
        severity,
        confidence: 1.0,
        title: format!("{rule} in lodash 4.17.20"),
        path: path.to_owned(),
        line,
        package: Some(PackageRef {
            purl: "pkg:npm/lodash@4.17.20".to_owned(),
            name: "lodash".to_owned(),
            version: "4.17.20".to_owned(),
            scope: Scope::Prod,
            direct: true,
        }),
        advisories: vec![rule.to_owned(), "CVE-2021-23337".to_owned()],
        fixed_versions: vec!["4.17.21".to_owned()],
        fix: Fix::Available,
        risk: Default::default(),
        imported: Default::default(),
    }
}

fn error(path: &str, line: Option<u32>) -> ScanError {
    ScanError { path: path.to_owned(), line, message: "not JSON".to_owned() }
}

/// A log with everything that a log may have.
fn full() -> String {
    let mut secret = finding("generic-token", Severity::Unknown, "src/ä b#1.js", None);
    secret.event_type = "secret.exposed".to_owned();
    secret.confidence = 0.6;
    secret.package = None;
    secret.advisories.clear();
    let suppression = Suppression {
        by: Suppressor::Ignore { path: ".suture.yml".to_owned(), line: 3 },
        reason: "no templates".to_owned(),
        until: Some("2026-12-31".parse().unwrap()),
    };
    let ignored = finding("GHSA-35jh-r3h4-6jhm", Severity::Low, "a/package-lock.json", Some(9));
    write(&Run {
        tool_version: "0.1.0",
        findings: &[finding("GHSA-35jh-r3h4-6jhm", Severity::High, "package-lock.json", Some(7)), secret],
        suppressed: &[(ignored, suppression)],
        errors: &[error("web/package-lock.json", Some(3)), error("", None)],
        limits_hit: &["one file is over the limit".to_owned()],
        notes: &["an entry never ends".to_owned()],
    })
}

fn log(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn findings_become_results_and_rules() {
    let log = log(&full());
    let run = &log["runs"][0];
    let lines = |list: &Value| list.as_array().unwrap().iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(lines(&run["tool"]["driver"]["rules"]), @r#"
    {"id":"GHSA-35jh-r3h4-6jhm","shortDescription":{"text":"GHSA-35jh-r3h4-6jhm in lodash 4.17.20"},"helpUri":"https://osv.dev/vulnerability/GHSA-35jh-r3h4-6jhm","defaultConfiguration":{"level":"error"},"properties":{"tags":["security","vulnerability.dependency"],"precision":"very-high","security-severity":"8.0"}}
    {"id":"generic-token","shortDescription":{"text":"generic-token in lodash 4.17.20"},"defaultConfiguration":{"level":"warning"},"properties":{"tags":["security","secret.exposed"],"precision":"medium"}}
    "#);
    insta::assert_snapshot!(lines(&run["results"]), @r#"
    {"ruleId":"GHSA-35jh-r3h4-6jhm","ruleIndex":0,"level":"error","message":{"text":"GHSA-35jh-r3h4-6jhm in lodash 4.17.20"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"package-lock.json","uriBaseId":"%SRCROOT%"},"region":{"startLine":7}}}],"partialFingerprints":{"sutureFingerprint/v1":"608ae6108490ea28f7f98f82dc24c49e"},"properties":{"severity":"high","confidence":1.0,"advisories":["GHSA-35jh-r3h4-6jhm","CVE-2021-23337"],"fixedVersions":["4.17.21"],"fix":"available","package":{"purl":"pkg:npm/lodash@4.17.20","name":"lodash","version":"4.17.20","scope":"prod","direct":true}}}
    {"ruleId":"generic-token","ruleIndex":1,"level":"warning","message":{"text":"generic-token in lodash 4.17.20"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"src/%C3%A4%20b%231.js","uriBaseId":"%SRCROOT%"}}}],"partialFingerprints":{"sutureFingerprint/v1":"97a494db4534911b6703bc756572e69f"},"properties":{"severity":"unknown","confidence":0.6,"advisories":[],"fixedVersions":["4.17.21"],"fix":"available"}}
    {"ruleId":"GHSA-35jh-r3h4-6jhm","ruleIndex":0,"level":"note","message":{"text":"GHSA-35jh-r3h4-6jhm in lodash 4.17.20"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"a/package-lock.json","uriBaseId":"%SRCROOT%"},"region":{"startLine":9}}}],"partialFingerprints":{"sutureFingerprint/v1":"05db278462862b87b98c7c1b7bc408eb"},"suppressions":[{"kind":"external","status":"accepted","justification":"no templates","properties":{"by":".suture.yml:3","until":"2026-12-31"}}],"properties":{"severity":"low","confidence":1.0,"advisories":["GHSA-35jh-r3h4-6jhm","CVE-2021-23337"],"fixedVersions":["4.17.21"],"fix":"available","package":{"purl":"pkg:npm/lodash@4.17.20","name":"lodash","version":"4.17.20","scope":"prod","direct":true}}}
    "#);
    insta::assert_snapshot!(lines(&run["invocations"]), @r#"{"executionSuccessful":false,"toolExecutionNotifications":[{"level":"error","message":{"text":"not JSON"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"web/package-lock.json","uriBaseId":"%SRCROOT%"},"region":{"startLine":3}}}]},{"level":"error","message":{"text":"not JSON"}},{"level":"warning","message":{"text":"one file is over the limit"}}],"toolConfigurationNotifications":[{"level":"note","message":{"text":"an entry never ends"}}]}"#);
}

#[test]
fn an_error_of_one_file_leaves_the_run_successful() {
    let run =
        |errors: &[ScanError]| log(&write(&Run { errors, ..Run::default() }))["runs"][0]["invocations"][0].clone();
    assert_eq!(run(&[])["executionSuccessful"], true);
    assert_eq!(run(&[error("a", None)])["executionSuccessful"], true);
    assert_eq!(run(&[error("", None)])["executionSuccessful"], false);
}

#[test]
fn titles_are_neither_links_nor_placeholders() {
    let mut found = finding("CVE-1", Severity::Low, "a", None);
    found.title = "see [here](https://evil.example) {0}".to_owned();
    let log = log(&write(&Run { findings: &[found], ..Run::default() }));
    assert_eq!(log["runs"][0]["results"][0]["message"]["text"], "see [here] (https://evil.example) {{0}}");
}

#[test]
fn severities_fall_into_the_bands_of_code_scanning() {
    for severity in Severity::WORST_FIRST {
        let scored = security_severity(severity).map(|score| Severity::of_score(score.parse().unwrap()));
        assert_eq!(scored.unwrap_or(Severity::Unknown), severity);
    }
}

proptest! {
    #[test]
    fn every_result_has_its_rule(rules in proptest::collection::vec("\\PC{0,3}", 0..10), path in "\\PC*") {
        let findings: Vec<_> = rules.iter().map(|rule| finding(rule, Severity::Low, &path, Some(0))).collect();
        let log = log(&write(&Run { findings: &findings, ..Run::default() }));
        let run = &log["runs"][0];
        prop_assert_eq!(run["results"].as_array().unwrap().len(), findings.len());
        for result in run["results"].as_array().unwrap() {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            prop_assert_eq!(&run["tool"]["driver"]["rules"][index]["id"], &result["ruleId"]);
        }
    }
}

/// Writes a log for `tests/contracts/sarif_validate.py` into the folder that `SUTURE_TEST_SARIF` names.
#[test]
fn a_log_is_written_for_the_validator() {
    #[expect(clippy::disallowed_methods, reason = "a developer's wish, not a setting")]
    let Some(folder) = std::env::var_os("SUTURE_TEST_SARIF").map(std::path::PathBuf::from) else {
        return println!("SUTURE_TEST_SARIF is not set: nothing is written");
    };
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("full.sarif"), full()).unwrap();
    std::fs::write(folder.join("empty.sarif"), write(&Run { tool_version: "0.1.0", ..Run::default() })).unwrap();
}
