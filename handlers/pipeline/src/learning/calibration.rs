//! How far confidence can be believed: the Brier score, and what was seen beside what was expected.

use super::reliability::{LOWER, Reliability, UPPER};
use serde::{Deserialize, Serialize};

/// Confidence is put into so many groups.
pub const GROUPS: usize = 10;

/// Shares are counted in these parts of one, so that sums do not depend on their order.
const PARTS: f64 = 1e9;

/// Sums over fixes whose outcome tells whether they were right.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calibration {
    groups: [Group; GROUPS],
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Group {
    fixes: u64,
    /// Under zero where only what turned out wrong later is in it.
    right: i64,
    /// Sum of confidence, in parts.
    confidence: u64,
    /// Sum of squared differences between confidence and what came, in parts.
    squares: i64,
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Row {
    /// Confidence, at least.
    pub from: f64,
    /// Confidence, less than; or 1.
    pub to: f64,
    /// How many fixes.
    pub fixes: u64,
    /// Their mean confidence.
    pub expected: f64,
    /// The share of them that was right.
    pub seen: f64,
    /// Where that share lies, with nine chances in ten.
    pub interval: (f64, f64),
}

impl Calibration {
    /// Learns of a fix that was offered with `confidence`.
    pub fn add(&mut self, confidence: f64, is_right: bool) {
        let group = self.group(confidence);
        group.fixes += 1;
        group.right += i64::from(is_right);
        group.confidence += (confidence.clamp(0.0, 1.0) * PARTS).round() as u64;
        group.squares += squares(confidence, is_right);
    }

    /// A fix that was offered with `confidence`, and was learned of as otherwise, is right after all, or wrong.
    pub fn turn(&mut self, confidence: f64, is_right: bool) {
        let group = self.group(confidence);
        group.right += if is_right { 1 } else { -1 };
        group.squares += squares(confidence, is_right) - squares(confidence, !is_right);
    }

    fn group(&mut self, confidence: f64) -> &mut Group {
        let index = ((confidence.clamp(0.0, 1.0) * GROUPS as f64) as usize).min(GROUPS - 1);
        &mut self.groups[index]
    }

    /// What both learned.
    pub fn merge(&mut self, other: &Self) {
        for (group, other) in self.groups.iter_mut().zip(&other.groups) {
            group.fixes += other.fixes;
            group.right += other.right;
            group.confidence += other.confidence;
            group.squares += other.squares;
        }
    }

    /// The mean of the squared differences between confidence and what came, 0 (always right) to 1. `None`: nothing came yet.
    pub fn brier(&self) -> Option<f64> {
        let fixes: u64 = self.groups.iter().map(|group| group.fixes).sum();
        let squares: i64 = self.groups.iter().map(|group| group.squares).sum();
        (fixes > 0).then(|| squares as f64 / PARTS / fixes as f64)
    }

    /// Groups in which anything came.
    pub fn rows(&self) -> Vec<Row> {
        let rows = self.groups.iter().enumerate().filter(|(_, group)| group.fixes > 0);
        rows.map(|(index, group)| {
            let (fixes, right) = (group.fixes as f64, group.right.max(0) as f64);
            let share = Reliability { successes: right + 0.5, failures: fixes - right + 0.5, telling: group.fixes };
            Row {
                from: index as f64 / GROUPS as f64,
                to: (index + 1) as f64 / GROUPS as f64,
                fixes: group.fixes,
                expected: group.confidence as f64 / PARTS / fixes,
                seen: right / fixes,
                interval: (share.quantile(LOWER), share.quantile(UPPER)),
            }
        })
        .collect()
    }
}

/// The squared difference between `confidence` and what came, in parts.
fn squares(confidence: f64, is_right: bool) -> i64 {
    let missed = confidence.clamp(0.0, 1.0) - f64::from(u8::from(is_right));
    (missed * missed * PARTS).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn score_is_the_mean_of_squared_differences() {
        let mut calibration = Calibration::default();
        assert_eq!(calibration.brier(), None);
        for (confidence, is_right) in [(1.0, true), (0.9, true), (0.9, false), (0.2, false)] {
            calibration.add(confidence, is_right);
        }
        // (0 + 0.01 + 0.81 + 0.04) / 4
        assert!((calibration.brier().unwrap() - 0.215).abs() < 1e-9);
        let rows = calibration.rows();
        assert_eq!(rows.iter().map(|row| row.fixes).collect::<Vec<_>>(), [1, 3]);
        assert!((rows[1].seen - 2.0 / 3.0).abs() < 1e-9 && (rows[1].expected - 2.8 / 3.0).abs() < 1e-9);
        assert!(rows[1].interval.0 < rows[1].seen && rows[1].seen < rows[1].interval.1);
    }
    #[test]
    fn what_turns_out_wrong_later_counts_as_wrong_from_the_beginning() {
        let (mut turned, mut wrong) = (Calibration::default(), Calibration::default());
        for confidence in [0.95, 0.97, 0.6] {
            turned.add(confidence, true);
            turned.turn(confidence, false);
            wrong.add(confidence, false);
        }
        assert_eq!(turned, wrong);
    }
}
