//! `--advisories`, and `suture advisories build`.

use super::{Desk, shop, write};
use crate::world::feeds::Feeds;
use crate::world::program::User;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;

/// Writes `folder/npm/all.zip` with `records`.
fn zip(folder: &Path, records: &[Value]) {
    std::fs::create_dir_all(folder.join("npm")).unwrap();
    std::fs::write(folder.join("npm/all.zip"), archive(records)).unwrap();
}

fn archive(records: &[Value]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for record in records {
        let name = format!("{}.json", record["id"].as_str().unwrap());
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(record.to_string().as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn record(id: &str, fixed: &str) -> Value {
    json!({
        "id": id,
        "modified": "2025-01-01T00:00:00Z",
        "summary": "it lets others in",
        "affected": [{
            "package": { "ecosystem": "npm", "name": "latch" },
            "ranges": [{ "type": "SEMVER", "events": [{ "introduced": "0" }, { "fixed": fixed }] }],
        }],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn folder_of_zips_and_the_index_built_of_it_tell_the_same() {
    let desk = Desk::with_project(&shop()).await;
    let records: Vec<Value> = (0..2500)
        .map(|number| record(&format!("TEST-{number}"), "0.0.1"))
        .chain([record("TEST-HIT", "1.2.0")])
        .collect();
    zip(&desk.user.home().join("osv"), &records);
    let built = desk.suture(&["advisories", "build", "osv", "--output", "osv.index"]);
    assert!(built.expect(0).contains("npm 2501"), "{}", built.stdout);
    assert_eq!(built.stderr.lines().count(), 1, "{}", built.stderr);
    let scan = |source| desk.suture(&["scan", "shop", "--advisories", source, "--format", "json"]).json(1);
    let (of_folder, of_index) = (scan("osv"), scan("osv.index"));
    assert_eq!(of_folder["findings"][0]["rule"], "TEST-HIT");
    assert_eq!(of_folder, of_index);
    // What an index knew on an old day says so.
    assert!(of_index["errors"].to_string().contains("days old"), "{of_index:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn index_is_healed_with() {
    let desk = Desk::with_hole("LOW").await;
    zip(&desk.user.home().join("osv"), &[record("TEST-HIT", "1.2.0")]);
    let user = desk.user.set("SUTURE_OSV_API", "http://127.0.0.1:9/");
    let said = user.suture(&["heal", "shop", "--advisories", "osv", "--format", "json"]).json(1);
    // Its severity is unknown: nobody may heal that unasked.
    assert_eq!((&said["cases"][0]["severity"], &said["cases"][0]["status"]), (&json!("unknown"), &json!("proposed")));
}

#[test]
fn what_is_no_source_is_refused() {
    let user = User::new();
    write(&user.home().join("file"), "not an index");
    write(&user.home().join("tree/requirements.txt"), "idna==3.4\n");
    std::fs::create_dir(user.home().join("empty")).unwrap();
    for source in ["file", "empty", "absent"] {
        let ran = user.suture(&["scan", "tree", "--advisories", source]);
        assert_eq!(ran.expect(2), "");
        assert!(ran.stderr.contains(source), "{}", ran.stderr);
    }
    for source in ["empty", "absent"] {
        let ran = user.suture(&["advisories", "build", source, "-o", "x.index"]);
        ran.expect(2);
        assert!(!user.home().join("x.index").exists());
    }
}

#[test]
fn what_can_be_refused_at_once_is_refused_before_anything_is_indexed() {
    let user = User::new();
    zip(&user.home().join("osv"), &[record("TEST-HIT", "1.2.0")]);
    std::fs::create_dir(user.home().join("tree")).unwrap();
    for (arguments, expect) in [
        (&["scan", "absent"][..], "absent does not exist"),
        (&["scan", "tree", "--vex", "absent.json"], "absent.json"),
        (&["scan", "tree", "--baseline", "absent.json"], "absent.json"),
    ] {
        let ran = user.suture(&[arguments, &["--advisories", "osv"]].concat());
        ran.expect(2);
        assert!(ran.stderr.starts_with("error: ") && ran.stderr.contains(expect), "{}", ran.stderr);
        assert!(!user.home().join(".cache").exists(), "{arguments:?}");
    }
}

#[test]
fn what_an_index_lacks_is_told_whoever_builds_it() {
    let user = User::new();
    let osv = user.home().join("osv");
    let mut odd = record("TEST-ODD", "1.2.0");
    odd["severity"] = json!([{ "type": "CVSS_V3", "score": "no vector" }]);
    zip(&osv, &[record("TEST-HIT", "1.2.0"), odd, json!({ "id": "" })]);
    write(&osv.join("Nowhere/all.zip"), "");
    write(&user.home().join("tree/package.json"), "{}");
    let built = user.suture(&["advisories", "build", "osv", "-o", "osv.index"]);
    built.expect(0);
    let scanned = user.suture(&["scan", "tree", "--advisories", "osv"]);
    for ran in [built, scanned] {
        assert!(ran.stderr.contains("warning: Nowhere: not an ecosystem"), "{}", ran.stderr);
        assert!(ran.stderr.contains("warning: npm/all.zip#.json: "), "{}", ran.stderr);
        assert!(ran.stderr.contains("note: TEST-ODD: severity: not a vector"), "{}", ran.stderr);
    }
}

#[test]
fn index_without_an_ecosystem_is_not_nothing_found() {
    let user = User::new();
    zip(&user.home().join("osv"), &[record("TEST-HIT", "1.2.0")]);
    write(&user.home().join("tree/requirements.txt"), "idna==3.4\n");
    let ran = user.suture(&["scan", "tree", "--advisories", "osv"]);
    assert!(ran.expect(2).contains("no advisories of PyPI"), "{}", ran.stdout);
}

const KEV: &str = r#"{"dateReleased":"2025-01-01T00:00:00Z","vulnerabilities":[{"cveID":"CVE-2025-0001"}]}"#;
const EPSS: &str = "#model_version:v1,score_date:2025-01-01T12:00:00Z\ncve,epss,percentile\nCVE-2025-0001,0.75,0.9\n";

/// The risk of the only finding of a scan with this source of advisories.
fn risk(desk: &Desk, source: &str) -> Value {
    desk.suture(&["scan", "shop", "--advisories", source, "--format", "json"]).json(1)["findings"][0]["risk"].clone()
}

/// A record of a weakness that is attacked over the network with ease, and gets everything.
fn grave() -> Value {
    let mut grave = record("GHSA-HIT", "1.2.0");
    grave["aliases"] = json!(["CVE-2025-0001"]);
    grave["severity"] = json!([{ "type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H" }]);
    grave
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_exploited_tells_how_soon_it_is_mended() {
    let desk = Desk::with_project(&shop()).await;
    zip(&desk.user.home().join("osv"), &[grave()]);
    write(&desk.user.home().join("kev.json"), KEV);
    write(&desk.user.home().join("epss.csv"), EPSS);
    let build = ["advisories", "build", "osv", "--output", "osv.index"];
    let without = desk.suture(&build);
    assert!(without.expect(0).contains("known exploited CVEs: none; EPSS scores: none"), "{}", without.stdout);
    let dangerous =
        json!({ "known_exploited": false, "exposed": true, "automatable": true, "total_impact": true, "epss": null });
    assert_eq!(risk(&desk, "osv.index"), dangerous);
    let with = desk.suture(&[&build[..], &["--kev", "kev.json", "--epss", "epss.csv"]].concat());
    assert!(with.expect(0).contains("CVEs: 1 of 2025-01-01; EPSS scores: 1 of 2025-01-01"), "{}", with.stdout);
    assert!(with.stderr.contains("warning: EPSS scores are ") && with.stderr.contains("days old"), "{}", with.stderr);
    assert!(with.stderr.contains("warning: CISA's catalogue of known exploited"), "{}", with.stderr);
    let exploited =
        json!({ "known_exploited": true, "exposed": true, "automatable": true, "total_impact": true, "epss": 0.75 });
    assert_eq!(risk(&desk, "osv.index"), exploited);
    let table = desk.suture(&["scan", "shop", "--advisories", "osv.index"]);
    assert!(table.expect(1).contains("critical  3 days, look for traces  latch 1.0.3"), "{}", table.stdout);
    let heal = desk.suture(&["heal", "shop", "--advisories", "osv.index", "--dry-run"]);
    let urgency = "urgency  within 3 days, with a search for traces of an attack (EPSS 0.75)";
    assert!(heal.expect(1).contains(urgency), "{}", heal.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_scores_are_refused_with_file_and_line_and_no_index_is_written() {
    let user = User::new();
    zip(&user.home().join("osv"), &[grave()]);
    write(&user.home().join("epss.csv"), &EPSS.replace("0.75", "75"));
    let ran = user.suture(&["advisories", "build", "osv", "--output", "osv.index", "--epss", "epss.csv"]);
    ran.expect(2);
    assert!(ran.stderr.contains("epss.csv: line 3: `75` is not within 0 to 1"), "{}", ran.stderr);
    assert!(!user.home().join("osv.index").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_fetches_what_has_changed_and_builds_an_index_of_it() {
    let feeds = Feeds::start().await;
    feeds.give("osv/npm/all.zip", archive(&[grave()]));
    feeds.give("kev.json", KEV);
    feeds.give("epss.csv", EPSS);
    let mut desk = Desk::with_project(&shop()).await;
    let at = |path: &str| format!("{}/{path}", feeds.address);
    desk.user = desk
        .user
        .set("SUTURE_OSV_ARCHIVES", &at("osv"))
        .set("SUTURE_KEV_CATALOG", &at("kev.json"))
        .set("SUTURE_EPSS_SCORES", &at("epss.csv"));
    let sync = || desk.suture(&["advisories", "sync", "--folder", "osv", "--ecosystem", "npm"]);
    let index = "osv/advisories.index";
    let first = sync();
    assert!(first.expect(0).contains("npm 1; 0 records could not be read"), "{}", first.stdout);
    assert_eq!((&risk(&desk, index)["known_exploited"], &risk(&desk, index)["epss"]), (&json!(true), &json!(0.75)));
    // The folder itself is a source as well, and knows the same.
    assert_eq!(risk(&desk, "osv"), risk(&desk, index));
    let second = sync();
    second.expect(0);
    for name in ["npm/all.zip", "known_exploited_vulnerabilities.json", "epss_scores-current.csv.gz"] {
        assert!(first.stderr.contains(&format!("{name}: 0.0 MB")), "{}", first.stderr);
        assert!(second.stderr.contains(&format!("{name}: unchanged")), "{}", second.stderr);
    }
    feeds.give("epss.csv", EPSS.replace("0.75", "0.5"));
    feeds.give("kev.json", "<html>");
    let third = sync();
    third.expect(2);
    assert!(third.stderr.contains("known_exploited_vulnerabilities.json could not be fetched"), "{}", third.stderr);
    assert!(third.stderr.contains("error: 1 of 3 files could not be fetched"), "{}", third.stderr);
    let risk = risk(&desk, index);
    assert_eq!(
        (&risk["known_exploited"], &risk["epss"]),
        (&json!(true), &json!(0.5)),
        "what came counts, what did not stays"
    );
    feeds.refuse(500);
    let fourth = sync();
    fourth.expect(2);
    assert!(fourth.stderr.contains("npm/all.zip could not be fetched: it answered 500"), "{}", fourth.stderr);
    assert_eq!(self::risk(&desk, index), risk);
}

#[test]
fn sync_without_anything_to_build_of_says_so() {
    let user = User::new();
    let ran = user.suture(&["advisories", "sync", "--folder", "osv"]);
    assert_eq!(ran.expect(2), "");
    assert!(ran.stderr.contains("warning: PyPI/all.zip could not be fetched: no connection"), "{}", ran.stderr);
    assert!(ran.stderr.contains("error: osv has no `ECOSYSTEM/all.zip`"), "{}", ran.stderr);
    let refused =
        User::new().set("SUTURE_KEV_CATALOG", "file:///kev.json").suture(&["advisories", "sync", "--folder", "osv"]);
    assert_eq!(refused.expect(2), "");
    assert_eq!(refused.stderr, "error: SUTURE_KEV_CATALOG is not an http(s) address\n");
}
