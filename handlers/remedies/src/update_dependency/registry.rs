//! The releases that may be chosen, read from the facts as they are asked for.

use super::Rules;
use super::classes::Brought;
use super::markers;
use super::ranges::{self, Asked};
use pep508_rs::{ExtraName, MarkerTree};
use pipeline::dependency::DependencyKind;
use pipeline::facts::{Facts, Need as RawNeed, Release};
use pipeline::version::{Ecosystem, Version};
use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

/// A package name, as a number.
pub(super) type Name = u32;

/// A version read once.
#[derive(Debug)]
pub(super) struct Ver {
    pub id: u32,
    pub version: Version,
    pub numbers: [u64; 3],
    pub prerelease: bool,
}

impl Ver {
    /// Whether going from this one to `then` may break who uses it, by the ecosystem's convention.
    pub(super) fn breaks(&self, then: &Self) -> bool {
        self.version.change_to(&then.version).is_breaking()
    }
}

/// A requirement read once, with the answers it gave.
#[derive(Debug)]
pub(super) struct Range {
    pub text: String,
    parsed: Asked,
    answers: RefCell<HashMap<u32, bool>>,
}

impl Range {
    /// Whether it names no version, such as `latest`.
    pub(super) fn is_tag(&self) -> bool {
        matches!(self.parsed, Asked::Any)
    }

    pub(super) fn allows(&self, version: &Ver) -> bool {
        *self.answers.borrow_mut().entry(version.id).or_insert_with(|| ranges::allows(&self.parsed, &version.version))
    }
}

/// One need, read.
#[derive(Debug, Clone)]
pub(super) struct Need {
    /// The name under which it is asked for.
    pub name: Name,
    /// The name by which the registry knows it.
    pub package: Name,
    pub range: Rc<Range>,
    pub kind: DependencyKind,
    /// On which machines it is asked for.
    pub marker: MarkerTree,
}

/// A release that may be chosen.
#[derive(Debug)]
pub(super) struct Candidate<'a> {
    pub version: Rc<Ver>,
    pub release: &'a Release,
    package: Name,
    needs: OnceCell<Rc<[Need]>>,
    /// Which Pythons it runs on, one bit each of [`PYTHONS`]. All, where it does not say.
    pub pythons: u32,
}

/// The Pythons that a `requires-python` is held against.
const PYTHONS: [&str; 14] =
    ["2.7", "3.4", "3.5", "3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14", "3.15", "3.16"];

pub(super) type Candidates<'a> = Rc<[Candidate<'a>]>;

/// The facts, with what was read of them.
pub(super) struct Registry<'a> {
    pub ecosystem: Ecosystem,
    pub facts: &'a Facts,
    rules: &'a Rules,
    names: RefCell<Names>,
    versions: RefCell<HashMap<String, Option<Rc<Ver>>>>,
    ranges: RefCell<HashMap<String, Rc<Range>>>,
    candidates: RefCell<HashMap<Name, Candidates<'a>>>,
    /// `overrides` of the project, as far as they show: by need, the requirement in force.
    pub overridden: RefCell<HashMap<Name, Rc<Range>>>,
    /// By package: the extras that the project asks for (pip).
    pub extras: RefCell<HashMap<Name, Vec<ExtraName>>>,
    pub classes: RefCell<HashMap<Name, Rc<[u32]>>>,
    pub asked_of: OnceCell<HashMap<Name, Vec<Rc<Range>>>>,
    pub brings: RefCell<HashMap<PackageAndRange, Rc<[Brought]>>>,
    /// Names that were asked for and are not in the facts.
    pub missing: RefCell<BTreeSet<String>>,
}

impl<'a> Registry<'a> {
    pub(super) fn new(ecosystem: Ecosystem, facts: &'a Facts, rules: &'a Rules) -> Self {
        Self {
            ecosystem,
            facts,
            rules,
            names: RefCell::default(),
            versions: RefCell::default(),
            ranges: RefCell::default(),
            candidates: RefCell::default(),
            classes: RefCell::default(),
            asked_of: OnceCell::new(),
            brings: RefCell::default(),
            overridden: RefCell::default(),
            extras: RefCell::default(),
            missing: RefCell::default(),
        }
    }

    pub(super) fn name(&self, text: &str) -> Name {
        let text = match self.ecosystem {
            Ecosystem::PyPI => pipeline::advisory::normalised_name(Ecosystem::PyPI, text.trim()).into_owned(),
            _ => text.to_owned(),
        };
        let mut names = self.names.borrow_mut();
        let (known, list) = &mut *names;
        *known.entry(text).or_insert_with_key(|text| {
            list.push(text.as_str().into());
            (list.len() - 1) as Name
        })
    }

    pub(super) fn text(&self, name: Name) -> Rc<str> {
        self.names.borrow().1.get(name as usize).cloned().unwrap_or_default()
    }

    pub(super) fn version(&self, text: &str) -> Option<Rc<Ver>> {
        let mut versions = self.versions.borrow_mut();
        if let Some(known) = versions.get(text) {
            return known.clone();
        }
        let id = versions.len() as u32;
        let read = Version::parse(self.ecosystem, text).ok().map(|version| {
            let (numbers, prerelease) = (version.numbers().unwrap_or_default(), version.is_prerelease());
            Rc::new(Ver { id, version, numbers, prerelease })
        });
        versions.insert(text.to_owned(), read.clone());
        read
    }

    pub(super) fn range(&self, text: &str) -> Rc<Range> {
        let mut ranges = self.ranges.borrow_mut();
        if let Some(known) = ranges.get(text) {
            return Rc::clone(known);
        }
        let parsed = ranges::parse(self.ecosystem, text);
        let read = Rc::new(Range { text: text.to_owned(), parsed, answers: RefCell::default() });
        ranges.insert(text.to_owned(), Rc::clone(&read));
        read
    }

    pub(super) fn need(&self, name: &str, requirement: &str, kind: DependencyKind) -> Need {
        let alias = if requirement.starts_with("npm:") { ranges::alias(self.ecosystem, requirement) } else { None };
        let package = self.name(alias.as_deref().unwrap_or(name));
        Need { name: self.name(name), package, range: self.range(requirement), kind, marker: MarkerTree::TRUE }
    }

    /// Every release of the package that may be chosen, ascending. None at all where the registry was not asked
    /// (the name is noted) or could not be.
    pub(super) fn candidates(&self, name: Name) -> Candidates<'a> {
        if let Some(known) = self.candidates.borrow().get(&name) {
            return Rc::clone(known);
        }
        let text = self.text(name);
        let mut list = Vec::new();
        match self.facts.packages.get(&*text) {
            None => {
                self.missing.borrow_mut().insert(text.to_string());
                return list.into();
            }
            // Which of them are good can't be told.
            Some(facts) if facts.unavailable.is_some() => {}
            Some(facts) => {
                for release in facts.releases.iter().filter(|release| self.obstacle(facts, release).is_none()) {
                    let Some(version) = self.version(&release.version) else { continue };
                    let pythons = release.engines.get("python").map_or(u32::MAX, |text| pythons(text));
                    list.push(Candidate { version, release, package: name, needs: OnceCell::new(), pythons });
                }
            }
        }
        list.sort_by(|a, b| {
            a.version.version.cmp(&b.version.version).then_with(|| a.release.version.cmp(&b.release.version))
        });
        list.dedup_by(|b, a| a.version.version == b.version.version);
        let list: Candidates<'a> = list.into();
        self.candidates.borrow_mut().insert(name, Rc::clone(&list));
        list
    }

    /// Why a release may not be chosen. `None`: it may.
    pub(super) fn obstacle(&self, facts: &pipeline::facts::PackageFacts, release: &Release) -> Option<Obstacle> {
        let Some(version) = self.version(&release.version) else { return Some(Obstacle::Unreadable) };
        if let Some(advisory) = facts.advisories.iter().find(|advisory| advisory.affects(&version.version)) {
            return Some(Obstacle::Vulnerable(advisory.id.clone()));
        }
        if release.yanked {
            return Some(Obstacle::Yanked);
        }
        let age_s = i64::from(self.rules.minimum_release_age_days).saturating_mul(24 * 60 * 60);
        let old_enough = release
            .published
            .is_some_and(|published| self.rules.now.as_second().saturating_sub(published.as_second()) >= age_s);
        if !old_enough {
            return Some(Obstacle::TooYoung);
        }
        // What is inside such an archive is not known, so a lockfile can't be written for it.
        let bundles = ["bundleDependencies", "bundledDependencies"].iter().any(|key| {
            release.lockfile_members.get(*key).is_some_and(|value| {
                value.as_bool() == Some(true) || value.as_array().is_some_and(|list| !list.is_empty())
            })
        });
        bundles.then_some(Obstacle::Bundles)
    }

    /// What the facts say of a package, where they say something.
    pub(super) fn facts(&self, name: Name) -> Option<&'a pipeline::facts::PackageFacts> {
        self.facts.packages.get(&*self.text(name))
    }

    /// The release that is written now, chosen or not: `1.0.0` may be `1.0` in the index.
    pub(super) fn release(&self, name: Name, version: &str) -> Option<&'a Release> {
        let releases = &self.facts(name)?.releases;
        releases.iter().find(|release| release.version == version).or_else(|| {
            let wanted = self.version(version)?;
            let is_equal = |release: &&Release| {
                self.version(&release.version).is_some_and(|known| known.version == wanted.version)
            };
            releases.iter().find(is_equal)
        })
    }

    /// The needs of a release of `package`, one a name, sorted by name.
    pub(super) fn needs_of(&self, package: Name, release: &Release) -> Rc<[Need]> {
        let extras = self.extras.borrow();
        let extras = extras.get(&package).map(Vec::as_slice).unwrap_or_default();
        let read = |need: &RawNeed| {
            let marker = need.marker.as_deref().map_or(Some(MarkerTree::TRUE), |text| markers::read(text, extras))?;
            Some(Need { marker, ..self.need(&need.name, &need.requirement, need.kind) })
        };
        let mut needs: Vec<Need> = release.dependencies.iter().filter_map(read).collect();
        let overridden = self.overridden.borrow();
        for need in &mut needs {
            if let Some(range) = overridden.get(&need.name) {
                need.range = Rc::clone(range);
            }
        }
        if self.ecosystem == Ecosystem::PyPI {
            needs = self.joined(needs);
        }
        one_a_name(needs)
    }

    /// Needs of one name under several markers become one need: any marker may be on, so all have to hold.
    pub(super) fn joined(&self, needs: Vec<Need>) -> Vec<Need> {
        let mut joined: Vec<Need> = Vec::with_capacity(needs.len());
        for need in needs {
            let Some(known) = joined.iter_mut().find(|known| known.name == need.name) else {
                joined.push(need);
                continue;
            };
            known.marker = markers::either(known.marker.clone(), &need.marker);
            known.range = match (known.range.text.as_str(), need.range.text.as_str()) {
                ("", _) => need.range,
                (_, "") => continue,
                (a, b) if a == b => continue,
                (a, b) => self.range(&format!("{a},{b}")),
            };
        }
        joined
    }

    pub(super) fn needs(&self, candidate: &Candidate<'_>) -> Rc<[Need]> {
        Rc::clone(candidate.needs.get_or_init(|| self.needs_of(candidate.package, candidate.release)))
    }
}

type Names = (HashMap<String, Name>, Vec<Rc<str>>);
type PackageAndRange = (Name, Option<String>);

/// Why a release may not be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Obstacle {
    Unreadable,
    Vulnerable(String),
    Yanked,
    TooYoung,
    Bundles,
}

/// Of several needs of one name the one that npm obeys.
pub(super) fn one_a_name(mut needs: Vec<Need>) -> Rc<[Need]> {
    let rank = |kind| match kind {
        DependencyKind::Dev => 0,
        DependencyKind::Optional => 1,
        DependencyKind::Prod => 2,
        DependencyKind::Peer => 3,
        DependencyKind::PeerOptional => 4,
    };
    needs.sort_by_key(|need| (need.name, rank(need.kind)));
    needs.dedup_by_key(|need| need.name);
    needs.into()
}

pub(super) fn pythons(text: &str) -> u32 {
    let Ok(set) = text.parse::<pep440_rs::VersionSpecifiers>() else { return u32::MAX };
    let mut mask = 0;
    for (bit, minor) in PYTHONS.iter().enumerate() {
        // A high patch stands for the minor: `>=3.7.2` runs on 3.7.
        let runs = format!("{minor}.99").parse().is_ok_and(|version: pep440_rs::Version| set.contains(&version));
        mask |= u32::from(runs) << bit;
    }
    mask
}
