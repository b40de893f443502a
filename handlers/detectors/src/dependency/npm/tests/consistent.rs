//! What npm would refuse or repair.

use crate::dependency::npm::consistency::{disagreements, problems};
use crate::dependency::npm::graphs;
use crate::source_tree::SourceTree;

const MANIFEST: &str = r#"{ "dependencies": { "a": "^1.0.0" } }"#;

/// The problems of a lockfile with the root need `a@^1.0.0` and these entries.
fn check(entries: &str, expect: &[&str]) {
    let lock = format!(r#"{{ "packages": {{ "": {{ "dependencies": {{ "a": "^1.0.0" }} }}, {entries} }} }}"#);
    let tree: SourceTree = [("package.json", MANIFEST), ("package-lock.json", &lock)].into_iter().collect();
    assert_eq!(problems(&graphs(&tree).0[0]), expect);
}

#[test]
fn what_does_not_hold_together_is_told() {
    check(r#""node_modules/a": { "version": "1.1.0" }"#, &[]);
    check(r#""node_modules/a": { "version": "2.0.0" }"#, &["package.json: needs a@^1.0.0, but has a@2.0.0"]);
    check(r#""node_modules/a": { "version": "1.0.0-rc.1" }"#, &["package.json: needs a@^1.0.0, but has a@1.0.0-rc.1"]);
    check(
        r#""node_modules/a": { "version": "1.0.0", "dependencies": { "b": "1" } }, "node_modules/c": { "version": "1.0.0" }"#,
        &["node_modules/a: needs b@1, which is not there", "node_modules/c: nothing needs it"],
    );
    check(r#""node_modules/a": { "version": "1.0.0", "optionalDependencies": { "b": "1" } }"#, &[]);
    check(
        r#""node_modules/a": { "version": "1.0.0", "peerDependencies": { "b": "1" }, "peerDependenciesMeta": { "b": { "optional": true } } }"#,
        &[],
    );
    check(
        r#""node_modules/a": { "version": "1.0.0", "dependencies": { "b": "npm:c@^1" } }, "node_modules/b": { "name": "d", "version": "1.0.0" }"#,
        &["node_modules/a: needs b@npm:c@^1, but has d@1.0.0"],
    );
    check(
        r#""node_modules/a": { "version": "1.0.0" }, "node_modules/w": { "resolved": "w", "link": true }"#,
        &["node_modules/w: leads to w, which is not there"],
    );
    check(
        r#""node_modules/a": { "version": "1.0.0", "dependencies": { "w": "^2.0.0" } },
           "node_modules/w": { "resolved": "w", "link": true }, "w": { "version": "1.0.0" }"#,
        &["node_modules/a: needs w@^2.0.0, but has w@1.0.0"],
    );
}

#[test]
fn manifest_and_lockfile_are_compared_need_by_need() {
    let lock = r#"{ "packages": { "": { "dependencies": { "a": "^1.0.1" }, "devDependencies": { "b": "1" } },
        "node_modules/a": { "version": "1.1.0" } } }"#;
    let tree: SourceTree = [("package.json", MANIFEST), ("package-lock.json", lock)].into_iter().collect();
    assert_eq!(
        disagreements(&tree, &graphs(&tree).0[0]),
        [
            "a (prod): package.json asks for `^1.0.0`, package-lock.json asks for `^1.0.1`",
            "b (dev): package.json does not ask for it, package-lock.json asks for `1`",
        ]
    );
}
