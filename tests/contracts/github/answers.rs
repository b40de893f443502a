//! What the simulated GitHub answers is what the real one could: by GitHub's own descriptions of its API.

use super::{BRANCH, Desk, SLUG, bot, cant_be_helped};
use crate::contracts::documents::python;
use crate::world::program::command;
use agents::environment::effects::Effects;
use agents::environment::github::{
    AlertClosure, Changes, CodeError, GitHub, Label, MergeMethod, Merging, NewCheckRun, NewPullRequest, Registration,
};
use agents::environment::tree_limits::TreeLimits;
use pipeline::ids::CommitSha;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// One alert of each kind.
pub(super) fn raise(desk: &Desk) {
    let advisory = json!({
        "ghsa_id": "GHSA-xxxx-xxxx-xxxx", "cve_id": null, "summary": "it lets others in", "description": "in words",
        "severity": "high", "identifiers": [], "references": [], "published_at": super::NOW, "updated_at": super::NOW,
        "withdrawn_at": null, "cvss": { "score": 0, "vector_string": null }, "cwes": [], "vulnerabilities": [],
    });
    let package = json!({ "ecosystem": "npm", "name": "latch" });
    let vulnerability = json!({
        "package": package, "severity": "high", "vulnerable_version_range": "< 1.2.0",
        "first_patched_version": { "identifier": "1.2.0" },
    });
    let dependency = json!({ "package": package, "manifest_path": "package-lock.json", "scope": "runtime" });
    let dependabot =
        json!({ "dependency": dependency, "security_advisory": advisory, "security_vulnerability": vulnerability });
    desk.repository.alert("dependabot", dependabot);
    let rule = json!({
        "id": "js/eval", "name": "js/eval", "description": "eval", "severity": "error",
        "security_severity_level": "high", "tags": [],
    });
    let place = json!({ "path": "a.js", "start_line": 3, "end_line": 3, "start_column": 1, "end_column": 9 });
    let instance = json!({ "ref": "refs/heads/main", "commit_sha": desk.base, "location": place });
    let tool = json!({ "name": "CodeQL", "guid": null, "version": "2.0" });
    desk.repository.alert("code", json!({ "rule": rule, "tool": tool, "most_recent_instance": instance }));
    let secret = ["hu", "sh"].concat();
    let values =
        json!({ "secret_type": "some_token", "secret": secret, "publicly_leaked": true, "validity": "active" });
    desk.repository.alert("secret", values);
}

/// Asks for what `suture setup` and `suture doctor` ask for.
async fn set_up(desk: &Desk, user: &GitHub) {
    assert_eq!(user.reception().await.unwrap().name.unwrap(), "mona");
    assert_eq!(desk.client.reception().await.unwrap().name.unwrap(), SLUG);
    assert_eq!(user.reachable_repositories().await.unwrap().items.len(), 1);
    let theirs = desk.repository.of(user);
    assert!(theirs.reach().await.unwrap().may_administer);
    let (url, secret) = ("https://app.example/api/github/webhook", "hush".into());
    let made = theirs.create_hook(url, &secret, &["push"]).await.unwrap();
    assert_eq!(theirs.hook_to(url).await.unwrap(), Some(made));
    cant_be_helped(theirs.create_hook(url, &secret, &["push"]).await);
    let registration = Registration::at(Some(&desk.github.address)).unwrap();
    let code = desk.github.agree();
    assert_eq!(registration.convert(&code).await.unwrap().id, desk.github.app_key().0);
    assert_eq!(registration.convert(&code).await.unwrap_err(), CodeError::Unknown(404));
}

/// Asks for everything that the client can ask for, and for some things that are refused.
async fn ask_everything() -> Desk {
    let desk = Desk::with_files(&[("package-lock.json", "{1}"), ("bin/run.sh", "#! run 1")]).await;
    let (client, ours) = (&desk.client, &desk.ours);
    client.app().await.unwrap();
    client.hook().await.unwrap();
    let installation = client.installations().await.unwrap().items[0].id;
    client.installation_repositories(installation, 1).await.unwrap();
    desk.github.note_delivery(&desk.github.take_deliveries()[0], 500);
    let failed = client.failed_deliveries(super::NOW.parse().unwrap()).await.unwrap();
    client.redeliver(failed.items[0].id).await.unwrap();
    let user = GitHub::new(desk.github.settings_of_user("mona"), Effects::default()).unwrap();
    assert_eq!(desk.repository.of(&user).login().await.unwrap(), "mona");
    set_up(&desk, &user).await;

    let tip = desk.delivered("{2}").await;
    ours.tree(&tip, &TreeLimits::default()).await.unwrap();
    ours.changed_files(&desk.base, &tip).await.unwrap();
    ours.branch("nowhere").await.unwrap();
    let labels = [Label { name: "security", color: "b60205", description: "closes a wound" }];
    let new =
        NewPullRequest { title: "Update", body: "why", head: BRANCH, base: "main", is_draft: true, labels: &labels };
    let pull = ours.open_pull_request(&new).await.unwrap();
    ours.set_draft(&pull, false).await.unwrap();
    let pull = ours.pull_request(pull.number).await.unwrap().unwrap();
    ours.set_draft(&pull, true).await.unwrap();
    ours.update_pull_request(pull.number, Changes { body: Some("because"), ..Changes::default() }).await.unwrap();
    ours.comment(pull.number, "hello").await.unwrap();
    ours.comments(pull.number).await.unwrap();
    let issue = ours.create_issue("Wounds", "marker", &labels).await.unwrap();
    ours.issue_with("marker", &bot()).await.unwrap();
    ours.update_issue(issue.number, Changes { is_open: Some(false), ..Changes::default() }).await.unwrap();
    desk.repository.check(&tip, "ci", "tests", Some("success"));
    desk.repository.status(&tip, "deploy", "pending");
    for conclusion in ["neutral", "success"] {
        let (title, summary) = ("Nothing new", "in words");
        let run = NewCheckRun { external_id: "1", name: "suture", conclusion, title, summary, annotations: &[] };
        ours.put_check_run(&tip, &run).await.unwrap();
    }
    ours.check_runs(&tip).await.unwrap();
    raise(&desk);
    let closure = |reason| Some(AlertClosure { reason, comment: "see the pull request" });
    ours.dependabot_alerts().await.unwrap();
    ours.update_dependabot_alert(1, closure("tolerable_risk")).await.unwrap();
    ours.dependabot_alert(1).await.unwrap();
    ours.code_alerts().await.unwrap();
    ours.update_code_alert(1, closure("won't fix")).await.unwrap();
    ours.code_alert(1).await.unwrap();
    ours.secret_alerts().await.unwrap();
    ours.secret_locations(1).await.unwrap();
    ours.update_secret_alert(1, closure("revoked")).await.unwrap();
    ours.secret_alert(1).await.unwrap();
    refused_merges(&desk, pull.number, &tip).await;
    desk.repository.review(pull.number, "CHANGES_REQUESTED", "mona");
    assert!(ours.has_objections(pull.number).await.unwrap());
    let method = ours.merge_method().await.unwrap().unwrap();
    assert_eq!(ours.merge(pull.number, &tip, method).await.unwrap(), Merging::Done);
    let merged = ours.pull_request(pull.number).await.unwrap().unwrap();
    assert_eq!((merged.merged_by, merged.is_open), (Some(bot()), false));
    ours.pull_request_of(BRANCH).await.unwrap();
    ours.withdraw(BRANCH, &tip).await.unwrap();
    desk.repository.archive();
    cant_be_helped(ours.comment(pull.number, "too late").await);
    desk
}

/// Asks for merges that are refused: of a draft, of another commit, in a way that is not allowed.
async fn refused_merges(desk: &Desk, number: u64, tip: &CommitSha) {
    let ours = &desk.ours;
    let refused = async |commit, method| match ours.merge(number, commit, method).await.unwrap() {
        Merging::Refused(words) => words,
        Merging::Done => panic!("it was merged"),
    };
    assert!(refused(tip, MergeMethod::Squash).await.contains("not mergeable"));
    let pull = ours.pull_request(number).await.unwrap().unwrap();
    assert_eq!(pull.is_mergeable, Some(true));
    ours.set_draft(&pull, false).await.unwrap();
    assert!(refused(&desk.base, MergeMethod::Squash).await.contains("Head branch was modified"));
    desk.repository.allow_merges(&["rebase"]);
    assert!(refused(tip, MergeMethod::Merge).await.contains("not allowed"));
    assert_eq!(ours.merge_method().await.unwrap(), Some(MergeMethod::Rebase));
    assert!(!ours.has_objections(number).await.unwrap());
}

/// What npm installed of GitHub's descriptions, below the target folder. `None`, with a word on stderr: it is not there.
fn descriptions(file: &str) -> Option<PathBuf> {
    let test = std::env::current_exe().unwrap();
    let targets =
        [test.ancestors().nth(3).unwrap().to_owned(), PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target"))];
    let found = targets.map(|target| target.join("github/node_modules/@octokit").join(file));
    let found = found.into_iter().find(|file| file.is_file());
    if found.is_none() {
        eprintln!("skipped: GitHub's descriptions are not installed; `.ci/run` says how");
    }
    found
}

/// Runs the judge beside this file over `rows`, and fails with what it says.
pub(super) fn judge(program: &Path, script: &str, description: &Path, rows: &[Value]) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.json");
    fs::write(&file, Value::from(rows.to_vec()).to_string()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("contracts/github").join(script);
    let ran = command(program, folder.path()).arg(script).arg(description).arg(file).output().unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(ran.status.success(), "{}{}", said(&ran.stdout), said(&ran.stderr));
}

#[tokio::test]
async fn every_answer_is_as_github_describes_it() {
    let desk = ask_everything().await;
    let answers = desk.github.answers().into_iter().filter(|one| !one.operation.is_empty() && one.status != 304);
    let rows: Vec<_> = answers
        .map(|one| json!({ "operation": one.operation, "status": one.status.to_string(), "body": one.body }))
        .collect();
    let mut operations: Vec<_> = rows.iter().map(|row| row["operation"].to_string()).collect();
    operations.sort();
    operations.dedup();
    assert!(operations.len() >= 40, "{operations:?}");
    let Some(description) = descriptions("openapi/generated/api.github.com.json") else { return };
    match python() {
        Some(python) => judge(&python, "validate.py", &description, &rows),
        None => eprintln!("skipped: jsonschema of Python is not to be had"),
    }
}

#[tokio::test]
async fn what_graphql_is_asked_is_in_its_schema() {
    let desk = ask_everything().await;
    let asked = desk.github.graphql();
    assert_eq!(asked.len(), 4);
    if let Some(description) = descriptions("graphql-schema/schema.graphql") {
        judge(Path::new("node"), "validate.js", &description, &asked);
    }
}
