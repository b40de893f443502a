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
    /// Files that detectors ask for, and that `tree`, read from the archive of `commit`, lacks or has with another size.
    pub(super) async fn differing(&self, commit: &CommitSha, tree: &SourceTree) -> Result<Vec<Listed>, GitHubError> {
        #[derive(Deserialize)]
        struct All {
            #[serde(default)]
            tree: Vec<Listed>,
        }
        // GitHub's list ends at 100 000 entries; what comes after is as the archive has it.
        let path = self.path(&format!("/git/trees/{commit}?recursive=1"));
        let All { tree: listed } = self.session.get(&self.who(Scope::Read), path).await?;
        let is_file = |one: &Listed| matches!(one.mode.as_str(), "100644" | "100755");
        let is_read = |path: &str| {
            let mut folders = path.split('/').rev().skip(1);
            (detectors::wants(path) || tree.bytes(path).is_some())
                && !folders.any(|folder| SKIPPED_FOLDERS.contains(&folder))
        };
        let is_same = |one: &Listed| match tree.bytes(&one.path) {
            Some(bytes) => bytes.len() as u64 == one.size,
            None => tree.contains(&one.path),
        };
        Ok(listed.into_iter().filter(|one| is_file(one) && is_read(&one.path) && !is_same(one)).collect())
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
