//! Packages as people and documents name them.

use crate::advisory::normalised_name;
use crate::finding::PackageRef;
use crate::version::Ecosystem;
use packageurl::PackageUrl;
use std::collections::BTreeMap;
use std::str::FromStr;

/// A package by its name in any ecosystem, or by its purl.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PackagePattern {
    /// The name as written, or as the registry knows it.
    Name(String),
    /// A purl; without a version, every version.
    Purl(PurlPattern),
}

/// A purl that stands for itself, or without a version for every version.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PurlPattern {
    /// Type, namespace and name.
    pub package: String,
    /// `None`: every version.
    pub version: Option<String>,
    /// Those that must be there; others may be.
    pub qualifiers: BTreeMap<String, String>,
}

impl PackagePattern {
    /// Whether `package` is meant.
    pub fn matches(&self, package: &PackageRef) -> bool {
        match self {
            Self::Name(name) if *name == package.name => true,
            Self::Name(name) => registry_name(&package.purl).is_some_and(|(kind, known)| match kind.as_str() {
                "pypi" => normalised_name(Ecosystem::PyPI, &known) == normalised_name(Ecosystem::PyPI, name),
                _ => known == *name,
            }),
            Self::Purl(pattern) => package.purl.parse().is_ok_and(|purl| pattern.matches(&purl)),
        }
    }
}

impl FromStr for PackagePattern {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("`package` is empty: write a name or a purl, or leave it out".to_owned());
        }
        if text.starts_with("pkg:") { text.parse().map(Self::Purl) } else { Ok(Self::Name(text.to_owned())) }
    }
}

impl PurlPattern {
    /// Whether `purl`, the purl of one package and version, is meant.
    pub fn matches(&self, purl: &Self) -> bool {
        self.package == purl.package
            && self.version.as_ref().is_none_or(|version| purl.version.as_ref() == Some(version))
            && self.qualifiers.iter().all(|(key, value)| purl.qualifiers.get(key) == Some(value))
    }
}

impl FromStr for PurlPattern {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let purl = PackageUrl::from_str(text)
            .map_err(|error| format!("`{}` is not a purl: {error}", text.chars().take(200).collect::<String>()))?;
        let name = if purl.ty() == "pypi" {
            normalised_name(Ecosystem::PyPI, purl.name()).into_owned()
        } else {
            purl.name().to_owned()
        };
        let qualifiers = purl.qualifiers().iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        Ok(Self {
            package: format!("{}/{}/{name}", purl.ty(), purl.namespace().unwrap_or_default()),
            version: purl.version().map(str::to_owned),
            qualifiers,
        })
    }
}

/// Type and full name: `npm` and `@babel/core`.
fn registry_name(purl: &str) -> Option<(String, String)> {
    let purl = PackageUrl::from_str(purl).ok()?;
    let name = match purl.namespace() {
        Some(namespace) => format!("{namespace}/{}", purl.name()),
        None => purl.name().to_owned(),
    };
    Some((purl.ty().to_owned(), name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Scope;

    fn check(pattern: &str, purl: &str, name: &str, expect: bool) {
        let package = PackageRef {
            purl: purl.into(),
            name: name.into(),
            version: String::new(),
            scope: Scope::Prod,
            direct: true,
        };
        let pattern: PackagePattern = pattern.parse().unwrap();
        assert_eq!(pattern.matches(&package), expect, "{pattern:?} {purl}");
    }

    #[test]
    fn names_are_matched_as_the_ecosystem_does() {
        check("lodash", "pkg:npm/lodash@4.17.20", "lodash", true);
        check("Lodash", "pkg:npm/lodash@4.17.20", "lodash", false);
        check("@babel/core", "pkg:npm/%40babel/core@7.0.0", "@babel/core", true);
        check("lodash", "pkg:npm/lodash@4.17.20", "my-alias", true);
        check("@babel/core", "pkg:npm/%40babel/core@7.0.0", "my-alias", true);
        check("core", "pkg:npm/%40babel/core@7.0.0", "@babel/core", false);
        check("zope__interface-", "pkg:pypi/zope-interface@5", "Zope.Interface", false);
        check("zope_interface", "pkg:pypi/zope-interface@5", "Zope.Interface", true);
    }

    #[test]
    fn purls_without_a_version_are_every_version() {
        check("pkg:npm/lodash", "pkg:npm/lodash@4.17.20", "lodash", true);
        check("pkg:npm/lodash@4.17.20", "pkg:npm/lodash@4.17.20", "lodash", true);
        check("pkg:npm/lodash@4.17.21", "pkg:npm/lodash@4.17.20", "lodash", false);
        check("pkg:pypi/lodash", "pkg:npm/lodash@4.17.20", "lodash", false);
        check("pkg:npm/@babel/core", "pkg:npm/%40babel/core@7.0.0", "@babel/core", true);
        check("pkg:pypi/Zope_Interface@5", "pkg:pypi/zope.interface@5", "x", true);
        check("pkg:npm/a?arch=x", "pkg:npm/a@1", "a", false);
        check("pkg:npm/a", "pkg:npm/a@1?arch=x", "a", true);
        check("pkg:npm/a", "", "a", false);
    }

    #[test]
    fn broken_purls_are_errors() {
        assert!("pkg:npm".parse::<PackagePattern>().is_err());
        assert!(" ".parse::<PackagePattern>().is_err());
    }
}
