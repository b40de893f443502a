//! Trees of commits, read object by object. An object that this clone does not have is left out, and the tree says so.

use super::{GitError, LocalRepository};
use crate::environment::tree_limits::{TreeLimits, TreeReader, with_includes};
use detectors::source_tree::SourceTree;
use git2::{ErrorCode, FileMode, ObjectType, Oid};
use pipeline::ids::CommitSha;
use std::path::Path;

impl LocalRepository {
    /// The files of `commit` that detectors ask for. Links and submodules are left out.
    pub fn tree(&self, commit: &CommitSha, limits: &TreeLimits) -> Result<SourceTree, GitError> {
        self.tree_under(commit, Path::new(""), limits)
    }

    /// As [`Self::tree`], of one folder of the commit: paths begin there.
    pub fn tree_under(&self, commit: &CommitSha, folder: &Path, limits: &TreeLimits) -> Result<SourceTree, GitError> {
        with_includes(|wants| self.read(commit, folder, TreeReader::new(*limits, wants)))
    }

    /// The files in one folder of `commit` that may import packages. Links and submodules are left out.
    pub fn sources_under(&self, commit: &CommitSha, folder: &Path) -> Result<SourceTree, GitError> {
        self.read(commit, folder, TreeReader::of_sources())
    }

    fn read(&self, commit: &CommitSha, under: &Path, mut reader: TreeReader<'_>) -> Result<SourceTree, GitError> {
        let repository = self.open()?;
        let mut root = repository.find_commit(Oid::from_str(commit.as_str())?)?.tree()?;
        if under != Path::new("") {
            let entry = root.get_path(under).ok().filter(|entry| entry.kind() == Some(ObjectType::Tree));
            let entry = entry.ok_or_else(|| {
                GitError::Absent(format!("{} is not a folder at {}", under.display(), commit.short()))
            })?;
            root = repository.find_tree(entry.id())?;
        }
        let odb = repository.odb()?;
        let mut folders = vec![(String::new(), root.id(), 0)];
        while let Some((folder, id, depth)) = folders.pop() {
            let tree = match repository.find_tree(id) {
                Ok(tree) => tree,
                Err(error) => {
                    reader.lose(&format!("{folder}: {}", why(&error)));
                    continue;
                }
            };
            for entry in &tree {
                if !reader.sees() {
                    break;
                }
                let Ok(name) = entry.name() else {
                    let is_folder = entry.kind() == Some(ObjectType::Tree);
                    reader.misnamed(&String::from_utf8_lossy(entry.name_bytes()), is_folder);
                    continue;
                };
                let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
                match entry.kind() {
                    Some(ObjectType::Tree) if reader.enters(&path, depth + 1) => {
                        folders.push((path, entry.id(), depth + 1))
                    }
                    Some(ObjectType::Blob) if entry.filemode() != i32::from(FileMode::Link) => reader.file(
                        path,
                        || {
                            odb.read_header(entry.id())
                                .map(|(size_bytes, _)| size_bytes as u64)
                                .map_err(|error| why(&error))
                        },
                        || {
                            repository
                                .find_blob(entry.id())
                                .map(|blob| blob.content().to_vec())
                                .map_err(|error| why(&error))
                        },
                    ),
                    _ => {}
                }
            }
            if reader.is_full() {
                break;
            }
        }
        Ok(reader.finish())
    }
}

/// Why an object can't be read, in words.
fn why(error: &git2::Error) -> String {
    match error.code() {
        ErrorCode::NotFound => "this clone does not have it (a partial clone; `git fetch` can bring it)".to_owned(),
        _ => error.message().to_owned(),
    }
}
