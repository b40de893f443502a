//! The branch of a case: made, moved and taken back, and never when it holds somebody else's work.

use super::{GitError, LocalRepository, OUR_EMAIL, OUR_NAME, is_lost_race, sha, signature};
use crate::environment::repository::Fix;
use git2::build::TreeUpdateBuilder;
use git2::{Commit, ErrorCode, FileMode, Oid, Reference, Repository};
use jiff::Timestamp;
use pipeline::ids::CommitSha;
use std::path::Path;
use std::thread;
use std::time::Duration;

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

/// The line in a commit message by which Suture knows its own commits.
pub const CASE_TRAILER: &str = "Suture-Case: ";

/// Races for a branch that a delivery may lose. Each is lost to a process that made progress, or that holds the lock.
const RACES_MAX: usize = 50;

/// After a lost race: a lock on a reference is held for less.
const RACE_PAUSE: Duration = Duration::from_millis(10);

impl LocalRepository {
    /// Puts `fix` on its branch as one commit upon its base.
    ///
    /// Finds an earlier delivery and leaves it if it is the same. Refused if the base branch is no longer at the base, if the
    /// branch is checked out, or if somebody else committed to it.
    pub fn deliver(&self, fix: Fix<'_>, now: Timestamp) -> Result<Delivered, GitError> {
        let Fix { base_branch, base, branch, patch, message } = fix;
        let repository = self.open()?;
        if self.branch(base_branch)?.as_ref() != Some(base) {
            return Err(GitError::BaseMoved);
        }
        refuse_checked_out(&repository, branch)?;
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
            let existing = find(&repository, &reference)?;
            if let Some(existing) = &existing {
                let tip = existing.peel_to_commit()?;
                // A symbolic reference leads to a branch that is somebody's.
                if existing.target() != Some(tip.id()) || !is_ours(&tip, branch) {
                    return Ok(Delivered::Foreign(sha(tip.id())?));
                }
                if tip.tree_id() == tree.id() && tip.parent_id(0).ok() == Some(base_commit.id()) {
                    return Ok(Delivered::Before(sha(tip.id())?));
                }
            }
            self.effects.permit()?;
            let who = signature(now)?;
            let commit = repository.commit(None, &who, &who, message, &tree, &[&base_commit])?;
            // Compare and swap: whoever moved the branch since it was read wins, and what they put there is looked at. For
            // git, nothing but the zero id is equal to a branch that is not there.
            let seen = existing.and_then(|existing| existing.target()).unwrap_or(Oid::ZERO_SHA1);
            let moved = repository.reference_matching(&reference, commit, true, seen, "suture: heal");
            match moved {
                Ok(_) => {
                    self.effects.done(format!("git {branch}"));
                    return Ok(Delivered::Now(sha(commit)?));
                }
                Err(error) if is_lost_race(&error) && races < RACES_MAX => {
                    races += 1;
                    thread::sleep(RACE_PAUSE);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Deletes `branch` if it stands at `commit`, which is ours. Whether it is gone.
    pub fn withdraw(&self, branch: &str, commit: &CommitSha) -> Result<bool, GitError> {
        let repository = self.open()?;
        refuse_checked_out(&repository, branch)?;
        let Some(mut reference) = find(&repository, &format!("refs/heads/{branch}"))? else { return Ok(true) };
        let Some(tip) = reference.target().filter(|tip| tip.to_string() == commit.as_str()) else { return Ok(false) };
        if !is_ours(&repository.find_commit(tip)?, branch) {
            return Ok(false);
        }
        self.effects.permit()?;
        // It is deleted only if it still stands where this reference was read.
        match reference.delete() {
            Ok(()) => {}
            Err(error) if error.code() == ErrorCode::Modified => return Ok(false),
            Err(error) if error.code() == ErrorCode::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        self.effects.done(format!("git delete {branch}"));
        Ok(true)
    }
}

fn find<'a>(repository: &'a Repository, reference: &str) -> Result<Option<Reference<'a>>, GitError> {
    match repository.find_reference(reference) {
        Ok(reference) => Ok(Some(reference)),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Refuses a branch that any work tree of the repository has checked out: this one, the main one, the linked ones.
///
/// A work tree that can't be opened has nothing checked out.
fn refuse_checked_out(repository: &Repository, branch: &str) -> Result<(), GitError> {
    let reference = format!("refs/heads/{branch}");
    let has_it = |tree: &Repository| {
        let head = tree.find_reference("HEAD");
        (tree.is_worktree() || !tree.is_bare())
            && head.is_ok_and(|head| head.symbolic_target().ok().flatten() == Some(&reference))
    };
    let refused = |tree: &Repository| GitError::CheckedOut {
        branch: branch.to_owned(),
        folder: tree.workdir().unwrap_or_else(|| tree.path()).display().to_string(),
    };
    if has_it(repository) {
        return Err(refused(repository));
    }
    let main = Repository::open(repository.commondir()).ok();
    let names = repository.worktrees().ok();
    let linked = names.iter().flat_map(|names| names.iter().flatten().flatten());
    let linked = linked.filter_map(|name| Repository::open(repository.find_worktree(name).ok()?.path()).ok());
    match main.into_iter().chain(linked).find(|tree| has_it(tree)) {
        Some(tree) => Err(refused(&tree)),
        None => Ok(()),
    }
}

/// Whether Suture made `commit` for the case of `branch`, and nobody has made it over since: whoever amends or rebases it
/// becomes its committer.
fn is_ours(commit: &Commit<'_>, branch: &str) -> bool {
    let case = branch.strip_prefix("suture/").unwrap_or(branch);
    let committer = commit.committer();
    (committer.name().ok(), committer.email().ok()) == (Some(OUR_NAME), Some(OUR_EMAIL))
        && commit.parent_count() == 1
        && commit.message().unwrap_or("").lines().any(|line| line.strip_prefix(CASE_TRAILER) == Some(case))
}
