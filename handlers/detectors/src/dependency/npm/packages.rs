//! `packages`: the entries of lockfile versions 2 and 3.

use super::entry::Entry;
use super::json::{self, AnyText, Flag, Shape, Text};
use super::need::Needs;
use serde::de::MapAccess;
use std::borrow::Cow;

/// `packages`, with what could not be read of it: a place and the member, or none for the whole entry.
pub(super) struct Packages<'a> {
    pub(super) entries: Vec<Entry<'a>>,
    pub(super) odd: Vec<(Cow<'a, str>, Option<Cow<'a, str>>)>,
}

impl Packages<'_> {
    /// None yet, with room for `entries`.
    pub(super) fn expecting(entries: usize) -> Self {
        Self { entries: Vec::with_capacity(entries), odd: Vec::new() }
    }
}

impl<'a> Shape<'a> for Packages<'a> {
    type Out = Option<Self>;
    fn other(self) -> Option<Self> {
        None
    }
    fn object<M: MapAccess<'a>>(mut self, mut map: M) -> Result<Option<Self>, M::Error> {
        while let Some(key) = json::next_key(&mut map)? {
            let (mut entry, mut needs) = (Entry::default(), Needs::default());
            if !json::value(&mut map, Members { entry: &mut entry, needs: &mut needs })? {
                self.odd.push((key, None));
                continue;
            }
            needs.finish();
            if let Some(odd) = needs.odd.pop() {
                self.odd.push((key.clone(), Some(odd)));
            }
            entry.stand_at(key);
            entry.needs = needs.list;
            self.entries.push(entry);
        }
        Ok(Some(self))
    }
}

/// An entry of `packages`, read into its place. Yields whether it is an object.
struct Members<'n, 'a> {
    entry: &'n mut Entry<'a>,
    needs: &'n mut Needs<'a>,
}

impl<'a> Shape<'a> for Members<'_, 'a> {
    type Out = bool;
    fn other(self) -> bool {
        false
    }
    fn object<M: MapAccess<'a>>(self, mut map: M) -> Result<bool, M::Error> {
        let Self { entry, needs } = self;
        while let Some(key) = json::next_key(&mut map)? {
            match key.as_ref() {
                "name" => entry.name = text(&mut map, &key, &mut needs.odd)?,
                "version" => entry.version = text(&mut map, &key, &mut needs.odd)?,
                "resolved" => entry.resolved = text(&mut map, &key, &mut needs.odd)?,
                "integrity" => entry.integrity = text(&mut map, &key, &mut needs.odd)?,
                "link" => entry.link = json::value(&mut map, Flag)?,
                "inBundle" => entry.in_bundle = json::value(&mut map, Flag)?,
                "dev" => entry.dev = json::value(&mut map, Flag)?,
                // Needed both by what is for development and by what is optional: it runs where it can be installed.
                "optional" | "devOptional" => entry.optional |= json::value(&mut map, Flag)?,
                "workspaces" => {
                    json::skip(&mut map)?;
                    entry.has_workspaces = true;
                }
                _ if needs.take(&key, &mut map)? => {}
                _ => json::skip(&mut map)?,
            }
        }
        Ok(true)
    }
}

/// A text, or none; one of the wrong type is noted in `odd`.
pub(super) fn text<'a, M: MapAccess<'a>>(
    map: &mut M,
    key: &Cow<'a, str>,
    odd: &mut Vec<Cow<'a, str>>,
) -> Result<Option<Cow<'a, str>>, M::Error> {
    Ok(match json::value(map, AnyText)? {
        Text::Is(text) => Some(text),
        Text::Absent => None,
        Text::Odd => {
            odd.push(key.clone());
            None
        }
    })
}
