//! What the checks of others say of a fix after it was merged: one that passed before the merge, fails on it, and fails again when it is run
//! again, fails because of it.

use super::LOOKS_HOURS;
use super::case::Standing;
use super::checks::FAILED;
use crate::environment::Environment;
use crate::environment::github::{Check, GitHubError, GitHubRepository, Listed};
use crate::error::AgentError;
use crate::learned::{self, Told};
use crate::offered::{self, Offer};
use crate::reverted::STEP as REVERTED;
use crate::{history, kill_switch, merges};
use pipeline::case::{CaseRecord, Outcome, Status, Step};
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

/// What checks say of a merge.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    /// Some have yet to pass or to fail, or there are none.
    Nothing,
    /// Those that passed before it pass after it.
    Fine,
    /// So do all of those that were run after it.
    FineSoFar,
    /// These passed before it and failed after it, once: ids of what failed, by name.
    Failed(BTreeMap<String, BTreeSet<u64>>),
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
    let MergeChecksAwaited { case, repository, run, look, failed: seen, .. } = awaited;
    let of_run = history::run_records(&env.store, case, *run).await?;
    let is_told = of_run.iter().flat_map(|record| &record.steps).any(|step| [STEP, REVERTED].contains(&&*step.name));
    let there = env.repository(repository)?;
    let (Some(remote), false) = (there.on_github(), is_told) else { return Ok(reply.finish()) };
    let Some(merge) = Merge::of(remote, awaited.number).await? else { return Ok(reply.finish()) };
    let (before, after) = (remote.check_runs(&merge.before).await?, remote.check_runs(&merge.commit).await?);
    let next = MergeChecksAwaited { look: look.saturating_add(1), ..awaited.clone() };
    let is_last = next.look >= LOOKS_HOURS.len();
    let step = match said(&before, &after, seen) {
        Said::Fine => Step::new(STEP, true, "what passed before the merge passes after it"),
        Said::FailedAgain(names) => {
            let detail = wording::github::failed_since_merge(awaited.number, &names, true);
            regressed(env, &mut reply, awaited, &of_run, Step::new(STEP, false, detail)).await?;
            return Ok(reply.finish());
        }
        Said::Failed(failed) if !is_last => {
            if merge.is_head(remote).await? && kill_switch::guard(env).await?.is_none() {
                let ids: BTreeSet<u64> = failed.values().flatten().copied().collect();
                for check in after.items.iter().filter(|check| ids.contains(&check.id)) {
                    remote.rerun(check).await?;
                }
            }
            look_later(env, &mut reply, &MergeChecksAwaited { failed, ..next })?;
            return Ok(reply.finish());
        }
        Said::Nothing | Said::FineSoFar if !is_last => {
            look_later(env, &mut reply, &next)?;
            return Ok(reply.finish());
        }
        Said::FineSoFar => Step::new(STEP, true, "what passed before the merge and ran after it passes after it"),
        Said::Nothing if seen.is_empty() => return Ok(reply.finish()),
        told => {
            let failed = if let Said::Failed(failed) = told { failed } else { seen.clone() };
            let detail = wording::github::failed_since_merge(awaited.number, failed.keys(), false);
            let step = Step::new(STEP, false, detail);
            tell_people(env, &mut reply, awaited, &step).await?;
            step
        }
    };
    reply.event(topic::VERIFICATION_COMPLETE, case.as_str(), &event(awaited, &step))?;
    let hops = history::last_hops(&of_run, *run).saturating_add(1);
    reply.record_in(case, *run, hops, |record| record.steps.push(step));
    Ok(reply.finish())
}

/// A merge, and where its base was before.
struct Merge {
    base: String,
    before: CommitSha,
    commit: CommitSha,
}

impl Merge {
    /// That of the pull request `number`. `None`: it is not there any more.
    async fn of(remote: &GitHubRepository, number: u64) -> Result<Option<Self>, AgentError> {
        let Some(pull) = remote.pull_request(number).await? else { return Ok(None) };
        let (base, Some(commit)) = (pull.base, pull.merge_commit) else { return Ok(None) };
        match remote.commit(&commit).await {
            Err(GitHubError::Absent { .. }) => Ok(None),
            there => Ok(there?.parents.into_iter().next().map(|before| Self { base, before, commit })),
        }
    }

    /// Whether nothing came after it. A job of an older commit is not run again: what follows on it might bring that commit to where people are.
    async fn is_head(&self, remote: &GitHubRepository) -> Result<bool, AgentError> {
        Ok(remote.branch(&self.base).await?.as_ref() == Some(&self.commit))
    }
}

/// What checks say, of which `seen` failed when they were looked at before. What never passed, or was not run, before the merge says nothing
/// of it, nor do those of which not all can be had. Several may have one name: then all of them have to have passed.
fn said(before: &Listed<Check>, after: &Listed<Check>, seen: &BTreeMap<String, BTreeSet<u64>>) -> Said {
    if before.is_cut || after.is_cut {
        return Said::Nothing;
    }
    let has_passed = |check: &&Check| check.conclusion.as_deref() == Some("success");
    let has_failed = |check: &&Check| {
        check.status == "completed" && check.conclusion.as_deref().is_some_and(|word| FAILED.contains(&word))
    };
    let (before, after) = (by_name(before), by_name(after));
    let passed: BTreeSet<&String> =
        before.iter().filter(|(_, checks)| checks.iter().all(has_passed)).map(|(name, _)| name).collect();
    let told: BTreeMap<&String, &Vec<&Check>> = after.iter().filter(|(name, _)| passed.contains(name)).collect();
    let ids = |checks: &[&Check]| -> BTreeSet<u64> {
        checks.iter().copied().filter(has_failed).map(|check| check.id).collect()
    };
    let failed = told.iter().map(|(name, checks)| ((*name).clone(), ids(checks)));
    let failed: BTreeMap<String, BTreeSet<u64>> = failed.filter(|(_, ids)| !ids.is_empty()).collect();
    // Whoever posts a status need not have run anything for it again.
    let is_run = |name: &String| told[name].iter().all(|check| check.app.is_some());
    let is_again = |(name, ids): &(&String, &BTreeSet<u64>)| {
        is_run(name) && seen.get(*name).is_some_and(|seen| seen.is_disjoint(ids) && ids.len() <= seen.len())
    };
    let again: BTreeSet<String> = failed.iter().filter(is_again).map(|(name, _)| name.clone()).collect();
    match () {
        () if !again.is_empty() => Said::FailedAgain(again),
        () if !failed.is_empty() => Said::Failed(failed),
        () if told.is_empty() || !told.values().all(|checks| checks.iter().all(has_passed)) => Said::Nothing,
        () if told.len() < passed.len() => Said::FineSoFar,
        () => Said::Fine,
    }
}

/// Checks of others, by their name and the App that they are of.
fn by_name(checks: &Listed<Check>) -> BTreeMap<String, Vec<&Check>> {
    let mut by_name: BTreeMap<String, Vec<&Check>> = BTreeMap::new();
    for check in checks.items.iter().filter(|check| check.name != CHECK_NAME) {
        let name = match &check.app {
            Some(app) => format!("{} ({app})", check.name),
            None => check.name.clone(),
        };
        by_name.entry(name).or_default().push(check);
    }
    by_name
}

/// The fix did harm: it is learned, and people are told.
async fn regressed(
    env: &Environment,
    reply: &mut Reply<'_, MergeChecksAwaited>,
    awaited: &MergeChecksAwaited,
    of_run: &[CaseRecord],
    step: Step,
) -> Result<(), AgentError> {
    let MergeChecksAwaited { case, run, .. } = awaited;
    reply.event(topic::HEALING_FAILED, case.as_str(), &event(awaited, &step))?;
    if let Some(offer) = offer(env, awaited).await? {
        let is_unattended = merges::has_offer(env, case, &offer).await?;
        learned::tell(env, reply, Told { case, offer: &offer, ending: Ending::Regressed, is_unattended })?;
    }
    tell_people(env, reply, awaited, &step).await?;
    let hops = history::last_hops(of_run, *run).saturating_add(1);
    reply.record_in(case, *run, hops, |record| {
        record.status = Some(Status::Failed);
        record.outcome = Some(Outcome::Regressed);
        record.steps.push(step);
    });
    Ok(())
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
    super::come_again(env, reply, hours, topic::MERGE_CHECKS_AWAITED, &awaited.case, awaited)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks, each with its id, its name and how it ended; `None`: it has not. One that has a `/` in its name is a status.
    fn checks(told: &[(u64, &str, Option<&str>)]) -> Listed<Check> {
        let check = |(id, name, conclusion): &(u64, &str, Option<&str>)| Check {
            id: *id,
            name: (*name).to_owned(),
            app: (!name.contains('/')).then(|| "ci".to_owned()),
            status: if conclusion.is_some() { "completed" } else { "in_progress" }.to_owned(),
            conclusion: conclusion.map(str::to_owned),
        };
        Listed { items: told.iter().map(check).collect(), is_cut: false }
    }

    #[test]
    fn checks_of_a_merge_say_what_came_of_it() {
        let (ok, bad) = (Some("success"), Some("failure"));
        let before = checks(&[(1, "test", ok), (2, "lint", bad), (3, CHECK_NAME, ok), (4, "ci/build", ok)]);
        let named = |name: &str, ids: &[u64]| [(name.to_owned(), ids.iter().copied().collect())];
        let failed = |ids: &[u64]| Said::Failed(named("test (ci)", ids).into());
        let again = || Said::FailedAgain(["test (ci)".to_owned()].into());
        let none: &[u64] = &[];
        for (after, seen, expected) in [
            (vec![], none, Said::Nothing),
            (vec![(5, "lint", bad), (6, "deploy", bad), (7, CHECK_NAME, bad)], none, Said::Nothing),
            (vec![(5, "test", ok), (6, "ci/build", None)], none, Said::Nothing),
            (vec![(5, "test", ok), (6, "lint", bad)], none, Said::FineSoFar),
            (vec![(5, "test", ok), (6, "ci/build", ok)], none, Said::Fine),
            (vec![(5, "test", Some("cancelled"))], none, Said::Nothing),
            (vec![(5, "test", bad), (6, "ci/build", None)], none, failed(&[5])),
            (vec![(5, "test", bad)], &[5], failed(&[5])),
            (vec![(8, "test", None)], &[5], Said::Nothing),
            (vec![(8, "test", ok)], &[5], Said::FineSoFar),
            (vec![(8, "test", bad)], &[5], again()),
            // Two workflows have a job of this name.
            (vec![(5, "test", bad), (6, "test", bad)], none, failed(&[5, 6])),
            (vec![(5, "test", bad), (6, "test", bad)], &[5, 6], failed(&[5, 6])),
            (vec![(7, "test", bad), (6, "test", bad)], &[5, 6], failed(&[6, 7])),
            (vec![(7, "test", bad), (6, "test", ok)], &[5], again()),
            (vec![(7, "test", bad), (8, "test", bad)], &[5], failed(&[7, 8])),
        ] {
            let seen = if seen.is_empty() { BTreeMap::new() } else { named("test (ci)", seen).into() };
            assert_eq!(said(&before, &checks(&after), &seen), expected, "{after:?} after {seen:?}");
        }
        let status = checks(&[(9, "ci/build", bad)]);
        let told = Said::Failed(named("ci/build", &[9]).into());
        assert_eq!(said(&before, &status, &named("ci/build", &[6]).into()), told, "nobody ran it again for that");
        let both = checks(&[(1, "test", ok), (2, "test", bad)]);
        assert_eq!(said(&both, &checks(&[(5, "test", bad)]), &BTreeMap::new()), Said::Nothing);
        let cut = Listed { is_cut: true, ..checks(&[(5, "test", bad)]) };
        assert_eq!(said(&before, &cut, &BTreeMap::new()), Said::Nothing);
    }
}
