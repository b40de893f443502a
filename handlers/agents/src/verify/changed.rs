//! The branch of a pull request of ours moved: if it was somebody else, the fix is theirs now.

use super::case::Standing;
use super::closed;
use crate::environment::Environment;
use crate::error::AgentError;
use pipeline::case::{Status, Step};
use pipeline::learning::outcome::Ending;
use pipeline::message::{Envelope, topic};
use pipeline::outbox::{Outbox, Reply};
use pipeline::payload::PullRequestChanged;

/// Leaves the case to whoever committed to its branch. Our own commits change nothing.
pub async fn changed(env: &Environment, message: Envelope<PullRequestChanged>) -> Result<Outbox, AgentError> {
    let mut reply = Reply::new("verify", &message, env.clock.now());
    let PullRequestChanged { case, repository, number, head_commit, .. } = &message.payload;
    let Some(standing) = Standing::of(env, case, repository).await? else { return Ok(reply.finish()) };
    let there = env.repository(repository)?;
    let Some(remote) = there.on_github() else { return Ok(reply.finish()) };
    let branch = case.branch();
    // Told late, it may have moved on: what counts is where it stands.
    if remote.branch(&branch).await?.as_ref() != Some(head_commit)
        || remote.is_ours(&remote.commit(head_commit).await?, &branch).await?
    {
        return Ok(reply.finish());
    }
    let detail = format!("others committed to #{number} ({}); it is theirs now", head_commit.short());
    reply.event(topic::HEALING_SUPERSEDED, case.as_str(), &standing.event(detail.clone()))?;
    // What they merge in the end may tell more.
    standing.learn(env, &mut reply, Ending::Censored, false)?;
    closed::look_later(env, &mut reply, &standing)?;
    standing.record(&mut reply, |record| {
        record.status = Some(Status::Superseded);
        record.steps.push(Step::new("verify: stands", false, detail));
    });
    Ok(reply.finish())
}
