//! Lockfiles of real projects.

use crate::dependency::npm::{consistency, graphs};
use crate::source_tree::SourceTree;
use pipeline::dependency::Source;
use pipeline::finding::Scope;

fn shared(path: &str) -> Option<Vec<u8>> {
    #[expect(clippy::disallowed_methods, reason = "tests find the shared folder by it")]
    let root = std::env::var("SUTURE_TEST_SHARED")
        .unwrap_or(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").to_owned());
    std::fs::read(format!("{root}/{path}")).ok()
}

/// Needs of all packages, and packages by scope: as npm 11 loads the same lockfile.
const NEEDS: usize = 2259;
const SCOPES: [usize; 3] = [395, 68, 1016];

#[test]
fn nodegoat_is_read_whole() {
    let files = ["package.json", "package-lock.json"];
    let read: Option<Vec<_>> =
        files.iter().map(|file| Some((*file, shared(&format!("repositories/nodegoat/{file}"))?))).collect();
    let Some(read) = read else {
        println!("skipped: the shared repositories are not there");
        return;
    };
    let tree: SourceTree = read.into_iter().collect();
    let (graphs, errors) = graphs(&tree);
    assert_eq!(errors, []);
    let graph = &graphs[0];
    let count = |scope| graph.packages.iter().filter(|package| package.scope == scope).count();
    let needs: usize = graph.packages.iter().map(|package| package.dependencies.len()).sum();
    assert_eq!((graph.packages.len(), graph.direct.len(), needs), (1479, 36, NEEDS));
    assert_eq!([Scope::Prod, Scope::Optional, Scope::Dev].map(count), SCOPES);
    assert_eq!(consistency::problems(graph), [""; 0]);
    assert_eq!(consistency::disagreements(&tree, graph), [""; 0]);
    let others: Vec<_> = graph.packages.iter().filter(|package| matches!(package.source, Source::Other(_))).collect();
    assert_eq!(others.iter().map(|package| package.name.as_str()).collect::<Vec<_>>(), ["grunt-if"]);
    let first = &graph.packages[0];
    assert_eq!((first.name.as_str(), first.line), ("@cypress/listr-verbose-renderer", 52));
}
