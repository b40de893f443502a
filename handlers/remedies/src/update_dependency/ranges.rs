//! Requirements and versions as the solver reads them: what is no range still has to be decided.

use pipeline::version::requirement::Requirement;
use pipeline::version::{Ecosystem, Version};

/// What is asked for.
#[derive(Debug, Clone)]
pub(super) enum Asked {
    /// Anything: an npm tag such as `latest`.
    Any,
    /// A range.
    Range(Requirement),
    /// A URL, a folder, a git repository: no release answers.
    Foreign,
}

/// An npm alias taken apart: the package of `npm:other@^1` is `other`.
pub(super) fn alias(ecosystem: Ecosystem, text: &str) -> Option<String> {
    Requirement::parse(ecosystem, text).ok()?.alias_target().map(str::to_owned)
}

/// Reads a requirement. Total: what is no range is a tag, or foreign.
pub(super) fn parse(ecosystem: Ecosystem, text: &str) -> Asked {
    let text = if ecosystem == Ecosystem::PyPI { text.split(';').next().unwrap_or_default() } else { text };
    match Requirement::parse(ecosystem, text) {
        Ok(requirement) if requirement.is_range() => Asked::Range(requirement),
        Ok(requirement) if requirement.alias_target().is_some() => Asked::Any,
        Ok(_) if ecosystem == Ecosystem::Npm && !text.contains([':', '/']) => Asked::Any,
        _ => Asked::Foreign,
    }
}

/// Whether `version` answers what is asked for.
pub(super) fn allows(asked: &Asked, version: &Version) -> bool {
    match asked {
        Asked::Any => true,
        Asked::Range(requirement) => requirement.allows(version),
        Asked::Foreign => false,
    }
}

/// The requirement of the same style that holds `to`. `None` where it can't be written (a tag, a URL).
pub(super) fn bump(ecosystem: Ecosystem, text: &str, to: &Version) -> Option<String> {
    Requirement::parse(ecosystem, text).ok()?.bump(to)
}

/// The first three numbers of a version: what distance is measured in.
pub(super) fn numbers(version: &Version) -> [u64; 3] {
    match version.ecosystem() {
        Ecosystem::Npm => nodejs_semver::Version::parse(version.as_str())
            .map_or([0; 3], |version| [version.major(), version.minor(), version.patch()]),
        _ => version.as_str().parse::<pep440_rs::Version>().map_or([0; 3], |version| {
            let release = version.release();
            [0, 1, 2].map(|at| release.get(at).copied().unwrap_or(0))
        }),
    }
}

/// Whether the version is meant for the brave: `2.0.0-rc.1`, `2.0rc1`.
pub(super) fn is_prerelease(version: &Version) -> bool {
    match version.ecosystem() {
        Ecosystem::Npm => nodejs_semver::Version::parse(version.as_str()).is_ok_and(|version| version.is_prerelease()),
        _ => version.as_str().parse::<pep440_rs::Version>().is_ok_and(|version| version.any_prerelease()),
    }
}
