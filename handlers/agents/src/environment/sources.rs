//! Where the code of a tree is, until somebody asks for it: most scans find nothing, and never do.

use super::folder;
use super::git::LocalRepository;
use super::github::Archive;
use detectors::source_tree::SourceTree;
use pipeline::ids::CommitSha;
use std::path::PathBuf;

/// Where the code is that belongs to the manifests of a tree.
#[derive(Debug, Clone)]
pub enum Sources {
    /// In a folder as it is on the disk.
    Folder(PathBuf),
    /// In a folder of a commit on this machine.
    Commit {
        /// What has the commit.
        repository: LocalRepository,
        /// The commit.
        commit: CommitSha,
        /// The folder, from the root of the commit.
        folder: PathBuf,
    },
    /// In an archive that is here already.
    Archive(Archive),
}

impl Sources {
    /// The files that may import packages; `None` where they can't be read.
    pub async fn read(&self) -> Option<SourceTree> {
        match self {
            Self::Folder(path) => folder::sources(path).ok(),
            Self::Commit { repository, commit, folder } => repository.sources_under(commit, folder).ok(),
            Self::Archive(archive) => archive.sources().await,
        }
    }
}
