//! How soon a finding ought to be mended: the decision table of CISA's Binding Operational Directive 26-04, with EPSS to break ties.

use crate::finding::{Finding, Severity};
use crate::ids::CaseId;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;

/// What is known of a weakness, and of where it is.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Risk {
    /// Whether it is in CISA's catalogue of known exploited vulnerabilities.
    pub known_exploited: bool,
    /// Whether what has it can be reached: it is used at run time, and no sign says that the repository never loads it.
    pub exposed: bool,
    /// Whether an attack can be automated: over the network, without effort, rights or anybody's help (CVSS AV:N, AC:L, PR:N, UI:N).
    pub automatable: bool,
    /// Whether an attack gets everything (CVSS: high impact on confidentiality and on integrity).
    pub total_impact: bool,
    /// Probability of exploitation within 30 days, 0 to 1, by EPSS.
    pub epss: Option<f64>,
}

/// How soon, soonest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// Within three days, and somebody looks for traces of an attack.
    ThreeDaysWithForensics,
    /// Within three days.
    ThreeDays,
    /// Within 14 days.
    FourteenDays,
    /// Within 60 days.
    SixtyDays,
    /// With the next upgrade.
    #[default]
    NextUpgrade,
}

/// How much later than the next sooner ones cases of one urgency are looked at again, in seconds.
const STEP_S: i64 = 60;

/// A place in the order in which cases are worked. Less is sooner.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Priority {
    /// How soon.
    pub urgency: Urgency,
    /// Probability of exploitation; what nobody rated comes last of its urgency.
    pub epss: Option<f64>,
}

impl Risk {
    /// The row of the table.
    pub fn urgency(&self) -> Urgency {
        use Urgency::{FourteenDays, NextUpgrade, SixtyDays, ThreeDays, ThreeDaysWithForensics};
        match (self.known_exploited, self.exposed, self.automatable, self.total_impact) {
            (false, false, false, _) => NextUpgrade,
            (false, false, true, _) => SixtyDays,
            (false, true, false, false) => SixtyDays,
            (false, true, false, true) => FourteenDays,
            (false, true, true, false) => FourteenDays,
            (false, true, true, true) => ThreeDays,
            (true, false, false, _) => FourteenDays,
            (true, false, true, false) => FourteenDays,
            (true, false, true, true) => ThreeDaysWithForensics,
            (true, true, false, false) => FourteenDays,
            (true, true, false, true) => ThreeDaysWithForensics,
            (true, true, true, false) => ThreeDays,
            (true, true, true, true) => ThreeDaysWithForensics,
        }
    }

    /// Whether nothing speaks of any danger.
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }

    /// Its place in the order of work.
    pub fn priority(&self) -> Priority {
        Priority { urgency: self.urgency(), epss: self.epss }
    }
}

impl Urgency {
    /// How long after a guard rail lets go a case is looked at again: the sooner it ought to be mended, the earlier, so that the most
    /// urgent ones get what there is of a renewed budget.
    pub fn stagger(self) -> SignedDuration {
        SignedDuration::from_secs(STEP_S * self as i64)
    }
}

impl Priority {
    /// Whether everything else is worked first.
    pub fn is_last(&self) -> bool {
        *self == Self::default()
    }

    /// Which of two is worked first. Total: what is no number counts as not rated.
    pub fn order(&self, other: &Self) -> Ordering {
        let rated = |priority: &Self| priority.epss.filter(|epss| epss.is_finite()).unwrap_or(-1.0);
        self.urgency.cmp(&other.urgency).then_with(|| rated(other).total_cmp(&rated(self)))
    }
}

/// That of the finding which is worked first.
pub fn soonest<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Priority {
    let priorities = findings.into_iter().map(|finding| finding.risk.priority());
    priorities.min_by(Priority::order).unwrap_or_default()
}

/// Which of two cases is worked first: the one that ought to be mended sooner, then the worse one, then by name.
pub fn order_of_work(one: (Priority, Severity, &CaseId), other: (Priority, Severity, &CaseId)) -> Ordering {
    one.0.order(&other.0).then_with(|| other.1.cmp(&one.1)).then_with(|| one.2.cmp(other.2))
}

impl fmt::Display for Urgency {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::ThreeDaysWithForensics => "within 3 days, with a search for traces of an attack",
            Self::ThreeDays => "within 3 days",
            Self::FourteenDays => "within 14 days",
            Self::SixtyDays => "within 60 days",
            Self::NextUpgrade => "with the next upgrade",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The table as it is published: known exploited, exposed, automatable, total impact.
    const TABLE: &str = "
no  no  no  partial  with the next upgrade
no  no  no  total    with the next upgrade
no  no  yes partial  within 60 days
no  no  yes total    within 60 days
no  yes no  partial  within 60 days
no  yes no  total    within 14 days
no  yes yes partial  within 14 days
no  yes yes total    within 3 days
yes no  no  partial  within 14 days
yes no  no  total    within 14 days
yes no  yes partial  within 14 days
yes no  yes total    within 3 days, with a search for traces of an attack
yes yes no  partial  within 14 days
yes yes no  total    within 3 days, with a search for traces of an attack
yes yes yes partial  within 3 days
yes yes yes total    within 3 days, with a search for traces of an attack
";

    #[test]
    fn table_is_as_published() {
        for row in TABLE.trim().lines() {
            let mut words = row.split_whitespace();
            let mut yes = || matches!(words.next(), Some("yes" | "total"));
            let risk =
                Risk { known_exploited: yes(), exposed: yes(), automatable: yes(), total_impact: yes(), epss: None };
            let expect = words.collect::<Vec<_>>().join(" ");
            assert_eq!(risk.urgency().to_string(), expect, "{row}");
        }
    }

    #[test]
    fn sooner_cases_are_looked_at_earlier_all_within_minutes() {
        use Urgency::{FourteenDays, NextUpgrade, SixtyDays, ThreeDays, ThreeDaysWithForensics};
        let soonest_first = [ThreeDaysWithForensics, ThreeDays, FourteenDays, SixtyDays, NextUpgrade];
        let staggers = soonest_first.map(Urgency::stagger);
        assert_eq!(staggers[0], SignedDuration::ZERO);
        assert!(staggers.is_sorted_by(|one, other| one < other) && staggers[4] < SignedDuration::from_mins(5));
    }

    #[test]
    fn cases_are_worked_by_urgency_then_probability_then_severity_then_name() {
        let case = |text: &str| text.parse::<CaseId>().expect("an id");
        let (first, second) = (case("npm-000000000001"), case("npm-000000000002"));
        let of = |urgency, epss| Priority { urgency, epss };
        let ordered = [
            (of(Urgency::ThreeDays, None), Severity::Low, &second),
            (of(Urgency::FourteenDays, Some(0.5)), Severity::Low, &second),
            (of(Urgency::FourteenDays, Some(0.1)), Severity::Critical, &second),
            (of(Urgency::FourteenDays, None), Severity::Critical, &second),
            (of(Urgency::FourteenDays, None), Severity::High, &first),
            (of(Urgency::FourteenDays, None), Severity::High, &second),
            (Priority::default(), Severity::Critical, &first),
        ];
        for (one, other) in ordered.iter().zip(&ordered[1..]) {
            assert_eq!(order_of_work(*one, *other), Ordering::Less, "{one:?} {other:?}");
        }
    }

    prop_compose! {
        fn risks()(known_exploited: bool, exposed: bool, automatable: bool, total_impact: bool, epss in proptest::option::of(0.0..1.0_f64)) -> Risk {
            Risk { known_exploited, exposed, automatable, total_impact, epss }
        }
    }

    proptest! {
        #[test]
        fn more_risk_is_never_less_urgent(risk in risks()) {
            for worse in [
                Risk { known_exploited: true, ..risk },
                Risk { exposed: true, ..risk },
                Risk { automatable: true, ..risk },
                Risk { total_impact: true, ..risk },
            ] {
                // Forensics are a matter of the search, not of the time.
                let days = |urgency: Urgency| match urgency { Urgency::ThreeDaysWithForensics => Urgency::ThreeDays, other => other };
                prop_assert!(days(worse.urgency()) <= days(risk.urgency()), "{:?} {:?}", risk, worse);
            }
        }

        #[test]
        fn order_is_total(one in risks(), two in risks(), three in risks()) {
            let (one, two, three) = (one.priority(), two.priority(), three.priority());
            prop_assert_eq!(one.order(&two), two.order(&one).reverse());
            if one.order(&two).is_le() && two.order(&three).is_le() {
                prop_assert!(one.order(&three).is_le());
            }
        }
    }
}
