//! `overrides` in the requirements of edges.

use super::read;

/// Under `overrides`, what `a` (asks for `b@^1.0.0`), `b` (for `c@^1.0.0`) and `d` (for `c@^2.0.0`) are held to.
fn check(overrides: &str, expect: [&str; 3]) {
    let manifest =
        format!(r#"{{ "dependencies": {{ "a": "1.0.0", "d": "1.0.0", "c": "1.5.0" }}, "overrides": {overrides} }}"#);
    let lock = r#"{ "packages": {
      "node_modules/a": { "version": "1.0.0", "dependencies": { "b": "^1.0.0" } },
      "node_modules/b": { "version": "1.0.0", "dependencies": { "c": "^1.0.0" } },
      "node_modules/c": { "version": "1.5.0" },
      "node_modules/d": { "version": "1.0.0", "dependencies": { "c": "^2.0.0" } }
    } }"#;
    let (graphs, errors) = read(&[("package.json", &manifest), ("package-lock.json", lock)]);
    let asked = |place: &str| {
        let package = graphs[0].packages.iter().find(|package| package.place == place).unwrap();
        package.dependencies[0].requirement.as_str()
    };
    assert_eq!(["node_modules/a", "node_modules/b", "node_modules/d"].map(asked), expect, "{overrides} {errors:?}");
}

#[test]
fn rules_hold_where_npm_applies_them() {
    check("{}", ["^1.0.0", "^1.0.0", "^2.0.0"]);
    check(r#"{ "c": "1.5.0" }"#, ["^1.0.0", "1.5.0", "1.5.0"]);
    check(r#"{ "c": "$c" }"#, ["^1.0.0", "1.5.0", "1.5.0"]);
    check(r#"{ "c@^1": "1.5.0" }"#, ["^1.0.0", "1.5.0", "^2.0.0"]);
    check(r#"{ "a": { "c": "1.5.0" } }"#, ["^1.0.0", "1.5.0", "^2.0.0"]);
    check(r#"{ "d": { "c": "1.5.0" } }"#, ["^1.0.0", "^1.0.0", "1.5.0"]);
    check(r#"{ "a": { "b": { ".": "1.0.0", "c": "1.5.0" } } }"#, ["1.0.0", "1.5.0", "^2.0.0"]);
    check(r#"{ "d@^9": { "c": "1.5.0" } }"#, ["^1.0.0", "^1.0.0", "^2.0.0"]);
    check(r#"{ "c": "" }"#, ["^1.0.0", "^1.0.0", "^2.0.0"]);
    check(r#"{ "b": "npm:@s/fork@1" }"#, ["npm:@s/fork@1", "^1.0.0", "^2.0.0"]);
}

#[test]
fn overrides_that_cannot_be_read_are_told() {
    for overrides in ["[]", r#"{ "c": 1 }"#, r#"{ "c": "$nothing" }"#] {
        let manifest = format!(r#"{{ "overrides": {overrides} }}"#);
        let (graphs, errors) = read(&[("package.json", &manifest), ("package-lock.json", "{}")]);
        assert_eq!((graphs.len(), errors.len()), (1, 1), "{overrides} {errors:?}");
        assert!(errors[0].message.ends_with("overrides are not taken into account"));
    }
}

#[test]
fn a_rule_against_what_the_project_itself_asks_for_is_told() {
    let manifest = r#"{ "dependencies": { "a": "^1.0.0", "b": "^1.0.0" }, "overrides": { "a": "1.5.0", "b": "$b" } }"#;
    let lock =
        r#"{ "packages": { "node_modules/a": { "version": "1.5.0" }, "node_modules/b": { "version": "1.5.0" } } }"#;
    let (_, errors) = read(&[("package.json", manifest), ("package-lock.json", lock)]);
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].message.starts_with("`overrides` has a@1.5.0, but the project itself asks for a@^1.0.0"));
}
