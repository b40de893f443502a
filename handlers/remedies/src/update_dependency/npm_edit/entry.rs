//! One entry of a lockfile, as npm writes it for a release.

use super::flags::Flags;
use super::order;
use super::text::Op;
use pipeline::dependency::DependencyKind;
use pipeline::facts::{Need, Release};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

/// What lockfiles of other npm versions leave out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Habits {
    /// `license` is written since npm 8.
    pub license: bool,
}

/// The release that an entry is to show.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'a> {
    /// Registry name.
    pub name: &'a str,
    /// Folder name.
    pub key: &'a str,
    pub release: &'a Release,
    pub resolved: Option<&'a str>,
}

/// Members that come from the release; without the release's word they go.
const OF_RELEASE: [&str; 10] = [
    "acceptDependencies",
    "bin",
    "cpu",
    "deprecated",
    "funding",
    "hasInstallScript",
    "libc",
    "license",
    "os",
    "peerDependenciesMeta",
];

/// Edits that turn an entry of `packages` into one of the release.
pub(super) fn modern(shown: Shown<'_>, habits: Habits) -> BTreeMap<String, Op> {
    let mut ops = BTreeMap::new();
    let release = shown.release;
    let mut set = |name: &str, value: Option<Json>| {
        ops.insert(name.to_owned(), value.map_or(Op::Remove, Op::Set));
    };
    set("name", (shown.name != shown.key).then(|| Json::from(shown.name)));
    set("version", Some(Json::from(release.version.as_str())));
    set("resolved", shown.resolved.map(Json::from));
    set("integrity", integrity(release).map(Json::from));
    set("dependencies", needs(release, &[DependencyKind::Prod]));
    set("optionalDependencies", needs(release, &[DependencyKind::Optional]));
    set("peerDependencies", needs(release, &[DependencyKind::Peer, DependencyKind::PeerOptional]));
    let engines: Map<String, Json> =
        release.engines.iter().map(|(name, range)| (name.clone(), Json::from(range.as_str()))).collect();
    // npm writes an old list as it is.
    let list = release.lockfile_members.get("engines").filter(|value| is_written(value)).cloned();
    set("engines", list.or_else(|| (!engines.is_empty()).then(|| Json::Object(sorted(engines)))));
    for name in OF_RELEASE {
        let value = release.lockfile_members.get(name).filter(|value| is_written(value));
        let value = value.filter(|_| name != "license" || habits.license);
        set(name, value.cloned().map(arranged));
    }
    // What the old archive was, and where it stood, says nothing of the new one.
    for stale in ["bundleDependencies", "extraneous", "hasShrinkwrap", "inBundle"] {
        set(stale, None);
    }
    ops
}

/// Edits that turn an entry of the older `dependencies` into one of the release, its own `dependencies` left alone.
pub(super) fn legacy(shown: Shown<'_>) -> BTreeMap<String, Op> {
    let mut ops = BTreeMap::new();
    let release = shown.release;
    let version = if shown.name == shown.key {
        release.version.clone()
    } else {
        format!("npm:{}@{}", shown.name, release.version)
    };
    ops.insert("version".to_owned(), Op::Set(Json::from(version)));
    ops.insert("resolved".to_owned(), option(shown.resolved.map(Json::from)));
    ops.insert("integrity".to_owned(), option(integrity(release).map(Json::from)));
    ops.insert("bundled".to_owned(), Op::Remove);
    ops.insert("requires".to_owned(), option(needs(release, &[DependencyKind::Prod, DependencyKind::Optional])));
    ops
}

/// Edits of the marks, where they are not as they were.
pub(super) fn marks(before: Option<Flags>, after: Flags) -> BTreeMap<String, Op> {
    let named = |flags: Flags| {
        [("dev", flags.dev), ("optional", flags.optional), ("devOptional", flags.dev_optional), ("peer", flags.peer)]
    };
    let before = before.map(named);
    let changed =
        named(after).into_iter().enumerate().filter(|(at, now)| before.is_none_or(|before| before[*at] != *now));
    changed.map(|(_, (name, on))| (name.to_owned(), option(on.then_some(Json::Bool(true))))).collect()
}

/// A whole entry out of its edits, in npm's order.
pub(super) fn fresh(ops: BTreeMap<String, Op>) -> Json {
    let set = ops.into_iter().filter_map(|(name, op)| match op {
        Op::Set(value) => Some((name, value)),
        Op::Remove => None,
    });
    Json::Object(sorted(set.collect()))
}

/// The members in npm's order.
pub(super) fn sorted(map: Map<String, Json>) -> Map<String, Json> {
    let mut members: Vec<(String, Json)> = map.into_iter().collect();
    members.sort_by(|a, b| order::members((&a.0, a.1.is_object()), (&b.0, b.1.is_object())));
    members.into_iter().collect()
}

/// npm sorts objects in objects too.
fn arranged(value: Json) -> Json {
    match value {
        Json::Object(map) => {
            Json::Object(sorted(map.into_iter().map(|(name, value)| (name, arranged(value))).collect()))
        }
        other => other,
    }
}

fn option(value: Option<Json>) -> Op {
    value.map_or(Op::Remove, Op::Set)
}

fn is_written(value: &Json) -> bool {
    match value {
        Json::Null | Json::Bool(false) => false,
        Json::String(text) => !text.is_empty(),
        Json::Array(list) => !list.is_empty(),
        Json::Object(map) => !map.is_empty(),
        _ => true,
    }
}

fn integrity(release: &Release) -> Option<String> {
    (!release.hashes.is_empty()).then(|| release.hashes.join(" "))
}

fn needs(release: &Release, kinds: &[DependencyKind]) -> Option<Json> {
    let of_kind = |need: &&Need| kinds.contains(&need.kind);
    let is_optional_too = |need: &Need| {
        let twin = |other: &Need| other.name == need.name && other.kind == DependencyKind::Optional;
        need.kind == DependencyKind::Prod && release.dependencies.iter().any(twin)
    };
    let needs = release.dependencies.iter().filter(of_kind).filter(|need| !is_optional_too(need));
    let map: Map<String, Json> = needs.map(|need| (need.name.clone(), Json::from(need.requirement.as_str()))).collect();
    (!map.is_empty()).then(|| Json::Object(sorted(map)))
}
