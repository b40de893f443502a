//! Manifests without a lockfile of npm, and broken ones.

use super::told;

fn check(files: &[(&str, &str)], expect: &[&str]) {
    let told = told(files);
    assert_eq!(told.lines().map(str::trim).collect::<Vec<_>>(), expect);
}

const ONE: &str = "{ \"dependencies\": {\n \"a\": \"1.0.0\" } }";
const NO_LOCKFILE: &str =
    "! package.json has no lockfile: only exact versions that it asks for can be held against advisories";

#[test]
fn without_a_lockfile_exact_versions_are_taken_as_written() {
    let manifest = "{ \"dependencies\": {\n \"a\": \"=1.0.0\",\n \"b\": \"^1.0.0\",\n \"c\": \"npm:@s/c@2.0.0\" },\n \"devDependencies\": {\n \"g\": \"user/g\" } }";
    check(
        &[("package.json", manifest)],
        &[
            "package.json -",
            "package.json:2 Prod a@=1.0.0 -> package.json:2",
            "package.json:3 Prod b@^1.0.0 -> package.json:3",
            "package.json:4 Prod c@npm:@s/c@2.0.0 -> package.json:4",
            "package.json:6 Dev g@user/g -> package.json:6",
            "2 package.json:2 a@1.0.0 prod direct via a",
            "3 package.json:3 b@ prod direct via b",
            "4 package.json:4 @s/c@2.0.0 prod direct via @s/c",
            "6 package.json:6 g@ dev direct Other(\"user/g\") via g",
            NO_LOCKFILE,
        ],
    );
}

#[test]
fn other_tools_lockfiles_make_the_project_read_only() {
    for lockfile in ["yarn.lock", "pnpm-lock.yaml", "bun.lock"] {
        let said = told(&[("package.json", ONE), (lockfile, "")]);
        let reason = format!("governed by {lockfile}, which Suture does not read yet");
        assert!(said.starts_with(&format!("package.json - read-only: {reason}\n")), "{said}");
        assert!(said.contains(&format!("! package.json {reason}")), "{said}");
    }
    let root = r#"{ "workspaces": ["packages/*"] }"#;
    let said = told(&[("package.json", root), ("packages/a/package.json", ONE), ("yarn.lock", "")]);
    assert!(said.starts_with("packages/a/package.json - read-only: governed by yarn.lock"), "{said}");
}

#[test]
fn broken_files_are_one_error_each_and_the_rest_is_read() {
    check(
        &[("a/package.json", "{\n \"dependencies\": }"), ("package.json", ONE), ("package-lock.json", "{\n\n[")],
        &[
            "package.json package-lock.json read-only: package-lock.json cannot be read",
            "package.json:2 Prod a@1.0.0 -> package.json:2",
            "2 package.json:2 a@1.0.0 prod direct via a",
            "! a/package.json:2 is not valid JSON, so it is not read: expected value",
            "! package-lock.json:3 is not valid JSON, so it is not read: key must be a string",
        ],
    );
    check(
        &[("package.json", "{ \"dependencies\": {\n<<<<<<< HEAD\n")],
        &["! package.json:2 holds the marks of a merge conflict, so it is not read; resolve the conflict"],
    );
    check(
        &[("package.json", "[]")],
        &["! package.json:1 is not a JSON object, so it is not read; write the manifest as an object"],
    );
}

#[test]
fn members_of_the_wrong_type_are_told_and_the_rest_is_kept() {
    check(
        &[(
            "package.json",
            "{ \"name\": 1, \"devDependencies\": [],\n \"dependencies\": { \"a\": \"1.0.0\",\n \"b\": {},\n \"a\": \"2.0.0\" } }",
        )],
        &[
            "package.json -",
            "package.json:4 Prod a@2.0.0 -> package.json:4",
            "4 package.json:4 a@2.0.0 prod direct via a",
            "! package.json:1 `devDependencies` is not of the type that npm expects, or is written twice; npm takes the last",
            "! package.json:3 `b` is not of the type that npm expects, or is written twice; npm takes the last",
            "! package.json:4 `a` is not of the type that npm expects, or is written twice; npm takes the last",
            NO_LOCKFILE,
        ],
    );
    let lock = "{ \"packages\": {\n \"node_modules/a\": { \"version\": 1, \"integrity\": false },\n \"node_modules/b\": [],\n \"node_modules/a\": { \"version\": \"1.0.0\" } } }";
    check(
        &[("package.json", ONE), ("package-lock.json", lock)],
        &[
            "package.json package-lock.json",
            "package.json:2 Prod a@1.0.0 -> node_modules/a",
            "4 node_modules/a a@1.0.0 prod direct via a",
            "! package-lock.json:2 `version` of `node_modules/a` is not what it should be and is not read",
            "! package-lock.json:3 `node_modules/b` is not an object, so it is left out",
            "! package-lock.json:4 `node_modules/a` is written twice; npm takes the last",
        ],
    );
}

#[test]
fn a_development_need_wins_over_a_plain_one_as_in_npm() {
    check(
        &[("package.json", "{ \"dependencies\": { \"a\": \"1.0.0\" },\n \"devDependencies\": { \"a\": \"1.0.1\" } }")],
        &[
            "package.json -",
            "package.json:2 Dev a@1.0.1 -> package.json:2",
            "2 package.json:2 a@1.0.1 dev direct via a",
            NO_LOCKFILE,
        ],
    );
}
