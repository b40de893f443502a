//! The real handler under the real `suture local`, as processes of their own, and repositories for them to heal.

use super::program::{User, handler};
use super::project::Project;
use super::registry::NpmRegistry;
use super::repository::{GitRepository, init};
use agents::environment::advisories::index::Index;
use agents::environment::effects::Effects;
use agents::environment::git::LocalRepository;
use agents::environment::store::Store;
use agents::history;
use git2::{Signature, Time};
use pipeline::advisory::osv::OsvRecord;
use pipeline::case::{Case, CaseRecord, fold};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Longer than any one thing takes, on a machine that has others to do.
const PATIENCE: Duration = Duration::from_secs(120);

/// A machine: repositories with a hole each, a registry, an index of advisories, a staged app, a state.
pub struct Machine {
    folder: tempfile::TempDir,
    registry: NpmRegistry,
    repositories: Vec<GitRepository>,
}

/// `gate` asks for `latch ^1.0.0`, which is vulnerable before 1.2.0.
fn project() -> Project {
    Project::new().needs("gate", "^2.0.0").locks("gate", "2.1.0", &[("latch", "^1.0.0")]).locks("latch", "1.0.3", &[])
}

impl Machine {
    /// A machine with so many repositories, all of them bare.
    pub async fn with_repositories(count: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let registry = NpmRegistry::start().await;
        registry.publish("gate", "2.1.0", &[("latch", "^1.0.0")]);
        for version in ["1.0.3", "1.1.0", "1.2.0", "1.3.0", "2.0.0"] {
            registry.publish("latch", version, &[]);
        }
        let record = json!({
            "id": "GHSA-aaaa-bbbb-cccc", "modified": "2025-01-01T00:00:00Z", "summary": "it lets others in",
            "affected": [{
                "package": { "ecosystem": "npm", "name": "latch" },
                "ranges": [{ "type": "SEMVER", "events": [{ "introduced": "0" }, { "fixed": "1.2.0" }] }],
            }],
            "database_specific": { "severity": "MODERATE" },
        });
        let records = [Ok(OsvRecord::parse(record.to_string().as_bytes()).unwrap())];
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        Index::build(&folder.path().join("advisories.index"), records, now).unwrap();
        stage(&folder.path().join("app/agents"));
        let repositories =
            (0..count).map(|number| bare(&folder.path().join(format!("shop{number}.git")), number)).collect();
        Self { folder, registry, repositories }
    }

    /// The repositories.
    pub fn repositories(&self) -> &[GitRepository] {
        &self.repositories
    }

    /// The registry.
    pub fn registry(&self) -> &NpmRegistry {
        &self.registry
    }

    /// A repository as agents see it.
    pub fn local(&self, number: usize) -> LocalRepository {
        LocalRepository::discover(self.repositories[number].folder(), Effects::default()).unwrap()
    }

    /// The folder of the state.
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// The agents' store.
    pub fn store(&self) -> Store {
        Store::folder(&self.state(), Effects::default()).unwrap()
    }

    /// The master key.
    pub fn master_key(&self) -> String {
        local_host::host::keys(&self.state().join("local-host")).unwrap().master
    }

    /// Every case, with its records.
    pub async fn cases(&self) -> Vec<(Case, Vec<CaseRecord>)> {
        let store = self.store();
        let mut cases = Vec::new();
        for id in store.folders("cases").await.unwrap() {
            let records = history::case_records(&store, &id.parse().unwrap()).await.unwrap();
            cases.extend(fold(records.clone()).map(|case| (case, records)));
        }
        cases
    }

    /// Starts `suture local`, with `more` arguments, and waits until it listens.
    pub async fn start(&self, more: &[&str]) -> Local {
        self.start_with(&[], more).await
    }

    /// The same, with these environment variables besides.
    pub async fn start_with(&self, variables: &[(&str, &str)], more: &[&str]) -> Local {
        let (app, state) = (self.folder.path().join("app"), self.state());
        let mut arguments =
            vec!["local", "--json", "--port", "0", "--app", app.to_str().unwrap(), "--state", state.to_str().unwrap()];
        for repository in &self.repositories {
            arguments.extend(["--repository", repository.folder().to_str().unwrap()]);
        }
        arguments.extend(more);
        let user = User::new()
            .set("SUTURE_NPM_REGISTRY", &self.registry.address)
            .set("SUTURE_ADVISORIES", self.folder.path().join("advisories.index").to_str().unwrap())
            .set("SUTURE_LOG", "warn");
        let user = variables.iter().fold(user, |user, (name, value)| user.set(name, value));
        Local::start(user, &arguments).await
    }
}

/// A running `suture local`.
pub struct Local {
    child: Child,
    lines: UnboundedReceiver<Value>,
    /// Where it listens.
    pub address: String,
    /// The process of its handler, while it is ready.
    pub handler: Option<u32>,
    /// Invocations that failed, so far.
    pub failed: usize,
    /// What it said that is no event.
    stderr: Option<std::thread::JoinHandle<String>>,
    /// Its home has to outlive it.
    _user: User,
}

impl Local {
    async fn start(user: User, arguments: &[&str]) -> Self {
        let mut child = user.start(arguments);
        let (said, lines) = unbounded_channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = said.send(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")));
            }
        });
        let mut stderr = child.stderr.take().unwrap();
        let stderr = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = std::io::Read::read_to_string(&mut stderr, &mut text);
            text
        });
        let mut this =
            Self { child, lines, address: String::new(), handler: None, failed: 0, stderr: Some(stderr), _user: user };
        while this.address.is_empty() {
            let event = this.next().await;
            if event["event"] == "listening" {
                this.address = event["address"].as_str().unwrap().to_owned();
            }
        }
        this
    }

    /// The next event.
    pub async fn next(&mut self) -> Value {
        let line = tokio::time::timeout(PATIENCE, self.lines.recv()).await;
        let Some(event) = line.expect("it says nothing any more") else {
            panic!("it ended: {}", self.stderr.take().unwrap().join().unwrap());
        };
        match event["event"].as_str() {
            Some("handler_ready") => self.handler = Some(u32::try_from(event["pid"].as_u64().unwrap()).unwrap()),
            Some("handler_ended") => self.handler = None,
            Some("failed") => self.failed += 1,
            _ => {}
        }
        event
    }

    /// Waits for an event of this kind.
    pub async fn wait_for(&mut self, kind: &str) -> Value {
        loop {
            let event = self.next().await;
            if event["event"] == kind {
                return event;
            }
        }
    }

    /// Kills it without a warning.
    pub fn kill(self) {
        drop(self);
    }

    /// Asks it to end, as a service is ended: its exit code.
    pub fn end(mut self) -> Option<i32> {
        super::program::run("kill", &["-TERM", &self.child.id().to_string()], Path::new("/")).expect(0);
        self.child.wait().unwrap().code()
    }

    /// How the host stands.
    pub async fn status(&self, key: &str) -> Value {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let asked = client.get(format!("http://{}/admin/host/status", self.address)).header("x-functions-key", key);
        asked.send().await.unwrap().json().await.unwrap()
    }
}

/// Nothing is left of it where a test fails.
impl Drop for Local {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The app as it lies in the sources, with the handler of this build.
fn stage(root: &Path) {
    let workspace = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    std::fs::create_dir_all(root).unwrap();
    std::fs::copy(workspace.join("host.json"), root.join("host.json")).unwrap();
    for entry in std::fs::read_dir(workspace.join("functions")).unwrap() {
        let from = entry.unwrap().path();
        if from.is_dir() {
            let to = root.join(from.file_name().unwrap());
            std::fs::create_dir_all(&to).unwrap();
            std::fs::copy(from.join("function.json"), to.join("function.json")).unwrap();
        }
    }
    std::fs::copy(handler(), root.join("handler")).unwrap();
}

/// A bare repository with the project on `main`.
fn bare(folder: &Path, number: usize) -> GitRepository {
    let repository = init(folder, true);
    repository.set_head("refs/heads/main").unwrap();
    repository.remote("origin", &format!("https://git.example/team/shop{number}.git")).unwrap();
    let mut tree = repository.treebuilder(None).unwrap();
    for (path, text) in [("package.json", project().manifest()), ("package-lock.json", project().lockfile())] {
        tree.insert(path, repository.blob(text.as_bytes()).unwrap(), 0o100_644).unwrap();
    }
    let tree = repository.find_tree(tree.write().unwrap()).unwrap();
    let who = Signature::new("Somebody", "somebody@localhost", &Time::new(1_700_000_000, 0)).unwrap();
    repository.commit(Some("refs/heads/main"), &who, &who, "begin", &tree, &[]).unwrap();
    GitRepository::at(folder)
}
