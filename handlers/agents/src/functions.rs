//! Which module does the work of which function.

use crate::environment::Environment;
use crate::error::AgentError;
use crate::journal::once;
use crate::topology::FUNCTIONS;
use crate::{analyze, monitor, notify, poison, remediate, scan, status, sweep, verify};
use pipeline::message::{Envelope, MessageType};

/// Lets `function` handle `message`, once. Returns what it sends. Questions are answered here, the same way for all of them.
pub async fn handle(env: &Environment, function: &str, message: Envelope) -> Result<Vec<Envelope>, AgentError> {
    if let (MessageType::Query, Some((name, _))) =
        (message.message_type, FUNCTIONS.iter().find(|(name, _)| *name == function))
    {
        return once(env, name, message, async |message| status::answer(env, name, message.read()?)).await;
    }
    match function {
        "analyze" => once(env, "analyze", message, async |message| analyze::analyze(env, message.read()?).await).await,
        "monitor" => once(env, "monitor", message, async |message| monitor::monitor(env, message).await).await,
        "notify" => once(env, "notify", message, async |message| notify::notify(env, message.read()?).await).await,
        "poison" => once(env, "poison", message, async |message| poison::poison(env, message.read()?).await).await,
        "remediate" => {
            once(env, "remediate", message, async |message| remediate::remediate(env, message.read()?).await).await
        }
        "scan" => once(env, "scan", message, async |message| scan::scan(env, message.read()?).await).await,
        "verify" => once(env, "verify", message, async |message| verify::verify(env, message.read()?).await).await,
        _ => Err(AgentError::Broken { reason: format!("there is no function `{function}`") }),
    }
}

/// Lets the timer's functions work. Returns what they send.
pub async fn tick(env: &Environment, function: &str) -> Result<Vec<Envelope>, AgentError> {
    match function {
        "sweep" => sweep::sweep(env).await,
        _ => Err(AgentError::Broken { reason: format!("there is no function `{function}` with a timer") }),
    }
}
