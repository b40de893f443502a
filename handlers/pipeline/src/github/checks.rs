//! `check_run`, `check_suite`, `workflow_run`: three shapes that say the same.

use super::contents::Repository;
use super::text::Branch;
use crate::ids::CommitSha;
use serde::{Deserialize, Deserializer};

/// Name of the check run that is ours.
pub const CHECK_NAME: &str = "suture";

/// A check of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checks {
    /// The repository.
    pub repository: Repository,
    /// The commit.
    pub commit: CommitSha,
    /// Its branch, where GitHub knows one.
    pub branch: Option<Branch>,
    /// The App that checks.
    pub app: Option<u64>,
    /// Whether it has the name of our own check.
    pub is_named_as_ours: bool,
    /// Whether the branch is another repository's, as far as that is said.
    pub is_fork: bool,
}

/// `check_run`
#[derive(Deserialize)]
pub(super) struct CheckRunEvent {
    check_run: CheckRun,
    repository: Repository,
}

#[derive(Deserialize)]
struct CheckRun {
    head_sha: CommitSha,
    #[serde(rename = "name", default, deserialize_with = "is_our_name")]
    is_named_as_ours: bool,
    app: Option<App>,
    check_suite: Option<SuiteOfRun>,
}

#[derive(Deserialize)]
struct SuiteOfRun {
    head_branch: Option<Branch>,
}

#[derive(Deserialize)]
struct App {
    id: Option<u64>,
}

/// `check_suite`
#[derive(Deserialize)]
pub(super) struct CheckSuiteEvent {
    check_suite: CheckSuite,
    repository: Repository,
}

#[derive(Deserialize)]
struct CheckSuite {
    head_sha: CommitSha,
    head_branch: Option<Branch>,
    app: Option<App>,
}

/// `workflow_run`
#[derive(Deserialize)]
pub(super) struct WorkflowRunEvent {
    workflow_run: WorkflowRun,
    repository: Repository,
}

#[derive(Deserialize)]
struct WorkflowRun {
    head_sha: CommitSha,
    head_branch: Option<Branch>,
    head_repository: Option<Repository>,
}

impl From<CheckRunEvent> for Checks {
    fn from(CheckRunEvent { check_run, repository }: CheckRunEvent) -> Self {
        Self {
            repository,
            commit: check_run.head_sha,
            branch: check_run.check_suite.and_then(|suite| suite.head_branch),
            app: check_run.app.and_then(|app| app.id),
            is_named_as_ours: check_run.is_named_as_ours,
            is_fork: false,
        }
    }
}

impl From<CheckSuiteEvent> for Checks {
    fn from(CheckSuiteEvent { check_suite, repository }: CheckSuiteEvent) -> Self {
        Self {
            repository,
            commit: check_suite.head_sha,
            branch: check_suite.head_branch,
            app: check_suite.app.and_then(|app| app.id),
            is_named_as_ours: false,
            is_fork: false,
        }
    }
}

impl From<WorkflowRunEvent> for Checks {
    fn from(WorkflowRunEvent { workflow_run, repository }: WorkflowRunEvent) -> Self {
        let is_same = |head: &Repository| head.full_name == repository.full_name;
        let is_fork = !workflow_run.head_repository.as_ref().is_some_and(is_same);
        Self {
            repository,
            commit: workflow_run.head_sha,
            branch: workflow_run.head_branch,
            app: None,
            is_named_as_ours: false,
            is_fork,
        }
    }
}

fn is_our_name<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    Ok(Option::<String>::deserialize(from)?.as_deref() == Some(CHECK_NAME))
}
