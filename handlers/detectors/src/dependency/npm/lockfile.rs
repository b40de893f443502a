//! `package-lock.json` and `npm-shrinkwrap.json`, of lockfile versions 1, 2 and 3.

use super::json::{self, AnyText, Flag, Shape, Text};
use super::legacy::{self, OldEntry};
use super::lines::Lines;
use super::manifest::{broken, short};
use super::need::{Need, Needs};
use pipeline::finding::ScanError;
use serde::de::MapAccess;
use std::borrow::Cow;
use std::collections::HashMap;

/// Larger lockfiles are not read; the error says so. The largest seen in the open are a third of it.
pub(super) const LOCKFILE_BYTES_MAX: usize = 64 << 20;
/// Entries whose place is longer are left out, each told.
const PLACE_BYTES_MAX: usize = 4096;
/// Entries whose place goes through more folders are left out, each told.
const PLACE_FOLDERS_MAX: usize = 200;
/// Entries whose name is longer are left out, each told. npm itself allows 214.
const NAME_BYTES_MAX: usize = 256;

/// What a lockfile says.
#[derive(Debug, Default)]
pub(super) struct Lockfile<'a> {
    pub(super) name: Option<Cow<'a, str>>,
    pub(super) version: Option<Cow<'a, str>>,
    /// What it remembers of the manifest; version 1 has none of it.
    pub(super) root: Option<Entry<'a>>,
    /// In the order of the file, each place once.
    pub(super) entries: Vec<Entry<'a>>,
    /// Version 1: kinds of needs follow from flags.
    pub(super) legacy: bool,
}

/// One entry. Members that are not there, or not what they should be, are empty.
#[derive(Debug, Default)]
pub(super) struct Entry<'a> {
    pub(super) place: Cow<'a, str>,
    pub(super) line: u32,
    pub(super) name: Option<Cow<'a, str>>,
    pub(super) version: Option<Cow<'a, str>>,
    pub(super) resolved: Option<Cow<'a, str>>,
    pub(super) integrity: Option<Cow<'a, str>>,
    pub(super) link: bool,
    pub(super) in_bundle: bool,
    pub(super) dev: bool,
    pub(super) optional: bool,
    pub(super) has_workspaces: bool,
    pub(super) needs: Vec<Need<'a>>,
}

impl Entry<'_> {
    /// Where the place puts it: the place of its owner and its own folder's name; `None`: not in a `node_modules`.
    pub(super) fn owner_and_name(&self) -> Option<(&str, &str)> {
        owner_and_name(&self.place)
    }

    /// Whether it is a folder of the project (of a link, the place is that of the link).
    pub(super) fn is_folder(&self) -> bool {
        self.owner_and_name().is_none()
    }

    /// The name by which the registry knows it.
    pub(super) fn registry_name(&self) -> &str {
        match (&self.name, self.owner_and_name()) {
            (Some(name), _) if !name.is_empty() => name,
            (_, Some((_, name))) => name,
            _ => self.place.rsplit('/').next().unwrap_or_default(),
        }
    }
}

/// Splits `a/node_modules/@s/b` into `a` and `@s/b`.
pub(super) fn owner_and_name(place: &str) -> Option<(&str, &str)> {
    const FOLDER: &str = "node_modules/";
    let at = place.rfind(FOLDER)?;
    let owner = match place.get(..at)? {
        "" => "",
        owner => owner.strip_suffix('/')?,
    };
    let name = place.get(at + FOLDER.len()..)?;
    let slashes = name.bytes().filter(|&byte| byte == b'/').count();
    (!name.is_empty() && slashes == usize::from(name.starts_with('@'))).then_some((owner, name))
}

/// Reads `text`, the contents of `path`. Entries that are not what they should be are told in `errors`.
pub(super) fn read<'a>(path: &str, text: &'a str, errors: &mut Vec<ScanError>) -> Result<Lockfile<'a>, ScanError> {
    let refused = |line, message: String| ScanError { path: path.to_owned(), line, message };
    if text.len() > LOCKFILE_BYTES_MAX {
        let message = format!("has {} bytes, over the limit of {LOCKFILE_BYTES_MAX}, so it is not read", text.len());
        return Err(refused(None, message));
    }
    let members = json::read(text, Members::default()).map_err(|error| broken(path, text, &error))?;
    let Some(members) = members else {
        return Err(refused(Some(1), "is not a JSON object, so it is not read; run `npm install` anew".to_owned()));
    };
    let mut reader = Entries { path, lines: Lines::of(text), kept: Vec::new(), errors };
    let legacy = members.packages.is_none();
    match members.packages {
        Some(packages) => packages.into_iter().for_each(|(key, entry)| reader.add(key, entry)),
        None => legacy::flatten(members.dependencies.unwrap_or_default(), &mut reader),
    }
    let mut entries = reader.finish();
    let root = entries.iter().position(|entry| entry.place.is_empty()).map(|index| entries.remove(index));
    Ok(Lockfile { name: members.name, version: members.version, root, entries, legacy })
}

/// Gathers entries that are within the limits.
pub(super) struct Entries<'t, 'a> {
    path: &'t str,
    pub(super) lines: Lines<'a>,
    kept: Vec<Entry<'a>>,
    errors: &'t mut Vec<ScanError>,
}

impl<'a> Entries<'_, 'a> {
    /// Adds what stands under `key` of `packages`.
    fn add(&mut self, key: Cow<'a, str>, raw: Option<RawEntry<'a>>) {
        let line = self.lines.line_of(&key);
        match raw {
            Some(mut raw) => {
                raw.needs.finish();
                let mut entry = raw.entry;
                (entry.place, entry.line, entry.needs) = (key, line, raw.needs.list);
                self.push(entry, &raw.needs.odd);
            }
            None => self.error(line, format!("`{}` is not an object, so it is left out", short(&key))),
        }
    }

    /// Adds `entry`, of which the members `odd` could not be read.
    pub(super) fn push(&mut self, entry: Entry<'a>, odd: &[Cow<'a, str>]) {
        let place = short(&entry.place);
        if let Some(odd) = odd.first() {
            let message = format!("`{}` of `{place}` is not what it should be and is not read", short(odd));
            self.error(entry.line, message);
        }
        let (limit, unit) = if entry.place.len() > PLACE_BYTES_MAX {
            (PLACE_BYTES_MAX, "bytes in a place")
        } else if entry.registry_name().len() > NAME_BYTES_MAX {
            (NAME_BYTES_MAX, "bytes in a name")
        } else if entry.place.bytes().filter(|&byte| byte == b'/').count() > PLACE_FOLDERS_MAX {
            (PLACE_FOLDERS_MAX, "folders in a place")
        } else {
            self.kept.push(entry);
            return;
        };
        self.error(entry.line, format!("`{place}` is left out: it is over the limit of {limit} {unit}"));
    }

    /// Tells of something that is not read.
    pub(super) fn error(&mut self, line: u32, message: String) {
        self.errors.push(ScanError { path: self.path.to_owned(), line: Some(line), message });
    }

    /// The entries, the last of each place.
    fn finish(mut self) -> Vec<Entry<'a>> {
        let mut last = HashMap::with_capacity(self.kept.len());
        let mut twice = Vec::new();
        for (index, entry) in self.kept.iter().enumerate() {
            if let Some(before) = last.insert(entry.place.as_ref(), index) {
                twice.push((before, entry.line));
            }
        }
        drop(last);
        if twice.is_empty() {
            return self.kept;
        }
        let mut twice = twice.into_iter().peekable();
        let mut dropped = std::collections::HashSet::new();
        while let Some((before, line)) = twice.next() {
            let place = self.kept.get(before).map(|entry| short(&entry.place).into_owned()).unwrap_or_default();
            self.error(line, format!("`{place}` is written twice; npm takes the last"));
            dropped.insert(before);
        }
        let mut index = 0..;
        self.kept.retain(|_| index.next().is_none_or(|index| !dropped.contains(&index)));
        self.kept
    }
}

#[derive(Default)]
struct Members<'a> {
    name: Option<Cow<'a, str>>,
    version: Option<Cow<'a, str>>,
    packages: Option<Vec<(Cow<'a, str>, Option<RawEntry<'a>>)>>,
    dependencies: Option<Vec<(Cow<'a, str>, Option<OldEntry<'a>>)>>,
}

impl<'a> Shape<'a> for Members<'a> {
    type Out = Option<Self>;
    fn other(self) -> Option<Self> {
        None
    }
    fn object<M: MapAccess<'a>>(mut self, mut map: M) -> Result<Option<Self>, M::Error> {
        let mut odd = Vec::new();
        while let Some(key) = json::next_key(&mut map)? {
            match key.as_ref() {
                "name" => self.name = text(&mut map, &key, &mut odd)?,
                "version" => self.version = text(&mut map, &key, &mut odd)?,
                "packages" => self.packages = json::value(&mut map, All(RawEntry::default))?,
                // The other half of a version 2 lockfile says the same once more, for npm 6.
                "dependencies" if self.packages.is_none() => {
                    self.dependencies = json::value(&mut map, All(OldEntry::default))?;
                }
                _ => json::skip(&mut map)?,
            }
        }
        Ok(Some(self))
    }
}

/// Every member of an object, in order, each read as the shape that the function makes.
pub(super) struct All<F>(pub(super) F);

impl<'a, S: Shape<'a>, F: Fn() -> S> Shape<'a> for All<F> {
    type Out = Option<Vec<(Cow<'a, str>, S::Out)>>;
    fn other(self) -> Self::Out {
        None
    }
    fn object<M: MapAccess<'a>>(self, mut map: M) -> Result<Self::Out, M::Error> {
        let mut members = Vec::new();
        while let Some(key) = json::next_key(&mut map)? {
            members.push((key, json::value(&mut map, self.0())?));
        }
        Ok(Some(members))
    }
}

/// An entry of `packages`.
#[derive(Default)]
struct RawEntry<'a> {
    entry: Entry<'a>,
    needs: Needs<'a>,
}

impl<'a> Shape<'a> for RawEntry<'a> {
    type Out = Option<Self>;
    fn other(self) -> Option<Self> {
        None
    }
    fn object<M: MapAccess<'a>>(mut self, mut map: M) -> Result<Option<Self>, M::Error> {
        let (entry, needs) = (&mut self.entry, &mut self.needs);
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
        Ok(Some(self))
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
