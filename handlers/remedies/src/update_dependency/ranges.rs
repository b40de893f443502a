//! Requirements as the planner holds them, and how far apart versions are.

use pipeline::version::requirement::Requirement as Written;
use pipeline::version::{Ecosystem, Version};

/// What is asked for.
#[derive(Debug, Clone)]
pub(super) enum Requirement {
    /// Anything: an npm tag such as `latest`.
    Any,
    /// What its ecosystem can hold a version against.
    Range(Written),
    /// A URL, a folder, a git repository: no release answers.
    Foreign,
}

/// An npm alias taken apart: `npm:other@^1` is (`other`, `^1`).
pub(super) fn alias(text: &str) -> Option<(&str, &str)> {
    let rest = text.trim().strip_prefix("npm:")?;
    Some(match rest.get(1..).and_then(|tail| tail.find('@')) {
        Some(at) => (rest.get(..=at)?, rest.get(at + 2..)?),
        None => (rest, ""),
    })
}

/// Reads a requirement. Total: what is no range is [`Requirement::Foreign`], or a tag.
pub(super) fn parse(ecosystem: Ecosystem, text: &str) -> Requirement {
    // What follows a semicolon is a marker: whether it holds is not known, so that the range counts.
    let text = if ecosystem == Ecosystem::PyPI { text.split(';').next().unwrap_or_default() } else { text };
    match Written::parse(ecosystem, text) {
        Ok(range) if range.is_range() => Requirement::Range(range),
        Ok(_) if ecosystem == Ecosystem::Npm && !text.contains([':', '/']) => Requirement::Any,
        _ => Requirement::Foreign,
    }
}

/// Whether `version` answers `requirement`.
pub(super) fn allows(requirement: &Requirement, version: &Version) -> bool {
    match requirement {
        Requirement::Any => true,
        Requirement::Foreign => false,
        Requirement::Range(range) => range.allows(version),
    }
}

/// The requirement of the same style that holds `to`, or `None` where it can't be written (a tag, a URL).
pub(super) fn bump(ecosystem: Ecosystem, text: &str, to: &Version) -> Option<String> {
    let bumped = Written::parse(ecosystem, text).ok()?.bump(to)?;
    allows(&parse(ecosystem, &bumped), to).then_some(bumped)
}

/// The first three numbers of a version: what distance is measured in.
pub(super) fn numbers(version: &Version) -> [u64; 3] {
    match version.ecosystem() {
        Ecosystem::Npm => nodejs_semver::Version::parse(version.as_str())
            .map_or([0; 3], |version| [version.major(), version.minor(), version.patch()]),
        Ecosystem::PyPI => version.as_str().parse::<pep440_rs::Version>().map_or([0; 3], |version| {
            let release = version.release();
            [0, 1, 2].map(|at| release.get(at).copied().unwrap_or(0))
        }),
        _ => [0; 3],
    }
}

/// Whether the version is meant for the brave: `2.0.0-rc.1`, `2.0rc1`.
pub(super) fn is_prerelease(version: &Version) -> bool {
    match version.ecosystem() {
        Ecosystem::Npm => nodejs_semver::Version::parse(version.as_str()).is_ok_and(|version| version.is_prerelease()),
        Ecosystem::PyPI => {
            version.as_str().parse::<pep440_rs::Version>().is_ok_and(|version| version.any_prerelease())
        }
        _ => false,
    }
}

/// Whether going from one to the other breaks no promise: the leftmost number that is not zero stays, as caret reads it.
pub(super) fn compatible(from: [u64; 3], to: [u64; 3]) -> bool {
    match from {
        [0, 0, _] => from == to,
        [0, minor, _] => to[0] == 0 && to[1] == minor,
        [major, ..] => to[0] == major,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(Ecosystem::Npm, text).unwrap()
    }

    #[test]
    fn a_bumped_range_keeps_its_style() {
        for (text, to, expect) in [
            ("^1.2.3", "2.0.1", Some("^2.0.1")),
            ("~1.2.3", "1.3.0", Some("~1.3.0")),
            ("~1.2", "1.3.4", Some("~1.3")),
            ("1.x", "2.3.4", Some("2.x")),
            ("1.2.x", "2.3.4", Some("2.3.x")),
            ("1", "2.3.4", Some("2")),
            ("2.2.4", "2.2.5", Some("2.2.5")),
            ("=2.2.4", "2.2.5", Some("=2.2.5")),
            ("v2.2.4", "2.2.5", Some("v2.2.5")),
            (">=1.0 <2", "2.1.0", Some("^2.1.0")),
            ("1 || 2", "3.0.0", Some("^3.0.0")),
            ("npm:other@^1.0.0", "2.0.0", Some("npm:other@^2.0.0")),
            ("npm:@a/b@1.0.0", "2.0.0", Some("npm:@a/b@2.0.0")),
            ("^1.2", "2.0.0-rc.1", Some("^2.0.0-rc.1")),
            ("latest", "2.0.0", None),
            ("https://host.example/a.tgz", "2.0.0", None),
        ] {
            assert_eq!(bump(Ecosystem::Npm, text, &version(to)).as_deref(), expect, "{text} to {to}");
        }
    }

    #[test]
    fn a_caret_says_what_is_compatible() {
        assert!(compatible([1, 2, 3], [1, 9, 0]) && !compatible([1, 2, 3], [2, 0, 0]));
        assert!(compatible([0, 2, 3], [0, 2, 9]) && !compatible([0, 2, 3], [0, 3, 0]));
        assert!(!compatible([0, 0, 3], [0, 0, 4]));
    }
}
