//! The loop between a plan, which is pure, and the registries, which are not: the plan says what it has to know.

use crate::environment::Environment;
use crate::environment::registries::RegistryError;
use crate::error::AgentError;
use detectors::dependency::matching::Matched;
use futures::future::join_all;
use pipeline::dependency::DependencyGraph;
use pipeline::facts::{Facts, PackageFacts};
use pipeline::patch::Plan;
use remedies::update_dependency::{self, Planned, Rules, Wound};
use std::collections::BTreeSet;

/// Rounds of asking, after which a plan that always wants to know more is a bug.
const ROUNDS_MAX: usize = 500;

/// The smallest plan that heals `matched`, and what had to be known for it.
///
/// Tries later where a registry asks for it. A registry that can't be asked at all is no error: its packages are left, with
/// the reason.
pub async fn plan(env: &Environment, graph: &DependencyGraph, matched: &[&Matched], rules: &Rules) -> Result<(Plan, Facts), AgentError> {
    let wounds: Vec<Wound<'_>> = matched
        .iter()
        .map(|matched| Wound {
            fingerprint: &matched.finding.fingerprint,
            places: matched.places.clone(),
            advisories: matched.finding.advisories.clone(),
        })
        .collect();
    let mut facts = Facts::default();
    for _ in 0..ROUNDS_MAX {
        match update_dependency::plan(graph, &wounds, &facts, rules) {
            Planned::Plan(plan) => return Ok((plan, facts)),
            Planned::NeedFacts(names) => ask(env, graph, names, &mut facts).await?,
        }
    }
    Err(AgentError::Broken { reason: format!("the plan still asks for facts after {ROUNDS_MAX} rounds") })
}

async fn ask(env: &Environment, graph: &DependencyGraph, names: BTreeSet<String>, facts: &mut Facts) -> Result<(), AgentError> {
    let wanted: BTreeSet<_> = names.iter().map(|name| (graph.ecosystem, name.clone())).collect();
    let advisories = env.advisories.of(&wanted).await;
    let answers = join_all(names.iter().map(|name| env.registries.facts(graph, name))).await;
    for (name, answer) in names.into_iter().zip(answers) {
        let mut known = match answer {
            Ok(known) => known,
            Err(RegistryError::TryLater { reason, not_before }) => return Err(AgentError::TryLater { reason, not_before }),
            Err(RegistryError::Unavailable(reason)) => PackageFacts { unavailable: Some(reason), ..PackageFacts::default() },
        };
        known.advisories = advisories.on(graph.ecosystem, &name).to_vec();
        facts.packages.insert(name, known);
    }
    Ok(())
}
