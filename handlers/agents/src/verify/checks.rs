//! What the checks of others say of a fix, and whether its pull request is still open: told by GitHub, and looked at now and then in
//! case it was not told.

use super::case::Standing;
use super::closed::conclude;
use super::outdated;
use super::ready::make_ready;
use super::unattended;
use crate::environment::Environment;
use crate::environment::github::{Check, GitHubError, GitHubRepository, Listed, PullRequest};
use crate::error::AgentError;
use crate::offer;
use jiff::SignedDuration;
use pipeline::case::{Status, Step};
use pipeline::github::CHECK_NAME;
use pipeline::learning::outcome::Ending;
use pipeline::message::{Envelope, queue, topic};
use pipeline::outbox::{Outbox, Reply};
use pipeline::payload::ChecksCompleted;
use pipeline::wording;

/// Name of the step that tells of checks.
const STEP: &str = "verify: checks";

/// Name of the step that tells that nobody merged or closed it.
const UNTOUCHED_STEP: &str = "verify: untouched";

/// An offer that is open for so long says nothing of its fix, unless it is merged or closed after all.
const UNTOUCHED_DAYS: i64 = 30;

/// How a check ended that stands in the way of a merge.
pub(super) const FAILED: [&str; 4] = ["failure", "error", "timed_out", "startup_failure"];

/// How a check ended that stands in nobody's way.
const FINE: [&str; 3] = ["success", "neutral", "skipped"];

/// After this, it is looked at again.
pub(super) const AGAIN_HOURS: i64 = 6;

/// A run that came so far is looked at no more; `sweep` still does, once a day.
const HOPS_MAX: u32 = 40;

/// Makes a draft of a pull request whose checks failed, and tells people. Nothing is decided while any of them runs. Where they pass
/// after all, the fix is proposed again; whether it is a draft is for people by then. One that only waited for them is made ready.
pub async fn checks(env: &Environment, message: Envelope<ChecksCompleted>) -> Result<Outbox, AgentError> {
    let mut reply = Reply::new("verify", &message, env.clock.now());
    let ChecksCompleted { case, repository, commit } = &message.payload;
    let Some(standing) = Standing::of(env, case, repository).await? else { return Ok(reply.finish()) };
    let there = env.repository(repository)?;
    let Some(remote) = there.on_github().filter(|_| standing.commit == *commit) else { return Ok(reply.finish()) };
    let Some(pull) = remote.pull_request(standing.pull.number).await? else { return Ok(reply.finish()) };
    let may_be_taken_back = pull.is_open || wording::github::is_withdrawn(&pull.body);
    if may_be_taken_back && outdated::take_back(env, &mut reply, &standing, remote).await? {
        return Ok(reply.finish());
    }
    if !pull.is_open {
        conclude(env, &mut reply, &standing, remote, pull.number).await?;
        return Ok(reply.finish());
    }
    let said = Said::of(&remote.check_runs(commit).await?);
    // The newest word counts: checks are run again.
    let told = standing.steps.iter().rev().find(|step| step.name == STEP).map(|step| step.ok);
    let mut taken = Taken::default();
    let untouched = untouched(env, &standing);
    if said.is_over && !said.failed.is_empty() && told != Some(false) {
        taken = failed(env, &mut reply, &standing, remote, &pull, &said.failed).await?;
    } else if said.are_fine {
        if told != Some(true) {
            let step = Step::new(STEP, true, format!("{} passed", wording::count(said.passed, "check")));
            reply.event(topic::VERIFICATION_COMPLETE, case.as_str(), &standing.event(step.detail.clone()))?;
            taken = Taken { status: (told == Some(false)).then_some(Status::Proposed), steps: vec![step] };
        }
        if said.passed > 0 && standing.steps.iter().all(|step| step.name != STEP || step.ok) {
            taken.steps.extend(make_ready(&standing, remote, &pull, said.passed).await?);
            // That nothing came of it gives its place among such merges back: it is merged at the next look, if at all.
            if untouched.is_none() {
                taken.steps.extend(unattended::merge(env, &standing, remote, &pull).await?);
            }
        }
    }
    if let Some(step) = untouched {
        standing.learn(env, &mut reply, Ending::Censored, false)?;
        taken.steps.push(step);
    }
    if taken != Taken::default() {
        standing.record(&mut reply, |record| {
            record.status = taken.status;
            record.steps = taken.steps;
        });
    }
    // Only a look of our own leads to the next: else each word of GitHub's would begin another row of them.
    if message.source == "verify" && message.hops < HOPS_MAX {
        look_again(env, &mut reply, &message.payload)?;
    }
    Ok(reply.finish())
}

/// The step that tells once that nobody merged or closed what is offered for [`UNTOUCHED_DAYS`].
fn untouched(env: &Environment, standing: &Standing) -> Option<Step> {
    let at = standing.offer.at?;
    let is_long = env.clock.now().duration_since(at) >= SignedDuration::from_hours(UNTOUCHED_DAYS * 24);
    let is_told = standing.steps.iter().any(|step| step.name == UNTOUCHED_STEP);
    let detail = format!("it has been open for {UNTOUCHED_DAYS} days");
    (is_long && !is_told).then(|| Step::new(UNTOUCHED_STEP, true, detail))
}

/// What the checks of others say of a commit.
struct Said {
    /// How many passed.
    passed: usize,
    /// Names of those that failed.
    failed: Vec<String>,
    /// Whether there are any, and none is at work.
    is_over: bool,
    /// Whether that is so, and none ended in a way that asks for people.
    are_fine: bool,
}

impl Said {
    fn of(checks: &Listed<Check>) -> Self {
        let others: Vec<&Check> = checks.items.iter().filter(|check| check.name != CHECK_NAME).collect();
        let ended = |check: &Check, among: &[&str]| {
            check.conclusion.as_deref().is_some_and(|conclusion| among.contains(&conclusion))
        };
        let is_over = !checks.is_cut && !others.is_empty() && others.iter().all(|check| check.status == "completed");
        Self {
            passed: others.iter().filter(|check| ended(check, &["success"])).count(),
            failed: others.iter().filter(|check| ended(check, &FAILED)).map(|check| check.name.clone()).collect(),
            is_over,
            are_fine: is_over && others.iter().all(|check| ended(check, &FINE)),
        }
    }
}

/// What was done about them.
#[derive(Default, PartialEq)]
struct Taken {
    status: Option<Status>,
    steps: Vec<Step>,
}

/// Checks `failed`: the pull request becomes a draft, and people are told.
async fn failed(
    env: &Environment,
    reply: &mut Reply<'_, ChecksCompleted>,
    standing: &Standing,
    remote: &GitHubRepository,
    pull: &PullRequest,
    failed: &[String],
) -> Result<Taken, AgentError> {
    let (case, ours) = (&standing.case, &standing.pull);
    let is_draft = match remote.set_draft(pull, true).await {
        Ok(()) => true,
        Err(error @ (GitHubError::TryLater { .. } | GitHubError::Crashed(_))) => return Err(error.into()),
        // People are told anyway.
        Err(error) => {
            tracing::warn!(%error, pull = ours.number, "no draft can be made of a pull request whose checks failed");
            false
        }
    };
    let text = wording::github::checks_failed(failed, is_draft);
    offer::say_once(remote, ours.number, standing.commit.as_str(), &text).await?;
    let step = Step::new(STEP, false, format!("failed: {}", failed.join(", ")));
    let reasons = [format!("{}: {}", ours.url, step.detail)];
    reply.event(topic::HEALING_FAILED, case.as_str(), &standing.event(step.detail.clone()))?;
    let notice = wording::escalated(case, &standing.offer.wound, &reasons, &standing.offer.left);
    reply.command(queue::NOTIFY, topic::NOTIFICATION_REQUESTED, case.as_str(), &notice)?;
    standing.learn(env, reply, Ending::ChecksFailed, false)?;
    Ok(Taken { status: Some(Status::Failed), steps: vec![step] })
}

/// Has the checks of a fix looked at after a while, whether GitHub tells of them or not.
pub(super) fn look_again<P>(
    env: &Environment,
    reply: &mut Reply<'_, P>,
    about: &ChecksCompleted,
) -> Result<(), AgentError> {
    super::come_again(env, reply, AGAIN_HOURS, topic::CHECKS_COMPLETED, &about.case, about)
}
