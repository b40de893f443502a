//! The circuit breaker of a remedy in a repository: a remedy that fails is left alone for a while, then tried once.

use super::guard;
use crate::ids::CaseId;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// So many of the last outcomes are looked at.
const RECENT: usize = 10;

/// So many failures among them open it.
const FAILURES_MAX: usize = 3;

/// For how long it is open the first time, in hours; each time in a row twice as long.
const OPEN_HOURS: i64 = 24;

/// It is never open for longer, in hours.
const OPEN_HOURS_MAX: i64 = 14 * 24;

/// A try of which nothing was heard for so long is given up, in hours, and another is let through.
const PROBE_HOURS: i64 = 14 * 24;

/// It knows so many of the outcomes that it was told of.
const TOLD_MAX: usize = 50;

/// How a fix ended.
#[derive(Debug, Clone, Copy)]
pub struct Ended<'a> {
    /// What tells this outcome from any other.
    pub outcome: &'a str,
    /// What tells the fix from any other: of several outcomes of one, the last that was told counts.
    pub fix: &'a str,
    /// The case.
    pub case: &'a CaseId,
    /// The hash of its plan.
    pub plan: &'a str,
    /// Whether it went well; `None` where that can't be told.
    pub is_well: Option<bool>,
    /// Whether it was wrong where people work, which opens the breaker at once.
    pub is_harm: bool,
}

/// What it remembers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    /// The last outcomes since it was closed, oldest first: whether each went well.
    recent: Vec<bool>,
    /// Of which fixes the last of these are. Those of an older release are not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fixes: Vec<String>,
    /// Of which outcomes it was told last, so that being told twice makes no difference.
    told: Vec<String>,
    /// Since when it is open, and how often in a row it opened.
    opened: Option<(Timestamp, u32)>,
    /// The case that is tried while it is half open, and since when.
    probe: Option<(CaseId, Timestamp)>,
    /// The hash of the plan by which it is tried. Older ones lack it: then whatever comes of the case is taken for what came of the try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    probe_plan: Option<String>,
}

/// How it stands towards a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The remedy may be used.
    Closed,
    /// It may not, until then.
    Open(Timestamp),
    /// It may be used for one case, and this may be it.
    HalfOpen,
}

impl Breaker {
    /// How it stands towards `case` at `now`.
    pub fn standing(&self, case: &CaseId, now: Timestamp) -> Standing {
        let Some((since, times)) = self.opened else { return Standing::Closed };
        let until = after(since, open_hours(times));
        if now < until {
            return Standing::Open(until);
        }
        match &self.probe {
            Some((probe, since)) if probe != case && now < after(*since, PROBE_HOURS) => {
                Standing::Open(after(*since, PROBE_HOURS).min(guard::next(now, OPEN_HOURS * 60)))
            }
            _ => Standing::HalfOpen,
        }
    }

    /// `case` is the one that is tried while it is half open, by `plan`. A try that was given up begins anew.
    pub fn probe(&mut self, case: &CaseId, plan: &str, now: Timestamp) {
        let is_under_way = |(_, since): &(CaseId, Timestamp)| now < after(*since, PROBE_HOURS);
        let is_known = self.is_probe(case, plan) && self.probe.as_ref().is_some_and(is_under_way);
        if self.standing(case, now) == Standing::HalfOpen && !is_known {
            self.probe = Some((case.clone(), now));
            self.probe_plan = Some(plan.to_owned());
        }
    }

    /// `case` is not tried by `plan` after all.
    pub fn give_back(&mut self, case: &CaseId, plan: &str) {
        if self.is_probe(case, plan) {
            self.probe = None;
        }
    }

    /// Whether the fix of `case` by `plan` is the one try.
    fn is_probe(&self, case: &CaseId, plan: &str) -> bool {
        let is_of_plan = self.probe_plan.as_ref().is_none_or(|probe| probe == plan);
        is_of_plan && self.probe.as_ref().is_some_and(|(probe, _)| probe == case)
    }

    /// A fix of a case ended. Told again, it makes no difference.
    pub fn record(&mut self, ended: &Ended<'_>, now: Timestamp) {
        let Ended { outcome, fix, case, plan, is_well, is_harm } = *ended;
        if self.told.iter().any(|told| told == outcome) {
            return;
        }
        self.told.push(outcome.to_owned());
        if self.told.len() > TOLD_MAX {
            self.told.remove(0);
        }
        let is_probe = self.opened.is_some() && self.is_probe(case, plan);
        if is_probe {
            self.probe = None;
        }
        // A try that nobody wanted says nothing: another is let through.
        let Some(is_well) = is_well else { return };
        if is_probe {
            if is_well {
                *self = Self { told: std::mem::take(&mut self.told), ..Self::default() };
            } else {
                self.open(now);
            }
            return;
        }
        self.remember(fix, is_well);
        let failures = self.recent.iter().filter(|is_well| !**is_well).count();
        // What was under way when it opened says nothing new, but for harm once another may be tried.
        let may_open = match self.opened {
            None => is_harm || failures >= FAILURES_MAX,
            Some((since, times)) => is_harm && now >= after(since, open_hours(times)),
        };
        if may_open {
            self.open(now);
        }
    }

    /// One of the last outcomes: that of `fix`.
    fn remember(&mut self, fix: &str, is_well: bool) {
        let unknown = self.recent.len() - self.fixes.len();
        if let Some(known) = self.fixes.iter().position(|known| known == fix) {
            self.recent[unknown + known] = is_well;
            return;
        }
        self.recent.push(is_well);
        self.fixes.push(fix.to_owned());
        if self.recent.len() > RECENT {
            self.recent.remove(0);
            if unknown == 0 {
                self.fixes.remove(0);
            }
        }
    }

    fn open(&mut self, now: Timestamp) {
        let times = self.opened.map_or(1, |(_, times)| times.saturating_add(1));
        self.opened = Some((now, times));
        self.probe = None;
        self.recent.clear();
        self.fixes.clear();
    }

    /// Why it is open, for people.
    pub fn reason(&self) -> String {
        match self.opened {
            Some((since, 1)) => format!("the remedy failed in this repository; open since {since}"),
            Some((since, times)) => {
                format!("the remedy failed in this repository {times} times in a row; open since {since}")
            }
            None => "closed".to_owned(),
        }
    }
}

fn open_hours(times: u32) -> i64 {
    OPEN_HOURS.saturating_mul(1 << times.saturating_sub(1).min(10)).min(OPEN_HOURS_MAX)
}

fn after(at: Timestamp, hours: i64) -> Timestamp {
    at.saturating_add(SignedDuration::from_hours(hours)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(number: u32) -> CaseId {
        format!("{number:032x}").parse().unwrap()
    }

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + hour * 3600).unwrap()
    }

    /// A fix of the case `number` ends.
    fn end(breaker: &mut Breaker, number: u32, is_well: bool, is_harm: bool, now: Timestamp) {
        let (outcome, fix) = (format!("{number} at {now}: {is_well}"), format!("{number} at {now}"));
        for _ in 0..2 {
            let ended = Ended {
                outcome: &outcome,
                fix: &fix,
                case: &case(number),
                plan: "a plan",
                is_well: Some(is_well),
                is_harm,
            };
            breaker.record(&ended, now);
        }
    }

    /// Midnight after `hour`.
    fn midnight(hour: i64) -> Standing {
        Standing::Open(guard::next(at(hour), 24 * 60))
    }

    fn failed() -> Breaker {
        let mut breaker = Breaker::default();
        for number in 0..3 {
            assert_eq!(breaker.standing(&case(9), at(0)), Standing::Closed);
            end(&mut breaker, number, false, false, at(0));
        }
        breaker
    }

    #[test]
    fn three_failures_of_ten_open_it_and_one_probe_closes_it() {
        let mut breaker = failed();
        assert_eq!(breaker.standing(&case(9), at(1)), Standing::Open(at(24)));
        assert_eq!(breaker.standing(&case(9), at(24)), Standing::HalfOpen);
        breaker.probe(&case(9), "a plan", at(24));
        assert_eq!(breaker.standing(&case(9), at(25)), Standing::HalfOpen, "the same case goes on");
        assert_eq!(breaker.standing(&case(10), at(25)), midnight(25), "one at a time");
        end(&mut breaker, 10, true, false, at(26));
        assert_eq!(breaker.standing(&case(10), at(26)), midnight(26), "others say nothing");
        end(&mut breaker, 9, true, false, at(30));
        assert_eq!(breaker.standing(&case(10), at(30)), Standing::Closed);
    }

    #[test]
    fn probe_that_fails_opens_it_for_longer() {
        let mut breaker = failed();
        breaker.probe(&case(9), "a plan", at(24));
        end(&mut breaker, 9, false, false, at(30));
        assert_eq!(breaker.standing(&case(9), at(31)), Standing::Open(at(78)));
        breaker.probe(&case(11), "a plan", at(78));
        end(&mut breaker, 11, false, false, at(80));
        assert_eq!(breaker.standing(&case(9), at(81)), Standing::Open(at(80 + 96)));
    }

    #[test]
    fn probe_of_which_nothing_is_heard_is_given_up() {
        let mut breaker = failed();
        breaker.probe(&case(9), "a plan", at(24));
        assert!(matches!(breaker.standing(&case(10), at(24 + 14 * 24 - 1)), Standing::Open(_)));
        let given_up = 24 + 14 * 24;
        assert_eq!(breaker.standing(&case(10), at(given_up)), Standing::HalfOpen);
        breaker.probe(&case(9), "a plan", at(given_up));
        assert_eq!(breaker.standing(&case(10), at(given_up)), midnight(given_up), "its own case tries it once more");
    }

    #[test]
    fn probe_that_nobody_wanted_lets_another_through() {
        let mut breaker = failed();
        breaker.probe(&case(9), "a plan", at(24));
        let declined =
            Ended { outcome: "declined", fix: "9", case: &case(9), plan: "a plan", is_well: None, is_harm: false };
        breaker.record(&declined, at(25));
        assert_eq!(breaker.standing(&case(10), at(25)), Standing::HalfOpen);
    }

    #[test]
    fn probe_that_is_given_back_lets_another_through() {
        let mut breaker = failed();
        breaker.probe(&case(9), "a plan", at(24));
        breaker.give_back(&case(9), "another");
        breaker.give_back(&case(10), "a plan");
        assert_eq!(breaker.standing(&case(10), at(25)), midnight(25));
        breaker.give_back(&case(9), "a plan");
        assert_eq!(breaker.standing(&case(10), at(25)), Standing::HalfOpen);
    }

    #[test]
    fn earlier_fix_of_the_same_case_says_nothing_of_its_probe() {
        let mut breaker = failed();
        breaker.probe(&case(9), "another plan", at(24));
        end(&mut breaker, 9, true, false, at(25));
        assert_eq!(breaker.standing(&case(10), at(26)), midnight(26));
        breaker.probe(&case(9), "a plan", at(26));
        end(&mut breaker, 9, true, false, at(27));
        assert_eq!(breaker.standing(&case(10), at(27)), Standing::Closed);
    }

    #[test]
    fn harm_of_another_fix_while_one_is_tried_opens_it_again() {
        let mut breaker = failed();
        breaker.probe(&case(9), "a plan", at(24));
        end(&mut breaker, 10, false, true, at(25));
        assert_eq!(breaker.standing(&case(9), at(26)), Standing::Open(at(25 + 48)));
        end(&mut breaker, 9, true, false, at(27));
        assert_eq!(breaker.standing(&case(9), at(28)), Standing::Open(at(25 + 48)), "it was tried before that");
        let mut breaker = failed();
        end(&mut breaker, 10, false, true, at(23));
        assert_eq!(breaker.standing(&case(9), at(24)), Standing::HalfOpen, "it was under way when it opened");
    }

    #[test]
    fn fix_whose_checks_failed_and_passed_after_all_is_no_failure() {
        let mut breaker = Breaker::default();
        for number in 0..40 {
            end(&mut breaker, number, false, false, at(0));
            end(&mut breaker, number, true, false, at(0));
            assert_eq!(breaker.standing(&case(99), at(0)), Standing::Closed, "{number}");
        }
        for number in 0..3 {
            end(&mut breaker, number, false, false, at(1));
        }
        assert!(matches!(breaker.standing(&case(99), at(1)), Standing::Open(_)));
        // An older release did not keep of which fixes they were.
        let mut known: Breaker =
            serde_json::from_str(r#"{"recent":[false,false],"told":[],"opened":null,"probe":null}"#).unwrap();
        end(&mut known, 1, false, false, at(0));
        assert!(matches!(known.standing(&case(99), at(0)), Standing::Open(_)));
    }

    #[test]
    fn harm_opens_it_at_once_and_old_failures_are_forgotten() {
        let mut breaker = Breaker::default();
        end(&mut breaker, 1, false, true, at(0));
        assert!(matches!(breaker.standing(&case(2), at(1)), Standing::Open(_)));
        let mut breaker = Breaker::default();
        for number in 0..40 {
            end(&mut breaker, number, number % 5 != 0, false, at(0));
            assert_eq!(breaker.standing(&case(99), at(0)), Standing::Closed, "two of ten");
        }
    }
}
