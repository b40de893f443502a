//! What the checks of others say of a fix after it was merged: one that passed before the merge, fails on it, and fails again when it is run
//! again, fails because of it.

use super::case::Standing;
use super::checks::FAILED;
use crate::environment::Environment;
use crate::environment::github::{Check, GitHubError, GitHubRepository, Listed};
use crate::error::AgentError;
use crate::learned::{self, Told};
use crate::offered::{self, Offer};
use crate::{history, merges};
use jiff::SignedDuration;
use pipeline::case::{Outcome, Status, Step};
use pipeline::github::CHECK_NAME;
use pipeline::ids::CommitSha;
use pipeline::learning::outcome::Ending;
use pipeline::message::{Envelope, queue, topic};
use pipeline::outbox::{Outbox, Reply};
use pipeline::payload::{CaseEvent, MergeChecksAwaited};
use pipeline::wording;
use std::collections::{BTreeMap, BTreeSet};

/// Name of the step that tells of them.
const STEP: &str = "verify: checks of the merge";

/// How long each look waits for, after the merge or after the look before.
const LOOKS_HOURS: [i64; 5] = [1, 2, 4, 8, 12];

/// What checks say of a merge.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    /// Some have yet to pass or to fail, or there are none.
    Nothing,
    /// Those that passed before it pass after it.
    Fine,
    /// These passed before it and failed after it, once.
    Failed(BTreeMap<String, u64>),
    /// These did, and again when they were run again.
    FailedAgain(BTreeSet<String>),
}

/// Has the checks of a merge looked at after a while.
pub(super) fn await_checks<P>(
    env: &Environment,
    reply: &mut Reply<'_, P>,
    standing: &Standing,
) -> Result<(), AgentError> {
    let awaited = MergeChecksAwaited {
        case: standing.case.clone(),
        repository: standing.offer.wound.repository.clone(),
        run: standing.offer.run,
        number: standing.pull.number,
        look: 0,
        failed: BTreeMap::new(),
    };
    look_later(env, reply, &awaited)
}

/// Looks at them. A check that fails for the first time is run again, by us where we may. Where nobody had it run again to the end, people are
/// told of what failed, and nothing is learned.
pub async fn look(env: &Environment, message: Envelope<MergeChecksAwaited>) -> Result<Outbox, AgentError> {
    let mut reply = Reply::new("verify", &message, env.clock.now());
    let awaited = &message.payload;
    let MergeChecksAwaited { case, repository, run, number, look, failed: seen } = awaited;
    let of_run = history::run_records(&env.store, case, *run).await?;
    let is_told = of_run.iter().flat_map(|record| &record.steps).any(|step| step.name == STEP);
    let there = env.repository(repository)?;
    let (Some(remote), false) = (there.on_github(), is_told) else { return Ok(reply.finish()) };
    let Some((before, merge)) = sides(remote, *number).await? else { return Ok(reply.finish()) };
    let (before, after) = (remote.check_runs(&before).await?, remote.check_runs(&merge).await?);
    let next = look.saturating_add(1);
    let is_last = next >= LOOKS_HOURS.len();
    let step = match said(&before, &after, seen) {
        Said::Fine => Step::new(STEP, true, "what passed before the merge passes after it"),
        Said::FailedAgain(names) => {
            let step = Step::new(STEP, false, wording::github::failed_since_merge(*number, &names, true));
            regressed(env, &mut reply, awaited, &step).await?;
            let hops = history::last_hops(&of_run, *run).saturating_add(1);
            reply.record_in(case, *run, hops, |record| {
                record.status = Some(Status::Failed);
                record.outcome = Some(Outcome::Regressed);
                record.steps.push(step);
            });
            return Ok(reply.finish());
        }
        Said::Failed(failed) if is_last => {
            let step = Step::new(STEP, false, wording::github::failed_since_merge(*number, failed.keys(), false));
            tell_people(env, &mut reply, awaited, &step).await?;
            step
        }
        Said::Failed(failed) => {
            let is_new = |check: &&Check| failed.get(&check.name) == Some(&check.id) && !seen.contains_key(&check.name);
            for check in after.items.iter().filter(is_new) {
                remote.rerun(check).await?;
            }
            look_later(env, &mut reply, &MergeChecksAwaited { look: next, failed, ..awaited.clone() })?;
            return Ok(reply.finish());
        }
        Said::Nothing => {
            if !is_last {
                look_later(env, &mut reply, &MergeChecksAwaited { look: next, ..awaited.clone() })?;
            }
            return Ok(reply.finish());
        }
    };
    reply.event(topic::VERIFICATION_COMPLETE, case.as_str(), &event(awaited, &step))?;
    let hops = history::last_hops(&of_run, *run).saturating_add(1);
    reply.record_in(case, *run, hops, |record| record.steps.push(step));
    Ok(reply.finish())
}

/// The base before the pull request `number` was merged to it, and the commit that came of the merge. `None`: it is not there any more.
async fn sides(remote: &GitHubRepository, number: u64) -> Result<Option<(CommitSha, CommitSha)>, AgentError> {
    let Some(merge) = remote.pull_request(number).await?.and_then(|pull| pull.merge_commit) else { return Ok(None) };
    match remote.commit(&merge).await {
        Err(GitHubError::Absent { .. }) => Ok(None),
        commit => Ok(commit?.parents.into_iter().next().map(|before| (before, merge))),
    }
}

/// What checks say, of which `seen` failed when they were looked at before. What never passed, or was not run, before the merge says nothing
/// of it, nor do those of which not all can be had.
fn said(before: &Listed<Check>, after: &Listed<Check>, seen: &BTreeMap<String, u64>) -> Said {
    let has_passed = |check: &Check| check.conclusion.as_deref() == Some("success");
    let passed: BTreeSet<&str> =
        before.items.iter().filter(|check| has_passed(check)).map(|check| check.name.as_str()).collect();
    let told: Vec<&Check> =
        after.items.iter().filter(|check| check.name != CHECK_NAME && passed.contains(check.name.as_str())).collect();
    let has_failed = |check: &Check| {
        check.status == "completed" && check.conclusion.as_deref().is_some_and(|word| FAILED.contains(&word))
    };
    let failed: Vec<&Check> = told.iter().copied().filter(|check| has_failed(check)).collect();
    let again = failed.iter().filter(|check| seen.get(&check.name).is_some_and(|before| *before != check.id));
    let again: BTreeSet<String> = again.map(|check| check.name.clone()).collect();
    let awaited: BTreeMap<String, u64> = failed.iter().map(|check| (check.name.clone(), check.id)).collect();
    match () {
        () if before.is_cut || after.is_cut => Said::Nothing,
        () if !again.is_empty() => Said::FailedAgain(again),
        () if !awaited.is_empty() => Said::Failed(awaited),
        () if told.is_empty() || !told.iter().all(|check| has_passed(check)) => Said::Nothing,
        () => Said::Fine,
    }
}

/// The fix did harm: it is learned, and people are told.
async fn regressed(
    env: &Environment,
    reply: &mut Reply<'_, MergeChecksAwaited>,
    awaited: &MergeChecksAwaited,
    step: &Step,
) -> Result<(), AgentError> {
    let case = &awaited.case;
    reply.event(topic::HEALING_FAILED, case.as_str(), &event(awaited, step))?;
    if let Some(offer) = offer(env, awaited).await? {
        let is_unattended = match offer.plan() {
            Some(plan) => merges::has(env, case, &plan).await?,
            None => false,
        };
        learned::tell(env, reply, Told { case, offer: &offer, ending: Ending::Regressed, is_unattended })?;
    }
    tell_people(env, reply, awaited, step).await
}

async fn tell_people(
    env: &Environment,
    reply: &mut Reply<'_, MergeChecksAwaited>,
    awaited: &MergeChecksAwaited,
    step: &Step,
) -> Result<(), AgentError> {
    let Some(offer) = offer(env, awaited).await? else { return Ok(()) };
    let notice = wording::regressed(&awaited.case, &offer.wound, step);
    Ok(reply.command(queue::NOTIFY, topic::NOTIFICATION_REQUESTED, awaited.case.as_str(), &notice)?)
}

/// What was merged.
async fn offer(env: &Environment, awaited: &MergeChecksAwaited) -> Result<Option<Offer>, AgentError> {
    let merged = offered::merged(&env.store, &awaited.case).await?;
    Ok(merged.into_iter().find(|offer| offer.run == awaited.run))
}

fn event(awaited: &MergeChecksAwaited, step: &Step) -> CaseEvent {
    let MergeChecksAwaited { case, repository, .. } = awaited;
    CaseEvent { case: case.clone(), repository: repository.clone(), detail: step.detail.clone() }
}

fn look_later<P>(env: &Environment, reply: &mut Reply<'_, P>, awaited: &MergeChecksAwaited) -> Result<(), AgentError> {
    let hours = LOOKS_HOURS.get(awaited.look).copied().unwrap_or_default();
    let now = env.clock.now();
    let due = now.saturating_add(SignedDuration::from_hours(hours)).unwrap_or(now);
    Ok(reply.command_later(due, queue::VERIFY, topic::MERGE_CHECKS_AWAITED, awaited.case.as_str(), awaited)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks, each with its id, its name and how it ended; `None`: it has not.
    fn checks(told: &[(u64, &str, Option<&str>)]) -> Listed<Check> {
        let check = |(id, name, conclusion): &(u64, &str, Option<&str>)| Check {
            id: *id,
            name: (*name).to_owned(),
            app: None,
            status: if conclusion.is_some() { "completed" } else { "in_progress" }.to_owned(),
            conclusion: conclusion.map(str::to_owned),
        };
        Listed { items: told.iter().map(check).collect(), is_cut: false }
    }

    #[test]
    fn checks_of_a_merge_say_what_came_of_it() {
        let (ok, bad) = (Some("success"), Some("failure"));
        let before = checks(&[(1, "test", ok), (2, "lint", bad), (3, CHECK_NAME, ok), (4, "build", ok)]);
        let failed = |id| Said::Failed([("test".to_owned(), id)].into());
        let again = Said::FailedAgain(["test".to_owned()].into());
        for (after, seen, expected) in [
            (vec![], None, Said::Nothing),
            (vec![(5, "lint", bad), (6, "deploy", bad), (7, CHECK_NAME, bad)], None, Said::Nothing),
            (vec![(5, "test", ok), (6, "build", None)], None, Said::Nothing),
            (vec![(5, "test", ok), (6, "lint", bad)], None, Said::Fine),
            (vec![(5, "test", Some("cancelled"))], None, Said::Nothing),
            (vec![(5, "test", bad), (6, "build", None)], None, failed(5)),
            (vec![(5, "test", bad)], Some(5), failed(5)),
            (vec![(8, "test", None)], Some(5), Said::Nothing),
            (vec![(8, "test", ok)], Some(5), Said::Fine),
            (vec![(8, "test", bad)], Some(5), again),
        ] {
            let seen = seen.map(|id| ("test".to_owned(), id)).into_iter().collect();
            assert_eq!(said(&before, &checks(&after), &seen), expected, "{after:?} after {seen:?}");
        }
        let cut = Listed { is_cut: true, ..checks(&[(5, "test", bad)]) };
        assert_eq!(said(&before, &cut, &BTreeMap::new()), Said::Nothing);
    }
}
