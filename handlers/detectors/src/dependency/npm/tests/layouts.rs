//! Workspaces, links, and packages that are not from the registry.

use super::told;

#[test]
fn workspaces_ask_for_themselves() {
    let root =
        r#"{ "name": "root", "workspaces": ["packages/*"], "devDependencies": { "tool": "file:tools/t", "b": "*" } }"#;
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
    insta::assert_snapshot!(told(&[("package.json", root), ("packages/a/package.json", a), ("package-lock.json", lock)]), @r#"
    package.json package-lock.json
      package.json:1 Dev tool@file:tools/t -> node_modules/tool
      package.json:1 Dev b@* -> node_modules/b
      packages/a/package.json:2 Prod b@^1.0.0 -> node_modules/b
      packages/a/package.json:2 Prod x@^1.0.0 -> packages/a/node_modules/x
      packages/a/package.json:4 Dev y@1.0.0 -> node_modules/y
      package-lock.json:11 Prod x@^2.0.0 -> node_modules/x
      package-lock.json:12 Prod z@1.0.0 -> node_modules/z
      3 node_modules/a a@ prod Link("packages/a") via a; Prod a@file:packages/a -> packages/a
      4 node_modules/b b@ prod direct Link("packages/b") via b; Prod b@file:packages/b -> packages/b
      5 node_modules/tool tool@ dev direct Link("tools/t") via tool; Prod tool@file:tools/t -> tools/t
      6 node_modules/x x@2.0.0 prod direct via x
      7 node_modules/y y@1.0.0 dev direct via y
      8 node_modules/z z@1.0.0 dev direct via z
      9 packages/a a@1.0.0 prod Link("packages/a") via a; Prod b@^1.0.0 -> node_modules/b; Prod x@^1.0.0 -> packages/a/node_modules/x; Dev y@1.0.0 -> node_modules/y
      10 packages/a/node_modules/x x@1.0.0 prod direct via x; Prod x@^2.0.0 -> packages/a/node_modules/x
      11 packages/b b@1.2.0 prod Link("packages/b") via b; Prod x@^2.0.0 -> node_modules/x
      12 tools/t tool@0.1.0 dev Link("tools/t") via tool; Prod z@1.0.0 -> node_modules/z
    "#);
}

#[test]
fn links_of_version_1_hold_what_is_under_them() {
    let root = r#"{ "dependencies": { "a": "file:packages/a", "t": "file:t.tgz" } }"#;
    let lock = r#"{ "lockfileVersion": 1, "requires": true, "dependencies": {
      "a": { "version": "file:packages/a", "requires": { "x": "^1.0.0" }, "dependencies": { "x": { "version": "1.0.0" } } },
      "t": { "version": "file:t.tgz", "integrity": "sha512-x" },
      "x": { "version": "2.0.0" }
    } }"#;
    insta::assert_snapshot!(told(&[("package.json", root), ("package-lock.json", lock)]), @r#"
    package.json package-lock.json
      package.json:1 Prod a@file:packages/a -> node_modules/a
      package.json:1 Prod t@file:t.tgz -> node_modules/t
      package-lock.json:2 Prod x@^1.0.0 -> packages/a/node_modules/x
      2 node_modules/a a@ prod direct Link("packages/a") via a; Prod a@file:packages/a -> packages/a
      2 packages/a a@ prod Link("packages/a") via a; Prod x@^1.0.0 -> packages/a/node_modules/x
      2 packages/a/node_modules/x x@1.0.0 prod direct via x
      3 node_modules/t t@ prod direct Other("file:t.tgz") via t
      4 node_modules/x x@2.0.0 prod via x
    "#);
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
    insta::assert_snapshot!(told(&[("package.json", root), ("package-lock.json", lock)]), @r#"
    package.json package-lock.json
      package.json:1 Prod g@user/g#semver:^1 -> node_modules/g
      package.json:1 Prod u@https://host.example/u/-/u-1.0.0.tgz -> node_modules/u
      package.json:1 Prod r@1.0.0 -> node_modules/r
      package.json:1 Prod n@1.0.0 -> node_modules/n
      2 node_modules/g g@1.0.0 prod direct Other("git+ssh://git@host.example/user/g.git#0123") via g
      3 node_modules/u u@1.0.0 prod direct Other("https://host.example/u/-/u-1.0.0.tgz") via u
      4 node_modules/r r@1.0.0 prod direct via r
      5 node_modules/n n@1.0.0 prod direct via n
    "#);
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
    insta::assert_snapshot!(told(&[("package.json", root), ("package-lock.json", lock)]), @r#"
    package.json package-lock.json
      package.json:1 Prod a@1.0.0 -> node_modules/a
      2 node_modules/a a@1.0.0 prod direct via a; Prod b@1 -> node_modules/a/node_modules/b
      3 node_modules/a/node_modules/b b@1.0.0 prod via a > b
      4 node_modules/c c@1.0.0 prod via c; Prod d@1 -> node_modules/c/node_modules/d
      5 node_modules/c/node_modules/d d@1.0.0 prod Bundled via d; Prod e@1 -> node_modules/c/node_modules/e
      6 node_modules/c/node_modules/e e@1.0.0 prod Bundled via e
    "#);
}

#[test]
fn archives_from_elsewhere_are_not_judged_for_no_registry_knows_them() {
    let manifest = r#"{ "dependencies": { "a": "git+https://host.example/a.git", "b": "https://host.example/b.tgz", "c": "1.0.0" } }"#;
    let lock = r#"{ "packages": {
        "node_modules/a": { "version": "1.0.0", "resolved": "git+https://host.example/a.git#c0ffee" },
        "node_modules/b": { "version": "1.0.0", "resolved": "https://host.example/b.tgz" },
        "node_modules/c": { "version": "1.0.0" } } }"#;
    for files in [&[("package.json", manifest), ("package-lock.json", lock)][..], &[("package.json", manifest)]] {
        let (graphs, _) = super::read(files);
        let judged: Vec<_> =
            graphs[0].packages.iter().filter(|package| package.is_judged()).map(|package| &*package.name).collect();
        assert_eq!(judged, ["c"]);
    }
}
