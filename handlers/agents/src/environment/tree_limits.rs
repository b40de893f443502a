//! Limits on what is read of a repository, and what is passed over.

use detectors::imports;
use detectors::source_tree::{SKIPPED_FOLDERS, SourceTree};
use std::collections::{BTreeMap, BTreeSet};

/// Limits on a tree. What is over one is left out, and the tree says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeLimits {
    /// Entries seen of any kind: files, folders, links, submodules, and what is passed over. Nothing is read after them.
    pub entries_max: usize,
    /// Files listed.
    pub files_max: usize,
    /// Size of a file that is read.
    pub file_bytes_max: u64,
    /// Sum of all files that are read.
    pub tree_bytes_max: u64,
    /// Length of a path.
    pub path_bytes_max: usize,
    /// Folders within folders.
    pub depth_max: usize,
}

impl Default for TreeLimits {
    fn default() -> Self {
        Self {
            entries_max: 1_000_000,
            files_max: 500_000,
            file_bytes_max: 64 << 20,
            tree_bytes_max: 256 << 20,
            path_bytes_max: 1024,
            depth_max: 64,
        }
    }
}

/// Limits on the code of a repository, which is only searched: so much of it takes about a second.
const SOURCES: TreeLimits = TreeLimits {
    entries_max: 1_000_000,
    files_max: 500_000,
    file_bytes_max: 4 << 20,
    tree_bytes_max: 64 << 20,
    path_bytes_max: 1024,
    depth_max: 64,
};

/// Rounds of reading what the files read so far include under unusual names.
const INCLUDE_ROUNDS_MAX: usize = 8;

/// Reads a tree with all that its files include: `read` is asked again while there is more.
pub fn with_includes<E>(read: impl Fn(&dyn Fn(&str) -> bool) -> Result<SourceTree, E>) -> Result<SourceTree, E> {
    let mut tree = read(&detectors::wants)?;
    let mut included = BTreeSet::new();
    for round in 0.. {
        let before = included.len();
        included.extend(detectors::dependency::unread(&tree));
        if included.len() == before {
            break;
        }
        if round == INCLUDE_ROUNDS_MAX {
            tree.has_unseen = true;
            tree.limits_hit
                .push(format!("files that more than {INCLUDE_ROUNDS_MAX} files lead to, each by an include"));
            break;
        }
        tree = read(&|path| detectors::wants(path) || included.contains(path))?;
    }
    Ok(tree)
}

/// Collects files into a [`SourceTree`] within [`TreeLimits`].
pub struct TreeReader<'a> {
    limits: TreeLimits,
    wants: &'a dyn Fn(&str) -> bool,
    passed_over_folders: &'static [&'static str],
    tree: SourceTree,
    bytes: u64,
    entries: usize,
    full: bool,
    /// How many were left out, by reason.
    left_out: BTreeMap<String, usize>,
}

impl<'a> TreeReader<'a> {
    /// An empty tree that will read what `wants` asks for.
    pub fn new(limits: TreeLimits, wants: &'a dyn Fn(&str) -> bool) -> Self {
        Self {
            limits,
            wants,
            passed_over_folders: SKIPPED_FOLDERS,
            tree: SourceTree::default(),
            bytes: 0,
            entries: 0,
            full: false,
            left_out: BTreeMap::new(),
        }
    }

    /// An empty tree that will read what may import packages, other people's code in the repository included.
    pub fn of_sources() -> Self {
        Self { passed_over_folders: imports::PASSED_OVER_FOLDERS, ..Self::new(SOURCES, &imports::wants) }
    }

    /// To be asked before each entry: whether it is looked at. Not after `entries_max` of them, wherever they lie.
    pub fn sees(&mut self) -> bool {
        if self.entries >= self.limits.entries_max {
            self.full = true;
            self.lose(&format!("what comes after the first {} entries (entries_max)", self.limits.entries_max));
            return false;
        }
        self.entries += 1;
        true
    }

    /// Whether to go into the folder at `path`, which is `depth` folders deep.
    pub fn enters(&mut self, path: &str, depth: usize) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        if self.passed_over_folders.contains(&name) {
            return false;
        }
        if path.len() > self.limits.path_bytes_max {
            self.lose(&self.too_long());
            return false;
        }
        if depth > self.limits.depth_max {
            self.lose(&format!("folders nested deeper than {} (depth_max)", self.limits.depth_max));
            return false;
        }
        true
    }

    /// Takes the file at `path`. Its size and contents are asked for only if it is wanted and within the limits; where they
    /// can't be had, the reason is noted.
    pub fn file(
        &mut self,
        path: String,
        size_bytes: impl FnOnce() -> Result<u64, String>,
        read: impl FnOnce() -> Result<Vec<u8>, String>,
    ) {
        if path.len() > self.limits.path_bytes_max {
            let reason = self.too_long();
            return if (self.wants)(&path) { self.lose(&reason) } else { self.skip(&reason) };
        }
        if self.tree.len() >= self.limits.files_max {
            self.full = true;
            return self.lose(&format!("files after the first {} (files_max)", self.limits.files_max));
        }
        if !(self.wants)(&path) {
            return self.tree.insert_unread(path, 0);
        }
        let size_bytes = match size_bytes() {
            Ok(size_bytes) => size_bytes,
            Err(reason) => return self.leave_out(path, 0, &reason),
        };
        if size_bytes > self.limits.file_bytes_max {
            let reason = format!("{size_bytes} bytes, over {} (file_bytes_max)", self.limits.file_bytes_max);
            return self.leave_out(path, size_bytes, &reason);
        }
        if self.bytes.saturating_add(size_bytes) > self.limits.tree_bytes_max {
            let reason = format!("more than {} bytes in all (tree_bytes_max)", self.limits.tree_bytes_max);
            return self.leave_out(path, size_bytes, &reason);
        }
        match read() {
            Ok(bytes) => {
                self.bytes = self.bytes.saturating_add(bytes.len() as u64);
                self.tree.insert(path, bytes);
            }
            Err(reason) => self.leave_out(path, size_bytes, &reason),
        }
    }

    /// Leaves out the entry `name`, which is not UTF-8 and written here as nearly as can be: no path leads to it.
    pub fn misnamed(&mut self, name: &str, is_folder: bool) {
        let reason = "a path that is not UTF-8";
        if is_folder || (self.wants)(name) { self.lose(reason) } else { self.skip(reason) }
    }

    fn too_long(&self) -> String {
        format!("paths longer than {} bytes (path_bytes_max)", self.limits.path_bytes_max)
    }

    fn leave_out(&mut self, path: String, size_bytes: u64, reason: &str) {
        self.lose(&format!("{path}: {reason}"));
        self.tree.insert_unread(path, size_bytes);
    }

    /// Notes that what nobody would have read was left out for `reason`.
    fn skip(&mut self, reason: &str) {
        *self.left_out.entry(reason.to_owned()).or_default() += 1;
    }

    /// Notes that something which may hold a project was left out for `reason`.
    pub fn lose(&mut self, reason: &str) {
        self.tree.has_unseen = true;
        self.skip(reason);
    }

    /// The limits by which it reads.
    pub fn limits(&self) -> TreeLimits {
        self.limits
    }

    /// Whether no more files are taken.
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// The tree, with what was left out.
    pub fn finish(mut self) -> SourceTree {
        for (reason, count) in self.left_out {
            self.tree.limits_hit.push(if count > 1 {
                format!("{reason} ({count} left out)")
            } else {
                format!("left out: {reason}")
            });
        }
        self.tree
    }
}
