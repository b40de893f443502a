//! Entries of `ignore` in `.suture.yml`.

use super::package::PackagePattern;
use crate::finding::Finding;
use crate::ids::Fingerprint;
use globset::{GlobBuilder, GlobMatcher};
use jiff::civil::Date;
use serde::Deserialize;
use serde_saphyr::{Location, Spanned};
use std::fmt;

/// One entry: what is not to be reported, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Ignore {
    /// What it is about.
    pub target: Target,
    /// Only for this package: its name, or a purl with or without a version.
    pub package: Option<PackagePattern>,
    /// Only for files that match.
    pub path: Option<PathPattern>,
    /// Why.
    pub reason: String,
    /// The last day on which it holds.
    pub expires: Option<Date>,
    /// The file that has the entry.
    pub file: String,
    /// Its line, from 1.
    pub line: u32,
}

/// What an entry is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// An advisory by its id or any alias, or a rule, in any case of letters.
    Id(String),
    /// One finding.
    Fingerprint(Fingerprint),
}

/// A glob over the whole path: `*` and `?` stay within a folder, `**` does not.
#[derive(Debug, Clone)]
pub struct PathPattern(GlobMatcher);

/// An entry as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawIgnore {
    id: Option<Spanned<String>>,
    fingerprint: Option<Spanned<String>>,
    package: Option<Spanned<String>>,
    path: Option<Spanned<String>>,
    reason: Option<Spanned<String>>,
    expires: Option<Spanned<String>>,
}

impl Ignore {
    /// Whether `finding` is meant, expired or not.
    pub fn matches(&self, finding: &Finding) -> bool {
        let is_target = match &self.target {
            Target::Id(id) => {
                let mut ids = std::iter::once(&finding.rule).chain(&finding.advisories);
                ids.any(|known| known.eq_ignore_ascii_case(id))
            }
            Target::Fingerprint(fingerprint) => *fingerprint == finding.fingerprint,
        };
        is_target
            && self
                .package
                .as_ref()
                .is_none_or(|pattern| finding.package.as_ref().is_some_and(|of| pattern.matches(of)))
            && self.path.as_ref().is_none_or(|pattern| pattern.0.is_match(&finding.path))
    }

    /// Whether it no longer holds on the day `today`.
    pub fn is_expired(&self, today: Date) -> bool {
        self.expires.is_some_and(|last| last < today)
    }

    /// Checks what is written; an error has its place.
    pub(crate) fn from_raw(file: &str, entry: Spanned<RawIgnore>) -> Result<Self, (Location, String)> {
        let at = entry.referenced;
        let raw = entry.value;
        let target = match (raw.id, raw.fingerprint) {
            (Some(id), None) => {
                Target::Id(filled(id).map_err(|at| (at, "`id` is empty: name an advisory or a rule".to_owned()))?)
            }
            (None, Some(text)) => {
                let fingerprint = text.value.parse().map_err(|error| (text.referenced, format!("{error}")))?;
                Target::Fingerprint(fingerprint)
            }
            _ => return Err((at, "an entry of `ignore` needs an `id` or a `fingerprint`, and not both".to_owned())),
        };
        let reason = raw.reason.ok_or(at).and_then(filled);
        Ok(Self {
            target,
            package: raw
                .package
                .map(|text| text.value.parse().map_err(|error| (text.referenced, error)))
                .transpose()?,
            path: raw.path.map(|text| glob(&text.value).map_err(|error| (text.referenced, error))).transpose()?,
            reason: reason
                .map_err(|at| (at, "an entry of `ignore` needs a `reason`: say why it is safe".to_owned()))?,
            expires: raw.expires.map(|text| date(&text.value).map_err(|error| (text.referenced, error))).transpose()?,
            file: file.to_owned(),
            line: u32::try_from(at.line()).unwrap_or(u32::MAX),
        })
    }
}

impl fmt::Display for Ignore {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: the ignore entry of {}", self.file, self.line, self.target)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => out.write_str(id),
            Self::Fingerprint(fingerprint) => fingerprint.fmt(out),
        }
    }
}

impl PartialEq for PathPattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.glob() == other.0.glob()
    }
}

fn filled(text: Spanned<String>) -> Result<String, Location> {
    let trimmed = text.value.trim();
    if trimmed.is_empty() { Err(text.referenced) } else { Ok(trimmed.to_owned()) }
}

fn glob(text: &str) -> Result<PathPattern, String> {
    let relative = text.trim_start_matches("./").trim_start_matches('/');
    let glob = GlobBuilder::new(relative).literal_separator(true).build();
    glob.map(|glob| PathPattern(glob.compile_matcher())).map_err(|error| format!("`path` is no glob: {}", error.kind()))
}

fn date(text: &str) -> Result<Date, String> {
    let is_shaped = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let date = if is_shaped { text.parse().ok() } else { None };
    date.ok_or_else(|| format!("`{}` is not a date: write it as 2026-12-31", text.chars().take(40).collect::<String>()))
}
