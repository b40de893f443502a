//! What JavaScript and its tools load, and by what names.
//!
//! Not seen is never said of what is loaded unasked: plugins that a host finds by their names, packages that others try to load without
//! saying that they need them, and what runs while it is installed. The lockfile says which programs a package has; without that, nothing
//! is not seen, for scripts may call it by them.

use super::{Package, has_extension, unasked};
use crate::source_tree::SourceTree;
use foldhash::{HashMap, HashSet};
use memchr::memmem;
use pipeline::dependency::{self, DependencyGraph, Source};
use pipeline::finding::Imported;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// The file that says what a project needs.
pub(super) const MANIFEST: &str = "package.json";

/// Members of a manifest that name packages without using them.
const TABLES: &[&str] = &[
    "bundleDependencies",
    "bundledDependencies",
    "dependencies",
    "dependenciesMeta",
    "devDependencies",
    "optionalDependencies",
    "overrides",
    "peerDependencies",
    "peerDependenciesMeta",
    "resolutions",
];

const CODE_EXTENSIONS: &[&str] = &["cjs", "coffee", "cts", "js", "jsx", "mjs", "mts", "svelte", "ts", "tsx", "vue"];

/// Files in which a package is named between quotes, as all else is anything.
const QUOTING_EXTENSIONS: &[&str] = &["cjs", "cts", "js", "jsx", "markdown", "md", "mjs", "mts", "ts", "tsx"];

/// Whether there is code in the file at `path` that may import packages of npm.
pub(super) fn is_code(path: &str) -> bool {
    has_extension(path, CODE_EXTENSIONS)
}

/// The packages of `graph`.
pub(super) fn packages(graph: &DependencyGraph, tree: &SourceTree) -> Vec<Package> {
    let installed = graph.lockfile.as_deref().and_then(|path| tree.bytes(path)).and_then(installed);
    let installed = installed.unwrap_or_default();
    let direct = direct(graph);
    let reached = reached(graph, &direct);
    let of_entry = graph.packages.iter().enumerate().map(|(index, package)| {
        let installed = installed.get(package.place.as_str());
        let is_loaded_unasked = unasked::is_loaded_if_there(&package.name)
            || (direct.contains(&index) && unasked::is_plugin(&package.name))
            || installed.is_none_or(|installed| installed.has_install_script);
        let is_needed_by_known = reached.contains(&index) && !is_outside(package);
        Package {
            names: names(package, installed),
            otherwise: if is_needed_by_known && !is_loaded_unasked { Imported::NotSeen } else { Imported::Unknown },
            brings: if is_own_code(package) { Vec::new() } else { answers(package).collect() },
        }
    });
    of_entry.collect()
}

/// What an entry of a lockfile says of a package that its graph does not.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Installed {
    /// Programs by name, or a single one that is named after the package.
    #[serde(default)]
    bin: Option<Value>,
    #[serde(default)]
    has_install_script: bool,
}

/// Entries by place; `None`: the lockfile says nothing of programs, as version 1, or can't be read.
fn installed(lockfile: &[u8]) -> Option<HashMap<String, Installed>> {
    #[derive(Deserialize)]
    struct Lockfile {
        packages: HashMap<String, Installed>,
    }
    let lockfile = lockfile.strip_prefix(b"\xef\xbb\xbf").unwrap_or(lockfile);
    serde_json::from_slice::<Lockfile>(lockfile).ok().map(|lockfile| lockfile.packages)
}

/// The name that the registry knows, that of its folder, which is an alias where they differ, and its programs.
fn names(package: &dependency::Package, installed: Option<&Installed>) -> Vec<String> {
    let mut names = vec![package.name.clone()];
    let folder = package.place.rsplit("node_modules/").next().unwrap_or_default();
    if folder != package.name {
        names.push(folder.to_owned());
    }
    match installed.and_then(|installed| installed.bin.as_ref()) {
        Some(Value::Object(programs)) => names.extend(programs.iter().map(|(name, _)| name.clone())),
        Some(_) => names.extend(package.name.rsplit('/').next().map(str::to_owned)),
        None => {}
    }
    names
}

/// What the project and its own folders ask for.
fn direct(graph: &DependencyGraph) -> HashSet<usize> {
    let marked = graph.packages.iter().enumerate().filter(|(_, package)| package.direct).map(|(index, _)| index);
    let asked = graph.direct.iter().filter_map(|need| need.to);
    let of_folders = graph.packages.iter().filter(|package| is_own_code(package)).flat_map(answers);
    marked.chain(asked).chain(of_folders).collect()
}

/// What some need leads to. Of the rest, nobody knows why it is there.
fn reached(graph: &DependencyGraph, direct: &HashSet<usize>) -> HashSet<usize> {
    let mut reached = direct.clone();
    let mut open: Vec<usize> = direct.iter().copied().collect();
    while let Some(package) = open.pop().and_then(|index| graph.packages.get(index)) {
        open.extend(answers(package).filter(|&index| reached.insert(index)));
    }
    reached
}

fn answers(package: &dependency::Package) -> impl Iterator<Item = usize> {
    package.dependencies.iter().filter_map(|need| need.to)
}

/// Whether it is a folder of the repository, whose code is looked at like any other.
fn is_own_code(package: &dependency::Package) -> bool {
    matches!(package.source, Source::Link(_)) && !is_outside(package)
}

/// Whether it is a folder beside the project, which may lie outside of the repository.
fn is_outside(package: &dependency::Package) -> bool {
    matches!(&package.source, Source::Link(folder) if folder.starts_with("..") || folder.starts_with('/'))
}

/// A manifest without what names packages only to have them; as it is where it can't be read.
pub(super) fn without_tables(manifest: &[u8]) -> Cow<'_, [u8]> {
    let text = manifest.strip_prefix(b"\xef\xbb\xbf").unwrap_or(manifest);
    let Ok(mut members) = serde_json::from_slice::<Map<String, Value>>(text) else { return Cow::Borrowed(manifest) };
    members.retain(|member, _| !TABLES.contains(&member.as_str()));
    serde_json::to_vec(&members).map_or(Cow::Borrowed(manifest), Cow::Owned)
}

/// Whether code, in lower case, may go through what a manifest lists, and load it all.
pub(super) fn reads_manifests(text: &[u8]) -> bool {
    let has = |word: &str| memmem::find(text, word.as_bytes()).is_some();
    has("dependencies") && ["package.json", "package'", "package\"", "package`", "pkg"].into_iter().any(has)
}

/// Calls `look` with the parts of the file at `path`, in lower case, in which it may name a package.
///
/// Of most files that is all. In code it is what stands between quotes or in comments; a string over several lines ends that distinction
/// for the rest of the file.
pub(super) fn passages(path: &str, text: &[u8], mut look: impl FnMut(&[u8])) {
    if !has_extension(path, QUOTING_EXTENSIONS) {
        return look(text);
    }
    let (mut rest, mut is_in_comment) = (text, false);
    while !rest.is_empty() {
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        let (line, after) = rest.split_at(end);
        if goes_on(line) {
            return look(rest);
        }
        let begun = memmem::rfind(line, b"/*");
        let ended = memmem::rfind(line, b"*/");
        let has_comment =
            is_in_comment || begun.is_some() || memmem::find(line, b"//").is_some() || line.starts_with(b"#!");
        look(if has_comment { line } else { quoted(line) });
        // The slash of `/*/` ends nothing.
        let is_left_open = begun.is_some_and(|begun| ended.is_none_or(|ended| ended < begun + 2));
        is_in_comment = is_left_open || (is_in_comment && ended.is_none());
        rest = after;
    }
}

/// Whether a string may begin or end in `line` that has other lines.
fn goes_on(line: &[u8]) -> bool {
    memchr::memchr_iter(b'`', line).count() % 2 == 1 || line.trim_ascii_end().ends_with(b"\\")
}

/// From the first quote to the last.
fn quoted(line: &[u8]) -> &[u8] {
    let is_quote = |byte: &u8| matches!(byte, b'"' | b'\'' | b'`');
    let (first, last) = (line.iter().position(is_quote), line.iter().rposition(is_quote));
    first.zip(last).and_then(|(first, last)| line.get(first..last)).unwrap_or_default()
}
