//! The contents of events, as far as anything is done with them. What else a delivery has is passed over.

use super::command::Command;
use super::text::{Branch, Few, FilePath, FullName, Name, Word};
use crate::ids::CommitSha;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// Repositories of one delivery that are read.
pub const REPOSITORIES_MAX: usize = 500;

/// Packages of one advisory that are read.
pub const PACKAGES_MAX: usize = 500;

/// A repository.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Repository {
    /// `owner/name`.
    pub full_name: FullName,
    /// Its default branch; not everywhere.
    pub default_branch: Option<Branch>,
}

/// Somebody with a login.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Sender {
    /// The login.
    pub login: Word,
    /// `User`, `Bot`, …
    #[serde(rename = "type")]
    pub kind: Option<Word>,
}

/// `push`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Push {
    /// `refs/heads/…`, `refs/tags/…`
    #[serde(rename = "ref")]
    pub reference: Branch,
    /// What it is at now: only zeros where it was deleted.
    pub after: CommitSha,
    /// The repository.
    pub repository: Repository,
}

/// `pull_request`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PullRequestEvent {
    /// The pull request.
    pub pull_request: PullRequest,
    /// The repository that it is for.
    pub repository: Repository,
    /// Who did it.
    pub sender: Option<Sender>,
}

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PullRequest {
    /// Its number.
    pub number: u64,
    /// What it is for.
    pub base: Side,
    /// What it proposes.
    pub head: Side,
    /// Whether it was merged.
    pub merged: Option<bool>,
    /// By whom.
    pub merged_by: Option<Sender>,
    /// The merge; before there is one, a trial of it.
    pub merge_commit_sha: Option<CommitSha>,
}

/// One side of a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Side {
    /// The branch.
    #[serde(rename = "ref")]
    pub branch: Branch,
    /// Its commit.
    pub sha: CommitSha,
    /// Its repository; `None` where that is gone.
    pub repo: Option<Repository>,
}

/// `pull_request_review`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ReviewEvent {
    /// The review.
    pub review: Comment,
    /// What it is about.
    pub pull_request: PullRequest,
    /// The repository.
    pub repository: Repository,
}

/// `issue_comment`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CommentEvent {
    /// The comment.
    pub comment: Comment,
    /// What it is about.
    pub issue: Issue,
    /// The repository.
    pub repository: Repository,
}

/// Something that somebody wrote.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Comment {
    /// Its id.
    pub id: u64,
    /// Who wrote it; `None` where the account is gone.
    pub user: Option<Sender>,
    /// What GitHub says of them in this repository.
    pub author_association: Option<Word>,
    /// What it asks us for. Its other words are not kept.
    #[serde(rename = "body", default, deserialize_with = "Command::of_body")]
    pub command: Option<Command>,
}

/// An issue, or a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Issue {
    /// Its number.
    pub number: u64,
    /// There only where it is a pull request.
    #[serde(default, deserialize_with = "is_there")]
    pub pull_request: bool,
}

/// `dependabot_alert`, `code_scanning_alert`, `secret_scanning_alert`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AlertEvent {
    /// The alert.
    pub alert: Alert,
    /// The repository.
    pub repository: Repository,
}

/// An alert.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Alert {
    /// Its number among those of its kind.
    pub number: u64,
    /// How it stands.
    pub state: Option<Word>,
    /// Of `dependabot_alert`: what is vulnerable.
    pub dependency: Option<Dependency>,
    /// Of `code_scanning_alert`: the newest place.
    pub most_recent_instance: Option<Instance>,
}

/// Where a dependency is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Dependency {
    /// The manifest.
    pub manifest_path: Option<FilePath>,
}

/// A place that an alert is about.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Instance {
    /// Where in the code.
    pub location: Option<Location>,
}

/// A place in the code.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Location {
    /// The file.
    pub path: Option<FilePath>,
}

/// `security_advisory`, `repository_advisory`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AdvisoryEvent {
    /// The advisory.
    #[serde(rename = "security_advisory", alias = "repository_advisory")]
    pub advisory: Advisory,
    /// The repository that published it.
    pub repository: Option<Repository>,
}

/// An advisory.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Advisory {
    /// Its id.
    pub ghsa_id: Word,
    /// When it was withdrawn.
    #[serde(default, rename = "withdrawn_at", deserialize_with = "is_there")]
    pub is_withdrawn: bool,
    /// What it is about.
    pub vulnerabilities: Option<Few<Vulnerability, PACKAGES_MAX>>,
}

/// What an advisory says of one package.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Vulnerability {
    /// The package.
    pub package: Option<Package>,
    /// Its versions that are vulnerable.
    pub vulnerable_version_range: Option<Name>,
}

/// A package.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Package {
    /// As GitHub calls it.
    pub ecosystem: Word,
    /// The name.
    pub name: Option<Name>,
}

/// `installation`, `installation_repositories`, `installation_target`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct InstallationEvent {
    /// The installation.
    pub installation: Installation,
    /// Of `installation`: what it reaches.
    pub repositories: Option<Few<Repository, REPOSITORIES_MAX>>,
    /// Of `installation_repositories`: what it reaches since.
    pub repositories_added: Option<Few<Repository, REPOSITORIES_MAX>>,
    /// Of `installation_repositories`: what it no longer reaches.
    pub repositories_removed: Option<Few<Repository, REPOSITORIES_MAX>>,
}

/// `repository`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RepositoryEvent {
    /// As it is since.
    pub repository: Repository,
    /// As it was before; not everywhere.
    pub changes: Option<RepositoryChanges>,
    /// The installation that is told; not where a webhook of the repository is.
    pub installation: Option<Installation>,
}

/// What was changed of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RepositoryChanges {
    /// Of `renamed`.
    pub repository: Option<RepositoryBefore>,
    /// Of `transferred`.
    pub owner: Option<OwnerBefore>,
    /// Of `edited`, where pull requests go elsewhere by default.
    #[serde(default, deserialize_with = "is_there")]
    pub default_branch: bool,
}

/// A repository before it was renamed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RepositoryBefore {
    /// Its name without the owner.
    pub name: Before<Word>,
}

/// Whose a repository was before.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OwnerBefore {
    /// Who.
    pub from: UserOrOrganization,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct UserOrOrganization {
    /// A user.
    pub user: Option<Owner>,
    /// An organization.
    pub organization: Option<Owner>,
}

/// What something was before.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Before<T> {
    /// It.
    pub from: T,
}

/// An installation of the App.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Installation {
    /// Its id.
    pub id: u64,
    /// Whose repositories it reaches.
    pub account: Option<Owner>,
}

/// A user, an organization, or an enterprise, which has no login.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Owner {
    /// The login.
    pub login: Option<Word>,
}

fn is_there<'de, D: serde::Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    Ok(Option::<IgnoredAny>::deserialize(from)?.is_some())
}
