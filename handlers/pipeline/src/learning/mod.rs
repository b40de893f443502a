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
        let sums = self.remedies.entry(record.remedy.clone()).or_default();
        if record.is_outranked() {
            sums.add_outranked(record.ending);
            return;
        }
        sums.add(record.ending, record.at);
        let confidence = match &record.before {
            Some(before) => {
                self.remedies.entry(before.tried.remedy.clone()).or_default().take_back(before);
                before.tried.confidence
            }
            None => record.confidence,
        };
        let was_right = match record.ending.undoes_merge() {
            true => Some(true),
            false => record.before.as_ref().and_then(|before| before.ending.is_success()),
        };
        match (was_right, record.ending.is_success()) {
            (None, Some(is_right)) => self.calibration.add(record.confidence, is_right),
            (Some(was_right), Some(is_right)) if was_right != is_right => self.calibration.turn(confidence, is_right),
            _ => {}
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
    use outcome::Word;
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
            before: None,
            healed: Default::default(),
        }
    }

    /// What is learned where `endings` are told of one fix, a day apart, and heard in the order of `heard`.
    fn of_one_fix(endings: &[Ending], heard: &[usize]) -> Model {
        let told = |index: usize| record(1_790_000_000 + 86_400 * index as i64, endings[index], 0.95, "a remedy");
        let mut model = Model::default();
        for (place, index) in heard.iter().enumerate() {
            let words = heard[..place].iter().filter_map(|index| told(*index).word());
            let before = told(*index).word().and(words.max_by_key(Word::order));
            model.add(&OutcomeRecord { before, ..told(*index) });
        }
        model
    }

    #[test]
    fn several_words_on_one_fix_are_one_outcome_in_whatever_order_they_are_heard() {
        let now = Timestamp::from_second(1_790_000_000 + 10 * 86_400).unwrap();
        let read = |model: &Model| {
            let sums = model.sums(&Remedy::from("a remedy".to_owned()));
            let reliability = sums.reliability((8.0, 2.0), now);
            let round = |weight: f64| (weight * 1e6).round();
            let calibration = &model.calibration;
            (
                (round(reliability.successes), round(reliability.failures), sums.telling(), sums.right_and_wrong()),
                (calibration.brier().map(round), calibration.rows().first().map(|row| (row.fixes, row.seen))),
            )
        };
        use Ending::{ChecksFailed, Declined, Merged, MergedEdited, Reverted, TakenBack};
        let rows: [(&[Ending], &[Ending]); 6] = [
            (&[ChecksFailed, Merged], &[Merged]),
            (&[Declined, Merged], &[Merged]),
            (&[ChecksFailed, Declined], &[ChecksFailed]),
            (&[Declined, ChecksFailed], &[ChecksFailed]),
            (&[Declined, ChecksFailed, Merged, Reverted], &[Merged, Reverted]),
            (&[TakenBack, Declined, Merged], &[Merged]),
        ];
        for (told, counts) in rows {
            let at = |ending: &Ending| told.iter().position(|told| told == ending).unwrap();
            // As if nothing else had been told.
            let mut expected = Model::default();
            for ending in counts {
                expected.add(&record(1_790_000_000 + 86_400 * at(ending) as i64, *ending, 0.95, "a remedy"));
            }
            let in_order: Vec<usize> = (0..told.len()).collect();
            let reversed: Vec<usize> = (0..told.len()).rev().collect();
            for heard in [in_order, reversed] {
                assert_eq!(read(&of_one_fix(told, &heard)), read(&expected), "{told:?} in the order {heard:?}");
            }
        }
        let edited = of_one_fix(&[ChecksFailed, MergedEdited], &[0, 1]);
        assert_eq!((read(&edited).0.2, read(&edited).1.1), (1, Some((1, 0.0))), "the proof was wrong all the same");
        let declined = of_one_fix(&[ChecksFailed, Declined], &[0, 1]);
        assert_eq!(declined.count(Declined), 1, "people declined it, which may have its remedy demoted");
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
