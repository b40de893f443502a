//! The real handler under the real `suture local`, with repositories on a simulated GitHub that tells of them over HTTP.
//!
//! Their clock is the real one: what would take hours is brought on in the store (`time.rs`).

mod kills;
mod post;
mod time;

use super::github::{Delivery, SimulatedGitHub, SimulatedRepository};
use super::on_github::SOMEBODY;
use super::osv::OsvApi;
use super::project::Project;
use super::staged::{Local, Machine};
use agents::environment::clock::Clock;
use agents::environment::store::Store;
use agents::history;
use agents::journal::journal_key;
use pipeline::case::Case;
use pipeline::ids::{CaseId, CommitSha};
use pipeline::message::MessageId;
use post::Post;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, watch};

/// Longer than anything here takes, on a machine that has others to do.
const PATIENCE: Duration = Duration::from_secs(300);

/// How long an answer of the host is waited for.
const ANSWER: Duration = Duration::from_secs(30);

/// How often it is looked.
const LOOK: Duration = Duration::from_millis(50);

/// Two processes, and all that is around them.
pub struct TwoProcesses {
    /// GitHub.
    pub github: SimulatedGitHub,
    /// What is known of vulnerabilities.
    pub osv: OsvApi,
    machine: Machine,
    store: Store,
    post: Arc<Post>,
    client: reqwest::Client,
    address: watch::Sender<String>,
    local: Mutex<Option<Local>>,
    key: String,
    hits: AtomicUsize,
}

/// One repository of theirs, and its case.
pub struct Shop<'a> {
    /// The repository.
    pub there: SimulatedRepository,
    full_name: String,
    around: &'a TwoProcesses,
}

impl TwoProcesses {
    /// Starts them. With a `seed`, the weather is bad: deliveries come twice and in any order, and GitHub fails now and then.
    pub async fn start(seed: Option<u64>) -> Self {
        let machine = Machine::with_repositories(0).await;
        let github = SimulatedGitHub::start(&Clock::System).await;
        github.call_by_address();
        if let Some(seed) = seed {
            github.begin_storm(seed);
        }
        let osv = OsvApi::start().await;
        osv.advise("GHSA-aaaa-bbbb-cccc", "latch", "1.2.0", "MODERATE", "it lets others in");
        let local = start(&machine, &github, &osv).await;
        let (address, told) = watch::channel(local.address.clone());
        let client = reqwest::Client::builder().no_proxy().timeout(ANSWER).build().unwrap();
        let post = Post::begin(github.clone(), client.clone(), told, seed);
        let (store, key) = (machine.store(), machine.master_key());
        let (local, hits) = (Mutex::new(Some(local)), AtomicUsize::new(0));
        let this = Self { github, osv, machine, store, post, client, address, local, key, hits };
        // The daily look is taken before there is anything to see: nothing is found by it that no delivery told of.
        this.look_for_the_first_time().await;
        this
    }

    /// Somebody makes `octo/<name>` with `project` on `main`, of which GitHub tells.
    pub fn shop(&self, name: &str, project: &Project) -> Shop<'_> {
        let full_name = format!("octo/{name}");
        let (manifest, lockfile) = (project.manifest(), project.lockfile());
        let files = [("package.json", manifest.as_str()), ("package-lock.json", lockfile.as_str())];
        Shop { there: self.github.repository(&full_name, &files), full_name, around: self }
    }

    /// Publishes `name` at `version`.
    pub fn publish(&self, name: &str, version: &str) {
        self.machine.registry().publish(name, version, &[]);
    }

    /// GitHub's next delivery of `event` about `shop` is lost, and nobody is told that it failed.
    pub fn lose(&self, shop: &Shop<'_>, event: &str) {
        self.post.lose(&shop.full_name, event);
    }

    /// GitHub delivers again all that it told of `shop`. How many deliveries that were.
    pub fn deliver_again(&self, shop: &Shop<'_>) -> usize {
        let about = |delivery: &Delivery| delivery.value()["repository"]["full_name"] == shop.full_name;
        let again: Vec<_> = self.post.carried().into_iter().filter(about).collect();
        self.github.deliver_again(&again);
        again.len()
    }

    /// How many pushes to `main` were told of.
    pub fn pushes_told(&self) -> usize {
        let is_one = |delivery: &Delivery| delivery.event == "push" && delivery.value()["ref"] == "refs/heads/main";
        self.post.carried().into_iter().filter(is_one).count()
    }

    /// The agents' store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Keys below `prefix` in the store.
    pub async fn keys(&self, prefix: &str) -> Vec<String> {
        self.store.list(prefix).await.unwrap()
    }

    /// How many kills hit any work.
    pub fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }

    /// Waits until `is_so`.
    pub async fn until(&self, what: &str, is_so: impl AsyncFn() -> bool) {
        let waited = tokio::time::timeout(PATIENCE, async {
            while !is_so().await {
                tokio::time::sleep(LOOK).await;
            }
        });
        if waited.await.is_err() {
            let (cases, put_off) = (self.machine.cases().await, self.keys("wakeups").await);
            let cases: Vec<_> = cases.into_iter().map(|(case, _)| case).collect();
            panic!("never: {what}: {:?} {put_off:?} {cases:#?}", self.status().await);
        }
    }

    /// Fails on anything that was lost or that nobody could handle, and ends both.
    pub async fn end(self) {
        self.expect_no_poison().await;
        let status = self.status().await.unwrap();
        let sources = status["sources"].as_array().unwrap();
        assert!(sources.iter().all(|source| source["dead_letters"] == 0), "{status:#}");
        for delivery in self.post.carried() {
            let id = MessageId(delivery.guid.parse().unwrap());
            let record: Option<Value> = self.store.read(&journal_key("github-webhook", id)).await.unwrap();
            assert!(record.is_some(), "lost: {delivery:?}");
        }
        assert_eq!(self.local.into_inner().unwrap().end(), Some(0));
    }

    /// Fails on what no function could handle.
    async fn expect_no_poison(&self) {
        if let Some(key) = self.keys("poison").await.first() {
            panic!("{key}: {:#?}", self.store.read::<Value>(key).await);
        }
    }

    /// Whether nothing is on its way: no delivery, no message, no call.
    async fn is_idle(&self) -> bool {
        // What the agents do makes deliveries, and those make messages: between two looks at the one, the other has to be at rest.
        let Some(before) = self.post.all_carried() else { return false };
        let Some(status) = self.status().await else { return false };
        let sources = status["sources"].as_array().unwrap();
        let is_at_rest = sources.iter().all(|source| source["active"] == 0 && source["locked"] == 0);
        status["in_flight"] == 0 && is_at_rest && self.post.all_carried() == Some(before)
    }

    /// How the host stands. `None`: it does not answer.
    async fn status(&self) -> Option<Value> {
        let url = format!("http://{}/admin/host/status", self.address.borrow().clone());
        let asked = self.client.get(url).header("x-functions-key", &self.key).send().await.ok()?;
        asked.json().await.ok()
    }
}

impl Shop<'_> {
    /// Somebody pushes `files` to `main`.
    pub fn push(&self, files: &[(&str, &str)]) -> CommitSha {
        self.there.push("main", files, SOMEBODY)
    }

    /// Somebody pushes `project` to `main`.
    pub fn push_project(&self, project: &Project) -> CommitSha {
        self.push(&[("package.json", &project.manifest()), ("package-lock.json", &project.lockfile())])
    }

    /// Its case, which the fix of its lockfile is.
    pub fn case_id(&self) -> CaseId {
        CaseId::of(&self.there.name(), "main", "npm", "package-lock.json")
    }

    /// How its case stands.
    pub async fn case(&self) -> Case {
        history::case(&self.around.store, &self.case_id()).await.unwrap().expect("there is no case")
    }

    /// Whether it has no case.
    pub async fn has_no_case(&self) -> bool {
        history::case(&self.around.store, &self.case_id()).await.unwrap().is_none()
    }

    /// Its open pull requests.
    pub fn open_pulls(&self) -> Vec<Value> {
        self.there.pulls().into_iter().filter(|pull| pull["state"] == "open").collect()
    }

    /// The number of its open pull request. Fails unless there is exactly one.
    #[track_caller]
    pub fn open_pull(&self) -> u64 {
        let [pull] = &self.open_pulls()[..] else { panic!("{}: {:#?}", self.full_name, self.there.pulls()) };
        pull["number"].as_u64().unwrap()
    }

    /// Subjects and bodies of what people were told of its case.
    pub async fn notices(&self) -> Vec<String> {
        let case = self.case_id();
        let mut told = Vec::new();
        for key in self.around.keys("notices").await {
            let notice: Value = self.around.store.read(&key).await.unwrap().unwrap();
            if notice["case"] == case.as_str() {
                told.push(notice.to_string());
            }
        }
        told
    }

    /// Fails unless there is one open pull request, with one commit that makes the lockfile that of `healed`.
    #[track_caller]
    pub fn expect_offer(&self, healed: &Project) {
        self.open_pull();
        let branch = self.case_id().branch();
        assert_eq!(self.there.text(&branch, "package-lock.json"), Some(healed.lockfile()), "{}", self.full_name);
        assert_eq!(self.there.ahead_and_behind(&branch).0, 1, "{}", self.full_name);
        assert_eq!(self.there.branches(), ["main", &branch], "{}", self.full_name);
    }

    /// The same, and it is upon `main` as it stands.
    #[track_caller]
    pub fn expect_offer_at_head(&self, healed: &Project) {
        self.expect_offer(healed);
        assert_eq!(self.there.ahead_and_behind(&self.case_id().branch()).1, 0, "{}", self.full_name);
    }
}

/// Starts the host with the handler.
async fn start(machine: &Machine, github: &SimulatedGitHub, osv: &OsvApi) -> Local {
    let (id, key) = github.app_key();
    let settings = [
        ("SUTURE_GITHUB_URL", github.address.as_str()),
        ("SUTURE_GITHUB_APP_ID", &id.to_string()),
        ("SUTURE_GITHUB_APP_KEY", &key),
        ("SUTURE_GITHUB_WEBHOOK_SECRET", super::github::HOOK_SECRET),
        ("SUTURE_ADVISORIES", ""),
        ("SUTURE_OSV_API", &osv.address),
    ];
    machine.start_with(&settings, &[]).await
}
