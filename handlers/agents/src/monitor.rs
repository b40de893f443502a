//! Function `monitor`: keeps every event.

use crate::dashboard;
use crate::environment::Environment;
use crate::error::AgentError;
use pipeline::message::Envelope;
use pipeline::outbox::Outbox;
use pipeline::payload::CaseEvent;

/// Keeps the event under `events/<day>/<message id>`.
pub async fn monitor(env: &Environment, message: Envelope) -> Result<Outbox, AgentError> {
    let key = format!("events/{}/{}", message.timestamp.strftime("%Y%m%d"), message.id);
    env.store.create(&key, &message).await?;
    if let Ok(event) = message.read::<CaseEvent>() {
        dashboard::note(env, &event.payload).await?;
    }
    Ok(Outbox::default())
}
