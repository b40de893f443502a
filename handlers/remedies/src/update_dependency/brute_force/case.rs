//! A registry, a project and what is installed, small enough to try everything.

use super::super::tests::{World, npm};
use pipeline::dependency::DependencyKind::{self, Optional, Peer, PeerOptional};
use pipeline::patch::{Change, Plan};
use std::collections::BTreeMap;

pub type V = [u64; 3];
/// Folder names from the root.
pub type Place = Vec<usize>;
pub type Cost = [u64; 13];

#[derive(Debug, Clone)]
pub struct Rel {
    pub version: V,
    pub bad: bool,
    pub young: bool,
    pub deprecated: bool,
    pub needs: Vec<(usize, String, DependencyKind)>,
}

#[derive(Debug, Clone, Default)]
pub struct Case {
    pub packages: Vec<Vec<Rel>>,
    pub asked: Vec<(usize, String, DependencyKind)>,
    pub installed: BTreeMap<Place, V>,
    /// What stands there besides, and goes: vulnerable entries that nothing leads to, and the orphans that hang on them.
    pub orphans: BTreeMap<Place, V>,
    pub breaking: bool,
    pub overrides: bool,
}

/// What a set of changes leads to.
#[derive(Debug, Clone, Default)]
pub struct After {
    pub entries: BTreeMap<Place, V>,
    pub forced: Option<(usize, V)>,
}

impl Case {
    pub fn rel(&self, package: usize, version: V) -> &Rel {
        self.packages[package].iter().find(|rel| rel.version == version).unwrap()
    }

    pub fn may_choose(&self, package: usize, version: V) -> bool {
        let rel = self.rel(package, version);
        !rel.bad && !rel.young
    }

    pub fn walk(entries: &BTreeMap<Place, V>, from: &[usize], wanted: usize) -> Option<Place> {
        (0..=from.len()).rev().map(|up| [&from[..up], &[wanted]].concat()).find(|place| entries.contains_key(place))
    }

    pub fn needs(&self, entries: &BTreeMap<Place, V>, place: &[usize]) -> &[(usize, String, DependencyKind)] {
        match place.last() {
            None => &self.asked,
            Some(package) => &self.rel(*package, entries[place]).needs,
        }
    }

    pub fn world(&self) -> World {
        let spell = |needs: &[(usize, String, DependencyKind)]| {
            let mark = |kind| match kind {
                Optional => "?",
                Peer => "!",
                PeerOptional => "!?",
                _ => "",
            };
            let needs: Vec<String> =
                needs.iter().map(|(at, range, kind)| format!("{}{} {range}", name(*at), mark(*kind))).collect();
            needs.join(", ")
        };
        let mut world = npm().asks(&spell(&self.asked));
        for (at, package) in self.packages.iter().enumerate() {
            world.facts.packages.entry(name(at)).or_default();
            for rel in package {
                let mark = |on, text: &'static str| if on { text } else { "" };
                let marks =
                    [mark(rel.bad, " bad"), mark(rel.young, " young"), mark(rel.deprecated, " deprecated")].concat();
                world = world.release(&format!("{}@{}{marks}", name(at), text(rel.version)), &spell(&rel.needs));
            }
        }
        for (place, version) in self.installed.iter().chain(&self.orphans) {
            let place: Vec<String> = place.iter().map(|at| name(*at)).collect();
            world = world.at(&place.join(">"), &text(*version));
        }
        world
    }

    /// The case in the notation of the other tests.
    pub fn told(&self) -> String {
        let spell = |needs: &[(usize, String, DependencyKind)]| {
            needs
                .iter()
                .map(|(at, range, kind)| format!("{} {range} {kind:?}", name(*at)))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let mut told =
            format!("asks {} (breaking {}, overrides {})\n", spell(&self.asked), self.breaking, self.overrides);
        for (at, package) in self.packages.iter().enumerate() {
            for rel in package {
                let marks = format!(
                    "{}{}{}",
                    if rel.bad { " bad" } else { "" },
                    if rel.young { " young" } else { "" },
                    if rel.deprecated { " deprecated" } else { "" }
                );
                told += &format!("  {}@{}{marks}: {}\n", name(at), text(rel.version), spell(&rel.needs));
            }
        }
        for (place, version) in self.installed.iter().chain(&self.orphans) {
            told += &format!(
                "  at {} {}\n",
                place.iter().map(|at| name(*at)).collect::<Vec<_>>().join(">"),
                text(*version)
            );
        }
        told
    }

    /// The case once a plan without overrides is carried out, the ranges of the project aside.
    pub fn patched(&self, plan: &Plan) -> Self {
        let mut patched = Self { installed: self.after(plan).entries, orphans: BTreeMap::new(), ..self.clone() };
        for change in &plan.changes {
            if let Change::Remove { place, .. } = change {
                patched.installed.remove(&place_of(place));
            }
        }
        patched
    }

    pub fn after(&self, plan: &Plan) -> After {
        let mut after = After { entries: self.installed.clone(), forced: None };
        for change in &plan.changes {
            match change {
                Change::Update { place, to: version, .. } | Change::Add { place, version, .. } => {
                    after.entries.insert(place_of(place), v(version));
                }
                Change::Override { name, version } => after.forced = Some((package_of(name), v(version))),
                Change::Remove { place, .. } => {
                    let place = place_of(place);
                    assert!(self.installed.contains_key(&place) || self.orphans.contains_key(&place));
                }
                Change::Require { .. } => {}
            }
        }
        after
    }
}

pub fn v(text: &str) -> V {
    let mut numbers = text.split('.').map(|n| n.parse().unwrap());
    [(); 3].map(|()| numbers.next().unwrap_or(0))
}

pub fn text(v: V) -> String {
    format!("{}.{}.{}", v[0], v[1], v[2])
}

pub fn name(at: usize) -> String {
    ["a", "b", "c", "d", "e", "f", "g", "h"][at].to_owned()
}

pub fn in_range(range: &str, x: V) -> bool {
    match range.split_at(1) {
        ("*", _) => true,
        ("^", low) => x >= v(low) && caret(v(low), x),
        ("~", low) => x >= v(low) && x[..2] == v(low)[..2],
        _ => x == v(range),
    }
}

pub fn caret(from: V, to: V) -> bool {
    match from {
        [0, 0, _] => from == to,
        [0, ..] => from[..2] == to[..2],
        _ => from[0] == to[0],
    }
}

pub fn far(from: V, to: V) -> V {
    match (0..3).find(|at| from[*at] != to[*at]) {
        None => [0; 3],
        Some(at) => [0, 1, 2].map(|i| match i.cmp(&at) {
            std::cmp::Ordering::Less => 0,
            std::cmp::Ordering::Equal => to[i].abs_diff(from[i]),
            std::cmp::Ordering::Greater => to[i],
        }),
    }
}

fn package_of(name: &str) -> usize {
    "abcdefgh".find(name).unwrap()
}

fn place_of(place: &str) -> Place {
    let keys = place.split("node_modules/").map(|key| key.trim_end_matches('/'));
    keys.filter(|key| !key.is_empty()).map(package_of).collect()
}
