//! A later look came to no fix: what is offered still was proven for another base, or for other rules, and must not stand there as if it
//! were proven now.

use super::case::Standing;
use crate::environment::Environment;
use crate::environment::github::GitHubRepository;
use crate::error::AgentError;
use pipeline::case::{Status, Step};
use pipeline::learning::outcome::Ending;
use pipeline::message::topic;
use pipeline::outbox::Reply;
use pipeline::wording;

/// Takes back the offer where the head of its base has no fix that may be offered, and says why. It is offered anew once there is one.
/// Whether it was taken back.
pub(super) async fn take_back<P>(
    env: &Environment,
    reply: &mut Reply<'_, P>,
    standing: &Standing,
    remote: &GitHubRepository,
) -> Result<bool, AgentError> {
    let (Some(reasons), Some(wound)) = (&standing.is_without_fix, &standing.newest.wound) else { return Ok(false) };
    // What was seen at another commit is the next scan's to say.
    if standing.offer.is_kept_by_people || remote.branch(&wound.base_branch).await?.as_ref() != Some(&wound.commit) {
        return Ok(false);
    }
    if !standing
        .take_back(remote, &wording::github::outdated(wound.commit.short(), &wound.base_branch, reasons))
        .await?
    {
        return Ok(false);
    }
    let at = format!("at {} on {}", wound.commit.short(), wound.base_branch);
    let detail = format!("{at} there is no fix to offer: #{} was taken back", standing.pull.number);
    reply.event(topic::HEALING_SUPERSEDED, standing.case.as_str(), &standing.event(detail.clone()))?;
    standing.learn(env, reply, Ending::Censored, false)?;
    standing.record(reply, |record| {
        record.status = Some(Status::Superseded);
        record.steps.push(Step::new("verify: stands", false, detail));
    });
    Ok(true)
}
