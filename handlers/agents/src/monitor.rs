//! Function `monitor`: keeps every event, and has learned what came of fixes.

use crate::dashboard;
use crate::environment::Environment;
use crate::error::AgentError;
use crate::learned;
use pipeline::learning::outcome::OutcomeRecord;
use pipeline::message::{Envelope, topic};
use pipeline::outbox::Outbox;
use pipeline::payload::CaseEvent;

/// Keeps the event under `events/<day>/<message id>`.
pub async fn monitor(env: &Environment, message: Envelope) -> Result<Outbox, AgentError> {
    let key = format!("events/{}/{}", message.timestamp.strftime("%Y%m%d"), message.id);
    env.store.create(&key, &message).await?;
    if message.topic == topic::OUTCOME_RECORDED {
        match message.read::<OutcomeRecord>() {
            Ok(outcome) => learned::hear(env, &outcome).await?,
            Err(error) => tracing::error!(%error, "an outcome can't be read, and nothing is learned of it"),
        }
    } else if let Ok(event) = message.read::<CaseEvent>() {
        dashboard::note(env, &event.payload).await?;
    }
    Ok(Outbox::default())
}
