//! Once a day, what GitHub says of a branch is held against what is known of it: a word that never came is made up for.

use crate::environment::Environment;
use crate::environment::github::{AlertPackage, GitHubError, GitHubRepository};
use crate::error::AgentError;
use crate::identity;
use crate::inventory::{self, Inventory};
use pipeline::github::case_of;
use pipeline::message::{Envelope, queue, topic};
use pipeline::outbox::{Outbox, Reply};
use pipeline::payload::{MatchRequested, PullRequestReopened, RepositoryAccess, ScanRequested};

/// Asks for a scan where the branch is not where it was scanned, or where GitHub has alerts on packages that the inventory does not name.
/// One of our pull requests that was opened again is looked at. Where its repository was renamed, what is kept of it is moved, and that asks
/// for the scan. A repository that is gone, or in which nothing changes any more, is forgotten, and so is a branch that is gone.
pub async fn reconcile(env: &Environment, message: Envelope<MatchRequested>) -> Result<Outbox, AgentError> {
    let mut reply = Reply::new("scan", &message, env.clock.now());
    let Some(inventory) = inventory::read(&env.store, &message.payload.inventory).await? else {
        return Ok(reply.finish());
    };
    inventory.make_findable(&env.store).await?;
    let there = env.repository(&inventory.repository)?;
    let Some(remote) = there.on_github() else { return Ok(reply.finish()) };
    let about = match remote.about().await {
        Ok(about) => Some(about).filter(|about| !about.is_archived && !about.is_disabled),
        Err(GitHubError::Absent { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let Some(about) = about else {
        inventory.forget_with_offers(&env.store).await?;
        return Ok(reply.finish());
    };
    let Some(commit) = remote.branch(&inventory.branch).await? else {
        inventory.forget(&env.store).await?;
        return Ok(reply.finish());
    };
    identity::first_name(env, remote, &inventory.repository, &about).await?;
    if remote.name_now(&about)? != inventory.repository {
        let access = RepositoryAccess { repository: inventory.repository, installation: 0 };
        reply.command(queue::SCAN, topic::REPOSITORY_RENAMED, access.repository.as_str(), &access)?;
        return Ok(reply.finish());
    }
    look_at_open_pulls(remote, &inventory, &mut reply).await?;
    let alerts = remote.dependabot_alerts().await?.map(|alerts| alerts.items).unwrap_or_default();
    let is_missing = alerts.iter().any(|alert| {
        alert.state == "open"
            && about.default_branch == inventory.branch
            && !knows(&inventory, &alert.dependency.package)
    });
    if commit != inventory.commit || is_missing {
        let Inventory { repository, branch: base_branch, mode, .. } = inventory;
        let request = ScanRequested { repository, base_branch, commit, mode, is_anew: true };
        reply.command_in_new_run(queue::SCAN, topic::SCAN_REQUESTED, request.commit.as_str(), &request)?;
    }
    Ok(reply.finish())
}

/// Has our open pull requests to the branch looked at: somebody may have opened them again. Nothing comes of those that are offered.
async fn look_at_open_pulls(
    remote: &GitHubRepository,
    inventory: &Inventory,
    reply: &mut Reply<'_, MatchRequested>,
) -> Result<(), AgentError> {
    let Inventory { repository, branch, .. } = inventory;
    let open = match remote.open_pull_requests().await {
        Err(GitHubError::Denied { .. }) => return Ok(()),
        open => open?,
    };
    for pull in open.iter().filter(|pull| !pull.is_fork && pull.base == *branch) {
        if let Some(case) = case_of(&pull.head) {
            let reopened = PullRequestReopened { case, repository: repository.clone(), number: pull.number };
            reply.command(queue::VERIFY, topic::PULL_REQUEST_REOPENED, reopened.case.as_str(), &reopened)?;
        }
    }
    Ok(())
}

/// Whether the inventory has the package of an alert, or it is of an ecosystem that is not read.
fn knows(inventory: &Inventory, package: &AlertPackage) -> bool {
    super::advisory::ecosystem(&package.ecosystem).is_none_or(|ecosystem| inventory.has(ecosystem, &package.name))
}
