//! What is done about a case: a value that can be printed, replayed and tested. Same inputs, same decision.

use crate::finding::Severity;
use crate::policy::{Action, HEALING_THRESHOLD_MIN, Policy};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What is done about a case, boldest first. Of several verdicts the most cautious counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// A fix that is ready for review.
    Heal,
    /// A fix that waits for approval.
    Propose,
    /// People are told, with every reason.
    Escalate,
    /// Recorded, with who and why.
    Suppress,
}

impl fmt::Display for Decision {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Heal => "heal",
            Self::Propose => "propose",
            Self::Escalate => "escalate",
            Self::Suppress => "suppress",
        })
    }
}

/// One reason to believe in a fix, as a factor of the confidence.
///
/// | evidence | weight | meaning |
/// |---|---|---|
/// | `detection` | the finding's own confidence | how certain the detector is |
/// | `proof` | 0.99, or 0 | re-scan, parse and consistency of the patched tree; 0: one of them failed |
/// | `compatibility: in place` | 0.99 | every version stays within what its dependents ask for |
/// | `compatibility: manifest` | 0.97 | a range of the manifest changes, to a compatible version |
/// | `compatibility: override` | 0.85 | a dependent gets a version that it did not ask for |
/// | `compatibility: breaking` | 0.60 | a version that by its number is not compatible |
/// | `needs` | 1.00, or 0.90 | the registry tells what every release involved needs, or not of all |
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Name in the table above.
    pub name: String,
    /// Factor, 0 to 1.
    pub weight: f64,
    /// What was seen.
    pub detail: String,
}

impl Evidence {
    /// The `detection` of findings whose least certain one has `confidence`.
    pub fn detection(confidence: f64) -> Self {
        Self {
            name: "detection".to_owned(),
            weight: confidence,
            detail: format!("the least certain finding has {confidence:.2}"),
        }
    }

    /// The `proof`: `failed` names the checks that failed.
    pub fn proof(failed: &[String]) -> Self {
        let (weight, detail) = if failed.is_empty() {
            (0.99, "every check passed".to_owned())
        } else {
            (0.0, format!("failed: {}", failed.join("; ")))
        };
        Self { name: "proof".to_owned(), weight, detail }
    }

    /// Whether the `needs` of all releases involved are known; `unknown` are those whose needs could not be learned.
    pub fn needs(unknown: &[String]) -> Self {
        let (weight, detail) = match unknown {
            [] => (1.0, "the registry tells what every release involved needs".to_owned()),
            [first, others @ ..] => (0.9, format!("not known for {first} and {} more", others.len())),
        };
        Self { name: "needs".to_owned(), weight, detail }
    }

    /// The `compatibility` of a change, as far as versions and ranges tell.
    pub fn compatibility(reach: Reach) -> Self {
        let (name, weight, detail) = match reach {
            Reach::InPlace => ("in place", 0.99, "every version stays within what its dependents ask for"),
            Reach::Manifest => ("manifest", 0.97, "a range of the manifest changes, to a compatible version"),
            Reach::Override => ("override", 0.85, "a dependent gets a version that it did not ask for"),
            Reach::Breaking => ("breaking", 0.60, "a version that by its number is not compatible"),
        };
        Self { name: format!("compatibility: {name}"), weight, detail: detail.to_owned() }
    }
}

/// How far a fix reaches, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// Every version stays within what its dependents ask for.
    InPlace,
    /// A range of the manifest changes, to a compatible version.
    Manifest,
    /// A dependent gets a version that it did not ask for.
    Override,
    /// A version that by its number is not compatible.
    Breaking,
}

/// What is known when a case is decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Circumstances {
    /// The highest severity of the findings that a fix would remove.
    pub severity: Severity,
    /// The evidence so far.
    pub evidence: Vec<Evidence>,
    /// Whether a fixed version exists (condition `patch_available`). `None`: not known yet.
    pub patch_available: Option<bool>,
    /// Whether the plan stays compatible (condition `no_breaking_changes`). `None`: not known yet.
    pub no_breaking_changes: Option<bool>,
    /// Whether a proven patch is at hand (condition `fix_available`). `None`: not known yet.
    pub fix_available: Option<bool>,
}

/// A decision with everything that led to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// What is done.
    pub decision: Decision,
    /// Every reason, in the order of the checks.
    pub reasons: Vec<String>,
    /// Product of the evidence, 0 to 1.
    pub confidence: f64,
    /// The policy that was held against it, where there is one.
    pub policy: Option<String>,
    /// The evidence.
    pub evidence: Vec<Evidence>,
}

/// Decides what may be done under `policy`. Before there is a proof this says what can still be reached; with the proof in
/// hand it is the decision.
pub fn decide(policy: Option<&Policy>, circumstances: &Circumstances) -> Verdict {
    let confidence: f64 = circumstances.evidence.iter().map(|evidence| evidence.weight.clamp(0.0, 1.0)).product();
    let verdict = |decision, reasons, name: Option<&str>| Verdict {
        decision,
        reasons,
        confidence,
        policy: name.map(str::to_owned),
        evidence: circumstances.evidence.clone(),
    };
    let Some(policy) = policy else {
        return verdict(Decision::Escalate, vec!["no policy rules this kind of event".to_owned()], None);
    };
    let mut decision = Decision::Heal;
    let mut reasons = Vec::new();
    let mut weigh = |judged: Decision, reason: String| {
        decision = decision.max(judged);
        reasons.push(reason);
    };
    let severity = circumstances.severity;
    if policy.may_heal(severity) {
        weigh(Decision::Heal, format!("severity {severity} may be healed"));
    } else if severity == Severity::Unknown {
        weigh(Decision::Propose, "the severity is unknown, so somebody has to approve".to_owned());
    } else {
        weigh(
            Decision::Propose,
            format!("severity {severity} is not in auto_heal_severities, so somebody has to approve"),
        );
    }
    let threshold = policy.confidence_threshold;
    if threshold < HEALING_THRESHOLD_MIN {
        weigh(
            Decision::Propose,
            format!("a policy with a threshold of {threshold} (under {HEALING_THRESHOLD_MIN}) may only propose"),
        );
    }
    if confidence >= threshold {
        weigh(Decision::Heal, format!("confidence {confidence:.2} reaches the threshold {threshold}"));
    } else {
        weigh(Decision::Propose, format!("confidence {confidence:.2} is under the threshold {threshold}"));
    }
    if policy.test_required {
        weigh(
            Decision::Propose,
            "test_required: nothing here runs the repository's tests, so somebody has to".to_owned(),
        );
    }
    let mut fixers = 0;
    for action in &policy.actions {
        match judge_action(action, circumstances) {
            ActionVerdict::Runs => {
                fixers += usize::from(!is_deliverer(action));
                if action.require_approval {
                    weigh(Decision::Propose, format!("{} requires approval", action.action_type));
                }
                if let Some(validation) = &action.validation {
                    weigh(
                        Decision::Propose,
                        format!("{} asks for {validation}, which somebody has to do", action.action_type),
                    );
                }
            }
            ActionVerdict::Refused(reason) if is_deliverer(action) => weigh(Decision::Escalate, reason),
            // One of several fixers: only when none is left is there nothing to be done.
            ActionVerdict::Refused(reason) => weigh(Decision::Heal, reason),
            ActionVerdict::NoStrategy => weigh(Decision::Escalate, format!("no strategy: {}", action.action_type)),
        }
    }
    if fixers == 0 {
        weigh(Decision::Escalate, "no action of the policy can mend it".to_owned());
    }
    verdict(decision, reasons, Some(&policy.name))
}

enum ActionVerdict {
    Runs,
    Refused(String),
    NoStrategy,
}

fn is_deliverer(action: &Action) -> bool {
    matches!(action.action_type.as_str(), "create_pr" | "create_fix_pr")
}

fn judge_action(action: &Action, circumstances: &Circumstances) -> ActionVerdict {
    for condition in &action.conditions {
        let holds = match condition.as_str() {
            "patch_available" => circumstances.patch_available,
            "no_breaking_changes" => circumstances.no_breaking_changes,
            "fix_available" => circumstances.fix_available,
            // Conditions of strategies that are not there can't be computed, and nothing is assumed.
            _ => Some(false),
        };
        if holds == Some(false) {
            return ActionVerdict::Refused(format!("{}: the condition {condition} does not hold", action.action_type));
        }
    }
    if !is_deliverer(action) && action.action_type != "update_dependency" {
        return ActionVerdict::NoStrategy;
    }
    ActionVerdict::Runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{DEFAULT_POLICIES, parse};

    fn circumstances(severity: Severity, detection: f64, reach: Reach, failed: &[String]) -> Circumstances {
        Circumstances {
            severity,
            evidence: vec![Evidence::detection(detection), Evidence::proof(failed), Evidence::compatibility(reach)],
            patch_available: Some(true),
            no_breaking_changes: Some(reach != Reach::Breaking),
            fix_available: Some(failed.is_empty()),
        }
    }

    #[track_caller]
    fn check(policy: &str, circumstances: &Circumstances, expect: Decision) -> Verdict {
        let policy = parse("p.yml", policy).unwrap().remove(0);
        let verdict = decide(Some(&policy), circumstances);
        assert_eq!(verdict.decision, expect, "{verdict:#?}");
        verdict
    }

    #[test]
    fn table_of_the_default_policy() {
        use Decision::{Escalate, Heal, Propose};
        use Severity::{Critical, High, Low, Medium, Unknown};
        let failed = ["gone".to_owned()];
        let rows: [(Severity, f64, Reach, &[String], Decision); 11] = [
            (Low, 0.97, Reach::InPlace, &[], Heal),
            (Medium, 0.97, Reach::InPlace, &[], Heal),
            (Medium, 0.97, Reach::Manifest, &[], Heal),
            (Medium, 0.97, Reach::Override, &[], Propose),
            (Medium, 0.90, Reach::InPlace, &[], Propose),
            (Medium, 0.97, Reach::Breaking, &[], Escalate),
            (Medium, 0.97, Reach::InPlace, &failed, Escalate),
            (High, 0.97, Reach::InPlace, &[], Propose),
            (Critical, 0.97, Reach::InPlace, &[], Propose),
            (Unknown, 0.97, Reach::InPlace, &[], Propose),
            (High, 0.97, Reach::Breaking, &[], Escalate),
        ];
        for (severity, detection, reach, failed, expect) in rows {
            check(DEFAULT_POLICIES, &circumstances(severity, detection, reach, failed), expect);
        }
    }

    #[test]
    fn low_threshold_may_only_propose() {
        let policy = DEFAULT_POLICIES.replace("0.9", "0.5");
        let verdict = check(&policy, &circumstances(Severity::Low, 0.97, Reach::InPlace, &[]), Decision::Propose);
        assert!(verdict.reasons.iter().any(|reason| reason.contains("may only propose")));
    }

    #[test]
    fn approval_is_asked_where_the_action_requires_it() {
        let policy =
            DEFAULT_POLICIES.replace("type: \"create_pr\"", "type: \"create_pr\"\n        require_approval: true");
        check(&policy, &circumstances(Severity::Low, 0.97, Reach::InPlace, &[]), Decision::Propose);
    }

    #[test]
    fn required_tests_that_nobody_ran_leave_it_to_people() {
        let policy =
            DEFAULT_POLICIES.replace("rollback_enabled: true", "rollback_enabled: true\n    test_required: true");
        check(&policy, &circumstances(Severity::Low, 0.97, Reach::InPlace, &[]), Decision::Propose);
    }

    #[test]
    fn action_without_a_strategy_escalates_when_it_is_reached() {
        let policy = DEFAULT_POLICIES.replace("\"create_pr\"", "\"apply_policy\"");
        let verdict = check(&policy, &circumstances(Severity::Low, 0.97, Reach::InPlace, &[]), Decision::Escalate);
        assert!(verdict.reasons.contains(&"no strategy: apply_policy".to_owned()));
        let unreached = policy.replace("fix_available", "policy_exists");
        check(&unreached, &circumstances(Severity::Low, 0.97, Reach::InPlace, &[]), Decision::Heal);
    }

    #[test]
    fn review_that_the_policy_asks_for_is_left_to_people() {
        let policy =
            DEFAULT_POLICIES.replace("type: \"create_pr\"", "type: \"create_pr\"\n        validation: code_review");
        check(&policy, &circumstances(Severity::Low, 0.97, Reach::InPlace, &[]), Decision::Propose);
    }

    #[test]
    fn unknown_needs_leave_it_to_people() {
        let mut known = circumstances(Severity::Low, 0.97, Reach::InPlace, &[]);
        known.evidence.push(Evidence::needs(&[]));
        check(DEFAULT_POLICIES, &known, Decision::Heal);
        let mut unknown = circumstances(Severity::Low, 0.97, Reach::InPlace, &[]);
        unknown.evidence.push(Evidence::needs(&["latch 1.0.0".to_owned()]));
        check(DEFAULT_POLICIES, &unknown, Decision::Propose);
    }

    #[test]
    fn without_a_policy_people_decide() {
        let verdict = decide(None, &circumstances(Severity::Low, 1.0, Reach::InPlace, &[]));
        assert_eq!(verdict.decision, Decision::Escalate);
    }

    #[test]
    fn unknown_conditions_do_not_refuse_before_there_is_a_plan() {
        let mut early = circumstances(Severity::Low, 0.97, Reach::InPlace, &[]);
        early.evidence.truncate(1);
        (early.patch_available, early.no_breaking_changes, early.fix_available) = (None, None, None);
        check(DEFAULT_POLICIES, &early, Decision::Heal);
    }

    #[test]
    fn stronger_evidence_never_makes_a_decision_more_cautious() {
        let policy = parse("p.yml", DEFAULT_POLICIES).unwrap().remove(0);
        for severity in Severity::WORST_FIRST {
            let mut before = Decision::Suppress;
            for step in 0..=100 {
                let detection = f64::from(step) / 100.0;
                let now = decide(Some(&policy), &circumstances(severity, detection, Reach::InPlace, &[])).decision;
                assert!(now <= before, "{severity} at {detection}");
                before = now;
            }
        }
    }
}
