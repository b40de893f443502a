//! Deliveries of GitHub: signed as it signs them, and the examples that are published of them.

use agents::environment::Environment;
use agents::environment::clock::Clock;
use agents::environment::effects::Effects;
use agents::environment::github::{GitHub, GitHubSettings};
use agents::environment::ids::Ids;
use agents::environment::store::Store;
use agents::request::Request;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::path::{Path, PathBuf};

/// The secret that deliveries are signed with.
pub const SECRET: &str = "a secret of tests";

/// The version of npm's `@octokit/webhooks-examples`, whose payloads the snapshots show, and of `@octokit/webhooks-schemas`.
const OCTOKIT_VERSION: &str = "7.6.1";

/// An environment on `store` whose clock stands, with a GitHub that signs by [`SECRET`].
pub fn environment(store: Store) -> Environment {
    let variables = [("SUTURE_GITHUB_TOKEN", "a token"), ("SUTURE_GITHUB_WEBHOOK_SECRET", SECRET)];
    environment_with(store, &variables)
}

/// The same with these settings of GitHub.
pub fn environment_with(store: Store, variables: &[(&str, &str)]) -> Environment {
    let mut variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let github = GitHubSettings::take(&mut variables, |file| Err(format!("{file} is not to be read"))).unwrap();
    Environment {
        clock: Clock::standing_at("2026-01-01T00:00:00Z".parse().unwrap()),
        ids: Ids::counted(),
        github: github.map(|settings| GitHub::new(settings, Effects::default()).unwrap()),
        ..Environment::alone(store)
    }
}

/// A store in memory.
pub fn memory() -> Store {
    Store::memory(Effects::default())
}

/// What GitHub writes into `X-Hub-Signature-256`.
pub fn signature(secret: &str, body: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

/// The id of the delivery with this number.
pub fn delivery_id(number: u32) -> String {
    format!("{number:08x}-0000-4000-8000-000000000000")
}

/// The delivery with this number, as an agent is asked: of `event`, with `body`, signed.
pub fn delivery(number: u32, event: &str, body: &str) -> Request {
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("X-Github-Delivery", delivery_id(number)),
        ("X-Github-Event", event.to_owned()),
        ("X-Hub-Signature-256", signature(SECRET, body)),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), vec![value])).into();
    Request { method: "POST".to_owned(), headers, body: body.to_owned(), ..Request::default() }
}

/// A push of `commit` to the default branch of `octo/shop`.
pub fn push(commit: &str) -> Value {
    let repository = json!({ "full_name": "Octo/Shop", "default_branch": "main" });
    json!({ "ref": "refs/heads/main", "after": commit, "repository": repository })
}

/// An event and a payload of it, as GitHub or its users published it.
#[derive(Debug, Clone)]
pub struct Example {
    /// The event.
    pub event: String,
    /// Its contents.
    pub payload: Value,
}

/// All payloads of npm's `@octokit/webhooks-examples`.
///
/// They are several megabytes and not ours, so they are not in the repository. `None`, with a word on stderr: they are not installed.
pub fn published_examples() -> Option<Vec<Example>> {
    let package = octokit("webhooks-examples")?;
    let mut examples = Vec::new();
    for event in read(&package.join("api.github.com/index.json")).as_array().unwrap() {
        for payload in event["examples"].as_array().unwrap() {
            examples.push(Example { event: event["name"].as_str().unwrap().to_owned(), payload: payload.clone() });
        }
    }
    Some(examples)
}

/// The file of npm's `@octokit/webhooks-schemas`. `None`, with a word on stderr: it is not installed.
pub fn delivery_schemas() -> Option<PathBuf> {
    Some(octokit("webhooks-schemas")?.join("schema.json"))
}

/// The folder of npm's `@octokit/<name>`. `None`, with a word on stderr: it is not installed.
fn octokit(name: &str) -> Option<PathBuf> {
    // Where this very test was built (target/debug/deps), or where `.ci/run` puts it.
    let test = std::env::current_exe().unwrap();
    let targets =
        [test.ancestors().nth(3).unwrap().to_owned(), PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target"))];
    let packages = targets.map(|target| target.join("octokit/node_modules/@octokit").join(name));
    // What is not named together, npm takes away again.
    let install = format!(
        "npm install --prefix target/octokit --no-audit --no-fund --no-save \
         @octokit/webhooks-examples@{OCTOKIT_VERSION} @octokit/webhooks-schemas@{OCTOKIT_VERSION}"
    );
    let Some(package) = packages.into_iter().find(|package| package.is_dir()) else {
        eprintln!("skipped: GitHub's {name} are not installed; `.ci/run` installs them, or: {install}");
        return None;
    };
    assert_eq!(read(&package.join("package.json"))["version"], OCTOKIT_VERSION, "another version is needed: {install}");
    Some(package)
}

fn read(file: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

/// One payload for each action of `secret_scanning_alert`, of which no examples are published: by the schemas of npm's
/// `@octokit/openapi-webhooks` 12.1.0, and for `revoked`, which is gone from there, by `@octokit/webhooks-schemas` 7.6.1.
pub fn secret_scanning_alerts() -> Vec<Example> {
    let user = json!({ "login": "ann", "id": 2, "type": "User", "site_admin": false });
    let example = |action: &str| {
        let is_resolved = matches!(action, "resolved" | "revoked");
        let resolved = |value: Value| if is_resolved { value } else { Value::Null };
        let alert = json!({
            "number": 42,
            "created_at": "2026-01-01T00:00:00Z",
            "updated_at": "2026-01-02T00:00:00Z",
            "url": "https://api.github.com/repos/octo/shop/secret-scanning/alerts/42",
            "html_url": "https://github.com/octo/shop/security/secret-scanning/42",
            "locations_url": "https://api.github.com/repos/octo/shop/secret-scanning/alerts/42/locations",
            "resolution": resolved("revoked".into()),
            "resolved_at": resolved("2026-01-02T00:00:00Z".into()),
            "resolved_by": resolved(user.clone()),
            "resolution_comment": resolved("it was mine".into()),
            "secret_type": "mailchimp_api_key",
            "secret_type_display_name": "Mailchimp API Key",
            "validity": if action == "validated" { "inactive" } else { "unknown" },
            "push_protection_bypassed": false,
            "push_protection_bypassed_by": null,
            "push_protection_bypassed_at": null,
            "publicly_leaked": action == "publicly_leaked",
            "multi_repo": false,
        });
        let repository =
            json!({ "id": 1, "name": "Shop", "full_name": "Octo/Shop", "private": true, "default_branch": "main" });
        let mut payload =
            json!({ "action": action, "alert": alert, "repository": repository, "installation": { "id": 9 } });
        if !matches!(action, "validated" | "publicly_leaked") {
            payload["sender"] = user.clone();
        }
        if matches!(action, "assigned" | "unassigned") {
            payload["assignee"] = user.clone();
        }
        Example { event: "secret_scanning_alert".to_owned(), payload }
    };
    ["assigned", "created", "publicly_leaked", "reopened", "resolved", "revoked", "unassigned", "validated"]
        .map(example)
        .into()
}
