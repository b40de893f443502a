//! What can be done about something that does not hold: every participant that could mend it.
//!
//! Complete in this sense: each way to change the tree further, so that it holds in the end, does at least one of them.
//! That is what makes the search exact, and what brute force is held against.

use super::cost::{Cost, OVERRIDES, REQUIRES};
use super::ranges;
use super::registry::{Candidate, Name, Need};
use super::state::{Id, ROOT, State, Violation};
use pipeline::dependency::DependencyKind;

/// One thing done. Releases are indexes into the candidates of the package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Act {
    /// Another version at the same place.
    Update { id: Id, release: usize },
    /// A new entry.
    Add { parent: Id, key: Name, package: Name, release: usize },
    /// Another range in a manifest of the project.
    Require { id: Id, name: Name, text: String },
    /// One version for every need of the name.
    Override { name: Name, release: usize },
}

/// What may be done at all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowed {
    pub breaking: bool,
    pub overrides: bool,
}

impl State<'_, '_> {
    /// Everything that could mend `violation`, cheapest first.
    pub(super) fn acts(&self, violation: &Violation, allowed: Allowed) -> Vec<(Cost, Act)> {
        let mut acts = Vec::new();
        match violation {
            Violation::Wounded(id) => {
                self.updates(*id, allowed, |_, _| true, &mut acts);
                self.cuts(*id, allowed, &mut acts);
            }
            Violation::Rejects { from, need, to } => {
                let same_package = self.nodes[*to].package == need.package;
                if same_package {
                    self.updates(
                        *to,
                        allowed,
                        |state, candidate| state.allows(*from, need, &candidate.version),
                        &mut acts,
                    );
                }
                self.updates(
                    *from,
                    allowed,
                    |state, candidate| {
                        let needs = state.registry.needs(candidate);
                        needs
                            .iter()
                            .find(|new| new.name == need.name)
                            .is_none_or(|new| new.range.text != need.range.text || new.kind != need.kind)
                    },
                    &mut acts,
                );
                // What only an override makes wrong is changed where it is, not shadowed.
                let is_wrong = !self.nodes[*to].version.as_ref().is_some_and(|version| need.range.allows(version));
                if !self.flat && (is_wrong || self.nodes[*to].original.is_none()) {
                    self.additions(*from, need, Some(*to), &mut acts);
                }
                if !self.flat {
                    self.cuts(*from, allowed, &mut acts);
                }
                match self.followed(need.name).filter(|_| !self.nodes[*from].root) {
                    Some(own) if self.resolve(ROOT, need.name) == Some(*to) => {
                        self.requirement(ROOT, own, *to, &mut acts);
                    }
                    _ => self.requirement(*from, need, *to, &mut acts),
                }
                if allowed.overrides && same_package {
                    self.overrides(*from, need, Some(*to), &mut acts);
                }
            }
            Violation::Missing { from, need } => {
                self.additions(*from, need, None, &mut acts);
                if allowed.overrides {
                    self.overrides(*from, need, None, &mut acts);
                }
            }
        }
        acts.sort();
        acts
    }

    /// Versions that an entry may go to, with what that costs.
    pub(super) fn updates(
        &self,
        id: Id,
        allowed: Allowed,
        wanted: impl Fn(&Self, &Candidate<'_>) -> bool,
        acts: &mut Vec<(Cost, Act)>,
    ) {
        let node = &self.nodes[id];
        let Some(now) = node.original.as_ref().and_then(|original| original.version.as_ref()) else { return };
        if node.assigned || !node.movable || node.gone {
            return;
        }
        for (release, candidate) in self.registry.candidates(node.package).iter().enumerate() {
            let then = &candidate.version;
            let breaking = node.direct && now.breaks(then);
            let newer = then.version > now.version && (!then.prerelease || now.prerelease);
            if newer && (allowed.breaking || !breaking) && wanted(self, candidate) {
                let cost = Cost::update(now.numbers, then.numbers, breaking, candidate.release.deprecated);
                acts.push((cost, Act::Update { id, release }));
            }
        }
    }

    /// Ways to make an entry superfluous: on one way from the project to it, some entry goes to a version that no longer
    /// asks for the next, or asks for another version of it.
    pub(super) fn cuts(&self, id: Id, allowed: Allowed, acts: &mut Vec<(Cost, Act)>) {
        if self.flat {
            return;
        }
        let Some(path) = self.path(id) else { return };
        for step in path.windows(2) {
            let &[from, to] = step else { continue };
            if self.nodes[from].root || self.nodes[from].link.is_some() {
                continue;
            }
            let target = &self.nodes[to];
            let versions =
                [target.original.as_ref().and_then(|original| original.version.clone()), target.version.clone()];
            let rejects = |need: &Need| {
                need.package != target.package || versions.iter().flatten().any(|version| !need.range.allows(version))
            };
            let breaks = |state: &Self, candidate: &Candidate<'_>| {
                let needs = state.registry.needs(candidate);
                needs.iter().find(|need| need.name == target.key).is_none_or(rejects)
            };
            self.updates(from, allowed, breaks, acts);
        }
    }

    /// New entries that would answer `need`: at any place between `from` and the entry that answers now.
    pub(super) fn additions(&self, from: Id, need: &Need, to: Option<Id>, acts: &mut Vec<(Cost, Act)>) {
        let candidates = self.registry.candidates(need.package);
        let Some(newest) = candidates.iter().rev().find(|c| !c.version.prerelease).or(candidates.last()) else {
            return;
        };
        let is_peer = matches!(need.kind, DependencyKind::Peer | DependencyKind::PeerOptional);
        let mut at = if is_peer && !self.nodes[from].root { self.nodes[from].parent } else { Some(from) };
        let stop = to.and_then(|to| self.nodes[to].parent);
        // A tag may be any release, but hardly one for the brave.
        let brave = !need.range.is_tag() || newest.version.prerelease;
        while let Some(parent) = at.filter(|at| to.is_none() || Some(*at) != stop) {
            for (release, candidate) in candidates.iter().enumerate().filter(|(_, c)| brave || !c.version.prerelease) {
                let version = &candidate.version;
                if self.allows(from, need, version) && !self.is_older_than_before(from, need.name, version) {
                    let depth = if self.flat { 0 } else { self.depth(parent) };
                    let cost = Cost::add(version.numbers, newest.version.numbers, depth, candidate.release.deprecated);
                    acts.push((cost, Act::Add { parent, key: need.name, package: need.package, release }));
                }
            }
            at = self.nodes[parent].parent;
        }
    }

    /// The project's own range, widened to what its target became.
    fn requirement(&self, from: Id, need: &Need, to: Id, acts: &mut Vec<(Cost, Act)>) {
        let (node, target) = (&self.nodes[from], &self.nodes[to]);
        let edited = self.required.contains_key(&(from, need.name));
        let Some(version) = target.version.as_ref().filter(|_| node.root && !self.flat && target.assigned && !edited)
        else {
            return;
        };
        if target.package == need.package
            && let Some(text) = ranges::bump(self.registry.ecosystem, &need.range.text, &version.version)
            && text != need.range.text
        {
            acts.push((Cost::one(REQUIRES), Act::Require { id: from, name: need.name, text }));
        }
    }

    /// One version for all who ask for the name, where the project itself does not ask for it.
    pub(super) fn overrides(&self, from: Id, need: &Need, to: Option<Id>, acts: &mut Vec<(Cost, Act)>) {
        let name = need.name;
        let asked_by_project = (0..self.originals).any(|id| self.nodes[id].root && self.need_of(id, name).is_some());
        let plain = need.package == name && !self.nodes[from].root && !self.flat;
        if asked_by_project || !plain || self.overrides.contains_key(&name) {
            return;
        }
        let target = to.map(|to| &self.nodes[to]);
        let now = target.and_then(|target| target.version.as_ref());
        for (release, candidate) in self.registry.candidates(name).iter().enumerate() {
            let version = &candidate.version;
            let fits = if target.is_none() {
                !version.prerelease
            } else if target.is_some_and(|target| target.assigned) {
                now.is_some_and(|now| now.id == version.id)
            } else {
                now.is_some_and(|now| version.version >= now.version && (!version.prerelease || now.prerelease))
            };
            if fits {
                acts.push((Cost::one(OVERRIDES), Act::Override { name, release }));
            }
        }
    }

    /// Does it. Returns whether the tree can still hold.
    pub(super) fn perform(&mut self, act: &Act) -> bool {
        match act {
            Act::Update { id, release } => {
                let candidates = self.registry.candidates(self.nodes[*id].package);
                let Some(candidate) = candidates.get(*release) else { return false };
                let needs = self.registry.needs(candidate);
                self.update(*id, candidate.version.clone(), needs, candidate.pythons);
                self.leaves_a_python()
            }
            Act::Add { parent, key, package, release } => {
                let candidates = self.registry.candidates(*package);
                let Some(candidate) = candidates.get(*release) else { return false };
                let needs = self.registry.needs(candidate);
                self.add(*parent, *key, *package, candidate.version.clone(), needs, candidate.pythons);
                self.leaves_a_python()
            }
            Act::Require { id, name, text } => {
                self.require(*id, *name, text.clone());
                true
            }
            Act::Override { name, release } => {
                let candidates = self.registry.candidates(*name);
                let Some(candidate) = candidates.get(*release) else { return false };
                self.force(*name, candidate.version.clone());
                true
            }
        }
    }

    /// A change that leaves no Python is not made. Another pin could have followed, so that is noted.
    fn leaves_a_python(&self) -> bool {
        let runs = self.some_python_runs_all();
        self.python_in_the_way.set(self.python_in_the_way.get() || !runs);
        runs
    }

    /// How many entries an override takes out of the range of those who ask for them, to an incompatible version.
    pub(super) fn broken_promises(&self) -> u64 {
        let mut count = 0;
        for id in self.touched.iter().copied().filter(|id| self.overrides.contains_key(&self.nodes[*id].key)) {
            let Some(now) = &self.nodes[id].version else { continue };
            let breaks = |(user, need): &(Id, Need)| {
                !need.range.allows(now)
                    && self.version_before(*user, need.name).is_none_or(|before| before.breaks(now))
                    && self.is_needed(*user)
            };
            count += u64::from(self.dependents(id).iter().any(breaks));
        }
        count
    }
}
