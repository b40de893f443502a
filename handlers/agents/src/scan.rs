//! Function `scan`: a commit in, one message per case out.

pub mod access;
pub mod advisory;
mod overtaken;
pub mod pull_request;
pub mod reconcile;
pub mod rematch;
pub mod renamed;
mod unchanged;

use crate::environment::Environment;
use crate::error::AgentError;
use crate::examine::{Examination, examine};
use crate::inventory::Inventory;
use crate::{hold, identity, offered};
use pipeline::case::{Status, Wound};
use pipeline::decision::priority::{order_of_work, soonest};
use pipeline::finding::{Finding, ScanError, Severity};
use pipeline::ids::{CaseId, RepoName};
use pipeline::message::{Envelope, queue, topic};
use pipeline::outbox::{Outbox, Reply};
use pipeline::payload::{
    Detected, Mode, RepositoryAccess, SCAN_ERROR_CHARS_MAX, SCAN_ERRORS_MAX, ScanCompleted, ScanRequested, WoundGone,
};
use pipeline::policy::layers::RepositoryMode;
use pipeline::version::Ecosystem;
use pipeline::wording;
use std::collections::{BTreeMap, BTreeSet};

/// Looks at a commit and opens a case for every file that a fix would change.
///
/// Can't be helped where the repository or the commit is not there, or a limit leaves nothing to look at.
pub async fn scan(env: &Environment, mut message: Envelope<ScanRequested>) -> Result<Outbox, AgentError> {
    if let Some(outbox) = hold::put_off_while_stopped(env, &message).await? {
        return Ok(outbox);
    }
    let asked_for = message.payload.repository.clone();
    let mut named_after = asked_for.clone();
    if let Some(remote) = env.repository(&asked_for)?.on_github() {
        let about = remote.about().await?;
        named_after = identity::first_name(env, remote, &asked_for, &about).await?;
        // Who asked may not know of a renaming.
        message.payload.repository = remote.name_now(&about)?;
        message.payload.mode = mode(env, &message.payload).await?;
    }
    if message.payload.is_anew {
        // It may have waited long: what was the head then need not be there any more.
        let head = env.repository(&message.payload.repository)?.branch(&message.payload.base_branch).await?;
        let Some(head) = head else { return Ok(Reply::new("scan", &message, env.clock.now()).finish()) };
        message.payload.commit = head;
    }
    let request = &message.payload;
    let mut reply = Reply::new("scan", &message, env.clock.now());
    if request.repository != asked_for {
        let access = RepositoryAccess { repository: asked_for, installation: 0 };
        reply.command(queue::SCAN, topic::REPOSITORY_RENAMED, access.repository.as_str(), &access)?;
    }
    let repository = env.repository(&request.repository)?;
    if let Some(remote) = repository.on_github() {
        if overtaken::is_overtaken(env, remote, message.correlation_id, request, &mut reply).await? {
            return Ok(reply.finish());
        }
        if let Some(inventory) = unchanged::unchanged(env, remote, &message).await? {
            inventory.keep(&env.store, message.correlation_id).await?;
            overtaken::follow_the_head(env, remote, &message, &mut reply).await?;
            reply.event(topic::SCAN_COMPLETED, request.commit.as_str(), &inventory.completed())?;
            return Ok(reply.finish());
        }
    }
    let (tree, sources) = repository.tree_and_sources(&request.commit, &env.tree_limits).await?;
    let mut examination = examine(env, &tree).await?;
    examination.look_for_imports(&tree, &sources).await;
    let cases = cases(&examination, request, &named_after);
    if repository.on_github().is_some() {
        let found: BTreeSet<&CaseId> = cases.iter().map(|(case, ..)| case).collect();
        for case in gone(env, request, &examination, &found).await? {
            let gone = WoundGone { case, repository: request.repository.clone(), commit: request.commit.clone() };
            reply.command(queue::VERIFY, topic::WOUND_GONE, gone.case.as_str(), &gone)?;
        }
    }
    for (case, wound, detected) in cases {
        let is_observed = request.mode == Mode::Observe || examination.config.mode == RepositoryMode::Observe;
        let status = if is_observed { Status::Observed } else { Status::Initiated };
        reply.record(&case, |record| {
            record.wound = Some(wound);
            record.status = Some(status);
        });
        if !is_observed {
            reply.command(queue::ANALYZE, topic::VULNERABILITY_DETECTED, case.as_str(), &detected)?;
        }
    }
    if request.mode != Mode::DryRun {
        let inventory = Inventory::of(&message, &tree, &examination, env.clock.now());
        match request.is_anew {
            true => inventory.keep_of_head(&env.store, message.correlation_id).await?,
            false => inventory.keep(&env.store, message.correlation_id).await?,
        }
        if let Some(remote) = repository.on_github() {
            overtaken::follow_the_head(env, remote, &message, &mut reply).await?;
        }
    }
    let completed = ScanCompleted {
        repository: request.repository.clone(),
        commit: request.commit.clone(),
        summary: examination.summary(),
        suppressed: examination.suppressed.len(),
        errors: bounded(&examination.errors),
        is_complete: examination.is_complete,
        unread: examination.unread().into_iter().take(SCAN_ERRORS_MAX).map(str::to_owned).collect(),
        notes: examination.notes.iter().take(SCAN_ERRORS_MAX).cloned().collect(),
        limits_hit: examination.limits_hit.iter().take(SCAN_ERRORS_MAX).cloned().collect(),
        has_unseen: examination.has_unseen,
    };
    reply.event(topic::SCAN_COMPLETED, request.commit.as_str(), &completed)?;
    Ok(reply.finish())
}

/// How far the scan may go. A first look that comes after a push that is healed must not take back what that allowed.
async fn mode(env: &Environment, request: &ScanRequested) -> Result<Mode, AgentError> {
    if request.mode != Mode::Observe {
        return Ok(request.mode);
    }
    let last = Inventory::find(&env.store, &request.repository, &request.base_branch).await?;
    Ok(last.filter(|last| last.mode == Mode::Heal).map_or(request.mode, |last| last.mode))
}

/// Cases whose fixes are offered, and of which nothing is found here. Nothing is said where not everything could be looked at.
async fn gone(
    env: &Environment,
    request: &ScanRequested,
    examination: &Examination,
    found: &BTreeSet<&CaseId>,
) -> Result<Vec<CaseId>, AgentError> {
    if !examination.is_complete || examination.has_unseen || !examination.unread().is_empty() {
        return Ok(Vec::new());
    }
    let offered = offered::of_branch(&env.store, &request.repository, &request.base_branch).await?;
    Ok(offered.into_iter().filter(|case| !found.contains(case)).collect())
}

/// The case of the file at `path`.
fn case_of(repository: &RepoName, branch: &str, ecosystem: Ecosystem, path: &str) -> CaseId {
    CaseId::of(repository, branch, &ecosystem.to_string().to_lowercase(), path)
}

fn bounded(errors: &[ScanError]) -> Vec<ScanError> {
    let mut named: Vec<ScanError> = errors.iter().take(SCAN_ERRORS_MAX).cloned().collect();
    for error in &mut named {
        if let Some((end, _)) = error.message.char_indices().nth(SCAN_ERROR_CHARS_MAX) {
            error.message.truncate(end);
            error.message.push('…');
        }
    }
    if errors.len() > SCAN_ERRORS_MAX {
        named.pop();
        let message = format!("and {} more", errors.len() - named.len());
        named.push(ScanError { path: String::new(), line: None, message });
    }
    named
}

/// The cases of an examination, `named_after` what the repository was first known by: one per file that a fix would change, with findings
/// that are reported or suppressed. In the order in which they are to be worked.
fn cases(examination: &Examination, request: &ScanRequested, named_after: &RepoName) -> Vec<(CaseId, Wound, Detected)> {
    let mut suppressed: BTreeMap<usize, Vec<(&Finding, String)>> = BTreeMap::new();
    for (matched, why) in &examination.suppressed {
        suppressed.entry(matched.graph).or_default().push((&matched.finding, wording::suppression(why)));
    }
    let mut cases = Vec::new();
    for (index, graph) in examination.graphs.iter().enumerate() {
        let findings: Vec<_> = examination.of_graph(index).map(|matched| matched.finding.clone()).collect();
        let suppressed = suppressed.remove(&index).unwrap_or_default();
        if findings.is_empty() && suppressed.is_empty() {
            continue;
        }
        let path = graph.lockfile.as_ref().unwrap_or(&graph.manifest);
        let case = case_of(named_after, &request.base_branch, graph.ecosystem, path);
        // A case all of whose findings are suppressed is about those.
        let is_about: Vec<&Finding> = match findings.as_slice() {
            [] => suppressed.iter().map(|(finding, _)| *finding).collect(),
            findings => findings.iter().collect(),
        };
        let worst = is_about.iter().max_by_key(|finding| finding.severity);
        let wound = Wound {
            repository: request.repository.clone(),
            base_branch: request.base_branch.clone(),
            commit: request.commit.clone(),
            event_type: detectors::dependency::matching::EVENT_TYPE.to_owned(),
            rule: worst.map_or_else(String::new, |finding| finding.rule.clone()),
            severity: worst.map_or(Severity::Unknown, |finding| finding.severity),
            path: path.clone(),
            findings: is_about.iter().map(|finding| finding.fingerprint.clone()).collect(),
        };
        let suppressed = suppressed.into_iter().map(|(finding, why)| (finding.fingerprint.clone(), why)).collect();
        let detected = Detected { case: case.clone(), wound: wound.clone(), findings, suppressed, mode: request.mode };
        cases.push((case, wound, detected));
    }
    cases.sort_by(|(one, wound, detected), (other, other_wound, other_detected)| {
        order_of_work(
            (soonest(&detected.findings), wound.severity, one),
            (soonest(&other_detected.findings), other_wound.severity, other),
        )
    });
    cases
}
