//! Repositories that an installation of the App reaches now, or no longer does.

use crate::environment::Environment;
use crate::error::AgentError;
use crate::inventory::{self, Inventory};
use pipeline::message::{Envelope, queue, topic};
use pipeline::outbox::{Outbox, Reply};
use pipeline::payload::{InstallationAccess, Mode, RepositoryAccess, ScanRequested};

/// Asks for a first scan of the default branch, whose cases are only observed: nobody is surprised by what they did not ask for yet. One
/// that was scanned before goes on as before: it is also told of where a permission was accepted.
///
/// Repositories without a commit, and those in which nothing changes any more, are left alone.
pub async fn added(env: &Environment, message: Envelope<RepositoryAccess>) -> Result<Outbox, AgentError> {
    let mut reply = Reply::new("scan", &message, env.clock.now());
    let name = &message.payload.repository;
    let there = env.repository(name)?;
    let Some(remote) = there.on_github() else { return Ok(reply.finish()) };
    let about = remote.about().await?;
    if about.is_archived || about.is_disabled {
        return Ok(reply.finish());
    }
    let Some(commit) = remote.branch(&about.default_branch).await? else { return Ok(reply.finish()) };
    let before = Inventory::find(&env.store, name, &about.default_branch).await?;
    let request = ScanRequested {
        repository: name.clone(),
        base_branch: about.default_branch,
        commit,
        mode: before.map_or(Mode::Observe, |inventory| inventory.mode),
        is_anew: false,
    };
    reply.command(queue::SCAN, topic::SCAN_REQUESTED, request.commit.as_str(), &request)?;
    Ok(reply.finish())
}

/// Forgets what a repository depends on, and what is offered there: nobody may look at it any more.
pub async fn removed(env: &Environment, message: Envelope<RepositoryAccess>) -> Result<Outbox, AgentError> {
    inventory::forget(&env.store, |repository| *repository == message.payload.repository).await?;
    Ok(Reply::new("scan", &message, env.clock.now()).finish())
}

/// Forgets what the repositories of an account depend on, and what is offered there: its installation is gone.
pub async fn installation_removed(
    env: &Environment,
    message: Envelope<InstallationAccess>,
) -> Result<Outbox, AgentError> {
    let reply = Reply::new("scan", &message, env.clock.now());
    if let (Some(github), Some(account)) = (&env.github, &message.payload.account) {
        let owner = format!("{}/{}/", github.host(), account.to_lowercase());
        inventory::forget(&env.store, |repository| repository.as_str().starts_with(&owner)).await?;
    }
    Ok(reply.finish())
}

/// Lists what an installation reaches, where its delivery named none of it, or too many.
///
/// Where it reaches more than the client lists, the rest is scanned with its first push; the log says so.
pub async fn installation_added(
    env: &Environment,
    message: Envelope<InstallationAccess>,
) -> Result<Outbox, AgentError> {
    let mut reply = Reply::new("scan", &message, env.clock.now());
    let github = env.github.as_ref().ok_or_else(|| AgentError::cant_be_helped("GitHub is not set"))?;
    let installation = message.payload.installation;
    let listed = github.installation_repositories(installation).await?;
    if listed.is_cut {
        tracing::warn!(installation, listed = listed.items.len(), "an installation reaches more than is listed");
    }
    for listed in listed.items.into_iter().filter(|listed| !listed.is_closed) {
        let access = RepositoryAccess { repository: listed.name, installation };
        reply.command(queue::SCAN, topic::REPOSITORY_ADDED, access.repository.as_str(), &access)?;
    }
    Ok(reply.finish())
}
