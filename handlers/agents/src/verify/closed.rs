//! A pull request of ours was closed: the merged branch is looked at, or what somebody declined is remembered.

use super::alerts;
use super::case::Standing;
use crate::environment::Environment;
use crate::environment::github::GitHubRepository;
use crate::error::AgentError;
use crate::examine::{Examination, examine};
use pipeline::case::{Case, Outcome, Status, Step};
use pipeline::decision::Decision;
use pipeline::ids::Fingerprint;
use pipeline::message::{Envelope, queue, topic};
use pipeline::outbox::{Outbox, Reply};
use pipeline::payload::{PullRequestClosed, VerificationRequested};
use pipeline::wording;
use std::collections::BTreeSet;

/// Concludes the case. One that Suture itself closed, or that stands otherwise by now, is left as it is.
///
/// Tries later where the merged branch, or advisories, can't be had.
pub async fn closed(env: &Environment, message: Envelope<PullRequestClosed>) -> Result<Outbox, AgentError> {
    let mut reply = Reply::new("verify", &message, env.clock.now());
    let PullRequestClosed { case, repository, number, .. } = &message.payload;
    let Some(standing) = Standing::of(env, case, repository).await? else { return Ok(reply.finish()) };
    let there = env.repository(repository)?;
    if let Some(remote) = there.on_github() {
        conclude(env, &mut reply, &standing, remote, *number).await?;
    }
    Ok(reply.finish())
}

/// The pull request `number` was closed before anybody looked at what it offers: what it came to counts, and nothing is judged.
pub(super) async fn before_verified(
    env: &Environment,
    message: &Envelope<VerificationRequested>,
    remote: &GitHubRepository,
    number: u64,
) -> Result<Outbox, AgentError> {
    let VerificationRequested { case, wound, .. } = &message.payload;
    let mut reply = Reply::new("verify", message, env.clock.now());
    let is_recorded = match Standing::of(env, case, &wound.repository).await? {
        Some(standing) => conclude(env, &mut reply, &standing, remote, number).await?,
        None => false,
    };
    if !is_recorded {
        let step = Step::new("verify: stands", false, format!("#{number} was closed before it was looked at"));
        reply.record(case, |record| record.steps.push(step));
    }
    Ok(reply.finish())
}

/// What the pull request `number`, which is closed, means for its case. Whoever tells of it may be wrong or late: GitHub is asked. Whether
/// anything was recorded.
pub(super) async fn conclude<P>(
    env: &Environment,
    reply: &mut Reply<'_, P>,
    standing: &Standing,
    remote: &GitHubRepository,
    number: u64,
) -> Result<bool, AgentError> {
    let Some(pull) = remote.pull_request(number).await?.filter(|_| standing.pull.number == number) else {
        return Ok(false);
    };
    if pull.is_open {
        return Ok(false);
    }
    if pull.merged_at.is_some() {
        merged(env, reply, standing, remote, number).await?;
    } else if wording::github::is_withdrawn(&pull.body) {
        // By ourselves, which is recorded where it was done.
        return Ok(false);
    } else {
        declined(reply, standing, number)?;
    }
    Ok(true)
}

/// The branch that it was merged to is looked at as if nobody had promised anything.
async fn merged<P>(
    env: &Environment,
    reply: &mut Reply<'_, P>,
    standing: &Standing,
    remote: &GitHubRepository,
    number: u64,
) -> Result<(), AgentError> {
    let (wound, case) = (&standing.offer.wound, &standing.case);
    let head = remote.branch(&wound.base_branch).await?;
    let head = head.ok_or_else(|| AgentError::cant_be_helped(format!("the branch {} is gone", wound.base_branch)))?;
    let examination = examine(env, &remote.tree(&head, &env.tree_limits).await?).await?;
    if examination.is_unasked(&wound.path) {
        return Err(AgentError::advisories_silent());
    }
    let left: BTreeSet<&Fingerprint> = standing.offer.left.iter().map(|left| &left.fingerprint).collect();
    let promised: BTreeSet<&Fingerprint> = wound.findings.iter().filter(|finding| !left.contains(finding)).collect();
    let still: Vec<String> = examination
        .matched
        .iter()
        .map(|matched| &matched.finding)
        .filter(|finding| promised.contains(&finding.fingerprint))
        .map(|finding| finding.rule.clone())
        .collect();
    let seen = format!("#{number} was merged; at {} on {}", head.short(), wound.base_branch);
    if still.is_empty() {
        let step = Step::new("verify: merged", true, format!("{seen} nothing of it is found"));
        reply.event(topic::HEALING_COMPLETED, case.as_str(), &standing.event(step.detail.clone()))?;
        alerts::await_closing(env, reply, standing)?;
        if is_healed_too(&standing.newest, &examination) {
            standing.record_in_newest(reply, |record| {
                record.status = Some(Status::Completed);
                record.steps.push(step.clone());
            });
        }
        standing.record(reply, |record| {
            record.status = Some(Status::Completed);
            record.outcome = Some(Outcome::Verified);
            record.steps.push(step);
        });
        return Ok(());
    }
    let step = Step::new("verify: merged", false, format!("{seen} it is still there: {}", still.join(", ")));
    let reasons = [step.detail.clone()];
    reply.event(topic::HEALING_FAILED, case.as_str(), &standing.event(step.detail.clone()))?;
    let notice = wording::escalated(case, wound, &reasons, &standing.offer.left);
    reply.command(queue::NOTIFY, topic::NOTIFICATION_REQUESTED, case.as_str(), &notice)?;
    standing.record(reply, |record| {
        record.status = Some(Status::Failed);
        record.outcome = Some(Outcome::NotFixed);
        record.steps.push(step);
    });
    Ok(())
}

/// Whether what a later run only told of is gone as well. One that is at work sees that by itself.
fn is_healed_too(newest: &Case, examination: &Examination) -> bool {
    let is_told = matches!(newest.status, Status::Escalated | Status::Failed | Status::Observed | Status::Error);
    let found: BTreeSet<&Fingerprint> =
        examination.matched.iter().map(|matched| &matched.finding.fingerprint).collect();
    is_told && newest.wound.as_ref().is_some_and(|wound| !wound.findings.iter().any(|one| found.contains(one)))
}

/// Somebody closed it without merging: that is a decision.
fn declined<P>(reply: &mut Reply<'_, P>, standing: &Standing, number: u64) -> Result<(), AgentError> {
    let why = wording::declined(number);
    reply.event(topic::HEALING_SUPPRESSED, standing.case.as_str(), &standing.event(why.clone()))?;
    standing.record(reply, |record| {
        record.status = Some(Status::Suppressed);
        record.decision = Some((Decision::Suppress, vec![why]));
        record.outcome = Some(Outcome::Declined);
    });
    Ok(())
}
