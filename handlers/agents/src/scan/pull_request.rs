//! What a pull request of others brings in: said in a check run, at the lines that do it.

use crate::environment::Environment;
use crate::environment::github::{ANNOTATIONS_MAX, Annotation, GitHub, NewCheckRun};
use crate::error::AgentError;
use crate::examine::{Examination, config_of, examine, examine_by};
use crate::prove::{everything, identity};
use pipeline::finding::Finding;
use pipeline::github::{CHECK_NAME, OUR_BRANCHES};
use pipeline::message::{Envelope, queue, topic};
use pipeline::outbox::{Outbox, Reply};
use pipeline::payload::{CheckRerequested, PullRequestScan};
use pipeline::repository_config::CheckConclusion;
use pipeline::wording::github as wording;
use std::collections::BTreeSet;

/// Looks at the head of a pull request and at the commit where it left its base, and puts a check run on the head: what others brought
/// into the base since is not its doing. Settings are those of the base: a pull request does not make its own rules.
///
/// Where something could not be read, nothing found does not mean that all is well. Only an App may make check runs: nothing is done by a
/// token.
///
/// Tries later where advisories can't be asked for: nothing found would mean nothing.
pub async fn scan(env: &Environment, message: Envelope<PullRequestScan>) -> Result<Outbox, AgentError> {
    let reply = Reply::new("scan", &message, env.clock.now());
    let PullRequestScan { repository, base_commit, head_commit, is_again, .. } = &message.payload;
    let there = env.repository(repository)?;
    let Some(remote) = there.on_github() else { return Ok(reply.finish()) };
    if env.github.as_ref().and_then(GitHub::app_id).is_none() {
        return Ok(reply.finish());
    }
    // Histories that have nothing in common left nowhere.
    let left_at = remote.merge_base(base_commit, head_commit).await?.unwrap_or_else(|| base_commit.clone());
    let before = examine(env, &remote.tree(&left_at, &env.tree_limits).await?).await?;
    let rules = if left_at == *base_commit {
        before.config.clone()
    } else {
        config_of(&remote.tree(base_commit, &env.tree_limits).await?)
    };
    let after = examine_by(env, &remote.tree(head_commit, &env.tree_limits).await?, &rules).await?;
    if !before.is_complete || !after.is_complete {
        return Err(AgentError::advisories_silent());
    }
    let new = brought_in(&before, &after);
    let annotations: Vec<Annotation> = new.iter().take(ANNOTATIONS_MAX).map(|finding| annotation(finding)).collect();
    let is_whole = !after.has_unseen && after.unread().is_empty();
    let conclusion = match (new.is_empty(), rules.pull_request_check) {
        (true, _) if is_whole => "success",
        (true, _) | (false, CheckConclusion::Neutral) => "neutral",
        (false, CheckConclusion::Failure) => "failure",
    };
    let mut unread: Vec<&str> = after.unread().into_iter().collect();
    if after.has_unseen {
        unread.extend(after.limits_hit.iter().map(String::as_str));
    }
    // GitHub leaves a check run that is wanted once more as it is: one that says the same would not be an answer. Each attempt of it has an
    // id of its own, but puts the same.
    let again = is_again.then(|| format!("-{}", message.correlation_id)).unwrap_or_default();
    let run = NewCheckRun {
        external_id: &format!("{base_commit}-{head_commit}{again}"),
        name: CHECK_NAME,
        conclusion,
        title: &wording::check_title(new.len(), is_whole),
        summary: &wording::check_summary(&new, &unread),
        annotations: &annotations,
    };
    remote.put_check_run(head_commit, &run).await?;
    Ok(reply.finish())
}

/// Asks for each open pull request of others that proposes the commit to be scanned once more.
pub async fn again(env: &Environment, message: Envelope<CheckRerequested>) -> Result<Outbox, AgentError> {
    let mut reply = Reply::new("scan", &message, env.clock.now());
    let CheckRerequested { repository, commit } = &message.payload;
    let there = env.repository(repository)?;
    let Some(remote) = there.on_github() else { return Ok(reply.finish()) };
    for pull in remote.pull_requests_at(commit).await? {
        if pull.head.starts_with(OUR_BRANCHES) && !pull.is_fork {
            continue;
        }
        let request = PullRequestScan {
            repository: repository.clone(),
            number: pull.number,
            base_branch: pull.base,
            base_commit: pull.base_commit,
            head_commit: commit.clone(),
            is_fork: pull.is_fork,
            is_again: true,
        };
        let subject = pull.number.to_string();
        reply.command(queue::SCAN, topic::PULL_REQUEST_SCAN_REQUESTED, &subject, &request)?;
    }
    Ok(reply.finish())
}

/// Findings to act on at the head that are not at the base in any form.
fn brought_in<'a>(before: &Examination, after: &'a Examination) -> Vec<&'a Finding> {
    let known: BTreeSet<_> = everything(before).map(identity).collect();
    let found = after.matched.iter().map(|matched| &matched.finding);
    found.filter(|finding| !known.contains(&identity(finding))).collect()
}

fn annotation(finding: &Finding) -> Annotation {
    let line = u64::from(finding.line.unwrap_or(1));
    Annotation {
        path: finding.path.clone(),
        start_line: line,
        end_line: line,
        level: "warning",
        title: format!("{} ({})", finding.rule, finding.severity),
        message: wording::annotation(finding),
    }
}
