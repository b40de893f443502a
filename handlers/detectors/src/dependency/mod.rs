//! `dependency.scan`: manifests and lockfiles in, graphs out; graphs against advisories, findings out.

pub mod matching;
pub mod npm;
pub mod pip;

use crate::source_tree::SourceTree;
use pipeline::dependency::DependencyGraph;
use pipeline::finding::ScanError;

/// The dependencies of every project in `tree`, and what could not be read.
pub fn graphs(tree: &SourceTree) -> (Vec<DependencyGraph>, Vec<ScanError>) {
    let (mut graphs, mut errors) = npm::graphs(tree);
    let (of_pip, errors_of_pip) = pip::graphs(tree);
    graphs.extend(of_pip);
    errors.extend(errors_of_pip);
    (graphs, errors)
}

/// Whether the file at `path` is read for [`graphs`].
pub fn wants(path: &str) -> bool {
    npm::wants(path) || pip::wants(path)
}

/// Where manifest and lockfile of a project contradict each other or themselves.
pub fn problems(graph: &DependencyGraph) -> Vec<String> {
    match graph.ecosystem {
        pipeline::version::Ecosystem::Npm => npm::consistency::problems(graph),
        _ => Vec::new(),
    }
}
