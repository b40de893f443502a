//! The state of a release, kept as files: what the next release has to read. See `tests/fixtures/releases/README.md`.

use super::World;
use super::project::Project;
use agents::environment::effects::Effects;
use agents::environment::store::Store;
use agents::in_process::Delivery;
use git2::{Repository, Signature, Time};
use jiff::SignedDuration;
use pipeline::case::Case;
use pipeline::ids::hash_of;
use pipeline::message::{Envelope, queue, topic};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Where the states of all releases are.
pub fn releases() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/releases"))
}

/// A state, and what was on its way in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Release {
    /// Records by key.
    pub records: Vec<(String, Value)>,
    /// What was delivered already, in order.
    pub delivered: Vec<Message>,
    /// What was on its way.
    pub in_flight: Vec<Message>,
    /// Branches beside `main`.
    pub branches: Vec<Branch>,
    /// The cases as they stood.
    pub before: Vec<Case>,
    /// The cases as they stood when everything on its way had been handled.
    pub after: Vec<Case>,
    /// Subjects that people were told from then on, sorted.
    pub told: Vec<String>,
}

/// A message for a function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// For whom.
    pub function: String,
    /// The message, as it travels.
    pub body: Value,
}

/// A branch with one commit on top of `parent`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Branch {
    name: String,
    commit: String,
    parent: String,
    author: (String, String),
    seconds: i64,
    message: String,
    files: Vec<(String, String)>,
}

/// `gate` asks for `latch ^1.0.0`; `latch` is vulnerable before 1.2.0.
fn shop() -> Project {
    Project::new().needs("gate", "^2.0.0").locks("gate", "2.1.0", &[("latch", "^1.0.0")]).locks("latch", "1.0.3", &[])
}

/// A project with a hole, and two commits.
pub async fn shop_with_hole() -> World {
    let mut world = World::with_project(&shop()).await;
    world.advise("GHSA-aaaa-bbbb-cccc", "latch", "1.2.0", "MODERATE");
    world.registry.publish("gate", "2.1.0", &[("latch", "^1.0.0")]);
    for version in ["1.0.3", "1.1.0", "1.2.0", "1.3.0", "2.0.0"] {
        world.registry.publish("latch", version, &[]);
    }
    world.repository.commit("say more", &[("README.md", "more\n")]);
    world
}

impl Release {
    /// The state of this version: a case that was healed, one message that nobody could read, work that was put off, agents that
    /// were asked how they are, and a second run on the same case that was stopped on its way.
    pub async fn of_this_version() -> Self {
        let mut world = shop_with_hole().await;
        let mut delivered = Vec::new();
        world.ask_to_heal();
        let now = world.clock.now();
        let unreadable =
            Envelope::root("test", queue::ANALYZE, topic::VULNERABILITY_DETECTED, &"no case", world.ids.run(now), now);
        world.bus.send(None, &unreadable.unwrap()).unwrap();
        let env = world.process(Effects::default());
        for message in agents::functions::tick(&env, "sweep").await.unwrap() {
            world.bus.send(Some("sweep"), &message).unwrap();
        }
        while !world.bus.waiting.is_empty() {
            delivered.push(Message::of(&world.bus.waiting[0]));
            world.bus.deliver(0, &env).await.unwrap();
        }
        // A run that can't ask for advisories any more is put off.
        world.clock.advance(SignedDuration::from_mins(1));
        world.ask_to_heal();
        let mut blind = world.process(Effects::default());
        blind.advisories = world.silent_advisories();
        while !world.bus.waiting.is_empty() {
            let message = Message::of(&world.bus.waiting[0]);
            let is_put_off = message.function == queue::REMEDIATE;
            world.bus.deliver(0, if is_put_off { &blind } else { &env }).await.unwrap();
            delivered.push(message);
        }
        // A run that is stopped on its way, with a message whose payload is a claim check.
        world.clock.advance(SignedDuration::from_mins(1));
        world.ask_to_heal();
        let env = world.process(Effects::default());
        let is_for = |delivery: &Delivery, function: &str| delivery.function == function;
        while !world.bus.waiting.iter().any(|delivery| is_for(delivery, queue::REMEDIATE)) {
            delivered.push(Message::of(&world.bus.waiting[0]));
            world.bus.deliver(0, &env).await.unwrap();
        }
        for delivery in &mut world.bus.waiting {
            if is_for(delivery, queue::REMEDIATE) {
                delivery.body = checked_in(&world.store, &delivery.body).await;
            }
        }
        let in_flight = world.bus.waiting.iter().map(Message::of).collect();
        let records = records(&world.store).await;
        let (before, branches) = (world.cases().await, branches(&world));
        let (after, told) = settled(&mut world).await;
        Self { records, delivered, in_flight, branches, before, after, told }
    }

    /// A world in this state, with nothing on its way.
    pub async fn world(&self) -> World {
        let world = shop_with_hole().await;
        for (key, value) in &self.records {
            world.store.create(key, value).await.unwrap();
        }
        for branch in &self.branches {
            branch.make(&Repository::open(world.repository.folder()).unwrap());
        }
        world.clock.advance(SignedDuration::from_mins(2));
        world
    }

    /// Reads what [`write`](Self::write) wrote.
    pub fn read(folder: &Path) -> Self {
        let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
        let lines = |name: &str| read(name).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let outcome: Value = serde_json::from_str(&read("outcome.json")).unwrap();
        let cases = |name: &str| serde_json::from_value(outcome[name].clone()).unwrap();
        let mut records = Vec::new();
        let mut folders = vec![folder.join("store")];
        while let Some(next) = folders.pop() {
            for entry in fs::read_dir(next).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let key = path.strip_prefix(folder.join("store")).unwrap().to_str().unwrap().to_owned();
                records.push((key, serde_json::from_slice(&fs::read(&path).unwrap()).unwrap()));
            }
        }
        records.sort_by(|one: &(String, Value), other| one.0.cmp(&other.0));
        Self {
            records,
            delivered: lines("delivered.jsonl"),
            in_flight: lines("in_flight.jsonl"),
            branches: serde_json::from_str(&read("branches.json")).unwrap(),
            before: cases("before"),
            after: cases("after"),
            told: serde_json::from_value(outcome["told"].clone()).unwrap(),
        }
    }

    /// Writes it to `folder`, which is made anew.
    pub fn write(&self, folder: &Path) {
        let _ = fs::remove_dir_all(folder);
        for (key, value) in &self.records {
            let path = folder.join("store").join(key);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, value.to_string()).unwrap();
        }
        let lines = |messages: &[Message]| {
            messages.iter().map(|message| serde_json::to_string(message).unwrap() + "\n").collect::<String>()
        };
        fs::write(folder.join("delivered.jsonl"), lines(&self.delivered)).unwrap();
        fs::write(folder.join("in_flight.jsonl"), lines(&self.in_flight)).unwrap();
        fs::write(folder.join("branches.json"), pretty(&self.branches)).unwrap();
        let outcome = serde_json::json!({ "before": self.before, "after": self.after, "told": self.told });
        fs::write(folder.join("outcome.json"), pretty(&outcome)).unwrap();
    }
}

fn pretty(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap() + "\n"
}

impl Message {
    fn of(delivery: &Delivery) -> Self {
        Self { function: delivery.function.clone(), body: serde_json::from_slice(&delivery.body).unwrap() }
    }

    /// The message on a bus.
    pub fn delivery(&self) -> Delivery {
        Delivery { function: self.function.clone(), body: self.body.to_string().into_bytes(), count: 0 }
    }

    /// The message as an agent reads it.
    pub fn envelope(&self) -> Envelope {
        serde_json::from_value(self.body.clone()).unwrap()
    }
}

/// Handles all that is on its way and all that was put off, a day later. How the cases stand then, and what people were told.
pub async fn settled(world: &mut World) -> (Vec<Case>, Vec<String>) {
    let before = world.notices.lock().unwrap().len();
    world.clock.advance(SignedDuration::from_hours(24));
    world.settle().await;
    for _ in 0..3 {
        world.sweep().await;
    }
    assert!(world.wake_ups().await.is_empty(), "{:?}", world.wake_ups().await);
    assert!(world.bus.dead_letters.is_empty(), "{:?}", world.bus.dead_letters);
    let subjects = || -> Vec<String> {
        world.notices.lock().unwrap()[before..].iter().map(|notice| notice.subject.clone()).collect()
    };
    let mut told = subjects();
    told.sort();
    (world.cases().await, told)
}

async fn records(store: &Store) -> Vec<(String, Value)> {
    let mut records = Vec::new();
    for key in store.list("").await.unwrap() {
        let value = store.read(&key).await.unwrap().unwrap();
        records.push((key, value));
    }
    records
}

/// The message with its payload in the store, as if it were too large to travel.
async fn checked_in(store: &Store, body: &[u8]) -> Vec<u8> {
    let mut message: Envelope = serde_json::from_slice(body).unwrap();
    let key = format!("claims/{}", hash_of(&[&message.payload.to_string()]));
    store.keep(&key, &message.payload).await.unwrap();
    message.payload = Value::Null;
    message.payload_ref = Some(key);
    serde_json::to_vec(&message).unwrap()
}

fn branches(world: &World) -> Vec<Branch> {
    let repository = Repository::open(world.repository.folder()).unwrap();
    let names = world.repository.branches().into_iter().map(|(name, _)| name).filter(|name| name != "main");
    names.map(|name| Branch::of(&repository, name)).collect()
}

impl Branch {
    fn of(repository: &Repository, name: String) -> Self {
        let commit = repository.find_reference(&format!("refs/heads/{name}")).unwrap().peel_to_commit().unwrap();
        let parent = commit.parent(0).unwrap();
        let diff =
            repository.diff_tree_to_tree(Some(&parent.tree().unwrap()), Some(&commit.tree().unwrap()), None).unwrap();
        let files = diff.deltas().map(|delta| {
            let blob = repository.find_blob(delta.new_file().id()).unwrap();
            let path = delta.new_file().path().unwrap().to_str().unwrap().to_owned();
            (path, String::from_utf8(blob.content().to_vec()).unwrap())
        });
        let author = commit.author();
        Self {
            name,
            commit: commit.id().to_string(),
            parent: parent.id().to_string(),
            author: (author.name().unwrap().to_owned(), author.email().unwrap().to_owned()),
            seconds: author.when().seconds(),
            message: commit.message().unwrap().to_owned(),
            files: files.collect(),
        }
    }

    /// Makes the branch again: the same commit.
    fn make(&self, repository: &Repository) {
        let parent = repository.find_commit(self.parent.parse().unwrap()).unwrap();
        let mut update = git2::build::TreeUpdateBuilder::new();
        for (path, text) in &self.files {
            update.upsert(path.as_str(), repository.blob(text.as_bytes()).unwrap(), git2::FileMode::Blob);
        }
        let tree = update.create_updated(repository, &parent.tree().unwrap()).unwrap();
        let who = Signature::new(&self.author.0, &self.author.1, &Time::new(self.seconds, 0)).unwrap();
        let reference = format!("refs/heads/{}", self.name);
        let tree = repository.find_tree(tree).unwrap();
        let made = repository.commit(Some(&reference), &who, &who, &self.message, &tree, &[&parent]).unwrap();
        assert_eq!(made.to_string(), self.commit, "{} is another commit", self.name);
    }
}
