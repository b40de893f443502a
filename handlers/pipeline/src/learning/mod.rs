//! What outcomes teach: how reliable a remedy is, and how far confidence can be believed.
//!
//! A model is a cache. It is sums over outcomes that do not depend on their order, so made anew from all of them it is the same.

pub mod calibration;
pub mod drift;
pub mod merges;
pub mod outcome;
pub mod reliability;
pub mod track;
pub mod unattended;

use calibration::Calibration;
use outcome::{Ending, OutcomeRecord, Remedy};
use reliability::Sums;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything that was learned.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// How each remedy fared.
    pub remedies: BTreeMap<Remedy, Sums>,
    /// How far confidence was right.
    pub calibration: Calibration,
}

impl Model {
    /// Learns of one outcome. Whoever calls this sees to it that each is learned of once.
    pub fn add(&mut self, record: &OutcomeRecord) {
        self.remedies.entry(record.remedy.clone()).or_default().add(record.ending, record.at);
        match record.ending.is_success() {
            Some(_) if record.ending.undoes_merge() => self.calibration.turn(record.confidence),
            Some(is_success) => self.calibration.add(record.confidence, is_success),
            None => {}
        }
    }

    /// What both learned.
    pub fn merge(&mut self, other: &Self) {
        for (remedy, sums) in &other.remedies {
            self.remedies.entry(remedy.clone()).or_default().merge(sums);
        }
        self.calibration.merge(&other.calibration);
    }

    /// Of `records`, in any order.
    pub fn of<'a>(records: impl IntoIterator<Item = &'a OutcomeRecord>) -> Self {
        let mut model = Self::default();
        records.into_iter().for_each(|record| model.add(record));
        model
    }

    /// How `remedy` fared; nothing is known of one that was never tried.
    pub fn sums(&self, remedy: &Remedy) -> Sums {
        self.remedies.get(remedy).cloned().unwrap_or_default()
    }

    /// How many fixes ended as `ending`.
    pub fn count(&self, ending: Ending) -> u64 {
        self.remedies.values().map(|sums| sums.count(ending)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use proptest::prelude::*;

    fn record(second: i64, ending: Ending, confidence: f64, remedy: &str) -> OutcomeRecord {
        OutcomeRecord {
            case: "0123456789abcdef".repeat(2)[..32].parse().unwrap(),
            plan: "a plan".to_owned(),
            pull_request: 0,
            repository: "github.example/octo/shop".parse().unwrap(),
            remedy: Remedy::from(remedy.to_owned()),
            confidence,
            is_unattended: false,
            at: Timestamp::from_second(second).unwrap(),
            ending,
            healed: Default::default(),
        }
    }

    prop_compose! {
        fn records()(rows in proptest::collection::vec((1_600_000_000_i64..1_900_000_000, 0..Ending::ALL.len(), 0.0..=1.0_f64, 0..3_usize), 0..60)) -> Vec<OutcomeRecord> {
            let remedies = ["update_dependency:npm:in_place", "update_dependency:PyPI:manifest", "rotate_secret"];
            rows.into_iter().map(|(at, ending, confidence, remedy)| record(at, Ending::ALL[ending], confidence, remedies[remedy])).collect()
        }
    }

    proptest! {
        #[test]
        fn order_and_parts_make_no_difference(records in records(), seed in 0..1000_usize) {
            let whole = Model::of(&records);
            let mut turned = records.clone();
            turned.rotate_left(if records.is_empty() { 0 } else { seed % records.len() });
            turned.reverse();
            prop_assert_eq!(&whole, &Model::of(&turned));
            let (first, second) = records.split_at(records.len() / 2);
            let mut parts = Model::of(first);
            parts.merge(&Model::of(second));
            prop_assert_eq!(&whole, &parts);
            let read: Model = serde_json::from_str(&serde_json::to_string(&whole).unwrap()).unwrap();
            prop_assert_eq!(&whole, &read);
        }
    }
}
