//! A pull request of ours was closed: the merged branch is looked at, or what somebody declined is remembered.

use super::alerts;
use super::case::Standing;
use super::{regressed, unattended};
use crate::environment::Environment;
use crate::environment::github::{GitHubError, GitHubRepository, PullRequest};
use crate::error::AgentError;
use crate::examine::{Examination, examine};
use crate::offered;
use crate::{audit, declined};
use detectors::source_tree::SourceTree;
use jiff::SignedDuration;
use pipeline::audit::Act;
use pipeline::case::{Case, Outcome, Status, Step};
use pipeline::decision::Decision;
use pipeline::ids::{CommitSha, Fingerprint};
use pipeline::learning::outcome::Ending;
use pipeline::message::{Envelope, queue, topic};
use pipeline::outbox::{Outbox, Reply};
use pipeline::payload::{PullRequestClosed, VerificationRequested};
use pipeline::wording;
use std::collections::BTreeSet;

/// A fix that others took over is looked at so often, in days.
const LOOK_DAYS: i64 = 7;

/// And for so long after it was offered.
const FOLLOWED_DAYS: i64 = 30;

/// Name of the step that tells what the merged branch came to.
const MERGED_STEP: &str = "verify: merged";

/// Concludes the case. One that Suture itself closed, or that stands otherwise by now, is left as it is.
///
/// Tries later where the merged branch, or advisories, can't be had.
pub async fn closed(env: &Environment, message: Envelope<PullRequestClosed>) -> Result<Outbox, AgentError> {
    let mut reply = Reply::new("verify", &message, env.clock.now());
    let PullRequestClosed { case, repository, number, .. } = &message.payload;
    let there = env.repository(repository)?;
    let standing = match Standing::of(env, case, repository).await? {
        None => Standing::taken_over(env, case, repository, *number).await?,
        standing => standing,
    };
    if let (Some(standing), Some(remote)) = (standing, there.on_github()) {
        let is_recorded = conclude(env, &mut reply, &standing, remote, *number).await?;
        // Only a look of our own leads to the next.
        if standing.is_taken_over && !is_recorded && message.source == "verify" {
            look_later(env, &mut reply, &standing)?;
        }
    }
    Ok(reply.finish())
}

/// Has a fix that others took over looked at after a while, whether GitHub tells of its end or not: what is theirs is followed by nothing else.
pub(super) fn look_later<P>(
    env: &Environment,
    reply: &mut Reply<'_, P>,
    standing: &Standing,
) -> Result<(), AgentError> {
    let (now, offer) = (env.clock.now(), &standing.offer);
    let is_long = offer.at.is_none_or(|at| now.duration_since(at) >= SignedDuration::from_hours(FOLLOWED_DAYS * 24));
    if is_long {
        return Ok(());
    }
    let closed = PullRequestClosed {
        case: standing.case.clone(),
        repository: offer.wound.repository.clone(),
        number: standing.pull.number,
        head_commit: standing.commit.clone(),
        merged: false,
        merge_commit: None,
        closed_by: None,
    };
    super::come_again(env, reply, LOOK_DAYS * 24, topic::PULL_REQUEST_CLOSED, &closed.case, &closed)
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
    let is_merged = pull.merged_at.is_some();
    if standing.is_taken_over && (!is_merged || pull.base != standing.offer.wound.base_branch) {
        return Ok(false);
    }
    // By ourselves, which is recorded where it was done.
    let is_taken_back = !is_merged && wording::github::is_withdrawn(&pull.body);
    if pull.is_open || is_taken_back {
        return Ok(false);
    }
    let base = &standing.offer.wound.base_branch;
    if is_merged && pull.base != *base {
        superseded(env, reply, standing, format!("#{number} was merged to {}, and not to {base}", pull.base))?;
        return Ok(true);
    }
    let Some(head) = remote.branch(base).await? else {
        // GitHub closes what goes to a branch that is deleted: nobody decided anything.
        superseded(env, reply, standing, format!("#{number} is closed, and the branch {base} is gone"))?;
        return Ok(true);
    };
    if is_merged {
        let tree = remote.tree(&head, &env.tree_limits).await?;
        let is_unattended = unattended::was_ours(env, standing, remote, &pull).await?;
        if is_unattended {
            let detail = format!("#{number}, {} of {}", standing.commit.short(), standing.offer.wound.repository);
            audit::note_own(env, Act::Merged, &standing.case, number, detail).await?;
        }
        let merge = Merge { number, is_unattended, is_edited: is_edited(standing, remote, &pull).await? };
        return merged(env, reply, standing, &tree, &head, merge).await;
    }
    if let Some(plan) = standing.offer.plan() {
        declined::note(&env.store, &standing.case, &plan, number, env.clock.now()).await?;
    }
    declined(reply, standing, number)?;
    standing.learn(env, reply, Ending::Declined, false)?;
    Ok(true)
}

/// The branch that it was meant for has nothing to do with it any more: nothing is said of the fix.
fn superseded<P>(
    env: &Environment,
    reply: &mut Reply<'_, P>,
    standing: &Standing,
    detail: String,
) -> Result<(), AgentError> {
    standing.learn(env, reply, Ending::Censored, false)?;
    reply.event(topic::HEALING_SUPERSEDED, standing.case.as_str(), &standing.event(detail.clone()))?;
    standing.record(reply, |record| {
        record.status = Some(Status::Superseded);
        record.steps.push(Step::new("verify: stands", false, detail));
    });
    Ok(())
}

/// A pull request that was merged.
#[derive(Clone, Copy)]
struct Merge {
    number: u64,
    is_unattended: bool,
    /// Whether it is not what was offered.
    is_edited: bool,
}

/// Whether others made something else of what is merged with `pull`. A branch that was only brought up to its base is as it was offered.
async fn is_edited(standing: &Standing, remote: &GitHubRepository, pull: &PullRequest) -> Result<bool, AgentError> {
    let (ours, files) = (&standing.commit, &standing.offer.delivery.files);
    if pull.head_commit == *ours {
        return Ok(false);
    }
    let Some(merged) = &pull.merge_commit else { return Ok(true) };
    let changed = match remote.changed_files(ours, &pull.head_commit).await {
        Err(GitHubError::Absent { .. }) => return Ok(true),
        changed => changed?,
    };
    if changed.is_cut || changed.paths.iter().any(|path| files.contains(path)) {
        return Ok(true);
    }
    let Some(before) = remote.commit(merged).await?.parents.into_iter().next() else { return Ok(true) };
    let brought = remote.changed_files(&before, merged).await?;
    Ok(brought.is_cut || brought.paths.iter().any(|path| !files.contains(path)))
}

/// The branch that it was merged to is looked at as if nobody had promised anything. Where it can't be read, people are told, once, and it is
/// looked at again with the next word of it. Whether anything was recorded.
async fn merged<P>(
    env: &Environment,
    reply: &mut Reply<'_, P>,
    standing: &Standing,
    tree: &SourceTree,
    head: &CommitSha,
    merge: Merge,
) -> Result<bool, AgentError> {
    let Merge { number, is_unattended, is_edited } = merge;
    let (wound, case) = (&standing.offer.wound, &standing.case);
    let examination = examine(env, tree).await?;
    if examination.is_unasked(&wound.path) {
        return Err(AgentError::advisories_silent());
    }
    let how = match (is_unattended, is_edited) {
        (true, _) => "merged without people",
        (false, true) => "changed by others and merged",
        (false, false) => "merged",
    };
    let seen = format!("#{number} was {how}; at {} on {}", head.short(), wound.base_branch);
    if is_unread(&examination, &wound.path) {
        let is_told = standing.steps.iter().any(|step| step.name == MERGED_STEP);
        if !is_told {
            failed(reply, standing, format!("{seen} {} can't be read", wound.path), None)?;
        }
        return Ok(!is_told);
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
    if still.is_empty() {
        let step = Step::new(MERGED_STEP, true, format!("{seen} nothing of it is found"));
        reply.event(topic::HEALING_COMPLETED, case.as_str(), &standing.event(step.detail.clone()))?;
        alerts::await_closing(env, reply, standing)?;
        if !is_edited {
            offered::keep_merged(&env.store, case, &standing.offer).await?;
            regressed::await_checks(env, reply, standing)?;
        }
        let ending = if is_edited { Ending::MergedEdited } else { Ending::Merged };
        standing.learn(env, reply, ending, is_unattended)?;
        if is_healed_too(&standing.newest, &examination) {
            standing.record_in_newest(reply, |record| {
                record.status = Some(Status::Completed);
                record.steps.push(step.clone());
            });
        }
        standing.record(reply, |record| {
            record.status = Some(Status::Completed);
            record.outcome = Some(if is_edited { Outcome::VerifiedEdited } else { Outcome::Verified });
            record.steps.push(step);
        });
        return Ok(true);
    }
    let seen = format!("{seen} it is still there: {}", still.join(", "));
    if is_edited {
        // It was not our fix.
        superseded(env, reply, standing, seen)?;
        return Ok(true);
    }
    failed(reply, standing, seen, Some(Outcome::NotFixed))?;
    standing.learn(env, reply, Ending::NotFixed, is_unattended)?;
    Ok(true)
}

/// Whether nothing is known of the project that is mended by changing `path`.
fn is_unread(examination: &Examination, path: &str) -> bool {
    examination.unread().contains(path) || examination.has_unseen && examination.graph_at(path).is_none()
}

/// The merge did not do what was promised, or nobody can tell: people are told.
fn failed<P>(
    reply: &mut Reply<'_, P>,
    standing: &Standing,
    detail: String,
    outcome: Option<Outcome>,
) -> Result<(), AgentError> {
    let (wound, case) = (&standing.offer.wound, &standing.case);
    let step = Step::new(MERGED_STEP, false, detail);
    let reasons = [step.detail.clone()];
    reply.event(topic::HEALING_FAILED, case.as_str(), &standing.event(step.detail.clone()))?;
    let notice = wording::escalated(case, wound, &reasons, &standing.offer.left);
    reply.command(queue::NOTIFY, topic::NOTIFICATION_REQUESTED, case.as_str(), &notice)?;
    standing.record(reply, |record| {
        record.status = Some(Status::Failed);
        record.outcome = outcome;
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
