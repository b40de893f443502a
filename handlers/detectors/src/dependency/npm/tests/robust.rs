//! Foreign bytes: no panic, bounded work.

use super::read;
use crate::dependency::npm::consistency::problems;
use crate::dependency::npm::file_errors::ERRORS_MAX;
use crate::dependency::npm::graphs;
use crate::dependency::npm::manifest::MANIFEST_BYTES_MAX;
use crate::source_tree::SourceTree;
use proptest::prelude::*;
use std::fmt::Write;

/// Members that bear on dependencies, and values of every kind, so that arbitrary JSON gets far.
fn json(depth: u32) -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "",
        "a",
        "b",
        "node_modules/a",
        "node_modules/a/node_modules/b",
        "node_modules/@s/c",
        "packages/a",
        "../x",
        "link",
        "resolved",
        "version",
        "name",
        "dependencies",
        "devDependencies",
        "optionalDependencies",
        "peerDependencies",
        "peerDependenciesMeta",
        "optional",
        "dev",
        "inBundle",
        "bundled",
        "requires",
        "packages",
        "overrides",
        "workspaces",
        "1.0.0",
        "^1",
        "npm:b@1",
        "npm:@",
        "$a",
        "a@^1",
        "file:packages/a",
        "git+ssh://x",
        ".",
        "node_modules/",
        "\\u0061",
    ]);
    let key = word.clone();
    let leaf = prop_oneof![
        4 => word.prop_map(|word| format!("\"{word}\"")),
        1 => prop::sample::select(vec!["1", "-1.5", "true", "false", "null", "[]", "{}"]).prop_map(str::to_owned),
    ];
    let below = key.clone();
    let value = leaf.prop_recursive(depth, 64, 6, move |inner| map_of(below.clone(), inner));
    map_of(key, value.boxed())
}

/// Names and what is asked for.
fn needs() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["a", "b", "@s/c", "w", "x"]);
    let asked = prop::sample::select(vec!["1.0.0", "^1", "npm:b@1", "file:w", "user/x", "", "latest"]);
    map_of(name, asked.prop_map(|asked| format!("\"{asked}\"")).boxed())
}

/// An entry that is mostly as npm would write it, in either version: with a nested tree below it.
fn entry() -> impl Strategy<Value = String> {
    let member = prop_oneof![
        prop::sample::select(vec![
            "\"version\": \"1.0.0\"",
            "\"version\": \"file:w\"",
            "\"version\": \"npm:b@1.0.0\"",
            "\"name\": \"b\"",
            "\"resolved\": \"w\"",
            "\"link\": true",
            "\"inBundle\": true",
            "\"bundled\": true",
            "\"dev\": true",
            "\"optional\": true",
        ])
        .prop_map(str::to_owned),
        (
            prop::sample::select(vec!["requires", "optionalDependencies", "peerDependencies", "devDependencies"]),
            needs()
        )
            .prop_map(|(key, needs)| format!("\"{key}\": {needs}")),
        needs().prop_map(|needs| format!("\"dependencies\": {needs}")),
        json(1).prop_map(|value| format!("\"dependencies\": {value}")),
    ];
    prop::collection::vec(member, 0..5).prop_map(|members| format!("{{ {} }}", members.join(", ")))
}

/// Entries by place (of `packages`) or by name (of a tree).
fn entries() -> impl Strategy<Value = String> {
    let place = prop::sample::select(vec![
        "",
        "node_modules/a",
        "node_modules/b",
        "node_modules/@s/c",
        "node_modules/w",
        "node_modules/x",
        "w",
        "w/node_modules/a",
        "node_modules/a/node_modules/b",
        "node_modules/b/node_modules/a",
        "node_modules/a/node_modules/x",
        "../x",
        "a",
        "b",
        "x",
    ]);
    map_of(place, entry().boxed())
}

fn map_of(key: prop::sample::Select<&'static str>, value: BoxedStrategy<String>) -> impl Strategy<Value = String> {
    prop::collection::vec((key, value), 0..10).prop_map(|members| {
        let members: Vec<String> = members.iter().map(|(key, value)| format!("\"{key}\": {value}")).collect();
        format!("{{ {} }}", members.join(",\n"))
    })
}

fn object(members: Vec<(&'static str, String)>) -> String {
    let members: Vec<String> = members.iter().map(|(key, value)| format!("\"{key}\": {value}")).collect();
    format!("{{ {} }}", members.join(","))
}

proptest! {
    #[test]
    fn arbitrary_json_is_read_or_told(
        asked in needs(), overrides in prop_oneof![json(2).boxed(), needs().boxed()],
        body in prop_oneof![4 => entries().boxed(), 1 => json(5).boxed()], old in any::<bool>(),
    ) {
        let manifest = object(vec![("dependencies", asked), ("overrides", overrides), ("workspaces", "[]".to_owned())]);
        let lock = object(vec![(if old { "dependencies" } else { "packages" }, body)]);
        let (graphs, errors) = read(&[("package.json", &manifest), ("package-lock.json", &lock)]);
        if errors.iter().any(|error| error.message.contains("again and again")) {
            return Ok(());
        }
        prop_assert_eq!(graphs.len(), 1);
        prop_assert!(errors.iter().all(|error| error.line != Some(0)));
        for graph in &graphs {
            let places: std::collections::HashSet<_> = graph.packages.iter().map(|package| &package.place).collect();
            prop_assert_eq!(places.len(), graph.packages.len());
            let needs = graph.packages.iter().flat_map(|package| &package.dependencies).chain(&graph.direct);
            prop_assert!(needs.filter_map(|need| need.to).all(|to| to < graph.packages.len()));
            prop_assert!(graph.packages.iter().all(|package| package.via.last() == Some(&package.name)));
            problems(graph);
        }
    }

    #[test]
    fn arbitrary_bytes_are_read_or_told(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let tree: SourceTree = [("package.json", bytes.clone()), ("package-lock.json", bytes)].into_iter().collect();
        graphs(&tree);
    }

    #[test]
    fn damaged_lockfiles_are_read_or_told(at in 0usize..2000, cut in 0usize..40, put in "[\\[\\]{}\",:a1\\\\/@^ \n]{0,4}") {
        let mut text = chain(20);
        let at = at.min(text.len());
        text.replace_range(at..(at + cut).min(text.len()), &put);
        let (graphs, errors) = read(&[("package.json", r#"{ "dependencies": { "p0": "1" } }"#), ("package-lock.json", &text)]);
        prop_assert!(!graphs.is_empty());
        prop_assert!(graphs[0].packages.len() > 1 || !errors.is_empty());
    }
}

/// A lockfile in which each of `length` packages needs the next.
fn chain(length: usize) -> String {
    let mut lock = "{ \"packages\": { \"\": {}".to_owned();
    for at in 0..length {
        write!(
            lock,
            ",\n\"node_modules/p{at}\": {{ \"version\": \"1.0.0\", \"dependencies\": {{ \"p{}\": \"1\" }} }}",
            at + 1
        )
        .unwrap();
    }
    lock + "} }"
}

#[test]
fn a_long_chain_has_its_middle_left_out_of_the_path() {
    let (graphs, _) =
        read(&[("package.json", r#"{ "dependencies": { "p0": "1" } }"#), ("package-lock.json", &chain(5000))]);
    let via = &graphs[0].packages[4999].via;
    assert_eq!((via.len(), via[0].as_str(), via[1].as_str(), via[63].as_str()), (64, "p0", "p4937", "p4999"));
    assert_eq!(graphs[0].packages[1].via, ["p0", "p1"]);
}

#[test]
fn bombs_are_refused_with_their_line() {
    let deep = |open: &str, close: &str, times: usize| open.repeat(times) + "1" + &close.repeat(times);
    let nested = format!(
        "{{ \"dependencies\":\n{{ {} }} }}",
        deep("\"a\": { \"dependencies\": { ", "} }", 1000).replace('1', "")
    );
    let skipped = format!("{{ \"x\": {} }}", deep("[", "]", 100_000));
    let many = format!("{{ \"packages\": {{ \"{}a\": {{}} }} }}", "node_modules/".repeat(400));
    let long = format!("{{ \"packages\": {{ \"node_modules/{}\": {{}} }} }}", "a".repeat(300));
    let expected = [
        (nested, "recursion limit exceeded"),
        (many, "over the limit of 4096 bytes in a place"),
        (long, "over the limit of 256 bytes in a name"),
    ];
    for (lock, expect) in &expected {
        let (graphs, errors) = read(&[("package.json", "{}"), ("package-lock.json", lock)]);
        assert!(errors.len() == 1 && errors[0].message.contains(expect), "{errors:?}");
        assert!(graphs.iter().all(|graph| graph.packages.is_empty()));
    }
    let (_, errors) = read(&[("package.json", "{}"), ("package-lock.json", &skipped)]);
    assert_eq!(errors, [], "what is passed over may be as deep as it likes");
}

#[test]
fn bad_members_of_one_file_are_counted_after_the_first() {
    let entries: String = (0..500).map(|at| format!(",\n\"node_modules/p{at}\": 1")).collect();
    let old: String = (0..500).map(|at| format!("\n\"p{at}\": 1,")).collect();
    let lock = format!("{{ \"packages\": {{ \"\": {{}}{entries} }} }}");
    let old = format!("{{ \"dependencies\": {{ {old} \"p\": {{}} }} }}");
    for lock in [&lock, &old] {
        let (_, errors) = read(&[("package.json", "{}"), ("package-lock.json", lock)]);
        assert_eq!(errors.len(), ERRORS_MAX + 1, "{errors:?}");
        let last = &errors[ERRORS_MAX];
        assert_eq!(
            (last.line, last.message.as_str()),
            (Some(22), "480 more members from here on are not what they should be")
        );
    }
    let asked: String = (0..500).map(|at| format!("\n\"p{at}\": 1,")).collect();
    let (_, errors) = read(&[("package.json", &format!("{{ \"dependencies\": {{ {asked} \"p\": \"1\" }} }}"))]);
    assert_eq!(errors.iter().filter(|error| error.line.is_some()).count(), ERRORS_MAX + 1, "{errors:?}");
}

#[test]
fn sections_written_again_and_again_are_refused() {
    let section = "\"dependencies\": { \"a\": \"1\" },\n";
    let check = |times: usize, is_read: bool| {
        let manifest = format!("{{ {} \"name\": \"x\" }}", section.repeat(times));
        let (graphs, errors) = read(&[("package.json", &manifest)]);
        assert_eq!(graphs.len(), usize::from(is_read), "{errors:?}");
        let refused = errors.iter().filter(|error| error.message.contains("again and again")).count();
        assert_eq!(refused, usize::from(!is_read), "{errors:?}");
    };
    check(1, true);
    check(3, true);
    check(4, false);
    check(20_000, false);
}

#[test]
fn a_manifest_over_the_limit_is_not_read() {
    let manifest =
        format!("{{ \"dependencies\": {{ \"a\": \"1.0.0\" }}, \"x\": \"{}\" }}", "x".repeat(MANIFEST_BYTES_MAX));
    let (graphs, errors) = read(&[("package.json", &manifest)]);
    assert!(
        graphs.is_empty() && errors.len() == 1 && errors[0].message.contains("over the limit of 4194304"),
        "{errors:?}"
    );
}
