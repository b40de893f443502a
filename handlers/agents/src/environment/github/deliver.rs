//! The branch of a case: made, moved and taken back, and never when it holds somebody else's work.
//!
//! The commit is made without naming an author, as whoever asks: then GitHub signs it. A branch is moved by the one call that compares
//! and swaps (`updateRefs`), so that what somebody pushed meanwhile is not lost.

use super::error::{GitHubError, Refusal};
use super::repository::{Commit, GitHubRepository, Named};
use super::scope::Scope;
use crate::environment::git::{CASE_TRAILER, Delivered};
use crate::environment::repository::Fix;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::Method;
use pipeline::ids::CommitSha;
use pipeline::patch::Patch;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Races for a branch that a delivery may lose. Each is lost to somebody who made progress.
const RACES_MAX: usize = 5;

/// Depth of a file whose mode is looked up.
const DEPTH_MAX: usize = 64;

/// Stands for a branch that is not there.
const NOWHERE: &str = "0000000000000000000000000000000000000000";

/// GitHub's own committer, of commits that it signs.
const WEB_FLOW: &str = "web-flow";

const EXECUTABLE: &str = "100755";
const REGULAR: &str = "100644";

const UPDATE_REFS: &str =
    "mutation UpdateRefs($input: UpdateRefsInput!) { updateRefs(input: $input) { clientMutationId } }";

#[derive(Clone, Deserialize)]
struct Entry {
    path: String,
    mode: String,
    sha: CommitSha,
}

#[derive(Deserialize)]
struct Entries {
    #[serde(default)]
    tree: Vec<Entry>,
}

impl GitHubRepository {
    /// Puts `fix` on its branch as one commit upon its base.
    ///
    /// Finds an earlier delivery and leaves it if it is the same. Refused if the base branch is no longer at the base, if the repository is
    /// archived, or if somebody else committed to the branch.
    pub async fn deliver(&self, fix: Fix<'_>) -> Result<Delivered, GitHubError> {
        let Fix { base_branch, base, branch, patch, message } = fix;
        if self.branch(base_branch).await?.as_ref() != Some(base) {
            return Err(GitHubError::BaseMoved);
        }
        let base_commit = self.commit(base).await?;
        let mut tree = None;
        let mut commit = None;
        for _ in 0..=RACES_MAX {
            let tip = self.branch(branch).await?;
            let standing = match &tip {
                Some(tip) => Some(self.commit(tip).await?),
                None => None,
            };
            if let Some(standing) = &standing
                && !self.is_ours(standing, branch).await?
            {
                return Ok(Delivered::Foreign(standing.sha.clone()));
            }
            let tree = match tree.clone() {
                Some(tree) => tree,
                None => tree.insert(self.make_tree(&base_commit.tree, patch).await?).clone(),
            };
            if let Some(standing) = standing.filter(|one| one.tree == tree && one.parents.first() == Some(base)) {
                return Ok(Delivered::Before(standing.sha));
            }
            let commit = match commit.clone() {
                Some(commit) => commit,
                None => commit.insert(self.make_commit(&tree, base, message).await?).clone(),
            };
            // Making all this took its time, and each race that was lost some more.
            if self.branch(base_branch).await?.as_ref() != Some(base) {
                return Err(GitHubError::BaseMoved);
            }
            let moved = match &tip {
                None => self.make_branch(branch, &commit).await,
                Some(tip) => self.move_branch(branch, tip.as_str(), commit.as_str(), branch).await,
            };
            match moved {
                Ok(()) => return Ok(Delivered::Now(commit)),
                // Whoever moved the branch since it was read wins, and what they put there is looked at.
                Err(error) if is_lost_race(&error) && self.branch(branch).await? != tip => {}
                Err(error) => return Err(error),
            }
        }
        Err(GitHubError::TryLater {
            asked: format!("GitHub: {}: {branch}", self.name),
            reason: format!("others moved the branch {RACES_MAX} times meanwhile"),
            not_before: None,
        })
    }

    /// Deletes `branch` if it stands at `commit`, which is ours. Whether it is gone.
    pub async fn withdraw(&self, branch: &str, commit: &CommitSha) -> Result<bool, GitHubError> {
        let Some(tip) = self.branch(branch).await? else { return Ok(true) };
        if tip != *commit || !self.is_ours(&self.commit(&tip).await?, branch).await? {
            return Ok(false);
        }
        match self.move_branch(branch, tip.as_str(), NOWHERE, &format!("delete {branch}")).await {
            Ok(()) => Ok(true),
            Err(error) if is_lost_race(&error) => match self.branch(branch).await? {
                None => Ok(true),
                Some(moved) if moved != tip => Ok(false),
                Some(_) => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// Whether Suture made `commit` for the case of `branch`, and nobody has made it over since: whoever amends or rebases it becomes its
    /// committer.
    pub async fn is_ours(&self, commit: &Commit, branch: &str) -> Result<bool, GitHubError> {
        let case = branch.strip_prefix("suture/").unwrap_or(branch);
        let is_marked = commit.message.lines().any(|line| line.strip_prefix(CASE_TRAILER) == Some(case));
        if !is_marked || commit.parents.len() != 1 {
            return Ok(false);
        }
        let login = self.session.login(&self.name).await?;
        let is_by_us = |who: &Option<String>| who.as_deref() == Some(login.as_str());
        Ok(is_by_us(&commit.author)
            && (is_by_us(&commit.committer) || commit.committer.as_deref() == Some(WEB_FLOW) && commit.is_verified))
    }

    /// The tree `base` with `patch` in it. Objects have no effect before a branch leads to them, and are the same when they are made again.
    async fn make_tree(&self, base: &CommitSha, patch: &Patch) -> Result<CommitSha, GitHubError> {
        let mut folders = BTreeMap::new();
        let mut entries = Vec::new();
        for file in &patch.files {
            let mode = match self.mode(base, &file.path, &mut folders).await?.as_str() {
                EXECUTABLE => EXECUTABLE,
                _ => REGULAR,
            };
            let blob = json!({ "content": BASE64_STANDARD.encode(&file.after), "encoding": "base64" });
            let blob: Named = self.write(Method::POST, Scope::Deliver, "/git/blobs", blob, "blob").await?.json()?;
            entries.push(json!({ "path": file.path, "mode": mode, "type": "blob", "sha": blob.sha }));
        }
        let tree = json!({ "base_tree": base, "tree": entries });
        Ok(self.write(Method::POST, Scope::Deliver, "/git/trees", tree, "tree").await?.json::<Named>()?.sha)
    }

    /// The mode of the file at `path` in the tree `root`.
    async fn mode(
        &self,
        root: &CommitSha,
        path: &str,
        folders: &mut BTreeMap<CommitSha, Vec<Entry>>,
    ) -> Result<String, GitHubError> {
        let absent = || GitHubError::Absent { asked: format!("GitHub: {}: {path}", self.name) };
        let mut at = root.clone();
        let mut parts = path.split('/').take(DEPTH_MAX).peekable();
        while let Some(part) = parts.next() {
            if !folders.contains_key(&at) {
                let listed: Entries =
                    self.session.get(&self.who(Scope::Read), self.path(&format!("/git/trees/{at}"))).await?;
                folders.insert(at.clone(), listed.tree);
            }
            let entry = folders.get(&at).and_then(|entries| entries.iter().find(|entry| entry.path == part));
            let entry = entry.ok_or_else(absent)?;
            if parts.peek().is_none() {
                return Ok(entry.mode.clone());
            }
            at = entry.sha.clone();
        }
        Err(absent())
    }

    async fn make_commit(&self, tree: &CommitSha, base: &CommitSha, message: &str) -> Result<CommitSha, GitHubError> {
        let commit = json!({ "message": message, "tree": tree, "parents": [base] });
        Ok(self.write(Method::POST, Scope::Deliver, "/git/commits", commit, "commit").await?.json::<Named>()?.sha)
    }

    async fn make_branch(&self, branch: &str, commit: &CommitSha) -> Result<(), GitHubError> {
        let reference = json!({ "ref": format!("refs/heads/{branch}"), "sha": commit });
        self.write(Method::POST, Scope::Deliver, "/git/refs", reference, branch).await.map(drop)
    }

    /// Moves `branch` if it stands where it was seen. GitHub has no words of its own for one that does not.
    async fn move_branch(&self, branch: &str, from: &str, to: &str, effect: &str) -> Result<(), GitHubError> {
        let update: Value =
            json!({ "name": format!("refs/heads/{branch}"), "beforeOid": from, "afterOid": to, "force": true });
        let input = json!({ "repositoryId": self.about().await?.node_id, "refUpdates": [update] });
        self.session.mutate(&self.who(Scope::Deliver), UPDATE_REFS, input, effect).await
    }
}

/// Whether a branch may have been moved by somebody else: it has to be looked at.
fn is_lost_race(error: &GitHubError) -> bool {
    error.is_refused_as(Refusal::Exists) || error.is_refused_as(Refusal::Other)
}
