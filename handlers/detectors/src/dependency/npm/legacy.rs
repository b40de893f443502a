//! Lockfile version 1: a tree of `dependencies`, laid out as the places that it means.

use super::entry::Entry;
use super::json::{self, Flag, Shape};
use super::lockfile::{All, Entries};
use super::need::Needs;
use super::packages::text;
use super::request::{folder_of, split_alias};
use pipeline::dependency::DependencyKind;
use serde::de::MapAccess;
use std::borrow::Cow;
use std::collections::HashSet;

/// One entry with those under it. `serde_json` stops at 128 levels of JSON, so that the tree is at most 64 deep.
#[derive(Default)]
pub(super) struct OldEntry<'a> {
    entry: Entry<'a>,
    needs: Needs<'a>,
    nested: Option<Nested<'a>>,
}

type Nested<'a> = Vec<(Cow<'a, str>, Option<OldEntry<'a>>)>;

impl<'a> Shape<'a> for OldEntry<'a> {
    type Out = Option<Self>;
    fn other(self) -> Option<Self> {
        None
    }
    fn object<M: MapAccess<'a>>(mut self, mut map: M) -> Result<Option<Self>, M::Error> {
        let (entry, needs) = (&mut self.entry, &mut self.needs);
        while let Some(key) = json::next_key(&mut map)? {
            match key.as_ref() {
                "version" => entry.version = text(&mut map, &key, &mut needs.odd)?,
                "resolved" => entry.resolved = text(&mut map, &key, &mut needs.odd)?,
                "integrity" => entry.integrity = text(&mut map, &key, &mut needs.odd)?,
                "bundled" => entry.in_bundle = json::value(&mut map, Flag)?,
                "dev" => entry.dev = json::value(&mut map, Flag)?,
                "optional" => entry.optional = json::value(&mut map, Flag)?,
                "requires" => needs.read(DependencyKind::Prod, &key, &mut map)?,
                "dependencies" => self.nested = json::value(&mut map, All(Self::default))?,
                _ => json::skip(&mut map)?,
            }
        }
        Ok(Some(self))
    }
}

/// Adds every entry of the tree `top` to `out`, in the order of the file.
pub(super) fn flatten<'a>(top: Nested<'a>, out: &mut Entries<'_, 'a>) {
    under("", top, out, &mut HashSet::new());
}

fn under<'a>(owner: &str, members: Nested<'a>, out: &mut Entries<'_, 'a>, folders: &mut HashSet<String>) {
    for (name, old) in members {
        let line = out.lines.line_of(&name);
        let separator = if owner.is_empty() { "" } else { "/" };
        let place = format!("{owner}{separator}node_modules/{name}");
        let Some(OldEntry { mut entry, needs, nested }) = old else {
            out.error(line, || format!("`{}` is not an object, so it is left out", super::manifest::short(&place)));
            continue;
        };
        entry.line = line;
        let folder = understand_version(&mut entry);
        let next = folder.clone().unwrap_or_else(|| place.clone());
        entry.stand_at(Cow::Owned(place));
        match folder {
            // What a link needs and holds belongs to the folder it leads to.
            Some(folder) => {
                out.push(entry, &needs.odd);
                if folders.insert(folder.clone()) {
                    let mut target = Entry { line, needs: needs.list, ..Entry::default() };
                    target.stand_at(Cow::Owned(folder));
                    out.push(target, &[]);
                }
            }
            None => {
                entry.needs = needs.list;
                out.push(entry, &needs.odd);
            }
        }
        under(&next, nested.unwrap_or_default(), out, folders);
    }
}

/// Version 1 writes aliases, addresses and folders in the place of a version. Yields the folder of a link.
fn understand_version(entry: &mut Entry<'_>) -> Option<String> {
    let written = entry.version.take()?;
    if let Some((name, version)) = split_alias(&written) {
        entry.name = Some(Cow::Owned(name.to_owned()));
        entry.version = Some(Cow::Owned(version.to_owned()));
        return None;
    }
    if let Some(folder) = folder_of(&written).filter(|_| entry.integrity.is_none()) {
        entry.link = true;
        entry.resolved = Some(Cow::Owned(folder.clone()));
        return Some(folder);
    }
    if written.contains([':', '/']) {
        entry.resolved = Some(written);
    } else {
        entry.version = Some(written);
    }
    None
}
