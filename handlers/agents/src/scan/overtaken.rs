//! A scan that is not of the head as it is known: it was put off, or two pushes came in another order than they were made.

use crate::environment::Environment;
use crate::environment::github::GitHubRepository;
use crate::error::AgentError;
use crate::inventory::Inventory;
use pipeline::message::{Envelope, RunId, queue, topic};
use pipeline::outbox::Reply;
use pipeline::payload::ScanRequested;

/// A branch that moves on faster than it is looked at is followed so far from the beginning of a run. Its last push, or the look of the day, is a
/// beginning of its own.
const HOPS_MAX: u32 = 40;

/// Whether a later run than `run` looked at the branch: what `run` recorded would count as older than what that one saw. Then a scan of the
/// head is asked for in a run that is later than both, however far the clocks of processes differ.
pub(super) async fn is_overtaken(
    env: &Environment,
    remote: &GitHubRepository,
    run: RunId,
    request: &ScanRequested,
    reply: &mut Reply<'_, ScanRequested>,
) -> Result<bool, AgentError> {
    let newest = Inventory::newest_run(&env.store, &request.repository, &request.base_branch).await?;
    let Some(newest) = newest.filter(|newest| *newest > run) else { return Ok(false) };
    if let Some(commit) = remote.branch(&request.base_branch).await? {
        // What was left undone is still: the later run may have seen that nothing changed.
        let request = ScanRequested { commit, ..request.clone() };
        reply.command_in_run_after(newest, queue::SCAN, topic::SCAN_REQUESTED, &subject(&request), &request)?;
    }
    Ok(true)
}

/// Asks for a scan of the head in a later run where the branch stands elsewhere than `request`, which `run` has kept as the newest: an earlier
/// run that saw the head meanwhile counts as older. A run that is later still has looked, or looks, after it.
pub(super) async fn follow_the_head(
    env: &Environment,
    remote: &GitHubRepository,
    message: &Envelope<ScanRequested>,
    reply: &mut Reply<'_, ScanRequested>,
) -> Result<(), AgentError> {
    let (run, request) = (message.correlation_id, &message.payload);
    if message.hops >= HOPS_MAX {
        return Ok(());
    }
    let newest = Inventory::newest_run(&env.store, &request.repository, &request.base_branch).await?;
    if newest.is_some_and(|newest| newest > run) {
        return Ok(());
    }
    if let Some(head) = remote.branch(&request.base_branch).await?.filter(|head| *head != request.commit) {
        let request = ScanRequested { commit: head, is_anew: false, ..request.clone() };
        reply.command_in_run_after(run, queue::SCAN, topic::SCAN_REQUESTED, &subject(&request), &request)?;
    }
    Ok(())
}

/// Whoever asks for the same look after the same run asks for one.
fn subject(request: &ScanRequested) -> String {
    let ScanRequested { commit, mode, is_anew, .. } = request;
    format!("{commit} {mode:?} {is_anew}")
}
