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
    check(
        r#""node_modules/a": { "version": "2.0.0" }"#,
        &["package.json: needs a@^1.0.0, which node_modules/a is not"],
    );
    check(
        r#""node_modules/a": { "version": "1.0.0-rc.1" }"#,
        &["package.json: needs a@^1.0.0, which node_modules/a is not"],
    );
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
        &["node_modules/a: needs b@npm:c@^1, which node_modules/b is not"],
    );
    check(
        r#""node_modules/a": { "version": "1.0.0" }, "node_modules/w": { "resolved": "w", "link": true }"#,
        &["node_modules/w: leads to w, which is not there"],
    );
    check(
        r#""node_modules/a": { "version": "1.0.0", "dependencies": { "w": "^2.0.0" } },
           "node_modules/w": { "resolved": "w", "link": true }, "w": { "version": "1.0.0" }"#,
        &["node_modules/a: needs w@^2.0.0, which node_modules/w is not"],
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

#[test]
fn secrets_in_addresses_are_in_no_message() {
    let manifest = r#"{ "dependencies": { "a": "git+https://t0ken@host.example/a", "b": "1", "c": "https://me:t0ken@host.example/c.tgz" },
        "overrides": { "b": "git+https://t0ken@host.example/b" } }"#;
    let lock = r#"{ "packages": { "": { "dependencies": { "a": "git+https://t0ken@host.example/b", "b": "1" } },
        "node_modules/b": { "version": "1.0.0" }, "node_modules/x": { "link": true, "resolved": "https://t0ken@host.example/x" } } }"#;
    let tree: SourceTree = [("package.json", manifest), ("package-lock.json", lock)].into_iter().collect();
    let (graphs, errors) = graphs(&tree);
    let told: Vec<String> = errors.into_iter().map(|error| error.message).collect();
    let told = [told, problems(&graphs[0]), disagreements(&tree, &graphs[0])];
    assert!(told.iter().all(|told| told.iter().any(|message| message.contains("host.example"))), "{told:#?}");
    assert!(!told.concat().join(" ").contains("t0ken"), "{told:#?}");
    let refused = r#"{ "dependencies": { "b": "1" }, "overrides": { "b@https://t0ken@host.example/b": 1 } }"#;
    let tree: SourceTree = [("package.json", refused), ("package-lock.json", lock)].into_iter().collect();
    let (_, errors) = crate::dependency::npm::graphs(&tree);
    assert!(errors.iter().any(|error| error.message.contains("neither")), "{errors:?}");
    assert!(errors.iter().all(|error| !error.message.contains("t0ken")), "{errors:?}");
}
