//! Lockfiles of each version, and which of them governs.

use super::{read, told};

const MANIFEST: &str = r#"{
  "name": "root", "version": "1.0.0",
  "dependencies": { "a": "^1.0.0" },
  "devDependencies": { "d": "^1.0.0" }
}"#;

const V1: &str = r#"{ "name": "root", "lockfileVersion": 1, "requires": true, "dependencies": {
  "a": { "version": "1.0.0", "resolved": "https://registry.example/a/-/a-1.0.0.tgz", "integrity": "sha1-x sha512-y",
    "requires": { "b": "^2.0.0", "o": "1" },
    "dependencies": {
      "b": { "version": "2.0.0", "bundled": true }
    } },
  "b": { "version": "1.0.0", "dev": true },
  "d": { "version": "1.0.0", "dev": true, "requires": { "b": "^1.0.0" } },
  "o": { "version": "npm:@s/other@1.0.0", "optional": true },
  "g": { "version": "git+ssh://git@host.example/g.git#0123", "from": "g@git" }
} }"#;

const V3: &str = r#"{ "name": "root", "lockfileVersion": 3, "packages": {
  "": { "name": "root", "dependencies": { "a": "^1.0.0" }, "devDependencies": { "d": "^1.0.0" } },
  "node_modules/a": { "version": "1.0.0", "integrity": "sha1-x sha512-y", "dependencies": { "b": "^2.0.0" },
    "optionalDependencies": { "o": "1" }, "peerDependencies": { "p": "1", "q": "1" },
    "peerDependenciesMeta": { "q": { "optional": true } }, "devDependencies": { "unused": "1" } },
  "node_modules/a/node_modules/b": { "version": "2.0.0", "inBundle": true },
  "node_modules/b": { "version": "1.0.0", "dev": true },
  "node_modules/d": { "version": "1.0.0", "dev": true, "dependencies": { "b": "^1.0.0" } },
  "node_modules/o": { "name": "@s/other", "version": "1.0.0", "optional": true },
  "node_modules/p": { "version": "1.0.0", "peer": true, "dev": true }
} }"#;

#[test]
fn version_1_is_laid_out_in_places() {
    insta::assert_snapshot!(told(&[("package.json", MANIFEST), ("package-lock.json", V1)]), @r#"
    package.json package-lock.json
      package.json:3 Prod a@^1.0.0 -> node_modules/a
      package.json:4 Dev d@^1.0.0 -> node_modules/d
      2 node_modules/a a@1.0.0 prod direct via a; Prod b@^2.0.0 -> node_modules/a/node_modules/b; Optional o@1 -> node_modules/o
      5 node_modules/a/node_modules/b b@2.0.0 prod Bundled via a > b
      7 node_modules/b b@1.0.0 dev via d > b
      8 node_modules/d d@1.0.0 dev direct via d; Prod b@^1.0.0 -> node_modules/b
      9 node_modules/o @s/other@1.0.0 optional via a > @s/other
      10 node_modules/g g@ prod Other("git+ssh://git@host.example/g.git#0123") via g
    "#);
}

#[test]
fn version_3_gives_kinds_scopes_and_paths() {
    insta::assert_snapshot!(told(&[("package.json", MANIFEST), ("package-lock.json", V3)]), @r#"
    package.json package-lock.json
      package.json:3 Prod a@^1.0.0 -> node_modules/a
      package.json:4 Dev d@^1.0.0 -> node_modules/d
      3 node_modules/a a@1.0.0 prod direct via a; Prod b@^2.0.0 -> node_modules/a/node_modules/b; Optional o@1 -> node_modules/o; Peer p@1 -> node_modules/p; PeerOptional q@1 -> ?
      6 node_modules/a/node_modules/b b@2.0.0 prod Bundled via a > b
      7 node_modules/b b@1.0.0 dev via d > b
      8 node_modules/d d@1.0.0 dev direct via d; Prod b@^1.0.0 -> node_modules/b
      9 node_modules/o @s/other@1.0.0 optional via a > @s/other
      10 node_modules/p p@1.0.0 prod via a > p
    "#);
}

#[test]
fn version_2_is_version_3_whatever_its_other_half_says() {
    let v2 = V3.replacen("\"lockfileVersion\": 3", "\"lockfileVersion\": 2", 1);
    let v2 =
        v2.trim_end().strip_suffix('}').unwrap().to_owned() + r#", "dependencies": { "z": { "version": "9.9.9" } } }"#;
    assert_eq!(
        told(&[("package.json", MANIFEST), ("package-lock.json", &v2)]),
        told(&[("package.json", MANIFEST), ("package-lock.json", V3)])
    );
}

#[test]
fn shrinkwrap_wins_and_a_byte_order_mark_is_no_trouble() {
    let marked = format!("\u{feff}{V3}");
    let (graphs, errors) =
        read(&[("package.json", MANIFEST), ("npm-shrinkwrap.json", &marked), ("package-lock.json", "{}")]);
    assert_eq!(errors, []);
    assert_eq!(graphs[0].lockfile.as_deref(), Some("npm-shrinkwrap.json"));
    assert_eq!((graphs[0].packages.len(), graphs[0].packages[0].line), (6, 3));
    assert_eq!(graphs[0].packages[0].hashes, ["sha1-x", "sha512-y"]);
}

#[test]
fn what_is_installed_is_not_a_project() {
    let hidden = [("node_modules/.package-lock.json", V3), ("node_modules/a/package.json", MANIFEST)];
    assert_eq!(told(&hidden), "");
}

#[test]
fn lockfile_without_manifest_is_read_and_not_edited() {
    insta::assert_snapshot!(told(&[("app/package-lock.json", V1)]), @r#"
    app/package.json app/package-lock.json read-only: app/package.json is not there, or cannot be read
      app/package-lock.json:1 Prod a@ -> node_modules/a
      app/package-lock.json:1 Dev d@ -> node_modules/d
      app/package-lock.json:1 Prod g@ -> node_modules/g
      2 node_modules/a a@1.0.0 prod direct via a; Prod b@^2.0.0 -> node_modules/a/node_modules/b; Optional o@1 -> node_modules/o
      5 node_modules/a/node_modules/b b@2.0.0 prod Bundled via a > b
      7 node_modules/b b@1.0.0 dev via d > b
      8 node_modules/d d@1.0.0 dev direct via d; Prod b@^1.0.0 -> node_modules/b
      9 node_modules/o @s/other@1.0.0 optional via a > @s/other
      10 node_modules/g g@ prod direct Other("git+ssh://git@host.example/g.git#0123") via g
    ! app/package-lock.json there is no app/package.json to this lockfile, so it is not edited
    "#);
}

#[test]
fn lockfile_out_of_step_is_one_note() {
    let manifest = MANIFEST.replace("\"a\": \"^1.0.0\"", "\"a\": \"^3.0.0\",\n \"new\": \"1\"");
    let told = told(&[("package.json", &manifest), ("package-lock.json", V3)]);
    let notes: Vec<_> = told.lines().filter(|line| line.starts_with('!')).collect();
    assert_eq!(
        notes,
        [
            "! package.json:3 out of step with package-lock.json in 2 of its needs: needs a@^3.0.0, which node_modules/a is not (a@1.0.0), needs new@1, which is not there; run `npm install`"
        ]
    );
}

#[test]
fn places_are_split_at_their_last_node_modules() {
    use crate::dependency::npm::entry::owner_and_name;
    let check = |place, expect| assert_eq!(owner_and_name(place), expect, "{place}");
    check("node_modules/a", Some(("", "a")));
    check("node_modules/@s/a", Some(("", "@s/a")));
    check("p/a/node_modules/@s/b/node_modules/c", Some(("p/a/node_modules/@s/b", "c")));
    for folder in [
        "",
        "a",
        "packages/a",
        "@s/a",
        "node_modules",
        "node_modules/",
        "node_modules/@s",
        "x_node_modules/a",
        "node_modules/a/b",
    ] {
        check(folder, None);
    }
}
