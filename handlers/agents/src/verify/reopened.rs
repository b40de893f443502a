//! A pull request of ours was opened again: somebody wants the fix after all.

use super::case::offer_of;
use super::checks;
use crate::declined;
use crate::environment::Environment;
use crate::environment::github::{Changes, GitHubRepository, PullRequest};
use crate::error::AgentError;
use crate::history;
use crate::inventory::Inventory;
use crate::offered::{self, Offer};
use pipeline::case::{CaseRecord, Delivery, Status, Step, Wound, fold};
use pipeline::ids::CaseId;
use pipeline::message::{Envelope, queue, topic};
use pipeline::outbox::{Outbox, Reply};
use pipeline::payload::{CaseEvent, ChecksCompleted, Mode, PullRequestReopened, ScanRequested};
use pipeline::wording::github as wording;

/// Proposes the fix again, and has its base scanned: what it was proven for may have changed. One that Suture had taken back is for
/// people to keep or to close from now on.
///
/// Left alone where the branch is not at the commit that we offered: then it offers something else.
pub async fn reopened(env: &Environment, message: Envelope<PullRequestReopened>) -> Result<Outbox, AgentError> {
    let mut reply = Reply::new("verify", &message, env.clock.now());
    let PullRequestReopened { case, repository, number } = &message.payload;
    let there = env.repository(repository)?;
    let Some(remote) = there.on_github() else { return Ok(reply.finish()) };
    let records = history::case_records(&env.store, case).await?;
    let last = offered::last(&env.store, case).await?.filter(|last| is_in(&last.delivery, *number));
    // So many runs may have been since that none of those which are read has it.
    // What was offered last says more of it than the records of its case do.
    let (Some(before), Some(newest)) = (last.or_else(|| offer_with(&records, *number)), fold(records.clone())) else {
        return Ok(reply.finish());
    };
    let of_run = history::run_records(&env.store, case, before.run).await?;
    // Of a long history, the run may be forgotten.
    let is_ended = of_run.is_empty() || offered::is_over(&of_run, before.hops);
    if newest.wound.is_none_or(|wound| wound.repository != *repository) || !is_ended {
        return Ok(reply.finish());
    }
    let Some(pull) = remote.pull_request(*number).await?.filter(|pull| pull.is_open) else { return Ok(reply.finish()) };
    if let Some(plan) = before.plan() {
        declined::take_back(&env.store, case, &plan, *number).await?;
    }
    let Some(commit) = before.delivery.commit.clone() else { return Ok(reply.finish()) };
    let branch = case.branch();
    if remote.branch(&branch).await?.as_ref() != Some(&commit)
        || !remote.is_ours(&remote.commit(&commit).await?, &branch).await?
    {
        return Ok(reply.finish());
    }
    let decision = of_run.iter().find(|record| record.hops == before.hops).and_then(|record| record.decision.clone());
    // Later runs may have come to nothing because it was declined: it belongs to the newest one from now on.
    let last = history::last_hops(&records, newest.run);
    // The repository may have been renamed since.
    let wound = Wound { repository: repository.clone(), ..before.wound };
    let mut offer = Offer { run: newest.run, hops: last.saturating_add(1), wound, ..before };
    // A process that died here before may have marked it again.
    let was_kept = offered::find(&env.store, case, &offer.wound).await?.and_then(|kept| kept.offer);
    let is_withdrawn = wording::is_withdrawn(&pull.body);
    offer.is_kept_by_people = is_withdrawn || was_kept.is_some_and(|kept| kept.is_kept_by_people);
    offered::keep(&env.store, case, offer.clone()).await?;
    if is_withdrawn {
        mark_again(remote, &pull, case, &offer).await?;
    }
    let detail = format!("#{number} was opened again");
    let event = CaseEvent { case: case.clone(), repository: repository.clone(), detail: detail.clone() };
    reply.event(topic::HEALING_PROPOSED, case.as_str(), &event)?;
    checks::look_again(
        env,
        &mut reply,
        &ChecksCompleted { case: case.clone(), repository: repository.clone(), commit },
    )?;
    if !offer.is_kept_by_people {
        scan(env, &mut reply, remote, &offer).await?;
    }
    reply.record_in(case, offer.run, offer.hops, |record| {
        record.status = Some(Status::Proposed);
        record.decision = decision;
        record.delivery = Some(offer.delivery);
        record.left = Some(offer.left);
        record.steps.push(Step::new("verify: reopened", true, detail));
    });
    Ok(reply.finish())
}

/// What the pull request `number` offered last.
fn offer_with(records: &[CaseRecord], number: u64) -> Option<Offer> {
    offer_of(records, |record| record.delivery.as_ref().is_some_and(|delivery| is_in(delivery, number)))
}

/// Whether the pull request `number` offers `delivery`.
fn is_in(delivery: &Delivery, number: u64) -> bool {
    delivery.pull_request.as_ref().is_some_and(|pull| pull.number == number)
}

/// Closed once more, it will have been declined.
async fn mark_again(
    remote: &GitHubRepository,
    pull: &PullRequest,
    case: &CaseId,
    offer: &Offer,
) -> Result<(), AgentError> {
    let plan = offer.delivery.pull_request.as_ref().and_then(|pull| pull.plan.as_deref()).unwrap_or_default();
    let body = wording::offered_again(&pull.body, case, offer.run, plan);
    remote.update_pull_request(pull.number, Changes { body: Some(&body), ..Changes::default() }).await?;
    Ok(())
}

/// Has the base scanned as it is now.
async fn scan(
    env: &Environment,
    reply: &mut Reply<'_, PullRequestReopened>,
    remote: &GitHubRepository,
    offer: &Offer,
) -> Result<(), AgentError> {
    let (repository, base_branch) = (offer.wound.repository.clone(), offer.wound.base_branch.clone());
    let Some(commit) = remote.branch(&base_branch).await? else { return Ok(()) };
    let before = Inventory::find(&env.store, &repository, &base_branch).await?;
    let mode = before.map_or(Mode::Heal, |inventory| inventory.mode);
    let request = ScanRequested { repository, base_branch, commit, mode, is_anew: true };
    Ok(reply.command(queue::SCAN, topic::SCAN_REQUESTED, request.commit.as_str(), &request)?)
}
