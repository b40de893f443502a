//! Advisories: what is known to be wrong with which versions of a package.
//!
//! Bytes become an [`osv::OsvRecord`], records that mean the same vulnerability are joined by [`merge::Merger`], and what
//! is left of each, package by package, is an [`Advisory`]: small enough that an index holds hundreds of thousands.

mod alias;
pub mod exploitation;
pub mod group;
pub mod merge;
pub mod name;
pub mod osv;
mod range;
pub mod severity;

pub use group::{AdvisoryGroup, groups};
pub use name::normalised_name;

use crate::finding::Severity;
use crate::version::{Ecosystem, Version};
use serde::{Deserialize, Serialize};

/// What one record says of one package: the compact form that the index keeps.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Advisory {
    /// Id of the record: `GHSA-…`, `PYSEC-…`, `CVE-…`, `MAL-…`.
    pub id: String,
    /// Other ids of the same vulnerability, closed over all records that were merged, without `id`.
    pub aliases: Vec<String>,
    /// One line.
    pub summary: String,
    /// From the CVSS vectors of this record or of any alias, the highest; `None` where there is none.
    pub score: Option<f64>,
    /// Severity that the record or an alias gives in a word (`database_specific.severity` of GHSA), the highest.
    /// It counts only where there is no `score`.
    #[serde(default)]
    pub rating: Option<Severity>,
    /// Whether a CVSS vector of this record or of any alias says that an attack can be automated.
    #[serde(default)]
    pub automatable: bool,
    /// Whether a CVSS vector of this record or of any alias says that an attack gets everything.
    #[serde(default)]
    pub total_impact: bool,
    /// Whether its id or an alias is in CISA's catalogue of known exploited vulnerabilities.
    #[serde(default)]
    pub known_exploited: bool,
    /// The highest EPSS score of its id and aliases: probability of exploitation within 30 days, 0 to 1.
    #[serde(default)]
    pub epss: Option<f64>,
    /// `MAL-…` records: the release was made to do harm.
    pub malicious: bool,
    /// RustSec: not a vulnerability but `unmaintained`, `unsound` or `notice`.
    #[serde(default)]
    pub informational: Option<String>,
    /// Release of the distribution that this is about: `12` of `Debian:12`. `None`: the ecosystem has no releases.
    #[serde(default)]
    pub release: Option<String>,
    /// Ranges that are affected.
    pub ranges: Vec<Vec<RangeEvent>>,
    /// Versions that are affected, listed one by one. Those that `ranges` hold anyway are left out.
    pub versions: Vec<String>,
}

/// One event of an OSV range, in the order of the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RangeEvent {
    /// The first version affected. `0`: from the beginning.
    Introduced(String),
    /// The first version that no longer is.
    Fixed(String),
    /// The last version that is.
    LastAffected(String),
    /// Where the range ends without saying anything of what follows. `*`: nowhere.
    Limit(String),
}

impl Advisory {
    /// Severity of the score; without one the word that the record or an alias gives.
    ///
    /// A malicious release that nobody rated is critical, as the databases that do rate them say of every one.
    pub fn severity(&self) -> Severity {
        let unrated = if self.malicious { Severity::Critical } else { Severity::Unknown };
        self.score.map_or_else(|| self.rating.unwrap_or(unrated), Severity::of_score)
    }

    /// Whether `version` is affected, by the evaluation rules of the OSV specification: it is listed, or a range holds it.
    ///
    /// A bound that its ecosystem can't read never hides a version: see `range` for what is taken instead.
    pub fn affects(&self, version: &Version) -> bool {
        range::affects(self, version)
    }

    /// Whether a version that its ecosystem can't read is listed, letter by letter. Ranges can't say anything of it.
    pub fn lists(&self, version: &str) -> bool {
        self.versions.iter().any(|listed| listed == version)
    }

    /// Versions at which an affected range that holds `version` ends, ascending; such that are not affected themselves.
    ///
    /// Empty where a range ends with `last_affected`, or not at all: which version is good, the record does not say.
    pub fn fixed_versions(&self, ecosystem: Ecosystem, version: &Version) -> Vec<String> {
        range::fixed_versions(self, ecosystem, version)
    }
}
