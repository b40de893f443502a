//! `dependency.scan`: manifests and lockfiles in, graphs out; graphs against advisories, findings out.

pub mod matching;
pub mod npm;
pub mod pip;

use crate::source_tree::SourceTree;
use pipeline::dependency::{DependencyGraph, Package};
use pipeline::finding::ScanError;
use pipeline::version::Ecosystem;

/// The dependencies of every project in `tree`, and what could not be read.
pub fn graphs(tree: &SourceTree) -> (Vec<DependencyGraph>, Vec<ScanError>) {
    Files::read(tree).projects().into_graphs()
}

/// The manifests and lockfiles of a tree, as read.
pub struct Files<'t> {
    npm: npm::Files<'t>,
    tree: &'t SourceTree,
}

impl<'t> Files<'t> {
    /// Reads those of `tree`.
    pub fn read(tree: &'t SourceTree) -> Self {
        Self { npm: npm::Files::read(tree), tree }
    }

    /// The projects that they make, in the order of their graphs.
    pub fn projects(&self) -> Projects<'_> {
        let (npm, mut errors) = self.npm.projects();
        let (pip, errors_of_pip) = pip::graphs(self.tree);
        errors.extend(errors_of_pip);
        Projects { npm, pip, errors }
    }
}

/// Projects whose needs are resolved. Their graphs are not spelled out yet: who looks for few packages among many does
/// not need them.
pub struct Projects<'f> {
    npm: Vec<npm::Project<'f>>,
    pip: Vec<DependencyGraph>,
    /// What could not be read.
    pub errors: Vec<ScanError>,
}

/// Packages of one project, in the order of its graph; `Dependency::to` is an index into the whole graph.
#[derive(Debug)]
pub struct Excerpt {
    /// Whose packages these are.
    pub ecosystem: Ecosystem,
    /// The packages.
    pub packages: Vec<Package>,
}

impl Projects<'_> {
    /// The graphs, and what could not be read.
    pub fn into_graphs(self) -> (Vec<DependencyGraph>, Vec<ScanError>) {
        let mut errors = self.errors;
        let mut graphs: Vec<_> = self.npm.into_iter().map(|project| project.into_graph(&mut errors)).collect();
        graphs.extend(self.pip);
        (graphs, errors)
    }

    /// How many projects and packages there are.
    pub fn count(&self) -> (usize, usize) {
        let packages =
            self.npm.iter().map(npm::Project::packages_count).chain(self.pip.iter().map(|graph| graph.packages.len()));
        (self.npm.len() + self.pip.len(), packages.sum())
    }

    /// Ecosystem, name and version of every package that advisories can be held against.
    pub fn judged(&self) -> Vec<(Ecosystem, &str, &str)> {
        let mut judged = Vec::with_capacity(self.count().1);
        for project in &self.npm {
            project.judged(|name, version| judged.push((Ecosystem::Npm, name, version)));
        }
        for graph in &self.pip {
            let packages = graph.packages.iter().filter(|package| package.is_judged());
            judged.extend(packages.map(|package| (graph.ecosystem, package.name.as_str(), package.version.as_str())));
        }
        judged
    }

    /// The packages whose name `keep` wants: an excerpt of each graph.
    pub fn excerpts(&self, keep: impl Fn(Ecosystem, &str) -> bool, errors: &mut Vec<ScanError>) -> Vec<Excerpt> {
        let of_npm = self.npm.iter().map(|project| Excerpt {
            ecosystem: Ecosystem::Npm,
            packages: project.packages(|name| keep(Ecosystem::Npm, name), errors),
        });
        let mut excerpts: Vec<_> = of_npm.collect();
        excerpts.extend(self.pip.iter().map(|graph| {
            let packages = graph.packages.iter().filter(|package| keep(graph.ecosystem, &package.name));
            Excerpt { ecosystem: graph.ecosystem, packages: packages.cloned().collect() }
        }));
        excerpts
    }
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
