//! The JSON of messages that events of GitHub lead to, both ways.

use pipeline::message::RunId;
use pipeline::payload::{
    Account, AdvisoryPackage, AdvisoryPublished, AlertChanged, AlertKind, AlertsAwaited, CheckRerequested,
    ChecksCompleted, CommentReceived, EventRejected, EventUnknown, InstallationAccess, MergeChecksAwaited,
    PullRequestChanged, PullRequestClosed, PullRequestReopened, PullRequestScan, RepositoryAccess,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

const COMMIT: &str = "0123456789012345678901234567890123456789";
const REPOSITORY: &str = "github.com/octo/shop";
const CASE: &str = "npm-0123456789ab";

#[track_caller]
fn check<T: Serialize + DeserializeOwned + Debug + PartialEq>(payload: &T, json: &str) {
    assert_eq!(serde_json::to_string(payload).unwrap(), json);
    assert_eq!(serde_json::from_str::<T>(json).unwrap(), *payload);
}

fn ann() -> Account {
    Account { login: "ann".to_owned(), is_bot: false }
}

#[test]
fn pull_requests() {
    let (repository, commit) = (REPOSITORY.parse().unwrap(), COMMIT.parse().unwrap());
    let scan = PullRequestScan {
        repository,
        number: 5,
        base_branch: "main".to_owned(),
        base_commit: commit,
        head_commit: COMMIT.parse().unwrap(),
        is_fork: true,
        is_again: false,
    };
    check(
        &scan,
        r#"{"repository":"github.com/octo/shop","number":5,"base_branch":"main","base_commit":"0123456789012345678901234567890123456789","head_commit":"0123456789012345678901234567890123456789","is_fork":true}"#,
    );
    let closed = PullRequestClosed {
        case: CASE.parse().unwrap(),
        repository: REPOSITORY.parse().unwrap(),
        number: 5,
        head_commit: COMMIT.parse().unwrap(),
        merged: true,
        merge_commit: Some(COMMIT.parse().unwrap()),
        closed_by: Some(ann()),
    };
    check(
        &closed,
        r#"{"case":"npm-0123456789ab","repository":"github.com/octo/shop","number":5,"head_commit":"0123456789012345678901234567890123456789","merged":true,"merge_commit":"0123456789012345678901234567890123456789","closed_by":{"login":"ann","is_bot":false}}"#,
    );
    let again = PullRequestScan { is_again: true, ..scan };
    assert!(serde_json::to_string(&again).unwrap().ends_with(r#""is_fork":true,"is_again":true}"#));
    let reopened =
        PullRequestReopened { case: CASE.parse().unwrap(), repository: REPOSITORY.parse().unwrap(), number: 5 };
    check(&reopened, r#"{"case":"npm-0123456789ab","repository":"github.com/octo/shop","number":5}"#);
    let changed = PullRequestChanged {
        case: CASE.parse().unwrap(),
        repository: REPOSITORY.parse().unwrap(),
        number: 5,
        head_commit: COMMIT.parse().unwrap(),
        changed_by: None,
    };
    check(
        &changed,
        r#"{"case":"npm-0123456789ab","repository":"github.com/octo/shop","number":5,"head_commit":"0123456789012345678901234567890123456789","changed_by":null}"#,
    );
}

#[test]
fn checks_and_comments() {
    let checks = ChecksCompleted {
        case: CASE.parse().unwrap(),
        repository: REPOSITORY.parse().unwrap(),
        commit: COMMIT.parse().unwrap(),
    };
    check(
        &checks,
        r#"{"case":"npm-0123456789ab","repository":"github.com/octo/shop","commit":"0123456789012345678901234567890123456789"}"#,
    );
    let again = CheckRerequested { repository: REPOSITORY.parse().unwrap(), commit: COMMIT.parse().unwrap() };
    check(&again, r#"{"repository":"github.com/octo/shop","commit":"0123456789012345678901234567890123456789"}"#);
    let comment = CommentReceived {
        case: None,
        repository: REPOSITORY.parse().unwrap(),
        number: 5,
        comment: 12,
        is_review: false,
        author: ann(),
        association: "OWNER".to_owned(),
        words: vec!["approve".to_owned()],
    };
    check(
        &comment,
        r#"{"case":null,"repository":"github.com/octo/shop","number":5,"comment":12,"is_review":false,"author":{"login":"ann","is_bot":false},"association":"OWNER","words":["approve"]}"#,
    );
}

#[test]
fn alerts_and_advisories() {
    let alert = |kind| AlertChanged {
        repository: REPOSITORY.parse().unwrap(),
        kind,
        number: 3,
        action: "created".to_owned(),
        state: Some("open".to_owned()),
        path: None,
    };
    for (kind, name) in [
        (AlertKind::Dependabot, "dependabot"),
        (AlertKind::CodeScanning, "code_scanning"),
        (AlertKind::SecretScanning, "secret_scanning"),
    ] {
        let json = format!(
            r#"{{"repository":"github.com/octo/shop","kind":"{name}","number":3,"action":"created","state":"open","path":null}}"#
        );
        check(&alert(kind), &json);
    }
    let awaited = AlertsAwaited {
        case: CASE.parse().unwrap(),
        repository: REPOSITORY.parse().unwrap(),
        run: RunId(Default::default()),
        path: "package-lock.json".to_owned(),
        advisories: ["GHSA-aaaa-bbbb-cccc".to_owned()].into(),
        look: Some(1),
    };
    check(
        &awaited,
        r#"{"case":"npm-0123456789ab","repository":"github.com/octo/shop","run":"00000000-0000-0000-0000-000000000000","path":"package-lock.json","advisories":["GHSA-aaaa-bbbb-cccc"],"look":1}"#,
    );
    let awaited = MergeChecksAwaited {
        case: CASE.parse().unwrap(),
        repository: REPOSITORY.parse().unwrap(),
        run: RunId(Default::default()),
        number: 7,
        look: 1,
        failed: [("test".to_owned(), [31].into())].into(),
    };
    check(
        &awaited,
        r#"{"case":"npm-0123456789ab","repository":"github.com/octo/shop","run":"00000000-0000-0000-0000-000000000000","number":7,"look":1,"failed":{"test":[31]}}"#,
    );
    let package = AdvisoryPackage { ecosystem: "npm".to_owned(), name: "latch".to_owned(), range: None };
    let mut advisory = AdvisoryPublished {
        ghsa: "GHSA-aaaa-bbbb-cccc".to_owned(),
        packages: vec![package],
        has_more: false,
        withdrawn: false,
        repository: None,
        among: Vec::new(),
    };
    let told = r#"{"ghsa":"GHSA-aaaa-bbbb-cccc","packages":[{"ecosystem":"npm","name":"latch","range":null}],"has_more":false,"withdrawn":false,"repository":null"#;
    check(&advisory, &format!("{told}}}"));
    advisory.among.push("0123".to_owned());
    check(&advisory, &format!(r#"{told},"among":["0123"]}}"#));
}

#[test]
fn access_and_what_is_not_understood() {
    check(
        &RepositoryAccess { repository: REPOSITORY.parse().unwrap(), installation: 9 },
        r#"{"repository":"github.com/octo/shop","installation":9}"#,
    );
    let share = vec![REPOSITORY.parse().unwrap()];
    let rows = [
        (None, Vec::new(), ""),
        (Some(2), Vec::new(), r#","page":2"#),
        (None, share, r#","among":["github.com/octo/shop"]"#),
    ];
    for (page, among, rest) in rows {
        check(
            &InstallationAccess { installation: 9, account: Some("octo".to_owned()), named: 501, page, among },
            &format!(r#"{{"installation":9,"account":"octo","named":501{rest}}}"#),
        );
    }
    check(&EventUnknown { event: "star".to_owned(), action: None }, r#"{"event":"star","action":null}"#);
    check(
        &EventRejected { event: "push".to_owned(), reason: "missing field `ref`".to_owned() },
        r#"{"event":"push","reason":"missing field `ref`"}"#,
    );
}
