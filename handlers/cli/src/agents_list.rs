//! `suture agents`: which agents there are, what they can do, and how they are.

use crate::arguments::{Agents, Format};
use crate::terminal::Terminal;
use crate::{Failure, Outcome, block_on, open, present};
use ::agents::sweep::{REGISTRY, Registry};

/// Lists what the last rounds of questions told. Exit code 1 if any agent is silent.
pub fn run(arguments: &Agents, terminal: &Terminal) -> Result<Outcome, Failure> {
    let store = open::store_to_read(arguments.state.as_deref())?;
    let registry: Registry =
        block_on(async { Ok(store.read(REGISTRY).await.map_err(Failure::new)?.unwrap_or_default()) })?;
    match arguments.format {
        Format::Json => terminal
            .document(&present::json(&serde_json::json!({ "schema": "suture.agents/1", "agents": registry.agents }))?),
        Format::Table => terminal.result(&present::agents(&registry, terminal.columns())),
    }
    let is_silent = registry.agents.values().any(|agent| agent.silent_since.is_some());
    Ok(if is_silent { Outcome::Left } else { Outcome::Clean })
}
