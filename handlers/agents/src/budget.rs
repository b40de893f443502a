//! How many pull requests were opened today: a state for each day, in which each case is noted before its own is opened.

use crate::environment::Environment;
use crate::environment::store::StoreError;
use crate::error::AgentError;
use crate::inventory::{self, branch_key};
use crate::offered;
use crate::state::{self, View};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan};
use pipeline::decision::guard::{self, Guard, Spent};
use pipeline::ids::{CaseId, RepoName};
use pipeline::learning::track::day;
use pipeline::policy::limits::Effective;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What was paid for so long ago is open by now, and kept with what is offered, or will not be, in minutes.
const OPENING_MINUTES: i64 = 60;

/// What was spent on one day: the cases whose pull requests were opened, and where.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Day {
    cases: BTreeMap<CaseId, RepoName>,
    /// When those of the last [`OPENING_MINUTES`] were noted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    opening: BTreeMap<CaseId, Timestamp>,
}

impl Day {
    /// `offered`: the cases of `repository` whose fixes are. Those whose pull requests are being opened may not be among them yet.
    fn spent(&self, repository: &RepoName, offered: &BTreeSet<CaseId>) -> Spent {
        let is_here = |case: &&CaseId| self.cases.get(*case) == Some(repository) && !offered.contains(*case);
        let open = offered.len() + self.opening.keys().filter(is_here).count();
        let owner = repository.owner();
        let of = |is: &dyn Fn(&RepoName) -> bool| self.cases.values().filter(|other| is(other)).count();
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Spent {
            repository: count(of(&|other| other == repository)),
            organisation: count(of(&|other| other.owner() == owner)),
            day: count(self.cases.len()),
            open: count(open),
        }
    }
}

/// A pull request that is about to be opened.
#[derive(Debug, Clone, Copy)]
pub struct Spending<'a> {
    /// Of which case.
    pub case: &'a CaseId,
    /// In which repository.
    pub repository: &'a RepoName,
    /// On which of its branches.
    pub branch: &'a str,
    /// Whether it goes ahead of the budget: then it is counted all the same.
    pub is_immediate: bool,
}

/// What became of a pull request that is about to be opened.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Why there is no budget for it. What is immediate is paid for all the same.
    pub guard: Option<Guard>,
    /// Whether it was paid for by this.
    pub is_paid: bool,
}

/// Takes a pull request out of today's budget, or says why there is none for it. A case that has one, or had one today, costs nothing more.
///
/// Tries later where many want the same at the same time.
pub async fn spend(env: &Environment, limits: &Effective, spending: Spending<'_>) -> Result<Answer, AgentError> {
    let Spending { case, repository, branch, is_immediate } = spending;
    if offered::stands_on(&env.store, case, repository, branch).await? {
        return Ok(Answer::default());
    }
    let offered = offered_in(env, limits, repository, branch).await?;
    let now = env.clock.now();
    let name = name(limits, now);
    let spent = state::change(env, &name, |view: &View<Day>| {
        if view.is_damaged {
            return (None, Answer { guard: Some(Guard::budget_unreadable(limits, now)), is_paid: false });
        }
        let mut day = view.value.clone().unwrap_or_default();
        if day.cases.contains_key(case) {
            return (None, Answer::default());
        }
        day.opening.retain(|_, since| now.duration_since(*since) < SignedDuration::from_mins(OPENING_MINUTES));
        let guard = Guard::budget(limits, &day.spent(repository, &offered), now);
        if guard.is_some() && !is_immediate {
            return (None, Answer { guard, is_paid: false });
        }
        day.cases.insert(case.clone(), repository.clone());
        day.opening.insert(case.clone(), now);
        (Some(day), Answer { guard, is_paid: true })
    });
    spent.await?.ok_or_else(many)
}

/// The cases of `repository` whose fixes are offered. Records of offers that ended may be among them, unless there are as many as may be open:
/// then all are read.
async fn offered_in(
    env: &Environment,
    limits: &Effective,
    repository: &RepoName,
    branch: &str,
) -> Result<BTreeSet<CaseId>, AgentError> {
    let mut branches = inventory::branch_keys(&env.store, repository).await?;
    branches.insert(branch_key(repository, branch));
    let mut offered = BTreeSet::new();
    for name in &branches {
        offered.extend(offered::under(&env.store, name).await?);
    }
    if offered.len() < limits.open_pull_requests_per_repository as usize {
        return Ok(offered);
    }
    let mut standing = BTreeSet::new();
    for name in &branches {
        standing.extend(offered::standing_under(&env.store, name).await?);
    }
    Ok(standing)
}

/// What was paid for `case` was paid in vain: no pull request was opened. Over midnight it stays paid for.
pub async fn give_back(env: &Environment, limits: &Effective, case: &CaseId) -> Result<(), AgentError> {
    let name = name(limits, env.clock.now());
    let given = state::change(env, &name, |view: &View<Day>| {
        let Some(mut day) = view.value.clone() else { return (None, ()) };
        day.opening.remove(case);
        let is_paid = day.cases.remove(case).is_some();
        (is_paid.then_some(day), ())
    });
    given.await?.ok_or_else(many)
}

fn many() -> AgentError {
    AgentError::TryLater { reason: "many cases want the same budget at the same time".to_owned(), not_before: None }
}

/// What the names of budgets begin with.
const PREFIX: &str = "budget-";

/// A budget is kept for so many days: by then its day is over by every clock, and nobody can still be about to spend of it.
const DAYS_KEPT: i32 = 4;

/// The state of the day of `now`.
fn name(limits: &Effective, now: Timestamp) -> String {
    let zone = limits.time_zone.to_string().replace('/', "-");
    format!("{PREFIX}{zone}-{}", guard::day(limits, now))
}

/// The day that the budget `name` is of.
fn day_of(name: &str) -> Option<Date> {
    let days = name.strip_prefix(PREFIX)?;
    days.get(days.len().checked_sub("2026-01-01".len())?..)?.parse().ok()
}

/// Deletes budgets of days that are long over, `keys_max` records at most; returns how many.
pub async fn forget(env: &Environment, keys_max: usize) -> Result<usize, StoreError> {
    let today = day(env.clock.now());
    let horizon = today.checked_sub(DAYS_KEPT.days()).unwrap_or(Date::MIN);
    let mut deleted = 0;
    for name in env.store.folders("state").await? {
        if day_of(&name).is_none_or(|day| day >= horizon) {
            continue;
        }
        for key in env.store.list(&format!("state/{name}")).await? {
            if deleted == keys_max {
                return Ok(deleted);
            }
            env.store.delete(&key).await?;
            deleted += 1;
        }
    }
    Ok(deleted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::effects::Effects;
    use crate::environment::store::Store;
    use crate::test_office::environment;
    use pipeline::decision::guard::Effect;
    use pipeline::policy::limits::Limits;

    fn case(number: u32) -> CaseId {
        format!("npm-{number}").parse().unwrap()
    }

    async fn spend_in(env: &Environment, limits: &Effective, number: u32, repository: &str) -> Option<Guard> {
        let repository = repository.parse().unwrap();
        let spending = Spending { case: &case(number), repository: &repository, branch: "main", is_immediate: false };
        spend(env, limits, spending).await.unwrap().guard
    }

    #[tokio::test]
    async fn each_case_is_counted_once_and_the_next_day_is_a_new_one() {
        let env = environment(Store::memory(Effects::default()));
        let limits = Limits {
            pull_requests_per_repository_per_day: Some(1),
            pull_requests_per_organisation_per_day: Some(2),
            pull_requests_per_day: Some(3),
            ..Limits::default()
        };
        let limits = limits.effective();
        for _ in 0..3 {
            assert_eq!(spend_in(&env, &limits, 1, "host/octo/shop").await, None);
        }
        assert!(
            spend_in(&env, &limits, 2, "host/octo/shop").await.unwrap().reason.contains("in this repository today")
        );
        assert_eq!(spend_in(&env, &limits, 3, "host/octo/till").await, None);
        assert!(spend_in(&env, &limits, 4, "host/octo/door").await.unwrap().reason.contains("for this owner today"));
        assert_eq!(spend_in(&env, &limits, 5, "host/other/door").await, None);
        let guard = spend_in(&env, &limits, 6, "host/third/door").await.unwrap();
        let Effect::Hold { until } = guard.effect else { panic!("{guard:?}") };
        env.clock.advance(until.duration_since(env.clock.now()) - SignedDuration::from_secs(1));
        assert!(spend_in(&env, &limits, 6, "host/third/door").await.is_some());
        env.clock.advance(SignedDuration::from_secs(1));
        assert_eq!(spend_in(&env, &limits, 6, "host/third/door").await, None);
    }

    #[tokio::test]
    async fn what_is_immediate_goes_ahead_of_the_budget_and_is_counted() {
        let env = environment(Store::memory(Effects::default()));
        let limits = Limits { pull_requests_per_day: Some(2), ..Limits::default() }.effective();
        let repository = "host/octo/shop".parse().unwrap();
        for number in 0..2 {
            let spending =
                Spending { case: &case(number), repository: &repository, branch: "main", is_immediate: true };
            assert_eq!(spend(&env, &limits, spending).await.unwrap(), Answer { guard: None, is_paid: true });
        }
        assert!(spend_in(&env, &limits, 2, "host/octo/till").await.is_some());
    }

    #[tokio::test]
    async fn no_more_are_opened_at_the_same_time_than_may_be_open() {
        let env = environment(Store::memory(Effects::default()));
        let limits = Limits { open_pull_requests_per_repository: Some(2), ..Limits::default() }.effective();
        let all = (0..6).map(|number| spend_in(&env, &limits, number, "host/octo/shop"));
        let spent = futures::future::join_all(all).await.into_iter().filter(Option::is_none).count();
        assert_eq!(spent, 2);
        // What was paid for and is not offered an hour later is not open.
        env.clock.advance(SignedDuration::from_hours(1));
        assert_eq!(spend_in(&env, &limits, 9, "host/octo/shop").await, None);
    }

    #[tokio::test]
    async fn what_was_paid_in_vain_is_there_for_another() {
        let env = environment(Store::memory(Effects::default()));
        let limits = Limits { pull_requests_per_day: Some(1), ..Limits::default() }.effective();
        assert_eq!(spend_in(&env, &limits, 1, "host/octo/shop").await, None);
        give_back(&env, &limits, &case(2)).await.unwrap();
        assert!(spend_in(&env, &limits, 2, "host/octo/shop").await.is_some());
        give_back(&env, &limits, &case(1)).await.unwrap();
        assert_eq!(spend_in(&env, &limits, 2, "host/octo/shop").await, None);
    }

    #[tokio::test]
    async fn budgets_of_days_that_are_over_are_forgotten() {
        let env = environment(Store::memory(Effects::default()));
        let limits = Limits::default().effective();
        for number in 0..10 {
            spend_in(&env, &limits, number, "host/octo/shop").await;
            env.clock.advance(SignedDuration::from_hours(24));
        }
        env.store.create("state/kill-switch/000000000001", &1).await.unwrap();
        assert_eq!(forget(&env, 2).await.unwrap(), 2);
        assert_eq!(forget(&env, 500).await.unwrap(), 4);
        assert_eq!(forget(&env, 500).await.unwrap(), 0);
        let left = env.store.folders("state").await.unwrap();
        assert_eq!((left.len(), left.last().unwrap().as_str()), (5, "kill-switch"), "{left:?}");
    }

    #[tokio::test]
    async fn many_at_once_never_spend_more_than_there_is() {
        let env = environment(Store::memory(Effects::default()));
        let limits = Limits { pull_requests_per_day: Some(5), ..Limits::default() }.effective();
        let all = (0..12).map(|number| {
            let (env, limits) = (&env, &limits);
            async move {
                let repository = format!("host/octo/{number}").parse().unwrap();
                let spending =
                    Spending { case: &case(number), repository: &repository, branch: "main", is_immediate: false };
                spend(env, limits, spending).await
            }
        });
        let spent = futures::future::join_all(all)
            .await
            .into_iter()
            .filter(|spent| spent.as_ref().is_ok_and(|answer| answer.guard.is_none()))
            .count();
        assert_eq!(spent, 5);
    }
}
