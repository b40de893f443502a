//! What whole trees become.

mod consistent;
mod layouts;
mod lockfiles;
mod manifests;
mod overridden;
mod real;
mod robust;

use crate::dependency::npm::graphs;
use crate::source_tree::SourceTree;
use pipeline::dependency::{DependencyGraph, Source};
use pipeline::finding::ScanError;
use std::fmt::Write;

/// The graphs of `files` and the errors, one line each:
/// `place name@version scope [direct] via > path: needs`, then `direct …`.
pub(super) fn told(files: &[(&str, &str)]) -> String {
    let (graphs, errors) = read(files);
    let mut out = String::new();
    for graph in &graphs {
        tell(graph, &mut out);
    }
    for error in &errors {
        let line = error.line.map(|line| format!(":{line}")).unwrap_or_default();
        writeln!(out, "! {}{line} {}", error.path, error.message).unwrap();
    }
    out
}

pub(super) fn read(files: &[(&str, &str)]) -> (Vec<DependencyGraph>, Vec<ScanError>) {
    let tree: SourceTree = files.iter().map(|(path, text)| (*path, *text)).collect();
    graphs(&tree)
}

fn tell(graph: &DependencyGraph, out: &mut String) {
    let lockfile = graph.lockfile.as_deref().unwrap_or("-");
    let read_only = graph.read_only.as_ref().map(|why| format!(" read-only: {why}")).unwrap_or_default();
    writeln!(out, "{} {lockfile}{read_only}", graph.manifest).unwrap();
    let answer = |to: Option<usize>| to.map_or("?", |to| graph.packages[to].place.as_str()).to_owned();
    for need in &graph.direct {
        let written = need.written.as_ref().unwrap();
        let (name, asked, to) = (&need.name, &need.requirement, answer(need.to));
        writeln!(out, "  {}:{} {:?} {name}@{asked} -> {to}", written.path, written.line, need.kind).unwrap();
    }
    for package in &graph.packages {
        let source = match &package.source {
            Source::Registry(_) => String::new(),
            other => format!(" {other:?}"),
        };
        let direct = if package.direct { " direct" } else { "" };
        let (place, name, version, line) = (&package.place, &package.name, &package.version, package.line);
        write!(
            out,
            "  {line} {place} {name}@{version} {}{direct}{source} via {}",
            package.scope,
            package.via.join(" > ")
        )
        .unwrap();
        for need in &package.dependencies {
            write!(out, "; {:?} {}@{} -> {}", need.kind, need.name, need.requirement, answer(need.to)).unwrap();
        }
        out.push('\n');
    }
}
