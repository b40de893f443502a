//! Function `verify`: looks at what was delivered, not at what was meant, and takes it back if it is wrong.

pub mod alerts;
pub mod changed;
pub mod checks;
pub mod closed;
pub mod gone;
pub mod regressed;
pub mod reopened;

mod case;
mod outdated;
mod ready;
mod unattended;

use crate::audit;
use crate::environment::Environment;
use crate::error::AgentError;
use crate::examine::examine;
use crate::history;
use crate::learned::{self, Told};
use crate::offer;
use crate::offered::{self, Offer};
use crate::prove::{Seen, failures, prove};
use jiff::SignedDuration;
use pipeline::audit::Act;
use pipeline::case::{CaseRecord, Status, Step};
use pipeline::ids::{CaseId, CommitSha};
use pipeline::learning::outcome::Ending;
use pipeline::message::{Envelope, queue, topic};
use pipeline::outbox::{Outbox, Reply};
use pipeline::payload::{CaseEvent, ChecksCompleted, VerificationRequested};
use pipeline::wording;
use serde::Serialize;

/// What others say of a merge is looked at so long after it, and after each look before, in hours.
const LOOKS_HOURS: [i64; 5] = [1, 2, 4, 8, 12];

/// Has `verify` hear of `case` once more, in so many hours, by `about`.
fn come_again<P, Q: Serialize>(
    env: &Environment,
    reply: &mut Reply<'_, P>,
    hours: i64,
    topic: &str,
    case: &CaseId,
    about: &Q,
) -> Result<(), AgentError> {
    let now = env.clock.now();
    let due = now.saturating_add(SignedDuration::from_hours(hours)).unwrap_or(now);
    Ok(reply.command_later(due, queue::VERIFY, topic, case.as_str(), about)?)
}

/// Reads the branch back and looks at it. A branch that others moved on since is theirs, and the case superseded. A fix that does not hold is
/// withdrawn where the policy allows it. One whose pull request was closed meanwhile is concluded.
///
/// Can't be helped where the branch was left without a commit.
pub async fn verify(env: &Environment, message: Envelope<VerificationRequested>) -> Result<Outbox, AgentError> {
    let VerificationRequested { case, wound, verdict, heals, left, delivery } = &message.payload;
    let (Some(branch), Some(commit)) = (&delivery.branch, &delivery.commit) else {
        return Err(AgentError::cant_be_helped("there is no branch to verify"));
    };
    let repository = env.repository(&wound.repository)?;
    let mut steps = Vec::new();
    let stands = repository.branch(branch).await?;
    let rollback_claim = format!("rollbacks/{}", message.id);
    let claimed = match env.store.read::<Vec<Step>>(&rollback_claim).await? {
        // Where earlier releases kept it.
        None => env.store.read(&format!("state/rollback/{}", message.id)).await?,
        claimed => claimed,
    };
    if claimed.is_none()
        && let (Some(remote), Some(ours)) = (repository.on_github(), &delivery.pull_request)
    {
        keep_missing(env, &message).await?;
        if remote.pull_request(ours.number).await?.is_some_and(|pull| !pull.is_open) {
            return closed::before_verified(env, &message, remote, ours.number).await;
        }
    }
    if let Some(seen) = claimed {
        // The process died while it took the fix back: what was seen before counts, for now the branch may be gone.
        steps = seen;
    } else if stands.as_ref() == Some(commit) {
        let tree = repository.tree(&wound.commit, &env.tree_limits).await?;
        let before = examine(env, &tree).await?;
        let after = repository.tree(commit, &env.tree_limits).await?;
        let promised: Vec<_> = heals.iter().map(|finding| finding.fingerprint.clone()).collect();
        steps.extend(prove(env, Seen { tree: &tree, examination: &before }, &promised, &after).await?);
        steps.push(only_files(&repository.changed_files(&wound.commit, commit).await?, &delivery.files));
    } else {
        return moved_on(env, &message, branch, commit).await;
    }
    let failed = failures(&steps);
    let mut reply = Reply::new("verify", &message, env.clock.now());
    let event = |detail: String| CaseEvent { case: case.clone(), repository: wound.repository.clone(), detail };
    let told = if failed.is_empty() { "it holds".to_owned() } else { failed.join("; ") };
    reply.event(topic::VERIFICATION_COMPLETE, case.as_str(), &event(told))?;
    let (status, told, notice) = if failed.is_empty() {
        match &delivery.pull_request {
            Some(pull) => {
                let notice = wording::offered(case, wound, verdict, heals.len(), &pull.url);
                (Status::Proposed, topic::HEALING_PROPOSED, notice)
            }
            None => {
                let notice = wording::healed(case, wound, verdict, heals.len(), left);
                match verdict.is_ready() {
                    true => (Status::Completed, topic::HEALING_COMPLETED, notice),
                    false => (Status::Proposed, topic::HEALING_PROPOSED, notice),
                }
            }
        }
    } else {
        let policy = verdict.policy.as_deref().and_then(|name| env.policies.named(name));
        let may_roll_back = policy.is_some_and(|policy| policy.rollback_enabled);
        if may_roll_back {
            env.store.create(&rollback_claim, &steps).await?;
        }
        if may_roll_back && let Some(remote) = repository.on_github() {
            let (known, why) = (delivery.pull_request.as_ref(), wording::github::taken_back(&failed));
            offer::take_back(remote, branch, commit, known, &why).await?;
        }
        let is_withdrawn = may_roll_back && repository.withdraw(branch, commit).await?;
        let notice = wording::rolled_back(case, wound, &steps);
        if is_withdrawn {
            if let Some(offer) = offered::find(&env.store, case, wound).await?.and_then(|offered| offered.offer) {
                let told = Told { case, offer: &offer, ending: Ending::TakenBack, is_unattended: false };
                learned::tell(env, &mut reply, told)?;
            }
            let detail = format!("{branch} of {} at {}: {}", wound.repository, commit.short(), failed.join("; "));
            audit::note_own(env, Act::Undone, case, message.id, detail).await?;
            steps.push(Step::new("rolled back", true, format!("{branch} was deleted")));
            (Status::RolledBack, topic::HEALING_ROLLED_BACK, notice)
        } else {
            (Status::Failed, topic::HEALING_FAILED, wording::escalated(case, wound, &failed, left))
        }
    };
    if delivery.pull_request.is_some() && status == Status::Proposed {
        let about =
            ChecksCompleted { case: case.clone(), repository: wound.repository.clone(), commit: commit.clone() };
        checks::look_again(env, &mut reply, &about)?;
    }
    reply.event(told, case.as_str(), &event(notice.subject.clone()))?;
    reply.command(queue::NOTIFY, topic::NOTIFICATION_REQUESTED, case.as_str(), &notice)?;
    for step in &mut steps {
        step.name = format!("verify: {}", step.name);
    }
    reply.record(case, |record| {
        record.status = Some(status);
        record.steps = steps;
    });
    Ok(reply.finish())
}

/// What is offered is kept by whoever opened the pull request; a release before this one did not. What a later run offers in it since is not
/// this run's any more, and neither is what became of it.
async fn keep_missing(env: &Environment, message: &Envelope<VerificationRequested>) -> Result<(), AgentError> {
    let VerificationRequested { case, wound, verdict, heals, left, delivery } = &message.payload;
    if offered::find(&env.store, case, wound).await?.is_some() {
        return Ok(());
    }
    let is_later_offer = |record: &CaseRecord| {
        let delivery = record.delivery.as_ref().filter(|_| record.run > message.correlation_id);
        delivery.is_some_and(|delivery| delivery.pull_request.is_some())
    };
    if history::case_records(&env.store, case).await?.iter().any(is_later_offer) {
        return Ok(());
    }
    let offer = Offer {
        run: message.correlation_id,
        hops: message.hops.saturating_sub(1),
        wound: wound.clone(),
        delivery: delivery.clone(),
        left: left.clone(),
        advisories: offered::advisories(heals, []),
        is_kept_by_people: false,
        tried: None,
        at: None,
        releases: Default::default(),
        verdict: Some(verdict.clone()),
    };
    Ok(offered::keep(&env.store, case, offer).await?)
}

/// Somebody deleted the branch, committed to it, or a newer run moved it: there is nothing of ours to judge.
async fn moved_on(
    env: &Environment,
    message: &Envelope<VerificationRequested>,
    branch: &str,
    commit: &CommitSha,
) -> Result<Outbox, AgentError> {
    let VerificationRequested { case, wound, .. } = &message.payload;
    let detail = format!("{branch} is no longer at {}", commit.short());
    let mut reply = Reply::new("verify", message, env.clock.now());
    let event = CaseEvent { case: case.clone(), repository: wound.repository.clone(), detail: detail.clone() };
    reply.event(topic::HEALING_SUPERSEDED, case.as_str(), &event)?;
    let offered = offered::find(&env.store, case, wound).await?;
    if let Some(offer) = offered.filter(|offered| offered.commit == *commit).and_then(|offered| offered.offer) {
        let told = Told { case, offer: &offer, ending: Ending::Censored, is_unattended: false };
        learned::tell(env, &mut reply, told)?;
    }
    reply.record(case, |record| {
        record.status = Some(Status::Superseded);
        record.steps = vec![Step::new("verify: stands", false, detail)];
    });
    Ok(reply.finish())
}

fn only_files(changed: &[String], meant: &[String]) -> Step {
    let others: Vec<&String> = changed.iter().filter(|path| !meant.contains(path)).collect();
    if others.is_empty() {
        Step::new("only what was meant", true, format!("{} changed", changed.join(", ")))
    } else {
        Step::new("only what was meant", false, format!("it also changes {others:?}"))
    }
}
