//! The guard rails of a case: what is counted in the store, held against the limits of its policy.

use crate::budget::{Answer, Spending};
use crate::environment::Environment;
use crate::error::AgentError;
use crate::{breaker, budget, kill_switch, learned, offered, tries};
use pipeline::case::Wound;
use pipeline::decision::guard::Guard;
use pipeline::ids::{CaseId, RepoName};
use pipeline::learning::outcome::Remedy;
use pipeline::message::MessageId;
use pipeline::patch::Patch;
use pipeline::policy::Policy;

/// What is asked before anything is tried for `case`, which is about `wound`, in the handling of `message`. How often it was tried counts against
/// another try, and not against the one that stands.
pub async fn before_work(
    env: &Environment,
    policy: &Policy,
    case: &CaseId,
    wound: &Wound,
    message: MessageId,
) -> Result<Vec<Guard>, AgentError> {
    let now = env.clock.now();
    let limits = policy.limits.effective();
    let mut guards: Vec<Guard> = kill_switch::guard(env).await?.into_iter().collect();
    guards.extend(Guard::freeze(&policy.freeze, now));
    if !offered::stands(&env.store, case, wound).await? {
        guards.extend(Guard::history(&limits, &tries::history(env, case, &wound.findings, message).await?, now));
    }
    Ok(guards)
}

/// What is asked before a fix by `remedy` of `case` is merged without people. Nothing is spent by it.
pub async fn before_merge(
    env: &Environment,
    policy: &Policy,
    case: &CaseId,
    repository: &RepoName,
    remedy: &Remedy,
) -> Result<Vec<Guard>, AgentError> {
    let mut guards: Vec<Guard> = kill_switch::guard(env).await?.into_iter().collect();
    guards.extend(Guard::freeze(&policy.freeze, env.clock.now()));
    guards.extend(learned::demotion(env, remedy).await?);
    guards.extend(breaker::look(env, remedy, repository, case).await?);
    Ok(guards)
}

/// A fix that is about to be delivered.
#[derive(Debug, Clone, Copy)]
pub struct Delivering<'a> {
    /// Of which case.
    pub case: &'a CaseId,
    /// What it is about.
    pub wound: &'a Wound,
    /// The kind of fix.
    pub remedy: &'a Remedy,
    /// The hash of its plan.
    pub plan: &'a str,
    /// The patch.
    pub patch: &'a Patch,
    /// In the handling of which message.
    pub message: MessageId,
    /// Whether it does not wait for budget and schedule.
    pub is_immediate: bool,
    /// Whether it becomes a pull request: nothing else is paid for, and of nothing else is heard what came of it.
    pub is_pull_request: bool,
}

/// What guard rails say of a fix that is about to be delivered.
#[derive(Debug, Default)]
pub struct Asked {
    /// What they have against it.
    pub guards: Vec<Guard>,
    /// What was taken for it by asking.
    pub taken: Taken,
}

/// What is given back for a fix that is not offered after all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Taken {
    /// Whether the day's budget was spent for it.
    pub is_paid: bool,
    /// Whether it is the one try of a breaker.
    pub is_probe: bool,
}

/// What is asked when a proven patch is in hand. The budget is asked last, and only if nothing else stands against it: asking spends it. Once it
/// is paid for, the one try of a half-open breaker is taken for it, so that no fix has that and is never offered.
pub async fn before_delivery(
    env: &Environment,
    policy: &Policy,
    delivering: Delivering<'_>,
) -> Result<Asked, AgentError> {
    let Delivering { case, wound, remedy, plan, patch, message, is_immediate, is_pull_request } = delivering;
    let (limits, repository) = (policy.limits.effective(), &wound.repository);
    let mut guards = before_work(env, policy, case, wound, message).await?;
    guards.extend(Guard::patch_size(&limits, patch.files.len(), patch.lines_changed()));
    guards.extend(learned::demotion(env, remedy).await?);
    guards.extend(breaker::look(env, remedy, repository, case).await?);
    let waits = |guard: &Guard| guard.is_stop() && !(is_immediate && guard.rail.yields_to_immediate());
    let stops = |guards: &[Guard]| guards.iter().any(waits);
    if !is_pull_request || stops(&guards) {
        return Ok(Asked { guards, taken: Taken::default() });
    }
    let spending = Spending { case, repository, branch: &wound.base_branch, is_immediate };
    let Answer { guard, is_paid } = budget::spend(env, &limits, spending).await?;
    guards.extend(guard);
    let mut taken = Taken { is_paid, is_probe: false };
    if !stops(&guards) {
        let (said, is_probe) = breaker::ask(env, remedy, repository, (case, plan)).await?;
        taken.is_probe = is_probe;
        // Another case may have been faster since it was looked at.
        if let Some(open) = said.filter(Guard::is_stop) {
            give_back(env, policy, delivering, taken).await?;
            taken = Taken::default();
            guards.push(open);
        }
    }
    Ok(Asked { guards, taken })
}

/// Gives back what was taken for a fix that is not offered after all.
pub async fn give_back(
    env: &Environment,
    policy: &Policy,
    delivering: Delivering<'_>,
    taken: Taken,
) -> Result<(), AgentError> {
    let Delivering { case, wound, remedy, plan, .. } = delivering;
    if taken.is_probe {
        breaker::give_back(env, remedy, &wound.repository, (case, plan)).await?;
    }
    if taken.is_paid {
        budget::give_back(env, &policy.limits.effective(), case).await?;
    }
    Ok(())
}
