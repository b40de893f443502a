//! Repositories that an installation of the App reaches now, or no longer does.

use crate::dashboard;
use crate::environment::Environment;
use crate::environment::github::GitHubError;
use crate::error::AgentError;
use crate::inventory::{self, Inventory};
use pipeline::ids::RepoName;
use pipeline::message::{Envelope, queue, topic};
use pipeline::outbox::{Outbox, Reply};
use pipeline::payload::{InstallationAccess, Mode, RepositoryAccess, ScanRequested};

/// So many repositories are asked for by what one message leads to.
const SHARE_MAX: usize = 200;

/// Asks for a first scan of the default branch, whose cases are only observed: nobody is surprised by what they did not ask for yet. One
/// that was scanned before, or whose cases were healed before it was taken off, goes on as before: it is also told of where a permission was
/// accepted.
///
/// Repositories without a commit, and those in which nothing changes any more, are left alone.
pub async fn added(env: &Environment, message: Envelope<RepositoryAccess>) -> Result<Outbox, AgentError> {
    let mut reply = Reply::new("scan", &message, env.clock.now());
    let there = env.repository(&message.payload.repository)?;
    let Some(remote) = there.on_github() else { return Ok(reply.finish()) };
    let about = remote.about().await?;
    if about.is_archived || about.is_disabled {
        return Ok(reply.finish());
    }
    let Some(commit) = remote.branch(&about.default_branch).await? else { return Ok(reply.finish()) };
    let name = remote.name_now(&about)?;
    let before = Inventory::find(&env.store, &name, &about.default_branch).await?;
    let is_healed = !dashboard::case_ids(&env.store, &name).await?.is_empty();
    let otherwise = if is_healed { Mode::Heal } else { Mode::Observe };
    let request = ScanRequested {
        repository: name,
        base_branch: about.default_branch,
        commit,
        mode: before.map_or(otherwise, |inventory| inventory.mode),
        is_anew: false,
    };
    reply.command_in_new_run(queue::SCAN, topic::SCAN_REQUESTED, request.commit.as_str(), &request)?;
    Ok(reply.finish())
}

/// Forgets what a repository depends on, and what is offered there, where nobody may look at it any more, or nothing in it changes. GitHub
/// is asked: a delivery that comes late may tell of what is over.
pub async fn removed(env: &Environment, message: Envelope<RepositoryAccess>) -> Result<Outbox, AgentError> {
    let repository = &message.payload.repository;
    if is_out_of_reach(env, repository).await? {
        inventory::forget_repository(&env.store, repository).await?;
    }
    Ok(Reply::new("scan", &message, env.clock.now()).finish())
}

/// Has each repository of an account asked for that anything is known of: its installation is gone, as a delivery says. Where there are
/// many, each message has a share of them.
pub async fn installation_removed(
    env: &Environment,
    message: Envelope<InstallationAccess>,
) -> Result<Outbox, AgentError> {
    let mut reply = Reply::new("scan", &message, env.clock.now());
    let InstallationAccess { installation, account, among, .. } = &message.payload;
    let (Some(github), Some(account)) = (&env.github, account) else { return Ok(reply.finish()) };
    let repositories = match &among[..] {
        [] => inventory::repositories_of(&env.store, &format!("{}/{}", github.host(), account.to_lowercase())).await?,
        share => share.to_vec(),
    };
    if repositories.len() > SHARE_MAX {
        for share in repositories.chunks(SHARE_MAX) {
            let access = InstallationAccess { among: share.to_vec(), ..message.payload.clone() };
            reply.command(queue::SCAN, topic::INSTALLATION_REMOVED, share[0].as_str(), &access)?;
        }
        return Ok(reply.finish());
    }
    for repository in repositories {
        let access = RepositoryAccess { repository, installation: *installation };
        reply.command(queue::SCAN, topic::REPOSITORY_REMOVED, access.repository.as_str(), &access)?;
    }
    Ok(reply.finish())
}

async fn is_out_of_reach(env: &Environment, repository: &RepoName) -> Result<bool, AgentError> {
    let there = env.repository(repository)?;
    let Some(remote) = there.on_github() else { return Ok(false) };
    match remote.about_anew().await {
        Ok(about) => Ok(about.is_archived || about.is_disabled),
        Err(GitHubError::Absent { .. } | GitHubError::Denied { .. }) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Lists what an installation reaches, where its delivery named none of it, or too many: 100 repositories a message. Whoever gets the first
/// page asks for the others, so that one that has to wait holds up none.
pub async fn installation_added(
    env: &Environment,
    message: Envelope<InstallationAccess>,
) -> Result<Outbox, AgentError> {
    let mut reply = Reply::new("scan", &message, env.clock.now());
    let github = env.github.as_ref().ok_or_else(|| AgentError::cant_be_helped("GitHub is not set"))?;
    let InstallationAccess { installation, page, .. } = message.payload;
    let listed = github.installation_repositories(installation, page.unwrap_or(1)).await?;
    for listed in listed.repositories.into_iter().filter(|listed| !listed.is_closed) {
        let access = RepositoryAccess { repository: listed.name, installation };
        reply.command(queue::SCAN, topic::REPOSITORY_ADDED, access.repository.as_str(), &access)?;
    }
    let others = if page.is_none() { listed.pages } else { 0 };
    for page in 2..=others {
        let other = InstallationAccess { page: Some(page), ..message.payload.clone() };
        reply.command(queue::SCAN, topic::INSTALLATION_ADDED, &page.to_string(), &other)?;
    }
    Ok(reply.finish())
}
