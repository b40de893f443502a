//! Reasons to believe in a fix.

use serde::{Deserialize, Serialize};

/// One reason to believe in a fix, as a factor of the confidence.
///
/// | evidence | weight | meaning |
/// |---|---|---|
/// | `detection` | the finding's own confidence | how certain the detector is |
/// | `proof` | 0.99, or 0 | re-scan, parse and consistency of the patched tree; 0: one of them failed |
/// | `compatibility: in place` | 0.99 | every version stays within what its dependents ask for |
/// | `compatibility: manifest` | 0.97 | a range of the manifest changes, to a compatible version |
/// | `compatibility: override` | 0.85 | a dependent gets a version that it did not ask for |
/// | `compatibility: breaking` | 0.60 | a version that by its number is not compatible |
/// | `needs` | 1.00, or 0.90 | the registry tells what every release involved needs, or not of all |
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Name in the table above.
    pub name: String,
    /// Factor, 0 to 1.
    pub weight: f64,
    /// What was seen.
    pub detail: String,
}

impl Evidence {
    /// The `detection` of findings whose least certain one has `confidence`.
    pub fn detection(confidence: f64) -> Self {
        Self {
            name: "detection".to_owned(),
            weight: confidence,
            detail: format!("the least certain finding has {confidence:.2}"),
        }
    }

    /// The `proof`: `failed` names the checks that failed.
    pub fn proof(failed: &[String]) -> Self {
        let (weight, detail) = if failed.is_empty() {
            (0.99, "every check passed".to_owned())
        } else {
            (0.0, format!("failed: {}", failed.join("; ")))
        };
        Self { name: "proof".to_owned(), weight, detail }
    }

    /// Whether the `needs` of all releases involved are known; `unknown` are those whose needs could not be learned.
    pub fn needs(unknown: &[String]) -> Self {
        let (weight, detail) = match unknown {
            [] => (1.0, "the registry tells what every release involved needs".to_owned()),
            [first, others @ ..] => (0.9, format!("not known for {first} and {} more", others.len())),
        };
        Self { name: "needs".to_owned(), weight, detail }
    }

    /// The `compatibility` of a change, as far as versions and ranges tell.
    pub fn compatibility(reach: Reach) -> Self {
        let (name, weight, detail) = match reach {
            Reach::InPlace => ("in place", 0.99, "every version stays within what its dependents ask for"),
            Reach::Manifest => ("manifest", 0.97, "a range of the manifest changes, to a compatible version"),
            Reach::Override => ("override", 0.85, "a dependent gets a version that it did not ask for"),
            Reach::Breaking => ("breaking", 0.60, "a version that by its number is not compatible"),
        };
        Self { name: format!("compatibility: {name}"), weight, detail: detail.to_owned() }
    }
}

/// How far a fix reaches, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// Every version stays within what its dependents ask for.
    InPlace,
    /// A range of the manifest changes, to a compatible version.
    Manifest,
    /// A dependent gets a version that it did not ask for.
    Override,
    /// A version that by its number is not compatible.
    Breaking,
}
