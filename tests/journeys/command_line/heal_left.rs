//! `suture heal` where something is left, or in the way.

use super::{ADVISORY, Desk, shop};
use pipeline::message::PAYLOAD_BYTES_MAX;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn offline_nothing_is_asked_and_everything_is_left_with_the_reason() {
    let desk = Desk::with_project(&shop().needs("minimist", "^1.2.0").locks("minimist", "1.2.5", &[])).await;
    let said = desk.suture(&["heal", "shop", "--offline", "--format", "json"]).json(1);
    let left = said["cases"][0]["left"].as_array().unwrap();
    assert!(
        !left.is_empty() && left.iter().all(|left| left["reason"].as_str().unwrap().contains("offline")),
        "{said:#}"
    );
    assert_eq!(desk.registry.asked(), 0);
    let scanned = desk.suture(&["scan", "shop", "--offline", "--format", "json"]).json(1);
    assert!(scanned["findings"].as_array().unwrap().iter().all(|finding| finding["fix"] == "unknown"), "{scanned:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn registry_that_is_down_is_named() {
    let desk = Desk::with_hole("MODERATE").await;
    let user = desk.user.set("SUTURE_NPM_REGISTRY", "http://127.0.0.1:9/");
    let said = user.suture(&["heal", "shop", "--format", "json"]).json(1);
    let case = &said["cases"][0];
    assert_eq!(case["status"], "escalated");
    assert!(case["left"][0]["reason"].as_str().unwrap().contains("http://127.0.0.1:9"), "{case:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn busy_registry_puts_the_work_off_and_the_next_run_does_it() {
    let desk = Desk::with_hole("MODERATE").await;
    desk.registry.refuse(Some(429), Some(3600));
    let said = desk.suture(&["heal", "shop", "--format", "json"]).json(1);
    assert_eq!(said["cases"][0]["status"], "initiated");
    assert!(said["errors"][0]["message"].as_str().unwrap().starts_with("put off: "), "{said:#}");
    let table = desk.suture(&["heal", "shop"]);
    assert!(table.expect(1).contains("run it again after"), "{}", table.stdout);
    desk.registry.refuse(None, None);
    let said = desk.suture(&["heal", "shop", "--format", "json"]).json(0);
    assert_eq!((&said["summary"], &said["errors"]), (&json!({ "completed": 1 }), &json!([])));
}

#[tokio::test(flavor = "multi_thread")]
async fn suppressed_findings_are_told_with_who_and_why() {
    let desk = Desk::with_hole("MODERATE").await;
    desk.repository.commit(
        "ignore",
        &[(
            ".suture.yml",
            &format!("ignore:\n  - id: {ADVISORY}\n    reason: not reachable\n    expires: 2999-01-01\n"),
        )],
    );
    let said = desk.suture(&["heal", "shop", "--format", "json"]).json(0);
    let case = &said["cases"][0];
    assert_eq!((&case["decision"], &case["status"]), (&json!("suppress"), &json!("suppressed")));
    assert!(case["reasons"][0].as_str().unwrap().contains("not reachable"), "{case:#}");
    assert_eq!((&case["rule"], &case["severity"]), (&json!(ADVISORY), &json!("medium")));
    assert_eq!(case["findings"].as_array().unwrap().len(), 1, "{case:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_told_however_long_they_are() {
    let long = format!("--{}\n", "x".repeat(200_000));
    // Cut, so many are still too large for a message, and travel by claim check.
    let many = format!("--{}\n", "\u{1d54f}".repeat(5000)).repeat(20);
    for (lines, said_bytes_min) in [(long, 0), (many, PAYLOAD_BYTES_MAX)] {
        let [a, b, c] = ["a", "b", "c"].map(|folder| format!("{}/requirements.txt", folder.repeat(200)));
        let desk = Desk::with_files(&[("package.json", "{"), (&a, &lines), (&b, &lines), (&c, &lines)]).await;
        let ran = desk.suture(&["heal", "shop", "--offline", "--format", "json"]);
        let said = ran.json(2);
        assert!(said.to_string().len() > said_bytes_min, "no claim check was needed");
        let errors = said["errors"].as_array().unwrap();
        assert!(errors.iter().any(|error| error["path"] == "package.json"), "{}", ran.stderr);
        let longest = errors.iter().map(|error| error["message"].as_str().unwrap().chars().count()).max();
        assert!(longest <= Some(1001), "{longest:?}");
        assert!(ran.stderr.contains("package.json could not be read"), "{}", ran.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_and_limits_are_no_errors() {
    let desk = Desk::with_files(&[("README.md", "shop\n"), ("package.json", &"x".repeat((64 << 20) + 1))]).await;
    let ran = desk.suture(&["heal", "shop", "--offline", "--format", "json"]);
    let said = ran.json(2);
    assert!(said["limits_hit"].to_string().contains("file_bytes_max"), "{said:#}");
    assert!(!said["errors"].to_string().contains("file_bytes_max"), "{said:#}");
    let table = desk.suture(&["heal", "shop", "--offline"]);
    assert!(table.expect(2).contains("limit: left out: package.json: "), "{}", table.stdout);
    let empty = Desk::with_files(&[("README.md", "shop\n")]).await;
    let said = empty.suture(&["heal", "shop", "--offline", "--format", "json"]).json(0);
    assert!(said["notes"].to_string().contains("no npm or pip project here"), "{said:#}");
    assert!(!said["errors"].to_string().contains("project here"), "{said:#}");
    let table = empty.suture(&["heal", "shop", "--offline"]);
    assert!(table.expect(0).contains("note: there is no npm or pip project here"), "{}", table.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn wake_up_that_is_damaged_hides_nothing() {
    let desk = Desk::with_hole("MODERATE").await;
    super::write(&desk.user.home().join("state/wakeups/20260101T0000/damaged"), "{");
    let said = desk.suture(&["heal", "shop", "--state", "state", "--format", "json"]).json(0);
    assert_eq!(said["summary"], json!({ "completed": 1 }));
    assert!(said["errors"].to_string().contains("wakeups/20260101T0000/damaged is damaged"), "{said:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wake_ups_of_other_branches_and_later_runs_are_kept() {
    let desk = Desk::with_hole("MODERATE").await;
    desk.registry.refuse(Some(429), Some(3600));
    desk.suture(&["heal", "shop", "--state", "state"]).expect(1);
    let wakeups = desk.user.home().join("state/wakeups");
    let minute = std::fs::read_dir(&wakeups).unwrap().next().unwrap().unwrap().path();
    let mine = std::fs::read_dir(&minute).unwrap().next().unwrap().unwrap().path();
    let mut other: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&mine).unwrap()).unwrap();
    let later = json!("ffffffff-ffff-7fff-bfff-ffffffffffff");
    let correlation_id = std::mem::replace(&mut other["message"]["correlation_id"], later);
    super::write(&wakeups.join("29990101T0000/later"), &other.to_string());
    other["message"]["correlation_id"] = correlation_id;
    other["message"]["payload"]["wound"]["base_branch"] = json!("release");
    super::write(&wakeups.join("29990101T0000/release"), &other.to_string());
    desk.registry.refuse(None, None);
    desk.suture(&["heal", "shop", "--state", "state"]).expect(0);
    let is_kept = ["later", "release"].map(|name| wakeups.join("29990101T0000").join(name).exists());
    assert_eq!((is_kept, mine.exists()), ([true, true], false));
}

#[tokio::test(flavor = "multi_thread")]
async fn policy_of_the_user_decides() {
    let desk = Desk::with_hole("HIGH").await;
    let single = "name: all\nevent_type: vulnerability.dependency\nauto_heal_severities: [high]\nconfidence_threshold: 0.9\nactions:\n  - type: update_dependency\n    conditions: [patch_available]\n  - type: create_pr\nrollback_enabled: true\n";
    for (name, text) in [
        ("single.yml", single.to_owned()),
        ("list.yml", format!("policies:\n  - {}", single.trim_end().replace('\n', "\n    "))),
    ] {
        super::write(&desk.user.home().join(name), &text);
        let said = desk.suture(&["heal", "shop", "--policy", name, "--format", "json"]).json(0);
        assert_eq!(said["cases"][0]["status"], "completed", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_policy_is_named_with_its_place() {
    let desk = Desk::with_hole("HIGH").await;
    let rows = [
        ("policies:\n  - name: a\n    colour: red\n", "p.yml:3:5: unknown field `colour`"),
        ("name: a\nevent_type: b\nauto_heal_severities: [worst]\n", "p.yml:3:"),
        ("name: a\nevent_type: b\nauto_heal_severities: []\nconfidence_threshold: 2\n", "p.yml:4:"),
        ("{", "p.yml:1:"),
    ];
    for (text, expect) in rows {
        super::write(&desk.user.home().join("p.yml"), text);
        let ran = desk.suture(&["heal", "shop", "--policy", "p.yml"]);
        ran.expect(2);
        assert!(ran.stderr.contains(expect), "{text}: {}", ran.stderr);
    }
    let ran = desk.suture(&["heal", "shop", "--policy", "absent.yml"]);
    ran.expect(2);
    assert!(ran.stderr.contains("absent.yml"), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn advisories_that_could_not_be_asked_are_no_clean_bill() {
    let desk = Desk::with_project(&shop()).await;
    desk.osv.refuse(404);
    let ran = desk.suture(&["heal", "shop"]);
    ran.expect(2);
    assert!(
        ran.stdout.contains("could not be asked") && ran.stderr.contains("not every advisory"),
        "{}{}",
        ran.stdout,
        ran.stderr
    );
    desk.suture(&["heal", "shop", "--advisories", "starter"]).expect(0);
}
