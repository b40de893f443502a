//! What every agent answers when it is asked how it is.

use crate::environment::Environment;
use crate::error::AgentError;
use pipeline::message::{Envelope, queue, topic};
use pipeline::outbox::{Outbox, Reply};
use pipeline::payload::{AgentStatus, StatusAsked};

/// What `function` can do in this version: a capability comes with the code for it.
pub fn capabilities(function: &str) -> &'static [&'static str] {
    match function {
        queue::SCAN => &["dependency.scan"],
        queue::ANALYZE => &["analysis"],
        queue::REMEDIATE => &["vulnerability.fix"],
        queue::VERIFY => &["fix.verify", "fix.rollback"],
        queue::NOTIFY => &["notification.send"],
        pipeline::message::MONITOR_SUBSCRIPTION => &["monitoring"],
        _ => &[],
    }
}

/// The answer of `function` to `agent.status`. It goes to everybody; `monitor` keeps it, and `sweep` reads it there.
pub fn answer(env: &Environment, function: &'static str, message: Envelope<StatusAsked>) -> Result<Outbox, AgentError> {
    if message.topic != topic::AGENT_STATUS {
        return Err(AgentError::cant_be_helped(format!("{function} can't be asked for {}", message.topic)));
    }
    let now = env.clock.now();
    let waited_ms = now.duration_since(message.timestamp).as_millis();
    let status = AgentStatus {
        agent: function.to_owned(),
        round: message.payload.round,
        capabilities: capabilities(function).iter().map(|&name| name.to_owned()).collect(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        waited_ms: u64::try_from(waited_ms).unwrap_or(0),
        last_work: env.last_work.of(function),
    };
    let mut reply = Reply::new(function, &message, now);
    reply.response(topic::AGENT_STATUS, function, &status)?;
    Ok(reply.finish())
}
