//! Lockfiles of real projects.

use crate::dependency::npm::{consistency, graphs};
use crate::source_tree::SourceTree;

fn shared(path: &str) -> Option<Vec<u8>> {
    #[expect(clippy::disallowed_methods, reason = "tests find the shared folder by it")]
    let root = std::env::var("SUTURE_TEST_SHARED").unwrap_or(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").to_owned());
    std::fs::read(format!("{root}/{path}")).ok()
}

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
    println!("{errors:?}");
    let graph = &graphs[0];
    println!("{} {}", graph.packages.len(), graph.direct.len());
    for p in consistency::problems(graph) {
        println!("{p}");
    }
}
