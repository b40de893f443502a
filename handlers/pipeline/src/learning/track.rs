//! How a remedy fared, as merges without people see it: what is of late has yet to stand the test of time, and may tell of a change.

use super::Model;
use super::drift::{self, DRIFT_CHANCE};
use super::merges::{SETTLED_DAYS, WRONG_FOR_EACH_NOTICED};
use super::outcome::Remedy;
use super::reliability::{Reliability, Sums};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is of so many last days is held against all that came before.
pub const RECENT_DAYS: [i64; 2] = [7, 28];

/// What was learned on each of the last days: of as many as anybody asks for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Days(BTreeMap<Date, Model>);

/// How a remedy fared.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// How reliable it is by what stood the test of time. What failed counts at once, and for merges that were undone others that nobody noticed.
    pub settled: Reliability,
    /// How it fared of late, beside what came before.
    pub changes: [Change; 2],
}

/// How a remedy fared of late.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// In how many last days.
    pub days: i64,
    /// How many fixes were wrong; two that were declined count as one.
    pub wrong: u64,
    /// How many there were.
    pub fixes: u64,
    /// The chance that it would fare as badly, if it were as it was before.
    pub chance: f64,
}

impl Days {
    /// `model` is what was learned on `day`.
    pub fn set(&mut self, day: Date, model: Model) {
        self.0.insert(day, model);
    }

    /// What was learned on `day`, to learn more.
    pub fn on(&mut self, day: Date) -> &mut Model {
        self.0.entry(day).or_default()
    }

    /// Days that are so far back at `today` that nobody asks for them are let go.
    pub fn forget(&mut self, today: Date) {
        let first = days_before(today, RECENT_DAYS[1]);
        self.0.retain(|day, _| *day > first);
    }

    /// How `remedy` fared at `now`, where `all` is everything that was learned.
    pub fn track(&self, remedy: &Remedy, all: &Model, now: Timestamp) -> Track {
        let all = all.sums(remedy);
        // Outcomes are kept by their day: of the last one, some are not as old as that yet.
        let late = self.since(remedy, now, SETTLED_DAYS + 1);
        let changes = RECENT_DAYS.map(|days| {
            let recent = self.since(remedy, now, days);
            let (right, wrong) = recent.right_and_wrong();
            let before = all.without(&recent).reliability(remedy.prior(), now);
            Change { days, wrong, fixes: right + wrong, chance: drift::chance(&before, wrong, right + wrong) }
        });
        Track { settled: all.without_successes_of(&late).feared(remedy.prior(), WRONG_FOR_EACH_NOTICED, now), changes }
    }

    fn since(&self, remedy: &Remedy, now: Timestamp, days: i64) -> Sums {
        let first = days_before(day(now), days);
        let mut sums = Sums::default();
        let of_late = self.0.iter().rev().take_while(|(day, _)| **day > first);
        of_late.filter_map(|(_, model)| model.remedies.get(remedy)).for_each(|of_day| sums.merge(of_day));
        sums
    }
}

impl Track {
    /// Why nothing happens without people, where it fares worse of late than it did before.
    pub fn drift(&self) -> Option<String> {
        let change = self.changes.iter().find(|change| change.chance < DRIFT_CHANCE)?;
        let Change { days, wrong, fixes, .. } = change;
        Some(format!("{wrong} of {fixes} such fixes were wrong in the last {days} days, which is more than before"))
    }
}

/// The day of `moment` in UTC, by which outcomes are kept.
pub fn day(moment: Timestamp) -> Date {
    moment.to_zoned(TimeZone::UTC).date()
}

fn days_before(day: Date, days: i64) -> Date {
    day.checked_sub(days.days()).unwrap_or(Date::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learning::outcome::{Ending, OutcomeRecord};
    use jiff::SignedDuration;

    const BEGIN: &str = "2026-01-01T12:00:00Z";

    fn outcome(remedy: &Remedy, ending: Ending, at: Timestamp) -> OutcomeRecord {
        OutcomeRecord {
            case: "npm-1".parse().unwrap(),
            plan: "a plan".to_owned(),
            pull_request: 0,
            repository: "github.example/octo/shop".parse().unwrap(),
            remedy: remedy.clone(),
            confidence: 0.95,
            is_unattended: false,
            at,
            ending,
            before: None,
            healed: Default::default(),
        }
    }

    /// What is known of a remedy after so many days, of which each has these outcomes.
    fn lived(days: &[&[(Ending, u32)]]) -> (Track, Timestamp) {
        let remedy = Remedy::from("update_dependency:npm:in_place".to_owned());
        let (mut all, mut kept) = (Model::default(), Days::default());
        let mut now: Timestamp = BEGIN.parse().unwrap();
        for outcomes in days {
            now += SignedDuration::from_hours(24);
            for ending in outcomes.iter().flat_map(|(ending, times)| (0..*times).map(|_| *ending)) {
                let record = outcome(&remedy, ending, now);
                all.add(&record);
                kept.on(day(now)).add(&record);
            }
            kept.forget(day(now));
        }
        (kept.track(&remedy, &all, now), now)
    }

    #[test]
    fn merge_counts_once_it_stood_the_test_of_time() {
        let right: &[(Ending, u32)] = &[(Ending::Merged, 1)];
        let (early, _) = lived(&[right; 14]);
        assert_eq!((early.settled.telling, early.settled.successes), (0, 8.0));
        let (late, _) = lived(&[right; 30]);
        assert_eq!(late.settled.telling, 15);
        let (failed, _) = lived(&[&[(Ending::ChecksFailed, 3)]]);
        assert_eq!(failed.settled.telling, 3, "what failed counts at once");
    }

    #[test]
    fn merge_late_in_the_day_counts_after_as_long_a_time() {
        let remedy = Remedy::from("update_dependency:npm:in_place".to_owned());
        let merged: Timestamp = "2026-01-01T23:59:00Z".parse().unwrap();
        let (mut all, mut kept) = (Model::default(), Days::default());
        let record = outcome(&remedy, Ending::Merged, merged);
        all.add(&record);
        kept.on(day(merged)).add(&record);
        let telling = |hours: i64| {
            let now = merged + SignedDuration::from_hours(hours);
            kept.track(&remedy, &all, now).settled.telling
        };
        assert_eq!((telling(SETTLED_DAYS * 24 - 23), telling(SETTLED_DAYS * 24 + 1)), (0, 1));
    }

    #[test]
    fn sudden_change_is_drift_and_the_usual_is_none() {
        let usual: &[(Ending, u32)] = &[(Ending::Merged, 10)];
        let bad: &[(Ending, u32)] = &[(Ending::Merged, 7), (Ending::ChecksFailed, 3)];
        let mut days = vec![usual; 60];
        assert_eq!(lived(&days).0.drift(), None);
        days.push(bad);
        let drift = lived(&days).0.drift().expect("three of ten fail");
        assert!(drift.contains("3 of 70 such fixes were wrong in the last 7 days"), "{drift}");
        days.extend([usual; 30]);
        assert_eq!(lived(&days).0.drift(), None, "it is good again");
    }

    #[test]
    fn declined_by_many_at_once_is_drift_too() {
        let mut days: Vec<&[(Ending, u32)]> = vec![&[(Ending::Merged, 10)]; 60];
        days.push(&[(Ending::Declined, 8)]);
        assert!(lived(&days).0.drift().is_some());
    }
}
