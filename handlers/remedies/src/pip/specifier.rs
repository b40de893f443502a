//! The version specifiers of a requirement, changed as little as lets them hold the new version and none before it.

use super::edit::{EditError, PinEdit, Splice};
use detectors::dependency::pip::requirement::{Requirement, Specifier};
use pep440_rs::{Version, VersionSpecifier};
use std::str::FromStr;

/// Adds the splices that set `edit.to`; none where the requirement says so already.
///
/// A pin gets another version. Of a range `>=` and `>` become `>=` the version; `<`, `<=` and `==1.*` move up where they
/// exclude it (`<2.0` becomes `<3.0` for 2.1); `~=1.4` becomes `~=1.6`, with `,>=1.6.3` where that is not precise enough.
/// A range without lower bound gets one. `!=` is what people decided, and stays: it can forbid the version.
pub fn rewrite(
    text: &str,
    requirement: &Requirement,
    edit: &PinEdit,
    splices: &mut Vec<Splice>,
) -> Result<(), EditError> {
    let invalid = |text: &str| EditError::Invalid(text.to_owned(), "it is not a version".to_owned());
    let to = Version::from_str(&edit.to).map_err(|_| invalid(&edit.to))?;
    let pinned = requirement.pin().is_some();
    let mut bounded = pinned;
    for specifier in &requirement.specifiers {
        let (operator, version) = changed(specifier, &to, &edit.to, pinned);
        let excluded = || EditError::Excluded {
            name: edit.name.clone(),
            to: edit.to.clone(),
            clause: format!("{}{}", specifier.operator, specifier.version),
        };
        if !allows(&operator, &version, &to) {
            return Err(excluded());
        }
        bounded |= begins_at(&operator, &version, &to);
        if operator != specifier.operator {
            let start = specifier.range.start;
            let range = start..start + specifier.operator.len();
            // An operator that a continuation divides is left to the error of `verify`.
            if text.get(range.clone()) == Some(&specifier.operator) {
                splices.push((range, operator));
            }
        }
        if version != specifier.version {
            splices.push((specifier.version_range.clone(), version));
        }
    }
    if !bounded {
        let at = requirement.specifiers.last().map_or(requirement.specifiers_at, |last| last.range.end);
        let comma = if requirement.specifiers.is_empty() { "" } else { "," };
        splices.push((at..at, format!("{comma}>={}", edit.to)));
    }
    Ok(())
}

/// Whether `operator version` holds `to`.
pub fn allows(operator: &str, version: &str, to: &Version) -> bool {
    match operator {
        "===" => Version::from_str(version).is_ok_and(|version| version == *to),
        _ => VersionSpecifier::from_str(&format!("{operator}{version}")).is_ok_and(|clause| clause.contains(to)),
    }
}

/// Whether `operator version` holds nothing before `to`.
pub fn begins_at(operator: &str, version: &str, to: &Version) -> bool {
    let lowest = version.strip_suffix(".*").unwrap_or(version);
    matches!(operator, ">=" | "~=" | "==" | "===") && Version::from_str(lowest).is_ok_and(|lowest| lowest >= *to)
}

fn changed(specifier: &Specifier, to: &Version, written: &str, pinned: bool) -> (String, String) {
    let (operator, version) = (specifier.operator.as_str(), specifier.version.as_str());
    let unchanged = (operator.to_owned(), version.to_owned());
    let allowed = allows(operator, version, to);
    let new = match operator {
        _ if specifier.is_exact() && allowed => return unchanged,
        _ if specifier.is_exact() => written.to_owned(),
        // Beside a pin a range has nothing to say but whether it allows the version.
        _ if allowed && (pinned || begins_at(operator, version, to)) => return unchanged,
        ">" | ">=" if Version::from_str(version).is_ok_and(|bound| bound <= *to) => {
            return (">=".to_owned(), written.to_owned());
        }
        "<" if !allowed => above(version, to),
        "<=" if !allowed => written.to_owned(),
        "==" if !allowed => format!("{}.*", truncated(to, parts(version.trim_end_matches(".*")), 0)),
        "~=" => truncated(to, parts(version), 0),
        _ => return unchanged,
    };
    (operator.to_owned(), new)
}

/// The next version over `to` that is as round as `bound`: `<2.0` and 2.1.3 give 3.0, `<1.5` and 2.1.3 give 2.2.
fn above(bound: &str, to: &Version) -> String {
    let length = parts(bound);
    let round = Version::from_str(bound).map_or(1, |bound| {
        let release = bound.release();
        release.iter().rposition(|part| *part != 0).map_or(1, |last| last + 1)
    });
    let mut text = truncated(to, round, 1);
    for _ in round..length {
        text.push_str(".0");
    }
    text
}

fn parts(version: &str) -> usize {
    Version::from_str(version).map_or(1, |version| version.release().len())
}

/// The first `length` numbers of `version`, the last of them raised by `add`.
fn truncated(version: &Version, length: usize, add: u64) -> String {
    let release = version.release().to_vec();
    let mut numbers: Vec<u64> = release.into_iter().chain(std::iter::repeat(0)).take(length.max(1)).collect();
    if let Some(last) = numbers.last_mut() {
        *last = last.saturating_add(add);
    }
    let numbers: Vec<_> = numbers.iter().map(ToString::to_string).collect();
    let epoch = if version.epoch() == 0 { String::new() } else { format!("{}!", version.epoch()) };
    format!("{epoch}{}", numbers.join("."))
}
