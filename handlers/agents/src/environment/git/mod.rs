//! Local git repositories: objects are read and written, references moved. No work tree is touched, no hook or filter runs.

mod deliver;
mod origin;
mod tree;

#[cfg(test)]
mod deliver_tests;
#[cfg(test)]
mod tree_tests;

pub use deliver::{CASE_TRAILER, Delivered};

use super::effects::{Crashed, Effects};
use detectors::source_tree::SKIPPED_FOLDERS;
use git2::{ErrorCode, IndexAddOption, Oid, Repository, RepositoryInitOptions, Signature, StatusOptions, Time};
use jiff::Timestamp;
use pipeline::ids::{CommitSha, IdError, RepoName};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A repository of this machine.
#[derive(Debug, Clone)]
pub struct LocalRepository {
    folder: PathBuf,
    name: RepoName,
    effects: Effects,
}

/// The branch that a run looks at, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Name of the branch; of a detached head, `HEAD`.
    pub branch: String,
    /// Its commit.
    pub commit: CommitSha,
}

/// A repository that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// What git says.
    #[error("git: {}", .0.message())]
    Git(#[from] git2::Error),
    /// What is asked for is not there.
    #[error("{0}")]
    Absent(String),
    /// The branch is checked out somewhere: moving it would make that work tree wrong.
    #[error("{branch} is checked out in {folder}; check out another branch first")]
    CheckedOut {
        /// Which branch.
        branch: String,
        /// Where.
        folder: String,
    },
    /// The base branch is not where it was when the fix was made.
    #[error("the base branch moved meanwhile")]
    BaseMoved,
    /// The process is dead.
    #[error(transparent)]
    Crashed(#[from] Crashed),
}

impl GitError {
    /// Whether another process was in the way: it may go better later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Git(error) if is_lost_race(error))
    }
}

/// Whether another process moved what was to be moved, or is about to.
fn is_lost_race(error: &git2::Error) -> bool {
    matches!(error.code(), ErrorCode::Modified | ErrorCode::Exists | ErrorCode::Locked)
}

impl LocalRepository {
    /// The repository that holds `path`, which may be a folder inside of it.
    pub fn discover(path: &Path, effects: Effects) -> Result<Self, GitError> {
        let repository = Repository::discover(path).map_err(|error| match error.code() {
            ErrorCode::NotFound => GitError::Absent(format!("{} is not in a git repository", path.display())),
            ErrorCode::Owner => GitError::Absent(format!(
                "{}; if you trust it, `git config --global --add safe.directory FOLDER` says so",
                error.message()
            )),
            _ => error.into(),
        })?;
        let folder = repository.workdir().unwrap_or_else(|| repository.path());
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
        let name = match origin::name(&repository) {
            Some(name) => name,
            None => {
                folder.display().to_string().parse().map_err(|error: IdError| GitError::Absent(error.to_string()))?
            }
        };
        Ok(Self { folder, name, effects })
    }

    /// A new repository in `folder`, with one commit on `main` of all that is in it.
    pub fn begin(folder: &Path, message: &str, now: Timestamp, effects: Effects) -> Result<Self, GitError> {
        let repository =
            Repository::init_opts(folder, RepositoryInitOptions::new().initial_head("main").no_reinit(true))?;
        let mut index = repository.index()?;
        // Whatever the user has git ignore elsewhere: all that is in the folder.
        index.add_all(["*"], IndexAddOption::FORCE, None)?;
        index.write()?;
        let tree = repository.find_tree(index.write_tree()?)?;
        let who = signature(now)?;
        repository.commit(Some("HEAD"), &who, &who, message, &tree, &[])?;
        Self::discover(folder, effects)
    }

    /// How the repository is called: after its remote `origin`, else by its folder.
    pub fn name(&self) -> &RepoName {
        &self.name
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The branch that is checked out, and its commit.
    pub fn head(&self) -> Result<Head, GitError> {
        let repository = self.open()?;
        let head = repository.head().map_err(|error| match error.code() {
            ErrorCode::UnbornBranch | ErrorCode::NotFound => {
                GitError::Absent(format!("{} has no commit yet", self.folder.display()))
            }
            _ => error.into(),
        })?;
        let branch = if head.is_branch() { head.shorthand().unwrap_or("HEAD").to_owned() } else { "HEAD".to_owned() };
        Ok(Head { branch, commit: sha(head.peel_to_commit()?.id())? })
    }

    /// The commit that `revision` names: a branch, a tag, a commit, `HEAD~2`.
    pub fn resolve(&self, revision: &str) -> Result<CommitSha, GitError> {
        let repository = self.open()?;
        let object = repository
            .revparse_single(revision)
            .map_err(|_| GitError::Absent(format!("`{revision}` is not a commit of {}", self.folder.display())))?;
        sha(object.peel_to_commit()?.id())
    }

    /// Where `branch` stands, or `None` where there is no such branch.
    pub fn branch(&self, branch: &str) -> Result<Option<CommitSha>, GitError> {
        let repository = self.open()?;
        let name = if branch == "HEAD" { branch.to_owned() } else { format!("refs/heads/{branch}") };
        match repository.find_reference(&name) {
            Ok(reference) => Ok(Some(sha(reference.peel_to_commit()?.id())?)),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Where `path` lies in the repository; empty: at its root.
    pub fn place_of(&self, path: &Path) -> PathBuf {
        let path = path.canonicalize();
        path.ok().and_then(|path| Some(path.strip_prefix(&self.folder).ok()?.to_path_buf())).unwrap_or_default()
    }

    /// Files that detectors ask for and that are not as `HEAD` has them: changed, new, or gone. Sorted.
    ///
    /// No filter of the repository runs, so a file that only a filter would make equal counts as changed.
    pub fn uncommitted(&self) -> Result<Vec<String>, GitError> {
        let repository = self.open()?;
        if repository.is_bare() {
            return Ok(Vec::new());
        }
        let mut options = StatusOptions::new();
        options.include_untracked(true).recurse_untracked_dirs(true).exclude_submodules(true).update_index(false);
        let statuses = repository.statuses(Some(&mut options))?;
        let paths = statuses.iter().filter_map(|entry| Some(entry.path().ok()?.to_owned()));
        let is_looked_at =
            |path: &String| detectors::wants(path) && !path.split('/').any(|part| SKIPPED_FOLDERS.contains(&part));
        let mut paths: Vec<String> = paths.filter(is_looked_at).collect();
        paths.sort();
        Ok(paths)
    }

    /// Paths that differ between two commits, sorted.
    pub fn changed_files(&self, from: &CommitSha, to: &CommitSha) -> Result<Vec<String>, GitError> {
        let repository = self.open()?;
        let tree = |commit: &CommitSha| repository.find_commit(Oid::from_str(commit.as_str())?)?.tree();
        let diff = repository.diff_tree_to_tree(Some(&tree(from)?), Some(&tree(to)?), None)?;
        let paths = diff.deltas().flat_map(|delta| [delta.old_file().path(), delta.new_file().path()]);
        let paths: BTreeSet<String> = paths.flatten().map(|path| path.display().to_string()).collect();
        Ok(paths.into_iter().collect())
    }

    fn open(&self) -> Result<Repository, GitError> {
        Ok(Repository::open(&self.folder)?)
    }
}

const OUR_NAME: &str = "Suture";
const OUR_EMAIL: &str = "suture@localhost";

/// Who Suture's own commits are by.
fn signature(now: Timestamp) -> Result<Signature<'static>, GitError> {
    Ok(Signature::new(OUR_NAME, OUR_EMAIL, &Time::new(now.as_second(), 0))?)
}

fn sha(id: Oid) -> Result<CommitSha, GitError> {
    id.to_string().parse().map_err(|error: IdError| GitError::Absent(error.to_string()))
}
