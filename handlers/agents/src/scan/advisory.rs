//! An advisory was published, changed or withdrawn: whatever has its packages is held against it.

use crate::environment::Environment;
use crate::error::AgentError;
use crate::{history, inventory};
use jiff::SignedDuration;
use pipeline::advisory::normalised_name;
use pipeline::case::Outcome;
use pipeline::ids::{CaseId, RepoName};
use pipeline::message::{Envelope, queue, topic};
use pipeline::outbox::{Outbox, Reply};
use pipeline::payload::{
    AdvisoryPublished, AlertChanged, AlertKind, AlertsAwaited, MatchRequested, Mode, ScanRequested,
};
use pipeline::version::Ecosystem;

/// The source of advisories may know of it later than GitHub does: it is asked once more after this.
const AGAIN_HOURS: i64 = 1;

/// Asks for every inventory that names one of the packages to be held against the advisories, now and a while later.
pub async fn published(env: &Environment, message: Envelope<AdvisoryPublished>) -> Result<Outbox, AgentError> {
    let now = env.clock.now();
    let mut reply = Reply::new("scan", &message, now);
    let packages: Vec<(Ecosystem, String)> = message
        .payload
        .packages
        .iter()
        .filter_map(|package| {
            let ecosystem = ecosystem(&package.ecosystem)?;
            Some((ecosystem, normalised_name(ecosystem, &package.name).into_owned()))
        })
        .collect();
    if packages.is_empty() {
        return Ok(reply.finish());
    }
    let later = now.saturating_add(SignedDuration::from_hours(AGAIN_HOURS)).unwrap_or(now);
    for name in inventory::names(&env.store).await? {
        let Some(inventory) = inventory::read(&env.store, &name).await? else { continue };
        if packages.iter().any(|(ecosystem, package)| inventory.has(*ecosystem, package)) {
            let request = MatchRequested { inventory: name.clone() };
            reply.command(queue::SCAN, topic::MATCH_REQUESTED, &name, &request)?;
            reply.command_later(later, queue::SCAN, topic::MATCH_REQUESTED, &name, &request)?;
        }
    }
    Ok(reply.finish())
}

/// GitHub found something in a repository, or sees it again: its default branch is scanned. Where it closed an alert, that may be the one
/// that a merged fix waits for.
pub async fn alerted(env: &Environment, message: Envelope<AlertChanged>) -> Result<Outbox, AgentError> {
    let mut reply = Reply::new("scan", &message, env.clock.now());
    let AlertChanged { repository, kind, action, path, .. } = &message.payload;
    let is_news = matches!(action.as_str(), "created" | "reintroduced" | "reopened" | "auto_reopened");
    let is_closed = matches!(action.as_str(), "fixed" | "dismissed" | "auto_dismissed");
    if *kind != AlertKind::Dependabot || !is_news && !is_closed {
        return Ok(reply.finish());
    }
    let there = env.repository(repository)?;
    let Some(remote) = there.on_github() else { return Ok(reply.finish()) };
    let branch = remote.about().await?.default_branch;
    if is_closed {
        for case in path.iter().flat_map(|path| cases_of(repository, &branch, path)) {
            if let Some(awaited) = awaited(env, &case, repository).await? {
                reply.command(queue::VERIFY, topic::ALERTS_AWAITED, case.as_str(), &awaited)?;
            }
        }
        return Ok(reply.finish());
    }
    let Some(commit) = remote.branch(&branch).await? else { return Ok(reply.finish()) };
    let before = inventory::Inventory::find(&env.store, repository, &branch).await?;
    let mode = before.map_or(Mode::Heal, |inventory| inventory.mode);
    let request = ScanRequested { repository: repository.clone(), base_branch: branch, commit, mode, is_anew: false };
    reply.command(queue::SCAN, topic::SCAN_REQUESTED, request.commit.as_str(), &request)?;
    Ok(reply.finish())
}

/// The cases that the file at `path` may have: an alert does not say in which ecosystem.
fn cases_of(repository: &RepoName, branch: &str, path: &str) -> [CaseId; 2] {
    [Ecosystem::Npm, Ecosystem::PyPI].map(|ecosystem| super::case_of(repository, branch, ecosystem, path))
}

/// What a case waits for whose fix was merged and holds.
async fn awaited(env: &Environment, case: &CaseId, repository: &RepoName) -> Result<Option<AlertsAwaited>, AgentError> {
    let Some(healed) = history::case(&env.store, case).await? else { return Ok(None) };
    let Some(wound) = healed.wound.filter(|_| healed.outcome == Some(Outcome::Verified)) else { return Ok(None) };
    let (case, repository) = (case.clone(), repository.clone());
    let advisories = Default::default();
    Ok(Some(AlertsAwaited { case, repository, run: healed.run, path: wound.path, advisories, look: None }))
}

/// As GitHub calls an ecosystem.
pub(super) fn ecosystem(name: &str) -> Option<Ecosystem> {
    match name.to_ascii_lowercase().as_str() {
        "npm" => Some(Ecosystem::Npm),
        "pip" | "pypi" => Some(Ecosystem::PyPI),
        _ => None,
    }
}
