//! The circuit breaker of each remedy in each repository, as a state.

use crate::environment::Environment;
use crate::error::AgentError;
use crate::state::{self, View};
use jiff::Timestamp;
use pipeline::decision::breaker::{Breaker, Ended, Standing};
use pipeline::decision::guard::Guard;
use pipeline::ids::{CaseId, RepoName, hash_of};
use pipeline::learning::outcome::Remedy;

/// What the breaker of `remedy` in `repository` says of using it for `case` by `plan`, and whether the one try of a half-open breaker was taken
/// by asking.
pub async fn ask(
    env: &Environment,
    remedy: &Remedy,
    repository: &RepoName,
    (case, plan): (&CaseId, &str),
) -> Result<(Option<Guard>, bool), AgentError> {
    let now = env.clock.now();
    let name = name(remedy, repository);
    let asked = state::change(env, &name, |view: &View<Breaker>| {
        let said = said(view, case, now);
        let Some(breaker) = &view.value else { return (None, (said, false)) };
        let mut probed = breaker.clone();
        probed.probe(case, plan, now);
        let is_taken = probed != *breaker;
        (is_taken.then_some(probed), (said, is_taken))
    });
    let many =
        || AgentError::TryLater { reason: format!("many cases ask for {remedy} at the same time"), not_before: None };
    asked.await?.ok_or_else(many)
}

/// What the breaker of `remedy` in `repository` says of `case`, which takes no try by that.
pub async fn look(
    env: &Environment,
    remedy: &Remedy,
    repository: &RepoName,
    case: &CaseId,
) -> Result<Option<Guard>, AgentError> {
    Ok(said(&read(env, remedy, repository).await?, case, env.clock.now()))
}

/// What a breaker says of `case`. One that can't be read lets a fix through with somebody who looks at it.
fn said(view: &View<Breaker>, case: &CaseId, now: Timestamp) -> Option<Guard> {
    let Some(breaker) = &view.value else { return view.is_damaged.then(Guard::breaker_probe) };
    match breaker.standing(case, now) {
        Standing::Closed => None,
        Standing::Open(until) => Some(Guard::breaker_open(until, breaker.reason())),
        Standing::HalfOpen => Some(Guard::breaker_probe()),
    }
}

/// The fix of `case` by `plan` is not tried after all.
pub async fn give_back(
    env: &Environment,
    remedy: &Remedy,
    repository: &RepoName,
    (case, plan): (&CaseId, &str),
) -> Result<(), AgentError> {
    match read(env, remedy, repository).await?.value {
        Some(_) => change(env, remedy, repository, |breaker| breaker.give_back(case, plan)).await,
        None => Ok(()),
    }
}

/// Notes how a fix ended.
pub async fn note(
    env: &Environment,
    remedy: &Remedy,
    repository: &RepoName,
    ended: &Ended<'_>,
) -> Result<(), AgentError> {
    let now = env.clock.now();
    change(env, remedy, repository, |breaker| breaker.record(ended, now)).await
}

async fn change(
    env: &Environment,
    remedy: &Remedy,
    repository: &RepoName,
    change: impl Fn(&mut Breaker),
) -> Result<(), AgentError> {
    let name = name(remedy, repository);
    let changed = state::change(env, &name, |view: &View<Breaker>| {
        let before = view.value.clone().unwrap_or_default();
        let mut breaker = before.clone();
        change(&mut breaker);
        ((breaker != before).then_some(breaker), ())
    });
    let many =
        || AgentError::TryLater { reason: format!("many fixes by {remedy} end at the same time"), not_before: None };
    changed.await?.ok_or_else(many)
}

/// The state that it is kept in.
fn name(remedy: &Remedy, repository: &RepoName) -> String {
    format!("breaker-{}", &hash_of(&[remedy.as_str(), repository.as_str()])[..24])
}

async fn read(env: &Environment, remedy: &Remedy, repository: &RepoName) -> Result<View<Breaker>, AgentError> {
    Ok(state::read(env, &name(remedy, repository)).await?)
}
