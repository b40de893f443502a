//! Work that was put off, and is due.

use crate::environment::Environment;
use crate::environment::store::StoreError;
use crate::error::AgentError;
use crate::journal::{JournalRecord, WakeUp, case_of, claim, journal_key, poisoned};
use crate::topology::Topology;
use pipeline::message::{Envelope, RunId, queue, topic};
use pipeline::payload::Poisoned;
use uuid::Uuid;

/// Returns every wake-up that is due, and deletes those whose work is in the journal. A crash, or two sweeps at once, send
/// a message twice, which its journal makes harmless.
///
/// A wake-up that can't be read or that nobody hears goes to `poison`; a damaged one is kept under `poison/wakeups/…`.
pub(super) async fn due(env: &Environment, topology: &Topology) -> Result<Vec<Envelope>, AgentError> {
    let now = env.clock.now();
    let mut due = Vec::new();
    let this_minute = format!("wakeups/{}", now.strftime("%Y%m%dT%H%M"));
    for key in env.store.list("wakeups").await? {
        // The keys are sorted by minute: what follows is due later.
        if key.split_at_checked(this_minute.len()).is_some_and(|(minute, _)| minute > this_minute.as_str()) {
            break;
        }
        let messages = match env.store.read::<WakeUp>(&key).await {
            // Another sweep may have deleted it since it was listed.
            Ok(None) => continue,
            Ok(Some(wake_up)) if wake_up.due > now => continue,
            Ok(Some(wake_up)) => match is_heard(topology, &wake_up.message) {
                Ok(()) => vec![wake_up.message],
                Err(reason) => unheard(env, wake_up, reason).await?,
            },
            Err(error @ StoreError::Damaged { .. }) => vec![unreadable(env, &key, error.to_string()).await?],
            Err(error) => return Err(AgentError::Broken { reason: error.to_string() }),
        };
        let mut left = Vec::new();
        for message in messages {
            if !is_done(env, topology, &message).await? {
                left.push(message);
            }
        }
        if left.is_empty() {
            env.store.delete(&key).await?;
        }
        due.append(&mut left);
    }
    Ok(due)
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
    for function in consumers.map_err(|error| AgentError::Broken { reason: error.to_string() })? {
        match env.store.read::<JournalRecord>(&journal_key(function, message.id)).await {
            Ok(Some(_)) => {}
            Ok(None) | Err(StoreError::Damaged { .. }) => return Ok(false),
            Err(error) => return Err(AgentError::Broken { reason: error.to_string() }),
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
