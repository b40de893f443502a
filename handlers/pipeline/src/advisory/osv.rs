//! OSV records, read with tolerance: whatever is odd in one is said and left out, and the rest of it counts.
//!
//! A record is lost only if it is no JSON object, has no id, or is larger than [`RECORD_BYTES_MAX`]. Members that nobody
//! here knows are passed over. Each member is read on its own from its raw text, one level at a time, so that neither
//! depth nor a surprise in one place can cost the others.

mod read;

use super::severity::Rating;
use super::{Advisory, RangeEvent, normalised_name, range};
use crate::version::Ecosystem;
use jiff::Timestamp;
use read::{ID_BYTES_MAX, Members, RANGES_MAX, Reader, VERSIONS_MAX, is_id};
use std::collections::BTreeMap;

/// Bytes of one record. The largest known ones (kernels, distributions) have a few MiB.
pub const RECORD_BYTES_MAX: usize = 16 << 20;
const ALIASES_MAX: usize = 1000;
const AFFECTED_MAX: usize = 20_000;

/// A record of which nothing can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OsvError {
    /// Larger than [`RECORD_BYTES_MAX`].
    #[error("the record has {bytes} bytes, more than {RECORD_BYTES_MAX}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Not UTF-8, not JSON, or not an object.
    #[error("not a JSON object: {0}")]
    NotAnObject(String),
    /// Without an id nothing can be said of it.
    #[error("the record has no usable `id`")]
    NoId,
}

/// What Suture takes from one OSV record.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OsvRecord {
    /// `GHSA-…`, `PYSEC-…`, …
    pub id: String,
    /// When it was last changed.
    pub modified: Option<Timestamp>,
    /// It no longer holds.
    pub withdrawn: bool,
    /// Ids of the same vulnerability in other databases. `related` and `upstream` are not: see [`super::merge`].
    pub aliases: Vec<String>,
    /// One line; the first of `details` where there is no `summary`.
    pub summary: String,
    /// Severity of the whole record.
    pub rating: Rating,
    /// Packages.
    pub affected: Vec<Affected>,
    /// What was odd and has been left out, with the place.
    pub oddities: Vec<String>,
}

/// One package of a record.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Affected {
    /// As written: `npm`, `Debian:12`, or one that Suture doesn't know.
    pub ecosystem: String,
    /// As written.
    pub name: String,
    /// Severity for this package, where it has one of its own.
    pub rating: Rating,
    /// RustSec: `unmaintained`, `unsound`, `notice`.
    pub informational: Option<String>,
    /// Ranges of versions; those of git commits are left out.
    pub ranges: Vec<Vec<RangeEvent>>,
    /// Versions listed one by one.
    pub versions: Vec<String>,
}

/// A package, and the release of its distribution where it has them: what entries are joined by.
type AffectedPackage = (Ecosystem, String, Option<String>);

impl Affected {
    /// `None`: of an ecosystem that Suture doesn't know.
    fn package(&self) -> Option<AffectedPackage> {
        let ecosystem = self.ecosystem.parse::<Ecosystem>().ok()?;
        let release = self.ecosystem.split_once(':').map(|(_, release)| release.to_owned());
        Some((ecosystem, normalised_name(ecosystem, &self.name).into_owned(), release))
    }

    /// Leaves out what is more, together with the entries of its package before, than one entry may have. `joined`: ranges and versions so far.
    fn fit(&mut self, joined: &mut BTreeMap<AffectedPackage, (usize, usize)>) -> Result<(), String> {
        let Some(package) = self.package() else { return Ok(()) };
        let (ranges, versions) = joined.entry(package).or_default();
        let (more_ranges, more_versions) = (self.ranges.len(), self.versions.len());
        self.ranges.truncate(RANGES_MAX.saturating_sub(*ranges));
        self.versions.truncate(VERSIONS_MAX.saturating_sub(*versions));
        *ranges += self.ranges.len();
        *versions += self.versions.len();
        match self.ranges.len() == more_ranges && self.versions.len() == more_versions {
            true => Ok(()),
            false => {
                Err(format!("only the first {RANGES_MAX} ranges and {VERSIONS_MAX} versions of {} are read", self.name))
            }
        }
    }
}

impl OsvRecord {
    /// Reads one record.
    pub fn parse(bytes: &[u8]) -> Result<Self, OsvError> {
        if bytes.len() > RECORD_BYTES_MAX {
            return Err(OsvError::TooLarge { bytes: bytes.len() });
        }
        let text = std::str::from_utf8(bytes).map_err(|error| OsvError::NotAnObject(error.to_string()))?;
        let text = text.trim_start_matches('\u{feff}');
        let members: Members = serde_json::from_str(text).map_err(|error| OsvError::NotAnObject(error.to_string()))?;
        let mut reader = Reader::default();
        let id = reader.text(&members, "id", ID_BYTES_MAX).filter(|id| is_id(id)).ok_or(OsvError::NoId)?;
        let mut record = Self {
            modified: reader.read(&members, "modified"),
            // A time that can't be read is odd, and the record stays in force.
            withdrawn: reader.read::<Timestamp>(&members, "withdrawn").is_some(),
            aliases: reader.texts(&members, "aliases", ALIASES_MAX),
            summary: reader.summary(&members),
            rating: reader.rating(&members),
            ..Self::default()
        };
        record.aliases.retain(|alias| is_id(alias) && *alias != id);
        record.id = id;
        let mut joined = BTreeMap::new();
        for (at, entry) in reader.list(&members, "affected", AFFECTED_MAX).into_iter().enumerate() {
            match reader.affected(entry) {
                Ok(mut affected) => {
                    if let Err(reason) = affected.fit(&mut joined) {
                        reader.odd(format!("affected[{at}]: {reason}"));
                    }
                    record.affected.push(affected);
                }
                Err(reason) => reader.odd(format!("affected[{at}]: {reason}")),
            }
        }
        record.oddities = reader.oddities;
        Ok(record)
    }

    /// The compact form for each package of an ecosystem that Suture knows. Several entries of one package become one.
    pub fn advisories(&self) -> Vec<(Ecosystem, String, Advisory)> {
        let mut packages: BTreeMap<AffectedPackage, (Advisory, Rating)> = BTreeMap::new();
        for affected in &self.affected {
            let Some(package) = affected.package() else { continue };
            let (advisory, rating) = packages.entry(package).or_default();
            advisory.ranges.extend(affected.ranges.iter().cloned());
            advisory.versions.extend(affected.versions.iter().cloned());
            advisory.informational = advisory.informational.take().or_else(|| affected.informational.clone());
            rating.join(&affected.rating);
        }
        let worst = self.worst_rating();
        let compact = |((ecosystem, name, release), (advisory, rating)): (_, (Advisory, Rating))| {
            let rating = if rating.is_empty() { self.rating } else { rating };
            let versions = range::without_redundant(ecosystem, &advisory.ranges, advisory.versions);
            let advisory = Advisory {
                id: self.id.clone(),
                aliases: self.aliases.clone(),
                summary: self.summary.clone(),
                score: rating.score,
                rating: rating.word,
                automatable: worst.automatable,
                total_impact: worst.total_impact,
                malicious: self.id.starts_with("MAL-"),
                release,
                versions,
                ..advisory
            };
            (ecosystem, name, advisory)
        };
        packages.into_iter().map(compact).collect()
    }

    /// The highest severity that is said anywhere in the record.
    pub fn worst_rating(&self) -> Rating {
        let mut rating = self.rating;
        self.affected.iter().for_each(|affected| rating.join(&affected.rating));
        rating
    }
}

#[cfg(test)]
mod tests;
