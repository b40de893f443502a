//! Version change: how far apart two versions are, and whether going from one to the other may break its users.

use super::digits::{compare_numbers, split_digits};
use super::{Ecosystem, Version};
use std::fmt;

/// How two versions differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionChange {
    part: ChangedPart,
    breaking: bool,
}

/// The leftmost part in which two versions differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangedPart {
    /// They are equal in the order.
    Nothing,
    /// Only what follows the first three numbers: pre-release, fourth number, revision of a distribution.
    Prerelease,
    /// The third number.
    Patch,
    /// The second number.
    Minor,
    /// The first number, or the epoch.
    Major,
}

impl VersionChange {
    /// The leftmost part that differs.
    pub fn part(self) -> ChangedPart {
        self.part
    }

    /// Whether the ecosystem's convention lets such a change break users.
    ///
    /// A major change does. Under 1.0 so does a minor one, and under 0.1 in npm and crates.io a patch; not in PyPI and
    /// the distributions, where only the first number counts. A convention is no proof.
    pub fn is_breaking(self) -> bool {
        self.breaking
    }
}

impl fmt::Display for ChangedPart {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Nothing => "nothing",
            Self::Prerelease => "prerelease",
            Self::Patch => "patch",
            Self::Minor => "minor",
            Self::Major => "major",
        })
    }
}

impl Version {
    /// How this version differs from `other`, whichever is the newer. Versions of two ecosystems differ in all.
    pub fn change_to(&self, other: &Self) -> VersionChange {
        let ecosystem = self.ecosystem();
        let part = if ecosystem != other.ecosystem() {
            ChangedPart::Major
        } else if self == other {
            ChangedPart::Nothing
        } else {
            let (from, to) = (Numbers::of(self), Numbers::of(other));
            let differs = |index: usize| compare_numbers(from.at(index), to.at(index)).is_ne();
            if compare_numbers(from.epoch, to.epoch).is_ne() || differs(0) {
                ChangedPart::Major
            } else if differs(1) {
                ChangedPart::Minor
            } else if differs(2) {
                ChangedPart::Patch
            } else {
                ChangedPart::Prerelease
            }
        };
        let numbers = Numbers::of(self);
        let zero = |index: usize| compare_numbers(numbers.at(index), "0").is_eq();
        let breaking = match part {
            ChangedPart::Nothing | ChangedPart::Prerelease => false,
            ChangedPart::Patch => patch_may_break(ecosystem) && zero(0) && zero(1),
            ChangedPart::Minor => minor_may_break(ecosystem) && zero(0),
            ChangedPart::Major => true,
        };
        VersionChange { part, breaking }
    }
}

fn minor_may_break(ecosystem: Ecosystem) -> bool {
    match ecosystem {
        Ecosystem::PyPI | Ecosystem::Debian | Ecosystem::Alpine | Ecosystem::RedHat => false,
        Ecosystem::Npm
        | Ecosystem::Go
        | Ecosystem::CratesIo
        | Ecosystem::Maven
        | Ecosystem::NuGet
        | Ecosystem::RubyGems
        | Ecosystem::Packagist => true,
    }
}

fn patch_may_break(ecosystem: Ecosystem) -> bool {
    matches!(ecosystem, Ecosystem::Npm | Ecosystem::CratesIo)
}

/// The epoch and the first numbers of a version, as it is written; missing ones are empty, which is zero.
struct Numbers<'a> {
    epoch: &'a str,
    numbers: [&'a str; 3],
}

impl<'a> Numbers<'a> {
    fn of(version: &'a Version) -> Self {
        let text = version.as_str().trim_start_matches(|c: char| !c.is_ascii_digit());
        let (epoch, mut rest) = match split_digits(text) {
            (epoch, rest) if rest.starts_with([':', '!']) => (epoch, rest.get(1..).unwrap_or_default()),
            _ => ("", text),
        };
        let mut numbers = [""; 3];
        for number in &mut numbers {
            let (digits, after) = split_digits(rest);
            *number = digits;
            match after.strip_prefix('.') {
                Some(after) if !digits.is_empty() => rest = after,
                _ => break,
            }
        }
        Self { epoch, numbers }
    }

    fn at(&self, index: usize) -> &'a str {
        self.numbers.get(index).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::ChangedPart::{Major, Minor, Nothing, Patch, Prerelease};
    use super::*;

    fn check(ecosystem: Ecosystem, from: &str, to: &str, part: ChangedPart, breaking: bool) {
        let parse = |text| Version::parse(ecosystem, text).unwrap();
        assert_eq!(parse(from).change_to(&parse(to)), VersionChange { part, breaking }, "{ecosystem}: {from} to {to}");
    }

    #[test]
    fn leftmost_difference_is_the_change() {
        check(Ecosystem::Npm, "1.2.3", "1.2.3+b", Nothing, false);
        check(Ecosystem::Npm, "1.2.3-a", "1.2.3", Prerelease, false);
        check(Ecosystem::Npm, "1.2.3", "v1.2.4", Patch, false);
        check(Ecosystem::Npm, "1.2.3", "1.3.0", Minor, false);
        check(Ecosystem::Npm, "1.2.3", "2.0.0", Major, true);
        check(Ecosystem::Npm, "2.0.0", "1.2.3", Major, true);
        check(Ecosystem::NuGet, "1.2.3.4", "1.2.3.5", Prerelease, false);
        check(Ecosystem::Maven, "31.1-android", "31.1-jre", Prerelease, false);
        check(
            Ecosystem::Go,
            "0.0.0-20200101000000-abcdefabcdef",
            "0.0.0-20210101000000-abcdefabcdef",
            Prerelease,
            false,
        );
        check(Ecosystem::Packagist, "v5.4.0", "5.4.1", Patch, false);
    }

    #[test]
    fn versions_under_one_break_earlier() {
        check(Ecosystem::Npm, "0.1.2", "0.1.3", Patch, false);
        check(Ecosystem::Npm, "0.1.2", "0.2.0", Minor, true);
        check(Ecosystem::Npm, "0.0.1", "0.0.2", Patch, true);
        check(Ecosystem::CratesIo, "0.0.1", "0.0.2", Patch, true);
        check(Ecosystem::Go, "0.0.1", "0.0.2", Patch, false);
        check(Ecosystem::RubyGems, "0.1", "0.2", Minor, true);
    }

    #[test]
    fn only_the_first_number_breaks_in_pypi_and_distributions() {
        check(Ecosystem::PyPI, "0.1", "0.2", Minor, false);
        check(Ecosystem::PyPI, "1.9", "2.0", Major, true);
        check(Ecosystem::PyPI, "2.0", "1!2.0", Major, true);
        check(Ecosystem::PyPI, "1.0", "1.0.post1", Prerelease, false);
        check(Ecosystem::Debian, "1:2.36-9", "1:2.36-9+deb12u7", Prerelease, false);
        check(Ecosystem::Debian, "1:0.9-1", "2:0.9-1", Major, true);
        check(Ecosystem::RedHat, "0:4.18.0-553.el8", "4.18.0-560.el8", Prerelease, false);
        check(Ecosystem::Alpine, "1.2.3-r0", "1.2.4-r0", Patch, false);
    }
}
