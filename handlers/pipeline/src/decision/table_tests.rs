//! The decision table, row by row, and what has to hold in every row.

use super::guard::{Guard, History, Spent};
use super::*;
use crate::policy::freeze::Freeze;
use crate::policy::layers::Tightening;
use crate::policy::limits::Limits;
use crate::policy::vocabulary::ActionType;
use crate::policy::{DEFAULT_POLICIES, Validation, parse};
use proptest::prelude::*;
use std::fmt::Write;

fn now() -> Timestamp {
    "2026-11-28T12:00:00Z".parse().unwrap()
}

/// The built-in policies, and variants of the first.
fn policies() -> Vec<(String, Policy)> {
    let built_in = parse("built in", DEFAULT_POLICIES).unwrap();
    let variant = |name: &str, change: &dyn Fn(&mut Policy)| {
        let mut policy = built_in[0].clone();
        change(&mut policy);
        (name.to_owned(), policy)
    };
    let variants = [
        variant("… at 0.5", &|policy| policy.confidence_threshold = 0.5),
        variant("… test_required", &|policy| policy.test_required = true),
        variant("… require_approval", &|policy| policy.actions[1].require_approval = true),
        variant("… code_review", &|policy| policy.actions[0].validation = Some(Validation::CodeReview)),
        variant("… immediate", &|policy| policy.actions[0].immediate = true),
        variant("… all severities", &|policy| policy.auto_heal_severities = Severity::WORST_FIRST.to_vec()),
    ];
    built_in.iter().map(|policy| (policy.name.clone(), policy.clone())).chain(variants).collect()
}

/// What the evidence may be: how certain the detection is, and how far the fix reaches.
const EVIDENCE: [(&str, f64, Reach); 4] = [
    ("certain, in place", 0.97, Reach::InPlace),
    ("certain, override", 0.97, Reach::Override),
    ("doubtful, in place", 0.85, Reach::InPlace),
    ("certain, breaking", 0.97, Reach::Breaking),
];

/// Guard rails, one of each kind.
fn rails() -> Vec<(&'static str, Vec<Guard>)> {
    let limits = Limits {
        pull_requests_per_day: Some(1),
        files_max: Some(1),
        attempts_per_case: Some(1),
        reopenings_max: Some(0),
        ..Limits::default()
    }
    .effective();
    let weekend: Vec<Freeze> = serde_saphyr::from_str("[{name: weekend, days: [sat, sun]}]").unwrap();
    let history = |history: History| Guard::history(&limits, &history, now());
    let budget = Guard::budget(&limits, &Spent { day: 1, ..Spent::default() }, now());
    vec![
        ("none", Vec::new()),
        ("kill switch", vec![Guard::kill_switch(now(), "mona", "look into it")]),
        ("freeze", Guard::freeze(&weekend, now()).into_iter().collect()),
        ("budget", budget.into_iter().collect()),
        ("breaker open", vec![Guard::breaker_open(now(), "it failed".to_owned())]),
        ("breaker probe", vec![Guard::breaker_probe()]),
        ("patch size", Guard::patch_size(&limits, 2, 1).into_iter().collect()),
        ("attempts", history(History { deliveries: vec![now()], ..History::default() })),
        ("flapping", history(History { reopenings: vec![now()], ..History::default() })),
        ("cool-down", history(History { taken_back: vec![now()], ..History::default() })),
        ("demoted", vec![Guard::demoted("such fixes were declined".to_owned())]),
    ]
}

/// Whether the conditions of policies hold.
#[derive(Clone, Copy)]
enum Known {
    All,
    Computed,
    Nothing,
}

fn conditions(known: Known, reach: Reach) -> BTreeMap<Condition, bool> {
    let all = Condition::ALL.iter().map(|condition| match condition {
        Condition::NoBreakingChanges => (*condition, reach != Reach::Breaking),
        _ => (*condition, true),
    });
    match known {
        Known::All => all.collect(),
        Known::Computed => all.filter(|(condition, _)| is_computed(*condition)).collect(),
        Known::Nothing => BTreeMap::new(),
    }
}

fn circumstances(severity: Severity, detection: f64, reach: Reach) -> Circumstances {
    Circumstances {
        phase: Phase::Proof,
        severities: [severity].into(),
        evidence: vec![Evidence::detection(detection), Evidence::proof(&[]), Evidence::compatibility(reach)],
        conditions: conditions(Known::Computed, reach),
        is_as_intended: Some(true),
        mode: RepositoryMode::Auto,
        priority: Priority::default(),
        guards: Vec::new(),
    }
}

const MODES: [RepositoryMode; 3] = [RepositoryMode::Auto, RepositoryMode::Propose, RepositoryMode::Observe];

/// For each mode of the repository a group of five letters: what is decided for critical, high, medium, low, unknown. `H`eal,
/// heal once `T`ests passed, `P`ropose, `E`scalate, `O`bserve; small: not yet, a guard rail holds it.
fn cells(policy: Option<&Policy>, row: &Circumstances) -> String {
    let mut cells = String::new();
    for mode in MODES {
        for severity in Severity::WORST_FIRST {
            let verdict = decide(policy, &Circumstances { severities: [severity].into(), mode, ..row.clone() });
            let letter = match verdict.decision {
                Decision::Heal if verdict.awaits_tests => 'T',
                Decision::Heal => 'H',
                Decision::Propose => 'P',
                Decision::Escalate => 'E',
                Decision::Observe => 'O',
                Decision::Suppress => 'S',
            };
            let is_held = verdict.held_until.is_some() && verdict.decision <= Decision::Propose;
            cells.push(if is_held { letter.to_ascii_lowercase() } else { letter });
        }
        cells.push(' ');
    }
    cells
}

#[test]
fn decision_table() {
    let mut table = String::new();
    let mut row = |policy: &str, evidence: &str, known: &str, rail: &str, cells: &str| {
        let _ = writeln!(table, "{policy:26} {evidence:18} {known:10} {rail:13} {}", cells.trim_end());
    };
    row("policy", "evidence", "conditions", "guard rail", "auto  propose observe");
    for (name, policy) in policies() {
        let conditions_of = [("all", Known::All), ("computed", Known::Computed), ("none", Known::Nothing)];
        for (evidence, detection, reach) in EVIDENCE {
            for (known, how) in conditions_of {
                let circumstances = Circumstances {
                    conditions: conditions(how, reach),
                    is_as_intended: (!matches!(how, Known::Nothing)).then_some(true),
                    ..circumstances(Severity::Low, detection, reach)
                };
                row(&name, evidence, known, "none", &cells(Some(&policy), &circumstances));
            }
        }
        let (evidence, detection, reach) = EVIDENCE[0];
        for (rail, guards) in rails().into_iter().skip(1) {
            let circumstances = Circumstances { guards, ..circumstances(Severity::Low, detection, reach) };
            row(&name, evidence, "computed", rail, &cells(Some(&policy), &circumstances));
        }
    }
    let (evidence, detection, reach) = EVIDENCE[0];
    row("no policy", evidence, "computed", "none", &cells(None, &circumstances(Severity::Low, detection, reach)));
    insta::assert_snapshot!(table);
}

prop_compose! {
    fn some_limits()(numbers in proptest::collection::vec(proptest::option::of(0..4_u32), 9)) -> Limits {
        Limits {
            pull_requests_per_repository_per_day: numbers[0],
            pull_requests_per_organisation_per_day: numbers[1],
            pull_requests_per_day: numbers[2],
            open_pull_requests_per_repository: numbers[3],
            files_max: numbers[4],
            lines_max: numbers[5],
            attempts_per_case: numbers[6],
            cool_down_hours: numbers[7],
            reopenings_max: numbers[8],
            time_zone: None,
        }
    }
}

fn freezes() -> impl Strategy<Value = Vec<Freeze>> {
    let texts = [
        "[]",
        "[{name: weekend, days: [sat, sun]}]",
        "[{name: nights, from: '22:00', until: '06:00'}]",
        "[{name: noon, from: '11:00', until: '13:00'}]",
    ];
    proptest::sample::select(texts.to_vec()).prop_map(|text| serde_saphyr::from_str(text).unwrap())
}

prop_compose! {
    fn some_policy()(
        base in proptest::sample::select(policies()),
        severities in proptest::sample::subsequence(Severity::WORST_FIRST.to_vec(), 0..=Severity::WORST_FIRST.len()),
        threshold in 0.0..=1.0_f64,
        test_required: bool,
        limits in some_limits(),
        freeze in freezes(),
    ) -> Policy {
        let (_, mut policy) = base;
        policy.auto_heal_severities = severities;
        policy.confidence_threshold = threshold;
        policy.test_required |= test_required;
        policy.limits = limits;
        policy.freeze = freeze;
        policy
    }
}

prop_compose! {
    fn some_tightening()(
        severities in proptest::option::of(proptest::sample::subsequence(Severity::WORST_FIRST.to_vec(), 0..=Severity::WORST_FIRST.len())),
        threshold in proptest::option::of(0.0..=1.0_f64),
        conditions in proptest::sample::subsequence(Condition::ALL.to_vec(), 0..=Condition::ALL.len()),
        test_required: bool,
        require_approval: bool,
        limits in some_limits(),
        freeze in freezes(),
    ) -> Tightening {
        Tightening {
            event_type: None,
            auto_heal_severities: severities,
            confidence_threshold: threshold,
            conditions,
            test_required,
            require_approval,
            no_auto_merge: false,
            limits,
            freeze,
        }
    }
}

prop_compose! {
    fn some_circumstances()(
        severities in proptest::sample::subsequence(Severity::WORST_FIRST.to_vec(), 0..=Severity::WORST_FIRST.len()),
        weights in proptest::collection::vec(0.0..=1.0_f64, 0..4),
        known in proptest::sample::select(vec![Known::All as u8, Known::Computed as u8, Known::Nothing as u8]),
        reach in proptest::sample::select(vec![Reach::InPlace, Reach::Breaking]),
        mode in proptest::sample::select(MODES.to_vec()),
        rails in proptest::sample::subsequence(rails(), 0..4),
        is_early: bool,
        is_as_intended: Option<bool>,
    ) -> Circumstances {
        let known = [Known::All, Known::Computed, Known::Nothing][known as usize];
        Circumstances {
            phase: if is_early { Phase::Analysis } else { Phase::Proof },
            severities: severities.into_iter().collect(),
            evidence: weights.into_iter().map(Evidence::detection).collect(),
            conditions: conditions(known, reach),
            is_as_intended,
            mode,
            guards: rails.into_iter().flat_map(|(_, guards)| guards).collect(),
            ..circumstances(Severity::Low, 1.0, reach)
        }
    }
}

/// What the guard rails of `policy` say, counted the same for all.
fn counted(policy: &Policy, spent: &Spent, history: &History, files: usize, now: Timestamp) -> Vec<Guard> {
    let limits = policy.limits.effective();
    let mut guards = Guard::history(&limits, history, now);
    guards.extend(Guard::freeze(&policy.freeze, now));
    guards.extend(Guard::budget(&limits, spent, now));
    guards.extend(Guard::patch_size(&limits, files, files));
    guards
}

/// How far a verdict goes: less is more. What waits does less than what does not.
fn caution(verdict: &Verdict) -> (Decision, Option<Timestamp>) {
    (verdict.decision, verdict.held_until.filter(|_| verdict.decision <= Decision::Propose))
}

proptest! {
    #[test]
    fn what_a_repository_tightens_never_heals_more(
        policy in some_policy(), tightening in some_tightening(), before in some_circumstances(),
        spent in (0..4_u32, 0..4_u32, 0..4_u32, 0..4_u32), tries in proptest::collection::vec(0..96_i64, 0..4), files in 0..4_usize, hour in 0..200_i64,
    ) {
        let spent = Spent { repository: spent.0, organisation: spent.1, day: spent.2, open: spent.3 };
        let now = now() + jiff::SignedDuration::from_hours(hour);
        let moments: Vec<Timestamp> = tries.iter().map(|hours| now - jiff::SignedDuration::from_hours(*hours)).collect();
        let history = History { deliveries: moments.clone(), taken_back: moments.clone(), reopenings: moments };
        let verdict = |policy: &Policy| {
            let mut circumstances = before.clone();
            circumstances.guards.extend(counted(policy, &spent, &history, files, now));
            decide(Some(policy), &circumstances)
        };
        let tightened = tightening.apply(policy.clone());
        let (before, after) = (verdict(&policy), verdict(&tightened));
        prop_assert!(after.decision >= before.decision, "{before:#?}\n{after:#?}");
        if after.decision == before.decision {
            prop_assert!(caution(&after) >= caution(&before), "{before:#?}\n{after:#?}");
        }
    }

    #[test]
    fn findings_are_decided_together_as_the_most_cautious_of_them_alone(policy in some_policy(), together in some_circumstances()) {
        let alone = |severity| decide(Some(&policy), &Circumstances { severities: [severity].into(), ..together.clone() }).decision;
        if let Some(most_cautious) = together.severities.iter().copied().map(alone).max() {
            prop_assert_eq!(decide(Some(&policy), &together).decision, most_cautious);
        }
    }

    #[test]
    fn evidence_that_there_is_is_never_more_cautious_than_none(policy in some_policy(), before in some_circumstances()) {
        let bare = Circumstances { evidence: Vec::new(), ..before.clone() };
        prop_assert!(decide(Some(&policy), &before).decision <= decide(Some(&policy), &bare).decision);
    }

    #[test]
    fn stronger_evidence_is_never_more_cautious(policy in some_policy(), before in some_circumstances(), stronger in 0.0..=1.0_f64) {
        let mut after = before.clone();
        for evidence in &mut after.evidence {
            evidence.weight = evidence.weight.max(stronger);
        }
        prop_assert!(decide(Some(&policy), &after).decision <= decide(Some(&policy), &before).decision);
    }

    #[test]
    fn conditions_that_come_to_hold_are_never_more_cautious(before in some_circumstances(), policy in some_policy()) {
        // But for an action that can't be done, which is told when it is reached.
        prop_assume!(policy.actions.iter().all(|action| action.action_type.has_strategy()));
        let mut after = before.clone();
        after.conditions = conditions(Known::All, Reach::InPlace);
        prop_assert!(decide(Some(&policy), &after).decision <= decide(Some(&policy), &before).decision);
    }

    #[test]
    fn review_that_finds_only_what_was_intended_is_never_more_cautious(policy in some_policy(), before in some_circumstances()) {
        prop_assume!(policy.actions.iter().all(|action| action.action_type.has_strategy()));
        let after = Circumstances { is_as_intended: Some(true), ..before.clone() };
        prop_assert!(decide(Some(&policy), &after).decision <= decide(Some(&policy), &before).decision);
    }

    #[test]
    fn fewer_guard_rails_are_never_more_cautious(policy in some_policy(), before in some_circumstances()) {
        let after = Circumstances { guards: Vec::new(), ..before.clone() };
        prop_assert!(caution(&decide(Some(&policy), &after)) <= caution(&decide(Some(&policy), &before)));
    }

    #[test]
    fn same_inputs_same_decision_also_when_they_are_read_again(policy in some_policy(), circumstances in some_circumstances()) {
        let verdict = decide(Some(&policy), &circumstances);
        let read = |text: String| serde_json::from_str::<Circumstances>(&text).unwrap();
        let policy_again: Policy = serde_json::from_str(&serde_json::to_string(&policy).unwrap()).unwrap();
        let again = decide(Some(&policy_again), &read(serde_json::to_string(&circumstances).unwrap()));
        prop_assert_eq!(&verdict, &again);
        let verdict_again: Verdict = serde_json::from_str(&serde_json::to_string(&verdict).unwrap()).unwrap();
        prop_assert_eq!(verdict, verdict_again);
    }

    #[test]
    fn healing_has_every_reason_that_the_policy_asks_for(policy in some_policy(), circumstances in some_circumstances()) {
        let verdict = decide(Some(&policy), &circumstances);
        if verdict.decision == Decision::Heal {
            prop_assert!(!circumstances.severities.is_empty() && !circumstances.evidence.is_empty());
            prop_assert!(circumstances.severities.iter().all(|severity| policy.may_heal(*severity)));
            prop_assert!(!circumstances.severities.contains(&Severity::Unknown));
            prop_assert!(verdict.confidence >= policy.confidence_threshold && policy.confidence_threshold >= HEALING_THRESHOLD_MIN);
            prop_assert_eq!(circumstances.mode, RepositoryMode::Auto);
            prop_assert!(policy.action(ActionType::UpdateDependency).is_some());
        }
        prop_assert!(!verdict.reasons.is_empty());
    }
}
