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
    insta::assert_snapshot!(told(&[("package.json", MANIFEST), ("package-lock.json", V1)]));
}

#[test]
fn version_3_gives_kinds_scopes_and_paths() {
    insta::assert_snapshot!(told(&[("package.json", MANIFEST), ("package-lock.json", V3)]));
}

#[test]
fn version_2_is_version_3_whatever_its_other_half_says() {
    let v2 = V3.replacen("\"lockfileVersion\": 3", "\"lockfileVersion\": 2", 1);
    let v2 = v2.trim_end().strip_suffix('}').unwrap().to_owned() + r#", "dependencies": { "z": { "version": "9.9.9" } } }"#;
    assert_eq!(told(&[("package.json", MANIFEST), ("package-lock.json", &v2)]), told(&[("package.json", MANIFEST), ("package-lock.json", V3)]));
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
    insta::assert_snapshot!(told(&[("app/package-lock.json", V1)]));
}

#[test]
fn lockfile_out_of_step_is_one_note() {
    let manifest = MANIFEST.replace("\"a\": \"^1.0.0\"", "\"a\": \"^3.0.0\",\n \"new\": \"1\"");
    let told = told(&[("package.json", &manifest), ("package-lock.json", V3)]);
    let notes: Vec<_> = told.lines().filter(|line| line.starts_with('!')).collect();
    assert_eq!(notes, ["! package.json:3 out of step with package-lock.json in 2 of its needs: needs a@^3.0.0, but has a@1.0.0, needs new@1, which is not there; run `npm install`"]);
}
