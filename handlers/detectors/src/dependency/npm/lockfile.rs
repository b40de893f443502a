//! `package-lock.json` and `npm-shrinkwrap.json`, of lockfile versions 1, 2 and 3.

use super::entry::{Entry, over_limit};
use super::file_errors::FileErrors;
use super::json::{self, Shape};
use super::legacy::{self, OldEntry};
use super::lines::Lines;
use super::manifest::{broken, short};
use super::packages::{Packages, text};
use foldhash::{HashMap, HashMapExt};
use pipeline::finding::ScanError;
use serde::de::MapAccess;
use std::borrow::Cow;

/// Larger lockfiles are not read; the error says so. The largest seen in the open are a third of it.
pub(super) const LOCKFILE_BYTES_MAX: usize = 64 << 20;
/// Bytes that an entry takes at least, as a rule. Memory for entries is reserved by it: what stays unused is never
/// touched, while a list that grows is copied again and again.
const ENTRY_BYTES_EXPECTED: usize = 256;

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

/// Reads `text`, the contents of `path`. Entries that are not what they should be are told in `errors`.
pub(super) fn read<'a>(path: &str, text: &'a str, errors: &mut Vec<ScanError>) -> Result<Lockfile<'a>, ScanError> {
    let refused = |line, message: String| ScanError { path: path.to_owned(), line, message };
    if text.len() > LOCKFILE_BYTES_MAX {
        let message = format!("has {} bytes, over the limit of {LOCKFILE_BYTES_MAX}, so it is not read", text.len());
        return Err(refused(None, message));
    }
    let members = Members { entries_expected: text.len() / ENTRY_BYTES_EXPECTED, ..Members::default() };
    let members = json::read(text, members).map_err(|error| broken(path, text, &error))?;
    let Some(members) = members else {
        return Err(refused(Some(1), "is not a JSON object, so it is not read; run `npm install` anew".to_owned()));
    };
    let errors = FileErrors::of(path, errors);
    let mut reader = Entries { lines: Lines::of(text), kept: Vec::new(), errors };
    let legacy = members.packages.is_none();
    match members.packages {
        Some(packages) => reader.take(packages),
        None => legacy::flatten(members.dependencies.unwrap_or_default(), &mut reader),
    }
    let mut entries = reader.finish();
    let root = entries.iter().position(|entry| entry.place.is_empty()).map(|index| entries.remove(index));
    Ok(Lockfile { name: members.name, version: members.version, root, entries, legacy })
}

/// Gathers entries that are within the limits.
pub(super) struct Entries<'t, 'a> {
    pub(super) lines: Lines<'a>,
    kept: Vec<Entry<'a>>,
    errors: FileErrors<'t>,
}

impl<'a> Entries<'_, 'a> {
    /// Takes what stands in `packages`.
    fn take(&mut self, packages: Packages<'a>) {
        self.kept = packages.entries;
        for entry in &mut self.kept {
            entry.line = self.lines.line_of(&entry.place);
        }
        for (place, odd) in &packages.odd {
            let line = self.lines.line_of(place);
            self.error_odd(line, place, odd.as_ref());
        }
        let over: Vec<_> = self.kept.iter().filter_map(|entry| Some((entry.line, over_limit(entry)?))).collect();
        if !over.is_empty() {
            self.kept.retain(|entry| over_limit(entry).is_none());
            over.into_iter().for_each(|(line, message)| self.error(line, || message));
        }
    }

    /// Adds `entry`, of which the members `odd` could not be read.
    pub(super) fn push(&mut self, entry: Entry<'a>, odd: &[Cow<'a, str>]) {
        if let Some(odd) = odd.first() {
            self.error_odd(entry.line, &entry.place, Some(odd));
        }
        match over_limit(&entry) {
            Some(message) => self.error(entry.line, || message),
            None => self.kept.push(entry),
        }
    }

    /// Tells of an entry of which the member `odd`, or all where that is `None`, is not what it should be.
    fn error_odd(&mut self, line: u32, place: &str, odd: Option<&Cow<'a, str>>) {
        let place = short(place);
        self.error(line, || match odd {
            Some(odd) => format!("`{}` of `{place}` is not what it should be and is not read", short(odd)),
            None => format!("`{place}` is not an object, so it is left out"),
        });
    }

    /// Tells of something that is not read.
    pub(super) fn error(&mut self, line: u32, message: impl FnOnce() -> String) {
        self.errors.add(line, message);
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
        let mut dropped = std::collections::HashSet::new();
        for (before, line) in twice {
            let place = self.kept.get(before).map(|entry| short(&entry.place).into_owned()).unwrap_or_default();
            self.error(line, || format!("`{place}` is written twice; npm takes the last"));
            dropped.insert(before);
        }
        let mut index = 0..;
        self.kept.retain(|_| index.next().is_none_or(|index| !dropped.contains(&index)));
        self.kept
    }
}

#[derive(Default)]
struct Members<'a> {
    entries_expected: usize,
    name: Option<Cow<'a, str>>,
    version: Option<Cow<'a, str>>,
    packages: Option<Packages<'a>>,
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
                "packages" => self.packages = json::value(&mut map, Packages::expecting(self.entries_expected))?,
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
