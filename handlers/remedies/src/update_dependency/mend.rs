//! What a change broke is mended as npm would: by what is there, else in place, else by a new entry.

use super::acts::{Act, Allowed};
use super::construct::Construct;
use super::cost::Cost;
use super::ranges;
use super::state::{Id, Violation};

/// Changes in one set. It bounds the depth of the recursion.
const ACTS_MAX: usize = 200;
/// Ways to mend one need, of each kind.
const MENDS_MAX: usize = 2;

impl Construct<'_, '_, '_> {
    pub(super) fn settle(&mut self) -> bool {
        let Some(broken) = self.first_broken() else { return true };
        if self.acts.len() >= ACTS_MAX {
            return false;
        }
        self.mends(&broken).into_iter().any(|(cost, act)| self.attempt(cost, &act))
    }

    /// The first need that nothing answers, leaving aside what can't be known yet.
    fn first_broken(&mut self) -> Option<Violation> {
        loop {
            let broken = self.state.broken_edges(self.unknown.len() + 1).into_iter().find(|broken| match broken {
                Violation::Missing { from, need } => !self.unknown.contains(&(*from, need.name)),
                _ => true,
            })?;
            match &broken {
                Violation::Missing { from, need } if self.state.registry.facts(need.package).is_none() => {
                    self.state.registry.candidates(need.package);
                    self.unknown.insert((*from, need.name));
                }
                _ => return Some(broken),
            }
        }
    }

    /// A few ways to mend it, in the order in which npm would think of them.
    fn mends(&self, broken: &Violation) -> Vec<(Cost, Act)> {
        let to = match broken {
            Violation::Rejects { to, .. } => Some(*to),
            _ => None,
        };
        let (mut theirs, mut edits, mut own, mut added) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let from = match broken {
            Violation::Rejects { from, .. } | Violation::Missing { from, .. } => Some(*from),
            Violation::Wounded(_) => None,
        };
        for (cost, act) in self.state.acts(broken, Allowed { overrides: false, ..self.allowed }) {
            match &act {
                Act::Update { id, release } => {
                    let list = match Some(*id) {
                        id if id == to => &mut theirs,
                        id if id == from => &mut own,
                        _ => continue,
                    };
                    if list.len() < MENDS_MAX && self.is_wanted(*id, *release) && self.is_welcome(*id, *release) {
                        list.push((cost, act));
                    }
                }
                Act::Add { .. } => added.push((cost, act)),
                Act::Require { .. } => edits.push((cost, act)),
                Act::Override { .. } => {}
            }
        }
        let mut added = self.highest(added);
        added.truncate(MENDS_MAX);
        [theirs, edits, added, own].concat()
    }

    fn highest(&self, mut acts: Vec<(Cost, Act)>) -> Vec<(Cost, Act)> {
        let depth = |act: &Act| match act {
            Act::Add { parent, .. } => self.state.depth(*parent),
            _ => 0,
        };
        let highest = acts.iter().map(|(_, act)| depth(act)).min();
        acts.retain(|(_, act)| Some(depth(act)) == highest);
        acts
    }

    /// Whether the release of an entry that is being dealt with would do.
    fn is_wanted(&self, id: Id, release: usize) -> bool {
        let wish = self.climbing.iter().find(|(other, _)| *other == id);
        wish.is_none_or(|(_, wanted)| wanted.get(release) == Some(&true))
    }

    /// Whether all who ask for an entry accept that release of it.
    fn is_welcome(&self, id: Id, release: usize) -> bool {
        let candidates = self.state.registry.candidates(self.state.nodes[id].package);
        let Some(candidate) = candidates.get(release) else { return false };
        self.state.flat
            || self.needed_dependents(id).iter().all(|(user, need)| {
                let node = &self.state.nodes[*user];
                let can_be_edited = || {
                    ranges::bump(self.state.registry.ecosystem, &need.range.text, &candidate.version.version).is_some()
                };
                let is_own = node.root || self.state.followed(need.name).is_some();
                self.state.allows(*user, need, &candidate.version) || is_own && can_be_edited()
            })
    }
}
