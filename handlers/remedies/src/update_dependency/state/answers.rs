//! Who answers whom, now and before any change.

use super::super::registry::{Name, Need, Range, Ver};
use super::{Id, ROOT, State, find};
use std::rc::Rc;

impl State<'_, '_> {
    /// The entry that answers `name` for `from`: in its own `node_modules`, or in that of a folder above.
    pub fn resolve(&self, from: Id, name: Name) -> Option<Id> {
        self.resolve_where(from, name, |_| true)
    }

    pub(super) fn resolve_where(&self, from: Id, name: Name, wanted: impl Fn(Id) -> bool) -> Option<Id> {
        let mut at = Some(from);
        while let Some(id) = at {
            if let Some(kid) = self.nodes[id].kids.get(&name).filter(|kid| !self.nodes[**kid].gone && wanted(**kid)) {
                return Some(*kid);
            }
            at = self.nodes[id].parent;
        }
        None
    }

    pub(super) fn resolve_before(&self, from: Id, name: Name) -> Option<Id> {
        let mut at = Some(from);
        while let Some(id) = at {
            let kids = &self.nodes[id].kids;
            if let Some(kid) = kids.get(&name) {
                if self.nodes[*kid].original.is_some() {
                    return Some(*kid);
                }
                // A new entry may stand where one went with its archive.
                if let Some(before) = self.nodes[*kid].twin.filter(|_| !self.flat) {
                    return Some(before);
                }
            }
            at = self.nodes[id].parent;
        }
        None
    }

    /// Who has `to` as an answer, with the need.
    pub fn dependents(&self, to: Id) -> Vec<(Id, Need)> {
        let key = self.nodes[to].key;
        let Some(users) = self.users.get(&key) else { return Vec::new() };
        let mut found: Vec<(Id, Need)> = Vec::new();
        for &user in users {
            if self.nodes[user].gone {
                continue;
            }
            let Some(need) = self.need_of(user, key) else { continue };
            let answers = self.resolve(user, key).is_some_and(|answer| answer == to || self.flat);
            if answers {
                found.push((user, need.clone()));
            }
        }
        found
    }

    /// Whether `to` is an answer to what `from` asks for, and not an older one than `from` had.
    pub fn accepts(&self, from: Id, need: &Need, to: Id) -> bool {
        let target = &self.nodes[to];
        let Some(version) = &target.version else { return target.original.is_some() };
        if !target.movable && target.original.is_some() && !target.bundled {
            // A link, a git repository, a URL: nobody but the one who wrote it knows.
            return true;
        }
        if need.package != target.package {
            return false;
        }
        self.allows(from, need, version)
            && (target.original.is_some() || !self.is_older_than_before(from, need.name, version))
    }

    /// Whether what `from` asks for holds `version`, with overrides.
    pub fn allows(&self, from: Id, need: &Need, version: &Ver) -> bool {
        if self.nodes[from].root || need.package != need.name {
            return need.range.allows(version);
        }
        match self.overrides.get(&need.name) {
            Some(forced) => forced.id == version.id,
            None => self.range_that_follows(need.name).unwrap_or(&need.range).allows(version),
        }
    }

    /// The edited range of the project, where an override makes it the range of all who ask for the name.
    fn range_that_follows(&self, name: Name) -> Option<&Rc<Range>> {
        self.required.get(&(ROOT, name))?;
        self.followed(name).map(|need| &need.range)
    }

    /// The project's own need of a name, where an override says the same to all others (`"a": "$a"`, or the same text): npm
    /// refuses them if they differ, so they change together.
    pub fn followed(&self, name: Name) -> Option<&Need> {
        let before = find(&self.nodes[ROOT].original.as_ref()?.needs, name)?;
        let overridden = self.registry.overridden.borrow();
        overridden.get(&name).filter(|range| range.text == before.range.text)?;
        self.need_of(ROOT, name)
    }

    /// Whether `from` had a newer version of what it asks for before anything was changed.
    pub fn is_older_than_before(&self, from: Id, name: Name, version: &Ver) -> bool {
        self.version_before(from, name).is_some_and(|before| version.version < before.version)
    }

    /// What `from` had for `name` before anything was changed.
    pub fn version_before(&self, from: Id, name: Name) -> Option<&Rc<Ver>> {
        find(&self.nodes[from].original.as_ref()?.needs, name)?;
        let before = self.resolve_before(from, name)?;
        self.nodes[before].original.as_ref()?.version.as_ref()
    }
}
