//! Work that was put off, and is due.

use crate::environment::Environment;
use crate::environment::store::StoreError;
use crate::error::AgentError;
use crate::journal::{JournalRecord, WakeUp, case_of, claim, journal_key, poisoned};
use crate::topology::Topology;
use jiff::{SignedDuration, Timestamp};
use pipeline::message::{Envelope, RunId, queue, topic};
use pipeline::payload::Poisoned;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// So many wake-ups are looked at in one round, the oldest first. The others wait for the next.
pub(super) const LOOKS_MAX: usize = 500;

/// A wake-up that was sent is not sent again before so long: until then its message may well lie in its queue.
const AGAIN_S: i64 = 10 * 60;

/// Where each round leaves which wake-ups it sent: `sent/<second>/<round>`. What is too old to count, and of which no wake-up is left that
/// was not sent again since, is deleted.
const SENT: &str = "sent";

/// Returns the wake-ups that are due and were not sent of late, and deletes those whose work is in the journal. Those that were never
/// sent come first, then those whose last sending is the longest ago. A crash, or two sweeps at once, send a message twice, which its
/// journal makes harmless, or [`AGAIN_S`] later.
///
/// A wake-up that can't be read or that nobody hears goes to `poison`; a damaged one is kept under `poison/wakeups/…`.
pub(super) async fn due(env: &Environment, topology: &Topology) -> Result<Vec<Envelope>, AgentError> {
    let now = env.clock.now();
    let keys = keys_up_to(env, now).await?;
    let last_sent = last_sent(env, now, &keys).await?;
    let (late, mut others): (Vec<_>, Vec<_>) =
        keys.into_iter().partition(|key| last_sent.get(key).is_some_and(|at| is_of_late(*at, now)));
    others.sort_by_key(|key| last_sent.get(key));
    let (mut due, mut sent) = (Vec::new(), Vec::new());
    // With what is left of the round, those that were sent are cleared away where they are done by now.
    let round = others.into_iter().map(|key| (key, true)).chain(late.into_iter().map(|key| (key, false)));
    for (key, may_be_sent) in round.take(LOOKS_MAX) {
        let Some(messages) = messages_of(env, topology, &key, now).await? else { continue };
        let mut left = Vec::new();
        for message in messages {
            if !is_done(env, topology, &message).await? {
                left.push(message);
            }
        }
        if left.is_empty() {
            env.store.delete(&key).await?;
        } else if may_be_sent {
            due.append(&mut left);
            sent.push(key);
        }
    }
    if !sent.is_empty() {
        let key = format!("{SENT}/{}/{}", now.strftime(SECOND), env.ids.run(now));
        env.store.create(&key, &sent).await?;
    }
    Ok(due)
}

/// How a moment is written in the keys of [`SENT`].
const SECOND: &str = "%Y%m%dT%H%M%SZ";

/// Whether what was sent `at` is not sent again yet. A clock that was far ahead must not hold anything back.
fn is_of_late(at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(at).abs() < SignedDuration::from_secs(AGAIN_S)
}

/// When those of the wake-ups at `keys` that were sent before were sent last.
async fn last_sent(
    env: &Environment,
    now: Timestamp,
    keys: &[String],
) -> Result<BTreeMap<String, Timestamp>, AgentError> {
    let keys: BTreeSet<&String> = keys.iter().collect();
    let mut last_sent = BTreeMap::new();
    // The latest first.
    for round in env.store.list(SENT).await?.into_iter().rev() {
        let at = round.split('/').nth(1).and_then(|second| second.parse::<Timestamp>().ok());
        let Some(at) = at.filter(|at| *at <= now || is_of_late(*at, now)) else {
            env.store.delete(&round).await?;
            continue;
        };
        let sent = match env.store.read::<Vec<String>>(&round).await {
            Ok(sent) => sent.unwrap_or_default(),
            // Then they are sent once more.
            Err(StoreError::Damaged { .. }) => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        let before = last_sent.len();
        for key in sent.into_iter().filter(|key| keys.contains(key)) {
            last_sent.entry(key).or_insert(at);
        }
        if last_sent.len() == before && !is_of_late(at, now) {
            env.store.delete(&round).await?;
        }
    }
    Ok(last_sent)
}

/// Keys of the wake-ups that are due by the end of this minute, the oldest first.
async fn keys_up_to(env: &Environment, now: Timestamp) -> Result<Vec<String>, AgentError> {
    let this_minute = format!("wakeups/{}", now.strftime("%Y%m%dT%H%M"));
    let is_later =
        |key: &String| key.split_at_checked(this_minute.len()).is_some_and(|(minute, _)| minute > &*this_minute);
    let mut keys = env.store.list("wakeups").await?;
    keys.retain(|key| !is_later(key));
    Ok(keys)
}

/// What is to be sent for the wake-up at `key`. `None`: nothing yet, or no more.
async fn messages_of(
    env: &Environment,
    topology: &Topology,
    key: &str,
    now: Timestamp,
) -> Result<Option<Vec<Envelope>>, AgentError> {
    Ok(match env.store.read::<WakeUp>(key).await {
        // Another sweep may have deleted it since it was listed.
        Ok(None) => None,
        Ok(Some(wake_up)) if wake_up.due > now => None,
        Ok(Some(wake_up)) => Some(match is_heard(topology, &wake_up.message) {
            Ok(()) => vec![wake_up.message],
            Err(reason) => unheard(env, wake_up, reason).await?,
        }),
        Err(error @ StoreError::Damaged { .. }) => Some(vec![unreadable(env, key, error.to_string()).await?]),
        Err(error) => return Err(error.into()),
    })
}

/// Whether somebody hears `message` when it is sent from here; if not, why.
fn is_heard(topology: &Topology, message: &Envelope) -> Result<(), String> {
    match topology.consumers(Some("sweep"), message) {
        Ok(consumers) if consumers.is_empty() => Err(format!("nobody hears {} to {:?}", message.topic, message.target)),
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// Whether everybody who hears `message` has handled it. A damaged journal says no: its function is asked, and buries it.
async fn is_done(env: &Environment, topology: &Topology, message: &Envelope) -> Result<bool, AgentError> {
    let consumers = topology.consumers(Some("sweep"), message);
    for function in consumers.map_err(|error| AgentError::broken(error.to_string()))? {
        match env.store.read::<JournalRecord>(&journal_key(function, message.id)).await {
            Ok(Some(_)) => {}
            Ok(None) | Err(StoreError::Damaged { .. }) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(true)
}

/// What `poison` is told of a wake-up that has no way.
async fn unheard(env: &Environment, wake_up: WakeUp, reason: String) -> Result<Vec<Envelope>, AgentError> {
    tracing::error!(message.id = %wake_up.message.id, %reason, "a wake-up has no way");
    let case = claim(env, wake_up.message.clone()).await.ok().as_ref().and_then(case_of);
    Ok(poisoned(env, "sweep", &wake_up.message, case, reason, env.clock.now()).await?.outbox.messages)
}

/// What `poison` is told of the damaged wake-up at `key`. Its bytes are copied by then; the message has the same id each time.
async fn unreadable(env: &Environment, key: &str, reason: String) -> Result<Envelope, AgentError> {
    tracing::error!(key, %reason, "a wake-up is damaged");
    env.store.copy(key, &format!("poison/{key}")).await?;
    let run = RunId(Uuid::new_v5(&Uuid::NAMESPACE_URL, key.as_bytes()));
    let contents = serde_json::json!({ "kept": format!("poison/{key}") });
    let now = env.clock.now();
    let message = Envelope::root("sweep", "sweep", topic::MESSAGE_POISONED, &contents, run, now)?;
    let given_up = Poisoned { function: "sweep".to_owned(), reason, case: None, message };
    Ok(Envelope::root("sweep", queue::POISON, topic::MESSAGE_POISONED, &given_up, run, now)?)
}

#[cfg(test)]
#[path = "wake_ups_tests.rs"]
mod tests;
