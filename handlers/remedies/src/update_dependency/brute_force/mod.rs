//! The plan against brute force: every set of up to three changes, each held against a checker that shares no code with
//! the search.
//!
//! The model, which both follow. A plan may
//! - move an entry to a later release at its place; an entry of the project's own beyond a caret only where breaking
//!   changes are allowed;
//! - add an entry at the root or in any folder, if somebody resolves to it whose need nothing else on the way answers;
//!   nobody gets by it an older release than before;
//! - edit a range of the project whose entry was moved, to one that holds the new version;
//! - override one name that the project itself does not ask for: each who asks for it then takes that version alone, and
//!   what takes someone beyond a caret of what it had is a breaking change.
//!
//! A release is chosen only if it is not vulnerable and old enough. Needs of what is reached have to be answered, except
//! optional ones of entries that stay and optional peers; a peer that nothing answered before may stay so; a peer is not
//! answered from its own folder. What was broken before and stays as it was is not to be mended. What nothing reaches
//! any more goes, and so do vulnerable entries that nothing ever led to. A wound is healed if each entry that has it was
//! moved or goes.

mod case;
mod enumerate;
mod evaluate;
mod random;

use super::Rules;
use super::tests::{lines, now};
use case::Case;
use enumerate::ENTRIES_MAX;
use pipeline::patch::{Change, Plan};
use proptest::test_runner::Config;

#[track_caller]
fn check(seed: u64) {
    let case = Case::random(seed);
    let rules = Rules { allow_breaking: case.breaking, allow_overrides: case.overrides, ..Rules::new(now()) };
    exact_plan_is_the_smallest(&case, &rules, seed);
    constructed_plan_holds(&case, &Rules { steps_max: 0, ..rules }, seed);
}

/// Equality wherever the plan says that it is the smallest; that it holds, always.
fn exact_plan_is_the_smallest(case: &Case, rules: &Rules, seed: u64) {
    let world = case.world();
    let plan = world.plan(rules);
    let told = || format!("seed {seed}: {}\n{}", lines(&plan), case.told());
    assert_eq!(plan, world.plan(rules), "not deterministic: {}", told());
    if overrides(&plan) > 1 {
        // Brute force tries one at a time: with one, more has to stay.
        assert!(case.least()[0] > plan.left.len() as u64, "{}", told());
        return;
    }
    let Some(cost) = case.evaluate(&case.after(&plan)) else { panic!("does not hold: {}", told()) };
    assert_eq!(cost[0], plan.left.len() as u64, "{}", told());
    let least = case.least();
    if !plan.smallest {
        // About 1 graph in 1,500 needs more steps than there are: then no more wounds are left than has to be.
        assert_eq!(cost[0], least[0], "{}", told());
        return;
    }
    if cost[3] <= ENTRIES_MAX as u64 {
        assert_eq!(cost, least, "{}", told());
    } else {
        // Brute force stops before sets as large as this plan: that none of the smaller ones heals as much is what it shows.
        assert!(cost <= least, "{cost:?} is more than {least:?}: {}", told());
    }
    changes_nothing_the_second_time(case, &plan, rules, &told());
}

/// No search at all, as in a project that is too large for it.
fn constructed_plan_holds(case: &Case, rules: &Rules, seed: u64) {
    let world = case.world();
    let plan = world.plan(rules);
    let told = || format!("constructed, seed {seed}: {}\n{}", lines(&plan), case.told());
    assert_eq!(plan, world.plan(rules), "not deterministic: {}", told());
    if overrides(&plan) > 1 {
        return;
    }
    let after = case.after(&plan);
    let Some(cost) = case.evaluate(&after) else { panic!("does not hold: {}", told()) };
    assert!(cost[0] <= plan.left.len() as u64, "{}", told());
    for place in after.entries.keys().filter(|place| after.entries.get(*place) != case.installed.get(*place)) {
        let mut less = after.clone();
        match case.installed.get(place) {
            Some(before) => less.entries.insert(place.clone(), *before),
            None => less.entries.remove(place),
        };
        let heals_as_much = case.evaluate(&less).is_some_and(|less| less[0] <= cost[0]);
        assert!(!heals_as_much, "{place:?} can be taken back: {}", told());
    }
}

fn changes_nothing_the_second_time(case: &Case, plan: &Plan, rules: &Rules, told: &str) {
    // What an override forces is not written in the needs of these graphs.
    if overrides(plan) > 0 {
        return;
    }
    let mut world = case.patched(plan).world();
    for change in &plan.changes {
        if let Change::Require { name, from, to, .. } = change {
            world.asked = world.asked.replace(&format!("{name} {from}"), &format!("{name} {to}"));
        }
    }
    let again = world.plan(rules);
    assert_eq!(again.changes, Vec::new(), "changed again: {told}");
}

fn overrides(plan: &Plan) -> usize {
    plan.changes.iter().filter(|change| matches!(change, Change::Override { .. })).count()
}

/// `PROPTEST_CASES` says how many.
#[test]
fn no_set_of_changes_is_smaller_than_the_plan() {
    let graphs = u64::from(Config::default().cases);
    let threads = 2;
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                (thread..graphs).step_by(threads as usize).for_each(|at| check(at.wrapping_mul(SPREAD)))
            });
        }
    });
}

/// Golden ratio: neighbours get seeds that are far apart.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;
