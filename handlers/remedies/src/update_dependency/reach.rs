//! How far a plan reaches beyond what the project asked for.

use pipeline::decision::Reach;
use pipeline::dependency::DependencyGraph;
use pipeline::patch::{Change, Plan};
use pipeline::version::{Ecosystem, Version};

/// The furthest that any change of `plan` reaches.
pub fn reach(graph: &DependencyGraph, plan: &Plan) -> Reach {
    let is_direct = |place: &str| graph.packages.iter().any(|package| package.place == place && package.direct);
    let is_forced = |name: &str| {
        plan.changes.iter().any(|change| matches!(change, Change::Override { name: forced, .. } if forced == name))
    };
    let of_change = |change: &Change| match change {
        Change::Override { .. } => Reach::Override,
        Change::Update { place, name, from, to }
            if (is_direct(place) || is_forced(name)) && is_breaking(graph.ecosystem, from, to) =>
        {
            Reach::Breaking
        }
        Change::Require { .. } => Reach::Manifest,
        // A pin is its own range.
        Change::Update { .. } if graph.ecosystem == Ecosystem::PyPI => Reach::Manifest,
        _ => Reach::InPlace,
    };
    plan.changes.iter().map(of_change).max().unwrap_or(Reach::InPlace)
}

fn is_breaking(ecosystem: Ecosystem, from: &str, to: &str) -> bool {
    match (Version::parse(ecosystem, from), Version::parse(ecosystem, to)) {
        (Ok(from), Ok(to)) => from.change_to(&to).is_breaking(),
        // What can't be compared can't be called compatible.
        _ => true,
    }
}
