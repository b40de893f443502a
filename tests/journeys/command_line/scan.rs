//! `suture scan`: what it says, in every form.

use super::{ADVISORY, Desk, shop, write};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn json_is_the_contract() {
    let desk = Desk::with_hole("HIGH").await;
    let ran = desk.suture(&["scan", "shop", "--format", "json", "--quiet"]);
    assert_eq!(ran.stderr, "");
    let mut said = ran.json(1);
    let fingerprint = said["findings"][0]["fingerprint"].take();
    assert_eq!(fingerprint.as_str().unwrap().len(), 32);
    let expect = json!({
        "schema": "suture.scan/1",
        "target": "shop",
        "findings": [{
            "fingerprint": null,
            "event_type": "vulnerability.dependency",
            "rule": ADVISORY,
            "severity": "high",
            "confidence": 0.97,
            "title": "latch 1.0.3: it lets others in",
            "path": "package-lock.json",
            "line": 22,
            "package": { "purl": "pkg:npm/latch@1.0.3", "name": "latch", "version": "1.0.3", "scope": "prod", "direct": false },
            "advisories": [ADVISORY],
            "fixed_versions": ["1.2.0"],
            "fix": "available",
            "risk": { "known_exploited": false, "exposed": true, "automatable": false, "total_impact": false, "epss": null },
        }],
        "summary": { "critical": 0, "high": 1, "medium": 0, "low": 0, "unknown": 0 },
        "errors": [],
        "limits_hit": [],
    });
    // As text, so that the order of the keys counts.
    assert_eq!(said.to_string(), expect.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn table_tells_package_advisory_fix_and_what_brings_it_in() {
    let desk = Desk::with_hole("HIGH").await;
    let ran = desk.suture(&["scan", "shop"]);
    let expect = "\
package-lock.json
 severity  mend within  package      advisory             fixed in  brought in by
 high      60 days      latch 1.0.3  GHSA-aaaa-bbbb-cccc  1.2.0     gate

shop: 1 high (2 packages of 1 project)
";
    assert_eq!(ran.expect(1), expect);
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_code_follows_fail_on() {
    let desk = Desk::with_hole("MODERATE").await;
    for (fail_on, code) in [("unknown", 1), ("low", 1), ("medium", 1), ("high", 0), ("critical", 0)] {
        desk.suture(&["scan", "shop", "--fail-on", fail_on]).expect(code);
    }
    assert!(desk.suture(&["scan", "shop", "--fail-on", "worst"]).stderr.contains("not a severity"));
    let clean = Desk::with_project(&shop()).await;
    assert!(clean.suture(&["scan", "shop"]).expect(0).contains("nothing found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_forms_are_documents_of_their_kind() {
    let desk = Desk::with_hole("HIGH").await;
    let form = |form: &str| desk.suture(&["scan", "shop", "--format", form]).json(1);
    assert_eq!(form("sarif")["version"], "2.1.0");
    assert_eq!(form("cyclonedx")["specVersion"], "1.6");
    assert_eq!(form("spdx")["spdxVersion"], "SPDX-2.3");
}

#[tokio::test(flavor = "multi_thread")]
async fn kinds_without_a_detector_are_refused_not_passed() {
    let desk = Desk::with_hole("HIGH").await;
    desk.suture(&["scan", "shop", "--kind", "dependency"]).expect(1);
    for kind in ["secret", "code", "container", "configuration"] {
        let ran = desk.suture(&["scan", "shop", "--kind", "dependency", "--kind", kind]);
        assert_eq!(ran.expect(2), "");
        assert!(ran.stderr.contains(&format!("no detector of kind {kind}")), "{}", ran.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commit_is_looked_at_instead_of_the_disk() {
    let desk = Desk::with_hole("HIGH").await;
    let mended = shop().locks("latch", "1.2.0", &[]).lockfile();
    desk.repository.commit(
        "mend",
        &[("package-lock.json", &mended), ("sub/package.json", "{}"), ("sub/package-lock.json", &shop().lockfile())],
    );
    desk.write("package-lock.json", "broken");
    let scan = |path, commit| desk.suture(&["scan", path, "--commit", commit, "--format", "json"]);
    assert_eq!(scan("shop", "HEAD~1").json(1)["findings"][0]["path"], "package-lock.json");
    assert_eq!(scan("shop", "main").json(1)["findings"][0]["path"], "sub/package-lock.json");
    assert_eq!(scan("shop/sub", "main").json(1)["findings"][0]["path"], "package-lock.json");
    for (path, commit, expect) in
        [("shop", "nowhere", "`nowhere` is not a commit"), ("shop/sub", "HEAD~1", "sub is not a folder at")]
    {
        let ran = scan(path, commit);
        ran.expect(2);
        assert!(ran.stderr.contains(expect), "{}", ran.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn path_has_to_be_a_folder() {
    let desk = Desk::with_hole("HIGH").await;
    write(&desk.user.home().join("file"), "");
    for (path, expect) in [("file", "error: file is not a folder"), ("absent", "error: absent does not exist")] {
        let ran = desk.suture(&["scan", path]);
        ran.expect(2);
        assert!(ran.stderr.contains(expect), "{}", ran.stderr);
    }
}
