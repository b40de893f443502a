//! What is known already is not told again: ignores, baselines, OpenVEX.

use super::{ADVISORY, Desk, write};
use serde_json::json;

async fn fingerprint(desk: &Desk) -> String {
    let said = desk.suture(&["scan", "shop", "--format", "json"]).json(1);
    said["findings"][0]["fingerprint"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn ignore_by_id_or_fingerprint_holds_until_it_expires() {
    let desk = Desk::with_hole("HIGH").await;
    let fingerprint = fingerprint(&desk).await;
    let rows = [
        (format!("id: {}", ADVISORY.to_lowercase()), "2999-01-01", 0),
        (format!("fingerprint: {fingerprint}"), "2999-01-01", 0),
        (format!("id: {ADVISORY}"), "2020-01-01", 1),
        ("id: GHSA-xxxx-yyyy-zzzz".to_owned(), "2999-01-01", 1),
    ];
    for (target, expires, code) in rows {
        desk.write(
            ".suture.yml",
            &format!("ignore:\n  - {target}\n    reason: not reachable\n    expires: {expires}\n"),
        );
        let ran = desk.suture(&["scan", "shop"]);
        assert_eq!(ran.expect(code).contains("1 suppressed"), code == 0, "{}", ran.stdout);
        let is_told = ran.stdout.contains("note: .suture.yml:2");
        assert_eq!(is_told, code == 1, "an entry of no effect is told: {}", ran.stdout);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ignore_without_a_reason_is_an_error_and_ignores_nothing() {
    let desk = Desk::with_hole("HIGH").await;
    desk.write(".suture.yml", &format!("ignore:\n  - id: {ADVISORY}\n"));
    let said = desk.suture(&["scan", "shop", "--format", "json"]).json(1);
    assert_eq!((&said["errors"][0]["path"], &said["errors"][0]["line"]), (&json!(".suture.yml"), &json!(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn baseline_is_an_earlier_scan() {
    let desk = Desk::with_hole("HIGH").await;
    write(&desk.user.home().join("before.json"), &desk.suture(&["scan", "shop", "--format", "json"]).stdout);
    desk.suture(&["scan", "shop", "--baseline", "before.json"]).expect(0);
    desk.osv.advise("GHSA-dddd-eeee-ffff", "gate", "3.0.0", "LOW", "it squeaks");
    let said = desk.suture(&["scan", "shop", "--baseline", "before.json", "--format", "json"]).json(1);
    assert_eq!(said["findings"][0]["package"]["name"], "gate");
    assert_eq!(said["findings"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn open_vex_tells_what_does_not_affect() {
    let desk = Desk::with_hole("HIGH").await;
    for (status, code) in [("not_affected", 0), ("fixed", 0), ("affected", 1), ("under_investigation", 1)] {
        let document = json!({
            "@context": "https://openvex.dev/ns/v0.2.0",
            "@id": "https://vex.example/1",
            "author": "Shop",
            "timestamp": "2025-01-01T00:00:00Z",
            "version": 1,
            "statements": [{
                "vulnerability": { "name": ADVISORY },
                "products": [{ "@id": "pkg:npm/latch@1.0.3" }],
                "status": status,
                "justification": "vulnerable_code_not_present",
                "action_statement": "update",
            }],
        });
        write(&desk.user.home().join("vex.json"), &document.to_string());
        let ran = desk.suture(&["scan", "shop", "--vex", "vex.json"]);
        assert_eq!(ran.code, Some(code), "{status}: {}{}", ran.stdout, ran.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn known_files_that_are_none_are_refused() {
    let desk = Desk::with_hole("HIGH").await;
    write(&desk.user.home().join("odd.json"), "[]");
    for arguments in
        [["--baseline", "odd.json"], ["--vex", "odd.json"], ["--baseline", "absent.json"], ["--vex", "absent.json"]]
    {
        let ran = desk.suture(&[&["scan", "shop"][..], &arguments].concat());
        ran.expect(2);
        assert!(ran.stderr.contains(arguments[1]), "{}", ran.stderr);
    }
}
