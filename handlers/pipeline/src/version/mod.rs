//! Versions: how each ecosystem orders them.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Whose packages and versions are meant, by the names of the OSV schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Ecosystem {
    /// npm: SemVer as node reads it.
    #[serde(rename = "npm")]
    Npm,
    /// PyPI: PEP 440.
    PyPI,
}

impl Ecosystem {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Npm, Self::PyPI];
}

impl fmt::Display for Ecosystem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Npm => "npm",
            Self::PyPI => "PyPI",
        })
    }
}

impl FromStr for Ecosystem {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|known| known.to_string().eq_ignore_ascii_case(text)).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(ToString::to_string).collect();
            format!("`{text}` is not an ecosystem; use one of {}", known.join(", "))
        })
    }
}

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
    Npm(nodejs_semver::Version),
    PyPI(pep440_rs::Version),
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
    pub fn parse(ecosystem: Ecosystem, text: &str) -> Result<Self, VersionError> {
        let error = || VersionError { ecosystem, text: text.chars().take(120).collect() };
        let parsed = match ecosystem {
            Ecosystem::Npm => Parsed::Npm(nodejs_semver::Version::parse(text).map_err(|_| error())?),
            Ecosystem::PyPI => Parsed::PyPI(text.parse().map_err(|_| error())?),
        };
        Ok(Self { raw: text.to_owned(), parsed })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.raw
    }

    /// Whose version it is.
    pub fn ecosystem(&self) -> Ecosystem {
        match self.parsed {
            Parsed::Npm(_) => Ecosystem::Npm,
            Parsed::PyPI(_) => Ecosystem::PyPI,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.raw)
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        match (&self.parsed, &other.parsed) {
            (Parsed::Npm(a), Parsed::Npm(b)) => a.cmp(b),
            (Parsed::PyPI(a), Parsed::PyPI(b)) => a.cmp(b),
            _ => self.ecosystem().cmp(&other.ecosystem()),
        }
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}
