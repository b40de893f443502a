//! Where the files of one installation contradict each other, so that pip would refuse them.

use super::names::normalised;
use pipeline::dependency::{DependencyGraph, Package, Source};
use std::collections::BTreeMap;

/// What pip would refuse: two pins of one package, and in an installation with hashes a pin without.
///
/// Two pins with different markers may never meet; they are told all the same, for only what is new counts in a proof.
pub fn problems(graph: &DependencyGraph) -> Vec<String> {
    let mut pins: BTreeMap<String, Vec<&Package>> = BTreeMap::new();
    for package in graph.packages.iter().filter(|package| !package.version.is_empty()) {
        pins.entry(normalised(&package.name)).or_default().push(package);
    }
    let mut problems = Vec::new();
    for (name, pinned) in &pins {
        if pinned.iter().any(|other| other.version != pinned[0].version) {
            // Neither versions nor lines: a problem that was there before is to be known again.
            problems.push(format!("{name} is pinned to more than one version"));
        }
    }
    if graph.packages.iter().any(|package| !package.hashes.is_empty()) {
        let bare = graph.packages.iter().filter(|package| package.direct && package.hashes.is_empty());
        problems.extend(
            bare.filter(|package| matches!(package.source, Source::Registry(_)))
                .map(|package| format!("{} in {} has no hash, but others have", package.name, package.path)),
        );
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dependency::pip::graphs;
    use crate::source_tree::SourceTree;

    fn check(text: &str, expect: &[&str]) {
        let tree: SourceTree = [("requirements.txt", text)].into_iter().collect();
        let (graphs, _) = graphs(&tree);
        let found: Vec<String> = graphs.iter().flat_map(problems).collect();
        assert_eq!(found, expect, "{text}");
    }

    #[test]
    fn what_pip_refuses_is_a_problem() {
        let hash = format!("--hash=sha256:{}", "a".repeat(64));
        check("a==1\nb==2\n", &[]);
        check("a==1\nA==2\n", &["a is pinned to more than one version"]);
        check(&format!("a==1 {hash}\nb==2 {hash}\n"), &[]);
        check(&format!("a==1 {hash}\nb==2\n"), &["b in requirements.txt has no hash, but others have"]);
    }
}
