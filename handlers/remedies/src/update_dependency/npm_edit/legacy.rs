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
    /// Members of `requires` that an override forces: npm writes the forced version, in an entry that stays too.
    forced: BTreeMap<String, Op>,
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

/// Folders in folders that are followed; a deeper place is not found.
const DEPTH_MAX: usize = 64;

impl Legacy {
    /// What happens at a place such as `node_modules/a/node_modules/b`.
    pub(super) fn at(&mut self, place: &str, links: &HashMap<String, String>) -> &mut Self {
        let mut place = place.to_owned();
        // A workspace stands under the name of the link to it.
        for _ in 0..DEPTH_MAX {
            let folder = place.find("node_modules/").map_or(place.as_str(), |at| place.get(..at).unwrap_or_default());
            let Some(link) = links.get(folder.trim_end_matches('/')).filter(|_| !folder.is_empty()) else { break };
            place = format!("{link}/{}", place.get(folder.len()..).unwrap_or_default());
        }
        let mut at = self;
        for key in place.split("node_modules/").map(|key| key.trim_end_matches('/')).filter(|key| !key.is_empty()).take(DEPTH_MAX) {
            at = at.kids.entry(key.to_owned()).or_default();
        }
        at
    }

    pub(super) fn write(&mut self, ops: BTreeMap<String, Op>, is_new: bool) {
        self.ops.extend(ops);
        self.fate = if is_new { Fate::IsNew } else { Fate::Changes };
    }

    pub(super) fn mark(&mut self, ops: BTreeMap<String, Op>) {
        self.ops.extend(ops);
    }

    /// Has the entry ask for that version, where it asks for the name at all.
    pub(super) fn force(&mut self, name: &str, version: &str) {
        match self.ops.get_mut("requires") {
            Some(Op::Set(Json::Object(requires))) => {
                if let Some(range) = requires.get_mut(name) {
                    *range = Json::from(version);
                }
            }
            Some(_) => {}
            None => {
                self.forced.insert(name.to_owned(), Op::Set(Json::from(version)));
            }
        }
    }

    pub(super) fn remove(&mut self) {
        self.fate = Fate::Goes;
    }

    /// Edits the lockfile whose root object this is.
    pub(super) fn edit(self, path: &str, before: &str, root: &Object<'_>, style: &Style, splices: &mut Splices) -> Result<(), EditError> {
        self.edit_entry(path, before, root, style, 1, splices)
    }

    fn edit_entry(
        mut self,
        path: &str,
        before: &str,
        object: &Object<'_>,
        style: &Style,
        depth: usize,
        splices: &mut Splices,
    ) -> Result<(), EditError> {
        let nested = text::object(object, "dependencies");
        if let Some(requires) = text::object(object, "requires") {
            self.forced.retain(|name, _| text::member(requires, name).is_some());
            splices.edit(before, requires, style, depth + 1, std::mem::take(&mut self.forced), order::members);
        }
        let kid = |name: &str| nested.and_then(|nested| text::object(nested, name));
        let mut ops: BTreeMap<String, Op> = BTreeMap::new();
        for (name, legacy) in self.kids {
            match (legacy.fate, kid(&name)) {
                (Fate::Goes, _) => {
                    ops.insert(name, Op::Remove);
                }
                (_, Some(object)) => legacy.edit_entry(path, before, object, style, depth + 2, splices)?,
                (Fate::IsNew, None) => {
                    ops.insert(name, Op::Set(legacy.fresh()));
                }
                (Fate::Changes, None) => return Err(EditError::Moved { path: path.to_owned(), entry: name }),
                (Fate::Stays, None) => {}
            }
        }
        match nested {
            Some(nested) if depth > 1 && is_emptied(nested, &ops) => {
                self.ops.insert("dependencies".to_owned(), Op::Remove);
            }
            Some(nested) => splices.edit(before, nested, style, depth + 1, ops, order::members),
            None => {
                let new: serde_json::Map<String, Json> = ops.into_iter().filter_map(set).collect();
                if !new.is_empty() {
                    self.ops.insert("dependencies".to_owned(), Op::Set(Json::Object(entry::sorted(new))));
                }
            }
        }
        splices.edit(before, object, style, depth, self.ops, order::members);
        Ok(())
    }

    /// A whole new entry with those nested in it.
    fn fresh(mut self) -> Json {
        let kids: serde_json::Map<String, Json> = std::mem::take(&mut self.kids)
            .into_iter()
            .filter(|(_, kid)| kid.fate == Fate::IsNew)
            .map(|(name, kid)| (name, kid.fresh()))
            .collect();
        if !kids.is_empty() {
            self.ops.insert("dependencies".to_owned(), Op::Set(Json::Object(entry::sorted(kids))));
        }
        entry::fresh(self.ops)
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
