//! A simulated outside, and the real agents in it.

pub mod azurite;
pub mod chance;
pub mod deliveries;
pub mod feeds;
pub mod github;
pub mod handler;
pub mod host;
pub mod on_github;
pub mod osv;
pub mod program;
pub mod project;
pub mod real;
pub mod registry;
pub mod release;
pub mod release_bus;
pub mod repository;
pub mod shared;
pub mod staged;
pub mod two_processes;
pub mod weather;

use agents::environment::Environment;
use agents::environment::advisories::AdvisorySource;
use agents::environment::advisories::api::{ApiSettings, OsvApi};
use agents::environment::advisories::index::Index;
use agents::environment::clock::Clock;
use agents::environment::effects::Effects;
use agents::environment::git::LocalRepository;
use agents::environment::github::GitHub;
use agents::environment::ids::Ids;
use agents::environment::last_work::LastWork;
use agents::environment::outlet::Outlet;
use agents::environment::registries::{Configuration, Limits, Registries, RegistrySettings, UserFiles};
use agents::environment::retention::Retention;
use agents::environment::store::Store;
use agents::environment::tree_limits::TreeLimits;
use agents::functions;
use agents::history;
use agents::in_process::{self, Bus};
use agents::topology::{FUNCTIONS, Topology};
use futures::FutureExt;
use jiff::Timestamp;
use on_github::Hub;
use pipeline::advisory::osv::OsvRecord;
use pipeline::case::{Case, CaseRecord, Status};
use pipeline::message::{Envelope, queue, topic};
use pipeline::payload::{Mode, Notification};
use pipeline::policy::layers::Policies;
use pipeline::policy::{DEFAULT_POLICIES, parse};
use pipeline::suppress::Suppressions;
use pipeline::wording;
use project::Project;
use registry::NpmRegistry;
use repository::GitRepository;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// Where the topology is written.
pub fn functions_folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../functions"))
}

/// The topology as the files in `functions/` write it.
pub fn topology() -> Topology {
    Topology::parse(functions()).unwrap()
}

/// Name and `function.json` of each folder in `functions/`, by name.
pub fn functions() -> Vec<(String, String)> {
    let entries = std::fs::read_dir(functions_folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    let read = |folder: &PathBuf| {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read_to_string(folder.join("function.json")).unwrap())
    };
    folders.iter().map(read).collect()
}

/// A folder for a world that ends with its process: in memory, on machines that have a place for it.
pub fn temporary_folder() -> tempfile::TempDir {
    let in_memory = Path::new("/dev/shm");
    let is_there = in_memory.is_dir();
    let folder = if is_there { tempfile::tempdir_in(in_memory) } else { tempfile::tempdir() };
    folder.unwrap()
}

/// Sends `scan` a message that it can't read, and lets the agents work.
async fn with_poison() -> World {
    let mut world = World::with_files(&[("README.md", "shop\n")]).await;
    let now = world.clock.now();
    let root =
        Envelope::root("test", queue::SCAN, topic::SCAN_REQUESTED, &"no request", world.ids.run(now), now).unwrap();
    world.bus.send(None, &root).unwrap();
    world.settle().await;
    world
}

#[tokio::test]
#[should_panic(expected = "nobody looked at the poison")]
async fn poison_that_nobody_looks_at_fails_a_world() {
    with_poison().await.finish();
}

#[tokio::test]
#[should_panic(expected = "nobody looked at the notice of poison")]
async fn notice_of_poison_fails_a_world() {
    let mut world = with_poison().await;
    for key in world.poison().await {
        world.store.delete(&key).await.unwrap();
    }
    world.is_poison_looked_at = false;
    world.finish();
}

#[tokio::test]
async fn poison_that_somebody_looks_at_is_fine() {
    let mut world = with_poison().await;
    assert_eq!(world.poison().await.len(), 1);
    world.finish();
}

/// One repository, one registry, and what is known of vulnerabilities.
pub struct World {
    /// The repository.
    pub repository: GitRepository,
    /// The registry.
    pub registry: NpmRegistry,
    /// Where the repository is, if it is on GitHub.
    pub hub: Option<Hub>,
    /// Messages on their way.
    pub bus: Bus,
    /// What people were told.
    pub notices: Arc<Mutex<Vec<Notification>>>,
    /// Time in this world.
    pub clock: Clock,
    ids: Ids,
    store: Store,
    records: Vec<Value>,
    policies: String,
    looked_at: BTreeSet<String>,
    is_poison_looked_at: bool,
    folder: tempfile::TempDir,
}

impl World {
    /// A world whose repository has `files` on `main`.
    pub async fn with_files(files: &[(&str, &str)]) -> Self {
        let folder = temporary_folder();
        Self {
            repository: GitRepository::with_files(&folder.path().join("repository"), files),
            registry: NpmRegistry::start().await,
            hub: None,
            bus: Bus::new(topology()),
            notices: Arc::default(),
            clock: Clock::standing_at("2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap()),
            ids: Ids::counted(),
            store: Store::memory(Effects::default()),
            records: Vec::new(),
            policies: DEFAULT_POLICIES.to_owned(),
            looked_at: BTreeSet::new(),
            is_poison_looked_at: false,
            folder,
        }
    }

    /// A world whose repository is `project`.
    pub async fn with_project(project: &Project) -> Self {
        Self::with_files(&[("package.json", &project.manifest()), ("package-lock.json", &project.lockfile())]).await
    }

    /// Somebody publishes an advisory: versions of `package` before `fixed` are vulnerable.
    pub fn advise(&mut self, id: &str, package: &str, fixed: &str, severity: &str) {
        self.records.push(json!({
            "id": id,
            "modified": "2025-01-01T00:00:00Z",
            "summary": "it lets others in",
            "affected": [{
                "package": { "ecosystem": "npm", "name": package },
                "ranges": [{ "type": "SEMVER", "events": [{ "introduced": "0" }, { "fixed": fixed }] }],
            }],
            "database_specific": { "severity": severity },
        }));
    }

    /// All advisories are withdrawn.
    pub fn withdraw_advisories(&mut self) {
        for record in &mut self.records {
            record["withdrawn"] = json!("2025-06-01T00:00:00Z");
        }
    }

    /// These policies instead of the built-in ones.
    pub fn set_policies(&mut self, text: &str) {
        text.clone_into(&mut self.policies);
    }

    /// A process in this world, which dies by the rules of `effects`.
    pub fn process(&self, effects: Effects) -> Environment {
        let settings =
            RegistrySettings { npm_registry: Some(self.registry.address.clone()), ..RegistrySettings::default() };
        let configuration = Configuration::of(&settings, &UserFiles::default());
        let notices = Arc::clone(&self.notices);
        Environment {
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            store: self.store.with_effects(effects.clone()),
            repositories: match &self.hub {
                None => vec![LocalRepository::discover(self.repository.folder(), effects.clone()).unwrap()],
                Some(_) => Vec::new(),
            },
            registries: Registries::new(configuration, None, Limits::default()),
            advisories: AdvisorySource::Index(self.index()),
            policies: Policies::of_organisation(parse("policies.yml", &self.policies).unwrap()).unwrap(),
            suppressions: Suppressions::default(),
            tree_limits: TreeLimits::default(),
            retention: Retention::default(),
            github: self.hub.as_ref().map(|hub| GitHub::new(hub.settings(), effects).unwrap()),
            last_work: LastWork::default(),
            outlet: Outlet::new(move |notice| notices.lock().unwrap().push(notice.clone())),
        }
    }

    fn index(&self) -> Index {
        let path = self.folder.path().join("advisories.index");
        let records = self.records.iter().map(|record| Ok(OsvRecord::parse(record.to_string().as_bytes()).unwrap()));
        Index::build(&path, records, self.clock.now()).unwrap();
        Index::open(&path).unwrap()
    }

    /// A source of advisories that does not answer: nothing listens on port 9.
    pub fn silent_advisories(&self) -> AdvisorySource {
        let mut settings = ApiSettings::of("http://127.0.0.1:9/".parse().unwrap());
        settings.attempts_max = 1;
        AdvisorySource::Api(OsvApi::new(settings).unwrap())
    }

    /// Looks at `branch`, so that the end of the world is not surprised by it.
    pub fn look_at(&mut self, branch: &str) {
        self.looked_at.insert(branch.to_owned());
    }

    /// Asks for the head of `main` to be healed.
    pub fn ask_to_heal(&mut self) {
        let env = self.process(Effects::default());
        let root = in_process::request(&env, &env.repositories[0], "test", Mode::Heal).unwrap();
        self.bus.send(None, &root).unwrap();
    }

    /// Lets the agents work until nothing is left to do.
    pub async fn settle(&mut self) {
        let env = self.process(Effects::default());
        self.bus.settle(&env, |_| {}).await.unwrap();
    }

    /// Asks for healing and lets the agents work.
    pub async fn heal(&mut self) {
        self.ask_to_heal();
        self.settle().await;
    }

    /// The timer ticks: what is due is sent, and the agents work.
    pub async fn sweep(&mut self) {
        self.tick().await;
        self.settle().await;
    }

    /// The timer ticks: what is due is on its way.
    pub async fn tick(&mut self) {
        let env = self.process(Effects::default());
        for message in functions::tick(&env, "sweep").await.unwrap() {
            self.bus.send(Some("sweep"), &message).unwrap();
        }
    }

    /// Keys below `prefix` in the store.
    pub async fn keys(&self, prefix: &str) -> Vec<String> {
        self.store.list(prefix).await.unwrap()
    }

    /// Keys of the work that is put off.
    pub async fn wake_ups(&self) -> Vec<String> {
        self.store.list("wakeups").await.unwrap()
    }

    /// What no function could handle: keys in the store, sorted. Who asks has looked at it.
    pub async fn poison(&mut self) -> Vec<String> {
        self.is_poison_looked_at = true;
        self.store.list("poison").await.unwrap()
    }

    /// What every step of a case left, in the order of the keys.
    pub async fn records(&self) -> Vec<CaseRecord> {
        let mut records = Vec::new();
        for key in self.keys("cases").await {
            records.extend(self.store.read(&key).await.unwrap());
        }
        records
    }

    /// The record at `key`, as JSON.
    pub async fn read(&self, key: &str) -> Value {
        self.store.read(key).await.unwrap().unwrap()
    }

    /// Takes `key` out of the store.
    pub async fn delete(&self, key: &str) {
        self.store.delete(key).await.unwrap();
    }

    /// Writes `value` to the store.
    pub async fn write(&self, key: &str, value: &(impl serde::Serialize + Sync)) {
        self.store.overwrite(key, value).await.unwrap();
    }

    /// The records at `prefix` as JSON, each written back as `change` leaves it.
    pub async fn rewrite(&self, prefix: &str, change: impl Fn(&mut Value)) {
        for key in self.keys(prefix).await {
            let mut value: Value = self.store.read(&key).await.unwrap().unwrap();
            change(&mut value);
            self.store.overwrite(&key, &value).await.unwrap();
        }
    }

    /// Every case, in the order of the ids.
    pub async fn cases(&self) -> Vec<Case> {
        let history::Cases { cases, damaged } = history::cases(&self.store).await.unwrap();
        assert_eq!(damaged, Vec::<String>::new());
        cases
    }

    /// The only case there is, which has to stand like this.
    #[track_caller]
    pub fn expect(&mut self, cases: &[Case], status: Status) -> Case {
        let [case] = cases else { panic!("one case was expected, not {cases:#?}") };
        assert_eq!(case.status, status, "{case:#?}");
        if let Some(branch) = case.delivery.as_ref().and_then(|delivery| delivery.branch.clone()) {
            self.looked_at.insert(branch);
        }
        case.clone()
    }

    /// Ends the world: fails on any branch that nobody looked at, on dead letters, on poison that nobody looked at, and on
    /// notices about it.
    pub fn finish(self) {
        self.assert_sound(&self.looked_at);
        drop(self.folder);
    }

    /// Fails on branches other than `main` and `expected`, and on any sign of work that could not be done.
    pub fn assert_sound(&self, expected: &BTreeSet<String>) {
        for (branch, _) in self.repository.branches() {
            assert!(branch == "main" || expected.contains(&branch), "nobody looked at {branch}");
        }
        assert!(self.bus.waiting.is_empty(), "on their way still: {:?}", self.bus.waiting);
        assert!(self.bus.dead_letters.is_empty(), "dead letters: {:?}", self.bus.dead_letters);
        if self.is_poison_looked_at {
            return;
        }
        // A store in memory never has to be waited for.
        let poison = self.store.list("poison").now_or_never().unwrap().unwrap();
        assert!(poison.is_empty(), "nobody looked at the poison {poison:?}");
        let notices = self.notices.lock().unwrap();
        let lost = notices.iter().find(|notice| {
            FUNCTIONS.iter().any(|(function, _)| notice.subject == wording::poisoned(None, function, "").subject)
        });
        assert!(lost.is_none(), "nobody looked at the notice of poison {lost:?}");
    }
}
