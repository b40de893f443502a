//! A case is the fold of its records, whatever order they come in and however often.

use jiff::Timestamp;
use pipeline::case::{CaseRecord, Outcome, Status, Step, fold};
use pipeline::decision::Decision;
use pipeline::message::{MessageId, RunId};
use proptest::prelude::*;

fn record() -> impl Strategy<Value = CaseRecord> {
    let status =
        prop::sample::select(vec![None, Some(Status::Initiated), Some(Status::Proposed), Some(Status::Completed)]);
    let decision = prop::sample::select(vec![None, Some(Decision::Heal), Some(Decision::Escalate)]);
    (0..3_i64, 0..6_u32, 0..4_u128, status, decision).prop_map(|(run, hops, message, status, decision)| {
        let run = RunId::new(Timestamp::from_second(run).unwrap(), [0; 10]);
        // What stands in a record follows from the message: a message has one record.
        let message = MessageId(uuid::Uuid::from_u128(message + u128::from(hops) * 10));
        let at = Timestamp::from_second(i64::from(hops)).unwrap();
        let mut record = CaseRecord::new("npm-0".parse().unwrap(), message, run, hops, "scan", at);
        record.status = status;
        record.decision = decision.map(|decision| (decision, vec![decision.to_string()]));
        record.steps = vec![Step::new(format!("{hops}"), true, "")];
        record
    })
}

fn records() -> impl Strategy<Value = Vec<CaseRecord>> {
    prop::collection::vec(record(), 1..12).prop_map(|mut records| {
        records.sort_by_key(|record| (record.run, record.hops, record.message));
        records.dedup_by_key(|record| (record.run, record.hops, record.message));
        records
    })
}

proptest! {
    #[test]
    fn fold_ignores_order_and_repetition(records in records(), seed in any::<[usize; 24]>()) {
        let mut shuffled = records.clone();
        for twice in seed.iter().take(4) {
            shuffled.push(records[twice % records.len()].clone());
        }
        for (at, swap) in seed.iter().enumerate() {
            let (a, b) = (at % shuffled.len(), swap % shuffled.len());
            shuffled.swap(a, b);
        }
        prop_assert_eq!(fold(shuffled), fold(records));
    }

    #[test]
    fn last_run_decides(records in records()) {
        let last = records.iter().map(|record| record.run).max().unwrap();
        let case = fold(records.clone()).unwrap();
        prop_assert_eq!(case.run, last);
        prop_assert_eq!(case.steps.len(), records.iter().filter(|record| record.run == last).count());
    }
}

#[test]
fn what_is_proposed_again_has_no_outcome_yet_and_gets_another() {
    let began = RunId::new(Timestamp::from_second(1).unwrap(), [0; 10]);
    let record = |hops: u32, status, outcome| {
        let message = MessageId(uuid::Uuid::from_u128(hops.into()));
        let mut record =
            CaseRecord::new("npm-0".parse().unwrap(), message, began, hops, "verify", Timestamp::UNIX_EPOCH);
        (record.status, record.outcome) = (Some(status), outcome);
        record
    };
    let declined = record(1, Status::Suppressed, Some(Outcome::Declined));
    let again = record(2, Status::Proposed, None);
    let merged = record(3, Status::Completed, Some(Outcome::Verified));
    let outcome = |records: &[&CaseRecord]| fold(records.iter().copied().cloned()).unwrap().outcome;
    assert_eq!(outcome(&[&declined]), Some(Outcome::Declined));
    assert_eq!(outcome(&[&again, &declined]), None);
    assert_eq!(outcome(&[&merged, &declined, &again]), Some(Outcome::Verified));
}

#[test]
fn no_records_no_case() {
    assert_eq!(fold([]), None);
}
