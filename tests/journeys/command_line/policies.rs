//! `suture policy`, `learning`, `agents`, `trace`, `kill-switch`, and what `cases` tells of a decision.

use super::{Desk, write};
use crate::world::program::User;
use agents::environment::clock::Clock;
use serde_json::{Value, json};

const POLICY: &str = "policies:
  - name: ours
    event_type: vulnerability.dependency
    when: severity == 'medium'
    auto_heal_severities: [low]
    confidence_threshold: 0.9
    actions: [{type: update_dependency}, {type: create_pr}]
";

#[test]
fn policies_are_checked_with_line_and_column() {
    let user = User::new();
    write(&user.home().join("good.yml"), POLICY);
    write(&user.home().join("bad.yml"), &POLICY.replace("update_dependency", "updat_dependency"));
    write(&user.home().join("repo/.suture.yml"), "policies:\n  - confidence_threshold: 2\n");
    assert_eq!(user.suture(&["policy", "check", "good.yml"]).expect(0), "good.yml: fine, 1 policy\n");
    let ran = user.suture(&["policy", "check", "good.yml", "bad.yml", "repo/.suture.yml"]);
    let said: Vec<&str> = ran.expect(1).lines().collect();
    assert!(said[1].starts_with("bad.yml:7:") && said[1].contains("`updat_dependency`"), "{said:?}");
    assert!(said[2].starts_with("repo/.suture.yml:2:") && said[2].contains("has to be from 0 to 1"), "{said:?}");
    assert_eq!(said.len(), 3);
    user.suture(&["policy", "check", "absent.yml"]).expect(1);
    user.suture(&["policy", "check"]).expect(2);
}

#[test]
fn what_holds_is_explained() {
    let user = User::new();
    write(&user.home().join("ours.yml"), POLICY);
    write(&user.home().join(".suture.yml"), "mode: propose\npolicies:\n  - confidence_threshold: 0.95\n");
    let built_in = user.suture(&["policy", "explain"]);
    for word in ["dependency-vulnerability", "exposed-secret", "sql-injection-fix", "container-misconfiguration"] {
        assert!(built_in.expect(0).contains(word), "{word}: {}", built_in.stdout);
    }
    let arguments = ["policy", "explain", "--policy", "ours.yml", "--config", ".suture.yml", "--format", "json"];
    let said = user.suture(&arguments).json(0);
    assert_eq!((&said["mode"], &said["policies"][0]["name"]), (&json!("propose"), &json!("ours")));
    assert_eq!(said["policies"][0]["confidence_threshold"], 0.95);
    assert_eq!(said["policies"].as_array().unwrap().len(), 5);
    let schema = user.suture(&["policy", "schema"]).json(0);
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
}

#[tokio::test(flavor = "multi_thread")]
async fn case_tells_its_evidence_and_its_timeline_and_its_run_a_tree() {
    let desk = Desk::with_hole("MODERATE").await;
    let healed = desk.suture(&["heal", "shop", "--format", "json"]).json(0);
    let id = healed["cases"][0]["case"].as_str().unwrap();
    assert_eq!(healed["cases"][0]["grounds"]["policy"], "dependency-vulnerability");
    let told = desk.suture(&["cases", id]);
    for part in [
        "policy   dependency-vulnerability",
        "0.97  detection: ",
        "0.99  proof: every check passed",
        "scan        1 finding in package-lock.json at ",
        "remediate   heal (0.95 sure)",
        "verify ",
    ] {
        assert!(told.expect(0).contains(part), "{part}: {}", told.stdout);
    }
    let told = desk.suture(&["cases", id, "--format", "json"]).json(0);
    let agents: Vec<&str> =
        told["timeline"].as_array().unwrap().iter().map(|record| record["agent"].as_str().unwrap()).collect();
    assert_eq!(agents, ["scan", "analyze", "remediate", "verify"]);
    let run = told["cases"][0]["run"].as_str().unwrap();
    let tree = desk.suture(&["trace", run]);
    let lines: Vec<&str> = tree.expect(0).lines().collect();
    let at = |part: &str| {
        let line = lines.iter().find(|line| line.contains(part)).unwrap_or_else(|| panic!("{part}: {lines:#?}"));
        line.len() - line.trim_start().len()
    };
    let depths =
        ["vulnerability.detected -> analyze", "remediation.requested -> remediate", "verification.requested -> verify"]
            .map(at);
    assert!(depths.is_sorted() && depths[0] < depths[2], "{lines:#?}");
    assert!(lines.iter().any(|line| line.ends_with(" ms")), "{lines:#?}");
    let messages = desk.suture(&["trace", run, "--format", "json"]).json(0);
    assert!(messages["messages"].as_array().unwrap().len() > 5);
    desk.suture(&["trace", "no-run"]).expect(2);
    desk.suture(&["trace", "019b76dc-7cc0-7000-8000-000000000007"]).expect(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_switch_stops_every_delivery_until_it_is_taken_back() {
    let desk = Desk::with_hole("MODERATE").await;
    let switch = |what: &[&str]| desk.suture(&[&["kill-switch"], what].concat());
    assert_eq!(switch(&["show"]).expect(0), "the kill switch is off\n");
    switch(&["on", "--by", "mona", "--reason", "look into it"]).expect(0);
    assert!(switch(&["show"]).expect(1).starts_with("the kill switch is on, by mona at "));
    let ran = desk.suture(&["heal", "shop"]);
    assert!(ran.expect(1).contains("kill switch: mona stopped everything: look into it"), "{}", ran.stdout);
    assert!(ran.stdout.contains("a guard rail holds it back; run it again after "), "{}", ran.stdout);
    assert_eq!(desk.repository.branches().len(), 1);
    switch(&["off", "--by", "mona", "--reason", "it is fine"]).expect(0);
    desk.suture(&["heal", "shop"]).expect(0);
    assert_eq!(desk.repository.branches().len(), 2);
    switch(&["on", "--by", "mona"]).expect(2);
}

#[test]
fn audit_tells_who_decided_what_and_finds_what_was_changed() {
    let user = User::new();
    let suture = |what: &[&str]| user.suture(&[what, &["--state", "state"]].concat());
    suture(&["kill-switch", "on", "--by", "mona", "--reason", "look into it"]).expect(0);
    suture(&["kill-switch", "off", "--by", "octo", "--reason", "it is fine"]).expect(0);
    let exported = suture(&["audit"]).expect(0).to_owned();
    let lines: Vec<Value> = exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["entries"], 2);
    let told: Vec<_> =
        lines[1..].iter().map(|line| (line["deed"]["who"].as_str(), line["deed"]["act"].as_str())).collect();
    assert_eq!(told, [(Some("mona"), Some("stopped")), (Some("octo"), Some("resumed"))]);
    let verify = |text: &str| user.suture_reading(&["audit", "verify", "-"], text.as_bytes());
    assert!(verify(&exported).expect(0).starts_with("the chain holds: 2 lines, "));
    assert_eq!(
        verify(&exported.replace("it is fine", "it is not")).expect(1),
        "the audit is broken: line 3: entry 2 was edited\n"
    );
    assert!(suture(&["audit", "verify"]).expect(0).starts_with("the chain holds: 2 lines, "));
    suture(&["audit", "--since", "yesterday"]).expect(2);
    let last = std::fs::read_dir(user.home().join("state/audit")).unwrap().map(|file| file.unwrap().path()).max();
    std::fs::remove_file(last.unwrap()).unwrap();
    assert_eq!(suture(&["audit", "verify"]).expect(1), "the audit is broken: it has 1 line, and entry 2 was written\n");
}

#[test]
fn what_was_never_learned_is_said_so() {
    let user = User::new();
    assert!(user.suture(&["learning"]).expect(0).contains("nothing"));
    assert_eq!(user.suture(&["learning", "--format", "json"]).json(0)["schema"], "suture.learning/1");
    assert!(user.suture(&["agents"]).expect(0).contains("no "));
    assert_eq!(user.suture(&["agents", "--format", "json"]).json(0)["agents"], json!({}));
    assert_eq!(std::fs::read_dir(user.home()).unwrap().count(), 0, "asking makes no store");
}

#[test]
fn agents_that_nobody_asked_for_days_are_not_called_well() {
    let user = User::new();
    let state = |answered: &str| {
        let scan = json!({
            "capabilities": ["dependency.scan"],
            "version": "0.1.0",
            "round_trip_ms": 12,
            "last_work": null,
            "answered": answered,
            "since": "2026-01-01T00:00:00Z",
            "silent_since": null,
        });
        write(&user.home().join("state/agents.json"), &json!({ "agents": { "scan": scan } }).to_string());
    };
    state("2026-01-01T00:15:00Z");
    let ran = user.suture(&["agents", "--state", "state"]);
    assert!(ran.expect(1).contains("not asked since 2026-01-01 00:15:00Z"), "{}", ran.stdout);
    let said = user.suture(&["agents", "--state", "state", "--format", "json"]).json(1);
    assert_eq!(said["not_asked_since"], "2026-01-01T00:15:00Z");
    state(&Clock::System.now().to_string());
    let ran = user.suture(&["agents", "--state", "state"]);
    assert!(ran.expect(0).contains("well"), "{}", ran.stdout);
}
