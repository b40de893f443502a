//! Local git repositories: objects are read and written, references moved. No work tree is touched, no hook or filter runs.

use super::effects::{Crashed, Effects};
use super::tree_limits::{TreeLimits, TreeReader, with_includes};
use detectors::source_tree::{SKIPPED_FOLDERS, SourceTree};
use git2::build::TreeUpdateBuilder;
use git2::{
    ErrorCode, FileMode, IndexAddOption, ObjectType, Oid, Repository, RepositoryInitOptions, Signature, StatusOptions, Time,
};
use jiff::Timestamp;
use pipeline::ids::{CommitSha, RepoName};
use pipeline::patch::Patch;
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

/// What became of the branch of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivered {
    /// The branch was made or moved to this commit.
    Now(CommitSha),
    /// The branch already had this fix on this base.
    Before(CommitSha),
    /// The branch holds commits that are not ours; it was left alone.
    Foreign(CommitSha),
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

/// The line in a commit message by which Suture knows its own commits.
pub const CASE_TRAILER: &str = "Suture-Case: ";

/// Races for a branch that a delivery may lose. Each is lost to a process that made progress.
const RACES_MAX: usize = 100;

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
        let name = origin_name(&repository).unwrap_or_else(|| folder.display().to_string());
        let name = name.parse().map_err(|error: pipeline::ids::IdError| GitError::Absent(error.to_string()))?;
        Ok(Self { folder, name, effects })
    }

    /// A new repository in `folder`, with one commit on `main` of all that is in it.
    pub fn begin(folder: &Path, message: &str, now: Timestamp, effects: Effects) -> Result<Self, GitError> {
        let repository = Repository::init_opts(folder, RepositoryInitOptions::new().initial_head("main").no_reinit(true))?;
        let mut index = repository.index()?;
        index.add_all(["*"], IndexAddOption::DEFAULT, None)?;
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

    /// The files of `commit` that detectors ask for. Links and submodules are left out.
    pub fn tree(&self, commit: &CommitSha, limits: &TreeLimits) -> Result<SourceTree, GitError> {
        self.tree_under(commit, Path::new(""), limits)
    }

    /// As [`Self::tree`], of one folder of the commit: paths begin there.
    pub fn tree_under(&self, commit: &CommitSha, folder: &Path, limits: &TreeLimits) -> Result<SourceTree, GitError> {
        with_includes(|wants| self.read(commit, folder, limits, wants))
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
        let is_looked_at = |path: &String| detectors::wants(path) && !path.split('/').any(|part| SKIPPED_FOLDERS.contains(&part));
        let mut paths: Vec<String> = paths.filter(is_looked_at).collect();
        paths.sort();
        Ok(paths)
    }

    fn read(&self, commit: &CommitSha, under: &Path, limits: &TreeLimits, wants: &dyn Fn(&str) -> bool) -> Result<SourceTree, GitError> {
        let repository = self.open()?;
        let mut root = repository.find_commit(Oid::from_str(commit.as_str())?)?.tree()?;
        if under != Path::new("") {
            let entry = root.get_path(under).ok().filter(|entry| entry.kind() == Some(ObjectType::Tree));
            let entry = entry.ok_or_else(|| GitError::Absent(format!("{} is not a folder at {}", under.display(), commit.short())))?;
            root = repository.find_tree(entry.id())?;
        }
        let odb = repository.odb()?;
        let mut reader = TreeReader::new(*limits, wants);
        let mut folders = vec![(String::new(), root.id(), 0)];
        while let Some((folder, id, depth)) = folders.pop() {
            let tree = repository.find_tree(id)?;
            for entry in &tree {
                let Ok(name) = entry.name() else {
                    reader.skip("a path that is not UTF-8");
                    continue;
                };
                let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
                match entry.kind() {
                    Some(ObjectType::Tree) if reader.enters(&path, depth + 1) => folders.push((path, entry.id(), depth + 1)),
                    Some(ObjectType::Blob) if entry.filemode() != i32::from(FileMode::Link) => {
                        let (size_bytes, _) = odb.read_header(entry.id())?;
                        reader.file(path, size_bytes as u64, || {
                            let blob = repository.find_blob(entry.id()).ok()?;
                            Some(blob.content().to_vec())
                        });
                    }
                    _ => {}
                }
            }
            if reader.is_full() {
                break;
            }
        }
        Ok(reader.finish())
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

    /// Puts `patch` on `branch` as one commit upon `base`.
    ///
    /// Finds an earlier delivery and leaves it if it is the same. Refused if `base_branch` is no longer at `base`, if the
    /// branch is checked out, or if somebody else committed to it.
    pub fn deliver(&self, base_branch: &str, base: &CommitSha, branch: &str, patch: &Patch, message: &str, now: Timestamp) -> Result<Delivered, GitError> {
        let repository = self.open()?;
        if self.branch(base_branch)?.as_ref() != Some(base) {
            return Err(GitError::BaseMoved);
        }
        self.refuse_checked_out(&repository, branch)?;
        let base_commit = repository.find_commit(Oid::from_str(base.as_str())?)?;
        let base_tree = base_commit.tree()?;
        let mut update = TreeUpdateBuilder::new();
        for file in &patch.files {
            let mode = match base_tree.get_path(Path::new(&file.path))?.filemode() {
                mode if mode == i32::from(FileMode::BlobExecutable) => FileMode::BlobExecutable,
                _ => FileMode::Blob,
            };
            update.upsert(file.path.as_str(), repository.blob(file.after.as_bytes())?, mode);
        }
        let tree = repository.find_tree(update.create_updated(&repository, &base_tree)?)?;
        let reference = format!("refs/heads/{branch}");
        let mut races = 0;
        loop {
            let existing = self.branch(branch)?;
            if let Some(tip) = &existing {
                let tip_commit = repository.find_commit(Oid::from_str(tip.as_str())?)?;
                if !is_ours(&tip_commit, branch) {
                    return Ok(Delivered::Foreign(tip.clone()));
                }
                if tip_commit.tree_id() == tree.id() && tip_commit.parent_id(0).ok() == Some(base_commit.id()) {
                    return Ok(Delivered::Before(tip.clone()));
                }
            }
            self.effects.permit()?;
            let who = signature(now)?;
            let commit = repository.commit(None, &who, &who, message, &tree, &[&base_commit])?;
            // Compare and swap: whoever moved the branch since it was read wins, and what they put there is looked at.
            let moved = match &existing {
                Some(tip) => repository.reference_matching(&reference, commit, true, Oid::from_str(tip.as_str())?, "suture: update"),
                None => repository.reference(&reference, commit, false, "suture: heal"),
            };
            match moved {
                Ok(_) => {
                    self.effects.done(format!("git {branch}"));
                    return Ok(Delivered::Now(sha(commit)?));
                }
                Err(error) if is_lost_race(&error) && races < RACES_MAX => races += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Deletes `branch` if it stands at `commit`, which is ours. Whether it is gone.
    pub fn withdraw(&self, branch: &str, commit: &CommitSha) -> Result<bool, GitError> {
        let repository = self.open()?;
        self.refuse_checked_out(&repository, branch)?;
        match self.branch(branch)? {
            None => return Ok(true),
            Some(tip) if tip != *commit => return Ok(false),
            Some(_) => {}
        }
        if !is_ours(&repository.find_commit(Oid::from_str(commit.as_str())?)?, branch) {
            return Ok(false);
        }
        self.effects.permit()?;
        repository.find_reference(&format!("refs/heads/{branch}"))?.delete()?;
        self.effects.done(format!("git delete {branch}"));
        Ok(true)
    }

    fn open(&self) -> Result<Repository, GitError> {
        Ok(Repository::open(&self.folder)?)
    }

    fn refuse_checked_out(&self, repository: &Repository, branch: &str) -> Result<(), GitError> {
        let reference = format!("refs/heads/{branch}");
        let refused = |folder: &Path| GitError::CheckedOut { branch: branch.to_owned(), folder: folder.display().to_string() };
        let here = repository.find_reference("HEAD")?;
        if !repository.is_bare() && here.symbolic_target().ok().flatten() == Some(&reference) {
            return Err(refused(&self.folder));
        }
        for name in repository.worktrees()?.iter().flatten().flatten() {
            let Ok(worktree) = repository.find_worktree(name) else { continue };
            let Ok(other) = Repository::open(worktree.path()) else { continue };
            if other.find_reference("HEAD")?.symbolic_target().ok().flatten() == Some(&reference) {
                return Err(refused(worktree.path()));
            }
        }
        Ok(())
    }
}

/// Whether somebody else has moved a branch, or is about to.
fn is_lost_race(error: &git2::Error) -> bool {
    matches!(error.code(), ErrorCode::Modified | ErrorCode::Exists | ErrorCode::Locked)
}

/// Who Suture's own commits are by.
fn signature(now: Timestamp) -> Result<Signature<'static>, GitError> {
    Ok(Signature::new("Suture", "suture@localhost", &Time::new(now.as_second(), 0))?)
}

/// Whether Suture made `commit` for the case of `branch`.
fn is_ours(commit: &git2::Commit<'_>, branch: &str) -> bool {
    let case = branch.trim_start_matches("suture/");
    commit.message().unwrap_or("").lines().any(|line| line.strip_prefix(CASE_TRAILER) == Some(case))
}

fn sha(id: Oid) -> Result<CommitSha, GitError> {
    id.to_string().parse().map_err(|error: pipeline::ids::IdError| GitError::Absent(error.to_string()))
}

/// `host/owner/name` of the remote `origin`, without scheme, user, password or `.git`.
fn origin_name(repository: &Repository) -> Option<String> {
    let remote = repository.find_remote("origin").ok()?;
    let url = remote.url().ok()?;
    let without_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    let without_user = match without_scheme.split_once('@') {
        Some((user, rest)) if !user.contains('/') => rest,
        _ => without_scheme,
    };
    let is_address = url.contains("://") && !url.starts_with("file:") || without_user.len() < without_scheme.len();
    let name = without_user.trim_end_matches('/').trim_end_matches(".git").replacen(':', "/", usize::from(!url.contains("://")));
    is_address.then_some(name)
}
