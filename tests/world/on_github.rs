//! A world whose repository is on GitHub: what happens there is told by signed deliveries.

use super::World;
use super::github::{Delivery, SimulatedGitHub, SimulatedRepository};
use super::project::Project;
use agents::environment::Environment;
use agents::environment::effects::Effects;
use agents::environment::github::GitHubSettings;
use agents::functions;
use agents::request::Request;
use pipeline::ids::CommitSha;
use pipeline::message::Envelope;
use serde_json::Value;

/// Somebody who works there.
pub const SOMEBODY: &str = "mona";

/// GitHub, and the repository of this world.
#[derive(Clone)]
pub struct Hub {
    /// All of it.
    pub github: SimulatedGitHub,
    /// The repository.
    pub repository: SimulatedRepository,
    /// As which user the agents ask; as the App where there is none.
    pub user: Option<String>,
}

impl Hub {
    /// The settings of the agents.
    pub fn settings(&self) -> GitHubSettings {
        match &self.user {
            Some(login) => self.github.settings_of_user(login),
            None => self.github.settings(),
        }
    }
}

impl World {
    /// A world whose repository `octo/shop` is on GitHub, with `project` on `main`. What was told of its making is not heard.
    pub async fn on_github(project: &Project) -> Self {
        let mut world = Self::with_files(&[("README.md", "not looked at\n")]).await;
        let github = SimulatedGitHub::start(&world.clock).await;
        let (manifest, lockfile) = (project.manifest(), project.lockfile());
        let files = [("package.json", manifest.as_str()), ("package-lock.json", lockfile.as_str())];
        let repository = github.repository("octo/shop", &files);
        github.take_deliveries();
        world.hub = Some(Hub { github, repository, user: None });
        world
    }

    /// The repository on GitHub.
    pub fn there(&self) -> &SimulatedRepository {
        &self.hub.as_ref().unwrap().repository
    }

    /// The simulation.
    pub fn github(&self) -> &SimulatedGitHub {
        &self.hub.as_ref().unwrap().github
    }

    /// Somebody pushes `files` to `branch`.
    pub fn push(&mut self, branch: &str, files: &[(&str, &str)]) -> CommitSha {
        self.there().push(branch, files, SOMEBODY)
    }

    /// Takes what GitHub has to tell: each delivery goes through `github-webhook`, and what it leads to is on its way. How many there were.
    pub async fn hear(&mut self) -> usize {
        let deliveries = self.hub.as_ref().map(|hub| hub.github.take_deliveries()).unwrap_or_default();
        let env = self.process(Effects::default());
        for delivery in &deliveries {
            let messages = take(&env, delivery).await;
            self.send_all(&messages);
        }
        deliveries.len()
    }

    /// Somebody sends `payload` to `queue`.
    pub fn send(&mut self, queue: &str, topic: &str, payload: &impl serde::Serialize) {
        let now = self.clock.now();
        let message = Envelope::root("test", queue, topic, payload, self.ids.run(now), now).unwrap();
        self.bus.send(None, &message).unwrap();
    }

    /// The branches whose inventories are kept.
    pub async fn inventories(&self) -> usize {
        self.store.folders("inventory").await.unwrap().len()
    }

    /// Puts what `github-webhook` answered on its way.
    pub fn send_all(&mut self, messages: &[Envelope]) {
        for message in messages {
            self.bus.send(Some("github-webhook"), message).unwrap();
        }
    }

    /// Lets GitHub tell and the agents work, until nothing is left to tell or to do.
    pub async fn live(&mut self) {
        for _ in 0..20 {
            let heard = self.hear().await;
            self.settle().await;
            if heard == 0 {
                return;
            }
        }
        panic!("what the agents do leads to ever more to do");
    }

    /// The open pull requests.
    pub fn open_pulls(&self) -> Vec<Value> {
        self.there().pulls().into_iter().filter(|pull| pull["state"] == "open").collect()
    }

    /// What is to be seen on GitHub, as far as the weather must not change it.
    pub fn seen_on_github(&self) -> Vec<String> {
        let Some(hub) = &self.hub else { return Vec::new() };
        let repository = &hub.repository;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let pulls = repository.pulls().into_iter().map(|pull| {
            let body = text(&pull["body"]);
            // The mark has the run in it, which is another one on each day.
            let body = body.split("<!--").next().unwrap_or_default().to_owned();
            format!(
                "#{} {} {} draft {} merged {}\n{body}",
                pull["number"],
                pull["state"],
                pull["title"],
                pull["draft"],
                pull["merged_at"] != Value::Null
            )
        });
        let branches = repository.branches().into_iter().map(|branch| {
            let lockfile = repository.text(&branch, "package-lock.json").unwrap_or_default();
            format!("{branch}: {}", pipeline::ids::hash_of(&[&lockfile]))
        });
        let checks = repository
            .check_runs()
            .into_iter()
            .map(|run| format!("{} {} {}", run["name"], run["head_sha"], run["conclusion"]));
        let issues = repository
            .issues()
            .into_iter()
            .map(|issue| format!("{} {} {}", issue["title"], issue["state"], issue["comments"]));
        pulls.chain(branches).chain(checks).chain(issues).collect()
    }
}

/// Hands one delivery to `github-webhook`, as the host does. Fails unless it is taken.
pub async fn take(env: &Environment, delivery: &Delivery) -> Vec<Envelope> {
    let headers = delivery.headers().into_iter().map(|(name, value)| (name.to_owned(), vec![value])).collect();
    let request = Request { method: "POST".to_owned(), headers, body: delivery.body.clone(), ..Request::default() };
    let answer = functions::answer(Some(env), "github-webhook", &request).await.unwrap();
    assert!((200..300).contains(&answer.status), "{}: {} {}", delivery.event, answer.status, answer.body);
    answer.messages
}
