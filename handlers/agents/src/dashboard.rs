//! One issue for each repository on GitHub that tells how its cases stand: what is offered, what is blocked and why, what is left.
//!
//! An event about a case marks its repository (`dirty/<repository>`); `sweep` has the issues of marked ones written anew, at most one each
//! ten minutes.

use crate::environment::Environment;
use crate::environment::github::{Changes, GitHubError};
use crate::environment::store::{Store, StoreError};
use crate::error::AgentError;
use crate::offer::LABEL;
use crate::{history, lease};
use pipeline::case::Case;
use pipeline::ids::{CaseId, RepoName, hash_of};
use pipeline::message::Envelope;
use pipeline::outbox::{Outbox, Reply};
use pipeline::payload::{CaseEvent, DashboardRequested};
use pipeline::wording::github as wording;

/// Repositories whose issue is not current.
const DIRTY: &str = "dirty";

/// The cases of each repository, by their ids.
const CASES: &str = "repositories";

/// Whoever holds it writes the issue: two at once would make two.
const LEASE_S: i64 = 2 * 60;

/// Where GitHub says that a repository has no issues.
const NO_ISSUES: u16 = 410;

/// Notes that something happened to a case, if its repository is on GitHub.
pub async fn note(env: &Environment, event: &CaseEvent) -> Result<(), StoreError> {
    let is_there = env.github.as_ref().is_some_and(|github| github.repository(&event.repository).is_some());
    if !is_there {
        return Ok(());
    }
    let name = name(&event.repository);
    env.store.create(&format!("{CASES}/{name}/{}", event.case), &event.case).await?;
    env.store.create(&format!("{DIRTY}/{name}"), &event.repository).await?;
    Ok(())
}

/// The repositories whose issue is not current.
pub async fn dirty(store: &Store) -> Result<Vec<RepoName>, StoreError> {
    let mut dirty = Vec::new();
    for key in store.list(DIRTY).await? {
        match store.read(&key).await {
            Ok(repository) => dirty.extend(repository),
            Err(StoreError::Damaged { key, error }) => tracing::error!(key, %error, "a mark is damaged"),
            Err(error) => return Err(error),
        }
    }
    Ok(dirty)
}

/// The issue of `repository` is not written before something happens there again.
pub async fn forget_mark(store: &Store, repository: &RepoName) -> Result<(), StoreError> {
    store.delete(&mark(repository)).await
}

/// Goes on under `now` with the repository that was called `before`. Returns its cases.
pub async fn rename(store: &Store, before: &RepoName, now: &RepoName) -> Result<Vec<CaseId>, StoreError> {
    for case in case_ids(store, before).await? {
        store.create(&format!("{CASES}/{}/{case}", name(now)), &case).await?;
        store.delete(&format!("{CASES}/{}/{case}", name(before))).await?;
    }
    let cases = case_ids(store, now).await?;
    if !cases.is_empty() {
        store.create(&mark(now), now).await?;
    }
    forget_mark(store, before).await?;
    Ok(cases)
}

/// Writes the issue anew. None is made where there is nothing to tell; one that somebody closed stays closed. Of a repository that is
/// called otherwise now, the issue is left to that name; of one that is gone, or that nobody may look at, nothing is written.
///
/// Tries later while another process is at it.
pub async fn dashboard(env: &Environment, message: Envelope<DashboardRequested>) -> Result<Outbox, AgentError> {
    let repository = &message.payload.repository;
    let reply = Reply::new("notify", &message, env.clock.now());
    let there = env.repository(repository)?;
    let Some(remote) = there.on_github() else { return Ok(reply.finish()) };
    let about = match remote.about().await {
        Ok(about) => about,
        // What nobody may look at is marked again when it is healed again.
        Err(GitHubError::Absent { .. } | GitHubError::Denied { .. }) => {
            forget_mark(&env.store, repository).await?;
            return Ok(reply.finish());
        }
        Err(error) => return Err(error.into()),
    };
    let now = remote.name_now(&about)?;
    if now != *repository {
        rename(&env.store, repository, &now).await?;
        return Ok(reply.finish());
    }
    let Some(lease) = lease::acquire(env, &format!("dashboard-{}", name(repository)), LEASE_S).await? else {
        let reason = format!("the dashboard of {repository} is being written");
        return Err(AgentError::TryLater { reason, not_before: None });
    };
    // What happens from here on marks it again.
    forget_mark(&env.store, repository).await?;
    let body = wording::dashboard(&cases(&env.store, repository).await?);
    let standing = remote.issue_with(wording::DASHBOARD_MARK, &remote.login().await?).await?;
    match (standing, body) {
        (Some(issue), body) => {
            let body = body.unwrap_or_else(wording::nothing_open);
            if issue.body.trim() != body.trim() {
                remote.update_issue(issue.number, Changes { body: Some(&body), ..Changes::default() }).await?;
            }
        }
        (None, Some(body)) => match remote.create_issue(wording::DASHBOARD_TITLE, &body, &[LABEL]).await {
            Err(GitHubError::Refused { status: NO_ISSUES, .. }) => {}
            made => drop(made?),
        },
        (None, None) => {}
    }
    lease.release(env).await?;
    Ok(reply.finish())
}

/// How the cases of `repository` stand.
async fn cases(store: &Store, repository: &RepoName) -> Result<Vec<Case>, AgentError> {
    let mut cases = Vec::new();
    for id in case_ids(store, repository).await? {
        cases.extend(history::case(store, &id).await?);
    }
    Ok(cases)
}

/// The cases of `repository` that something was told of: none where they are only observed.
pub async fn case_ids(store: &Store, repository: &RepoName) -> Result<Vec<CaseId>, StoreError> {
    let keys = store.list(&format!("{CASES}/{}", name(repository))).await?;
    Ok(keys.iter().filter_map(|key| key.rsplit('/').next()?.parse().ok()).collect())
}

/// Where it is noted that the issue of `repository` is to be written.
fn mark(repository: &RepoName) -> String {
    format!("{DIRTY}/{}", name(repository))
}

/// The name under which what concerns a repository is kept.
fn name(repository: &RepoName) -> String {
    hash_of(&[repository.as_str()])[..32].to_owned()
}
