//! pip's requirements files: `-r` and `-c` followed, options and markers understood, nothing asked of a registry.
//!
//! The format is what pip itself reads (up to pip 26), for it has no other definition. What pip would refuse is an
//! error with its line, and the rest of the file is still read.

mod annotation;
mod graph;
mod includes;
mod lines;
mod marker;
mod names;
mod options;
mod origin;

pub mod consistency;
pub mod decode;
pub mod file;
pub mod requirement;

pub use annotation::{comments_below, is_project};
pub use names::{DEV_FOLDER_WORDS, DEV_WORDS, normalised};
pub use options::check_hash;

use crate::source_tree::SourceTree;
use pipeline::dependency::DependencyGraph;
use pipeline::finding::ScanError;

/// Whether a file is wanted by its name: `requirements*.txt`, `*requirements.txt`, everything `.txt` in a folder
/// `requirements`, `constraints*.txt`, `*constraints.txt`; and the `.in` files of such names, which are read only where
/// another file includes them. Nothing in environments and copies of other projects (`SKIPPED_FOLDERS`).
pub fn wants(path: &str) -> bool {
    names::kind_of(path).is_some()
}

/// Files that are included under a name that `wants` does not know, so that their contents are missing in `tree`.
///
/// Read them and ask again: they may include others.
pub fn unread(tree: &SourceTree) -> Vec<String> {
    includes::Files::read(tree).unread.into_iter().collect()
}

/// One graph for each set of files that include or constrain each other.
///
/// Each line that fixes a version is a package, `direct` lists each requirement; see `graph` for which is which.
/// What could not be read, and what has no version that could be judged, is said in the errors.
pub fn graphs(tree: &SourceTree) -> (Vec<DependencyGraph>, Vec<ScanError>) {
    let mut files = includes::Files::read(tree);
    let mut errors = std::mem::take(&mut files.errors);
    let groups = files.groups();
    let graphs = groups.iter().filter_map(|group| graph::graph(&files, group, &mut errors)).collect();
    errors.sort_by(|a, b| (&a.path, a.line, &a.message).cmp(&(&b.path, b.line, &b.message)));
    (graphs, errors)
}

/// `--index-url` of the files of `graph`, its manifest first.
pub fn index_urls(tree: &SourceTree, graph: &DependencyGraph) -> Vec<String> {
    let mut paths = vec![graph.manifest.as_str()];
    for path in graph.packages.iter().map(|package| package.path.as_str()) {
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    let texts = paths.into_iter().filter_map(|path| tree.bytes(path)).map(|bytes| decode::decode(bytes).text);
    let entries = texts.flat_map(|text| file::RequirementsFile::parse(&text).entries);
    let urls = entries.filter_map(|entry| match entry.kind {
        file::EntryKind::Options(options) => options.index_url,
        _ => None,
    });
    urls.collect()
}

#[cfg(test)]
mod tests;
