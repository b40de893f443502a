//! What is done about a case: a value that can be printed, replayed and tested. Same inputs, same decision.

pub mod breaker;
pub mod evidence;
pub mod guard;
pub mod priority;
#[cfg(test)]
mod table_tests;

use crate::finding::Severity;
use crate::policy::layers::RepositoryMode;
use crate::policy::vocabulary::{Condition, Role};
use crate::policy::{Action, HEALING_THRESHOLD_MIN, Policy, Validation};
pub use evidence::{Evidence, Reach};
use guard::{Effect, Guard};
use jiff::Timestamp;
use priority::Priority;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
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
    /// It is written down, and nobody is told: the repository only wants to be observed.
    Observe,
    /// Recorded, with who and why.
    Suppress,
}

impl Decision {
    /// Whether a fix is offered, or would be.
    pub fn is_delivered(self) -> bool {
        self <= Self::Propose
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Heal => "heal",
            Self::Propose => "propose",
            Self::Escalate => "escalate",
            Self::Observe => "observe",
            Self::Suppress => "suppress",
        })
    }
}

/// How much is known when a case is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Nothing was tried yet: what is not known may still come to hold.
    Analysis,
    /// The proof is in hand: what is not known does not hold.
    Proof,
}

/// Everything that a decision is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Circumstances {
    /// How much is known.
    pub phase: Phase,
    /// The severities of the findings that a fix would remove. None at all counts as unknown.
    pub severities: BTreeSet<Severity>,
    /// The evidence so far.
    pub evidence: Vec<Evidence>,
    /// Conditions that are known to hold, or not to.
    pub conditions: BTreeMap<Condition, bool>,
    /// Whether the diff was reviewed, and changes only what was intended. `None`: nobody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_as_intended: Option<bool>,
    /// How far the repository lets any decision go.
    pub mode: RepositoryMode,
    /// How soon it ought to be mended.
    pub priority: Priority,
    /// What the guard rails say.
    pub guards: Vec<Guard>,
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
    /// How soon it ought to be mended.
    #[serde(default, skip_serializing_if = "Priority::is_last")]
    pub priority: Priority,
    /// Nothing may be changed before this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_until: Option<Timestamp>,
    /// Whether the tests of the repository have to pass before it is what was decided: until then it is proposed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub awaits_tests: bool,
}

/// Decides what may be done under `policy`. Before there is a proof this says what can still be reached; with the proof in
/// hand it is the decision.
pub fn decide(policy: Option<&Policy>, circumstances: &Circumstances) -> Verdict {
    verdict(policy.ok_or("no policy rules this kind of event"), circumstances)
}

/// The verdict under `policy`, or for the reason that there is none.
fn verdict(policy: Result<&Policy, &str>, circumstances: &Circumstances) -> Verdict {
    let mut weighed = Weighed { decision: Decision::Heal, reasons: Vec::new() };
    match policy {
        Err(reason) => weighed.weigh(Decision::Escalate, reason),
        Ok(policy) => weigh_policy(&mut weighed, policy, circumstances),
    }
    let policy = policy.ok();
    weigh_mode(&mut weighed, circumstances.mode);
    let is_immediate = policy.is_some_and(|policy| is_immediate(policy, circumstances));
    let held_until = weigh_guards(&mut weighed, is_immediate, &circumstances.guards);
    Verdict {
        decision: weighed.decision,
        reasons: weighed.reasons,
        confidence: confidence(&circumstances.evidence),
        policy: policy.map(|policy| policy.name.clone()),
        evidence: circumstances.evidence.clone(),
        priority: circumstances.priority,
        held_until,
        awaits_tests: policy.is_some_and(|policy| policy.test_required),
    }
}

/// What a decision rests on besides its reasons: what a case keeps of a verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Grounds {
    /// The policy that was held against it, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Product of the evidence, 0 to 1.
    pub confidence: f64,
    /// The evidence.
    #[serde(default)]
    pub evidence: Vec<Evidence>,
    /// How soon it ought to be mended.
    #[serde(default, skip_serializing_if = "Priority::is_last")]
    pub priority: Priority,
    /// Nothing may be changed before this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_until: Option<Timestamp>,
}

impl Verdict {
    /// What it rests on.
    pub fn grounds(&self) -> Grounds {
        Grounds {
            policy: self.policy.clone(),
            confidence: self.confidence,
            evidence: self.evidence.clone(),
            priority: self.priority,
            held_until: self.held_until,
        }
    }

    /// Whether a fix is ready for review as it is. Otherwise somebody has to approve it, or tests have to pass.
    pub fn is_ready(&self) -> bool {
        self.decision == Decision::Heal && !self.awaits_tests
    }

    /// The verdict where it can't be told which policy rules a case, because of `error`.
    pub fn undecidable(circumstances: &Circumstances, error: &str) -> Self {
        verdict(Err(error), circumstances)
    }
}

/// The most cautious decision so far, and why.
struct Weighed {
    decision: Decision,
    reasons: Vec<String>,
}

impl Weighed {
    fn weigh(&mut self, judged: Decision, reason: impl Into<String>) {
        self.decision = self.decision.max(judged);
        self.reasons.push(reason.into());
    }
}

/// Product of `evidence`. Where there is none there is no confidence either, before as after the proof.
fn confidence(evidence: &[Evidence]) -> f64 {
    if evidence.is_empty() {
        return 0.0;
    }
    evidence.iter().map(|evidence| evidence.weight.clamp(0.0, 1.0)).product()
}

fn weigh_policy(weighed: &mut Weighed, policy: &Policy, circumstances: &Circumstances) {
    weigh_severities(weighed, policy, &circumstances.severities);
    let threshold = policy.confidence_threshold;
    if threshold < HEALING_THRESHOLD_MIN {
        let why = format!("a policy with a threshold of {threshold} (under {HEALING_THRESHOLD_MIN}) may only propose");
        weighed.weigh(Decision::Propose, why);
    }
    let confidence = confidence(&circumstances.evidence);
    if confidence >= threshold {
        weighed.weigh(Decision::Heal, format!("confidence {confidence:.2} reaches the threshold {threshold}"));
    } else {
        weighed.weigh(Decision::Propose, format!("confidence {confidence:.2} is under the threshold {threshold}"));
    }
    if policy.test_required {
        weighed.weigh(Decision::Heal, "test_required: the tests of the repository have to pass before it is ready");
    }
    let mut fixers = 0;
    for action in &policy.actions {
        fixers += usize::from(weigh_action(weighed, action, circumstances));
    }
    if fixers == 0 {
        weighed.weigh(Decision::Escalate, "no action of the policy can mend it");
    }
}

/// Each finding counts, for the most cautious of them decides: beside one of a known severity, one of an unknown one is not healed.
fn weigh_severities(weighed: &mut Weighed, policy: &Policy, severities: &BTreeSet<Severity>) {
    let none = BTreeSet::from([Severity::Unknown]);
    for severity in if severities.is_empty() { &none } else { severities }.iter().rev().copied() {
        if policy.may_heal(severity) {
            weighed.weigh(Decision::Heal, format!("severity {severity} may be healed"));
        } else if severity == Severity::Unknown {
            weighed.weigh(Decision::Propose, "the severity is unknown, so somebody has to approve");
        } else {
            let why = format!("severity {severity} is not in auto_heal_severities, so somebody has to approve");
            weighed.weigh(Decision::Propose, why);
        }
    }
}

/// Whether `action` would be taken, and makes a fix.
fn weigh_action(weighed: &mut Weighed, action: &Action, circumstances: &Circumstances) -> bool {
    let name = action.action_type;
    let role = name.role();
    if let Some(unmet) = refused(action, circumstances) {
        // One of several fixers: only when none is left is there nothing to be done.
        let judged = if role == Role::Deliverer { Decision::Escalate } else { Decision::Heal };
        weighed.weigh(judged, format!("{name}: {unmet}"));
        return false;
    }
    if !name.has_strategy() {
        weighed.weigh(Decision::Escalate, format!("no strategy: {name}"));
        return false;
    }
    if role == Role::Teller {
        weighed.weigh(Decision::Heal, format!("{name}: people are told"));
    }
    if action.require_approval {
        weighed.weigh(Decision::Propose, format!("{name} requires approval"));
    }
    if action.validation.is_some() && circumstances.is_as_intended == Some(true) {
        weighed.weigh(Decision::Heal, format!("{name}: code_review: only what was intended is changed"));
    }
    role == Role::Fixer
}

/// The first condition or validation of `action` that does not hold, in words.
fn refused(action: &Action, circumstances: &Circumstances) -> Option<String> {
    let is_early = circumstances.phase == Phase::Analysis;
    let holds = |condition: &Condition| {
        circumstances.conditions.get(condition).copied().unwrap_or(is_early && is_computed(*condition))
    };
    if let Some(condition) = action.conditions.iter().find(|condition| !holds(condition)) {
        return Some(format!("the condition {condition} does not hold"));
    }
    action.validation.filter(|_| !circumstances.is_as_intended.unwrap_or(is_early)).map(|validation| match validation {
        Validation::CodeReview => "code_review did not find that only what was intended is changed".to_owned(),
    })
}

/// Whether any agent computes `condition`. What none does is never assumed.
fn is_computed(condition: Condition) -> bool {
    match condition {
        Condition::FixAvailable | Condition::NoBreakingChanges | Condition::PatchAvailable => true,
        Condition::KnownFix | Condition::PolicyExists | Condition::TestEnvironment => false,
    }
}

fn weigh_mode(weighed: &mut Weighed, mode: RepositoryMode) {
    match mode {
        RepositoryMode::Auto => {}
        RepositoryMode::Propose => {
            weighed.weigh(Decision::Propose, "the mode of the repository is propose, so somebody has to approve");
        }
        RepositoryMode::Observe => {
            weighed.weigh(Decision::Observe, "the mode of the repository is observe, so nothing is done");
        }
    }
}

/// Whether an action that is taken, and changes something, does not wait for budget and schedule.
pub fn is_immediate(policy: &Policy, circumstances: &Circumstances) -> bool {
    policy.actions.iter().any(|action| {
        action.immediate
            && action.action_type.role() != Role::Teller
            && action.action_type.has_strategy()
            && refused(action, circumstances).is_none()
    })
}

/// Until when nothing may be changed.
fn weigh_guards(weighed: &mut Weighed, is_immediate: bool, guards: &[Guard]) -> Option<Timestamp> {
    let mut held_until = None;
    for guard in guards {
        match guard.effect {
            Effect::Hold { until } if is_immediate && guard.rail.yields_to_immediate() => {
                weighed.weigh(
                    Decision::Heal,
                    format!("{}: {} (until {until}), but it is immediate", guard.rail, guard.reason),
                );
            }
            Effect::Hold { until } => {
                held_until = held_until.max(Some(until));
                weighed
                    .weigh(Decision::Heal, format!("{}: {}; nothing is done before {until}", guard.rail, guard.reason));
            }
            Effect::Propose => weighed.weigh(Decision::Propose, format!("{}: {}", guard.rail, guard.reason)),
            Effect::Escalate => weighed.weigh(Decision::Escalate, format!("{}: {}", guard.rail, guard.reason)),
        }
    }
    held_until
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::vocabulary::ActionType;
    use crate::policy::{DEFAULT_POLICIES, parse};

    fn circumstances(severity: Severity, detection: f64, reach: Reach, failed: &[String]) -> Circumstances {
        let conditions = [
            (Condition::PatchAvailable, true),
            (Condition::NoBreakingChanges, reach != Reach::Breaking),
            (Condition::FixAvailable, failed.is_empty()),
        ];
        Circumstances {
            phase: Phase::Proof,
            severities: [severity].into(),
            evidence: vec![Evidence::detection(detection), Evidence::proof(failed), Evidence::compatibility(reach)],
            conditions: conditions.into_iter().collect(),
            is_as_intended: None,
            mode: RepositoryMode::Auto,
            priority: Priority::default(),
            guards: Vec::new(),
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
    fn required_tests_have_to_pass_before_it_is_ready() {
        let fine = circumstances(Severity::Low, 0.97, Reach::InPlace, &[]);
        assert!(check(DEFAULT_POLICIES, &fine, Decision::Heal).is_ready());
        let policy =
            DEFAULT_POLICIES.replacen("rollback_enabled: true", "rollback_enabled: true\n    test_required: true", 1);
        let verdict = check(&policy, &fine, Decision::Heal);
        assert!(verdict.awaits_tests && !verdict.is_ready());
        let verdict = check(&policy, &circumstances(Severity::High, 0.97, Reach::InPlace, &[]), Decision::Propose);
        assert!(!verdict.is_ready(), "tests are not all that it waits for");
    }

    #[test]
    fn action_without_a_strategy_escalates_when_it_is_reached() {
        let policy = DEFAULT_POLICIES.replacen("\"create_pr\"", "\"apply_policy\"", 1);
        let verdict = check(&policy, &circumstances(Severity::Low, 0.97, Reach::InPlace, &[]), Decision::Escalate);
        assert!(verdict.reasons.contains(&"no strategy: apply_policy".to_owned()));
        let unreached = policy.replacen("fix_available", "policy_exists", 1);
        check(&unreached, &circumstances(Severity::Low, 0.97, Reach::InPlace, &[]), Decision::Heal);
    }

    #[test]
    fn review_that_the_policy_asks_for_has_to_find_only_what_was_intended() {
        for action in ["type: \"update_dependency\"", "type: \"create_pr\""] {
            let policy = DEFAULT_POLICIES.replacen(action, &format!("{action}\n        validation: code_review"), 1);
            let mut reviewed = circumstances(Severity::Low, 0.97, Reach::InPlace, &[]);
            for (is_as_intended, expect) in
                [(Some(true), Decision::Heal), (Some(false), Decision::Escalate), (None, Decision::Escalate)]
            {
                reviewed.is_as_intended = is_as_intended;
                let verdict = check(&policy, &reviewed, expect);
                assert!(verdict.reasons.iter().any(|reason| reason.contains("code_review")), "{verdict:#?}");
            }
            // Before there is a patch there is nothing to review.
            check(&policy, &Circumstances { phase: Phase::Analysis, ..reviewed }, Decision::Heal);
        }
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
    fn guard_rails_hold_back_propose_or_escalate() {
        let fine = circumstances(Severity::Low, 0.97, Reach::InPlace, &[]);
        let policy = parse("p.yml", DEFAULT_POLICIES).unwrap().remove(0);
        let now: Timestamp = "2026-11-28T12:00:00Z".parse().unwrap();
        let windows: Vec<crate::policy::freeze::Freeze> =
            serde_saphyr::from_str("[{name: weekend, days: [sat, sun]}]").unwrap();
        let frozen = Guard::freeze(&windows, now).unwrap();
        let stopped = Guard::kill_switch(now, "mona", "look into it");
        let held =
            decide(Some(&policy), &Circumstances { guards: vec![stopped.clone(), frozen.clone()], ..fine.clone() });
        let monday: Timestamp = "2026-11-30T00:00:00Z".parse().unwrap();
        assert_eq!((held.decision, held.held_until), (Decision::Heal, Some(monday)), "{held:#?}");
        let mut immediate = policy.clone();
        immediate.actions[0].immediate = true;
        let through = decide(Some(&immediate), &Circumstances { guards: vec![frozen], ..fine.clone() });
        assert_eq!((through.decision, through.held_until), (Decision::Heal, None), "{through:#?}");
        let mut told = policy.clone();
        told.actions.push(Action { immediate: true, ..told.actions[0].clone() });
        told.actions[2].action_type = ActionType::NotifySecurityTeam;
        let frozen = Guard::freeze(&windows, now).unwrap();
        let held = decide(Some(&told), &Circumstances { guards: vec![frozen.clone()], ..fine.clone() });
        assert!(held.held_until.is_some(), "only people are told at once");
        immediate.actions[0].conditions.push(Condition::KnownFix);
        let held = decide(Some(&immediate), &Circumstances { guards: vec![frozen], ..fine.clone() });
        assert!(held.held_until.is_some(), "what is not done is not immediate");
        immediate.actions[0].conditions.pop();
        let held = decide(Some(&immediate), &Circumstances { guards: vec![stopped], ..fine.clone() });
        assert!(held.held_until.is_some(), "nothing goes ahead of the kill switch");
        let probe = decide(Some(&policy), &Circumstances { guards: vec![Guard::breaker_probe()], ..fine });
        assert_eq!(probe.decision, Decision::Propose);
    }

    #[test]
    fn mode_of_the_repository_is_the_ceiling() {
        let fine = circumstances(Severity::Low, 0.97, Reach::InPlace, &[]);
        let policy = parse("p.yml", DEFAULT_POLICIES).unwrap().remove(0);
        for (mode, expect) in [
            (RepositoryMode::Auto, Decision::Heal),
            (RepositoryMode::Propose, Decision::Propose),
            (RepositoryMode::Observe, Decision::Observe),
        ] {
            assert_eq!(decide(Some(&policy), &Circumstances { mode, ..fine.clone() }).decision, expect);
        }
    }

    #[test]
    fn most_cautious_finding_decides_and_each_has_its_reason() {
        use Severity::{High, Low, Medium, Unknown};
        let of = |severities: &[Severity]| Circumstances {
            severities: severities.iter().copied().collect(),
            ..circumstances(Low, 0.97, Reach::InPlace, &[])
        };
        check(DEFAULT_POLICIES, &of(&[Low, Medium]), Decision::Heal);
        let verdict = check(DEFAULT_POLICIES, &of(&[Unknown, Low]), Decision::Propose);
        let said = ["severity low may be healed", "the severity is unknown, so somebody has to approve"];
        assert_eq!(verdict.reasons[..2], said);
        check(DEFAULT_POLICIES, &of(&[Low, High]), Decision::Propose);
        let medium_only = DEFAULT_POLICIES.replacen("[\"low\", \"medium\"]", "[\"medium\"]", 1);
        check(&medium_only, &of(&[Medium]), Decision::Heal);
        check(&medium_only, &of(&[Low, Medium]), Decision::Propose);
        check(DEFAULT_POLICIES, &of(&[]), Decision::Propose);
    }

    #[test]
    fn without_evidence_there_is_no_confidence() {
        let mut bare = circumstances(Severity::Low, 0.97, Reach::InPlace, &[]);
        bare.evidence.clear();
        for phase in [Phase::Analysis, Phase::Proof] {
            bare.phase = phase;
            assert_eq!(check(DEFAULT_POLICIES, &bare, Decision::Propose).confidence, 0.0);
        }
    }

    #[test]
    fn undecidable_case_has_the_other_reasons_too() {
        let mut observed = circumstances(Severity::Low, 0.97, Reach::InPlace, &[]);
        observed.mode = RepositoryMode::Observe;
        observed.guards.push(Guard::kill_switch(Timestamp::UNIX_EPOCH, "mona", "look into it"));
        let verdict = Verdict::undecidable(&observed, "`when` of the policy payments: no such key");
        assert_eq!(verdict.decision, Decision::Observe);
        let without = decide(None, &observed);
        assert_eq!(verdict.reasons[0], "`when` of the policy payments: no such key");
        assert_eq!(verdict.reasons[1..], without.reasons[1..]);
        assert_eq!(verdict.reasons.len(), 3, "{verdict:#?}");
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
        early.conditions.clear();
        early.phase = Phase::Analysis;
        check(DEFAULT_POLICIES, &early, Decision::Heal);
        early.phase = Phase::Proof;
        check(DEFAULT_POLICIES, &early, Decision::Escalate);
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
