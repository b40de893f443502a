//! A case is the fold of its records, whatever order they come in and however often.

use jiff::Timestamp;
use pipeline::case::{CaseRecord, Status, Step, fold};
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
fn no_records_no_case() {
    assert_eq!(fold([]), None);
}
