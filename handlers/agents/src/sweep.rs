//! Function `sweep`: sends what is due, asks every agent how it is, and clears away what has been done.

mod asked;
mod github;
mod learning;
mod look;
mod matching;
mod retention;
mod status_round;
mod wake_ups;

use crate::environment::Environment;
use crate::error::AgentError;
use crate::topology::Topology;
use pipeline::message::Envelope;

pub use status_round::{REGISTRY, Registered, Registry};

/// One tick of the timer. Two sweeps at once, or one that dies anywhere, are harmless.
///
/// What is due goes out even where agents can't be asked or nothing can be cleared away: that is logged, and tried again at the
/// next tick.
pub async fn sweep(env: &Environment) -> Result<Vec<Envelope>, AgentError> {
    let topology = Topology::built_in().map_err(|error| AgentError::broken(error.to_string()))?;
    let mut messages = wake_ups::due(env, &topology).await?;
    match status_round::ask(env, &topology).await {
        Ok(questions) => messages.extend(questions),
        Err(error) => tracing::error!(%error, "agents can't be asked how they are"),
    }
    match matching::ask(env).await {
        Ok(questions) => messages.extend(questions),
        Err(error) => tracing::error!(%error, "what branches depend on can't be held against advisories"),
    }
    match github::reconcile(env).await {
        Ok(commands) => messages.extend(commands),
        Err(error) => tracing::error!(%error, "what is known of GitHub can't be held against it"),
    }
    match github::dashboards(env).await {
        Ok(commands) => messages.extend(commands),
        Err(error) => tracing::error!(%error, "dashboards can't be written anew"),
    }
    if let Err(error) = github::redeliver(env).await {
        tracing::warn!(%error, "failed deliveries can't be asked for");
    }
    if let Err(error) = learning::learn(env).await {
        tracing::error!(%error, "what came of fixes can't be learned from");
    }
    if let Err(error) = retention::clear_away(env).await {
        tracing::error!(%error, "what is old can't be cleared away");
    }
    if env.store.is_dead() { Err(AgentError::broken("the process died here")) } else { Ok(messages) }
}
