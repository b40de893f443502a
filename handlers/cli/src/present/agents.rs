//! Agents, and how they are.

use super::{lines, table};
use agents::sweep::{Registered, Registry};
use jiff::Timestamp;
use pipeline::wording::plain;

/// All agents, a line each. Where none was asked since `not_asked_since`, what they answered before says nothing of how they are.
pub fn agents(registry: &Registry, not_asked_since: Option<Timestamp>, columns: Option<u16>) -> String {
    if registry.agents.is_empty() {
        return "no agent was asked yet; `suture local` runs them, and asks every quarter of an hour\n".to_owned();
    }
    let mut table = table(columns);
    table.set_header(["agent", "health", "round trip", "last work", "answered", "version", "capabilities"]);
    for (name, agent) in &registry.agents {
        table.add_row([
            plain(name).into_owned(),
            health(agent, not_asked_since),
            agent.round_trip_ms.map_or_else(|| "-".to_owned(), |trip| format!("{trip} ms")),
            moment(agent.last_work),
            moment(agent.answered),
            plain(&agent.version).into_owned(),
            plain(&agent.capabilities.join(" ")).into_owned(),
        ]);
    }
    lines(&table)
}

fn health(agent: &Registered, not_asked_since: Option<Timestamp>) -> String {
    match (agent.silent_since, agent.answered, not_asked_since) {
        (Some(since), ..) => format!("silent since {}", moment(Some(since))),
        _ if !agent.is_asked => "not asked".to_owned(),
        (None, None, _) => "not asked yet".to_owned(),
        (None, Some(_), Some(since)) => format!("not asked since {}", moment(Some(since))),
        (None, Some(_), None) => "well".to_owned(),
    }
}

fn moment(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "-".to_owned(), |at| at.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
}
