//! Whether the code of a repository imports what it depends on.
//!
//! Text is searched for names, without a parser: so `require`, `import`, plugins that a configuration names and commands in scripts all
//! count, and comments as well. That a name is seen proves little; that none is seen, nearly all: a package is [`Imported::NotSeen`] only
//! where every file could be read, and nothing is known that would load it by another name. Code is looked at wherever it lies in the tree,
//! for what a project installs may be loaded from elsewhere.

mod distributions;
mod npm;
mod python;
mod unasked;
mod words;

use crate::source_tree::SourceTree;
use pipeline::dependency::DependencyGraph;
use pipeline::finding::Imported;
use pipeline::version::Ecosystem;
use std::borrow::Cow;
use words::Words;

/// Folders in which there is no code of a repository, but what tools installed or keep there.
pub const PASSED_OVER_FOLDERS: &[&str] = &[
    ".eggs",
    ".git",
    ".hg",
    ".nox",
    ".svn",
    ".tox",
    ".venv",
    "__pycache__",
    "__pypackages__",
    "dist-packages",
    "node_modules",
    "site-packages",
    "venv",
    "virtualenv",
];

/// Files that name everything that is installed, whether it is used or not.
const LOCKFILES: &[&str] = &[
    ".package-lock.json",
    "bun.lock",
    "cargo.lock",
    "composer.lock",
    "deno.lock",
    "gemfile.lock",
    "go.sum",
    "npm-shrinkwrap.json",
    "package-lock.json",
    "pdm.lock",
    "pipfile.lock",
    "pnpm-lock.yaml",
    "poetry.lock",
    "uv.lock",
    "yarn.lock",
];

/// What has no text in it.
const BINARY_EXTENSIONS: &[&str] = &[
    "7z", "a", "avi", "avif", "bin", "bmp", "br", "bz2", "class", "dll", "doc", "docx", "dylib", "eot", "exe", "flac",
    "gif", "gz", "icns", "ico", "jar", "jpeg", "jpg", "lockb", "mov", "mp3", "mp4", "o", "ogg", "otf", "pdf", "png",
    "ppt", "pptx", "psd", "pyc", "rar", "so", "tar", "tgz", "tif", "tiff", "ttf", "wasm", "wav", "webm", "webp", "whl",
    "woff", "woff2", "xls", "xlsx", "xz", "zip", "zst",
];

/// Names of files of which a repository has others elsewhere, that are not in its tree.
const SUBMODULES: &str = ".gitmodules";

/// Whether the file at `path` may import something, or tell a tool to.
///
/// All are wanted that are not known to be nothing of the kind: what is read in vain costs little, what is not read may be the one.
pub fn wants(path: &str) -> bool {
    let name = name_of(path).to_ascii_lowercase();
    let is_binary = extension_of(&name).is_some_and(|extension| BINARY_EXTENSIONS.contains(&extension));
    !is_binary && !LOCKFILES.contains(&name.as_str()) && !crate::dependency::pip::wants(path)
}

/// For each package of each of `graphs`, in their order: whether it is imported.
///
/// `tree` has the manifests and lockfiles that the graphs were made of, `sources` every file that [`wants`] asks for.
pub fn imported(graphs: &[DependencyGraph], tree: &SourceTree, sources: &SourceTree) -> Vec<Vec<Imported>> {
    let packages: Vec<Vec<Package>> = graphs.iter().map(|graph| packages(graph, tree)).collect();
    let mut read = Read::expecting(graphs, &packages);
    for path in sources.paths() {
        if let Some(bytes) = sources.bytes(path) {
            read.file(path, bytes);
        }
    }
    read.is_whole &= !sources.has_unseen && !sources.contains(SUBMODULES);
    let of_graph = graphs.iter().zip(&packages).map(|(graph, packages)| read.imported(graph.ecosystem, packages));
    of_graph.collect()
}

/// What has to be known of one package of a graph.
#[derive(Debug)]
struct Package {
    /// What code calls it.
    names: Vec<String>,
    /// What it is where no file has one of its names.
    otherwise: Imported,
    /// Indices of packages in the same graph that are loaded with it.
    brings: Vec<usize>,
}

fn packages(graph: &DependencyGraph, tree: &SourceTree) -> Vec<Package> {
    match graph.ecosystem {
        Ecosystem::Npm => npm::packages(graph, tree),
        Ecosystem::PyPI => python::packages(graph, tree),
        _ => Vec::new(),
    }
}

/// What the files that were read have in them.
struct Read {
    npm: Words,
    python: Words,
    /// Whether there is code that could import something at all: nothing can be said of what is only deployed from here.
    has_npm: bool,
    has_python: bool,
    /// Whether some code seems to go through what a manifest lists.
    reads_manifests: bool,
    /// Whether every file could be read.
    is_whole: bool,
}

impl Read {
    fn expecting(graphs: &[DependencyGraph], packages: &[Vec<Package>]) -> Self {
        let names = |ecosystem: Ecosystem| {
            let of_it = graphs.iter().zip(packages).filter(move |(graph, _)| graph.ecosystem == ecosystem);
            of_it.flat_map(|(_, packages)| packages).flat_map(|package| &package.names).map(String::as_str)
        };
        Self {
            npm: Words::new(names(Ecosystem::Npm), false),
            python: Words::new(names(Ecosystem::PyPI), true),
            has_npm: false,
            has_python: false,
            reads_manifests: false,
            is_whole: true,
        }
    }

    fn file(&mut self, path: &str, bytes: &[u8]) {
        let is_npm = npm::is_code(path);
        let is_python = python::is_code(path);
        // Elsewhere it is a program or a picture, which may name a package all the same.
        let is_utf16 = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
        let is_meant_as_text = is_npm || is_python || is_utf16;
        self.is_whole &= !(is_meant_as_text && memchr::memchr(0, bytes).is_some());
        self.has_npm |= is_npm;
        self.has_python |= is_python;
        let bytes = if name_of(path) == npm::MANIFEST { npm::without_tables(bytes) } else { Cow::Borrowed(bytes) };
        let text = bytes.to_ascii_lowercase();
        self.reads_manifests |= is_npm && npm::reads_manifests(&text);
        npm::passages(path, &text, |passage| self.npm.look(passage));
        self.python.look(&text);
    }

    fn imported(&self, ecosystem: Ecosystem, packages: &[Package]) -> Vec<Imported> {
        let (words, has_code) = match ecosystem {
            Ecosystem::Npm => (&self.npm, self.has_npm && !self.reads_manifests),
            _ => (&self.python, self.has_python),
        };
        let is_named = |package: &Package| package.names.iter().any(|name| words.has(name));
        let own = packages.iter().map(|package| if is_named(package) { Imported::Seen } else { package.otherwise });
        let mut imported: Vec<Imported> = own.collect();
        spread(&mut imported, packages);
        if !(self.is_whole && has_code) {
            imported.iter_mut().for_each(|imported| *imported = (*imported).max(Imported::Unknown));
        }
        imported
    }
}

/// What a package brings in is imported at least as surely as itself.
fn spread(imported: &mut [Imported], packages: &[Package]) {
    for sure in [Imported::Seen, Imported::Unknown] {
        let mut open: Vec<usize> = (0..imported.len()).filter(|&index| imported.get(index) == Some(&sure)).collect();
        while let Some(index) = open.pop() {
            for &brought in packages.get(index).map_or(&[][..], |package| &package.brings) {
                if let Some(less_sure) = imported.get_mut(brought).filter(|imported| **imported < sure) {
                    *less_sure = sure;
                    open.push(brought);
                }
            }
        }
    }
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn extension_of(path: &str) -> Option<&str> {
    name_of(path).rsplit_once('.').map(|(_, extension)| extension)
}

/// Whether `path` ends in one of `extensions`, whatever its case.
fn has_extension(path: &str, extensions: &[&str]) -> bool {
    extension_of(path).is_some_and(|own| extensions.iter().any(|extension| own.eq_ignore_ascii_case(extension)))
}

#[cfg(test)]
mod tests;
