//! How reliable a remedy is: a Beta distribution over what came of it, which forgets slowly.

use super::outcome::{Ending, Word};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use statrs::distribution::{Beta, ContinuousCDF};
use std::collections::BTreeMap;

/// What is left of the weight of an outcome after a week.
const KEPT_PER_WEEK: f64 = 0.98;

/// Decisions rest on this quantile: how reliable it is, but for one chance in twenty that it is less.
pub const LOWER: f64 = 0.05;

/// The other end of the interval.
pub const UPPER: f64 = 0.95;

/// With fewer outcomes than this, nothing happens without people.
pub const OUTCOMES_MIN: u64 = 20;

/// A remedy that was declined so often, and more often than merged, is only proposed.
pub const DECLINED_MAX: u64 = 5;

/// Weights are counted in these parts of one, so that sums do not depend on their order.
const PARTS: f64 = (1_u64 << 32) as f64;

/// Weights are as if of this moment, in seconds since 1970: of 2026-01-01. What was later weighs more.
const EPOCH_S: i64 = 1_767_225_600;

/// Sums over the outcomes of one remedy, without what is believed beforehand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// Weight of successes, in parts.
    #[serde(with = "digits")]
    successes: u128,
    /// Weight of successes that were none after all, in parts.
    #[serde(default, with = "digits")]
    undone: u128,
    /// Weight of failures, in parts.
    #[serde(with = "digits")]
    failures: u128,
    /// Weight of failures that were none after all, in parts.
    #[serde(default, with = "digits")]
    excused: u128,
    /// How often it was told that one ended in which way.
    counts: BTreeMap<Ending, u64>,
    /// How many of these do not count: something else was told of the same fix, which does.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    outranked: BTreeMap<Ending, u64>,
}

/// Numbers that JSON's readers would round.
mod digits {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(number: &u128, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(number)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(value: D) -> Result<u128, D::Error> {
        String::deserialize(value)?.parse().map_err(D::Error::custom)
    }
}

impl Sums {
    /// Learns of one outcome.
    pub fn add(&mut self, ending: Ending, at: Timestamp) {
        let (success, failure) = parts(ending, at);
        self.successes += success;
        self.failures += failure;
        if ending.undoes_merge() {
            self.undone += parts(Ending::Merged, at).0;
        }
        *self.counts.entry(ending).or_default() += 1;
    }

    /// `word`, of which it was learned or will be, does not count: the fix ended otherwise.
    pub fn take_back(&mut self, word: &Word) {
        let (success, failure) = parts(word.ending, word.at);
        self.undone += success;
        self.excused += failure;
        *self.outranked.entry(word.ending).or_default() += 1;
    }

    /// Learns of an outcome that does not count, for what was told of the same fix before does.
    pub fn add_outranked(&mut self, ending: Ending) {
        *self.counts.entry(ending).or_default() += 1;
        *self.outranked.entry(ending).or_default() += 1;
    }

    /// What both learned.
    pub fn merge(&mut self, other: &Self) {
        self.successes += other.successes;
        self.undone += other.undone;
        self.failures += other.failures;
        self.excused += other.excused;
        for (counts, other) in [(&mut self.counts, &other.counts), (&mut self.outranked, &other.outranked)] {
            for (ending, count) in other {
                *counts.entry(*ending).or_default() += count;
            }
        }
    }

    /// Without the successes of `late`, which are in it: they have yet to stand the test of time. What was undone late may have been merged
    /// before: it stays taken off, if need be twice.
    pub fn without_successes_of(&self, late: &Self) -> Self {
        let mut counts = self.counts.clone();
        for ending in [Ending::Merged, Ending::MergedEdited] {
            let count = counts.entry(ending).or_default();
            *count = count.saturating_sub(late.count(ending));
        }
        Self { successes: self.successes.saturating_sub(late.successes), counts, ..self.clone() }
    }

    /// What it was without `part`, which is in it.
    pub fn without(&self, part: &Self) -> Self {
        let rest = |counts: &BTreeMap<Ending, u64>, part: &BTreeMap<Ending, u64>| {
            let of_part = |ending: &Ending| part.get(ending).copied().unwrap_or_default();
            counts.iter().map(|(ending, count)| (*ending, count.saturating_sub(of_part(ending)))).collect()
        };
        Self {
            successes: self.successes.saturating_sub(part.successes),
            undone: self.undone.saturating_sub(part.undone),
            failures: self.failures.saturating_sub(part.failures),
            excused: self.excused.saturating_sub(part.excused),
            counts: rest(&self.counts, &part.counts),
            outranked: rest(&self.outranked, &part.outranked),
        }
    }

    /// How often it was told that one ended as `ending`.
    pub fn count(&self, ending: Ending) -> u64 {
        self.counts.get(&ending).copied().unwrap_or_default()
    }

    /// As [`Self::count`], without those of which something else counts.
    fn counting(&self, ending: Ending) -> u64 {
        let outranked = self.outranked.get(&ending).copied().unwrap_or_default();
        self.count(ending).saturating_sub(outranked)
    }

    /// How many fixes end in a way that `is_meant`.
    fn sum(&self, is_meant: impl Fn(Ending) -> bool) -> u64 {
        Ending::ALL.into_iter().filter(|ending| is_meant(*ending)).map(|ending| self.counting(ending)).sum()
    }

    /// Of how many fixes anything is known.
    pub fn telling(&self) -> u64 {
        self.sum(|ending| ending != Ending::Censored && !ending.undoes_merge())
    }

    /// How many fixes were merged as they were, and how many were wrong: a merge that was undone is among the latter alone, and two that
    /// were declined count as one.
    pub fn right_and_wrong(&self) -> (u64, u64) {
        let wrong = self.sum(|ending| ending.is_success() == Some(false)) + self.counting(Ending::Declined) / 2;
        (self.counting(Ending::Merged).saturating_sub(self.sum(Ending::undoes_merge)), wrong)
    }

    /// How reliable the remedy is at `now`, where `prior` is what was believed beforehand.
    pub fn reliability(&self, prior: (f64, f64), now: Timestamp) -> Reliability {
        let scale = PARTS * growth(now);
        Reliability {
            successes: prior.0 + self.successes.saturating_sub(self.undone) as f64 / scale,
            failures: prior.1 + self.failures.saturating_sub(self.excused) as f64 / scale,
            telling: self.telling(),
        }
    }

    /// As [`Self::reliability`], where of every `wrong_for_each_noticed` merges that were wrong only one was undone: the others are among the
    /// successes.
    pub fn feared(&self, prior: (f64, f64), wrong_for_each_noticed: f64, now: Timestamp) -> Reliability {
        let seen = self.reliability(prior, now);
        let undone = self.undone as f64 / (PARTS * growth(now));
        let unnoticed = (undone * (wrong_for_each_noticed - 1.0)).min(seen.successes - prior.0);
        Reliability { successes: seen.successes - unnoticed, failures: seen.failures + unnoticed, ..seen }
    }

    /// Why it is only proposed, where people keep declining it.
    pub fn demotion(&self) -> Option<String> {
        let (declined, merged) =
            (self.count(Ending::Declined), self.count(Ending::Merged) + self.count(Ending::MergedEdited));
        (declined >= DECLINED_MAX && declined > merged)
            .then(|| format!("such fixes were declined {declined} times and merged {merged} times"))
    }
}

/// How much `ending` counts at `at` as a success and as a failure, in parts.
fn parts(ending: Ending, at: Timestamp) -> (u128, u128) {
    let (success, failure) = ending.weights();
    let scale = PARTS * growth(at);
    ((success * scale) as u128, (failure * scale) as u128)
}

/// How much more something weighs at `at` than at the epoch.
fn growth(at: Timestamp) -> f64 {
    let weeks = (at.as_second() - EPOCH_S) as f64 / (7.0 * 24.0 * 3600.0);
    KEPT_PER_WEEK.powf(-weeks)
}

/// How reliable a remedy is at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Reliability {
    /// Weight of successes, what is believed beforehand included.
    pub successes: f64,
    /// Weight of failures, what is believed beforehand included.
    pub failures: f64,
    /// How many outcomes say anything, however old.
    pub telling: u64,
}

impl Reliability {
    /// The share of its fixes that are right, as far as one can say.
    pub fn mean(&self) -> f64 {
        self.successes / (self.successes + self.failures)
    }

    /// What that share is at least, but for a chance of `quantile`.
    pub fn quantile(&self, quantile: f64) -> f64 {
        Beta::new(self.successes, self.failures).map_or(0.0, |beta| beta.inverse_cdf(quantile))
    }

    /// Whether so few of its fixes are wrong, with certainty, that no more than `wrong_rate_max` of them need to be feared.
    pub fn allows(&self, wrong_rate_max: f64) -> bool {
        self.telling >= OUTCOMES_MIN && self.quantile(LOWER) >= 1.0 - wrong_rate_max
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PRIOR: (f64, f64) = (8.0, 2.0);

    fn now() -> Timestamp {
        "2026-11-27T12:00:00Z".parse().unwrap()
    }

    fn of(endings: &[(Ending, u32)]) -> Sums {
        let mut sums = Sums::default();
        for (ending, times) in endings {
            (0..*times).for_each(|_| sums.add(*ending, now()));
        }
        sums
    }

    #[test]
    fn without_outcomes_it_is_what_was_believed_beforehand() {
        let reliability = Sums::default().reliability(PRIOR, now());
        assert_eq!((reliability.mean(), reliability.telling), (0.8, 0));
        assert!(!reliability.allows(0.99), "nothing without people on belief alone");
        // R: qbeta(c(0.05, 0.95), 8, 2)
        assert!((reliability.quantile(LOWER) - 0.570_861).abs() < 1e-5, "{}", reliability.quantile(LOWER));
        assert!((reliability.quantile(UPPER) - 0.959_023).abs() < 1e-4, "{}", reliability.quantile(UPPER));
    }

    #[test]
    fn many_successes_allow_what_few_do_not() {
        let reliability = |times| of(&[(Ending::Merged, times)]).reliability(PRIOR, now());
        assert!(!reliability(19).allows(0.5), "fewer than {OUTCOMES_MIN} outcomes");
        assert!(reliability(20).allows(0.2));
        assert!(!reliability(60).allows(0.05));
        assert!(reliability(120).allows(0.05));
        let once_wrong = of(&[(Ending::Merged, 60), (Ending::Regressed, 5)]).reliability(PRIOR, now());
        assert!(!once_wrong.allows(0.1));
    }

    #[test]
    fn merge_that_is_undone_was_no_success() {
        let undone = of(&[(Ending::Merged, 30), (Ending::Reverted, 3)]);
        let wrong = of(&[(Ending::Merged, 27), (Ending::NotFixed, 3)]);
        let read = |sums: &Sums| sums.reliability(PRIOR, now());
        assert_eq!((read(&undone), undone.right_and_wrong()), (read(&wrong), (27, 3)));
        assert_eq!(undone.telling(), 30, "each fix is one");
    }

    #[test]
    fn merges_that_are_undone_have_others_of_which_nobody_knows() {
        let undone = of(&[(Ending::Merged, 30), (Ending::Reverted, 3), (Ending::ChecksFailed, 2)]);
        let feared = undone.feared(PRIOR, 2.0, now());
        assert!(
            (feared.successes - (8.0 + 24.0)).abs() < 1e-6 && (feared.failures - (2.0 + 8.0)).abs() < 1e-6,
            "{feared:?}"
        );
        assert_eq!(undone.feared(PRIOR, 1.0, now()), undone.reliability(PRIOR, now()));
        let next_to_nothing = of(&[(Ending::Merged, 1), (Ending::Reverted, 3)]).feared(PRIOR, 2.0, now());
        assert!(next_to_nothing.successes >= 8.0, "{next_to_nothing:?}");
    }

    #[test]
    fn success_of_late_does_not_count_and_failure_does() {
        let early = of(&[(Ending::Merged, 30), (Ending::NotFixed, 1)]);
        let late = of(&[(Ending::Merged, 10), (Ending::Reverted, 1), (Ending::ChecksFailed, 2)]);
        let mut all = early.clone();
        all.merge(&late);
        assert_eq!(all.without(&late).reliability(PRIOR, now()), early.reliability(PRIOR, now()));
        let settled = all.without_successes_of(&late);
        assert_eq!(settled.telling(), 30 + 1 + 2);
        let reliability = settled.reliability(PRIOR, now());
        assert!(
            (reliability.successes - (8.0 + 29.0)).abs() < 1e-6 && (reliability.failures - (2.0 + 4.0)).abs() < 1e-6,
            "what was undone late may have been merged early: {reliability:?}"
        );
        let feared = settled.feared(PRIOR, 2.0, now());
        assert!((feared.successes - (8.0 + 28.0)).abs() < 1e-6, "and tells of another one: {feared:?}");
    }

    #[test]
    fn outcomes_lose_weight_with_time() {
        let mut sums = Sums::default();
        let long_ago: Timestamp = "2024-11-27T12:00:00Z".parse().unwrap();
        (0..100).for_each(|_| sums.add(Ending::Merged, long_ago));
        let reliability = sums.reliability(PRIOR, now());
        let kept = (reliability.successes - 8.0) / 100.0;
        assert!((kept - 0.98_f64.powf(104.286)).abs() < 1e-3, "{kept}");
        assert_eq!(reliability.telling, 100);
    }

    #[test]
    fn remedy_that_is_declined_again_and_again_is_demoted() {
        assert_eq!(of(&[(Ending::Declined, 4)]).demotion(), None);
        assert_eq!(of(&[(Ending::Declined, 5), (Ending::Merged, 5)]).demotion(), None);
        let demotion = of(&[(Ending::Declined, 5), (Ending::Merged, 2)]).demotion().unwrap();
        assert_eq!(demotion, "such fixes were declined 5 times and merged 2 times");
    }

    proptest! {
        #[test]
        fn more_success_never_lowers_it(merged in 0..200_u32, failed in 0..50_u32) {
            let lower = |merged, failed| of(&[(Ending::Merged, merged), (Ending::ChecksFailed, failed)]).reliability(PRIOR, now()).quantile(LOWER);
            prop_assert!(lower(merged + 1, failed) >= lower(merged, failed) - 1e-9);
            prop_assert!(lower(merged, failed + 1) <= lower(merged, failed) + 1e-9);
        }
    }
}
