use super::*;
use serde_json::json;

fn release(entry: Value) -> Release {
    let document = json!({"versions": {"1.0.0": entry}}).to_string();
    read_packument(document.as_bytes()).unwrap().releases.pop().unwrap()
}

/// The lockfile members of an entry.
#[track_caller]
fn check(mut entry: Value, expect: Value) {
    entry["name"] = json!("@a/b");
    let members: serde_json::Map<_, _> = release(entry.clone()).lockfile_members.into_iter().collect();
    assert_eq!(Value::Object(members).to_string(), expect.to_string(), "{entry}");
}

#[test]
fn members_are_normalised_as_npm_writes_them() {
    check(json!({"bin": "./cli.js"}), json!({"bin": {"b": "cli.js"}}));
    check(json!({"bin": ["bin/x", "bin\\y.js"]}), json!({"bin": {"x": "bin/x", "y.js": "bin/y.js"}}));
    check(
        json!({"bin": {"z": "a/../../b", "a": "./x", "name": "n", "no": 1, "": "e"}}),
        json!({"bin": {"z": "b", "a": "x", "name": "n"}}),
    );
    check(json!({"bin": {}}), json!({}));
    check(json!({"license": {"type": "MIT", "url": "x"}}), json!({"license": "MIT"}));
    check(json!({"license": ""}), json!({}));
    check(json!({"funding": "https://a.example"}), json!({"funding": {"url": "https://a.example"}}));
    check(json!({"funding": {"url": "u", "type": "t"}}), json!({"funding": {"url": "u", "type": "t"}}));
    check(json!({"deprecated": "no"}), json!({"deprecated": "no"}));
    check(json!({"deprecated": false}), json!({}));
    check(json!({"scripts": {"postinstall": "x"}}), json!({"hasInstallScript": true}));
    check(json!({"scripts": {"install": ""}, "gypfile": true}), json!({"hasInstallScript": true}));
    check(json!({"scripts": {"prepare": "x"}, "gypfile": false}), json!({}));
    check(json!({"os": ["linux"], "cpu": "x64", "libc": []}), json!({"cpu": "x64", "os": ["linux"]}));
    check(json!({"bundledDependencies": true, "dependencies": {"x": "1"}}), json!({"bundleDependencies": ["x"]}));
    check(json!({"bundleDependencies": false}), json!({}));
    check(json!({"engines": ["node >= 0.6"]}), json!({"engines": ["node >= 0.6"]}));
    check(json!({"engines": {"node": "1"}}), json!({}));
}

#[test]
fn a_program_without_a_path_is_named_after_the_package() {
    let read = release(json!({"name": "esbuild", "bin": "bin/esbuild"}));
    assert_eq!(read.lockfile_members["bin"], json!({"esbuild": "bin/esbuild"}));
}

#[test]
fn optional_goes_before_needed_and_peers_may_miss() {
    let read = release(json!({
        "dependencies": {"b": "1", "a": "2", "odd": 3},
        "optionalDependencies": {"a": "3"},
        "peerDependencies": {"c": "4", "d": "5"},
        "peerDependenciesMeta": {"d": {"optional": true}, "c": {"optional": "yes"}},
    }));
    let needs: Vec<_> =
        read.dependencies.iter().map(|need| (need.name.as_str(), need.requirement.as_str(), need.kind)).collect();
    let expect = [
        ("b", "1", DependencyKind::Prod),
        ("a", "3", DependencyKind::Optional),
        ("c", "4", DependencyKind::Peer),
        ("d", "5", DependencyKind::PeerOptional),
    ];
    assert_eq!(needs, expect);
}

#[test]
fn an_old_release_has_the_integrity_that_npm_makes_of_its_sha1() {
    let read = release(
        json!({"dist": {"shasum": "da39a3ee5e6b4b0d3255bfef95601890afd80709", "tarball": "https://registry.example/a.tgz"}}),
    );
    assert_eq!(read.hashes, ["sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk="]);
    assert_eq!(read.archive.as_deref(), Some("https://registry.example/a.tgz"));
    assert_eq!(release(json!({"dist": {"shasum": "nonsense"}})).hashes, Vec::<String>::new());
}

#[test]
fn odd_entries_are_left_out_and_the_rest_stays() {
    let document = r#"{
        "_id": "a", "readme": "x",
        "versions": {"1.0.0": "odd", "1.1.0": null, "2.0.0": {"dist": 7, "engines": 7, "bin": 7, "dependencies": []}, "3.0.0": {}},
        "time": {"created": "2020-01-01T00:00:00.000Z", "2.0.0": "2020-01-02T03:04:05.678Z", "3.0.0": {"odd": 1}, "0.9.0": "2019-01-01T00:00:00Z"}
    }"#;
    let facts = read_packument(document.as_bytes()).unwrap();
    let read: Vec<_> = facts
        .releases
        .iter()
        .map(|release| (release.version.as_str(), release.published.map(|time| time.to_string())))
        .collect();
    assert_eq!(read, [("2.0.0", Some("2020-01-02T03:04:05.678Z".to_owned())), ("3.0.0", None)]);
}

#[test]
fn what_is_no_document_is_an_error_and_no_panic() {
    for text in [
        "",
        "[]",
        "null",
        "{",
        "{\"versions\": {\"1\": {}",
        "{\"versions\": []}",
        "{} x",
        "\u{0}",
        "{\"error\": \"not_found\"}",
    ] {
        assert!(read_packument(text.as_bytes()).is_err(), "{text}");
    }
    let deep = format!("{{\"versions\": {{\"1.0.0\": {{\"bin\": {}", "[".repeat(100_000));
    assert!(read_packument(deep.as_bytes()).is_err());
}

#[test]
fn scoped_names_are_one_part_of_the_path() {
    assert_eq!(document_path("@babel/core"), "@babel%2fcore");
    assert_eq!(document_path("lodash.merge-x_y~z"), "lodash.merge-x_y~z");
    assert_eq!(document_path("a b?#"), "a%20b%3F%23");
}

#[test]
fn a_document_cut_anywhere_is_an_error_and_no_panic() {
    let whole = r#"{"versions":{"1.0.0":{"bin":"\u00e9","dependencies":{"a":"^1"},"dist":{"shasum":"00"}}},"time":{"1.0.0":"2020-01-01T00:00:00Z"}}"#;
    assert!(read_packument(whole.as_bytes()).is_ok());
    for end in 0..whole.len() {
        assert!(read_packument(&whole.as_bytes()[..end]).is_err(), "{end}");
    }
}
