//! One entry of a lockfile, at its place.

use super::manifest::short;
use super::need::Need;
use std::borrow::Cow;

/// Entries whose place is longer are left out, each told.
const PLACE_BYTES_MAX: usize = 4096;
/// Entries whose place goes through more folders are left out, each told.
const PLACE_FOLDERS_MAX: usize = 200;
/// Entries whose name is longer are left out, each told. npm itself allows 214.
const NAME_BYTES_MAX: usize = 256;

/// One entry. Members that are not there, or not what they should be, are empty.
#[derive(Debug, Default)]
pub(super) struct Entry<'a> {
    pub(super) place: Cow<'a, str>,
    /// Length of the owner's place and of its own folder's name, both in `place`; 0 for a folder of the project.
    pub(super) owner_bytes: usize,
    pub(super) name_bytes: usize,
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

impl<'a> Entry<'a> {
    /// Puts the entry at `place`.
    pub(super) fn stand_at(&mut self, place: Cow<'a, str>) {
        let (owner, name) = owner_and_name(&place).unwrap_or_default();
        (self.owner_bytes, self.name_bytes) = (owner.len(), name.len());
        self.place = place;
    }

    /// Where the place puts it: the place of its owner and its own folder's name; `None`: not in a `node_modules`.
    pub(super) fn owner_and_name(&self) -> Option<(&str, &str)> {
        let name_at = self.place.len().checked_sub(self.name_bytes).filter(|_| self.name_bytes > 0)?;
        Some((self.place.get(..self.owner_bytes)?, self.place.get(name_at..)?))
    }

    /// Whether it is a folder of the project (of a link, the place is that of the link).
    pub(super) fn is_folder(&self) -> bool {
        self.name_bytes == 0
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
    let (before, last) = split_last(place)?;
    let (outer, scope) = split_last(before).unwrap_or(("", before));
    let (folder, name) = if scope.starts_with('@') { (outer, place.get(outer.len() + 1..)?) } else { (before, last) };
    if last.is_empty() || last.starts_with('@') {
        return None;
    }
    match folder.strip_suffix("node_modules")? {
        "" => Some(("", name)),
        owner => Some((owner.strip_suffix('/')?, name)),
    }
}

/// Splits at the last slash. Places are short: a plain loop beats the searcher of the standard library.
fn split_last(path: &str) -> Option<(&str, &str)> {
    let at = path.bytes().rposition(|byte| byte == b'/')?;
    Some((path.get(..at)?, path.get(at + 1..)?))
}

/// Why `entry` is left out, if it is.
pub(super) fn over_limit(entry: &Entry<'_>) -> Option<String> {
    let (limit, unit) = if entry.place.len() > PLACE_BYTES_MAX {
        (PLACE_BYTES_MAX, "bytes in a place")
    } else if entry.registry_name().len() > NAME_BYTES_MAX {
        (NAME_BYTES_MAX, "bytes in a name")
    } else if entry.place.len() > PLACE_FOLDERS_MAX
        && entry.place.bytes().filter(|&byte| byte == b'/').count() > PLACE_FOLDERS_MAX
    {
        (PLACE_FOLDERS_MAX, "folders in a place")
    } else {
        return None;
    };
    Some(format!("`{}` is left out: it is over the limit of {limit} {unit}", short(&entry.place)))
}
