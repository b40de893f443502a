//! Agents, and how they are.

use super::{lines, table};
use agents::sweep::Registry;
use jiff::Timestamp;
use pipeline::wording::plain;

/// All agents, a line each.
pub fn agents(registry: &Registry, columns: Option<u16>) -> String {
    if registry.agents.is_empty() {
        return "no agent was asked yet; `suture local` runs them, and asks every quarter of an hour\n".to_owned();
    }
    let moment =
        |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), |at| at.strftime("%Y-%m-%d %H:%M:%SZ").to_string());
    let mut table = table(columns);
    table.set_header(["agent", "health", "round trip", "last work", "answered", "version", "capabilities"]);
    for (name, agent) in &registry.agents {
        let health = match (agent.silent_since, agent.answered) {
            (Some(since), _) => format!("silent since {}", moment(Some(since))),
            (None, Some(_)) => "well".to_owned(),
            (None, None) => "not asked yet".to_owned(),
        };
        table.add_row([
            plain(name).into_owned(),
            health,
            agent.round_trip_ms.map_or_else(|| "-".to_owned(), |trip| format!("{trip} ms")),
            moment(agent.last_work),
            moment(agent.answered),
            plain(&agent.version).into_owned(),
            plain(&agent.capabilities.join(" ")).into_owned(),
        ]);
    }
    lines(&table)
}
