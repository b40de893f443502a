//! Words of GitHub that never came: deliveries that failed are asked for again, and once a day what is known is held against what is there.

use super::{asked, look};
use crate::dashboard;
use crate::environment::Environment;
use crate::environment::github::GitHubError;
use crate::error::AgentError;
use crate::inventory::{self, branch_key};
use crate::offered::{self, Offered};
use jiff::{SignedDuration, Timestamp};
use pipeline::ids::RepoName;
use pipeline::message::{Envelope, RunId, queue, topic};
use pipeline::payload::{ChecksCompleted, DashboardRequested, MatchRequested, RepositoryAccess};
use std::collections::BTreeSet;

/// How often failed deliveries are looked for, in minutes.
const DELIVERIES_MINUTES: i64 = 10;

/// Deliveries that are older are let be: GitHub keeps them for three days, and the daily look makes up for them.
const DELIVERIES_HOURS: i64 = 24;

/// How often a dashboard is written anew at most, in minutes.
const DASHBOARD_MINUTES: i64 = 10;

/// So many deliveries are asked for at one look.
const REDELIVERED_MAX: usize = 100;

/// Where it is noted that a look was taken.
const LOOKED: &str = "looked/deliveries";
const RECONCILED: &str = "looked/reconciled";

/// Has GitHub deliver again what was not taken. Each comes with the id it had: what was done before is not done again.
pub(super) async fn redeliver(env: &Environment) -> Result<(), AgentError> {
    let Some(github) = env.github.as_ref().filter(|github| github.app_id().is_some()) else { return Ok(()) };
    let now = env.clock.now();
    let Some(look) = look::due(env, LOOKED, DELIVERIES_MINUTES * 60).await? else { return Ok(()) };
    let since = now.saturating_sub(SignedDuration::from_hours(DELIVERIES_HOURS)).unwrap_or(now);
    let failed = github.failed_deliveries(since).await?;
    for delivery in failed.items.iter().take(REDELIVERED_MAX) {
        tracing::info!(delivery.guid, delivery.event, delivery.status_code, "a delivery is asked for again");
        match github.redeliver(delivery.id).await {
            Ok(()) => {}
            Err(error @ (GitHubError::TryLater { .. } | GitHubError::Crashed(_))) => {
                look::taken(env, LOOKED, &look).await?;
                return Err(error.into());
            }
            // The others can't help it.
            Err(error) => tracing::warn!(delivery.guid, %error, "a delivery can't be asked for again"),
        }
    }
    look::taken(env, LOOKED, &look).await
}

/// What of today's look is not done yet: for each branch that is known, and for each fix that is offered.
pub(super) async fn reconcile(env: &Environment) -> Result<Vec<Envelope>, AgentError> {
    if env.github.is_none() {
        return Ok(Vec::new());
    }
    let now = env.clock.now();
    let Some(look) = look::due(env, RECONCILED, 24 * 3600).await? else { return Ok(Vec::new()) };
    let mut commands = Vec::new();
    let names: BTreeSet<String> = inventory::names(&env.store).await?.into_iter().collect();
    for name in names.clone() {
        let run = RunId::about(look.begun, &name);
        let request = MatchRequested { inventory: name };
        commands.push(Envelope::root("sweep", queue::SCAN, topic::RECONCILE_REQUESTED, &request, run, now)?);
    }
    let offers = offered::all(&env.store).await?;
    for repository in offers.iter().filter_map(|offered| renamed(offered, &names)).collect::<BTreeSet<_>>() {
        let run = RunId::about(look.begun, repository.as_str());
        let access = RepositoryAccess { repository: repository.clone(), installation: 0 };
        commands.push(Envelope::root("sweep", queue::SCAN, topic::REPOSITORY_RENAMED, &access, run, now)?);
    }
    for offered in offers {
        let run = RunId::about(look.begun, offered.case.as_str());
        let about = ChecksCompleted { case: offered.case, repository: offered.repository, commit: offered.commit };
        commands.push(Envelope::root("sweep", queue::VERIFY, topic::CHECKS_COMPLETED, &about, run, now)?);
    }
    let left = asked::left(env, "reconciled", commands).await?;
    if left.is_nothing {
        look::taken(env, RECONCILED, &look).await?;
    }
    Ok(left.messages)
}

/// The repository of an offer on a branch of which no inventory is among `names`: it may be called otherwise now, and what was on its way
/// under the old name came after the rest was moved.
fn renamed<'a>(offered: &'a Offered, names: &BTreeSet<String>) -> Option<&'a RepoName> {
    let branch = &offered.offer.as_ref()?.wound.base_branch;
    (!names.contains(&branch_key(&offered.repository, branch))).then_some(&offered.repository)
}

/// Has the dashboards written anew of repositories to whose cases something happened, each at most once in ten minutes.
pub(super) async fn dashboards(env: &Environment) -> Result<Vec<Envelope>, AgentError> {
    if env.github.is_none() {
        return Ok(Vec::new());
    }
    let now = env.clock.now();
    let slot = now.as_second().div_euclid(DASHBOARD_MINUTES * 60) * DASHBOARD_MINUTES * 60;
    let begun = Timestamp::from_second(slot).unwrap_or(now);
    let mut commands = Vec::new();
    for repository in dashboard::dirty(&env.store).await? {
        let run = RunId::about(begun, repository.as_str());
        let request = DashboardRequested { repository };
        commands.push(Envelope::root("sweep", queue::NOTIFY, topic::DASHBOARD_REQUESTED, &request, run, now)?);
    }
    Ok(asked::left(env, "dashboards", commands).await?.messages)
}
