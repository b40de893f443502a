//! State that changes: numbered records `state/<name>/<n>`. Creating `n + 1` is the compare-and-swap.
//!
//! Old numbers are deleted by `sweep`, which must never let a number be created twice: a process that slept with an old
//! view would take itself for the winner. So a view counts for [`VIEW_S_MAX`] only, before and after the creation, and what
//! was superseded is kept for [`SUPERSEDED_S_MIN`]. Clocks may differ by what lies between.

use crate::environment::Environment;
use crate::environment::store::{Created, Store, StoreError};
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How long it may be built on what was read; longer than a step may take.
pub const VIEW_S_MAX: i64 = 10 * 60;

/// How long a number is kept after the next was written.
pub const SUPERSEDED_S_MIN: i64 = 40 * 60;

/// The newest numbers, which are kept however old they are.
pub const NUMBERS_KEPT: usize = 3;

/// So often it is tried to be faster than others.
const TRIES: usize = 20;

/// One number of a state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Numbered<T> {
    /// When it was written.
    at: Timestamp,
    /// Tells this writing from any other: its answer may be lost, and the retry find its own record.
    by: Uuid,
    value: T,
}

/// What a state was when it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct View<T> {
    name: String,
    number: u64,
    read: Timestamp,
    /// `None`: it was never written, or is damaged.
    pub value: Option<T>,
    /// Whether it is there, but can't be read.
    pub is_damaged: bool,
}

impl<T> View<T> {
    /// Which state.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How often it was written. No two writings have the same number.
    pub fn number(&self) -> u64 {
        self.number
    }
}

/// Where number `number` of the state `name` is kept. Numbers sort as text.
fn key(name: &str, number: u64) -> String {
    format!("state/{name}/{number:012}")
}

/// The state `name`, as it is now.
pub async fn read<T: DeserializeOwned>(env: &Environment, name: &str) -> Result<View<T>, StoreError> {
    let read = env.clock.now();
    let number = newest(&env.store, name).await?;
    let (value, is_damaged) = match number {
        0 => (None, false),
        number => match env.store.read::<Numbered<T>>(&key(name, number)).await {
            Ok(record) => (record.map(|record| record.value), false),
            Err(StoreError::Damaged { error, .. }) => {
                tracing::error!(state.name = name, number, %error, "a state is damaged");
                (None, true)
            }
            Err(error) => return Err(error),
        },
    };
    Ok(View { name: name.to_owned(), number, read, value, is_damaged })
}

/// Writes `value` as what follows on `view`. `None`: somebody else was faster, or the view is too old; read again.
pub async fn follow<T, U>(env: &Environment, view: &View<U>, value: T) -> Result<Option<View<T>>, StoreError>
where
    T: Serialize + DeserializeOwned + Sync,
{
    let by = env.ids.run(env.clock.now()).0;
    let record = Numbered { at: env.clock.now(), by, value };
    let number = view.number.saturating_add(1);
    let key = key(&view.name, number);
    if is_stale(env, view.read) {
        return Ok(None);
    }
    let is_ours = match env.store.create(&key, &record).await? {
        Created::Now => true,
        Created::Before => env.store.read::<Numbered<T>>(&key).await?.is_some_and(|there| there.by == by),
    };
    if !is_ours || is_stale(env, view.read) {
        return Ok(None);
    }
    Ok(Some(View { name: view.name.clone(), number, read: record.at, value: Some(record.value), is_damaged: false }))
}

/// Changes the state `name`, whoever else does so at the same time: of what it is, `change` makes what it is to be, if it is to be another, and
/// what there is to say of it. `None`: others were faster each time.
pub async fn change<T, R>(
    env: &Environment,
    name: &str,
    mut change: impl FnMut(&View<T>) -> (Option<T>, R),
) -> Result<Option<R>, StoreError>
where
    T: Serialize + DeserializeOwned + Sync,
{
    for _ in 0..TRIES {
        let view = read(env, name).await?;
        let (next, said) = change(&view);
        let is_done = match next {
            Some(next) => follow(env, &view, next).await?.is_some(),
            None => true,
        };
        if is_done {
            return Ok(Some(said));
        }
    }
    Ok(None)
}

fn is_stale(env: &Environment, read: Timestamp) -> bool {
    let age = env.clock.now().duration_since(read);
    age > SignedDuration::from_secs(VIEW_S_MAX) || age < SignedDuration::from_secs(-VIEW_S_MAX)
}

async fn newest(store: &Store, name: &str) -> Result<u64, StoreError> {
    let keys = store.list(&format!("state/{name}")).await?;
    Ok(keys.iter().filter_map(|key| number_of(key)).max().unwrap_or(0))
}

fn number_of(key: &str) -> Option<u64> {
    key.rsplit_once('/')?.1.parse().ok()
}

/// Deletes numbers that nobody can build on any more, `keys_max` at most; returns how many. The newest always stay: without
/// them the numbers would begin anew.
pub async fn prune(env: &Environment, keys_max: usize) -> Result<usize, StoreError> {
    let mut states: Vec<Vec<String>> = Vec::new();
    // What has no number is no state: earlier releases kept other things beside them.
    for key in env.store.list("state").await?.into_iter().filter(|key| number_of(key).is_some()) {
        let is_same = |state: &Vec<String>| {
            state.last().and_then(|last| Some(last.rsplit_once('/')?.0 == key.rsplit_once('/')?.0)) == Some(true)
        };
        match states.last_mut() {
            Some(state) if is_same(state) => state.push(key),
            _ => states.push(vec![key]),
        }
    }
    let horizon = env.clock.now().saturating_sub(SignedDuration::from_secs(SUPERSEDED_S_MIN));
    let horizon = horizon.unwrap_or(Timestamp::MIN);
    let mut deleted = 0;
    for state in states {
        let old = state.len().saturating_sub(NUMBERS_KEPT);
        for (key, next) in state.iter().zip(state.iter().skip(1)).take(old) {
            if deleted == keys_max {
                return Ok(deleted);
            }
            // A record of damaged bytes says nothing of its age: it stays, and what follows on it.
            match env.store.read::<Numbered<serde_json::Value>>(next).await {
                Ok(Some(next)) if next.at < horizon => env.store.delete(key).await?,
                Ok(_) | Err(StoreError::Damaged { .. }) => break,
                Err(error) => return Err(error),
            }
            deleted += 1;
        }
    }
    Ok(deleted)
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
