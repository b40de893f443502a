//! The JSON of messages: old ones outlive an upgrade, so what they look like is a contract.

use pipeline::case::{Delivery, Wound};
use pipeline::decision::{Decision, Evidence, Verdict};
use pipeline::finding::{Finding, Fix, PackageRef, ScanError, Scope, Severity};
use pipeline::ids::{CaseId, CommitSha, Fingerprint, RepoName};
use pipeline::patch::Left;
use pipeline::payload::{
    AgentStatus, CaseEvent, Detected, Mode, Notification, RemediationRequested, ScanCompleted, ScanRequested,
    StatusAsked, VerificationRequested,
};

fn repository() -> RepoName {
    "git.example/team/shop".parse().unwrap()
}

fn commit() -> CommitSha {
    "0123456789012345678901234567890123456789".parse().unwrap()
}

fn case() -> CaseId {
    "npm-0123456789ab".parse().unwrap()
}

fn fingerprint() -> Fingerprint {
    "00112233445566778899aabbccddeeff".parse().unwrap()
}

fn wound() -> Wound {
    Wound {
        repository: repository(),
        base_branch: "main".to_owned(),
        commit: commit(),
        event_type: "vulnerability.dependency".to_owned(),
        rule: "CVE-2000-0001".to_owned(),
        severity: Severity::High,
        path: "package-lock.json".to_owned(),
        findings: vec![fingerprint()],
    }
}

fn finding() -> Finding {
    Finding {
        fingerprint: fingerprint(),
        event_type: "vulnerability.dependency".to_owned(),
        rule: "CVE-2000-0001".to_owned(),
        severity: Severity::High,
        confidence: 0.97,
        title: "latch 1.0.0: it lets others in".to_owned(),
        path: "package-lock.json".to_owned(),
        line: Some(12),
        package: Some(PackageRef {
            purl: "pkg:npm/latch@1.0.0".to_owned(),
            name: "latch".to_owned(),
            version: "1.0.0".to_owned(),
            scope: Scope::Prod,
            direct: false,
        }),
        advisories: vec!["CVE-2000-0001".to_owned()],
        fixed_versions: vec!["1.2.0".to_owned()],
        fix: Fix::Available,
        risk: Default::default(),
        imported: Default::default(),
    }
}

fn verdict() -> Verdict {
    Verdict {
        decision: Decision::Propose,
        reasons: vec!["severity high is not in auto_heal_severities, so somebody has to approve".to_owned()],
        confidence: 0.97,
        policy: Some("dependency-vulnerability".to_owned()),
        evidence: vec![Evidence::detection(0.97)],
        priority: Default::default(),
        held_until: None,
        awaits_tests: false,
    }
}

#[test]
fn scan_requested() {
    let payload = ScanRequested {
        repository: repository(),
        base_branch: "main".to_owned(),
        commit: commit(),
        mode: Mode::Heal,
        is_anew: false,
    };
    insta::assert_json_snapshot!(payload, @r#"
    {
      "repository": "git.example/team/shop",
      "base_branch": "main",
      "commit": "0123456789012345678901234567890123456789",
      "mode": "heal"
    }
    "#);
}

#[test]
fn scan_completed() {
    let error = ScanError { path: "package.json".to_owned(), line: Some(3), message: "broken".to_owned() };
    let payload = ScanCompleted {
        repository: repository(),
        commit: commit(),
        summary: [("high".to_owned(), 1)].into(),
        suppressed: 0,
        errors: vec![error],
        is_complete: true,
        unread: vec!["package.json".to_owned()],
        notes: vec![".suture.yml:2 never ends".to_owned()],
        limits_hit: vec!["files after the first 2 (files_max)".to_owned()],
        has_unseen: true,
    };
    insta::assert_json_snapshot!(payload, @r#"
    {
      "repository": "git.example/team/shop",
      "commit": "0123456789012345678901234567890123456789",
      "summary": {
        "high": 1
      },
      "suppressed": 0,
      "errors": [
        {
          "path": "package.json",
          "line": 3,
          "message": "broken"
        }
      ],
      "is_complete": true,
      "unread": [
        "package.json"
      ],
      "notes": [
        ".suture.yml:2 never ends"
      ],
      "limits_hit": [
        "files after the first 2 (files_max)"
      ],
      "has_unseen": true
    }
    "#);
}

#[test]
fn vulnerability_detected() {
    let suppressed = vec![(fingerprint(), ".suture.yml:2: not reachable".to_owned())];
    let payload = Detected { case: case(), wound: wound(), findings: vec![finding()], suppressed, mode: Mode::DryRun };
    insta::assert_json_snapshot!(payload, @r#"
    {
      "case": "npm-0123456789ab",
      "wound": {
        "repository": "git.example/team/shop",
        "base_branch": "main",
        "commit": "0123456789012345678901234567890123456789",
        "event_type": "vulnerability.dependency",
        "rule": "CVE-2000-0001",
        "severity": "high",
        "path": "package-lock.json",
        "findings": [
          "00112233445566778899aabbccddeeff"
        ]
      },
      "findings": [
        {
          "fingerprint": "00112233445566778899aabbccddeeff",
          "event_type": "vulnerability.dependency",
          "rule": "CVE-2000-0001",
          "severity": "high",
          "confidence": 0.97,
          "title": "latch 1.0.0: it lets others in",
          "path": "package-lock.json",
          "line": 12,
          "package": {
            "purl": "pkg:npm/latch@1.0.0",
            "name": "latch",
            "version": "1.0.0",
            "scope": "prod",
            "direct": false
          },
          "advisories": [
            "CVE-2000-0001"
          ],
          "fixed_versions": [
            "1.2.0"
          ],
          "fix": "available"
        }
      ],
      "suppressed": [
        [
          "00112233445566778899aabbccddeeff",
          ".suture.yml:2: not reachable"
        ]
      ],
      "mode": "dry_run"
    }
    "#);
}

#[test]
fn remediation_requested() {
    let payload = RemediationRequested { case: case(), wound: wound(), verdict: verdict(), mode: Mode::Heal };
    insta::assert_json_snapshot!(payload, @r#"
    {
      "case": "npm-0123456789ab",
      "wound": {
        "repository": "git.example/team/shop",
        "base_branch": "main",
        "commit": "0123456789012345678901234567890123456789",
        "event_type": "vulnerability.dependency",
        "rule": "CVE-2000-0001",
        "severity": "high",
        "path": "package-lock.json",
        "findings": [
          "00112233445566778899aabbccddeeff"
        ]
      },
      "verdict": {
        "decision": "propose",
        "reasons": [
          "severity high is not in auto_heal_severities, so somebody has to approve"
        ],
        "confidence": 0.97,
        "policy": "dependency-vulnerability",
        "evidence": [
          {
            "name": "detection",
            "weight": 0.97,
            "detail": "the least certain finding has 0.97"
          }
        ]
      },
      "mode": "heal"
    }
    "#);
}

#[test]
fn verification_requested() {
    let delivery = Delivery {
        branch: Some(case().branch()),
        commit: Some(commit()),
        files: vec!["package-lock.json".to_owned()],
        diff: "diffs/00".to_owned(),
        pull_request: None,
    };
    let left = vec![Left { fingerprint: fingerprint(), reason: "no version heals it".to_owned() }];
    let payload = VerificationRequested {
        case: case(),
        wound: wound(),
        verdict: verdict(),
        heals: vec![finding()],
        left,
        delivery,
    };
    insta::assert_json_snapshot!(payload, @r#"
    {
      "case": "npm-0123456789ab",
      "wound": {
        "repository": "git.example/team/shop",
        "base_branch": "main",
        "commit": "0123456789012345678901234567890123456789",
        "event_type": "vulnerability.dependency",
        "rule": "CVE-2000-0001",
        "severity": "high",
        "path": "package-lock.json",
        "findings": [
          "00112233445566778899aabbccddeeff"
        ]
      },
      "verdict": {
        "decision": "propose",
        "reasons": [
          "severity high is not in auto_heal_severities, so somebody has to approve"
        ],
        "confidence": 0.97,
        "policy": "dependency-vulnerability",
        "evidence": [
          {
            "name": "detection",
            "weight": 0.97,
            "detail": "the least certain finding has 0.97"
          }
        ]
      },
      "heals": [
        {
          "fingerprint": "00112233445566778899aabbccddeeff",
          "event_type": "vulnerability.dependency",
          "rule": "CVE-2000-0001",
          "severity": "high",
          "confidence": 0.97,
          "title": "latch 1.0.0: it lets others in",
          "path": "package-lock.json",
          "line": 12,
          "package": {
            "purl": "pkg:npm/latch@1.0.0",
            "name": "latch",
            "version": "1.0.0",
            "scope": "prod",
            "direct": false
          },
          "advisories": [
            "CVE-2000-0001"
          ],
          "fixed_versions": [
            "1.2.0"
          ],
          "fix": "available"
        }
      ],
      "left": [
        {
          "fingerprint": "00112233445566778899aabbccddeeff",
          "reason": "no version heals it"
        }
      ],
      "delivery": {
        "branch": "suture/npm-0123456789ab",
        "commit": "0123456789012345678901234567890123456789",
        "files": [
          "package-lock.json"
        ],
        "diff": "diffs/00"
      }
    }
    "#);
}

#[test]
fn notification_requested() {
    let payload = Notification { case: Some(case()), subject: "healed".to_owned(), body: vec!["because".to_owned()] };
    insta::assert_json_snapshot!(payload, @r#"
    {
      "case": "npm-0123456789ab",
      "subject": "healed",
      "body": [
        "because"
      ]
    }
    "#);
}

#[test]
fn event_of_a_case() {
    let payload = CaseEvent { case: case(), repository: repository(), detail: "it holds".to_owned() };
    insta::assert_json_snapshot!(payload, @r#"
    {
      "case": "npm-0123456789ab",
      "repository": "git.example/team/shop",
      "detail": "it holds"
    }
    "#);
}

#[test]
fn agent_status() {
    let round = jiff::Timestamp::UNIX_EPOCH;
    insta::assert_json_snapshot!(StatusAsked { round }, @r#"
    {
      "round": "1970-01-01T00:00:00Z"
    }
    "#);
    let answer = AgentStatus {
        agent: "scan".to_owned(),
        round,
        capabilities: vec!["dependency.scan".to_owned()],
        version: "0.1.0".to_owned(),
        waited_ms: 12,
        last_work: Some(round),
    };
    insta::assert_json_snapshot!(answer, @r#"
    {
      "agent": "scan",
      "round": "1970-01-01T00:00:00Z",
      "capabilities": [
        "dependency.scan"
      ],
      "version": "0.1.0",
      "waited_ms": 12,
      "last_work": "1970-01-01T00:00:00Z"
    }
    "#);
}
