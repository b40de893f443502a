//! What the simulated GitHub knows.

use super::deliveries::{Attempt, Delivery};
use super::service::{Fault, Recorded};
use super::storm::Storm;
use crate::world::repository::init;
use crate::world::temporary_folder;
use agents::environment::clock::Clock;
use git2::Repository;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::OnceLock;

pub(super) struct State {
    /// The host in the names of repositories: the same whatever port is listened on.
    pub host: String,
    /// Where it listens.
    pub address: String,
    pub archives: String,
    pub clock: Clock,
    pub granted: BTreeMap<String, String>,
    pub events: Vec<String>,
    /// Whether what an App signs is held against the time.
    pub minds_the_clock: bool,
    pub suspended_at: Option<String>,
    /// Number of the one installation of the App.
    pub installation: u64,
    /// The App's webhook, as long as it is active.
    pub hook: Option<Value>,
    /// What classic tokens may do; other tokens have no such thing.
    pub scopes: Option<String>,
    /// Codes that are good for an App, and the manifests it was made by.
    pub codes: BTreeMap<String, Value>,
    pub tokens: HashMap<String, Token>,
    pub repos: BTreeMap<u64, Repo>,
    /// Old names of repositories.
    pub renamed: BTreeMap<String, u64>,
    pub faults: Vec<(String, Fault)>,
    pub storm: Option<Storm>,
    pub pushes: Vec<(String, Push)>,
    pub asked: Vec<String>,
    pub answers: Vec<Recorded>,
    pub graphql: Vec<Value>,
    pub deliveries: Vec<Delivery>,
    pub attempts: Vec<Attempt>,
    folder: tempfile::TempDir,
    last_id: u64,
}

/// What somebody pushes while another looks.
pub(super) struct Push {
    pub id: u64,
    pub branch: String,
    pub files: Vec<(String, String)>,
    pub login: String,
}

#[derive(Clone)]
pub(super) struct Token {
    /// `None`: all of the installation's.
    pub repos: Option<BTreeSet<u64>>,
    /// `None`: all of them.
    pub permissions: Option<BTreeMap<String, String>>,
    pub expires_at: Timestamp,
    /// Of a user's token.
    pub login: Option<String>,
}

pub(super) struct Repo {
    pub id: u64,
    pub full_name: String,
    pub is_installed: bool,
    pub is_archived: bool,
    pub has_drafts: bool,
    pub protected: BTreeSet<String>,
    pub pulls: Vec<Pull>,
    /// Numbers of pull requests, and the reviews of them, oldest first.
    pub reviews: Vec<(u64, Value)>,
    /// Ways of merging that are allowed: `squash`, `merge`, `rebase`.
    pub merge_methods: BTreeSet<String>,
    pub issues: Vec<Value>,
    pub labels: Vec<Value>,
    pub hooks: Vec<Value>,
    pub hook_secrets: Vec<String>,
    /// What a user may do here: `push`, `admin`.
    pub may: BTreeSet<String>,
    pub comments: Vec<(u64, Value)>,
    pub check_runs: Vec<Value>,
    pub statuses: Vec<(String, Value)>,
    pub alerts: BTreeMap<String, Vec<Value>>,
    pub last_number: u64,
}

#[derive(Clone)]
pub(super) struct Pull {
    pub number: u64,
    pub title: String,
    pub body: String,
    pub head: String,
    pub head_sha: String,
    pub base: String,
    pub is_draft: bool,
    pub is_open: bool,
    pub merged: Option<Merged>,
    /// Whether its branch lies in a repository that is not here.
    pub is_fork: bool,
    pub author: String,
    pub labels: Vec<String>,
}

/// That a pull request was merged.
#[derive(Clone)]
pub(super) struct Merged {
    pub at: Timestamp,
    pub commit: String,
    pub by: String,
}

impl State {
    pub fn new(clock: Clock, address: &str, archives: &str) -> Self {
        let all = [
            ("contents", "write"),
            ("metadata", "read"),
            ("pull_requests", "write"),
            ("checks", "write"),
            ("statuses", "read"),
            ("issues", "write"),
            ("vulnerability_alerts", "write"),
            ("security_events", "write"),
            ("secret_scanning_alerts", "write"),
        ];
        Self {
            host: "github.example".to_owned(),
            address: address.to_owned(),
            archives: archives.to_owned(),
            clock,
            granted: all.map(|(name, access)| (name.to_owned(), access.to_owned())).into(),
            events: ["push", "pull_request", "check_run"].map(str::to_owned).into(),
            minds_the_clock: false,
            suspended_at: None,
            installation: 1,
            hook: Some(
                json!({ "url": "https://hook.example/", "content_type": "json", "insecure_ssl": "0", "secret": "********" }),
            ),
            scopes: None,
            codes: BTreeMap::new(),
            tokens: HashMap::new(),
            repos: BTreeMap::new(),
            renamed: BTreeMap::new(),
            faults: Vec::new(),
            storm: None,
            pushes: Vec::new(),
            asked: Vec::new(),
            answers: Vec::new(),
            graphql: Vec::new(),
            deliveries: Vec::new(),
            attempts: Vec::new(),
            folder: temporary_folder(),
            last_id: 100,
        }
    }

    /// A number that nothing has yet.
    pub fn id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    pub fn now(&self) -> String {
        self.clock.now().to_string()
    }

    pub fn add_repository(&mut self, full_name: &str) -> u64 {
        let id = self.id();
        self.renamed.remove(&full_name.to_lowercase());
        init(&self.folder.path().join(id.to_string()), true);
        let repo = Repo {
            id,
            full_name: full_name.to_owned(),
            is_installed: true,
            is_archived: false,
            has_drafts: true,
            protected: BTreeSet::new(),
            pulls: Vec::new(),
            reviews: Vec::new(),
            merge_methods: ["squash", "merge", "rebase"].map(str::to_owned).into(),
            issues: Vec::new(),
            labels: Vec::new(),
            hooks: Vec::new(),
            hook_secrets: Vec::new(),
            may: ["push", "admin"].map(str::to_owned).into(),
            comments: Vec::new(),
            check_runs: Vec::new(),
            statuses: Vec::new(),
            alerts: BTreeMap::new(),
            last_number: 0,
        };
        self.repos.insert(id, repo);
        id
    }

    pub fn git(&self, id: u64) -> Repository {
        Repository::open_bare(self.folder.path().join(id.to_string())).unwrap()
    }

    pub fn repo(&mut self, id: u64) -> &mut Repo {
        self.repos.get_mut(&id).unwrap()
    }

    /// `login` gives a repository another name, or another owner.
    pub fn rename(&mut self, id: u64, full_name: &str, login: &str) {
        let before = std::mem::replace(&mut self.repo(id).full_name, full_name.to_owned());
        self.renamed.remove(&full_name.to_lowercase());
        self.renamed.insert(before.to_lowercase(), id);
        let (owner_before, name_before) = before.split_once('/').unwrap();
        let told = if full_name.split('/').next() == Some(owner_before) {
            json!({ "action": "renamed", "changes": { "repository": { "name": { "from": name_before } } } })
        } else {
            let from = json!({ "user": user(owner_before) });
            json!({ "action": "transferred", "changes": { "owner": { "from": from } } })
        };
        self.tell(id, "repository", Some(login), told);
    }

    /// `login` has nothing in a repository change any more, or again.
    pub fn set_archived(&mut self, id: u64, is_archived: bool, login: &str) {
        self.repo(id).is_archived = is_archived;
        let action = if is_archived { "archived" } else { "unarchived" };
        self.tell(id, "repository", Some(login), json!({ "action": action }));
    }

    /// The repository as a delivery tells it.
    pub fn repository_in_delivery(&self, id: u64) -> Value {
        in_delivery("told_repository", self.repository_value(id))
    }

    /// The repository as GitHub tells it.
    pub fn repository_value(&self, id: u64) -> Value {
        let repo = &self.repos[&id];
        let (owner, name) = repo.full_name.split_once('/').unwrap();
        shaped(
            "repository",
            json!({
                "id": id, "node_id": format!("R_{id}"), "name": name, "full_name": repo.full_name, "private": true,
                "owner": user(owner), "default_branch": "main", "archived": repo.is_archived, "disabled": false,
                "html_url": format!("https://{}/{}", self.host, repo.full_name), "fork": false,
                "allow_squash_merge": repo.merge_methods.contains("squash"),
                "allow_merge_commit": repo.merge_methods.contains("merge"),
                "allow_rebase_merge": repo.merge_methods.contains("rebase"),
                "permissions": { "admin": repo.may.contains("admin"), "push": repo.may.contains("push"), "pull": true },
            }),
        )
    }
}

/// `values` over the least that an answer of that `shape` has.
pub(super) fn shaped(shape: &str, values: Value) -> Value {
    let mut whole = least(shape);
    put_over(&mut whole, values);
    whole
}

/// The least that a delivery has of that `shape`, with those of `values` that have a place in it: a delivery says other things of the same
/// object than an answer does, and says something where an answer may say nothing.
pub(super) fn in_delivery(shape: &str, values: Value) -> Value {
    let mut whole = least(shape);
    put_in(&mut whole, values);
    whole
}

fn least(shape: &str) -> Value {
    static SHAPES: OnceLock<Value> = OnceLock::new();
    let shapes = SHAPES.get_or_init(|| serde_json::from_str(include_str!("shapes.json")).unwrap());
    let least = shapes[shape].clone();
    assert!(!least.is_null(), "there is no shape {shape}");
    least
}

pub(super) fn put_over(base: &mut Value, values: Value) {
    match (base, values) {
        (Value::Object(base), Value::Object(values)) => {
            for (key, value) in values {
                put_over(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, values) => *base = values,
    }
}

fn put_in(base: &mut Value, values: Value) {
    match (base, values) {
        (Value::Object(base), Value::Object(values)) => {
            for (key, value) in values {
                if let Some(place) = base.get_mut(&key) {
                    put_in(place, value);
                }
            }
        }
        (_, Value::Null) => {}
        (base, values) => *base = values,
    }
}

/// Somebody, as GitHub tells them.
pub(super) fn user(login: &str) -> Value {
    let kind = if login.ends_with("[bot]") { "Bot" } else { "User" };
    let Value::Object(all) = shaped("user", json!({})) else { panic!("a user is an object") };
    let text = |key: &str| key.ends_with("url") || key == "node_id";
    let mut told: Map<_, _> = all.into_iter().filter(|(key, _)| text(key)).collect();
    told.extend([
        ("gravatar_id".to_owned(), json!("")),
        ("login".to_owned(), json!(login)),
        ("id".to_owned(), json!(login.len())),
        ("type".to_owned(), json!(kind)),
        ("site_admin".to_owned(), json!(false)),
    ]);
    told.into()
}
