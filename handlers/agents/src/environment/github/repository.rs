//! A repository on GitHub: what it is, where its branches stand, what its commits are.

use super::error::{GitHubError, found};
use super::scope::Scope;
use super::session::{Session, Who};
use super::tokens::Purpose;
use super::transport::{Answer, Asked};
use http::Method;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use pipeline::ids::{CommitSha, IdError, RepoName};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// Files that a comparison of GitHub lists at most.
const COMPARED_FILES_MAX: usize = 300;

/// A name that is one part of a path, or a value in a query.
const IN_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// The name of a branch in a path: `/` stays.
const IN_PATH: &AsciiSet = &IN_SEGMENT.remove(b'/');

/// A repository on GitHub.
#[derive(Clone)]
pub struct GitHubRepository {
    pub(super) session: Arc<Session>,
    pub(super) name: RepoName,
    pub(super) owner: String,
}

/// What a repository is now.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct About {
    /// `owner/name` as GitHub writes it now: another one than was asked for, after a renaming.
    pub full_name: String,
    /// The branch that pull requests go to by default.
    pub default_branch: String,
    /// Nothing in it changes any more.
    #[serde(default, rename = "archived")]
    pub is_archived: bool,
    /// GitHub has switched it off.
    #[serde(default, rename = "disabled")]
    pub is_disabled: bool,
    /// Not everybody may see it.
    #[serde(default, rename = "private")]
    pub is_private: bool,
    /// Its number, which no renaming changes.
    pub id: u64,
    /// By which GraphQL knows it.
    pub(super) node_id: String,
}

/// Paths that differ between two commits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangedFiles {
    /// Sorted. Of a file that was renamed both names.
    pub paths: Vec<String>,
    /// Whether there may be more: GitHub lists 300 files, and of commits that don't follow on one another only what is new.
    pub is_cut: bool,
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its name.
    pub sha: CommitSha,
    /// The whole message.
    pub message: String,
    /// What it is made upon.
    pub parents: Vec<CommitSha>,
    /// Name of its tree.
    pub tree: CommitSha,
    /// Login of who wrote it, where GitHub knows.
    pub author: Option<String>,
    /// Login of who made it, where GitHub knows; `web-flow`: GitHub itself.
    pub committer: Option<String>,
    /// Whether its signature is good.
    pub is_verified: bool,
    /// When it was made.
    pub committed_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct WireCommit {
    sha: CommitSha,
    commit: WireDetails,
    author: Option<Login>,
    committer: Option<Login>,
    parents: Vec<Named>,
}

#[derive(Deserialize)]
struct WireDetails {
    #[serde(default)]
    message: String,
    tree: Named,
    committer: Option<WireSignature>,
    verification: Option<Verification>,
}

#[derive(Deserialize)]
struct WireSignature {
    date: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Verification {
    #[serde(default)]
    verified: bool,
}

/// Somebody, by login. GitHub answers `{}` for nobody.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Login {
    pub login: Option<String>,
}

/// An object of git.
#[derive(Deserialize)]
pub(super) struct Named {
    pub sha: CommitSha,
}

impl fmt::Debug for GitHubRepository {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("GitHubRepository").field(&self.name.as_str()).finish()
    }
}

impl GitHubRepository {
    pub(super) fn new(session: Arc<Session>, name: RepoName, owner: String) -> Self {
        Self { session, name, owner }
    }

    /// How it is called: `host/owner/name`.
    pub fn name(&self) -> &RepoName {
        &self.name
    }

    /// The host in its name.
    pub fn host(&self) -> &str {
        &self.session.settings.host
    }

    /// How it is called by what it is `about`: otherwise than [`Self::name`] after a renaming.
    pub fn name_now(&self, about: &About) -> Result<RepoName, GitHubError> {
        let name = format!("{}/{}", self.host(), about.full_name).parse();
        name.map_err(|error: IdError| GitHubError::Unusable {
            asked: format!("GitHub: {}", self.name),
            reason: error.to_string(),
        })
    }

    /// What it is now.
    pub async fn about(&self) -> Result<About, GitHubError> {
        self.session.get(&self.who(Scope::Read), self.path("")).await
    }

    /// As [`Self::about`], with a token that is issued for it: an older one is shown a public repository still that the App was taken off
    /// since.
    pub async fn about_anew(&self) -> Result<About, GitHubError> {
        self.session.renewed(&Purpose::Repository(self.name.clone(), Scope::Read)).await?;
        self.about().await
    }

    /// Where `branch` stands. `None`: there is no such branch.
    pub async fn branch(&self, branch: &str) -> Result<Option<CommitSha>, GitHubError> {
        #[derive(Deserialize)]
        struct Reference {
            object: Named,
        }
        let path = self.path(&format!("/git/ref/heads/{}", in_path(branch)));
        let asked: Result<Reference, _> = self.session.get(&self.who(Scope::Read), path).await;
        match asked {
            // A repository without a commit.
            Err(GitHubError::Refused { status: 409, .. }) => Ok(None),
            asked => Ok(found(asked)?.map(|reference| reference.object.sha)),
        }
    }

    /// The commit `sha`. Absent if the repository does not have it.
    pub async fn commit(&self, sha: &CommitSha) -> Result<Commit, GitHubError> {
        // Its files come in pages, and nobody asked for them.
        let asked = Asked::get(self.path(&format!("/commits/{sha}?per_page=1")));
        let answer = self.session.ask(&self.who(Scope::Read), &asked).await.map_err(|error| match error {
            GitHubError::Refused { asked, status: 422, .. } => GitHubError::Absent { asked },
            error => error,
        })?;
        let WireCommit { sha, commit, author, committer, parents } = answer.json()?;
        Ok(Commit {
            sha,
            message: commit.message,
            parents: parents.into_iter().map(|parent| parent.sha).collect(),
            tree: commit.tree.sha,
            author: author.and_then(|author| author.login),
            committer: committer.and_then(|committer| committer.login),
            is_verified: commit.verification.is_some_and(|verification| verification.verified),
            committed_at: commit.committer.and_then(|committer| committer.date),
        })
    }

    /// Paths that differ between two commits, as far as GitHub says.
    pub async fn changed_files(&self, from: &CommitSha, to: &CommitSha) -> Result<ChangedFiles, GitHubError> {
        #[derive(Deserialize)]
        struct Comparison {
            status: String,
            #[serde(default)]
            files: Vec<File>,
        }
        #[derive(Deserialize)]
        struct File {
            filename: String,
            previous_filename: Option<String>,
        }
        // The first page has all files that there are; of the commits one is enough.
        let path = self.path(&format!("/compare/{from}...{to}?per_page=1"));
        let Comparison { status, files } = self.session.get(&self.who(Scope::Read), path).await?;
        let is_cut = files.len() >= COMPARED_FILES_MAX || !matches!(status.as_str(), "ahead" | "identical");
        let paths: BTreeSet<_> =
            files.into_iter().flat_map(|file| [Some(file.filename), file.previous_filename]).collect();
        Ok(ChangedFiles { paths: paths.into_iter().flatten().collect(), is_cut })
    }

    /// The newest commit that `from` and `to` both come from. `None`: they have nothing in common.
    pub async fn merge_base(&self, from: &CommitSha, to: &CommitSha) -> Result<Option<CommitSha>, GitHubError> {
        #[derive(Deserialize)]
        struct Comparison {
            merge_base_commit: Named,
        }
        let path = self.path(&format!("/compare/{from}...{to}?per_page=1"));
        let comparison = self.session.find::<Comparison>(&self.who(Scope::Read), path).await?;
        Ok(comparison.map(|comparison| comparison.merge_base_commit.sha))
    }

    pub(super) fn who(&self, scope: Scope) -> Who {
        Who::of(&self.name, scope)
    }

    /// The path of what is `below` the repository.
    pub(super) fn path(&self, below: &str) -> String {
        let path = self.name.as_str().split_once('/').map_or("", |(_, path)| path);
        format!("/repos/{path}{below}")
    }

    /// Writes `body` to what is `below` the repository, by `method`. That is the effect `effect`.
    pub(super) async fn write(
        &self,
        method: Method,
        scope: Scope,
        below: &str,
        body: Value,
        effect: &str,
    ) -> Result<Answer, GitHubError> {
        let asked = Asked::with(method, self.path(below), body);
        self.session.write(&self.who(scope), &asked, effect).await
    }
}

pub(super) fn in_segment(name: &str) -> String {
    utf8_percent_encode(name, IN_SEGMENT).to_string()
}

pub(super) fn in_path(name: &str) -> String {
    utf8_percent_encode(name, IN_PATH).to_string()
}
