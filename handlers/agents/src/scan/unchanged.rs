//! A push that changes nothing that a scan reads: what the last scan saw is held against the advisories of today, and nothing is fetched.

use super::rematch;
use crate::environment::Environment;
use crate::environment::github::GitHubRepository;
use crate::error::AgentError;
use crate::inventory::Inventory;
use crate::journal::{JournalRecord, journal_key};
use crate::{history, offered};
use detectors::dependency;
use pipeline::case::Status;
use pipeline::message::{Envelope, queue, topic};
use pipeline::payload::ScanRequested;
use pipeline::repository_config;

/// The last scan of the branch, as one of the commit of `request`: if it was as thorough and came to its end, no file differs that is read,
/// advisories say what they said, and what was suppressed still is.
pub(super) async fn unchanged(
    env: &Environment,
    remote: &GitHubRepository,
    message: &Envelope<ScanRequested>,
) -> Result<Option<Inventory>, AgentError> {
    let request = &message.payload;
    if request.is_anew {
        return Ok(None);
    }
    let last = Inventory::find(&env.store, &request.repository, &request.base_branch).await?;
    let is_as_thorough = |last: &Inventory| last.mode == request.mode && last.is_whole;
    let Some(last) = last.filter(|last| is_as_thorough(last) && !last.has_ended(env.clock.now())) else {
        return Ok(None);
    };
    // One whose process died after it kept this has yet to open its cases: it may be this very message, or was put off or given up since.
    let record: Option<JournalRecord> = env.store.read(&journal_key(queue::SCAN, last.message)).await?;
    let is_completed = |message: &Envelope| message.topic == topic::SCAN_COMPLETED;
    if !record.is_some_and(|record| record.outbox.messages.iter().any(is_completed)) {
        return Ok(None);
    }
    if !is_settled(env, &last).await? {
        return Ok(None);
    }
    if last.commit != request.commit {
        let changed = remote.changed_files(&last.commit, &request.commit).await?;
        let is_read =
            |path: &String| path == repository_config::PATH || dependency::wants(path) || last.files.contains(path);
        if changed.is_cut || changed.paths.iter().any(is_read) {
            return Ok(None);
        }
    }
    let is_known = rematch::findings(env, &last).await? == last.findings;
    Ok(is_known.then(|| Inventory { commit: request.commit.clone(), at: env.clock.now(), message: message.id, ..last }))
}

/// Whether all that is offered on the branch is what `last` led to. Else something is gone, in work, or without a fix, which is acted on only
/// where it was seen at the head: it has to be seen there again.
async fn is_settled(env: &Environment, last: &Inventory) -> Result<bool, AgentError> {
    for case in offered::of_branch(&env.store, &last.repository, &last.branch).await? {
        let records = history::case_records(&env.store, &case).await?;
        let is_settled = history::last_look(&records).is_some_and(|look| {
            let is_of_last = last.read_in.is_some_and(|run| look.run >= run);
            is_of_last && (look.delivery.is_some() || look.status == Some(Status::Observed))
        });
        if !is_settled {
            return Ok(false);
        }
    }
    Ok(true)
}
