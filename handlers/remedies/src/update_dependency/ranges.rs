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

/// What stands after a name in a requirements file, taken apart: `[extras] specifiers ; marker`. Nothing of an address.
pub(super) fn line_of_pip(after_name: &str) -> (Vec<&str>, &str, Option<&str>) {
    let (body, marker) = match after_name.split_once(';') {
        Some((body, marker)) => (body.trim(), Some(marker.trim())),
        None => (after_name.trim(), None),
    };
    let (extras, specifiers) = match body.strip_prefix('[').and_then(|body| body.split_once(']')) {
        Some((extras, specifiers)) => (extras.split(',').map(str::trim).collect(), specifiers.trim()),
        None => (Vec::new(), body),
    };
    if specifiers.starts_with('@') { (extras, "", None) } else { (extras, specifiers, marker) }
}

/// Specifiers without the pin: that is what a change rewrites, the others have to hold.
pub(super) fn beside_pin(specifiers: &str) -> String {
    let clauses = specifiers.trim_matches(['(', ')']).split(',').map(str::trim);
    let is_pin = |clause: &str| clause.starts_with("==") && !clause.ends_with(".*");
    clauses.filter(|clause| !is_pin(clause)).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_pip_is_taken_apart() {
        assert_eq!(
            line_of_pip("[x, y] >= 1.0,<2 ; os_name == 'nt'"),
            (vec!["x", "y"], ">= 1.0,<2", Some("os_name == 'nt'"))
        );
        assert_eq!(line_of_pip(""), (vec![], "", None));
        assert_eq!(line_of_pip("[x] @ https://h/a;b.zip"), (vec!["x"], "", None));
    }

    #[test]
    fn what_stands_beside_a_pin_has_to_hold() {
        let row = |specifiers, expect| assert_eq!(beside_pin(specifiers), expect);
        row("(==1.0)", "");
        row("!=2, ===1.0,<3", "!=2,<3");
        row("==1.*", "==1.*");
        row("~=1.0", "~=1.0");
        row("", "");
    }
}
