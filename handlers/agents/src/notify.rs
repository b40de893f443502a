//! Function `notify`: tells people, and keeps what was told.

use crate::environment::Environment;
use crate::error::AgentError;
use pipeline::message::Envelope;
use pipeline::outbox::Outbox;
use pipeline::payload::Notification;

/// Records the notice under `notices/<message id>` and hands it to the outlet. People may be told twice, never not at all.
pub async fn notify(env: &Environment, message: Envelope<Notification>) -> Result<Outbox, AgentError> {
    env.outlet.tell(&message.payload);
    env.store.create(&format!("notices/{}", message.id), &message.payload).await?;
    Ok(Outbox::default())
}
