//! The loop between a plan, which is pure, and the registries, which are not: the plan says what it has to know.

use crate::environment::Environment;
use crate::environment::advisories::Package;
use crate::environment::registries::{ProjectAddresses, Unavailable};
use crate::error::AgentError;
use detectors::dependency::matching::Matched;
use futures::future::join_all;
use jiff::SignedDuration;
use pipeline::dependency::DependencyGraph;
use pipeline::facts::{Facts, PackageFacts};
use pipeline::patch::{Change, Plan};
use pipeline::version::Ecosystem;
use remedies::update_dependency::{self, Planned, Rules, Wound};
use std::collections::{BTreeMap, BTreeSet};

/// Rounds of asking, after which a plan that always wants to know more is a bug.
const ROUNDS_MAX: usize = 500;

/// A plan, and what it rests on.
#[derive(Debug, Default)]
pub struct Determined {
    /// The smallest plan that heals what was asked for.
    pub plan: Plan,
    /// What had to be known for it.
    pub facts: Facts,
    /// The releases whose needs could not be learned: the plan takes them to need nothing.
    pub needs_unknown: Vec<String>,
    /// Why something is missing from the facts that may be learned later: a registry that is not reached, advisories that are silent.
    pub passing: Option<String>,
}

/// The smallest plan that heals `matched`.
///
/// Tries later where a registry asks for it. A registry that can't be asked at all is no error: its packages are left, with
/// the reason.
pub async fn plan(
    env: &Environment,
    graph: &DependencyGraph,
    addresses: &ProjectAddresses,
    matched: &[&Matched],
    rules: &Rules,
) -> Result<Determined, AgentError> {
    let wounds: Vec<Wound<'_>> = matched
        .iter()
        .map(|matched| Wound { fingerprint: &matched.finding.fingerprint, places: matched.places.clone() })
        .collect();
    let mut inquiry = Inquiry {
        env,
        graph,
        addresses,
        facts: Facts::default(),
        needs_asked: BTreeMap::new(),
        needs_unknown: BTreeMap::new(),
        passing: None,
    };
    for _ in 0..ROUNDS_MAX {
        match update_dependency::plan(graph, &wounds, &inquiry.facts, rules) {
            Planned::NeedFacts(names) => inquiry.ask(names).await?,
            // A release whose needs nobody asked for counts as needing nothing. So a plan may turn out too good to be true,
            // and is made again when they are known; it can't be too bad.
            Planned::Plan(plan) => match inquiry.needs_unasked(&plan) {
                names if names.is_empty() => {
                    let needs_unknown = inquiry.needs_unknown_in(&plan);
                    return Ok(Determined { plan, facts: inquiry.facts, needs_unknown, passing: inquiry.passing });
                }
                names => inquiry.ask(names).await?,
            },
        }
    }
    Err(AgentError::broken(format!("the plan still asks for facts after {ROUNDS_MAX} rounds")))
}

/// What was asked so far.
struct Inquiry<'a> {
    env: &'a Environment,
    graph: &'a DependencyGraph,
    addresses: &'a ProjectAddresses,
    facts: Facts,
    /// Versions whose needs were asked for, by package. npm tells those of all versions unasked.
    needs_asked: BTreeMap<String, BTreeSet<String>>,
    /// Releases whose needs the registry does not tell, with the reason.
    needs_unknown: BTreeMap<(String, String), String>,
    passing: Option<String>,
}

impl Inquiry<'_> {
    async fn ask(&mut self, names: BTreeSet<String>) -> Result<(), AgentError> {
        let ecosystem = self.graph.ecosystem;
        if ecosystem != Ecosystem::Npm {
            for package in &self.graph.packages {
                let name = pipeline::advisory::normalised_name(ecosystem, &package.name);
                if names.contains(name.as_ref()) {
                    self.needs_asked.entry(name.into_owned()).or_default().insert(package.version.clone());
                }
            }
        }
        // No version: every version may be chosen, so every advisory on the package counts.
        let wanted: Vec<Package<'_>> = names.iter().map(|name| (ecosystem, name.as_str(), "")).collect();
        let advisories = self.env.advisories.advisories_of(&wanted, self.env.clock.now()).await;
        let answers = join_all(names.iter().map(|name| async {
            let needs: Vec<String> = self.needs_asked.get(name).into_iter().flatten().cloned().collect();
            self.env.registries.facts(ecosystem, name, &needs, self.addresses).await
        }))
        .await;
        for (name, answer) in names.into_iter().zip(answers) {
            let mut known = match answer {
                Ok(answer) => {
                    let unknown = answer.needs_unknown.into_iter();
                    self.needs_unknown.extend(unknown.map(|(version, reason)| ((name.clone(), version), reason)));
                    answer.facts
                }
                Err(Unavailable::TryLater { address, reason, retry_after_s }) => {
                    let wait =
                        retry_after_s.and_then(|seconds| i64::try_from(seconds).ok()).map(SignedDuration::from_secs);
                    let not_before = wait.and_then(|wait| self.env.clock.now().saturating_add(wait).ok());
                    return Err(AgentError::TryLater {
                        reason: format!("{address} can't answer now ({reason})"),
                        not_before,
                    });
                }
                Err(reason) => {
                    if reason.is_passing() {
                        self.passing = Some(reason.to_string());
                    }
                    PackageFacts { unavailable: Some(reason.to_string()), ..PackageFacts::default() }
                }
            };
            match advisories.of(ecosystem, &name) {
                Ok(known_bad) => known.advisories = known_bad.to_vec(),
                // Which versions are good can't be told, so none may be chosen.
                Err(reason) => {
                    let reason = format!("advisories on {name}: {reason}");
                    if self.env.advisories.is_remote() {
                        self.passing = Some(reason.clone());
                    }
                    known.unavailable = Some(reason);
                }
            }
            self.facts.packages.insert(name, known);
        }
        Ok(())
    }

    /// Packages of `plan` that get a version whose needs nobody asked for yet. They count as asked from now on.
    fn needs_unasked(&mut self, plan: &Plan) -> BTreeSet<String> {
        if self.graph.ecosystem == Ecosystem::Npm {
            return BTreeSet::new();
        }
        let mut unasked = BTreeSet::new();
        for change in &plan.changes {
            let (name, version) = match change {
                Change::Update { name, to, .. } => (name, to),
                Change::Add { name, version, .. } => (name, version),
                _ => continue,
            };
            let name = pipeline::advisory::normalised_name(self.graph.ecosystem, name).into_owned();
            if self.needs_asked.entry(name.clone()).or_default().insert(version.clone()) {
                unasked.insert(name);
            }
        }
        unasked
    }

    /// Releases whose needs could not be learned, of those that `plan` brings in and of those that stay beside them.
    fn needs_unknown_in(&self, plan: &Plan) -> Vec<String> {
        let ecosystem = self.graph.ecosystem;
        let chosen = plan.changes.iter().filter_map(|change| match change {
            Change::Update { name, to: version, .. } | Change::Add { name, version, .. } => Some((name, version)),
            _ => None,
        });
        let stays = self.graph.packages.iter().map(|package| (&package.name, &package.version));
        let mut unknown: Vec<String> = chosen
            .chain(stays)
            .map(|(name, version)| (pipeline::advisory::normalised_name(ecosystem, name).into_owned(), version.clone()))
            .filter(|release| self.needs_unknown.contains_key(release))
            .map(|(name, version)| format!("{name} {version}"))
            .collect();
        unknown.sort();
        unknown.dedup();
        unknown
    }
}
