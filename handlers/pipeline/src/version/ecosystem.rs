//! Ecosystem: whose packages and versions are meant.

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
    /// Go modules: SemVer, written without the `v`, pseudo-versions included.
    Go,
    /// crates.io: SemVer as cargo reads it.
    #[serde(rename = "crates.io")]
    CratesIo,
    /// Maven: the order of its `ComparableVersion`.
    Maven,
    /// NuGet: SemVer with four numbers, whatever the case of letters.
    NuGet,
    /// RubyGems: the order of `Gem::Version`.
    RubyGems,
    /// Packagist: the order of Composer.
    Packagist,
    /// Debian packages: the order of dpkg.
    Debian,
    /// Alpine packages: the order of apk.
    Alpine,
    /// Red Hat packages: epoch, version and release in the order of rpm.
    #[serde(rename = "Red Hat")]
    RedHat,
}

impl Ecosystem {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Npm,
        Self::PyPI,
        Self::Go,
        Self::CratesIo,
        Self::Maven,
        Self::NuGet,
        Self::RubyGems,
        Self::Packagist,
        Self::Debian,
        Self::Alpine,
        Self::RedHat,
    ];

    /// The name that OSV gives it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::PyPI => "PyPI",
            Self::Go => "Go",
            Self::CratesIo => "crates.io",
            Self::Maven => "Maven",
            Self::NuGet => "NuGet",
            Self::RubyGems => "RubyGems",
            Self::Packagist => "Packagist",
            Self::Debian => "Debian",
            Self::Alpine => "Alpine",
            Self::RedHat => "Red Hat",
        }
    }
}

impl fmt::Display for Ecosystem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

impl FromStr for Ecosystem {
    type Err = String;

    /// Reads a name in any case of letters; what follows a colon (`Debian:12`) says which release and is dropped.
    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.split_once(':').map_or(text, |(name, _release)| name);
        Self::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(name)).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|known| known.name()).collect();
            let shown: String = text.chars().take(120).collect();
            format!("`{shown}` is not an ecosystem; use one of {}", known.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_printed() {
        for ecosystem in Ecosystem::ALL {
            assert_eq!(ecosystem.to_string().parse(), Ok(ecosystem));
            let json = serde_json::to_string(&ecosystem).unwrap();
            assert_eq!(json, format!("\"{ecosystem}\""));
            assert_eq!(serde_json::from_str::<Ecosystem>(&json).unwrap(), ecosystem);
        }
    }

    #[test]
    fn release_of_a_distribution_is_dropped() {
        assert_eq!("Debian:12".parse(), Ok(Ecosystem::Debian));
        assert_eq!("Alpine:v3.18".parse(), Ok(Ecosystem::Alpine));
        assert_eq!("Red Hat:enterprise_linux:9::appstream".parse(), Ok(Ecosystem::RedHat));
        assert_eq!("CRATES.IO".parse(), Ok(Ecosystem::CratesIo));
    }

    #[test]
    fn unknown_name_lists_the_known_ones() {
        let error = "Hex".parse::<Ecosystem>().unwrap_err();
        assert!(error.contains("`Hex`") && error.contains("Red Hat"), "{error}");
        assert!("".parse::<Ecosystem>().is_err());
    }
}
