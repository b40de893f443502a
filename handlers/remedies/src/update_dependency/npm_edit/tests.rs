//! Edits of small lockfiles of every version.

use super::super::tests::{World, npm};
use super::EditError;
use detectors::source_tree::SourceTree;
use pipeline::patch::{Change, Patch, Plan};
use proptest::prelude::*;

const MANIFEST: &str = "{\n\t\"name\": \"p\",\n\t\"dependencies\": { \"a\":  \"1.0.0\" }\n}\n";

fn world() -> World {
    let mut world = npm()
        .release("a@1.0.0", "b ^1")
        .release("a@1.0.1", "c ^1, d? ^1")
        .release("b@1.0.0", "")
        .release("c@1.0.0", "")
        .release("d@1.0.0", "");
    for (name, package) in &mut world.facts.packages {
        for release in &mut package.releases {
            release.hashes = vec![format!("sha512-{name}{}", release.version)];
            release.archive = Some(format!("https://registry.example/{name}/-/{name}-{}.tgz", release.version));
            release.engines.insert("node".into(), ">=4".into());
        }
    }
    world
}

fn changes() -> Plan {
    let require =
        Change::Require { path: "package.json".into(), name: "a".into(), from: "1.0.0".into(), to: "1.0.1".into() };
    let update =
        Change::Update { place: "node_modules/a".into(), name: "a".into(), from: "1.0.0".into(), to: "1.0.1".into() };
    let remove = Change::Remove { place: "node_modules/b".into(), name: "b".into(), version: "1.0.0".into() };
    let add = |name: &str| Change::Add {
        place: format!("node_modules/{name}"),
        name: name.into(),
        version: "1.0.0".into(),
        marker: None,
        via: Vec::new(),
    };
    Plan { changes: vec![require, update, remove, add("c"), add("d")], ..Plan::default() }
}

fn apply(manifest: &str, lock: &str, plan: &Plan) -> Result<Patch, EditError> {
    let tree: SourceTree = [("package.json", manifest), ("package-lock.json", lock)].into_iter().collect();
    let (graphs, _) = detectors::dependency::npm::graphs(&tree);
    super::apply(&graphs[0], plan, &world().facts, &|path| tree.text(path).ok().map(str::to_owned))
}

/// Checks the lockfile after the plan, that carrying it out again changes nothing, and that its own graph holds.
#[track_caller]
fn check(lock: &str, expect: &str) {
    let patch = apply(MANIFEST, lock, &changes()).unwrap();
    let after = |path: &str| patch.files.iter().find(|file| file.path == path).map(|file| file.after.clone()).unwrap();
    assert_eq!(after("package.json"), MANIFEST.replace("\"1.0.0\"", "\"1.0.1\""));
    let lock = after("package-lock.json");
    assert_eq!(lock, expect);
    assert_eq!(apply(&after("package.json"), &lock, &changes()), Ok(Patch::default()));
    let tree: SourceTree = [("package.json", after("package.json")), ("package-lock.json", lock)].into_iter().collect();
    let (graphs, _) = detectors::dependency::npm::graphs(&tree);
    assert_eq!(detectors::dependency::problems(&tree, &graphs[0]), Vec::<String>::new());
    let before: SourceTree = patch.files.iter().map(|file| (file.path.as_str(), file.before.as_str())).collect();
    let (before, _) = detectors::dependency::npm::graphs(&before);
    assert_eq!(super::super::review(&before[0], &graphs[0], &changes(), &patch), Vec::<String>::new());
}

const MODERN: &str = r#"  "packages": {
    "": {"name": "p", "dependencies": {"a": "1.0.0"}},
    "node_modules/a": {
      "version": "1.0.0",
      "resolved": "https://mirror.example/a/-/a-1.0.0.tgz",
      "integrity": "sha512-old",
      "dependencies": {
        "b": "^1"
      }
    },
    "node_modules/b": {
      "version": "1.0.0"
    }
  }"#;

const MODERN_AFTER: &str = r#"  "packages": {
    "": {"name": "p", "dependencies": {"a": "1.0.1"}},
    "node_modules/a": {
      "version": "1.0.1",
      "resolved": "https://mirror.example/a/-/a-1.0.1.tgz",
      "integrity": "sha512-a1.0.1",
      "dependencies": {
        "c": "^1"
      },
      "engines": {
        "node": ">=4"
      },
      "optionalDependencies": {
        "d": "^1"
      }
    },
    "node_modules/c": {
      "version": "1.0.0",
      "resolved": "https://mirror.example/c/-/c-1.0.0.tgz",
      "integrity": "sha512-c1.0.0",
      "engines": {
        "node": ">=4"
      }
    },
    "node_modules/d": {
      "version": "1.0.0",
      "resolved": "https://mirror.example/d/-/d-1.0.0.tgz",
      "integrity": "sha512-d1.0.0",
      "optional": true,
      "engines": {
        "node": ">=4"
      }
    }
  }"#;

const LEGACY: &str = r#"  "dependencies": {
    "a": {
      "version": "1.0.0",
      "resolved": "https://mirror.example/a/-/a-1.0.0.tgz",
      "integrity": "sha512-old",
      "requires": {
        "b": "^1"
      }
    },
    "b": { "version": "1.0.0" }
  }"#;

const LEGACY_AFTER: &str = r#"  "dependencies": {
    "a": {
      "version": "1.0.1",
      "resolved": "https://mirror.example/a/-/a-1.0.1.tgz",
      "integrity": "sha512-a1.0.1",
      "requires": {
        "c": "^1",
        "d": "^1"
      }
    },
    "c": {
      "version": "1.0.0",
      "resolved": "https://mirror.example/c/-/c-1.0.0.tgz",
      "integrity": "sha512-c1.0.0"
    },
    "d": {
      "version": "1.0.0",
      "resolved": "https://mirror.example/d/-/d-1.0.0.tgz",
      "integrity": "sha512-d1.0.0",
      "optional": true
    }
  }"#;

fn lock(version: u8, parts: &[&str]) -> String {
    format!(
        "{{\n  \"name\": \"p\",\n  \"lockfileVersion\": {version},\n  \"requires\": true,\n{}\n}}\n",
        parts.join(",\n")
    )
}

#[test]
fn version_3_is_written_as_npm_writes_it() {
    check(&lock(3, &[MODERN]), &lock(3, &[MODERN_AFTER]));
}

#[test]
fn version_2_is_written_in_both_halves() {
    check(&lock(2, &[MODERN, LEGACY]), &lock(2, &[MODERN_AFTER, LEGACY_AFTER]));
}

#[test]
fn version_1_is_written_as_npm_writes_it() {
    check(&lock(1, &[LEGACY]), &lock(1, &[LEGACY_AFTER]));
}

#[test]
fn what_was_bundled_is_no_longer_marked_as_that() {
    let bundled = |text: &str, mark: &str| {
        text.replacen("\"1.0.0\",\n      \"resolved", &format!("\"1.0.0\",\n      {mark}\n      \"resolved"), 1)
    };
    check(
        &lock(2, &[&bundled(MODERN, "\"inBundle\": true,"), &bundled(LEGACY, "\"bundled\": true,")]),
        &lock(2, &[MODERN_AFTER, LEGACY_AFTER]),
    );
}

#[test]
fn a_byte_order_mark_stays() {
    let marked = |text: &str| format!("\u{feff}{text}");
    let (manifest, lockfile) = (marked(MANIFEST), marked(&lock(3, &[MODERN])));
    let tree: SourceTree = [("package.json", &manifest), ("package-lock.json", &lockfile)].into_iter().collect();
    let (graphs, _) = detectors::dependency::npm::graphs(&tree);
    let patch = super::super::apply(&graphs[0], &changes(), &world().facts, &tree).unwrap();
    let files: Vec<_> = patch.files.into_iter().map(|file| (file.before, file.after)).collect();
    let manifest_after = manifest.replace("\"1.0.0\"", "\"1.0.1\"");
    assert_eq!(files, [(manifest, manifest_after), (lockfile, marked(&lock(3, &[MODERN_AFTER])))]);
}

#[test]
fn carriage_returns_stay() {
    let windows = |text: String| text.replace('\n', "\r\n");
    check(&windows(lock(3, &[MODERN])), &windows(lock(3, &[MODERN_AFTER])));
}

#[test]
fn an_override_is_written_in_the_style_of_the_manifest() {
    let plan =
        Plan { changes: vec![Change::Override { name: "b".into(), version: "1.0.1".into() }], ..Plan::default() };
    let patch = apply(MANIFEST, &lock(3, &[MODERN]), &plan).unwrap();
    let expect = MANIFEST.replace(" }\n}", " },\n\t\"overrides\": {\n\t\t\"b\": \"1.0.1\"\n\t}\n}");
    assert_eq!(patch.files.iter().map(|file| file.after.as_str()).collect::<Vec<_>>(), [expect]);
}

#[test]
fn who_asks_for_an_overridden_package_asks_for_the_forced_version_in_the_older_half() {
    let add = Change::Add {
        place: "node_modules/c".into(),
        name: "c".into(),
        version: "1.0.0".into(),
        marker: None,
        via: Vec::new(),
    };
    let plan =
        Plan { changes: vec![Change::Override { name: "b".into(), version: "1.0.1".into() }, add], ..Plan::default() };
    let before = lock(1, &[LEGACY]);
    let patch = apply(MANIFEST, &before, &plan).unwrap();
    let after =
        patch.files.iter().find(|file| file.path == "package-lock.json").map(|file| file.after.clone()).unwrap();
    let (at, _) = before.match_indices("\"b\": \"^1\"").next().unwrap();
    assert!(after.starts_with(&before[..at]), "{after}");
    assert!(
        after[at..].starts_with("\"b\": \"1.0.1\"\n      }\n    },\n    \"b\": { \"version\": \"1.0.0\" },\n    \"c\""),
        "{after}"
    );
}

#[test]
fn a_checksum_is_not_given_up() {
    let mut world = world();
    for release in &mut world.facts.packages.get_mut("a").unwrap().releases {
        release.hashes.clear();
    }
    let tree: SourceTree =
        [("package.json", MANIFEST), ("package-lock.json", &lock(3, &[MODERN]))].into_iter().collect();
    let (graphs, _) = detectors::dependency::npm::graphs(&tree);
    let error = super::apply(&graphs[0], &changes(), &world.facts, &|path| tree.text(path).ok().map(str::to_owned));
    assert_eq!(error, Err(EditError::Unchecked { name: "a".into(), version: "1.0.1".into() }));
}

#[test]
fn what_is_asked_of_others_changes_only_where_nothing_else_asks() {
    let changed = |manifest: &str| {
        let plan = Plan { changes: changes().changes.into_iter().take(1).collect(), ..Plan::default() };
        let patch =
            apply(manifest, &lock(3, &["  \"packages\": {\"\": {\"dependencies\": {\"a\": \"1.0.0\"}}}"]), &plan);
        patch.unwrap().files.remove(0).after
    };
    let both = r#"{"devDependencies": {"a": "1.0.0"}, "peerDependencies": {"a": "1.0.0"}}"#;
    assert_eq!(changed(both), both.replacen("1.0.0", "1.0.1", 1));
    let alone = r#"{"peerDependencies": {"a": "1.0.0"}}"#;
    assert_eq!(changed(alone), alone.replace("1.0.0", "1.0.1"));
}

#[test]
fn engines_that_are_a_list_stay_one() {
    let mut release = world().facts.packages["a"].releases[0].clone();
    release.lockfile_members.insert("engines".into(), serde_json::json!(["node >= 0.6"]));
    let shown = super::entry::Shown { name: "a", key: "a", release: &release, resolved: None };
    let ops = super::entry::modern(shown, super::entry::Habits { license: true });
    assert_eq!(ops.get("engines"), Some(&super::text::Op::Set(serde_json::json!(["node >= 0.6"]))));
}

#[test]
fn a_manifest_that_moved_on_is_not_touched() {
    let moved = MANIFEST.replace("1.0.0", "3.0.0");
    let error = apply(&moved, &lock(3, &[MODERN]), &changes()).unwrap_err();
    assert_eq!(error, EditError::Moved { path: "package.json".into(), entry: "a 1.0.0".into() });
}

proptest! {
    #[test]
    fn bytes_outside_the_changed_entry_stay(
        before in prop::collection::btree_map("[a-m][a-z0-9]{1,6}", ("[ \t]{0,3}", "[ -!#-\\[\\]-~]{0,9}"), 0..6),
        after in prop::collection::btree_map("[o-z][a-z0-9]{1,6}", ("[ \t\n]{0,3}", "[ -!#-\\[\\]-~]{0,9}"), 0..6),
    ) {
        let odd = |(name, (space, text)): (&String, &(String, String))| {
            format!("    \"node_modules/{name}\":{space}{{{space}\"version\": \"1.0.0\",{space}\"x\": \"{text}\"}}{space}")
        };
        let changed = "    \"node_modules/n\": {\n      \"version\": \"1.0.0\"\n    }";
        let root = "    \"\": {}";
        let mut entries: Vec<String> = vec![root.to_owned()];
        entries.extend(before.iter().map(odd));
        entries.push(changed.to_owned());
        entries.extend(after.iter().map(odd));
        let text = format!("{{\n  \"lockfileVersion\": 3,\n  \"packages\": {{\n{}\n  }}\n}}", entries.join(",\n"));
        let tree: SourceTree = [("package.json", "{}"), ("package-lock.json", &text)].into_iter().collect();
        let (graphs, _) = detectors::dependency::npm::graphs(&tree);
        let facts = npm().release("n@1.0.1", "").facts;
        let update = Change::Update { place: "node_modules/n".into(), name: "n".into(), from: "1.0.0".into(), to: "1.0.1".into() };
        let plan = Plan { changes: vec![update], ..Plan::default() };
        let patch = super::apply(&graphs[0], &plan, &facts, &|path| tree.text(path).ok().map(str::to_owned)).unwrap();
        let expect = text.replace(changed, &changed.replace("1.0.0", "1.0.1"));
        prop_assert_eq!(&patch.files[0].after, &expect);
    }
}
