//! What file names and package names say.

use crate::source_tree::SKIPPED_FOLDERS;
use pipeline::advisory::normalised_name;
use pipeline::version::Ecosystem;

/// Words in the name of a file that make it one for developers.
///
/// A word is a run of letters and digits: `requirements-dev.txt` and `test_requirements.txt` have one,
/// `requirements-devices.txt` has none.
pub const DEV_WORDS: &[&str] = &[
    "dev",
    "devel",
    "develop",
    "developer",
    "development",
    "local",
    "debug",
    "test",
    "tests",
    "testing",
    "tox",
    "nox",
    "pytest",
    "unittest",
    "coverage",
    "qa",
    "e2e",
    "lint",
    "linter",
    "linters",
    "linting",
    "style",
    "format",
    "formatting",
    "typing",
    "mypy",
    "precommit",
    "docs",
    "doc",
    "documentation",
    "sphinx",
    "mkdocs",
    "rtd",
    "ci",
    "build",
    "bench",
    "benchmark",
    "benchmarks",
];

/// Words in the name of the folder that holds a file that make it one for developers. Fewer: `build/requirements.txt`
/// may well be what is installed in production.
pub const DEV_FOLDER_WORDS: &[&str] = &[
    "dev",
    "test",
    "tests",
    "testing",
    "e2e",
    "lint",
    "docs",
    "doc",
    "documentation",
    "ci",
    "github",
    "benchmark",
    "benchmarks",
];

/// What a file is by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// Installed from: `requirements.txt`, `dev-requirements.txt`, `requirements/base.txt`.
    Requirements,
    /// Limits what others ask for: `constraints.txt`.
    Constraints,
    /// `requirements.in`: read only where another file includes it.
    Source,
}

/// What `path` is by its name; `None`: not one that is read unless it is included.
pub fn kind_of(path: &str) -> Option<FileKind> {
    if is_skipped(path) {
        return None;
    }
    let path = path.to_ascii_lowercase();
    let mut parts = path.rsplit('/');
    let (file, folder) = (parts.next().unwrap_or_default(), parts.next());
    let in_folder = folder == Some("requirements");
    if let Some(stem) = file.strip_suffix(".txt") {
        if stem.starts_with("constraints") || stem.ends_with("constraints") {
            return Some(FileKind::Constraints);
        }
        let named = stem.starts_with("requirements") || stem.ends_with("requirements");
        return (named || in_folder).then_some(FileKind::Requirements);
    }
    let stem = file.strip_suffix(".in")?;
    let named = stem.contains("requirements") || stem.contains("constraints");
    (named || in_folder).then_some(FileKind::Source)
}

/// Whether `path` lies in a folder that is passed over.
pub fn is_skipped(path: &str) -> bool {
    let folders = path.rsplit_once('/').map_or("", |(folders, _)| folders);
    folders.split('/').any(|folder| SKIPPED_FOLDERS.contains(&folder))
}

/// Whether the name of the file, or of the folder that holds it, says that developers use it.
pub fn is_dev(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    let mut parts = path.rsplit('/');
    // `pre-commit` is two words that mean nothing alone.
    let file = parts.next().unwrap_or_default().replace("pre-commit", "precommit").replace("pre_commit", "precommit");
    has_word(&file, DEV_WORDS) || has_word(parts.next().unwrap_or_default(), DEV_FOLDER_WORDS)
}

fn has_word(name: &str, words: &[&str]) -> bool {
    name.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| words.contains(&word))
}

/// A project's name as the registry compares it (PEP 503).
pub fn normalised(name: &str) -> String {
    normalised_name(Ecosystem::PyPI, name).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, kind: Option<FileKind>, dev: bool) {
        assert_eq!((kind_of(path), is_dev(path)), (kind, dev), "{path}");
    }

    #[test]
    fn names_tell_what_a_file_is_for() {
        let requirements = Some(FileKind::Requirements);
        check("requirements.txt", requirements, false);
        check("requirements-dev.txt", requirements, true);
        check("a/dev_requirements.txt", requirements, true);
        check("requirements/base.txt", requirements, false);
        check("requirements/test.txt", requirements, true);
        check("docs/requirements.txt", requirements, true);
        check("build/requirements.txt", requirements, false);
        check("docs/requirements/base.txt", requirements, false);
        check("requirements-devices.txt", requirements, false);
        check("requirements.pre-commit.txt", requirements, true);
        check("Requirements.txt", requirements, false);
        check("constraints-3.11.txt", Some(FileKind::Constraints), false);
        check("upper-constraints.txt", Some(FileKind::Constraints), false);
        check("requirements.in", Some(FileKind::Source), false);
        check("requirements/dev.in", Some(FileKind::Source), true);
        check("MANIFEST.in", None, false);
        check("notes.txt", None, false);
        check("venv/lib/python3/site-packages/x/requirements.txt", None, false);
        check("a/node_modules/b/requirements.txt", None, false);
    }

    #[test]
    fn project_names_are_compared_as_the_registry_does() {
        assert_eq!(normalised("Foo_Bar..-baz"), "foo-bar-baz");
    }
}
