//! How bad a record says that it is: CVSS vectors, and words where there is no vector.
//!
//! A vector tells besides its score what CISA's decision table asks for: whether an attack can be automated, and whether
//! it gets everything. CISA's analysts judge both by hand; the metrics that they are taken from here are the nearest that
//! every record has.

use crate::finding::Severity;
use cvss::{v2, v3, v4};

/// What the sources of one vulnerability say of its severity, the highest of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rating {
    /// The highest CVSS base score.
    pub score: Option<f64>,
    /// The highest word. No score is made from it.
    pub word: Option<Severity>,
    /// Whether a vector says that an attack can be automated: over the network, without effort, rights or anybody's help.
    pub automatable: bool,
    /// Whether a vector says that an attack gets everything: high impact on confidentiality and on integrity.
    pub total_impact: bool,
}

impl Rating {
    /// Takes up one statement: a CVSS vector, a base score written as a number, or a word. `false`: it is none of them.
    pub fn note(&mut self, statement: &str) -> bool {
        if let Some(vector) = vector(statement) {
            self.automatable |= vector.automatable;
            self.total_impact |= vector.total_impact;
            self.note_score(vector.score)
        } else if let Some(word) = word(statement) {
            self.word = self.word.max(Some(word));
            true
        } else {
            statement.trim().parse().is_ok_and(|score| self.note_score(score))
        }
    }

    /// Takes up a base score. `false`: it is not within 0 to 10.
    pub fn note_score(&mut self, score: f64) -> bool {
        let is_score = (0.0..=10.0).contains(&score);
        if is_score {
            self.score = Some(self.score.map_or(score, |known| known.max(score)));
        }
        is_score
    }

    /// Takes up all that `other` says.
    pub fn join(&mut self, other: &Self) {
        if let Some(score) = other.score {
            self.note_score(score);
        }
        self.word = self.word.max(other.word);
        self.automatable |= other.automatable;
        self.total_impact |= other.total_impact;
    }

    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.score.is_none() && self.word.is_none()
    }
}

const VECTOR_BYTES_MAX: usize = 512;
const V2_BASE: [&str; 6] = ["AV", "AC", "Au", "C", "I", "A"];
const V3_BASE: [&str; 8] = ["AV", "AC", "PR", "UI", "S", "C", "I", "A"];
const V4_BASE: [&str; 11] = ["AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA"];

/// What each version calls an attack that can be automated, and one that gets everything. Version 2 has no word for
/// somebody's help, and for complete impact one of its own.
const V2_AUTOMATABLE: [&str; 3] = ["AV:N", "AC:L", "Au:N"];
const V2_TOTAL: [&str; 2] = ["C:C", "I:C"];
const V3_AUTOMATABLE: [&str; 4] = ["AV:N", "AC:L", "PR:N", "UI:N"];
const V3_TOTAL: [&str; 2] = ["C:H", "I:H"];
const V4_AUTOMATABLE: [&str; 5] = ["AV:N", "AC:L", "AT:N", "PR:N", "UI:N"];
const V4_TOTAL: [&str; 2] = ["VC:H", "VI:H"];

/// What a CVSS vector says.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Vector {
    /// Base score, 0 to 10.
    score: f64,
    automatable: bool,
    total_impact: bool,
}

/// Reads a CVSS 2.0, 3.0, 3.1 or 4.0 vector; `None` where it is not one.
///
/// Only the base metrics are handed to the `cvss` crate: its scores of versions 2 and 4 take temporal, threat and
/// environmental metrics into account, those of version 3 do not, and a severity has to mean the same for all.
fn vector(text: &str) -> Option<Vector> {
    let text = text.trim();
    if text.len() > VECTOR_BYTES_MAX {
        return None;
    }
    let (base, score, automatable, total) = if let Some(metrics) = text.strip_prefix("CVSS:4.0/") {
        let base = base_of("CVSS:4.0/", metrics, &V4_BASE)?;
        let score = base.parse::<v4::Vector>().ok()?.score().value();
        (base, score, &V4_AUTOMATABLE[..], &V4_TOTAL)
    } else if let Some((prefix, metrics)) = split_v3(text) {
        let base = base_of(prefix, metrics, &V3_BASE)?;
        let score = base.parse::<v3::Vector>().ok()?.base_score().value();
        (base, score, &V3_AUTOMATABLE[..], &V3_TOTAL)
    } else {
        let bare = text.strip_prefix("CVSS:2.0/").unwrap_or(text);
        let bare = bare.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(bare);
        let base = base_of("", bare, &V2_BASE)?;
        let score = base.parse::<v2::Vector>().ok()?.score().value();
        (base, score, &V2_AUTOMATABLE[..], &V2_TOTAL)
    };
    let has = |metric: &&str| base.split('/').any(|stated| stated == *metric);
    let vector = Vector { score, automatable: automatable.iter().all(has), total_impact: total.iter().all(has) };
    (0.0..=10.0).contains(&score).then_some(vector)
}

fn split_v3(vector: &str) -> Option<(&str, &str)> {
    ["CVSS:3.0/", "CVSS:3.1/"].into_iter().find_map(|prefix| Some((prefix, vector.strip_prefix(prefix)?)))
}

/// The vector of the base metrics alone, in their usual order; `None` unless each of them is there once.
fn base_of(prefix: &str, metrics: &str, base: &[&str]) -> Option<String> {
    let mut found = Vec::with_capacity(base.len());
    for name in base {
        let mut values = metrics.split('/').filter(|metric| metric.split(':').next() == Some(name));
        found.push(values.next()?);
        if values.next().is_some() {
            return None;
        }
    }
    Some(format!("{prefix}{}", found.join("/")))
}

/// The words that databases use: GHSA (`MODERATE`), Red Hat (`important`), Ubuntu and Debian (`negligible`, `minor`).
fn word(text: &str) -> Option<Severity> {
    let text = text.trim();
    if text.len() > 16 {
        return None;
    }
    match text.to_ascii_lowercase().as_str() {
        "important" => Some(Severity::High),
        "negligible" | "minor" | "unimportant" => Some(Severity::Low),
        other => other.parse().ok().filter(|severity| *severity != Severity::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(vector: &str, expect: Option<f64>) {
        assert_eq!(super::vector(vector).map(|vector| vector.score), expect, "{vector}");
    }

    #[test]
    fn vectors_of_every_version_say_what_an_attack_takes_and_gets() {
        let check = |vector: &str, automatable: bool, total_impact: bool| {
            let mut rating = Rating::default();
            assert!(rating.note(vector), "{vector}");
            assert_eq!((rating.automatable, rating.total_impact), (automatable, total_impact), "{vector}");
        };
        check("AV:N/AC:L/Au:N/C:C/I:C/A:N", true, true);
        check("(AV:N/AC:L/Au:S/C:C/I:P/A:C)", false, false);
        check("AV:N/AC:M/Au:N/C:C/I:C/A:C", false, true);
        check("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:N", true, true);
        check("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:L/A:H", true, false);
        for metric in ["AV:A", "AC:H", "PR:L", "UI:R"] {
            let (name, _) = metric.split_once(':').expect("a metric");
            let worst = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
            let changed: Vec<_> =
                worst.split('/').map(|old| if old.starts_with(&format!("{name}:")) { metric } else { old }).collect();
            check(&changed.join("/"), false, true);
        }
        check("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:N/SC:N/SI:N/SA:N", true, true);
        check("CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:N/VC:L/VI:H/VA:H/SC:H/SI:H/SA:H", false, false);
        // What threat and environment metrics say is not about the weakness itself.
        check("CVSS:3.1/AV:L/AC:L/PR:N/UI:N/S:U/C:L/I:H/A:H/MAV:N/MC:H", false, false);
        check("9.8", false, false);
        check("CRITICAL", false, false);
    }

    #[test]
    fn ratings_are_joined_vector_by_vector() {
        let (mut rating, mut other) = (Rating::default(), Rating::default());
        rating.note("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H");
        other.note("CVSS:3.1/AV:L/AC:L/PR:N/UI:R/S:U/C:H/I:H/A:H");
        rating.join(&other);
        assert!(rating.automatable && rating.total_impact);
    }

    #[test]
    fn base_scores_of_every_version_are_those_of_the_calculators() {
        check("AV:N/AC:L/Au:N/C:N/I:N/A:C", Some(7.8));
        check("(AV:N/AC:L/Au:N/C:P/I:P/A:P)", Some(7.5));
        check("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", Some(7.5));
        check("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", Some(6.1));
        check("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Some(9.8));
        check("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", Some(0.0));
        check("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", Some(9.3));
    }

    #[test]
    fn temporal_threat_and_environmental_metrics_change_nothing() {
        check("AV:N/AC:L/Au:N/C:N/I:N/A:C/E:U/RL:OF/RC:UC", Some(7.8));
        check("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N/E:U/RL:O/RC:U/MAV:P", Some(6.1));
        check("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/E:U", Some(9.3));
    }

    #[test]
    fn what_is_no_vector_has_no_score() {
        check("", None);
        check("CVSS:3.1/AV:N", None);
        check("CVSS:5.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", None);
        check("CVSS:3.1/AV:X/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", None);
        check("CVSS:3.1/AV:N/AV:P/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", None);
        check(&"A".repeat(1 << 20), None);
    }

    #[test]
    fn a_word_rates_without_a_score() {
        let mut rating = Rating::default();
        assert!(rating.note("MODERATE") && rating.note("LOW"));
        assert_eq!(rating, Rating { word: Some(Severity::Medium), ..Rating::default() });
        assert!(
            !rating.note("not yet assigned") && !rating.note("11.5") && !rating.note("NaN") && !rating.note("unknown")
        );
        assert!(rating.note("7.5") && rating.note("5.0"));
        assert_eq!(rating.score, Some(7.5));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_bounded_score_or_none(text in "(CVSS:[2-4]\\.[01]/)?([A-Za-z]{1,3}:[A-Z]{1,2}/?){0,14}|\\PC*") {
            if let Some(vector) = vector(&text) {
                proptest::prop_assert!((0.0..=10.0).contains(&vector.score));
            }
        }
    }
}
