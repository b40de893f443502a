//! npm: Semantic Versioning as node's `semver` reads it when it is told to be loose.
//!
//! Hand-written because advisories and manifests hold the loose forms (`v1.2.3`, `=1.2.3`, `1.2.3beta`), which the
//! library at hand refuses. A number over node's largest safe integer is no version, as in node.

use super::digits::split_digits;
use super::semantic::{Semantic, are_identifiers};

/// The largest number that node takes in a version: 2^53 - 1.
pub(super) const NUMBER_MAX: u64 = 9_007_199_254_740_991;

pub(super) fn parse(text: &str) -> Option<Semantic> {
    let text = text.trim().trim_start_matches(|c: char| c == 'v' || c == '=' || c.is_whitespace());
    let (major, rest) = number(text)?;
    let (minor, rest) = number(rest.strip_prefix('.')?)?;
    let (patch, rest) = number(rest.strip_prefix('.')?)?;
    let (prerelease, build) = rest.split_once('+').map_or((rest, None), |(pre, build)| (pre, Some(build)));
    // `1.2.3-` is the pre-release `-`: node takes the hyphen as separator only if something follows.
    let prerelease = prerelease.strip_prefix('-').filter(|rest| are_identifiers(rest)).unwrap_or(prerelease);
    if !(prerelease.is_empty() || are_identifiers(prerelease)) || !build.is_none_or(are_identifiers) {
        return None;
    }
    Some(Semantic { numbers: [major, minor, patch], prerelease: prerelease.to_owned() })
}

/// Splits off a number that node can hold.
pub(super) fn number(text: &str) -> Option<(u64, &str)> {
    let (digits, rest) = split_digits(text);
    Some((digits.parse().ok().filter(|number| *number <= NUMBER_MAX)?, rest))
}

#[cfg(test)]
mod tests {
    use crate::version::Ecosystem::Npm;
    use crate::version::order_check::tests::{check, check_refused};

    #[test]
    fn order_is_that_of_node() {
        check(
            Npm,
            "
            1.2.3 < 1.2.4
            1.2.3-alpha < 1.2.3
            1.2.3-alpha.2 < 1.2.3-alpha.10
            1.2.3-1 < 1.2.3-a
            1.2.3-a < 1.2.3-a.0
            1.2.3-A < 1.2.3-a
            1.2.3-99999999999999999999998 < 1.2.3-99999999999999999999999
            1.2.3-rc.1+build = 1.2.3-rc.1+other
            1.2.3+1 = 1.2.3
            9.9.9 < 10.0.0
        ",
        );
    }

    #[test]
    fn loose_forms_are_versions() {
        check(
            Npm,
            "
            v1.2.3 = 1.2.3
            =1.2.3 = 1.2.3
            = v 1.2.3 = 1.2.3
            1.2.3beta = 1.2.3-beta
            01.02.03 = 1.2.3
            1.2.3- = 1.2.3--
            1.2.3-01 = 1.2.3-1
            9007199254740991.0.0 > 1.0.0
        ",
        );
        check_refused(
            Npm,
            &[
                "",
                "1",
                "1.2",
                "1.2.x",
                "1.2.3.4",
                "1.2.3-a..b",
                "1.2.3+",
                "latest",
                "9007199254740992.0.0",
                "1.2.99999999999999999999",
                "1.2.3-ä",
            ],
        );
    }
}
