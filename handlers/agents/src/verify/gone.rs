//! Nothing is left to mend: the pull request is closed, with the reason.

use super::case::Standing;
use crate::environment::Environment;
use crate::error::AgentError;
use pipeline::case::{Status, Step};
use pipeline::learning::outcome::Ending;
use pipeline::message::{Envelope, topic};
use pipeline::outbox::{Outbox, Reply};
use pipeline::payload::WoundGone;
use pipeline::wording;

/// Takes back what is offered for a wound that is gone at the head of its branch.
pub async fn gone(env: &Environment, message: Envelope<WoundGone>) -> Result<Outbox, AgentError> {
    let mut reply = Reply::new("verify", &message, env.clock.now());
    let WoundGone { case, repository, commit } = &message.payload;
    let Some(standing) = Standing::of(env, case, repository).await? else { return Ok(reply.finish()) };
    let there = env.repository(repository)?;
    let Some(remote) = there.on_github() else { return Ok(reply.finish()) };
    if standing.offer.is_kept_by_people {
        return Ok(reply.finish());
    }
    let base = &standing.offer.wound.base_branch;
    // What was seen at another commit is the next scan's to say.
    if remote.branch(base).await?.as_ref() != Some(commit) {
        return Ok(reply.finish());
    }
    let pull = remote.pull_request(standing.pull.number).await?;
    // Merged or closed meanwhile: that is told by itself.
    if pull.is_some_and(|pull| !pull.is_open && !wording::github::is_withdrawn(&pull.body)) {
        return Ok(reply.finish());
    }
    // Others moved it: what becomes of that is told by itself.
    if !standing.take_back(remote, &wording::github::gone(commit.short(), base)).await? {
        return Ok(reply.finish());
    }
    let detail = format!("at {} on {base} nothing of it is found", commit.short());
    reply.event(topic::HEALING_FALSE_POSITIVE, case.as_str(), &standing.event(detail.clone()))?;
    standing.learn(env, &mut reply, Ending::Censored, false)?;
    standing.record(&mut reply, |record| {
        record.status = Some(Status::FalsePositive);
        record.steps.push(Step::new("verify: gone", true, detail));
    });
    Ok(reply.finish())
}
