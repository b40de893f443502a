//! The client of GitHub before a simulated one, whose answers are held against GitHub's own descriptions.

mod answers;
mod asking;
mod delivering;
mod keeping;
mod reading;
mod telling;

use crate::world::github::{SLUG, SimulatedGitHub, SimulatedRepository};
use agents::environment::clock::Clock;
use agents::environment::effects::Effects;
use agents::environment::git::Delivered;
use agents::environment::github::{GitHub, GitHubError, GitHubRepository};
use agents::environment::repository::Fix;
use agents::error::AgentError;
use jiff::Timestamp;
use pipeline::ids::CommitSha;
use pipeline::patch::{Patch, PatchedFile};

const BRANCH: &str = "suture/npm-0123456789ab";
const MESSAGE: &str = "Update latch\n\nSuture-Case: npm-0123456789ab\n";
const NOW: &str = "2026-01-01T00:00:00Z";

/// One repository on a simulated GitHub, and a client.
struct Desk {
    github: SimulatedGitHub,
    repository: SimulatedRepository,
    client: GitHub,
    ours: GitHubRepository,
    base: CommitSha,
}

impl Desk {
    async fn new() -> Self {
        Self::with_files(&[("package-lock.json", "{1}"), ("bin/run.sh", "#! run 1")]).await
    }

    async fn with_files(files: &[(&str, &str)]) -> Self {
        let github = SimulatedGitHub::start(&Clock::standing_at(NOW.parse::<Timestamp>().unwrap())).await;
        let repository = github.repository("octo/Shop", files);
        let client = github.client(Effects::default());
        let ours = repository.of(&client);
        let base = repository.branch("main").unwrap();
        Self { github, repository, client, ours, base }
    }

    /// Puts `after` in the place of the lockfile.
    async fn deliver(&self, after: &str) -> Result<Delivered, GitHubError> {
        deliver(&self.ours, &self.base, after).await
    }

    async fn delivered(&self, after: &str) -> CommitSha {
        match self.deliver(after).await {
            Ok(Delivered::Now(commit)) => commit,
            other => panic!("{other:?}"),
        }
    }

    /// A process that dies after so many effects.
    fn dying_after(&self, count: usize) -> (Effects, GitHubRepository) {
        let effects = Effects::crashing_after(count);
        (effects.clone(), self.repository.of(&self.github.client(effects)))
    }
}

/// Puts `after` in the place of the lockfile, upon `base`.
async fn deliver(ours: &GitHubRepository, base: &CommitSha, after: &str) -> Result<Delivered, GitHubError> {
    let patch = patch(after);
    ours.deliver(Fix { base_branch: "main", base, branch: BRANCH, patch: &patch, message: MESSAGE }).await
}

fn patch(after: &str) -> Patch {
    let file = |path: &str, before: &str, after: &str| PatchedFile {
        path: path.to_owned(),
        before: before.to_owned(),
        after: after.to_owned(),
    };
    Patch { files: vec![file("package-lock.json", "{1}", after), file("bin/run.sh", "#! run 1", "#! run 2")] }
}

fn bot() -> String {
    format!("{SLUG}[bot]")
}

/// What an agent makes of it: when to try again, where it is told.
#[track_caller]
fn not_before<T: std::fmt::Debug>(asked: Result<T, GitHubError>) -> Option<Timestamp> {
    match AgentError::from(asked.unwrap_err()) {
        AgentError::TryLater { not_before, .. } => not_before,
        other => panic!("{other}"),
    }
}

#[track_caller]
fn cant_be_helped<T: std::fmt::Debug>(asked: Result<T, GitHubError>) -> String {
    match AgentError::from(asked.unwrap_err()) {
        AgentError::CantBeHelped { reason } => reason,
        other => panic!("{other}"),
    }
}
