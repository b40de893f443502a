//! What a branch depends on, held against the advisories of today: it is scanned again only if they say something else.

use crate::environment::Environment;
use crate::error::AgentError;
use crate::inventory::{self, Inventory};
use detectors::dependency::matching;
use pipeline::ids::Fingerprint;
use pipeline::message::{Envelope, queue, topic};
use pipeline::outbox::{Outbox, Reply};
use pipeline::payload::{MatchRequested, ScanRequested};
use std::collections::BTreeSet;

/// Asks for a scan of the branch's head where an advisory was published, changed or withdrawn since its last one, or where something that was
/// suppressed is not any more.
///
/// Tries later where advisories can't be asked for. What was forgotten meanwhile is no matter.
pub async fn rematch(env: &Environment, message: Envelope<MatchRequested>) -> Result<Outbox, AgentError> {
    let mut reply = Reply::new("scan", &message, env.clock.now());
    let Some(inventory) = inventory::read(&env.store, &message.payload.inventory).await? else {
        return Ok(reply.finish());
    };
    if !inventory.has_ended(env.clock.now()) && findings(env, &inventory).await? == inventory.findings {
        return Ok(reply.finish());
    }
    let repository = env.repository(&inventory.repository)?;
    let Some(commit) = repository.branch(&inventory.branch).await? else { return Ok(reply.finish()) };
    let Inventory { repository, branch: base_branch, mode, .. } = inventory;
    let request = ScanRequested { repository, base_branch, commit, mode, is_anew: false };
    reply.command_in_new_run(queue::SCAN, topic::SCAN_REQUESTED, request.commit.as_str(), &request)?;
    Ok(reply.finish())
}

/// Everything that advisories say of an inventory today.
pub(super) async fn findings(env: &Environment, inventory: &Inventory) -> Result<BTreeSet<Fingerprint>, AgentError> {
    let graphs = inventory.graphs();
    let asked: Vec<_> = graphs
        .iter()
        .flat_map(|(ecosystem, packages)| {
            packages.iter().map(|package| (*ecosystem, package.name.as_str(), package.version.as_str()))
        })
        .collect();
    let answer = env.advisories.advisories_of(&asked, env.clock.now()).await;
    if !answer.complete {
        return Err(AgentError::advisories_silent());
    }
    let graphs = graphs.iter().map(|(ecosystem, packages)| (*ecosystem, packages.as_slice()));
    let matched = matching::findings(graphs, |ecosystem, name| answer.known(ecosystem, name));
    Ok(matched.into_iter().map(|matched| matched.finding.fingerprint).collect())
}
