//! Workspaces, links, and packages that are not from the registry.

use super::told;

#[test]
fn workspaces_ask_for_themselves() {
    let root = r#"{ "name": "root", "workspaces": ["packages/*"], "devDependencies": { "tool": "file:tools/t", "b": "*" } }"#;
    let a = "{ \"name\": \"a\", \"dependencies\": {\n \"b\": \"^1.0.0\", \"x\": \"^1.0.0\" },\n \"devDependencies\": {\n \"y\": \"1.0.0\" } }";
    let lock = r#"{ "lockfileVersion": 3, "packages": {
      "": { "workspaces": ["packages/*"], "devDependencies": { "tool": "file:tools/t", "b": "*" } },
      "node_modules/a": { "resolved": "packages/a", "link": true },
      "node_modules/b": { "resolved": "packages/b", "link": true },
      "node_modules/tool": { "resolved": "tools/t", "link": true },
      "node_modules/x": { "version": "2.0.0" },
      "node_modules/y": { "version": "1.0.0" },
      "node_modules/z": { "version": "1.0.0" },
      "packages/a": { "version": "1.0.0", "dependencies": { "stale": "1" } },
      "packages/a/node_modules/x": { "version": "1.0.0", "dependencies": { "x": "^2.0.0" } },
      "packages/b": { "name": "b", "version": "1.2.0", "dependencies": { "x": "^2.0.0" } },
      "tools/t": { "name": "tool", "version": "0.1.0", "dependencies": { "z": "1.0.0" } }
    } }"#;
    insta::assert_snapshot!(told(&[("package.json", root), ("packages/a/package.json", a), ("package-lock.json", lock)]));
}

#[test]
fn links_of_version_1_hold_what_is_under_them() {
    let root = r#"{ "dependencies": { "a": "file:packages/a", "t": "file:t.tgz" } }"#;
    let lock = r#"{ "lockfileVersion": 1, "requires": true, "dependencies": {
      "a": { "version": "file:packages/a", "requires": { "x": "^1.0.0" }, "dependencies": { "x": { "version": "1.0.0" } } },
      "t": { "version": "file:t.tgz", "integrity": "sha512-x" },
      "x": { "version": "2.0.0" }
    } }"#;
    insta::assert_snapshot!(told(&[("package.json", root), ("package-lock.json", lock)]));
}

#[test]
fn what_no_registry_knows_is_said_to_be_from_elsewhere() {
    let root = r#"{ "dependencies": { "g": "user/g#semver:^1", "u": "https://host.example/u/-/u-1.0.0.tgz", "r": "1.0.0", "n": "1.0.0" } }"#;
    let lock = r#"{ "lockfileVersion": 3, "packages": {
      "node_modules/g": { "version": "1.0.0", "resolved": "git+ssh://git@host.example/user/g.git#0123" },
      "node_modules/u": { "version": "1.0.0", "resolved": "https://host.example/u/-/u-1.0.0.tgz" },
      "node_modules/r": { "version": "1.0.0", "resolved": "https://registry.example/r/-/r-1.0.0.tgz" },
      "node_modules/n": { "version": "1.0.0" }
    } }"#;
    insta::assert_snapshot!(told(&[("package.json", root), ("package-lock.json", lock)]));
}

#[test]
fn what_the_project_itself_bundles_is_from_the_registry() {
    let root = r#"{ "dependencies": { "a": "1.0.0" }, "bundleDependencies": ["a"] }"#;
    let lock = r#"{ "lockfileVersion": 3, "packages": {
      "node_modules/a": { "version": "1.0.0", "inBundle": true, "dependencies": { "b": "1" } },
      "node_modules/a/node_modules/b": { "version": "1.0.0", "inBundle": true },
      "node_modules/c": { "version": "1.0.0", "dependencies": { "d": "1" }, "bundleDependencies": ["d"] },
      "node_modules/c/node_modules/d": { "version": "1.0.0", "inBundle": true, "dependencies": { "e": "1" } },
      "node_modules/c/node_modules/e": { "version": "1.0.0", "inBundle": true }
    } }"#;
    insta::assert_snapshot!(told(&[("package.json", root), ("package-lock.json", lock)]));
}
