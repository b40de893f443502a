//! What a case went through: one record per step, under `cases/<case>/<run>/<message id>`.

use crate::environment::store::{Store, StoreError};
use pipeline::case::{Case, CaseRecord, PullRequestRef, fold};
use pipeline::ids::CaseId;
use pipeline::message::RunId;
use std::collections::BTreeMap;

/// How many of the newest runs of a case are read, in search of where its fix is.
pub const RUNS_READ_MAX: usize = 20;

/// Where `record` is kept.
pub fn record_key(record: &CaseRecord) -> String {
    format!("cases/{}/{}/{}", record.case, record.run, record.message)
}

/// How `case` stands, or `None` where there is no such case.
pub async fn case(store: &Store, case: &CaseId) -> Result<Option<Case>, StoreError> {
    Ok(fold(case_records(store, case).await?))
}

/// As [`case`], as if no run after `last` had been.
pub async fn case_until(store: &Store, case: &CaseId, last: RunId) -> Result<Option<Case>, StoreError> {
    Ok(fold(case_records_until(store, case, last).await?))
}

/// What the newest look at the base of a case came to, as far as `records` tell. It may still be at work.
pub fn last_look(records: &[CaseRecord]) -> Option<&CaseRecord> {
    let is_look = |record: &&CaseRecord| ["scan", "analyze", "remediate"].contains(&record.agent.as_str());
    let looks = records.iter().filter(is_look).filter(|record| record.status.is_some());
    looks.max_by_key(|record| (record.run, record.hops, record.message))
}

/// How far `run` came, as far as `records` tell.
pub fn last_hops(records: &[CaseRecord], run: RunId) -> u32 {
    records.iter().filter(|record| record.run == run).map(|record| record.hops).max().unwrap_or_default()
}

/// All cases of a store.
#[derive(Debug, Default)]
pub struct Cases {
    /// How they stand, in the order of their ids.
    pub cases: Vec<Case>,
    /// What has no readable case in it, each with the reason.
    pub damaged: Vec<String>,
}

/// Every case of `store`. One that can't be read hides no other.
pub async fn cases(store: &Store) -> Result<Cases, StoreError> {
    let mut all = Cases::default();
    for name in store.folders("cases").await? {
        let id = match name.parse() {
            Ok(id) => id,
            Err(error) => {
                all.damaged.push(format!("store: cases/{name}: {error}"));
                continue;
            }
        };
        match case(store, &id).await {
            Ok(case) => all.cases.extend(case),
            Err(error @ StoreError::Damaged { .. }) => all.damaged.push(error.to_string()),
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

/// What there is to tell of `case`, in no order: as much as its fold takes.
///
/// That is the newest runs, back to the one that delivered the fix but [`RUNS_READ_MAX`] at most, and when the first one began.
pub async fn case_records(store: &Store, case: &CaseId) -> Result<Vec<CaseRecord>, StoreError> {
    records_up_to(store, case, None).await
}

/// As [`case_records`], as if no run after `last` had been.
async fn case_records_until(store: &Store, case: &CaseId, last: RunId) -> Result<Vec<CaseRecord>, StoreError> {
    records_up_to(store, case, Some(last.to_string())).await
}

/// Everything that `case` went through, the oldest first, and how many older records were left out so that no more than `records_max` are
/// read.
pub async fn timeline(
    store: &Store,
    case: &CaseId,
    records_max: usize,
) -> Result<(Vec<CaseRecord>, usize), StoreError> {
    let mut keys = store.list(&format!("cases/{case}")).await?;
    // Ids of runs sort by the time at which they began.
    keys.sort_unstable();
    let older = keys.len().saturating_sub(records_max);
    let mut records = read(store, &keys[older..]).await?;
    records.sort_by_key(|record| (record.at, record.run, record.hops, record.message));
    Ok((records, older))
}

/// What `run` did to `case`, in no order.
pub async fn run_records(store: &Store, case: &CaseId, run: RunId) -> Result<Vec<CaseRecord>, StoreError> {
    read(store, &store.list(&format!("cases/{case}/{run}")).await?).await
}

/// The pull request that was opened for `case` last, as far as its records are read.
pub async fn last_pull(store: &Store, case: &CaseId) -> Result<Option<PullRequestRef>, StoreError> {
    let mut records = case_records(store, case).await?;
    records.sort_by_key(|record| (record.run, record.hops));
    Ok(records.into_iter().rev().find_map(|record| record.delivery?.pull_request))
}

async fn records_up_to(store: &Store, case: &CaseId, last: Option<String>) -> Result<Vec<CaseRecord>, StoreError> {
    let folder = format!("cases/{case}/");
    // Ids of runs sort by the time at which they began.
    let mut runs: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for key in store.list(&format!("cases/{case}")).await? {
        if let Some((run, _)) = key.strip_prefix(&folder).and_then(|rest| rest.split_once('/'))
            && last.as_deref().is_none_or(|last| run <= last)
        {
            runs.entry(run.to_owned()).or_default().push(key);
        }
    }
    let first = runs.keys().next().cloned();
    let mut records = Vec::new();
    let mut oldest_read = None;
    for (run, keys) in runs.iter().rev().take(RUNS_READ_MAX) {
        oldest_read = Some(run.clone());
        let of_run = read(store, keys).await?;
        let is_enough = of_run.iter().any(|record| record.delivery.is_some());
        records.extend(of_run);
        if is_enough && records.iter().any(|record| record.wound.is_some()) {
            break;
        }
    }
    if let Some(keys) = first.filter(|first| oldest_read.as_ref() != Some(first)).and_then(|first| runs.get(&first)) {
        // Of the first run only the time counts: what it found or delivered, a run that was not read may have replaced.
        let first = read(store, keys).await?.into_iter();
        records.extend(first.map(|record| {
            CaseRecord::new(record.case, record.message, record.run, record.hops, &record.agent, record.at)
        }));
    }
    Ok(records)
}

async fn read(store: &Store, keys: &[String]) -> Result<Vec<CaseRecord>, StoreError> {
    let mut records = Vec::new();
    for key in keys {
        records.extend(store.read::<CaseRecord>(key).await?);
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::effects::Effects;
    use jiff::Timestamp;
    use pipeline::case::{Delivery, Status};
    use pipeline::message::MessageId;

    fn run(number: usize) -> RunId {
        RunId::new(at(number), [0; 10])
    }

    fn at(number: usize) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + number as i64 * 3600).unwrap()
    }

    /// A case of `runs` runs, of which `delivers` delivered.
    async fn history(runs: usize, delivers: usize) -> (Store, CaseId, Vec<CaseRecord>) {
        let store = Store::memory(Effects::default());
        let case: CaseId = "npm-1".parse().unwrap();
        let mut all = Vec::new();
        for number in 0..runs {
            for step in 0..2 {
                let message = MessageId(uuid::Uuid::from_u128((number * 2 + step) as u128));
                let mut record = CaseRecord::new(case.clone(), message, run(number), step as u32, "test", at(number));
                record.status = Some(if step == 0 { Status::Initiated } else { Status::Planned });
                if step == 1 && number == delivers {
                    let diff = number.to_string();
                    let delivery = Delivery { branch: None, commit: None, files: Vec::new(), diff, pull_request: None };
                    record.delivery = Some(delivery);
                }
                store.create(&record_key(&record), &record).await.unwrap();
                all.push(record);
            }
        }
        (store, case, all)
    }

    #[tokio::test]
    async fn fold_of_what_is_read_is_the_fold_of_all() {
        for (runs, delivers) in [(1, 0), (2, 0), (5, 3), (20, 0), (300, 299), (300, 285)] {
            let (store, case, all) = history(runs, delivers).await;
            let read = case_records(&store, &case).await.unwrap();
            assert_eq!(fold(read), fold(all), "{runs} runs");
        }
    }

    #[tokio::test]
    async fn long_history_costs_no_more_than_its_newest_runs() {
        let (store, case, _) = history(300, 0).await;
        let read = case_records(&store, &case).await.unwrap();
        assert_eq!(read.len(), 2 * (RUNS_READ_MAX + 1));
        let folded = fold(read).unwrap();
        assert_eq!((folded.opened, folded.updated, folded.run), (at(0), at(299), run(299)));
        assert_eq!(folded.delivery, None);
    }

    #[tokio::test]
    async fn later_runs_are_not_told_of_an_earlier_one() {
        let (store, case, all) = history(40, 30).await;
        let read = case_records_until(&store, &case, run(10)).await.unwrap();
        assert_eq!(fold(read), fold(all.into_iter().filter(|record| record.run <= run(10))));
    }

    #[tokio::test]
    async fn case_that_can_t_be_read_hides_no_other() {
        let (store, case, _) = history(1, 0).await;
        store.create("cases/npm-2/run/message", &"no record").await.unwrap();
        store.create("cases/no id!/run/message", &"no record").await.unwrap();
        let all = cases(&store).await.unwrap();
        assert_eq!(all.cases.iter().map(|case| case.case.clone()).collect::<Vec<_>>(), [case]);
        let [bad_id, damaged] = &all.damaged[..] else { panic!("{:?}", all.damaged) };
        assert!(bad_id.contains("no id!") && damaged.contains("npm-2"), "{bad_id} {damaged}");
    }
}
