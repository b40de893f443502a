//! What is old is forgotten: once a day, under a lease, a bounded number of keys at each tick.
//!
//! The pass goes from shelf to shelf, and remembers where it is; whoever sweeps next goes on there. Deleting what is deleted
//! is harmless, so two at once or a death anywhere change nothing but the time it takes.

mod cases;

use crate::environment::Environment;
use crate::environment::store::{Listed, StoreError};
use crate::error::AgentError;
use crate::journal::WakeUp;
use crate::{budget, lease, state};
use jiff::Timestamp;
use jiff::civil::Date;
use pipeline::learning::track::day;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// So many keys are deleted, or cases looked at, at one tick.
pub(super) const KEYS_PER_TICK: usize = 500;

/// Whoever holds it clears away.
const LEASE: &str = "sweep-compaction";

/// One tick's work takes seconds; who dies in it is waited for so long.
const LEASE_S: i64 = 5 * 60;

/// Where the pass is.
const PROGRESS: &str = "sweep-compaction";

/// The shelves that are cleared after the journal. Under `state/rollback` earlier releases kept what is under `rollbacks` now.
const SHELVES: [&str; 13] = [
    "events",
    "notices",
    "poison",
    "rollbacks",
    "state/rollback",
    "cases",
    "tries",
    "heard",
    "merged",
    "audit_tried",
    "diffs",
    "claims",
    "state",
];

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Progress {
    /// The day of the pass.
    day: Date,
    /// The shelf that is being looked at; `None`: the pass is over.
    shelf: Option<String>,
    /// The last key of it that was looked at.
    after: String,
}

/// How far a shelf was looked through.
enum Looked {
    Up(String),
    Through,
}

/// Goes on with the pass of today, if it is not over, and if nobody else is at it.
pub(super) async fn clear_away(env: &Environment) -> Result<(), AgentError> {
    let today = day(env.clock.now());
    let view = state::read::<Progress>(env, PROGRESS).await?;
    if view.value.as_ref().is_some_and(|progress| progress.day >= today && progress.shelf.is_none()) {
        return Ok(());
    }
    let Some(lease) = lease::acquire(env, LEASE, LEASE_S).await? else { return Ok(()) };
    // Read again under the lease: the one who had it before may have gone on.
    let view = state::read::<Progress>(env, PROGRESS).await?;
    let shelves = shelves(env).await?;
    let begin = || Progress { day: today, shelf: shelves.first().cloned(), after: String::new() };
    let mut progress = view.value.clone().filter(|progress| progress.day == today).unwrap_or_else(begin);
    if let Some(shelf) = progress.shelf.take() {
        match look_through(env, &shelf, &progress.after).await? {
            Looked::Up(key) => {
                progress.after = key;
                progress.shelf = Some(shelf);
            }
            Looked::Through => {
                progress.after = String::new();
                // A shelf that is gone since has nothing before it that was not cleared: from the beginning, then.
                let place = shelves.iter().position(|other| *other == shelf);
                progress.shelf = shelves.get(place.map_or(0, |place| place + 1)).cloned();
            }
        }
        state::follow(env, &view, progress).await?;
    }
    lease.release(env).await?;
    Ok(())
}

/// The shelves in the order in which they are cleared: what others name comes after those who name it.
async fn shelves(env: &Environment) -> Result<Vec<String>, StoreError> {
    let functions = env.store.folders("journal").await?;
    let mut shelves: Vec<String> = functions.iter().map(|function| format!("journal/{function}")).collect();
    shelves.extend(SHELVES.map(str::to_owned));
    Ok(shelves)
}

async fn look_through(env: &Environment, shelf: &str, after: &str) -> Result<Looked, AgentError> {
    let now = env.clock.now();
    let horizon = env.retention.horizon(now);
    match shelf {
        "cases" => cases::look_through(env, horizon, after).await,
        "diffs" => {
            let listed = env.store.list_written(shelf).await?;
            if listed.iter().all(|diff| diff.written >= horizon) {
                return Ok(Looked::Through);
            }
            let needed = cases::diffs_named(env, horizon).await?;
            delete_old(env, shelf, horizon, &needed).await
        }
        "claims" => {
            let needed = claims_of_wake_ups(env).await?;
            delete_old(env, shelf, env.retention.far_horizon(now, true), &needed).await
        }
        "poison" => delete_old(env, shelf, env.retention.far_horizon(now, false), &BTreeSet::new()).await,
        "state" => {
            let of_budgets = budget::forget(env, KEYS_PER_TICK).await?;
            match of_budgets + state::prune(env, KEYS_PER_TICK - of_budgets).await? {
                KEYS_PER_TICK => Ok(Looked::Up(String::new())),
                _ => Ok(Looked::Through),
            }
        }
        _ => delete_old(env, shelf, horizon, &BTreeSet::new()).await,
    }
}

/// Deletes what was written on `shelf` before `horizon`, but for what is `needed`; [`KEYS_PER_TICK`] at most.
async fn delete_old(
    env: &Environment,
    shelf: &str,
    horizon: Timestamp,
    needed: &BTreeSet<String>,
) -> Result<Looked, AgentError> {
    let listed = env.store.list_written(shelf).await?;
    let is_old = |listed: &&Listed| listed.written < horizon && !needed.contains(&listed.key);
    let mut old = listed.iter().filter(is_old);
    for old in old.by_ref().take(KEYS_PER_TICK) {
        env.store.delete(&old.key).await?;
    }
    // What was deleted is not found again: the next tick looks from the beginning.
    Ok(if old.next().is_some() { Looked::Up(String::new()) } else { Looked::Through })
}

/// Claim checks that work which was put off will ask for, however old they are.
async fn claims_of_wake_ups(env: &Environment) -> Result<BTreeSet<String>, AgentError> {
    let mut needed = BTreeSet::new();
    for key in env.store.list("wakeups").await? {
        match env.store.read::<WakeUp>(&key).await {
            Ok(wake_up) => needed.extend(wake_up.and_then(|wake_up| wake_up.message.payload_ref)),
            Err(StoreError::Damaged { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(needed)
}

#[cfg(test)]
#[path = "retention_tests.rs"]
mod tests;
