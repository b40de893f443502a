//! A repository, wherever it is: on this machine, or on GitHub.

use super::git::{Delivered, GitError, LocalRepository};
use super::github::{GitHubError, GitHubRepository};
use super::sources::Sources;
use super::tree_limits::TreeLimits;
use crate::error::AgentError;
use detectors::source_tree::SourceTree;
use jiff::Timestamp;
use pipeline::ids::CommitSha;
use pipeline::patch::Patch;
use std::path::PathBuf;

/// A repository.
#[derive(Debug, Clone)]
pub enum Repository<'a> {
    /// On this machine.
    Local(&'a LocalRepository),
    /// On GitHub.
    GitHub(GitHubRepository),
}

/// One commit to be put on a branch.
#[derive(Debug, Clone, Copy)]
pub struct Fix<'a> {
    /// The branch that is mended.
    pub base_branch: &'a str,
    /// Where it has to stand.
    pub base: &'a CommitSha,
    /// The branch that gets the commit.
    pub branch: &'a str,
    /// What it changes.
    pub patch: &'a Patch,
    /// Its message.
    pub message: &'a str,
}

/// What became of a [`Fix`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The branch has it, or has somebody else's commits.
    Delivered(Delivered),
    /// The base branch is not where the fix was made for.
    BaseMoved,
}

impl Repository<'_> {
    /// Where `branch` stands, or `None` where there is none.
    pub async fn branch(&self, branch: &str) -> Result<Option<CommitSha>, AgentError> {
        match self {
            Self::Local(local) => Ok(local.branch(branch)?),
            Self::GitHub(remote) => Ok(remote.branch(branch).await?),
        }
    }

    /// The files of `commit` that detectors ask for.
    pub async fn tree(&self, commit: &CommitSha, limits: &TreeLimits) -> Result<SourceTree, AgentError> {
        match self {
            Self::Local(local) => Ok(local.tree(commit, limits)?),
            Self::GitHub(remote) => Ok(remote.tree(commit, limits).await?),
        }
    }

    /// As [`Self::tree`], with where the code of that commit is.
    pub async fn tree_and_sources(
        &self,
        commit: &CommitSha,
        limits: &TreeLimits,
    ) -> Result<(SourceTree, Sources), AgentError> {
        match self {
            Self::Local(local) => {
                let sources =
                    Sources::Commit { repository: (*local).clone(), commit: commit.clone(), folder: PathBuf::new() };
                Ok((local.tree(commit, limits)?, sources))
            }
            Self::GitHub(remote) => {
                let (tree, archive) = remote.tree_and_archive(commit, limits).await?;
                Ok((tree, Sources::Archive(archive)))
            }
        }
    }

    /// Paths that differ between two commits.
    pub async fn changed_files(&self, from: &CommitSha, to: &CommitSha) -> Result<Vec<String>, AgentError> {
        match self {
            Self::Local(local) => Ok(local.changed_files(from, to)?),
            Self::GitHub(remote) => Ok(remote.changed_files(from, to).await?.paths),
        }
    }

    /// Puts a fix on its branch as one commit upon its base, unless it is there already.
    pub async fn deliver(&self, fix: Fix<'_>, now: Timestamp) -> Result<Outcome, AgentError> {
        match self {
            Self::Local(local) => match local.deliver(fix, now) {
                Ok(delivered) => Ok(Outcome::Delivered(delivered)),
                Err(GitError::BaseMoved) => Ok(Outcome::BaseMoved),
                Err(error) => Err(error.into()),
            },
            Self::GitHub(remote) => match remote.deliver(fix).await {
                Ok(delivered) => Ok(Outcome::Delivered(delivered)),
                Err(GitHubError::BaseMoved) => Ok(Outcome::BaseMoved),
                Err(error) => Err(error.into()),
            },
        }
    }

    /// Deletes `branch` if it stands at `commit`, which is ours. Whether it is gone.
    pub async fn withdraw(&self, branch: &str, commit: &CommitSha) -> Result<bool, AgentError> {
        match self {
            Self::Local(local) => Ok(local.withdraw(branch, commit)?),
            Self::GitHub(remote) => Ok(remote.withdraw(branch, commit).await?),
        }
    }
}

impl Repository<'_> {
    /// It as one on GitHub, where there are pull requests.
    pub fn on_github(&self) -> Option<&GitHubRepository> {
        match self {
            Self::Local(_) => None,
            Self::GitHub(remote) => Some(remote),
        }
    }
}
