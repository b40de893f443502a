//! Cases that are closed and old are forgotten; open ones never, nor those with a pull request that is open. Of a case with a long history, old runs that nobody reads
//! any more are forgotten.

use super::{KEYS_PER_TICK, Looked};
use crate::declined;
use crate::environment::Environment;
use crate::environment::retention::DAYS_MIN;
use crate::environment::store::{Listed, StoreError};
use crate::error::AgentError;
use crate::history::RUNS_READ_MAX;
use crate::{offered, words};
use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use pipeline::case::{CaseRecord, fold};
use std::collections::{BTreeMap, BTreeSet};

/// Records that are read at the same time where all that are old have to be.
const READ_AT_ONCE: usize = 16;

/// A case of no more runs than this is not looked through for those that were held: most cases.
pub(super) const RUNS_LET_BE: usize = 5;

/// The records of one case, by run. Ids of runs sort by the time at which they began.
pub(super) type Runs = BTreeMap<String, Vec<Listed>>;

/// Looks at the cases after `after`, until [`KEYS_PER_TICK`] keys were read or deleted.
pub(super) async fn look_through(env: &Environment, horizon: Timestamp, after: &str) -> Result<Looked, AgentError> {
    let mut budget = KEYS_PER_TICK;
    let offered = offered::cases(&env.store).await?;
    for (case, runs) in all(env).await?.iter().filter(|(case, _)| case.as_str() > after) {
        if is_old(runs, horizon) {
            let records = read(env, runs.values().flatten()).await?;
            budget = budget.saturating_sub(records.len());
            let stands = fold(records.iter().map(|(_, record)| record.clone()));
            if stands.is_some_and(|case| !case.status.is_open() && !offered.contains(&case.case)) {
                budget = budget.saturating_sub(records.len());
                forget(env, records).await?;
            }
        } else {
            budget = budget.saturating_sub(forget_runs(env, runs, horizon, budget).await?);
            budget = budget.saturating_sub(forget_held(env, runs).await?);
        }
        if budget == 0 {
            return Ok(Looked::Up(case.clone()));
        }
    }
    Ok(Looked::Through)
}

/// Deletes `records` in the order of the fold: what decides how the case stands goes last, so that a sweep which dies on the
/// way leaves a case that stands as before.
async fn forget(env: &Environment, mut records: Vec<(String, CaseRecord)>) -> Result<(), StoreError> {
    records.sort_by_key(|(_, record)| (record.run, record.hops, record.message));
    if let Some((_, record)) = records.first() {
        offered::forget_last(&env.store, &record.case).await?;
        declined::forget(&env.store, &record.case).await?;
        words::forget(&env.store, &record.case).await?;
    }
    for (key, _) in records.iter().filter(|(_, record)| record.status.is_none()) {
        env.store.delete(key).await?;
    }
    for (key, _) in records.iter().filter(|(_, record)| record.status.is_some()) {
        env.store.delete(key).await?;
    }
    Ok(())
}

/// Deletes old runs that `history` does not read: not the newest ones, not the first, `keys_max` at most.
pub(super) async fn forget_runs(
    env: &Environment,
    runs: &Runs,
    horizon: Timestamp,
    keys_max: usize,
) -> Result<usize, StoreError> {
    let unread = runs.values().rev().skip(RUNS_READ_MAX).rev().skip(1);
    let old = unread.filter(|records| records.iter().all(|record| record.written < horizon));
    let keys: Vec<&Listed> = old.flatten().take(keys_max).collect();
    for record in &keys {
        env.store.delete(&record.key).await?;
    }
    Ok(keys.len())
}

/// Of runs that came to nothing because a guard rail held the case, and that followed on one another, the newest says all there is to say: the
/// others are deleted, however young they are. Otherwise a case that waits for long had nothing else in the runs that `history` reads. Returns
/// how many records were read.
pub(super) async fn forget_held(env: &Environment, runs: &Runs) -> Result<usize, AgentError> {
    if runs.len() <= RUNS_LET_BE {
        return Ok(0);
    }
    let mut looked_at = 0;
    let mut next_is_held = false;
    // The first run stays, for it says when the case began.
    let but_first = runs.values().skip(1).collect::<Vec<_>>();
    for keys in but_first.into_iter().rev().take(RUNS_READ_MAX) {
        let mut records = read(env, keys).await?;
        looked_at += records.len();
        records.sort_by_key(|(_, record)| (record.hops, record.message));
        let is_held = is_held(&records);
        if is_held && next_is_held {
            // What shows that it was held goes last: a sweep that dies on the way finds it again.
            for (key, _) in &records {
                env.store.delete(key).await?;
            }
        }
        if !is_held {
            break;
        }
        next_is_held = is_held;
    }
    Ok(looked_at)
}

/// Whether all that the run of `records`, the oldest first, came to is that a guard rail held the case.
fn is_held(records: &[(String, CaseRecord)]) -> bool {
    let waits = |record: &CaseRecord| {
        record.decision.as_ref().is_some_and(|(decision, _)| decision.is_delivered())
            && record.grounds.as_ref().is_some_and(|grounds| grounds.held_until.is_some())
    };
    records.last().is_some_and(|(_, record)| waits(record))
        && records.iter().all(|(_, record)| record.delivery.is_none() && record.outcome.is_none())
}

/// Diffs older than `horizon` that records of cases name, and those of what was offered last: what is left of a case is kept, and so are its diffs.
///
/// A record is written with its diff, or by a message that began then: it is younger by what a message may live, at most. Those
/// that are younger still are not read.
pub(super) async fn diffs_named(env: &Environment, horizon: Timestamp) -> Result<BTreeSet<String>, AgentError> {
    let latest = horizon.saturating_add(SignedDuration::from_hours(24 * DAYS_MIN)).unwrap_or(Timestamp::MAX);
    let records = env.store.list_written("cases").await?;
    let old: Vec<String> =
        records.into_iter().filter(|listed| listed.written < latest).map(|listed| listed.key).collect();
    let mut reading = stream::iter(old.iter().map(|key| env.store.read::<CaseRecord>(key))).buffered(READ_AT_ONCE);
    let mut named = offered::last_diffs(&env.store).await?;
    while let Some(record) = reading.next().await {
        match record {
            Ok(record) => named.extend(record.and_then(|record| Some(record.delivery?.diff))),
            // It says nothing; the others of its case are kept, and say what they say.
            Err(StoreError::Damaged { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(named)
}

pub(super) async fn all(env: &Environment) -> Result<BTreeMap<String, Runs>, StoreError> {
    let mut cases: BTreeMap<String, Runs> = BTreeMap::new();
    for listed in env.store.list_written("cases").await? {
        let mut parts = listed.key.split('/').skip(1);
        if let (Some(case), Some(run)) = (parts.next(), parts.next()) {
            let (case, run) = (case.to_owned(), run.to_owned());
            cases.entry(case).or_default().entry(run).or_default().push(listed);
        }
    }
    Ok(cases)
}

fn is_old(runs: &Runs, horizon: Timestamp) -> bool {
    runs.values().flatten().all(|record| record.written < horizon)
}

/// The records with their keys. A damaged one says nothing: it stays, and so does its case until somebody looks at it.
async fn read(
    env: &Environment,
    listed: impl IntoIterator<Item = &Listed>,
) -> Result<Vec<(String, CaseRecord)>, AgentError> {
    let mut records = Vec::new();
    for listed in listed {
        match env.store.read::<CaseRecord>(&listed.key).await {
            Ok(record) => records.extend(record.map(|record| (listed.key.clone(), record))),
            Err(StoreError::Damaged { key, error }) => {
                tracing::error!(key, %error, "a record is damaged, so its case is kept");
                return Ok(Vec::new());
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(records)
}
