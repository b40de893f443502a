//! Deliveries as GitHub makes them: a push each, of a commit of its own, with an id of its own, signed; as the bytes of a request.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha256;
use std::net::SocketAddr;

/// The secret that deliveries are signed with.
pub const SECRET: &str = "a secret of the load";

/// Where servers take deliveries.
const PATH: &str = "/api/github/webhook";

/// Members of GitHub's `repository` that hold an address: they make up most of a delivery.
const ADDRESSES: [&str; 38] = [
    "archive",
    "assignees",
    "blobs",
    "branches",
    "collaborators",
    "comments",
    "commits",
    "compare",
    "contents",
    "contributors",
    "deployments",
    "downloads",
    "events",
    "forks",
    "git_commits",
    "git_refs",
    "git_tags",
    "hooks",
    "issue_comment",
    "issue_events",
    "issues",
    "keys",
    "labels",
    "languages",
    "merges",
    "milestones",
    "notifications",
    "pulls",
    "releases",
    "stargazers",
    "statuses",
    "subscribers",
    "subscription",
    "tags",
    "teams",
    "trees",
    "clone",
    "svn",
];

/// So many requests, none of which was made before.
pub fn deliveries(host: SocketAddr, count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|_| request(host)).collect()
}

fn request(host: SocketAddr) -> Vec<u8> {
    let id = uuid::Uuid::new_v4();
    let body = push(&format!("00000000{}", id.simple())).to_string();
    format!(
        "POST {PATH} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: GitHub-Hookshot/044aadd\r\nAccept: */*\r\nContent-Type: application/json\r\n\
         X-GitHub-Delivery: {id}\r\nX-GitHub-Event: push\r\nX-GitHub-Hook-ID: 1\r\nX-Hub-Signature-256: sha256={}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        signature(&body),
        body.len()
    )
    .into_bytes()
}

fn signature(body: &str) -> String {
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()) else { return String::new() };
    let bytes = mac.chain_update(body).finalize().into_bytes();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A push of `commit` to the default branch, of about the size that GitHub's have.
fn push(commit: &str) -> Value {
    let user = |login: &str| json!({ "login": login, "id": 2, "type": "User", "site_admin": false, "url": format!("https://api.github.example/users/{login}") });
    let who = json!({ "name": "Ann", "email": "ann@shop.example", "username": "ann" });
    let commit_told = json!({
        "id": commit, "tree_id": commit, "distinct": true, "message": "Update the lockfile\n\n\"As asked for\": see above.",
        "timestamp": "2026-01-01T00:00:00+01:00", "url": format!("https://github.example/octo/shop/commit/{commit}"),
        "author": who, "committer": who, "added": [], "removed": [], "modified": ["package-lock.json", "package.json"],
    });
    let mut repository: Map<String, Value> = ADDRESSES
        .iter()
        .map(|name| {
            (format!("{name}_url"), format!("https://api.github.example/repos/octo/shop/{name}{{/{name}}}").into())
        })
        .collect();
    let members = json!({
        "id": 1, "name": "shop", "full_name": "octo/shop", "private": true, "default_branch": "main", "fork": false, "size": 1,
        "owner": user("octo"), "pushed_at": 1_767_225_600, "language": "JavaScript", "topics": [], "visibility": "private",
    });
    repository.extend(members.as_object().cloned().unwrap_or_default());
    json!({
        "ref": "refs/heads/main", "before": "0".repeat(40), "after": commit, "repository": repository, "pusher": who,
        "sender": user("ann"), "created": false, "deleted": false, "forced": false, "base_ref": null,
        "compare": format!("https://github.example/octo/shop/compare/{commit}"), "commits": [commit_told], "head_commit": commit_told,
        "installation": { "id": 9 },
    })
}
