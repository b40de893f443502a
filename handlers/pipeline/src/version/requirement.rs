//! Requirement: which versions a manifest lets in, and how to rewrite it so that it lets one more in.

mod npm_bump;
mod npm_range;
mod pypi_bump;
mod pypi_specifiers;

use super::{Ecosystem, Parsed, Version};
use npm_range::NpmRange;
use pypi_specifiers::Specifiers;
use std::fmt;

/// The longest text that is read as a requirement; a longer one is an error.
pub const REQUIREMENT_BYTES_MAX: usize = 4096;

/// What a manifest writes after the name of a package.
#[derive(Debug, Clone)]
pub struct Requirement {
    raw: String,
    ecosystem: Ecosystem,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Npm(NpmRange),
    PyPI(Specifiers),
    /// `npm:NAME@RANGE`: another package under this name. The range is `None` where it names a tag.
    Alias {
        target: String,
        range: Option<NpmRange>,
        range_text: String,
    },
    /// A tag, an address, a file, a workspace.
    Opaque,
}

/// A text that is not a requirement of its ecosystem.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequirementError {
    /// It is over [`REQUIREMENT_BYTES_MAX`].
    #[error("a requirement of {bytes} bytes is over the limit of {REQUIREMENT_BYTES_MAX}")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// The ecosystem does not write it so.
    #[error("`{text}` is not a requirement of {ecosystem}")]
    Malformed {
        /// Whose it should be.
        ecosystem: Ecosystem,
        /// Its beginning.
        text: String,
    },
    /// Requirements are read for npm and PyPI only.
    #[error("requirements of {0} are not read")]
    Unsupported(Ecosystem),
}

impl Requirement {
    /// Reads what a manifest of `ecosystem` writes after the name of a package; nothing written means any release.
    ///
    /// npm: a range in node's loose reading (parts that it can't read are dropped, as npm does); what is none, such as
    /// `latest` or an address, is opaque and no error. PyPI: PEP 440 specifiers, in parentheses or not; `@ ADDRESS` is
    /// opaque.
    pub fn parse(ecosystem: Ecosystem, text: &str) -> Result<Self, RequirementError> {
        if text.len() > REQUIREMENT_BYTES_MAX {
            return Err(RequirementError::TooLong { bytes: text.len() });
        }
        let trimmed = text.trim();
        let kind = match ecosystem {
            Ecosystem::Npm => Some(npm(trimmed)),
            Ecosystem::PyPI if trimmed.starts_with('@') => Some(Kind::Opaque),
            Ecosystem::PyPI => pypi_specifiers::parse(trimmed).map(Kind::PyPI),
            _ => return Err(RequirementError::Unsupported(ecosystem)),
        };
        let malformed = || RequirementError::Malformed { ecosystem, text: text.chars().take(120).collect() };
        Ok(Self { raw: text.to_owned(), ecosystem, kind: kind.ok_or_else(malformed)? })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.raw
    }

    /// Whose requirement it is.
    pub fn ecosystem(&self) -> Ecosystem {
        self.ecosystem
    }

    /// Whether it decides by version. If not (a tag, an address, a file, a workspace), [`Self::allows`] says nothing.
    pub fn is_range(&self) -> bool {
        match &self.kind {
            Kind::Npm(_) | Kind::PyPI(_) => true,
            Kind::Alias { range, .. } => range.is_some(),
            Kind::Opaque => false,
        }
    }

    /// The package that an alias stands for: `other` of `npm:other@^1`.
    pub fn alias_target(&self) -> Option<&str> {
        match &self.kind {
            Kind::Alias { target, .. } => Some(target),
            Kind::Npm(_) | Kind::PyPI(_) | Kind::Opaque => None,
        }
    }

    /// Whether it lets `version` in. False for a version of another ecosystem and where it is no range.
    ///
    /// Pre-releases: in npm only where a comparator names one of the same three numbers; in PyPI only where a
    /// specifier names one.
    pub fn allows(&self, version: &Version) -> bool {
        match (&self.kind, &version.parsed) {
            (Kind::Npm(range) | Kind::Alias { range: Some(range), .. }, Parsed::Npm(parsed)) => range.allows(parsed),
            (Kind::PyPI(specifiers), Parsed::PyPI(parsed)) => specifiers.allows(parsed, version.as_str()),
            _ => false,
        }
    }

    /// The requirement rewritten, in the style it is written in, so that it lets `to` in; unchanged if it does already.
    ///
    /// An exact version stays exact, a caret a caret, a tilde a tilde, and `1.2` gets two numbers again; what is made
    /// of several parts becomes a caret in npm, and in PyPI only the part that is in the way changes. `None` where that
    /// can't be said: no range, a lower bound over `to`, a version of another ecosystem.
    pub fn bump(&self, to: &Version) -> Option<String> {
        if self.allows(to) {
            return Some(self.raw.clone());
        }
        let bumped = match (&self.kind, &to.parsed) {
            (Kind::Npm(_), Parsed::Npm(parsed)) => npm_bump::bump(self.raw.trim(), parsed),
            (Kind::Alias { target, range: Some(_), range_text }, Parsed::Npm(parsed)) => {
                npm_bump::bump(range_text, parsed).map(|range| format!("npm:{target}@{range}"))
            }
            (Kind::PyPI(_), Parsed::PyPI(parsed)) => pypi_bump::bump(&self.raw, parsed, to.as_str().trim()),
            _ => None,
        }?;
        Self::parse(self.ecosystem, &bumped).ok().filter(|requirement| requirement.allows(to)).map(|_| bumped)
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.raw)
    }
}

fn npm(text: &str) -> Kind {
    if let Some(alias) = text.strip_prefix("npm:") {
        // The first `@` of a scoped name belongs to the name.
        let at = alias.rfind('@').filter(|at| *at > 0).unwrap_or(alias.len());
        let (target, range_text) = alias.split_at(at);
        let range_text = range_text.trim_start_matches('@').trim();
        return if target.is_empty() {
            Kind::Opaque
        } else {
            Kind::Alias {
                target: target.to_owned(),
                range: npm_range::parse(range_text),
                range_text: range_text.to_owned(),
            }
        };
    }
    if text.contains(['/', ':', '\\']) {
        return Kind::Opaque;
    }
    npm_range::parse(text).map_or(Kind::Opaque, Kind::Npm)
}

#[cfg(test)]
mod tests;
