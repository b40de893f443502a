//! Guard rails: what stops an action before it is taken, whatever the policy would allow. Pure; what they count is kept by agents.

use crate::policy::freeze::{Freeze, frozen};
use crate::policy::limits::Effective;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Which guard rail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rail {
    /// Somebody stopped everything.
    KillSwitch,
    /// A window in which nothing is changed.
    Freeze,
    /// Enough was done today, or is open.
    Budget,
    /// The remedy failed here too often.
    CircuitBreaker,
    /// The patch is too large.
    PatchSize,
    /// The case was tried too often.
    Attempts,
    /// A fix of the case was taken back a while ago.
    CoolDown,
    /// The case comes back again and again.
    Flapping,
    /// The remedy is rejected too often.
    Reliability,
}

/// What a guard rail does about it, most lenient first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Nothing is done before this, and then it is decided anew.
    Hold {
        /// When it is decided anew.
        until: Timestamp,
    },
    /// Somebody has to approve.
    Propose,
    /// It is for people.
    Escalate,
}

/// A guard rail that says no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// Which one.
    pub rail: Rail,
    /// What it does.
    pub effect: Effect,
    /// Why, for people.
    pub reason: String,
}

impl Rail {
    /// Whether what is `immediate` goes ahead of it.
    pub fn yields_to_immediate(self) -> bool {
        matches!(self, Self::Freeze | Self::Budget)
    }
}

impl fmt::Display for Rail {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::KillSwitch => "kill switch",
            Self::Freeze => "freeze",
            Self::Budget => "budget",
            Self::CircuitBreaker => "circuit breaker",
            Self::PatchSize => "patch size",
            Self::Attempts => "attempts",
            Self::CoolDown => "cool-down",
            Self::Flapping => "flapping",
            Self::Reliability => "reliability",
        })
    }
}

impl Guard {
    fn new(rail: Rail, effect: Effect, reason: impl Into<String>) -> Self {
        Self { rail, effect, reason: reason.into() }
    }

    /// Whether it stops a delivery, for now or for good.
    pub fn is_stop(&self) -> bool {
        !matches!(self.effect, Effect::Propose)
    }

    /// While somebody has stopped everything, it is asked again every so often.
    pub fn kill_switch(now: Timestamp, by: &str, reason: &str) -> Self {
        let until = next(now, KILL_SWITCH_MINUTES);
        Self::new(Rail::KillSwitch, Effect::Hold { until }, format!("{by} stopped everything: {reason}"))
    }

    /// The windows in which nothing is changed.
    pub fn freeze(windows: &[Freeze], now: Timestamp) -> Option<Self> {
        let (until, name) = frozen(windows, now)?;
        Some(Self::new(Rail::Freeze, Effect::Hold { until }, format!("`{name}`")))
    }

    /// A patch of `files` files and `lines` lines.
    pub fn patch_size(limits: &Effective, files: usize, lines: usize) -> Option<Self> {
        let over = |what: &str, is: usize, max: u32| {
            (is > max as usize).then(|| {
                let reason = format!("the patch changes {is} {what}; {max} are allowed");
                Self::new(Rail::PatchSize, Effect::Escalate, reason)
            })
        };
        over("files", files, limits.files_max).or_else(|| over("lines", lines, limits.lines_max))
    }

    /// What a case has been through.
    pub fn history(limits: &Effective, history: &History, now: Timestamp) -> Vec<Self> {
        let since = |days: i64| now.saturating_sub(SignedDuration::from_hours(24 * days)).unwrap_or(now);
        let recent = |moments: &[Timestamp], days| moments.iter().filter(|at| **at > since(days)).count();
        let mut guards = Vec::new();
        let attempts = recent(&history.deliveries, ATTEMPTS_DAYS);
        if attempts >= limits.attempts_per_case as usize {
            let reason = format!(
                "{attempts} fixes of it were delivered within {ATTEMPTS_DAYS} days; {} are allowed",
                limits.attempts_per_case
            );
            guards.push(Self::new(Rail::Attempts, Effect::Escalate, reason));
        }
        let reopenings = recent(&history.reopenings, FLAPPING_DAYS);
        if reopenings > limits.reopenings_max as usize {
            let reason = format!(
                "it came back {reopenings} times within {FLAPPING_DAYS} days; {} are allowed",
                limits.reopenings_max
            );
            guards.push(Self::new(Rail::Flapping, Effect::Escalate, reason));
        }
        if let Some(back) = history.taken_back.iter().max() {
            let until = later(*back, SignedDuration::from_hours(i64::from(limits.cool_down_hours)));
            if now < until {
                guards.push(Self::new(
                    Rail::CoolDown,
                    Effect::Hold { until },
                    format!("a fix of it was taken back at {back}"),
                ));
            }
        }
        guards
    }

    /// What was spent of the day's budget before this case.
    pub fn budget(limits: &Effective, spent: &Spent, now: Timestamp) -> Option<Self> {
        let rows = [
            ("in this repository today", spent.repository, limits.pull_requests_per_repository_per_day),
            ("for this owner today", spent.organisation, limits.pull_requests_per_organisation_per_day),
            ("today", spent.day, limits.pull_requests_per_day),
        ];
        let of_day = rows.into_iter().find(|(_, spent, max)| spent >= max).map(|(place, spent, max)| {
            (next_day(limits, now), format!("{spent} pull requests were opened {place}; {max} are allowed"))
        });
        let max = limits.open_pull_requests_per_repository;
        let of_open = (spent.open >= max).then(|| {
            let until = next(now, OPEN_MINUTES);
            (until, format!("{} pull requests are open in this repository; {max} are allowed", spent.open))
        });
        let (until, reason) = of_day.into_iter().chain(of_open).max()?;
        Some(Self::new(Rail::Budget, Effect::Hold { until }, reason))
    }

    /// What was spent today can't be read: then nothing more is.
    pub fn budget_unreadable(limits: &Effective, now: Timestamp) -> Self {
        let until = next_day(limits, now);
        Self::new(Rail::Budget, Effect::Hold { until }, "what was spent today can't be read")
    }

    /// A remedy that failed too often, until `until`.
    pub fn breaker_open(until: Timestamp, reason: String) -> Self {
        Self::new(Rail::CircuitBreaker, Effect::Hold { until }, reason)
    }

    /// A remedy that failed too often, and is tried once: with somebody who looks at it.
    pub fn breaker_probe() -> Self {
        Self::new(
            Rail::CircuitBreaker,
            Effect::Propose,
            "the remedy failed here before; this is the one try that it gets",
        )
    }

    /// A remedy that people keep rejecting.
    pub fn demoted(reason: String) -> Self {
        Self::new(Rail::Reliability, Effect::Propose, reason)
    }
}

/// While somebody has stopped everything, it is asked again so often.
const KILL_SWITCH_MINUTES: i64 = 15;

/// While too many pull requests are open, it is asked again so often.
const OPEN_MINUTES: i64 = 6 * 60;

/// Attempts at a case are counted for so long.
const ATTEMPTS_DAYS: i64 = 30;

/// How often a case comes back is counted for so long.
const FLAPPING_DAYS: i64 = 14;

/// What a case has been through.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// When fixes of it were delivered.
    pub deliveries: Vec<Timestamp>,
    /// When fixes of it were taken back.
    pub taken_back: Vec<Timestamp>,
    /// When it was found again after it had been healed.
    pub reopenings: Vec<Timestamp>,
}

/// Pull requests that count against a budget.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// Opened in the repository today.
    pub repository: u32,
    /// Opened in all repositories of its owner today.
    pub organisation: u32,
    /// Opened anywhere today.
    pub day: u32,
    /// Open in the repository now.
    pub open: u32,
}

/// The day of `now`, by the clock of `limits`: what a day's budget is counted by.
pub fn day(limits: &Effective, now: Timestamp) -> Date {
    limits.time_zone.rules().to_datetime(now).date()
}

/// When the next day begins.
fn next_day(limits: &Effective, now: Timestamp) -> Timestamp {
    let zone = limits.time_zone.rules();
    let tomorrow = day(limits, now).checked_add(1.day()).ok();
    let midnight = tomorrow.and_then(|day| zone.to_ambiguous_timestamp(day.into()).compatible().ok());
    midnight.unwrap_or_else(|| later(now, SignedDuration::from_hours(24)))
}

/// The next moment after `now` that is a multiple of so many minutes: all cases that wait meet there, and are looked at together.
pub(super) fn next(now: Timestamp, minutes: i64) -> Timestamp {
    let step = minutes * 60;
    let second = (now.as_second().div_euclid(step) + 1).saturating_mul(step);
    Timestamp::from_second(second).unwrap_or(Timestamp::MAX)
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::limits::Limits;
    use crate::policy::zone::Zone;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn budget_is_renewed_at_midnight_of_its_own_clock() {
        let limits = Limits {
            pull_requests_per_repository_per_day: Some(2),
            time_zone: Some(Zone::named("Asia/Tokyo").unwrap()),
            ..Limits::default()
        };
        let limits = limits.effective();
        let now = at("2026-11-27T14:30:00Z");
        assert_eq!(day(&limits, now).to_string(), "2026-11-27");
        assert_eq!(Guard::budget(&limits, &Spent { repository: 1, ..Spent::default() }, now), None);
        let guard = Guard::budget(&limits, &Spent { repository: 2, ..Spent::default() }, now).unwrap();
        assert_eq!(guard.effect, Effect::Hold { until: at("2026-11-27T15:00:00Z") });
        assert!(guard.reason.contains("2 pull requests were opened in this repository today; 2 are allowed"));
    }

    #[test]
    fn cases_that_wait_for_the_same_wait_until_the_same_moment() {
        let until = |now| match Guard::kill_switch(at(now), "mona", "").effect {
            Effect::Hold { until } => until,
            other => panic!("{other:?}"),
        };
        for now in ["2026-11-27T14:30:00Z", "2026-11-27T14:30:00.5Z", "2026-11-27T14:44:59Z"] {
            assert_eq!(until(now), at("2026-11-27T14:45:00Z"), "{now}");
        }
    }

    #[test]
    fn open_pull_requests_hold_back_more() {
        let limits = Limits { open_pull_requests_per_repository: Some(1), ..Limits::default() }.effective();
        let now = at("2026-11-27T14:30:00Z");
        let guard = Guard::budget(&limits, &Spent { open: 1, ..Spent::default() }, now).unwrap();
        assert_eq!(guard.effect, Effect::Hold { until: at("2026-11-27T18:00:00Z") });
    }

    #[test]
    fn history_stops_what_is_tried_too_often_or_comes_back() {
        let limits = Limits { attempts_per_case: Some(2), reopenings_max: Some(1), ..Limits::default() }.effective();
        let now = at("2026-11-27T12:00:00Z");
        let old = at("2026-10-01T00:00:00Z");
        let of_late = at("2026-11-26T13:00:00Z");
        let calm = History { deliveries: vec![old, of_late], taken_back: vec![old], reopenings: vec![of_late, old] };
        assert_eq!(Guard::history(&limits, &calm, now), []);
        let busy = History {
            deliveries: vec![of_late, of_late],
            taken_back: vec![old, of_late],
            reopenings: vec![of_late, of_late],
        };
        let rails: Vec<(Rail, Effect)> =
            Guard::history(&limits, &busy, now).into_iter().map(|guard| (guard.rail, guard.effect)).collect();
        let until = at("2026-11-27T13:00:00Z");
        assert_eq!(
            rails,
            [
                (Rail::Attempts, Effect::Escalate),
                (Rail::Flapping, Effect::Escalate),
                (Rail::CoolDown, Effect::Hold { until })
            ]
        );
    }

    #[test]
    fn large_patches_are_for_people() {
        let limits = Limits { files_max: Some(2), lines_max: Some(10), ..Limits::default() }.effective();
        assert_eq!(Guard::patch_size(&limits, 2, 10), None);
        assert!(Guard::patch_size(&limits, 3, 1).unwrap().reason.contains("3 files; 2 are allowed"));
        assert!(Guard::patch_size(&limits, 1, 11).unwrap().reason.contains("11 lines; 10 are allowed"));
    }
}
