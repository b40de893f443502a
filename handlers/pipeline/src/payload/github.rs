//! What messages carry of the events of GitHub. Nothing in them is free text, and nothing a secret.

use crate::ids::{CaseId, CommitSha, RepoName};
use crate::message::RunId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Somebody who did something on GitHub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The name.
    pub login: String,
    /// Whether it is an App, and no person.
    pub is_bot: bool,
}

/// `pull_request.scan_requested`: a pull request of others, to be looked at for what it brings in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequestScan {
    /// The repository that it is for.
    pub repository: RepoName,
    /// Its number.
    pub number: u64,
    /// The branch that it is for.
    pub base_branch: String,
    /// The commit that it is held against.
    pub base_commit: CommitSha,
    /// Its newest commit.
    pub head_commit: CommitSha,
    /// Whether it comes from another repository, or from one that is gone.
    pub is_fork: bool,
    /// Whether somebody asked for it once more: then it is said anew, though it may be the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_again: bool,
}

/// `check.rerequested`: somebody wants our check of a commit once more. Which pull requests have it at their head is to be asked for: GitHub names
/// none of a fork.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRerequested {
    /// The repository.
    pub repository: RepoName,
    /// The commit.
    pub commit: CommitSha,
}

/// `pull_request.closed`: one of ours, merged or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequestClosed {
    /// The case, by the name of the branch.
    pub case: CaseId,
    /// The repository.
    pub repository: RepoName,
    /// Its number.
    pub number: u64,
    /// The commit that it proposed last.
    pub head_commit: CommitSha,
    /// Whether it was merged.
    pub merged: bool,
    /// The commit of the merge.
    #[serde(default)]
    pub merge_commit: Option<CommitSha>,
    /// Who did it, where that is said.
    #[serde(default)]
    pub closed_by: Option<Account>,
}

/// `pull_request.reopened`: one of ours that was closed. Whether it is open still, and what it offers, is to be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequestReopened {
    /// The case, by the name of the branch.
    pub case: CaseId,
    /// The repository.
    pub repository: RepoName,
    /// Its number.
    pub number: u64,
}

/// `pull_request.changed`: the branch of one of ours moved. Whether we moved it shows the commit, which is in the records of the case if it is ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequestChanged {
    /// The case, by the name of the branch.
    pub case: CaseId,
    /// The repository.
    pub repository: RepoName,
    /// Its number.
    pub number: u64,
    /// The commit that the branch is at now.
    pub head_commit: CommitSha,
    /// Who moved it, where that is said.
    #[serde(default)]
    pub changed_by: Option<Account>,
}

/// `checks.completed`: a check on a branch of ours ended. How, and whether others still run, is to be asked for.
///
/// GitHub names the branch, and not always whose: a commit that is not at the branch of the case is none of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChecksCompleted {
    /// The case, by the name of the branch.
    pub case: CaseId,
    /// The repository.
    pub repository: RepoName,
    /// The commit that was checked.
    pub commit: CommitSha,
}

/// `wound.gone`: of a case whose fix is offered, nothing is found at the head of its branch any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WoundGone {
    /// The case.
    pub case: CaseId,
    /// The repository.
    pub repository: RepoName,
    /// Where nothing is found.
    pub commit: CommitSha,
}

/// `alerts.awaited`: a fix was merged and holds. GitHub closes its own alerts some time after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertsAwaited {
    /// The case.
    pub case: CaseId,
    /// The repository.
    pub repository: RepoName,
    /// The run that offered the fix.
    pub run: RunId,
    /// The file that was mended.
    pub path: String,
    /// Ids of the advisories that it was healed of. Empty where they are not known: then all of that file count.
    pub advisories: BTreeSet<String>,
    /// How many looks were before, from 0. `None`: GitHub closed an alert, and the look that is due comes anyway.
    pub look: Option<usize>,
}

/// `merge.checks_awaited`: a fix was merged and holds. Checks run on the merged branch some time after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeChecksAwaited {
    /// The case.
    pub case: CaseId,
    /// The repository.
    pub repository: RepoName,
    /// The run that offered the fix.
    pub run: RunId,
    /// Number of the pull request that was merged.
    pub number: u64,
    /// How many looks were before, from 0.
    pub look: usize,
    /// Checks that were seen to fail, and had passed before the merge: ids of what failed, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub failed: BTreeMap<String, BTreeSet<u64>>,
}

/// `comment.received`: somebody wrote `/suture …` at a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommentReceived {
    /// The case, by the name of the branch. A comment does not name the branch: `None` where that is to be asked for.
    #[serde(default)]
    pub case: Option<CaseId>,
    /// The repository.
    pub repository: RepoName,
    /// Number of the pull request.
    pub number: u64,
    /// Id of the comment, or of the review whose words they are.
    pub comment: u64,
    /// Whether it is a review.
    pub is_review: bool,
    /// Who wrote it.
    pub author: Account,
    /// What GitHub says of them here: `OWNER`, `MEMBER`, `COLLABORATOR`, `CONTRIBUTOR`, `NONE`, …
    pub association: String,
    /// The words of its first line after `/suture`; at most 8 of 64 characters each.
    pub words: Vec<String>,
}

/// What an alert of GitHub is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// A dependency.
    Dependabot,
    /// A place in the code.
    CodeScanning,
    /// A secret.
    SecretScanning,
}

/// `alert.changed`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertChanged {
    /// The repository.
    pub repository: RepoName,
    /// What it is about.
    pub kind: AlertKind,
    /// Its number among those of its kind.
    pub number: u64,
    /// What happened to it: `created`, `fixed`, …
    pub action: String,
    /// How it stands since, where that is said: `open`, `dismissed`, …
    #[serde(default)]
    pub state: Option<String>,
    /// The manifest, or the file of the newest place, where there is one.
    #[serde(default)]
    pub path: Option<String>,
}

/// A package that an advisory is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdvisoryPackage {
    /// As GitHub calls it: `npm`, `pip`, …
    pub ecosystem: String,
    /// The name.
    pub name: String,
    /// The versions that are vulnerable, as GitHub writes them.
    #[serde(default)]
    pub range: Option<String>,
}

/// `advisory.published`: new, changed or withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdvisoryPublished {
    /// Its id in GitHub's database.
    pub ghsa: String,
    /// What it is about.
    pub packages: Vec<AdvisoryPackage>,
    /// Whether it names more packages than these.
    #[serde(default)]
    pub has_more: bool,
    /// Whether it no longer holds.
    pub withdrawn: bool,
    /// The repository that published it, where one did.
    #[serde(default)]
    pub repository: Option<RepoName>,
    /// Names of the inventories that are held against it; empty: all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub among: Vec<String>,
}

/// `repository.added`, `repository.removed`: an installation reaches a repository, or no longer does. `repository.renamed`: what was called so is
/// called otherwise now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryAccess {
    /// The repository.
    pub repository: RepoName,
    /// The installation; 0 where none is told of.
    pub installation: u64,
}

/// `installation.added`, `installation.removed`: an installation reaches more repositories, or fewer, and the delivery names none of them, or too
/// many. Whoever receives it lists what it reaches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstallationAccess {
    /// The installation.
    pub installation: u64,
    /// Whose repositories they are, where that is said.
    #[serde(default)]
    pub account: Option<String>,
    /// How many the delivery names.
    pub named: usize,
    /// The page of the list that is to be read, from 1. `None`: the first, and whoever reads it asks for the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<usize>,
    /// Which repositories of the account are asked for; empty: all that are known. Only of those that are reached no more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub among: Vec<RepoName>,
}

/// `event.unknown`: a delivery of an event, or with an action, that this version does not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventUnknown {
    /// The event.
    pub event: String,
    /// The action.
    #[serde(default)]
    pub action: Option<String>,
}

/// `event.rejected`: a delivery that is signed, and can't be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRejected {
    /// The event; empty where the delivery names none.
    pub event: String,
    /// Why. Nothing of the contents is in it.
    pub reason: String,
}
