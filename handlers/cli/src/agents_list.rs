//! `suture agents`: which agents there are, what they can do, and how they are.

use crate::arguments::{Agents, Format};
use crate::terminal::Terminal;
use crate::{Failure, Outcome, block_on, open, present};
use ::agents::environment::clock::Clock;
use ::agents::sweep::{REGISTRY, Registry};
use serde_json::json;

/// Lists what the last rounds of questions told. Exit code 1 if any agent is silent, or if none was asked of late.
pub fn run(arguments: &Agents, terminal: &Terminal) -> Result<Outcome, Failure> {
    let store = open::store_to_read(arguments.state.as_deref())?;
    let registry: Registry =
        block_on(async { Ok(store.read(REGISTRY).await.map_err(Failure::new)?.unwrap_or_default()) })?;
    let not_asked_since = registry.not_asked_since(Clock::System.now());
    match arguments.format {
        Format::Json => {
            let agents = &registry.agents;
            let document = json!({ "schema": "suture.agents/1", "agents": agents, "not_asked_since": not_asked_since });
            terminal.document(&present::json(&document)?);
        }
        Format::Table => terminal.result(&present::agents(&registry, not_asked_since, terminal.columns())),
    }
    let is_silent = registry.agents.values().any(|agent| agent.silent_since.is_some());
    Ok(if is_silent || not_asked_since.is_some() { Outcome::Left } else { Outcome::Clean })
}
