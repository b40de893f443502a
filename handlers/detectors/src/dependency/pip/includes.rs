//! Which requirements files belong together: those that include or constrain each other.

use super::decode::decode;
use super::file::{EntryKind, RequirementsFile};
use super::names::{FileKind, is_dev, kind_of};
use crate::source_tree::SourceTree;
use pipeline::finding::{ScanError, Scope};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Largest file that is read; a larger one is an error.
pub const FILE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Files read of one tree; further ones are one error.
pub const FILES_MAX: usize = 1_000;
/// Includes followed in one tree; further ones are one error.
pub const INCLUDES_MAX: usize = 10_000;
/// Longest chain of includes; what is deeper is an error at the include.
pub const INCLUDE_DEPTH_MAX: usize = 32;
/// Errors that are told one by one of each file; the others are counted.
pub const ERRORS_MAX: usize = 20;

/// Everything that was read, and how it hangs together.
#[derive(Debug, Default)]
pub struct Files {
    /// By path.
    pub files: BTreeMap<String, ReadFile>,
    /// What could not be read.
    pub errors: Vec<ScanError>,
    /// Files that are included and in the tree, but whose contents were not asked for.
    pub unread: BTreeSet<String>,
    /// By path: how many errors there are, and where the first stands that is not told by itself.
    counts: BTreeMap<String, (usize, Option<u32>)>,
}

/// One file with its part in the whole.
#[derive(Debug)]
pub struct ReadFile {
    /// Its entries.
    pub parsed: RequirementsFile,
    /// Whether it may be edited: only what is UTF-8 can be written back.
    pub is_utf8: bool,
    /// Whether its entries are asked for: installed by its own name, or included by `-r`.
    pub is_asked_for: bool,
    /// Who uses what it lists.
    pub scope: Scope,
    /// Files that it reads.
    pub includes: Vec<Include>,
    /// Files that read it.
    pub included_by: BTreeSet<String>,
}

/// One `-r` or `-c` that leads to a file.
#[derive(Debug)]
pub struct Include {
    /// Path from the root of the tree.
    pub path: String,
    /// Where it is written.
    pub line: u32,
    /// `-c`.
    pub constraint: bool,
}

impl Files {
    /// Reads the files that their names tell, and all that they include.
    pub fn read(tree: &SourceTree) -> Self {
        let mut found = Self::default();
        let roots = tree.paths().filter(|path| !matches!(kind_of(path), None | Some(FileKind::Source)));
        let mut queue: VecDeque<_> = roots.map(|path| (path.to_owned(), 0)).collect();
        let mut includes = 0;
        while let Some((path, depth)) = queue.pop_front() {
            if found.files.contains_key(&path) {
                continue;
            }
            if found.files.len() == FILES_MAX {
                found.error(
                    &path,
                    None,
                    format!("more than {FILES_MAX} requirements files: this one and all after it are not read"),
                );
                break;
            }
            let Some(mut file) = found.read_one(tree, &path) else { continue };
            found.follow(tree, &path, depth, &mut file);
            includes += file.includes.len();
            if includes > INCLUDES_MAX {
                found.error(
                    &path,
                    None,
                    format!("more than {INCLUDES_MAX} includes: those of this file are not followed"),
                );
                file.includes.clear();
            }
            queue.extend(file.includes.iter().map(|include| (include.path.clone(), depth + 1)));
            found.files.insert(path, file);
        }
        found.link();
        found.report_cycles();
        found.set_scopes();
        found.count_the_rest();
        found
    }

    /// The paths of each set of files that belong together, the outermost file first, the others sorted.
    pub fn groups(&self) -> Vec<Vec<&str>> {
        let mut groups = Vec::new();
        let mut seen = BTreeSet::new();
        for start in self.files.keys() {
            if !seen.insert(start.as_str()) {
                continue;
            }
            let mut group = vec![start.as_str()];
            let mut next = 0;
            while let Some(file) = group.get(next).and_then(|path| self.files.get(*path)) {
                let neighbours = file.includes.iter().map(|include| &include.path).chain(&file.included_by);
                let new = neighbours.filter_map(|path| self.files.get_key_value(path)).map(|(path, _)| path.as_str());
                let new: Vec<_> = new.filter(|path| seen.insert(path)).collect();
                group.extend(new);
                next += 1;
            }
            group.sort_by_key(|path| (self.rank(path), *path));
            if group.len() > 1 {
                group[1..].sort_unstable();
            }
            groups.push(group);
        }
        groups
    }

    /// All files that an installation from `root` reads, itself included.
    pub fn reached_from<'a>(&'a self, root: &'a str) -> BTreeSet<&'a str> {
        let mut reached = BTreeSet::from([root]);
        let mut open = vec![root];
        while let Some(file) = open.pop().and_then(|path| self.files.get(path)) {
            let new = file.includes.iter().map(|include| include.path.as_str());
            open.extend(new.filter(|path| reached.insert(path)).collect::<Vec<_>>());
        }
        reached
    }

    /// Least is outermost: asked for, included by nobody, for production, near the root of the tree.
    fn rank(&self, path: &str) -> (bool, bool, Scope, usize) {
        let depth = path.matches('/').count();
        let file = self.files.get(path);
        file.map_or((true, true, Scope::Dev, depth), |file| {
            (!file.is_asked_for, !file.included_by.is_empty(), file.scope, depth)
        })
    }

    fn read_one(&mut self, tree: &SourceTree, path: &str) -> Option<ReadFile> {
        let Some(bytes) = tree.bytes(path) else {
            self.error(path, None, "the file was not read: it is over a limit".to_owned());
            return None;
        };
        if bytes.len() > FILE_BYTES_MAX {
            self.error(path, None, format!("the file is larger than {FILE_BYTES_MAX} bytes and is not read"));
            return None;
        }
        let decoded = decode(bytes);
        if let Some((line, message)) = decoded.error {
            self.error(path, Some(line), message);
        }
        let parsed = RequirementsFile::parse(&decoded.text);
        for error in &parsed.errors {
            self.error(path, Some(error.line), error.message.clone());
        }
        Some(ReadFile {
            parsed,
            is_utf8: decoded.is_utf8,
            is_asked_for: kind_of(path) == Some(FileKind::Requirements),
            scope: Scope::Prod,
            includes: Vec::new(),
            included_by: BTreeSet::new(),
        })
    }

    fn follow(&mut self, tree: &SourceTree, path: &str, depth: usize, file: &mut ReadFile) {
        for entry in &file.parsed.entries {
            let EntryKind::Include { target, constraint } = &entry.kind else { continue };
            let result = resolve(path, target).and_then(|included| match tree.bytes(&included) {
                _ if depth >= INCLUDE_DEPTH_MAX => {
                    Err(format!("more than {INCLUDE_DEPTH_MAX} files include each other: `{target}` is not read"))
                }
                Some(_) => Ok(included),
                None if tree.contains(&included) => {
                    self.unread.insert(included);
                    Err(format!("`{target}` was not read: nobody asked for it, or it is over a limit"))
                }
                None => Err(format!("`{target}` does not exist")),
            });
            match result {
                Ok(included) => {
                    file.includes.push(Include { path: included, line: entry.line, constraint: *constraint })
                }
                Err(message) => self.error(path, Some(entry.line), message),
            }
        }
    }

    fn link(&mut self) {
        let edges = self.files.iter().flat_map(|(path, file)| {
            file.includes.iter().map(|include| (path.clone(), include.path.clone(), include.constraint))
        });
        for (from, to, constraint) in edges.collect::<Vec<_>>() {
            if let Some(file) = self.files.get_mut(&to) {
                file.included_by.insert(from);
                file.is_asked_for |= !constraint;
            }
        }
    }

    /// Walks depth first: an include of a file that is still open closes a circle.
    fn report_cycles(&mut self) {
        let mut circles = Vec::new();
        let mut done = BTreeSet::new();
        for start in self.files.keys() {
            let mut open = vec![(start.as_str(), 0)];
            let mut on_path = BTreeSet::from([start.as_str()]);
            while let Some((path, next)) = open.last_mut() {
                let include =
                    self.files.get(*path).and_then(|file| file.includes.get(*next)).filter(|_| !done.contains(path));
                let Some(include) = include else {
                    done.insert(*path);
                    on_path.remove(path);
                    open.pop();
                    continue;
                };
                *next += 1;
                if on_path.contains(include.path.as_str()) {
                    circles.push(((*path).to_owned(), include.line, include.path.clone()));
                } else if !done.contains(include.path.as_str()) {
                    on_path.insert(&include.path);
                    open.push((&include.path, 0));
                }
            }
        }
        for (path, line, target) in circles {
            self.error(&path, Some(line), format!("the file includes itself through `{target}`: pip refuses it"));
        }
    }

    /// A file is for developers if its name says so, or if it is no file to install from by its name and only such
    /// files include it; but never if a file for production includes it.
    fn set_scopes(&mut self) {
        let by_own_name = |path: &str, file: &ReadFile| {
            let installed = matches!(kind_of(path), Some(FileKind::Requirements));
            !is_dev(path) && (installed || file.included_by.is_empty())
        };
        let mut prod: BTreeSet<String> =
            self.files.iter().filter(|(path, file)| by_own_name(path, file)).map(|(path, _)| path.clone()).collect();
        let mut open: Vec<_> = prod.iter().cloned().collect();
        while let Some(file) = open.pop().and_then(|path| self.files.get(&path)) {
            open.extend(
                file.includes
                    .iter()
                    .filter(|include| prod.insert(include.path.clone()))
                    .map(|include| include.path.clone()),
            );
        }
        for (path, file) in &mut self.files {
            file.scope = if prod.contains(path) { Scope::Prod } else { Scope::Dev };
        }
    }

    fn error(&mut self, path: &str, line: Option<u32>, message: String) {
        let (count, first_untold) = self.counts.entry(path.to_owned()).or_default();
        *count += 1;
        if *count > ERRORS_MAX {
            *first_untold = first_untold.or(line);
            return;
        }
        self.errors.push(ScanError { path: path.to_owned(), line, message });
    }
}

impl Files {
    fn count_the_rest(&mut self) {
        for (path, (count, line)) in std::mem::take(&mut self.counts) {
            if let Some(more) = count.checked_sub(ERRORS_MAX).filter(|more| *more > 0) {
                let message = format!("{more} more lines from here on are broken");
                self.errors.push(ScanError { path, line, message });
            }
        }
    }
}

/// The path that `target` means in the file `from`; it has to stay in the tree.
fn resolve(from: &str, target: &str) -> Result<String, String> {
    if target.contains("://") || target.starts_with("file:") {
        let target = crate::address::without_secrets(target);
        return Err(format!("`{target}` is not in the repository, so it is not read"));
    }
    if target.contains("${") {
        return Err(format!("`{target}` is named by the environment, so it is not read"));
    }
    let mut parts: Vec<_> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" if target.starts_with('/') => return Err(outside(target)),
            "" | "." => {}
            ".." => {
                parts.pop().ok_or_else(|| outside(target))?;
            }
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

fn outside(target: &str) -> String {
    format!("`{target}` is outside of the repository, so it is not read")
}
