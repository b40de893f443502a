//! A fix that waited for nothing but the tests of its repository: its pull request is a draft until they pass.

use super::case::Standing;
use crate::environment::github::{GitHubError, GitHubRepository, PullRequest};
use crate::error::AgentError;
use crate::offer;
use pipeline::case::Step;
use pipeline::decision::{Decision, Verdict};
use pipeline::wording;

/// Name of the step that tells of it.
const STEP: &str = "verify: ready";

/// What the comment is known by that says so: one for each pull request, whatever commits it offers.
const SUBJECT: &str = "ready";

/// Makes the pull request ready for review, now that `passed` checks have passed: once, for whoever makes it a draft again has a reason. The
/// step that was taken, if any was.
pub(super) async fn make_ready(
    standing: &Standing,
    remote: &GitHubRepository,
    pull: &PullRequest,
    passed: usize,
) -> Result<Option<Step>, AgentError> {
    let is_done = standing.steps.iter().any(|step| step.name == STEP);
    if is_done || !standing.offer.verdict.as_ref().is_some_and(waits_for_tests) {
        return Ok(None);
    }
    let step = Step::new(STEP, true, format!("#{} is ready for review", pull.number));
    if offer::has_said(remote, pull.number, SUBJECT).await? {
        return Ok((!pull.is_draft).then_some(step));
    }
    match remote.set_draft(pull, false).await {
        Ok(()) => {}
        Err(error @ (GitHubError::TryLater { .. } | GitHubError::Crashed(_))) => return Err(error.into()),
        // It stays a draft, which people can end.
        Err(error) => {
            tracing::warn!(%error, pull = pull.number, "a pull request whose checks passed can't be made ready");
            return Ok(None);
        }
    }
    remote.comment(pull.number, &offer::marked(&wording::github::checks_passed(passed), SUBJECT)).await?;
    Ok(Some(step))
}

/// Whether tests were the only reason for a draft.
fn waits_for_tests(verdict: &Verdict) -> bool {
    verdict.decision == Decision::Heal && verdict.awaits_tests
}
