//! The nested `dependencies` of lockfile versions 1 and 2.

use super::text::{self, Op, Splices, Style};
use super::{EditError, entry, order};
use jsonc_parser::ast::{Object, Value};
use serde_json::Value as Json;
use std::collections::{BTreeMap, HashMap};

/// What happens to one entry, and to those nested in it.
#[derive(Debug, Default)]
pub(super) struct Legacy {
    ops: BTreeMap<String, Op>,
    kids: BTreeMap<String, Legacy>,
    /// By name of what it requires: the range now and then.
    ranges: BTreeMap<String, (String, String)>,
    /// Whether the plan writes it: then it has to be there, or is made.
    fate: Fate,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Fate {
    #[default]
    Stays,
    Changes,
    IsNew,
    Goes,
}

/// The lockfile that is edited.
pub(super) struct Page<'a> {
    pub path: &'a str,
    pub before: &'a str,
    pub style: &'a Style,
    /// Versions forced by name: npm writes them wherever a range was required.
    pub forced: BTreeMap<&'a str, &'a str>,
}

/// Folders in folders that are followed; a deeper place is an error.
const DEPTH_MAX: usize = 64;

impl Legacy {
    /// What happens at a place such as `node_modules/a/node_modules/b` of the lockfile at `path`.
    pub(super) fn at(
        &mut self,
        path: &str,
        entry: &str,
        links: &HashMap<String, String>,
    ) -> Result<&mut Self, EditError> {
        let mut place = entry.to_owned();
        // A workspace stands under the name of the link to it.
        for _ in 0..DEPTH_MAX {
            let folder = place.find("node_modules/").map_or(place.as_str(), |at| place.get(..at).unwrap_or_default());
            let Some(link) = links.get(folder.trim_end_matches('/')).filter(|_| !folder.is_empty()) else { break };
            place = format!("{link}/{}", place.get(folder.len()..).unwrap_or_default());
        }
        let mut at = self;
        let keys = place.split("node_modules/").map(|key| key.trim_end_matches('/')).filter(|key| !key.is_empty());
        for (depth, key) in keys.enumerate() {
            if depth >= DEPTH_MAX {
                return Err(EditError::Moved { path: path.to_owned(), entry: entry.to_owned() });
            }
            at = at.kids.entry(key.to_owned()).or_default();
        }
        Ok(at)
    }

    pub(super) fn write(&mut self, ops: BTreeMap<String, Op>, is_new: bool) {
        self.ops.extend(ops);
        self.fate = if is_new { Fate::IsNew } else { Fate::Changes };
    }

    pub(super) fn mark(&mut self, ops: BTreeMap<String, Op>) {
        self.ops.extend(ops);
    }

    /// It requires `name` at another range.
    pub(super) fn require(&mut self, name: &str, from: &str, to: &str) {
        self.ranges.insert(name.to_owned(), (from.to_owned(), to.to_owned()));
    }

    pub(super) fn remove(&mut self) {
        self.fate = Fate::Goes;
    }

    /// Edits the lockfile whose root object this is.
    pub(super) fn edit(self, page: &Page<'_>, root: &Object<'_>, splices: &mut Splices) -> Result<(), EditError> {
        self.edit_entry(page, root, 1, splices)
    }

    fn edit_entry(
        mut self,
        page: &Page<'_>,
        object: &Object<'_>,
        depth: usize,
        splices: &mut Splices,
    ) -> Result<(), EditError> {
        if depth > 2 * DEPTH_MAX {
            return Ok(());
        }
        let nested = text::object(object, "dependencies");
        let kid = |name: &str| nested.and_then(|nested| text::object(nested, name));
        // What is forced shows in entries that the plan does not name, too.
        for property in nested.iter().flat_map(|nested| &nested.properties).filter(|_| !page.forced.is_empty()) {
            self.kids.entry(property.name.as_str().to_owned()).or_default();
        }
        self.respell(page, object, splices);
        let mut ops: BTreeMap<String, Op> = BTreeMap::new();
        for (name, legacy) in self.kids {
            match (legacy.fate, kid(&name)) {
                (Fate::Goes, _) => {
                    ops.insert(name, Op::Remove);
                }
                (_, Some(object)) => legacy.edit_entry(page, object, depth + 2, splices)?,
                (Fate::IsNew, None) => {
                    ops.insert(name, Op::Set(legacy.fresh(page)));
                }
                (Fate::Changes, None) => return Err(EditError::Moved { path: page.path.to_owned(), entry: name }),
                (Fate::Stays, None) => {}
            }
        }
        match nested {
            Some(nested) if depth > 1 && is_emptied(nested, &ops) => {
                self.ops.insert("dependencies".to_owned(), Op::Remove);
            }
            Some(nested) => splices.edit(page.before, nested, page.style, depth + 1, ops, order::members),
            None => {
                let new: serde_json::Map<String, Json> = ops.into_iter().filter_map(set).collect();
                if !new.is_empty() {
                    self.ops.insert("dependencies".to_owned(), Op::Set(Json::Object(entry::sorted(new))));
                }
            }
        }
        splices.edit(page.before, object, page.style, depth, self.ops, order::members);
        Ok(())
    }

    /// Writes the ranges that change without the entry's release changing.
    fn respell(&mut self, page: &Page<'_>, object: &Object<'_>, splices: &mut Splices) {
        match self.ops.get_mut("requires") {
            Some(Op::Set(Json::Object(requires))) => return force(requires, page),
            // What goes has no ranges left to spell.
            Some(_) => return,
            None => {}
        }
        let Some(requires) = text::object(object, "requires") else { return };
        for property in &requires.properties {
            let Value::StringLit(range) = &property.value else { continue };
            let name = property.name.as_str();
            let changed =
                self.ranges.get(name).filter(|(from, _)| range.value == from.as_str()).map(|(_, to)| to.as_str());
            if let Some(to) = page.forced.get(name).copied().or(changed).filter(|to| range.value != *to) {
                splices.replace(range.range, Json::from(to).to_string());
            }
        }
    }

    /// A whole new entry with those nested in it.
    fn fresh(mut self, page: &Page<'_>) -> Json {
        if let Some(Op::Set(Json::Object(requires))) = self.ops.get_mut("requires") {
            force(requires, page);
        }
        let kids: serde_json::Map<String, Json> = std::mem::take(&mut self.kids)
            .into_iter()
            .filter(|(_, kid)| kid.fate == Fate::IsNew)
            .map(|(name, kid)| (name, kid.fresh(page)))
            .collect();
        if !kids.is_empty() {
            self.ops.insert("dependencies".to_owned(), Op::Set(Json::Object(entry::sorted(kids))));
        }
        entry::fresh(self.ops)
    }
}

fn force(requires: &mut serde_json::Map<String, Json>, page: &Page<'_>) {
    for (name, range) in requires {
        if let Some(version) = page.forced.get(name.as_str()) {
            *range = Json::from(*version);
        }
    }
}

fn set((name, op): (String, Op)) -> Option<(String, Json)> {
    match op {
        Op::Set(value) => Some((name, value)),
        Op::Remove => None,
    }
}

/// Whether nothing is left once `ops` are done.
fn is_emptied(nested: &Object<'_>, ops: &BTreeMap<String, Op>) -> bool {
    let goes = |name: &str| ops.get(name) == Some(&Op::Remove);
    nested.properties.iter().all(|property| goes(property.name.as_str()) && matches!(property.value, Value::Object(_)))
        && !ops.values().any(|op| matches!(op, Op::Set(_)))
        && !nested.properties.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(before: &str, forced: &[(&'static str, &'static str)], legacy: Legacy, expect: &str) {
        let root = text::parse("package-lock.json", before).unwrap();
        let style = Style::of(before, &root);
        let page = Page { path: "package-lock.json", before, style: &style, forced: forced.iter().copied().collect() };
        let mut splices = Splices::default();
        legacy.edit(&page, &root, &mut splices).unwrap();
        assert_eq!(splices.apply(page.path, before).unwrap(), expect);
    }

    #[test]
    fn forced_version_is_what_every_entry_requires() {
        let before = r#"{"dependencies": {"a": {"requires": {"x": "^1"}, "dependencies": {"b": {"requires": {"x": "*", "y": "1"}}}}}}"#;
        let after = r#"{"dependencies": {"a": {"requires": {"x": "2.0.0"}, "dependencies": {"b": {"requires": {"x": "2.0.0", "y": "1"}}}}}}"#;
        check(before, &[("x", "2.0.0")], Legacy::default(), after);
    }

    #[test]
    fn an_entry_that_no_longer_requires_anything_loses_its_ranges_whole() {
        let mut legacy = Legacy::default();
        let ops = [("version", Op::Set(Json::from("1.0.1"))), ("requires", Op::Remove)];
        let ops = ops.map(|(name, op)| (name.to_owned(), op)).into();
        legacy.at("package-lock.json", "node_modules/a", &HashMap::new()).unwrap().write(ops, false);
        let before = r#"{"dependencies": {"a": {"version": "1.0.0", "requires": {"x": "^1"}}, "c": {"requires": {"x": "~1.0.0"}}}}"#;
        let after = r#"{"dependencies": {"a": {"version": "1.0.1"}, "c": {"requires": {"x": "1.1.0"}}}}"#;
        check(before, &[("x", "1.1.0")], legacy, after);
    }

    #[test]
    fn a_place_deeper_than_is_followed_is_not_taken_for_another() {
        let place = |depth: usize| vec!["node_modules/a"; depth].join("/");
        let mut legacy = Legacy::default();
        assert!(legacy.at("package-lock.json", &place(DEPTH_MAX), &HashMap::new()).is_ok());
        let deeper = place(DEPTH_MAX + 1);
        let moved = EditError::Moved { path: "package-lock.json".to_owned(), entry: deeper.clone() };
        assert_eq!(legacy.at("package-lock.json", &deeper, &HashMap::new()).err(), Some(moved));
    }

    #[test]
    fn workspace_requires_what_its_manifest_asks_for() {
        let links = HashMap::from([("packages/one".to_owned(), "node_modules/one".to_owned())]);
        let mut legacy = Legacy::default();
        legacy.at("package-lock.json", "packages/one", &links).unwrap().require("x", "1.0.0", "1.0.1");
        let before = r#"{"dependencies": {"one": {"version": "file:packages/one", "requires": {"x": "1.0.0"}}, "two": {"requires": {"x": "1.0.0"}}}}"#;
        check(before, &[], legacy, &before.replacen("1.0.0", "1.0.1", 1));
    }
}
