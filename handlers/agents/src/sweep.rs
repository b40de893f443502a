//! Function `sweep`: sends what is due, and clears away what has been done.

use crate::environment::Environment;
use crate::error::AgentError;
use crate::journal::{JournalRecord, WakeUp, journal_key};
use crate::topology::Topology;
use pipeline::message::Envelope;

/// Sends every wake-up that is due, and deletes those whose work is in the journal. A crash, or two sweeps at once, send
/// a message twice, which its journal makes harmless.
pub async fn sweep(env: &Environment) -> Result<Vec<Envelope>, AgentError> {
    let topology = Topology::built_in().map_err(|error| AgentError::Broken { reason: error.to_string() })?;
    let now = env.clock.now();
    let mut due = Vec::new();
    let this_minute = format!("wakeups/{}", now.strftime("%Y%m%dT%H%M"));
    for key in env.store.list("wakeups").await? {
        // The keys are sorted by minute: what follows is due later.
        if key.split_at_checked(this_minute.len()).is_some_and(|(minute, _)| minute > this_minute.as_str()) {
            break;
        }
        // Another sweep may have deleted it since it was listed.
        let Some(wake_up) = env.store.read::<WakeUp>(&key).await? else { continue };
        if wake_up.due > now {
            continue;
        }
        let consumers = topology.consumers(Some("sweep"), &wake_up.message);
        let consumers = consumers.map_err(|error| AgentError::Broken { reason: error.to_string() })?;
        let mut done = 0;
        for function in &consumers {
            done += usize::from(env.store.read::<JournalRecord>(&journal_key(function, &wake_up.message)).await?.is_some());
        }
        if done == consumers.len() {
            env.store.delete(&key).await?;
        } else {
            due.push(wake_up.message);
        }
    }
    Ok(due)
}
