//! Function `poison`: what can't be helped is kept, and people are told.

use crate::environment::Environment;
use crate::error::AgentError;
use pipeline::case::{Status, Step};
use pipeline::message::{Envelope, queue, topic};
use pipeline::outbox::{Outbox, Reply};
use pipeline::payload::Poisoned;
use pipeline::wording;

/// Keeps the message under `poison/<message id>`, closes its case as `error`, and asks `notify` to tell people.
pub async fn poison(env: &Environment, message: Envelope<Poisoned>) -> Result<Outbox, AgentError> {
    let Poisoned { function, reason, case, message: poisoned } = &message.payload;
    env.store.create(&format!("poison/{}", poisoned.id), &message.payload).await?;
    let mut reply = Reply::new("poison", &message, env.clock.now());
    if let Some(case) = case {
        reply.record(case, |record| {
            record.status = Some(Status::Error);
            record.steps.push(Step::new(function.clone(), false, reason.clone()));
        });
    }
    // A notice that can't be told is not told again: that would go round in circles.
    if function != queue::NOTIFY {
        reply.command(
            queue::NOTIFY,
            topic::NOTIFICATION_REQUESTED,
            function,
            &wording::poisoned(case.as_ref(), function, reason),
        )?;
    }
    Ok(reply.finish())
}
