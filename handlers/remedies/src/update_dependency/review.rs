//! The review of a patch: whether it changes what its plan says, and nothing else.

use pipeline::advisory::normalised_name;
use pipeline::dependency::{Dependency, DependencyGraph, Package};
use pipeline::patch::{Change, Patch, Plan};
use pipeline::version::Ecosystem;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What `patch` changes that `plan` does not say, or leaves as it was though the plan says otherwise: a line each, for people. `before` and `after` are
/// the project as it is read without the patch and with it.
///
/// Held against each other are the files, the entries with their archives, checksums and needs, what the project itself asks for, and in
/// `package.json` whatever else is in it. Marks of an entry that follow from who needs it (`dev`, `optional`) may change.
pub fn review(before: &DependencyGraph, after: &DependencyGraph, plan: &Plan, patch: &Patch) -> Vec<String> {
    let mut unintended = files(before, plan, patch);
    unintended.extend(entries(before, after, plan));
    unintended.extend(needs(before, after, plan));
    unintended.extend(manifests(before.ecosystem, plan, patch));
    unintended
}

/// Files that no change of `plan` is in.
fn files(before: &DependencyGraph, plan: &Plan, patch: &Patch) -> Vec<String> {
    let of_change = |change: &Change| match change {
        Change::Require { path, .. } => path.clone(),
        Change::Override { .. } => before.manifest.clone(),
        Change::Update { place, .. } | Change::Add { place, .. } | Change::Remove { place, .. } => {
            before.lockfile.clone().unwrap_or_else(|| file_of(place).to_owned())
        }
    };
    // A range that is asked for stands in the lockfile as well.
    let intended: BTreeSet<String> = plan.changes.iter().map(of_change).chain(before.lockfile.clone()).collect();
    let others = patch.files.iter().filter(|file| !intended.contains(&file.path));
    others.map(|file| format!("{} is changed", file.path)).collect()
}

/// The file of a `place` in requirements: `requirements.txt:12`, or without a line.
fn file_of(place: &str) -> &str {
    match place.rsplit_once(':') {
        Some((file, line)) if line.bytes().all(|byte| byte.is_ascii_digit()) => file,
        _ => place,
    }
}

/// Where an entry is, its name and its version. Lines of requirements may shift, so there it is the file.
type Entry = (String, String, String);

fn entry(ecosystem: Ecosystem, place: &str, name: &str, version: &str) -> Entry {
    let at = if ecosystem == Ecosystem::PyPI { file_of(place) } else { place };
    (at.to_owned(), normalised_name(ecosystem, name).into_owned(), version.to_owned())
}

fn entry_of(ecosystem: Ecosystem, package: &Package) -> Entry {
    entry(ecosystem, &package.place, &package.name, &package.version)
}

/// Entries that come, go or are others than before without `plan`.
fn entries(before: &DependencyGraph, after: &DependencyGraph, plan: &Plan) -> Vec<String> {
    let ecosystem = before.ecosystem;
    // How many there are more than intended; less than 0: fewer.
    let mut surplus: BTreeMap<Entry, i64> = BTreeMap::new();
    let mut count = |entry: Entry, by: i64| *surplus.entry(entry).or_default() += by;
    before.packages.iter().for_each(|package| count(entry_of(ecosystem, package), -1));
    after.packages.iter().for_each(|package| count(entry_of(ecosystem, package), 1));
    let mut changed: BTreeSet<Entry> = BTreeSet::new();
    for change in &plan.changes {
        let (gone, come) = match change {
            Change::Update { place, name, from, to } => {
                (Some(entry(ecosystem, place, name, from)), Some(entry(ecosystem, place, name, to)))
            }
            Change::Add { place, name, version, .. } => (None, Some(entry(ecosystem, place, name, version))),
            Change::Remove { place, name, version } => (Some(entry(ecosystem, place, name, version)), None),
            Change::Require { .. } | Change::Override { .. } => (None, None),
        };
        for (entry, by) in [(gone, 1), (come, -1)] {
            let Some(entry) = entry else { continue };
            count(entry.clone(), by);
            changed.insert(entry);
        }
    }
    let miscounted = surplus.iter().filter(|(_, more)| **more != 0).map(|((at, name, version), more)| {
        let what = if *more > 0 { "is there" } else { "is not there" };
        format!("{name} {version} {what} in {at}")
    });
    let names = names(plan, ecosystem);
    let (was, is) = (contents(before, &names, &changed), contents(after, &names, &changed));
    let others = was.iter().filter(|(entry, contents)| is.get(entry).is_some_and(|is| is != *contents));
    miscounted.chain(others.map(|((at, name, _), _)| format!("{name} in {at} is changed"))).collect()
}

/// Names that `plan` is about.
fn names(plan: &Plan, ecosystem: Ecosystem) -> BTreeSet<String> {
    let name = |change: &Change| match change {
        Change::Update { name, .. }
        | Change::Add { name, .. }
        | Change::Remove { name, .. }
        | Change::Require { name, .. }
        | Change::Override { name, .. } => normalised_name(ecosystem, name).into_owned(),
    };
    plan.changes.iter().map(name).collect()
}

/// What each entry holds that is not among the `changed`, but for its needs of `names`: an override, or a comment, may tell them otherwise.
fn contents(
    graph: &DependencyGraph,
    names: &BTreeSet<String>,
    changed: &BTreeSet<Entry>,
) -> BTreeMap<Entry, Vec<String>> {
    let mut contents: BTreeMap<Entry, Vec<String>> = BTreeMap::new();
    for package in &graph.packages {
        let entry = entry_of(graph.ecosystem, package);
        if changed.contains(&entry) {
            continue;
        }
        let needs = sorted(graph.ecosystem, &package.dependencies, names);
        contents.entry(entry).or_default().push(format!("{:?} {:?} {needs:?}", package.source, package.hashes));
    }
    contents.values_mut().for_each(|contents| contents.sort());
    contents
}

/// `needs`, but for those of `names`, in an order that is always the same.
fn sorted(ecosystem: Ecosystem, needs: &[Dependency], names: &BTreeSet<String>) -> Vec<String> {
    let others = needs.iter().filter(|need| !names.contains(normalised_name(ecosystem, &need.name).as_ref()));
    let mut sorted: Vec<String> = others
        .map(|need| {
            let path = need.written.as_ref().map(|written| &written.path);
            format!("{} {} {:?} {path:?}", need.name, need.requirement, need.kind)
        })
        .collect();
    sorted.sort();
    sorted
}

/// Whether the project itself asks for something else, without `plan`.
fn needs(before: &DependencyGraph, after: &DependencyGraph, plan: &Plan) -> Option<String> {
    let mut plan = plan.clone();
    if before.ecosystem != Ecosystem::PyPI {
        // A pin of pip is its own range; in npm a range changes only where the plan says so.
        plan.changes.retain(|change| matches!(change, Change::Require { .. } | Change::Override { .. }));
    }
    let names = names(&plan, before.ecosystem);
    let (was, is) = (sorted(before.ecosystem, &before.direct, &names), sorted(after.ecosystem, &after.direct, &names));
    (was != is).then(|| "the project asks for something else than before".to_owned())
}

/// Sections of `package.json` that a plan may change by the name of what is asked for.
const SECTIONS: [&str; 4] = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"];

/// Manifests of npm in which something else is changed than what `plan` says.
fn manifests(ecosystem: Ecosystem, plan: &Plan, patch: &Patch) -> Vec<String> {
    let of_npm = patch.files.iter().filter(|file| ecosystem == Ecosystem::Npm && file.path.ends_with("package.json"));
    let others = of_npm.filter(|file| {
        let (was, is) = (rest(&file.before, &file.path, plan), rest(&file.after, &file.path, plan));
        was.is_none() || was != is
    });
    others.map(|file| format!("{} has other changes", file.path)).collect()
}

/// The manifest `text` without what `plan` changes in it. `None`: it is no JSON.
fn rest(text: &str, path: &str, plan: &Plan) -> Option<Value> {
    let mut manifest: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
    let members = manifest.as_object_mut()?;
    // What is forced may have to say what is asked for.
    members.remove("overrides");
    for change in &plan.changes {
        let Change::Require { path: changed, name, .. } = change else { continue };
        for section in SECTIONS.iter().filter(|_| changed == path) {
            members.get_mut(*section).and_then(Value::as_object_mut).and_then(|section| section.remove(name));
        }
    }
    Some(manifest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pipeline::patch::PatchedFile;

    const MANIFEST: &str = r#"{"scripts": {"test": "true"}, "dependencies": {"a": "^1", "b": "^1"}}"#;

    const LOCKFILE: &str = r#"{"lockfileVersion": 3, "packages": {"": {"dependencies": {"a": "^1", "b": "^1"}},
        "node_modules/a": {"version": "1.0.0", "resolved": "https://registry.example/a-1.0.0.tgz", "dependencies": {"c": "^1"}},
        "node_modules/b": {"version": "1.0.0", "integrity": "sha512-b"},
        "node_modules/c": {"version": "1.0.0", "dev": true}}}"#;

    const PINS: &str = "a==1.0\nb==1.0 --hash=sha256:bb\n";

    /// What is said of a patch that makes `after` of `before`, where the plan is `changes`.
    fn said(before: &[(&str, &str)], after: &[(&str, &str)], changes: &[Change]) -> String {
        let graph = |files: &[(&str, &str)]| {
            let (mut graphs, errors) = detectors::dependency::graphs(&files.iter().copied().collect());
            assert_eq!((graphs.len(), errors), (1, Vec::new()));
            graphs.remove(0)
        };
        let changed = before.iter().zip(after).filter(|(before, after)| before != after);
        let files = changed.map(|((path, before), (_, after))| PatchedFile {
            path: (*path).to_owned(),
            before: (*before).to_owned(),
            after: (*after).to_owned(),
        });
        let plan = Plan { changes: changes.to_vec(), ..Plan::default() };
        review(&graph(before), &graph(after), &plan, &Patch { files: files.collect() }).join("; ")
    }

    #[track_caller]
    fn check_npm(edits: &[(&str, &str)], changes: &[Change], expect: &str) {
        let edited = |text: &str| edits.iter().fold(text.to_owned(), |text, (from, to)| text.replacen(from, to, 1));
        let (manifest, lockfile) = (edited(MANIFEST), edited(LOCKFILE));
        let before = [("package.json", MANIFEST), ("package-lock.json", LOCKFILE)];
        let after = [("package.json", manifest.as_str()), ("package-lock.json", lockfile.as_str())];
        assert_eq!(said(&before, &after, changes), expect, "{edits:?}");
    }

    #[track_caller]
    fn check_pip(after: &str, changes: &[Change], expect: &str) {
        assert_eq!(said(&[("requirements.txt", PINS)], &[("requirements.txt", after)], changes), expect, "{after}");
    }

    fn update(place: &str, name: &str, from: &str, to: &str) -> Change {
        Change::Update { place: place.into(), name: name.into(), from: from.into(), to: to.into() }
    }

    const A: (&str, &str) = (
        "\"1.0.0\", \"resolved\": \"https://registry.example/a-1.0.0",
        "\"1.0.1\", \"resolved\": \"https://registry.example/a-1.0.1",
    );

    #[test]
    fn what_the_plan_says_is_intended() {
        let update = update("node_modules/a", "a", "1.0.0", "1.0.1");
        check_npm(&[A], std::slice::from_ref(&update), "");
        // Marks follow from who needs it.
        check_npm(&[A, (", \"dev\": true", "")], std::slice::from_ref(&update), "");
        let require =
            Change::Require { path: "package.json".into(), name: "a".into(), from: "^1".into(), to: "^1.0.1".into() };
        check_npm(&[A, ("\"a\": \"^1\"", "\"a\": \"^1.0.1\"")], &[update, require], "");
    }

    #[test]
    fn what_the_plan_does_not_say_is_told() {
        let changes = [update("node_modules/a", "a", "1.0.0", "1.0.1")];
        check_npm(&[A, ("\"sha512-b\"", "\"sha512-x\"")], &changes, "b in node_modules/b is changed");
        let more = ("\"node_modules/b\"", "\"node_modules/x\": {\"version\": \"1.0.0\"}, \"node_modules/b\"");
        check_npm(&[A, more], &changes, "x 1.0.0 is there in node_modules/x");
        check_npm(&[], &changes, "a 1.0.0 is there in node_modules/a; a 1.0.1 is not there in node_modules/a");
        let script = ("\"test\": \"true\"", "\"test\": \"true\", \"postinstall\": \"x\"");
        check_npm(&[A, script], &changes, "package.json is changed; package.json has other changes");
        let range = ("\"b\": \"^1\"", "\"b\": \"*\"");
        let expect =
            "package.json is changed; the project asks for something else than before; package.json has other changes";
        check_npm(&[A, range], &changes, expect);
    }

    #[test]
    fn pins_may_shift_their_lines_and_no_more() {
        let changes = [update("requirements.txt:1", "A", "1.0", "1.1")];
        check_pip("a==1.1\nb==1.0 --hash=sha256:bb\n", &changes, "");
        check_pip("a==1.1 \\\n    --hash=sha256:aa\nb==1.0 --hash=sha256:bb\n", &changes, "");
        check_pip("a==1.1\nb==1.0 --hash=sha256:cc\n", &changes, "b in requirements.txt is changed");
        let expect = "b 1.0 is not there in requirements.txt; b 1.2 is there in requirements.txt; \
            the project asks for something else than before";
        check_pip("a==1.1\nb==1.2 --hash=sha256:bb\n", &changes, expect);
    }
}
