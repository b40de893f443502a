//! `dependency.scan`: manifests and lockfiles in, graphs out; graphs against advisories, findings out.

pub mod matching;
pub mod npm;
pub mod pip;

use crate::source_tree::SourceTree;
use pipeline::dependency::DependencyGraph;
use pipeline::finding::ScanError;
use pipeline::version::Ecosystem;

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

/// Files that those of `tree` include under names that [`wants`] does not know. Read them and ask again.
pub fn unread(tree: &SourceTree) -> Vec<String> {
    pip::unread(tree)
}

/// Registries that the files of a project name, outermost first.
pub fn index_urls(tree: &SourceTree, graph: &DependencyGraph) -> Vec<String> {
    match graph.ecosystem {
        Ecosystem::PyPI => pip::index_urls(tree, graph),
        _ => Vec::new(),
    }
}

/// Where manifest and lockfile of a project contradict each other or themselves.
pub fn problems(tree: &SourceTree, graph: &DependencyGraph) -> Vec<String> {
    match graph.ecosystem {
        Ecosystem::Npm => {
            let mut problems = npm::consistency::problems(graph);
            problems.extend(npm::consistency::disagreements(tree, graph));
            problems
        }
        Ecosystem::PyPI => pip::consistency::problems(graph),
        _ => Vec::new(),
    }
}
