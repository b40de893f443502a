//! The files of a repository at one commit, or of a folder, as far as detectors want to read them.

use pipeline::patch::Patch;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Folders that hold other people's or generated code, or environments that tools made; nothing in them is the project's
/// to mend.
pub const SKIPPED_FOLDERS: &[&str] = &[
    ".eggs",
    ".git",
    ".hg",
    ".nox",
    ".svn",
    ".tox",
    ".venv",
    "__pycache__",
    "__pypackages__",
    "bower_components",
    "dist-packages",
    "jspm_packages",
    "node_modules",
    "site-packages",
    "third_party",
    "vendor",
    "vendored",
    "venv",
    "virtualenv",
];

/// Files by path from the root, with `/` between the parts. Links are never in it.
#[derive(Debug, Clone, Default)]
pub struct SourceTree {
    files: BTreeMap<String, SourceFile>,
    /// What was left out because a limit was reached, in words.
    pub limits_hit: Vec<String>,
    /// Whether what a detector would have read may be among what was left out: then nothing found is not nothing there.
    pub has_unseen: bool,
}

/// One file. Only what a detector asked for is read.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// Size in the tree; 0 where nobody asked for the file.
    pub size_bytes: u64,
    /// Contents; `None`: no detector asked for it, or it is over a limit.
    pub bytes: Option<Arc<Vec<u8>>>,
}

/// Why a file cannot be read as text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// No such file, or it was not read.
    #[error("not in the tree, or over a limit")]
    Absent,
    /// Bytes that are not UTF-8; the offset of the first.
    #[error("not UTF-8 at byte {0}")]
    NotUtf8(usize),
}

impl SourceTree {
    /// Adds or replaces a file with its contents.
    pub fn insert(&mut self, path: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        let bytes = bytes.into();
        self.files.insert(path.into(), SourceFile { size_bytes: bytes.len() as u64, bytes: Some(Arc::new(bytes)) });
    }

    /// Notes that a file exists without keeping its contents.
    pub fn insert_unread(&mut self, path: impl Into<String>, size_bytes: u64) {
        self.files.insert(path.into(), SourceFile { size_bytes, bytes: None });
    }

    /// Whether the tree has a file at `path`, read or not.
    pub fn contains(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    /// Contents of the file at `path`, where it was read.
    pub fn bytes(&self, path: &str) -> Option<&[u8]> {
        self.files.get(path)?.bytes.as_deref().map(Vec::as_slice)
    }

    /// Contents as text, without a byte order mark.
    pub fn text(&self, path: &str) -> Result<&str, TextError> {
        let bytes = self.bytes(path).ok_or(TextError::Absent)?;
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        std::str::from_utf8(bytes).map_err(|error| TextError::NotUtf8(error.valid_up_to()))
    }

    /// All paths, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// How many files there are, read or not.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is no file at all.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The tree after `patch`: what a proof looks at.
    #[must_use]
    pub fn patched(&self, patch: &Patch) -> Self {
        let mut tree = self.clone();
        for file in &patch.files {
            tree.insert(file.path.clone(), file.after.as_bytes());
        }
        tree
    }
}

impl<P: Into<String>, B: AsRef<[u8]>> FromIterator<(P, B)> for SourceTree {
    fn from_iter<I: IntoIterator<Item = (P, B)>>(files: I) -> Self {
        let mut tree = Self::default();
        for (path, bytes) in files {
            tree.insert(path, bytes.as_ref());
        }
        tree
    }
}
