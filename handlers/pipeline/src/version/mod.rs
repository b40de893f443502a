//! Versions: how each ecosystem orders them, and what a requirement allows.
//!
//! One file per ecosystem reads its versions and orders them; a text that it refuses has no place in the order, and
//! callers compare it as text.

mod alpine;
mod change;
mod crates_io;
mod debian;
mod digits;
mod ecosystem;
mod go;
mod maven;
mod npm;
mod nuget;
pub mod order_check;
mod packagist;
#[cfg(test)]
mod properties;
mod pypi;
mod red_hat;
pub mod requirement;
mod rubygems;
mod semantic;

pub use change::{ChangedPart, VersionChange};
pub use ecosystem::Ecosystem;

use std::cmp::Ordering;
use std::fmt;

/// The longest text that is read as a version; a longer one is none.
pub const VERSION_BYTES_MAX: usize = 1024;

/// A version that its ecosystem can order. Equality is that of the order (`1.0` equals `1.0.0` in PyPI).
///
/// Comparing versions of two ecosystems orders them by ecosystem first.
#[derive(Debug, Clone)]
pub struct Version {
    raw: String,
    parsed: Parsed,
}

#[derive(Debug, Clone)]
enum Parsed {
    Npm(semantic::Semantic),
    PyPI(pep440_rs::Version),
    Go(semantic::Semantic),
    CratesIo(semver::Version),
    Maven(maven::MavenVersion),
    NuGet(nuget::NuGetVersion),
    RubyGems(rubygems::GemVersion),
    Packagist(packagist::PackagistVersion),
    Debian(debian::DebianVersion),
    Alpine(alpine::AlpineVersion),
    RedHat(red_hat::RpmVersion),
}

/// A text that is not a version of its ecosystem.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a version of {ecosystem}")]
pub struct VersionError {
    ecosystem: Ecosystem,
    text: String,
}

impl Version {
    /// Reads a version as `ecosystem` writes it.
    ///
    /// As tolerant as the ecosystem's own tool; white space around it is ignored. A text over [`VERSION_BYTES_MAX`] is
    /// refused.
    pub fn parse(ecosystem: Ecosystem, text: &str) -> Result<Self, VersionError> {
        let parsed = Some(text).filter(|text| text.len() <= VERSION_BYTES_MAX).and_then(|text| parse(ecosystem, text));
        match parsed {
            Some(parsed) => Ok(Self { raw: text.to_owned(), parsed }),
            None => Err(VersionError { ecosystem, text: text.chars().take(120).collect() }),
        }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.raw
    }

    /// The first three numbers, missing ones zero: what distance is measured in. `None` in ecosystems other than npm and
    /// PyPI.
    pub fn numbers(&self) -> Option<[u64; 3]> {
        match &self.parsed {
            Parsed::Npm(version) => Some(version.numbers),
            Parsed::PyPI(version) => {
                let release = version.release();
                Some([0, 1, 2].map(|at| release.get(at).copied().unwrap_or(0)))
            }
            _ => None,
        }
    }

    /// Whether it is meant for the brave: `2.0.0-rc.1` in npm, `2.0rc1` in PyPI. False in other ecosystems.
    pub fn is_prerelease(&self) -> bool {
        match &self.parsed {
            Parsed::Npm(version) => !version.prerelease.is_empty(),
            Parsed::PyPI(version) => version.any_prerelease(),
            _ => false,
        }
    }

    /// Whose version it is.
    pub fn ecosystem(&self) -> Ecosystem {
        match self.parsed {
            Parsed::Npm(_) => Ecosystem::Npm,
            Parsed::PyPI(_) => Ecosystem::PyPI,
            Parsed::Go(_) => Ecosystem::Go,
            Parsed::CratesIo(_) => Ecosystem::CratesIo,
            Parsed::Maven(_) => Ecosystem::Maven,
            Parsed::NuGet(_) => Ecosystem::NuGet,
            Parsed::RubyGems(_) => Ecosystem::RubyGems,
            Parsed::Packagist(_) => Ecosystem::Packagist,
            Parsed::Debian(_) => Ecosystem::Debian,
            Parsed::Alpine(_) => Ecosystem::Alpine,
            Parsed::RedHat(_) => Ecosystem::RedHat,
        }
    }
}

fn parse(ecosystem: Ecosystem, text: &str) -> Option<Parsed> {
    match ecosystem {
        Ecosystem::Npm => npm::parse(text).map(Parsed::Npm),
        Ecosystem::PyPI => pypi::parse(text).map(Parsed::PyPI),
        Ecosystem::Go => go::parse(text).map(Parsed::Go),
        Ecosystem::CratesIo => crates_io::parse(text).map(Parsed::CratesIo),
        Ecosystem::Maven => maven::parse(text).map(Parsed::Maven),
        Ecosystem::NuGet => nuget::parse(text).map(Parsed::NuGet),
        Ecosystem::RubyGems => rubygems::parse(text).map(Parsed::RubyGems),
        Ecosystem::Packagist => packagist::parse(text).map(Parsed::Packagist),
        Ecosystem::Debian => debian::parse(text).map(Parsed::Debian),
        Ecosystem::Alpine => alpine::parse(text).map(Parsed::Alpine),
        Ecosystem::RedHat => red_hat::parse(text).map(Parsed::RedHat),
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.raw)
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.parsed, &other.parsed) {
            (Parsed::Npm(a), Parsed::Npm(b)) | (Parsed::Go(a), Parsed::Go(b)) => a.compare(b),
            (Parsed::PyPI(a), Parsed::PyPI(b)) => a.cmp(b),
            (Parsed::CratesIo(a), Parsed::CratesIo(b)) => crates_io::compare(a, b),
            (Parsed::Maven(a), Parsed::Maven(b)) => a.compare(b),
            (Parsed::NuGet(a), Parsed::NuGet(b)) => a.cmp(b),
            (Parsed::RubyGems(a), Parsed::RubyGems(b)) => a.compare(b),
            (Parsed::Packagist(a), Parsed::Packagist(b)) => a.compare(b),
            (Parsed::Debian(a), Parsed::Debian(b)) => a.compare(b),
            (Parsed::Alpine(a), Parsed::Alpine(b)) => a.compare(b),
            (Parsed::RedHat(a), Parsed::RedHat(b)) => a.compare(b),
            _ => self.ecosystem().cmp(&other.ecosystem()),
        }
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

#[cfg(test)]
mod tests {
    use super::{Ecosystem, Version};

    #[test]
    fn numbers_and_prereleases_are_those_of_the_order() {
        let check = |ecosystem, text, numbers, is_prerelease| {
            let version = Version::parse(ecosystem, text).unwrap();
            assert_eq!((version.numbers(), version.is_prerelease()), (numbers, is_prerelease), "{text}");
        };
        check(Ecosystem::Npm, "=1.2.3", Some([1, 2, 3]), false);
        check(Ecosystem::Npm, "v1.2.3beta", Some([1, 2, 3]), true);
        check(Ecosystem::PyPI, "1!2", Some([2, 0, 0]), false);
        check(Ecosystem::PyPI, "2.0.1.4rc1", Some([2, 0, 1]), true);
        check(Ecosystem::Go, "v1.2.3-rc.1", None, false);
    }
}
