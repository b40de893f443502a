//! A repository is called otherwise now, or is somebody else's: what is kept under its old name goes with it.

use crate::environment::Environment;
use crate::environment::github::GitHubError;
use crate::environment::store::StoreError;
use crate::error::AgentError;
use crate::inventory::{self, Inventory};
use crate::{dashboard, history, identity, offered};
use pipeline::case::{Case, Wound, fold};
use pipeline::ids::CaseId;
use pipeline::message::{Envelope, queue, topic};
use pipeline::outbox::{Outbox, Reply};
use pipeline::payload::{RepositoryAccess, ScanRequested};

/// Keeps under the name that the repository has now what it depends on, what is offered there, and its dashboard, has its cases say so, and
/// its branches scanned. How it is called now is asked for: whoever tells of it may be late.
///
/// Nothing is done where it has the old name again, or another repository has. One that went where nobody may look is forgotten.
pub async fn renamed(env: &Environment, message: Envelope<RepositoryAccess>) -> Result<Outbox, AgentError> {
    let mut reply = Reply::new("scan", &message, env.clock.now());
    let before = &message.payload.repository;
    let there = env.repository(before)?;
    let Some(remote) = there.on_github() else { return Ok(reply.finish()) };
    let about = match remote.about().await {
        Ok(about) => about,
        Err(GitHubError::Absent { .. }) => {
            inventory::forget_repository(&env.store, before).await?;
            return Ok(reply.finish());
        }
        Err(error) => return Err(error.into()),
    };
    let now = remote.name_now(&about)?;
    if now == *before {
        return Ok(reply.finish());
    }
    identity::first_name(env, remote, before, &about).await?;
    offered::rename(&env.store, before, &now).await?;
    for inventory in inventory::of_repository(&env.store, before).await? {
        inventory.rename(&env.store, &now).await?;
    }
    // What was looked at meanwhile may have been so under either name.
    for Inventory { repository, branch, mode, .. } in inventory::of_repository(&env.store, &now).await? {
        if let Some(commit) = remote.branch(&branch).await? {
            let request = ScanRequested { repository, base_branch: branch, commit, mode, is_anew: true };
            reply.command_in_new_run(queue::SCAN, topic::SCAN_REQUESTED, &request.base_branch, &request)?;
        }
    }
    for id in dashboard::rename(&env.store, before, &now).await? {
        let Some((case, hops)) = standing(env, &id).await? else { continue };
        if let Some(wound) = case.wound.filter(|wound| wound.repository == *before) {
            reply.record_in(&id, case.run, hops.saturating_add(1), |record| {
                record.wound = Some(Wound { repository: now.clone(), ..wound });
            });
        }
    }
    Ok(reply.finish())
}

/// How a case stands, and how far its last run came.
async fn standing(env: &Environment, id: &CaseId) -> Result<Option<(Case, u32)>, StoreError> {
    let records = history::case_records(&env.store, id).await?;
    let case = fold(records.clone());
    Ok(case.map(|case| {
        let hops = history::last_hops(&records, case.run);
        (case, hops)
    }))
}
