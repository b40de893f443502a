//! What a detector reports.

use crate::decision::priority::Risk;
use crate::ids::Fingerprint;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How bad a finding is. Ordered: `Unknown` is below `Low`, and no policy may heal it unattended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nobody said.
    Unknown,
    /// CVSS 0.1 to 3.9 (and 0.0).
    Low,
    /// CVSS 4.0 to 6.9.
    Medium,
    /// CVSS 7.0 to 8.9.
    High,
    /// CVSS 9.0 to 10.0.
    Critical,
}

impl Severity {
    /// All severities, worst first: the order in which people read them.
    pub const WORST_FIRST: [Self; 5] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Unknown];

    /// The severity of a CVSS base score, by the qualitative scale of the specification.
    pub fn of_score(score: f64) -> Self {
        match score {
            s if s.is_nan() => Self::Unknown,
            s if s >= 9.0 => Self::Critical,
            s if s >= 7.0 => Self::High,
            s if s >= 4.0 => Self::Medium,
            _ => Self::Low,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Unknown => "unknown",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        })
    }
}

impl FromStr for Severity {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "unknown" => Ok(Self::Unknown),
            "low" => Ok(Self::Low),
            "medium" | "moderate" => Ok(Self::Medium),
            "high" => Ok(Self::High),
            "critical" => Ok(Self::Critical),
            _ => Err(format!("`{text}` is not a severity; use critical, high, medium, low or unknown")),
        }
    }
}

/// Whether a fix is known for a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fix {
    /// Some version is not affected.
    Available,
    /// The advisory names no version that is not affected.
    None,
    /// It could not be asked.
    Unknown,
}

/// Where in the life of a project a dependency is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// At run time.
    Prod,
    /// At run time, where it can be installed.
    Optional,
    /// While developing, building or testing.
    Dev,
}

impl fmt::Display for Scope {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Prod => "prod",
            Self::Optional => "optional",
            Self::Dev => "dev",
        })
    }
}

/// Whether the files of a repository import a package: name it, or name one that brings it in. The less certain it is that they
/// don't, the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Imported {
    /// All of them were read, and none does.
    NotSeen,
    /// It can't be said.
    #[default]
    Unknown,
    /// One names it. That may be a comment: it is no proof of use.
    Seen,
}

/// The package that a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageRef {
    /// Package URL, normalised by the rules of its type.
    pub purl: String,
    /// The name as it is written in the manifest or lockfile.
    pub name: String,
    /// The version as it is written.
    pub version: String,
    /// What it is used for.
    pub scope: Scope,
    /// Whether the project itself asks for it.
    pub direct: bool,
}

/// One wound: a package, version and alias group; a rule in a place; a secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Identity across moves and renames.
    pub fingerprint: Fingerprint,
    /// What kind of trouble, as policies name it: `vulnerability.dependency`.
    pub event_type: String,
    /// The rule or the leading advisory id.
    pub rule: String,
    /// The worst severity that any source gives.
    pub severity: Severity,
    /// How certain the detection is, 0 to 1.
    pub confidence: f64,
    /// One line for people.
    pub title: String,
    /// Path from the root of the tree, with `/`.
    pub path: String,
    /// Line, from 1.
    pub line: Option<u32>,
    /// The package, for findings about one.
    pub package: Option<PackageRef>,
    /// Every record id and alias of the group.
    pub advisories: Vec<String>,
    /// Versions that are the first not to be affected, ascending.
    pub fixed_versions: Vec<String>,
    /// Whether a fix is known.
    pub fix: Fix,
    /// How dangerous it is, as far as anybody says.
    #[serde(default, skip_serializing_if = "Risk::is_unknown")]
    pub risk: Risk,
    /// Whether what has it is imported.
    #[serde(default, skip_serializing_if = "is_default")]
    pub imported: Imported,
}

/// Whether a member says no more than its absence would.
fn is_default<T: Default + PartialEq>(member: &T) -> bool {
    *member == T::default()
}

/// Something that could not be read, said instead of being passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanError {
    /// Path from the root of the tree; empty where it concerns the whole scan.
    pub path: String,
    /// Line, from 1.
    pub line: Option<u32>,
    /// What is wrong, and what to do.
    pub message: String,
}

impl Finding {
    /// Whether a release is meant that was made to do harm, which is no weakness of what it is used for.
    pub fn is_malicious(&self) -> bool {
        self.advisories.iter().any(|id| id.starts_with("MAL-"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_less_certain_to_be_unused_is_more() {
        assert!(Imported::NotSeen < Imported::Unknown && Imported::Unknown < Imported::Seen);
    }

    #[test]
    fn imported_is_written_only_where_something_is_said() {
        for (said, expect) in
            [(None, Imported::Unknown), (Some("seen"), Imported::Seen), (Some("not_seen"), Imported::NotSeen)]
        {
            let mut written = serde_json::json!({
                "fingerprint": "0123456789abcdef0123456789abcdef", "event_type": "vulnerability.dependency", "rule": "r",
                "severity": "high", "confidence": 1.0, "title": "t", "path": "p", "line": null, "package": null,
                "advisories": [], "fixed_versions": [], "fix": "none",
            });
            if let Some(said) = said {
                written["imported"] = said.into();
            }
            let finding: Finding = serde_json::from_value(written.clone()).unwrap();
            assert_eq!(finding.imported, expect);
            assert_eq!(serde_json::to_value(finding).unwrap(), written);
        }
    }
}
