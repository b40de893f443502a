//! Whether a fix is merged without people. Pure; what it asks for is kept, and asked of GitHub, by agents.

use super::merges::Merges;
use super::reliability::{LOWER, OUTCOMES_MIN};
use super::track::Track;
use crate::decision::guard::Guard;
use crate::decision::{Decision, Verdict};
use crate::ids::CaseId;
use crate::policy::AutoMerge;
use jiff::Timestamp;
use std::collections::BTreeSet;

/// Everything that it depends on.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// What the policy allows that holds now.
    pub auto_merge: AutoMerge,
    /// What was decided when the fix was offered.
    pub offered: &'a Verdict,
    /// What would be decided now, guard rails left out.
    pub now: &'a Verdict,
    /// What the guard rails say now. Whatever they say is a reason.
    pub guards: &'a [Guard],
    /// How its remedy fared.
    pub track: &'a Track,
    /// What was merged without people by its remedy.
    pub merges: &'a Merges,
    /// The fix: its case, and the hash of its plan.
    pub fix: (&'a CaseId, &'a str),
    /// What it brings in.
    pub releases: &'a BTreeSet<String>,
    /// How its pull request stands.
    pub pull: Pull,
}

/// How a pull request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pull {
    /// Whether a check of others passed, all are over, and none ended otherwise than well.
    pub are_checks_fine: bool,
    /// Whether it is a draft.
    pub is_draft: bool,
    /// Whether it offers our commit alone.
    pub is_ours: bool,
    /// Whether GitHub can merge it.
    pub is_mergeable: bool,
    /// Whether somebody asked for changes.
    pub has_objections: bool,
}

impl Pull {
    /// One in whose way nothing stands.
    pub const READY: Self =
        Self { are_checks_fine: true, is_draft: false, is_ours: true, is_mergeable: true, has_objections: false };

    fn refusals(self) -> impl Iterator<Item = String> {
        let rows = [
            (!self.are_checks_fine, "not every check is over and fine"),
            (self.is_draft, "the pull request is a draft"),
            (!self.is_ours, "somebody else committed to it"),
            (!self.is_mergeable, "GitHub can't merge it"),
            (self.has_objections, "somebody asked for changes"),
        ];
        rows.into_iter().filter(|(stands, _)| *stands).map(|(_, why)| why.to_owned())
    }
}

/// Why the fix is not merged without people at `now`. Empty: it is.
pub fn refusals(asked: &Asked<'_>, now: Timestamp) -> Vec<String> {
    let mut reasons: Vec<String> = asked.pull.refusals().collect();
    for (verdict, when) in [(asked.offered, "when it was offered"), (asked.now, "now")] {
        if verdict.decision != Decision::Heal {
            reasons.push(format!("the decision {when} is {}", verdict.decision));
        }
    }
    reasons.extend(asked.guards.iter().map(|guard| format!("{}: {}", guard.rail, guard.reason)));
    let (rate, settled) = (asked.auto_merge.wrong_rate_max, &asked.track.settled);
    if settled.telling < OUTCOMES_MIN {
        let known = settled.telling;
        reasons.push(format!(
            "{known} outcomes of such fixes are known and stood the test of time; it takes {OUTCOMES_MIN}"
        ));
    } else if !settled.allows(rate) {
        let (lower, least) = (settled.quantile(LOWER), 1.0 - rate);
        reasons.push(format!("such fixes are right in {lower:.3} of cases at least; the policy asks for {least:.3}"));
    }
    reasons.extend(asked.track.drift());
    reasons.extend(asked.merges.refusal(asked.fix, asked.releases, rate, now));
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::{Circumstances, Evidence, Phase, Reach, decide};
    use crate::finding::Severity;
    use crate::learning::merges::Merge;
    use crate::learning::outcome::Ending;
    use crate::learning::reliability::{Reliability, Sums};
    use crate::learning::track::Change;
    use crate::policy::{DEFAULT_POLICIES, parse};
    use jiff::SignedDuration;
    use proptest::prelude::*;

    fn now() -> Timestamp {
        "2026-11-27T12:00:00Z".parse().unwrap()
    }

    fn verdict(severity: Severity) -> Verdict {
        let circumstances = Circumstances {
            phase: Phase::Analysis,
            severities: [severity].into(),
            evidence: vec![Evidence::detection(0.97), Evidence::proof(&[]), Evidence::compatibility(Reach::InPlace)],
            conditions: Default::default(),
            is_as_intended: None,
            mode: Default::default(),
            priority: Default::default(),
            guards: Vec::new(),
        };
        decide(parse("built in", DEFAULT_POLICIES).unwrap().first(), &circumstances)
    }

    fn track(successes: f64, failures: f64, telling: u64) -> Track {
        let change = Change { days: 7, wrong: 0, fixes: 10, chance: 1.0 };
        Track { settled: Reliability { successes, failures, telling }, changes: [change; 2] }
    }

    /// Lasts as long as the test.
    fn kept<T>(value: T) -> &'static T {
        Box::leak(Box::new(value))
    }

    /// What stands against that which is all right but for what `spoil` does.
    fn only(spoil: impl FnOnce(&mut Asked<'static>)) -> Vec<String> {
        let verdict = kept(verdict(Severity::Low));
        let mut asked = Asked {
            auto_merge: AutoMerge { wrong_rate_max: 0.05 },
            offered: verdict,
            now: verdict,
            guards: &[],
            track: kept(track(400.0, 2.0, 400)),
            merges: kept(Merges::default()),
            fix: (kept("npm-1".parse().unwrap()), "a plan"),
            releases: kept(["npm latch 1.2.0".to_owned()].into()),
            pull: Pull::READY,
        };
        spoil(&mut asked);
        refusals(&asked, now())
    }

    #[track_caller]
    fn check(reasons: &[String], expect: &str) {
        assert!(reasons.len() == 1 && reasons[0].contains(expect), "{expect}: {reasons:?}");
    }

    #[test]
    fn everything_has_to_be_right() {
        assert_eq!(only(|_| {}), Vec::<String>::new());
        check(&only(|asked| asked.pull.are_checks_fine = false), "not every check");
        check(&only(|asked| asked.pull.is_draft = true), "draft");
        check(&only(|asked| asked.pull.is_ours = false), "somebody else committed");
        check(&only(|asked| asked.pull.is_mergeable = false), "can't merge");
        check(&only(|asked| asked.pull.has_objections = true), "asked for changes");
        let proposed = kept(verdict(Severity::High));
        check(&only(|asked| asked.offered = proposed), "when it was offered is propose");
        check(&only(|asked| asked.now = proposed), "now is propose");
        let guards = kept([Guard::kill_switch(now(), "mona", "look into it")]);
        check(&only(|asked| asked.guards = guards), "kill switch: mona stopped everything");
        let few = kept(track(400.0, 2.0, OUTCOMES_MIN - 1));
        check(&only(|asked| asked.track = few), "it takes 20");
        let unsure = kept(track(60.0, 2.0, 60));
        check(&only(|asked| asked.track = unsure), "the policy asks for 0.950");
        let mut drifting = track(400.0, 2.0, 400);
        drifting.changes[0] = Change { days: 7, wrong: 5, fixes: 10, chance: 1e-6 };
        check(&only(|asked| asked.track = kept(drifting)), "5 of 10 such fixes were wrong in the last 7 days");
        check(&only(|asked| asked.auto_merge.wrong_rate_max = 0.0), "asks for 1.000");
    }

    proptest! {
        /// But for drift, to which more success before is more to fall from.
        #[test]
        fn more_success_never_makes_it_more_cautious(
            right in 0..400_u32, wrong in 0..20_u32, unsettled in 0..60_u32, noticed in 0..4_u32, more in 1..40_u32
        ) {
            let refused = |right: u32, settled: u32| {
                let mut sums = Sums::default();
                (0..right).for_each(|_| sums.add(Ending::Merged, now()));
                (0..wrong).for_each(|_| sums.add(Ending::ChecksFailed, now()));
                let change = Change { days: 7, wrong: 0, fixes: 10, chance: 1.0 };
                let track = Track { settled: sums.feared((8.0, 2.0), 2.0, now()), changes: [change; 2] };
                let merges = merges(settled, unsettled, noticed);
                let releases = ["npm latch 1.2.0".to_owned()].into();
                let (verdict, case) = (verdict(Severity::Low), "npm-1".parse().unwrap());
                let asked = Asked {
                    auto_merge: AutoMerge { wrong_rate_max: 0.05 },
                    offered: &verdict,
                    now: &verdict,
                    guards: &[],
                    track: &track,
                    merges: &merges,
                    fix: (&case, "a plan"),
                    releases: &releases,
                    pull: Pull::READY,
                };
                refusals(&asked, now()).len()
            };
            prop_assert!(refused(right + more, 0) <= refused(right, 0));
            prop_assert!(refused(right, more) <= refused(right, 0));
        }
    }

    /// So many merges without people, of releases of their own, of which so many are known to be right, not known, and known to be wrong.
    fn merges(settled: u32, unsettled: u32, wrong: u32) -> Merges {
        let mut merges = Merges::default();
        let days_ago = |days: i64| now().saturating_sub(SignedDuration::from_hours(24 * days)).unwrap();
        let kinds = [(settled, 15, false), (unsettled, 1, false), (wrong, 1, true)];
        for (kind, (count, days, is_wrong)) in kinds.into_iter().enumerate() {
            for number in 0..count {
                let case: CaseId = format!("npm-{kind}{number:06}").parse().unwrap();
                let (releases, at) = ([format!("npm {case} 1.0.0")].into(), days_ago(days));
                merges.take(Merge { case, plan: "a plan".to_owned(), releases, at, is_wrong }, at);
            }
        }
        merges
    }

    #[test]
    fn every_reason_is_told() {
        let few = kept(track(1.0, 1.0, 0));
        let reasons = only(|asked| (asked.pull.is_draft, asked.pull.is_ours, asked.track) = (true, false, few));
        assert_eq!(reasons.len(), 3, "{reasons:?}");
    }
}
