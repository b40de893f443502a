//! Documents that are read one by one: advisories and their index, policies, settings, suppressions, messages.

use super::{check, text};
use agents::environment::advisories::exploitation::ExploitationFiles;
use agents::environment::advisories::index::Index;
use agents::environment::advisories::zips;
use agents::topology::Topology;
use jiff::Timestamp;
use pipeline::advisory::exploitation::{EpssScores, KnownExploited};
use pipeline::advisory::osv::OsvRecord;
use pipeline::message::Envelope;
use pipeline::payload::{RemediationRequested, ScanRequested, VerificationRequested};
use pipeline::policy::{self, DEFAULT_POLICIES};
use pipeline::repository_config::RepositoryConfig;
use pipeline::suppress::baseline::Baseline;
use pipeline::suppress::openvex::OpenVex;
use pipeline::version::requirement::Requirement;
use pipeline::version::{Ecosystem, Version};
use std::io::Write;
use zip::write::SimpleFileOptions;

const OSV: &str = r#"{"schema_version":"1.6.0","id":"GHSA-aaaa-bbbb-cccc","modified":"2024-01-02T03:04:05.123456Z","aliases":["CVE-2024-1"],
"summary":"it lets others in","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
"affected":[{"package":{"ecosystem":"npm","name":"latch","purl":"pkg:npm/latch"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},
{"fixed":"1.2.3"},{"introduced":"2.0.0-rc.1"},{"last_affected":"2.1.0"}]}],"versions":["1.0.0"],"database_specific":{"severity":"HIGH"}},
{"package":{"ecosystem":"PyPI","name":"Latch_x"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"limit":"3!1.0"}]}]}]}"#;

const VEX: &str = r#"{"@context":"https://openvex.dev/ns/v0.2.0","@id":"https://vex.example/1","author":"a","timestamp":"2024-01-02T03:04:05Z","version":1,
"statements":[{"vulnerability":{"name":"CVE-2024-1","aliases":["GHSA-aaaa-bbbb-cccc"]},"products":[{"@id":"pkg:npm/shop@1.0.0",
"subcomponents":[{"@id":"pkg:npm/latch@1.0.0"}]}],"status":"not_affected","justification":"vulnerable_code_not_present"}]}"#;

const BASELINE: &str = r#"{"schema":"suture.scan/1","target":"shop","findings":[{"fingerprint":"0123456789abcdef0123456789abcdef","rule":"CVE-2024-1"}]}"#;

const KEV: &str = r#"{"catalogVersion":"2026.01.01","dateReleased":"2026-01-01T00:00:00.1234Z","count":1,"vulnerabilities":[{"cveID":"CVE-2024-0001"}]}"#;

const EPSS: &str =
    "#model_version:v2025.03.14,score_date:2026-01-01T12:55:00Z\ncve,epss,percentile\nCVE-2024-0001,0.25,0.9\n";

const CONFIG: &str = "ignore:\n  - id: CVE-2024-1\n    reason: it is not reached\n    expires: 2030-01-01\nminimum_release_age_days: 7\n";

const ENVELOPE: &str = r#"{"id":"6f2c7e9a-3a53-5cf4-9d28-000000000001","type":"command","source":"cli","target":"scan","topic":"scan.requested",
"payload":{"repository":"git.example/team/shop","base_branch":"main","commit":"0123456789abcdef0123456789abcdef01234567","mode":"heal"},
"correlation_id":"01a20129-4a8e-7000-8000-000000000000","causation_id":null,"attempt":0,"timestamp":"2026-01-01T00:00:00Z","schema_version":1}"#;

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

#[test]
fn advisories_and_what_is_made_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("advisories.index");
    check(&[OSV.as_bytes()], |bytes| {
        let Ok(record) = OsvRecord::parse(bytes) else { return };
        Index::build(&path, [Ok(record)], now()).unwrap();
        let index = Index::open(&path).unwrap();
        for advisory in index.lookup(Ecosystem::Npm, "latch").unwrap() {
            for version in ["0", "1.2.3-rc.1", "2.1.0", "x"] {
                if let Ok(version) = Version::parse(Ecosystem::Npm, version) {
                    advisory.affects(&version);
                }
            }
        }
    });
}

#[test]
fn what_is_exploited() {
    check(&[KEV.as_bytes()], |bytes| drop(KnownExploited::parse(bytes)));
    check(&[EPSS.as_bytes()], |bytes| drop(EpssScores::parse(bytes)));
}

#[test]
fn indexes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("advisories.index");
    let records =
        (0..20).map(|at| Ok(OsvRecord::parse(OSV.replace("latch", &format!("latch{at}")).as_bytes()).unwrap()));
    Index::build(&path, records, now()).unwrap();
    let whole = std::fs::read(&path).unwrap();
    check(&[&whole], |bytes| {
        std::fs::write(&path, bytes).unwrap();
        let Ok(index) = Index::open(&path) else { return };
        for at in 0..20 {
            drop(index.lookup(Ecosystem::Npm, &format!("latch{at}")));
        }
    });
}

#[test]
fn archives_of_advisories() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("advisories.index");
    let zips = folder.path().join("zips");
    std::fs::create_dir_all(zips.join("npm")).unwrap();
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for name in ["A-1.json", "A-2.json", "README"] {
        writer.start_file(name, SimpleFileOptions::default()).unwrap();
        writer.write_all(OSV.as_bytes()).unwrap();
    }
    let whole = writer.finish().unwrap().into_inner();
    check(&[&whole], |bytes| {
        std::fs::write(zips.join("npm/all.zip"), bytes).unwrap();
        drop(zips::build_index(&zips, &ExploitationFiles::default(), &out, now(), &mut |_| {}));
    });
}

#[test]
fn policies_and_settings() {
    check(&[DEFAULT_POLICIES.as_bytes()], |bytes| drop(policy::parse("policies.yml", &text(bytes))));
    check(&[CONFIG.as_bytes()], |bytes| drop(RepositoryConfig::parse(".suture.yml", &text(bytes))));
    assert!(RepositoryConfig::parse(".suture.yml", CONFIG).is_ok());
}

#[test]
fn suppressions() {
    assert!(OpenVex::parse("vex.json", VEX).is_ok());
    check(&[VEX.as_bytes()], |bytes| drop(OpenVex::parse("vex.json", &text(bytes))));
    assert!(Baseline::parse("baseline.json", BASELINE).is_ok());
    check(&[BASELINE.as_bytes()], |bytes| drop(Baseline::parse("baseline.json", &text(bytes))));
}

#[test]
fn messages() {
    let read = |bytes: &[u8]| {
        let Ok(envelope) = serde_json::from_slice::<Envelope>(bytes) else { return };
        drop(envelope.clone().read::<ScanRequested>());
        drop(envelope.clone().read::<RemediationRequested>());
        drop(envelope.read::<VerificationRequested>());
    };
    assert!(serde_json::from_str::<Envelope>(ENVELOPE).unwrap().read::<ScanRequested>().is_ok());
    check(&[ENVELOPE.as_bytes()], read);
}

#[test]
fn functions() {
    let functions = crate::world::functions();
    let seeds: Vec<&[u8]> = functions.iter().map(|(_, json)| json.as_bytes()).collect();
    check(&seeds, |bytes| drop(Topology::parse([("scan", text(bytes))])));
}

#[test]
fn versions_and_requirements() {
    let seeds: [&[u8]; 6] = [
        b"1.2.3-rc.1+build.5",
        b"1!2.0.post3.dev4+local.7",
        b"^1.2 || >=2.0 <3",
        b">=1.0,!=1.5.*,<2",
        b"1:2.0~rc1-1ubuntu0.1",
        b"go1.21rc2",
    ];
    check(&seeds, |bytes| {
        let text = text(bytes);
        for ecosystem in
            ["npm", "PyPI", "Go", "crates.io", "Maven", "NuGet", "RubyGems", "Packagist", "Debian", "Alpine", "Red Hat"]
        {
            let ecosystem: Ecosystem = ecosystem.parse().unwrap();
            let version = Version::parse(ecosystem, &text).ok();
            if let (Ok(requirement), Some(version)) = (Requirement::parse(ecosystem, &text), version) {
                requirement.allows(&version);
                requirement.bump(&version);
            }
        }
    });
}
