//! Requirements: what a range allows, and the same kind of range around another version.

use pipeline::version::{Ecosystem, Version};

/// What is asked for.
#[derive(Debug, Clone)]
pub(super) enum Requirement {
    /// Anything: an empty text, or an npm tag such as `latest`.
    Any,
    /// An npm range.
    Npm(nodejs_semver::Range),
    /// A PEP 440 specifier set.
    PyPI(pep440_rs::VersionSpecifiers),
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
    let text = text.trim();
    match ecosystem {
        Ecosystem::Npm => {
            let text = alias(text).map_or(text, |(_, range)| range);
            match nodejs_semver::Range::parse(text) {
                Ok(range) => Requirement::Npm(range),
                Err(_) if text.contains([':', '/']) => Requirement::Foreign,
                Err(_) => Requirement::Any,
            }
        }
        Ecosystem::PyPI => {
            let text = text.split(';').next().unwrap_or_default().trim();
            let text = text.strip_prefix('(').and_then(|t| t.strip_suffix(')')).unwrap_or(text);
            if text.starts_with('@') || text.contains("://") {
                return Requirement::Foreign;
            }
            text.parse().map_or(Requirement::Foreign, Requirement::PyPI)
        }
    }
}

/// Whether `version` answers `requirement`.
pub(super) fn allows(requirement: &Requirement, version: &Version) -> bool {
    match requirement {
        Requirement::Any => true,
        Requirement::Foreign => false,
        Requirement::Npm(range) => {
            nodejs_semver::Version::parse(version.as_str()).is_ok_and(|version| range.satisfies(&version))
        }
        Requirement::PyPI(set) => version.as_str().parse().is_ok_and(|version: pep440_rs::Version| set.contains(&version)),
    }
}

/// The requirement of the same style that holds `to`: `^1.2.3` becomes `^2.0.1`, `~1.2` becomes `~2.0`, `1.x` becomes
/// `2.x`, an exact version the exact version; what has no simple style becomes a caret.
///
/// `None` where it can't be written (a tag, a URL).
pub(super) fn bump(ecosystem: Ecosystem, text: &str, to: &Version) -> Option<String> {
    let bumped = match ecosystem {
        Ecosystem::Npm => match alias(text) {
            Some((name, range)) => format!("npm:{name}@{}", bump_npm(range, to)?),
            None => bump_npm(text, to)?,
        },
        Ecosystem::PyPI => {
            let rest = text.trim().strip_prefix("==")?;
            let exact = !rest.contains(['*', ',']);
            exact.then(|| format!("=={}{to}", if rest.starts_with(' ') { " " } else { "" }))?
        }
    };
    allows(&parse(ecosystem, &bumped), to).then_some(bumped)
}

fn bump_npm(text: &str, to: &Version) -> Option<String> {
    let trimmed = text.trim();
    if nodejs_semver::Range::parse(trimmed).is_err() {
        return None;
    }
    let digits = trimmed.find(|c: char| c.is_ascii_digit()).unwrap_or(trimmed.len());
    let (operator, written) = trimmed.split_at(digits);
    let simple = matches!(operator.trim(), "" | "=" | "v" | "^" | "~" | ">=" | "^v" | "~v") && !written.contains([' ', '|', ',']);
    if !simple {
        return Some(format!("^{to}"));
    }
    let core = to.as_str().split(['-', '+']).next()?;
    let parts: Vec<&str> = written.split('.').collect();
    let wild = |part: &&str| matches!(*part, "x" | "X" | "*");
    if parts.len() >= 3 && !parts.iter().any(|part| wild(&part)) || core != to.as_str() {
        return Some(format!("{operator}{to}"));
    }
    let mut new = core.split('.');
    let written: Option<Vec<&str>> =
        parts.iter().map(|part| new.next().map(|number| if wild(&part) { *part } else { number })).collect();
    Some(format!("{operator}{}", written?.join(".")))
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
    }
}

/// Whether the version is meant for the brave: `2.0.0-rc.1`, `2.0rc1`.
pub(super) fn is_prerelease(version: &Version) -> bool {
    match version.ecosystem() {
        Ecosystem::Npm => nodejs_semver::Version::parse(version.as_str()).is_ok_and(|version| version.is_prerelease()),
        Ecosystem::PyPI => {
            version.as_str().parse::<pep440_rs::Version>().is_ok_and(|version| version.any_prerelease())
        }
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
