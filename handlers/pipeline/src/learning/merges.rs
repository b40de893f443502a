//! Merges without people: how many of them are not known to be right yet, and how many were wrong. What is not known counts.

use crate::ids::CaseId;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A merge of which nothing bad was heard for so long is taken for right, in days.
pub const SETTLED_DAYS: i64 = 14;

/// That a merge was wrong may be told as late as its fix is seen to be undone, and heard later still: so long it is kept by itself, in days.
const KEPT_DAYS: i64 = SETTLED_DAYS + 2;

/// So large a part of the merges that are not known to be right yet is feared to be wrong.
pub const FEARED: f64 = 0.4;

/// Of every so many wrong merges, one is noticed.
pub const WRONG_FOR_EACH_NOTICED: f64 = 2.0;

/// So many wrong merges are borne beyond the rate: with none at all, nothing could ever be known.
pub const BORNE: f64 = 2.0;

/// One release is tried in so many places at a time.
pub const OF_ONE_RELEASE_MAX: usize = 3;

/// What is left of the weight of a settled merge after a week.
const KEPT_PER_WEEK: f64 = 0.98;

/// A merge without people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Merge {
    /// The case.
    pub case: CaseId,
    /// The hash of the plan. With the case, the identity of the fix.
    pub plan: String,
    /// What it brings in: `npm latch 1.2.0`.
    pub releases: BTreeSet<String>,
    /// When.
    pub at: Timestamp,
    /// Whether it turned out wrong.
    pub is_wrong: bool,
}

impl Merge {
    fn is_of(&self, case: &CaseId, plan: &str) -> bool {
        self.case == *case && self.plan == plan
    }
}

/// All of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Merges {
    /// Those of which anything may still be heard.
    open: Vec<Merge>,
    /// Weight of the others that were right, as of `weighed`.
    right: f64,
    /// Weight of the others that were wrong, as of `weighed`.
    wrong: f64,
    /// When they were weighed.
    weighed: Timestamp,
}

impl Merges {
    /// Whether the fix was merged of late.
    pub fn has(&self, case: &CaseId, plan: &str) -> bool {
        self.open.iter().any(|merge| merge.is_of(case, plan))
    }

    /// A fix is about to be merged. A place that it has already is its own, as of now: it was taken in vain.
    pub fn take(&mut self, merge: Merge, now: Timestamp) {
        self.settle(now);
        self.give_back(&merge.case, &merge.plan, Timestamp::MAX);
        self.open.push(merge);
    }

    /// The place that was taken for it before `until` was taken in vain: it was not merged.
    pub fn give_back(&mut self, case: &CaseId, plan: &str, until: Timestamp) {
        self.open.retain(|merge| !merge.is_of(case, plan) || merge.is_wrong || merge.at >= until);
    }

    /// A fix that was merged turned out wrong. Told again, it makes no difference.
    pub fn turned_out_wrong(&mut self, case: &CaseId, plan: &str) {
        self.open.iter_mut().filter(|merge| merge.is_of(case, plan)).for_each(|merge| merge.is_wrong = true);
    }

    /// Why the fix of `case` by `plan`, which brings in `releases`, would be one too many, where no more than `wrong_rate_max` of them may be
    /// wrong. The place that it may have already does not stand in its way.
    ///
    /// The wrong ones, noticed or not, and the feared part of those that are not settled have to stay within that rate of all of them,
    /// beyond what is borne.
    pub fn refusal(
        &self,
        (case, plan): (&CaseId, &str),
        releases: &BTreeSet<String>,
        wrong_rate_max: f64,
        now: Timestamp,
    ) -> Option<String> {
        let (right, wrong) = self.settled(now);
        let since = days_before(now, SETTLED_DAYS);
        let is_other = |merge: &&Merge| !merge.is_of(case, plan) || merge.is_wrong;
        let open: Vec<&Merge> = self.open.iter().filter(|merge| merge.at > since).filter(is_other).collect();
        for release in releases {
            let brought: Vec<&&Merge> = open.iter().filter(|merge| merge.releases.contains(release)).collect();
            if brought.iter().any(|merge| merge.is_wrong) {
                return Some(format!("{release} was merged without people of late, and was wrong"));
            }
            if brought.len() >= OF_ONE_RELEASE_MAX {
                let places = brought.len();
                return Some(format!(
                    "{release} was merged without people in {places} places of late; it has to stand the test of time there first"
                ));
            }
        }
        let noticed = open.iter().filter(|merge| merge.is_wrong).count();
        let unsettled = (open.len() - noticed + 1) as f64;
        let wrong = wrong + noticed as f64;
        let feared = wrong * WRONG_FOR_EACH_NOTICED + unsettled * FEARED;
        let allowed = wrong_rate_max * (right + wrong + unsettled) + BORNE;
        (feared > allowed).then(|| {
            "too many merges without people are not known to be right yet, or were wrong: others have to stand the test of time first"
                .to_owned()
        })
    }

    /// Takes for right what nothing bad can be heard of any more. When that is done makes no difference.
    fn settle(&mut self, now: Timestamp) {
        (self.right, self.wrong) = self.weight_until(days_before(now, KEPT_DAYS), now);
        self.weighed = self.weighed.max(now);
        let since = days_before(now, KEPT_DAYS);
        self.open.retain(|merge| merge.at > since);
    }

    /// Weight of the right and of the wrong ones that are settled at `now`.
    fn settled(&self, now: Timestamp) -> (f64, f64) {
        self.weight_until(days_before(now, SETTLED_DAYS), now)
    }

    /// Weight at `now` of the right and of the wrong ones that were merged until `last`. One loses weight from when it is settled.
    fn weight_until(&self, last: Timestamp, now: Timestamp) -> (f64, f64) {
        let kept = kept_since(self.weighed, now);
        let merged = self.open.iter().filter(|merge| merge.at <= last);
        merged.fold((self.right * kept, self.wrong * kept), |(right, wrong), merge| {
            let weight = kept_since(merge.at, days_before(now, SETTLED_DAYS));
            match merge.is_wrong {
                true => (right, wrong + weight),
                false => (right + weight, wrong),
            }
        })
    }
}

/// What is left at `now` of the weight that something had at `since`.
fn kept_since(since: Timestamp, now: Timestamp) -> f64 {
    let weeks = (now.as_second() - since.as_second()).max(0) as f64 / (7.0 * 24.0 * 3600.0);
    KEPT_PER_WEEK.powf(weeks)
}

fn days_before(now: Timestamp, days: i64) -> Timestamp {
    now.saturating_sub(SignedDuration::from_hours(days * 24)).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + day * 86_400).unwrap()
    }

    fn case(number: u32) -> CaseId {
        format!("{number:032x}").parse().unwrap()
    }

    fn releases(number: u32) -> BTreeSet<String> {
        [format!("npm latch 1.0.{number}")].into()
    }

    fn take(merges: &mut Merges, number: u32, release: u32, day: i64) {
        let merge = Merge {
            case: case(number),
            plan: "a plan".to_owned(),
            releases: releases(release),
            at: at(day),
            is_wrong: false,
        };
        merges.take(merge.clone(), at(day));
        merges.take(merge, at(day));
    }

    /// Why the fix of the case `number` by `release` is one too many on `day`.
    fn refusal(merges: &Merges, number: u32, release: u32, rate: f64, day: i64) -> Option<String> {
        merges.refusal((&case(number), "a plan"), &releases(release), rate, at(day))
    }

    /// How many more may be merged on `day`, each of a release of its own.
    fn room(merges: &Merges, rate: f64, day: i64) -> u32 {
        let mut merges = merges.clone();
        (0..)
            .take_while(|more| {
                let is_free = refusal(&merges, 1000 + more, 1000 + more, rate, day).is_none();
                take(&mut merges, 1000 + more, 1000 + more, day);
                is_free
            })
            .count() as u32
    }

    #[test]
    fn few_are_merged_before_anything_is_known_and_more_once_it_is() {
        let mut merges = Merges::default();
        let before = room(&merges, 0.05, 0);
        assert!((1..=5).contains(&before), "{before}");
        (0..before).for_each(|number| take(&mut merges, number, number, 0));
        assert_eq!((room(&merges, 0.05, 0), room(&merges, 0.05, SETTLED_DAYS - 1)), (0, 0));
        assert!(room(&merges, 0.05, SETTLED_DAYS) >= before);
        (10..70).for_each(|number| take(&mut merges, number, number, 0));
        let after = room(&merges, 0.05, SETTLED_DAYS);
        assert!(after > 2 * before && after > room(&merges, 0.02, SETTLED_DAYS), "{after}");
    }

    #[test]
    fn wrong_ones_leave_less_room_and_then_none() {
        let mut merges = Merges::default();
        (0..40).for_each(|number| take(&mut merges, number, number, 0));
        let mut before = room(&merges, 0.1, SETTLED_DAYS);
        for number in 0..3 {
            for _ in 0..2 {
                merges.turned_out_wrong(&case(number), "a plan");
            }
            let now = room(&merges, 0.1, SETTLED_DAYS);
            assert!(now < before, "{number}: {now} after {before}");
            before = now;
        }
        assert_eq!(before, 0);
    }

    #[test]
    fn release_is_tried_in_few_places_first_and_nowhere_once_it_was_wrong() {
        let mut merges = Merges::default();
        (100..200).for_each(|number| take(&mut merges, number, number, 0));
        for number in 0..OF_ONE_RELEASE_MAX as u32 {
            assert_eq!(refusal(&merges, number, 1, 0.5, 20), None);
            take(&mut merges, number, 1, 20);
        }
        assert!(refusal(&merges, 9, 1, 0.5, 20).unwrap().contains("in 3 places"));
        assert_eq!(refusal(&merges, 1, 1, 0.5, 20), None, "its own place does not stand in its way");
        assert_eq!(refusal(&merges, 9, 2, 0.5, 20), None);
        assert_eq!(refusal(&merges, 9, 1, 0.5, 20 + SETTLED_DAYS), None);
        merges.turned_out_wrong(&case(1), "a plan");
        for number in [1, 9] {
            assert!(refusal(&merges, number, 1, 0.5, 21).unwrap().contains("was wrong"));
        }
    }

    #[test]
    fn merges_lose_weight_from_when_they_are_settled_whenever_that_is_noted() {
        let mut early = Merges::default();
        (0..200).for_each(|number| take(&mut early, number, number, 0));
        early.turned_out_wrong(&case(0), "a plan");
        let late = early.clone();
        for day in [SETTLED_DAYS, KEPT_DAYS, 100, 400] {
            early.settle(at(day));
        }
        let (right, wrong) = late.settled(at(730));
        let kept = 0.98_f64.powf((730 - SETTLED_DAYS) as f64 / 7.0);
        assert!((right - 199.0 * kept).abs() < 1e-9 && (wrong - kept).abs() < 1e-9, "{right}, {wrong}");
        let noted = early.settled(at(730));
        assert!((noted.0 - right).abs() < 1e-9 && (noted.1 - wrong).abs() < 1e-9, "{noted:?}");
    }

    #[test]
    fn one_that_is_heard_to_be_wrong_after_it_was_settled_is_wrong() {
        let mut merges = Merges::default();
        take(&mut merges, 1, 1, 0);
        take(&mut merges, 2, 2, SETTLED_DAYS + 1);
        merges.turned_out_wrong(&case(1), "a plan");
        let (right, wrong) = merges.settled(at(SETTLED_DAYS + 1));
        assert!(right == 0.0 && wrong > 0.9, "{right}, {wrong}");
    }

    #[test]
    fn one_that_was_not_made_takes_no_room() {
        let mut merges = Merges::default();
        take(&mut merges, 1, 1, 0);
        assert!(merges.has(&case(1), "a plan") && !merges.has(&case(1), "another"));
        let before = merges.clone();
        merges.give_back(&case(1), "a plan", at(0));
        assert_eq!(merges, before, "it may be being merged now");
        merges.give_back(&case(1), "a plan", at(1));
        assert_eq!(room(&merges, 0.1, 0), room(&Merges::default(), 0.1, 0));
    }
}
