//! What deliveries lead to, row by row.

use super::*;
use serde_json::{Value, json};

const US: Us = Us { host: "github.com", app: Some(7) };
const COMMIT: &str = "0123456789012345678901234567890123456789";
const OTHER: &str = "abcdefabcdefabcdefabcdefabcdefabcdefabcd";
const MERGE: &str = "1111111111111111111111111111111111111111";
const ZEROS: &str = "0000000000000000000000000000000000000000";

/// What the delivery leads to: a line for each message, or the reason why there is none.
fn led(event: &str, body: &Value) -> Vec<String> {
    let event = parse(event, &body.to_string()).unwrap();
    match lead(&event, US).unwrap() {
        Lead::Nowhere(why) => vec![why.to_owned()],
        Lead::To(work) => work
            .iter()
            .map(|work| format!("{}: {} {}", work.queue(), work.topic(), serde_json::to_string(work).unwrap()))
            .collect(),
    }
}

#[track_caller]
fn check(event: &str, body: &Value, expect: &str) {
    assert_eq!(led(event, body), [expect], "{event} {body}");
}

fn repository() -> Value {
    json!({ "full_name": "Octo/Shop", "default_branch": "main" })
}

fn user(login: &str) -> Value {
    json!({ "login": login, "type": if login.ends_with("[bot]") { "Bot" } else { "User" } })
}

fn push(reference: &str, after: &str) -> Value {
    json!({ "ref": reference, "after": after, "repository": repository() })
}

#[test]
fn only_a_push_to_the_default_branch_is_scanned() {
    check(
        "push",
        &push("refs/heads/main", COMMIT),
        r#"scan: scan.requested {"repository":"github.com/octo/shop","base_branch":"main","commit":"0123456789012345678901234567890123456789","mode":"heal"}"#,
    );
    check("push", &push("refs/heads/feature", COMMIT), "the branch is not the default branch");
    check("push", &push("refs/heads/suture/npm-1", COMMIT), "the branch is ours");
    check("push", &push("refs/heads/main", ZEROS), "the branch was deleted");
    check("push", &push("refs/tags/main", COMMIT), "no branch was pushed");
    let without_default =
        json!({ "ref": "refs/heads/main", "after": COMMIT, "repository": { "full_name": "octo/shop" } });
    check("push", &without_default, "the branch is not the default branch");
}

fn pull_request(action: &str, branch: &str, from: &Value) -> Value {
    json!({
        "action": action,
        "number": 5,
        "pull_request": {
            "number": 5,
            "base": { "ref": "main", "sha": OTHER, "repo": repository() },
            "head": { "ref": branch, "sha": COMMIT, "repo": from },
            "merged": false,
            "merge_commit_sha": MERGE,
        },
        "repository": repository(),
        "sender": user("ann"),
    })
}

#[test]
fn pull_request_of_others_is_scanned_when_it_brings_something() {
    let scan = |is_fork: bool| {
        format!(
            r#"scan: pull_request.scan_requested {{"repository":"github.com/octo/shop","number":5,"base_branch":"main","base_commit":"{OTHER}","head_commit":"{COMMIT}","is_fork":{is_fork}}}"#
        )
    };
    for action in ["opened", "reopened", "synchronize", "ready_for_review"] {
        check("pull_request", &pull_request(action, "feature", &repository()), &scan(false));
    }
    let fork = json!({ "full_name": "eve/shop" });
    check("pull_request", &pull_request("opened", "feature", &fork), &scan(true));
    check("pull_request", &pull_request("opened", "feature", &Value::Null), &scan(true));
    // Anybody may call a branch as we do, in a repository of their own.
    for action in ["opened", "synchronize"] {
        check("pull_request", &pull_request(action, "suture/npm-1", &fork), &scan(true));
    }
    for action in ["closed", "edited", "labeled", "converted_to_draft"] {
        check("pull_request", &pull_request(action, "feature", &repository()), "nothing follows from this action");
    }
    check("pull_request", &pull_request("closed", "suture/npm-1", &fork), "nothing follows from this action");
}

#[test]
fn pull_request_of_ours_is_followed_to_its_end() {
    let closed = |rest: &str| {
        format!(
            r#"verify: pull_request.closed {{"case":"npm-1","repository":"github.com/octo/shop","number":5,"head_commit":"{COMMIT}",{rest}}}"#
        )
    };
    let mut event = pull_request("closed", "suture/npm-1", &repository());
    let by_ann = r#""merged":false,"merge_commit":null,"closed_by":{"login":"ann","is_bot":false}"#;
    check("pull_request", &event, &closed(by_ann));
    event["sender"] = Value::Null;
    check("pull_request", &event, &closed(r#""merged":false,"merge_commit":null,"closed_by":null"#));
    event["pull_request"]["merged"] = true.into();
    event["pull_request"]["merged_by"] = user("merger[bot]");
    let by_bot =
        format!(r#""merged":true,"merge_commit":"{MERGE}","closed_by":{{"login":"merger[bot]","is_bot":true}}"#);
    check("pull_request", &event, &closed(&by_bot));
    let moved = format!(
        r#"verify: pull_request.changed {{"case":"npm-1","repository":"github.com/octo/shop","number":5,"head_commit":"{COMMIT}","changed_by":{{"login":"ann","is_bot":false}}}}"#
    );
    check("pull_request", &pull_request("synchronize", "suture/npm-1", &repository()), &moved);
    let reopened = r#"verify: pull_request.reopened {"case":"npm-1","repository":"github.com/octo/shop","number":5}"#;
    check("pull_request", &pull_request("reopened", "suture/npm-1", &repository()), reopened);
    for action in ["opened", "edited", "labeled", "ready_for_review"] {
        let event = pull_request(action, "suture/npm-1", &repository());
        check("pull_request", &event, "nothing follows from this action");
    }
}

#[test]
fn checks_on_our_branches_are_told_but_for_our_own() {
    let done = format!(
        r#"verify: checks.completed {{"case":"npm-1","repository":"github.com/octo/shop","commit":"{COMMIT}"}}"#
    );
    let run = |branch: Value, name: &str, app: u64| {
        let suite = json!({ "head_branch": branch });
        let run = json!({ "head_sha": COMMIT, "name": name, "app": { "id": app }, "check_suite": suite });
        json!({ "action": "completed", "check_run": run, "repository": repository() })
    };
    check("check_run", &run("suture/npm-1".into(), "tests", 9), &done);
    check("check_run", &run("suture/npm-1".into(), "suture", 9), "the check is our own");
    check("check_run", &run("suture/npm-1".into(), "tests", 7), "the check is our own");
    check("check_run", &run("main".into(), "tests", 9), "the branch is not ours");
    check("check_run", &run(Value::Null, "tests", 9), "the branch is not ours");
    let suite = |app: Value| {
        let suite = json!({ "head_sha": COMMIT, "head_branch": "suture/npm-1", "app": app });
        json!({ "action": "completed", "check_suite": suite, "repository": repository() })
    };
    check("check_suite", &suite(Value::Null), &done);
    check("check_suite", &suite(json!({ "id": 7 })), "the check is our own");
    let workflow = |action: &str, from: Value| {
        let run = json!({ "head_sha": COMMIT, "head_branch": "suture/npm-1", "head_repository": from });
        json!({ "action": action, "workflow_run": run, "repository": repository() })
    };
    check("workflow_run", &workflow("completed", repository()), &done);
    check("workflow_run", &workflow("completed", json!({ "full_name": "eve/shop" })), "the branch is not ours");
    check("workflow_run", &workflow("in_progress", repository()), "nothing follows from this action");
}

#[test]
fn check_of_ours_that_is_wanted_once_more_is_told_with_its_commit_alone() {
    let again = format!(r#"scan: check.rerequested {{"repository":"github.com/octo/shop","commit":"{COMMIT}"}}"#);
    let run = |action: &str, app: u64| {
        let run = json!({ "head_sha": COMMIT, "name": "suture", "app": { "id": app }, "pull_requests": [] });
        json!({ "action": action, "check_run": run, "repository": repository() })
    };
    let suite = |app: Value| {
        let suite = json!({ "head_sha": COMMIT, "head_branch": null, "app": app, "pull_requests": [] });
        json!({ "action": "rerequested", "check_suite": suite, "repository": repository() })
    };
    check("check_run", &run("rerequested", 7), &again);
    check("check_suite", &suite(json!({ "id": 7 })), &again);
    for (event, body) in [
        ("check_run", run("rerequested", 9)),
        ("check_suite", suite(json!({ "id": 9 }))),
        ("check_suite", suite(Value::Null)),
    ] {
        check(event, &body, "the check is not our own");
    }
    check("check_run", &run("requested_action", 7), "no check of ours offers an action");
    let by_token = lead(&parse("check_run", &run("rerequested", 7).to_string()).unwrap(), Us { app: None, ..US });
    assert_eq!(by_token.unwrap(), Lead::Nowhere("the check is not our own"));
}

#[test]
fn alerts_are_told_without_a_word_of_their_text() {
    let alert = |action: &str, alert: Value| json!({ "action": action, "alert": alert, "repository": repository() });
    let dependabot = json!({ "number": 3, "state": "open", "dependency": { "manifest_path": "web/package-lock.json" }, "security_advisory": { "summary": "text" } });
    let told = r#"scan: alert.changed {"repository":"github.com/octo/shop","kind":"dependabot","number":3,"action":"reintroduced","state":"open","path":"web/package-lock.json"}"#;
    check("dependabot_alert", &alert("reintroduced", dependabot.clone()), told);
    check("security_alert", &alert("reintroduced", dependabot), told);
    let code = json!({ "number": 4, "state": null, "rule": { "description": "text" }, "most_recent_instance": { "location": { "path": "src/a.js" } } });
    let told = r#"scan: alert.changed {"repository":"github.com/octo/shop","kind":"code_scanning","number":4,"action":"fixed","state":null,"path":"src/a.js"}"#;
    check("code_scanning_alert", &alert("fixed", code.clone()), told);
    check("security_alert", &alert("fixed", code), told);
    let secret = json!({ "number": 5, "secret_type": "token", "secret": "value", "resolution_comment": "text" });
    let told = r#"scan: alert.changed {"repository":"github.com/octo/shop","kind":"secret_scanning","number":5,"action":"publicly_leaked","state":null,"path":null}"#;
    check("secret_scanning_alert", &alert("publicly_leaked", secret.clone()), told);
    check("security_alert", &alert("publicly_leaked", secret), told);
    let other = parse("security_alert", &alert("created", json!({ "number": 6 })).to_string()).unwrap_err();
    assert_eq!(other.to_string(), "`security_alert` can't be read: its alert is of no kind that is known");
}

#[test]
fn advisories_name_their_packages() {
    let vulnerabilities = json!([
        { "package": { "ecosystem": "npm", "name": "latch" }, "vulnerable_version_range": "< 1.2.0" },
        { "package": { "ecosystem": "npm", "name": null }, "vulnerable_version_range": null },
        { "package": null, "vulnerable_version_range": null },
    ]);
    let advisory =
        json!({ "ghsa_id": "GHSA-aaaa-bbbb-cccc", "withdrawn_at": null, "vulnerabilities": vulnerabilities });
    let told = |rest: &str| {
        format!(
            r#"scan: advisory.published {{"ghsa":"GHSA-aaaa-bbbb-cccc","packages":[{{"ecosystem":"npm","name":"latch","range":"< 1.2.0"}}],"has_more":false,{rest}}}"#
        )
    };
    for (action, withdrawn) in [("published", false), ("updated", false), ("withdrawn", true)] {
        let event = json!({ "action": action, "security_advisory": advisory });
        check("security_advisory", &event, &told(&format!(r#""withdrawn":{withdrawn},"repository":null"#)));
    }
    let event = json!({ "action": "published", "repository_advisory": advisory, "repository": repository() });
    check("repository_advisory", &event, &told(r#""withdrawn":false,"repository":"github.com/octo/shop""#));
    let event = json!({ "action": "reported", "repository_advisory": advisory, "repository": repository() });
    check("repository_advisory", &event, "nothing follows from this action");
}

#[test]
fn installation_is_told_of_by_its_repositories_or_as_a_whole() {
    let names = |count: usize| (0..count).map(|at| json!({ "full_name": format!("octo/r{at}") })).collect::<Vec<_>>();
    let event = |action: &str, member: &str, count: usize| {
        let mut event = json!({ "action": action, "installation": { "id": 9, "account": { "login": "octo" } } });
        event[member] = names(count).into();
        event
    };
    let whole = |topic: &str, named: usize| {
        format!(r#"scan: installation.{topic} {{"installation":9,"account":"octo","named":{named}}}"#)
    };
    let single = |topic: &str, at: usize| {
        format!(r#"scan: repository.{topic} {{"repository":"github.com/octo/r{at}","installation":9}}"#)
    };
    for action in ["created", "new_permissions_accepted", "unsuspend"] {
        let event = event(action, "repositories", 2);
        assert_eq!(led("installation", &event), [single("added", 0), single("added", 1)]);
    }
    for action in ["deleted", "suspend"] {
        check("installation", &event(action, "repositories", 1), &single("removed", 0));
        check("installation", &event(action, "repositories", 0), &whole("removed", 0));
    }
    check("installation_repositories", &event("added", "repositories_added", 1), &single("added", 0));
    check("installation_repositories", &event("removed", "repositories_removed", 1), &single("removed", 0));
    check("installation_repositories", &event("removed", "repositories_removed", 0), "it names no repository");
    assert_eq!(led("installation", &event("created", "repositories", REPOSITORIES_MAX)).len(), REPOSITORIES_MAX);
    let many = event("created", "repositories", REPOSITORIES_MAX + 1);
    check("installation", &many, &whole("added", REPOSITORIES_MAX + 1));
    // Fewer repositories are not none: the whole account is not forgotten.
    let fewer = event("removed", "repositories_removed", REPOSITORIES_MAX + 1);
    assert_eq!(led("installation_repositories", &fewer).len(), REPOSITORIES_MAX);
    assert_eq!(led("installation_repositories", &fewer)[0], single("removed", 0));
    let renamed = json!({ "action": "renamed", "installation": { "id": 9 } });
    check("installation_target", &renamed, "nothing follows from this action");
}

#[test]
fn repository_is_followed_through_its_names_and_its_ends() {
    let event = |action: &str, changes: Value, installation: Value| json!({ "action": action, "repository": repository(), "changes": changes, "installation": installation });
    let told = |topic: &str, name: &str, installation: u64| {
        format!(r#"scan: repository.{topic} {{"repository":"github.com/{name}","installation":{installation}}}"#)
    };
    let renamed = json!({ "repository": { "name": { "from": "Store" } } });
    check("repository", &event("renamed", renamed.clone(), json!({ "id": 9 })), &told("renamed", "octo/store", 9));
    check("repository", &event("renamed", renamed, Value::Null), &told("renamed", "octo/store", 0));
    for owner in ["user", "organization"] {
        let from = json!({ owner: { "login": "Mona" } });
        let transferred = event("transferred", json!({ "owner": { "from": from } }), json!({ "id": 9 }));
        check("repository", &transferred, &told("renamed", "mona/shop", 9));
    }
    let silent = "it does not say how it was called before";
    let odd = json!({ "repository": { "name": { "from": "../shop" } } });
    for changes in [Value::Null, json!({}), odd, json!({ "owner": { "from": { "user": null } } })] {
        check("repository", &event("renamed", changes, Value::Null), silent);
    }
    for (action, topic) in [("archived", "removed"), ("deleted", "removed"), ("unarchived", "added")] {
        check("repository", &event(action, Value::Null, json!({ "id": 9 })), &told(topic, "octo/shop", 9));
    }
    let elsewhere = json!({ "default_branch": { "from": "master" } });
    check("repository", &event("edited", elsewhere, json!({ "id": 9 })), &told("added", "octo/shop", 9));
    let nothing = "nothing follows from this action";
    check("repository", &event("edited", json!({ "description": { "from": "old" } }), Value::Null), nothing);
    for action in ["created", "privatized", "publicized"] {
        check("repository", &event(action, Value::Null, Value::Null), nothing);
    }
}

#[test]
fn comment_is_a_command_only_where_it_begins_with_our_name() {
    let comment = |body: &str, by: &str, issue: Value| {
        let comment = json!({ "id": 12, "user": user(by), "author_association": "MEMBER", "body": body });
        json!({ "action": "created", "comment": comment, "issue": issue, "repository": repository() })
    };
    let pull = json!({ "number": 5, "pull_request": { "url": "https://api.github.com/" } });
    let told = |case: &str, is_review: bool| {
        format!(
            r#"verify: comment.received {{"case":{case},"repository":"github.com/octo/shop","number":5,"comment":12,"is_review":{is_review},"author":{{"login":"ann","is_bot":false}},"association":"MEMBER","words":["approve","now"]}}"#
        )
    };
    check("issue_comment", &comment("/suture approve now\nbecause", "ann", pull.clone()), &told("null", false));
    check("issue_comment", &comment("I like /suture", "ann", pull.clone()), "it does not begin with /suture");
    check("issue_comment", &comment("/suture approve", "eve[bot]", pull.clone()), "no person wrote it");
    check(
        "issue_comment",
        &comment("/suture approve", "ann", json!({ "number": 5 })),
        "it is no comment at a pull request",
    );
    let mut edited = comment("/suture approve", "ann", pull);
    edited["action"] = "edited".into();
    check("issue_comment", &edited, "nothing follows from this action");
    let review = |branch: &str| {
        let mut event = pull_request("submitted", branch, &repository());
        event["review"] =
            json!({ "id": 12, "user": user("ann"), "author_association": "MEMBER", "body": "/suture approve now" });
        event
    };
    check("pull_request_review", &review("suture/npm-1"), &told("\"npm-1\"", true));
    check("pull_request_review", &review("feature"), "the pull request is not one of ours");
}

#[test]
fn unknown_events_and_actions_are_values() {
    let unknown = |event: &str, body: &str| match parse(event, body).unwrap() {
        GitHubEvent::Unknown { event, action } => (event, action),
        other => panic!("{other:?}"),
    };
    let name = |name: &str| Some(name.to_owned());
    assert_eq!(unknown("star", r#"{"action":"created"}"#), ("star".to_owned(), name("created")));
    assert_eq!(unknown("gollum", "no JSON"), ("gollum".to_owned(), None));
    assert_eq!(unknown("pull_request", r#"{"action":"praised"}"#), ("pull_request".to_owned(), name("praised")));
    assert_eq!(unknown("secret_scanning_alert", r#"{"action":"sold"}"#).1, name("sold"));
    assert_eq!(unknown(&"x".repeat(1000), "{}").0.len(), 100);
}

#[test]
fn what_can_not_be_read_is_said_without_its_contents() {
    let rows = [
        (
            "push",
            r#"{"ref": "refs/heads/main", "after": "hush"}"#,
            "a member is not what it has to be, at line 1 column 43",
        ),
        ("push", r#"{"ref": "hush"}"#, "missing field `after` at line 1 column 15"),
        ("push", r#"{"ref": {"hush": 1}}"#, "a member is not what it has to be, at line 1 column 8"),
        ("push", "hush", "it is not JSON, or too deep, at line 1 column 1"),
        ("ping", "", "it is not JSON, or too deep, at line 1 column 0"),
        ("issue_comment", "{}", "it has no action"),
        ("issue_comment", r#"{"action": ["hush"]}"#, "a member is not what it has to be, at line 1 column 11"),
    ];
    for (event, body, expect) in rows {
        assert_eq!(parse(event, body).unwrap_err().reason, expect, "{body}");
    }
    assert_eq!(parse("ping", r#"{"zen": "hush"}"#), Ok(GitHubEvent::Ping));
}
