//! What the name of a file says: a wheel or a source archive, and of which version.

use super::normalised_name;
use pipeline::version::{Ecosystem, Version};

/// Kinds of files that pip installs from, in the order in which their metadata is preferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FileKind {
    /// A wheel for every platform.
    AnyWheel,
    /// A wheel for one platform.
    Wheel,
    /// A source archive.
    Sdist,
}

const ARCHIVES: [&str; 11] =
    [".tar.gz", ".zip", ".tgz", ".tar.bz2", ".tbz", ".tar.xz", ".txz", ".tar.lzma", ".tlz", ".tar.lz", ".tar"];

/// Kind and version of the file `file_name` of the project `name` (normalised).
///
/// `None`: pip does not install from it (eggs, installers), or it is not of this project, or its version is not one of PEP 440.
pub(super) fn read_file_name(file_name: &str, name: &str) -> Option<(FileKind, Version)> {
    if let Some(stem) = file_name.strip_suffix(".whl") {
        let parts: Vec<&str> = stem.split('-').collect();
        let (&[of, version, _, _, platform] | &[of, version, _, _, _, platform]) = parts.as_slice() else { return None };
        let kind = if platform == "any" { FileKind::AnyWheel } else { FileKind::Wheel };
        return Some((kind, version_of(of, name, version)?));
    }
    let stem = ARCHIVES.iter().find_map(|ending| file_name.strip_suffix(ending))?;
    // Names and versions may both hold a `-`: the name is what the project is called.
    let mut splits = stem.match_indices('-').filter_map(|(at, _)| stem.split_at_checked(at));
    splits.find_map(|(of, version)| Some((FileKind::Sdist, version_of(of, name, version.strip_prefix('-')?)?)))
}

fn version_of(of: &str, name: &str, version: &str) -> Option<Version> {
    if normalised_name(of) != name {
        return None;
    }
    // A wheel writes `_` where the version has `-` or `+`.
    let version = version.replace('_', "-");
    Version::parse(Ecosystem::PyPI, &version).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, file_name: &str, expect: Option<(FileKind, &str)>) {
        let read = read_file_name(file_name, name).map(|(kind, version)| (kind, version.to_string()));
        assert_eq!(read, expect.map(|(kind, version)| (kind, version.to_owned())), "{file_name}");
    }

    #[test]
    fn file_names_say_kind_and_version() {
        check("requests", "requests-2.31.0-py3-none-any.whl", Some((FileKind::AnyWheel, "2.31.0")));
        check("numpy", "numpy-1.26.0-cp312-cp312-win_amd64.whl", Some((FileKind::Wheel, "1.26.0")));
        check("a", "a-1.0-2-py3-none-any.whl", Some((FileKind::AnyWheel, "1.0")));
        check("zope-interface", "zope.interface-5.0.tar.gz", Some((FileKind::Sdist, "5.0")));
        check("a-b", "a-b-1.0.zip", Some((FileKind::Sdist, "1.0")));
        check("a-b", "A_B-1.0-1.tar.bz2", Some((FileKind::Sdist, "1.0-1")));
        check("a", "a-b-1.0.zip", None);
        check("a", "b-1.0-py3-none-any.whl", None);
        check("a", "a-1.0.egg", None);
        check("a", "a-1.0.win32.exe", None);
        check("a", "a-banana.zip", None);
        check("a", "a.whl", None);
        check("a", "-.zip", None);
        check("a", "ä-1.zip", None);
    }
}
