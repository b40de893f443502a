//! Files of a commit that its archive lacks or has otherwise, by git's own list.

use super::error::GitHubError;
use super::repository::GitHubRepository;
use super::scope::Scope;
use crate::environment::tree_limits::TreeLimits;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use detectors::source_tree::{SKIPPED_FOLDERS, SourceTree};
use pipeline::ids::CommitSha;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Whether the file at `path` lies in one of `folders`, which are names.
pub(super) fn lies_in(path: &str, folders: &[&str]) -> bool {
    path.split('/').rev().skip(1).any(|folder| folders.contains(&folder))
}

/// Files that are asked for by themselves.
const BLOBS_MAX: usize = 32;
/// Size of one, so that its answer is within the limit of answers.
const BLOB_BYTES_MAX: u64 = 8 << 20;

/// Contents of files by path, as git has them. `None`: too many or too large.
pub(super) type OwnBlobs = BTreeMap<String, Option<Vec<u8>>>;

/// A file in git's list.
#[derive(Deserialize)]
pub(super) struct Listed {
    path: String,
    mode: String,
    sha: String,
    #[serde(default)]
    size: u64,
}

impl GitHubRepository {
    /// Files that detectors ask for, and that `tree`, read from the archive of `commit`, lacks or has with another size; and the
    /// paths of all files that git has, unless those are too many for its list.
    pub(super) async fn differing(
        &self,
        commit: &CommitSha,
        tree: &SourceTree,
    ) -> Result<(Vec<Listed>, Option<Vec<String>>), GitHubError> {
        #[derive(Deserialize)]
        struct All {
            #[serde(default)]
            tree: Vec<Listed>,
            #[serde(default)]
            truncated: bool,
        }
        // GitHub's list ends at 100 000 entries; what comes after is as the archive has it.
        let path = self.path(&format!("/git/trees/{commit}?recursive=1"));
        let All { tree: listed, truncated } = self.session.get(&self.who(Scope::Read), path).await?;
        let is_file = |one: &Listed| matches!(one.mode.as_str(), "100644" | "100755");
        let is_read =
            |path: &str| (detectors::wants(path) || tree.bytes(path).is_some()) && !lies_in(path, SKIPPED_FOLDERS);
        let is_same = |one: &Listed| match tree.bytes(&one.path) {
            Some(bytes) => bytes.len() as u64 == one.size,
            None => tree.contains(&one.path),
        };
        let files = listed.into_iter().filter(is_file);
        let (differing, same): (Vec<_>, Vec<_>) = files.partition(|one| is_read(&one.path) && !is_same(one));
        let paths = differing.iter().map(|one| one.path.clone()).chain(same.into_iter().map(|one| one.path)).collect();
        Ok((differing, (!truncated).then_some(paths)))
    }

    /// Contents of these files, asked for one by one.
    pub(super) async fn own_blobs(&self, files: Vec<Listed>, limits: &TreeLimits) -> Result<OwnBlobs, GitHubError> {
        #[derive(Deserialize)]
        struct Blob {
            content: String,
        }
        let mut own = OwnBlobs::new();
        for (number, file) in files.into_iter().enumerate() {
            let is_asked = number < BLOBS_MAX && file.size <= BLOB_BYTES_MAX.min(limits.file_bytes_max);
            let bytes = if is_asked {
                let path = self.path(&format!("/git/blobs/{}", file.sha));
                let Blob { content } = self.session.get(&self.who(Scope::Read), path.clone()).await?;
                let content: String = content.split_whitespace().collect();
                let bytes = BASE64_STANDARD.decode(content).map_err(|error| GitHubError::Unusable {
                    asked: format!("GitHub: GET {path}"),
                    reason: format!("the contents are not base64: {error}"),
                })?;
                Some(bytes)
            } else {
                None
            };
            own.insert(file.path, bytes);
        }
        Ok(own)
    }
}
