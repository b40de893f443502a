//! `package.json`.

use super::file_errors::FileErrors;
use super::json::{self, AnyText, Shape, Text};
use super::lines::Lines;
use super::need::{Need, Needs};
use crate::address::without_secrets;
use pipeline::finding::ScanError;
use serde::de::MapAccess;
use std::borrow::Cow;

/// Larger manifests are not read; the error says so. Those of people have some kilobytes.
pub(super) const MANIFEST_BYTES_MAX: usize = 4 << 20;

/// What of a `package.json` bears on dependencies.
#[derive(Debug, Default)]
pub(super) struct Manifest<'a> {
    pub(super) path: String,
    pub(super) name: Option<Cow<'a, str>>,
    pub(super) version: Option<Cow<'a, str>>,
    /// One per name.
    pub(super) needs: Vec<Need<'a>>,
    /// The line of each need.
    pub(super) lines: Vec<u32>,
    /// As written; its rules are read in `overrides`.
    pub(super) overrides: Option<serde_json::Value>,
    pub(super) has_workspaces: bool,
}

/// Reads `text`, the contents of `path`. Members that are not what they should be are told in `errors`.
pub(super) fn read<'a>(path: &str, text: &'a str, errors: &mut Vec<ScanError>) -> Result<Manifest<'a>, ScanError> {
    if text.len() > MANIFEST_BYTES_MAX {
        let message = format!("has {} bytes, over the limit of {MANIFEST_BYTES_MAX}, so it is not read", text.len());
        return Err(ScanError { path: path.to_owned(), line: None, message });
    }
    let members = match json::read(text, Members::default()) {
        Ok(Some(members)) => members,
        Ok(None) => {
            let message = "is not a JSON object, so it is not read; write the manifest as an object".to_owned();
            return Err(ScanError { path: path.to_owned(), line: Some(1), message });
        }
        Err(error) => return Err(broken(path, text, &error)),
    };
    let mut lines = Lines::of(text);
    let mut needs = members.needs;
    needs.finish();
    needs.keep_one_per_name();
    let mut told = FileErrors::of(path, errors);
    for name in &needs.odd {
        told.add(lines.line_of(name), || {
            format!("`{}` is not of the type that npm expects, or is written twice; npm takes the last", short(name))
        });
    }
    Ok(Manifest {
        path: path.to_owned(),
        name: members.name,
        version: members.version,
        lines: needs.list.iter().map(|need| lines.line_of(&need.name)).collect(),
        needs: needs.list,
        overrides: members.overrides,
        has_workspaces: members.has_workspaces,
    })
}

/// Says where and why `text` is not JSON.
pub(super) fn broken(path: &str, text: &str, error: &serde_json::Error) -> ScanError {
    let line = u32::try_from(error.line()).ok().filter(|&line| line > 0);
    let conflict = text.lines().position(|line| line.starts_with("<<<<<<< "));
    let path = path.to_owned();
    if let Some(Ok(line)) = conflict.map(|before| u32::try_from(before.saturating_add(1))) {
        let message = "holds the marks of a merge conflict, so it is not read; resolve the conflict".to_owned();
        return ScanError { path, line: Some(line), message };
    }
    let words = error.to_string();
    let words = words.split(" at line ").next().unwrap_or_default();
    ScanError { path, line, message: format!("is not valid JSON, so it is not read: {words}") }
}

/// The first characters of foreign text, for a message.
pub(super) fn short(text: &str) -> Cow<'_, str> {
    const SHOWN_CHARS_MAX: usize = 120;
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => Cow::Owned(format!("{}…", text.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(text),
    }
}

/// The first characters of what is asked for, for a message: addresses in it without their credentials.
pub(super) fn shown(text: &str) -> String {
    short(&without_secrets(text)).into_owned()
}

#[derive(Default)]
struct Members<'a> {
    name: Option<Cow<'a, str>>,
    version: Option<Cow<'a, str>>,
    needs: Needs<'a>,
    overrides: Option<serde_json::Value>,
    has_workspaces: bool,
}

impl<'a> Shape<'a> for Members<'a> {
    type Out = Option<Self>;
    fn other(self) -> Option<Self> {
        None
    }
    fn object<M: MapAccess<'a>>(mut self, mut map: M) -> Result<Option<Self>, M::Error> {
        while let Some(key) = json::next_key(&mut map)? {
            match key.as_ref() {
                "name" => self.name = text(&mut map)?,
                "version" => self.version = text(&mut map)?,
                "overrides" => self.overrides = Some(map.next_value()?),
                "workspaces" => {
                    json::skip(&mut map)?;
                    self.has_workspaces = true;
                }
                _ if self.needs.take(&key, &mut map)? => {}
                _ => json::skip(&mut map)?,
            }
        }
        Ok(Some(self))
    }
}

fn text<'a, M: MapAccess<'a>>(map: &mut M) -> Result<Option<Cow<'a, str>>, M::Error> {
    Ok(match json::value(map, AnyText)? {
        Text::Is(text) => Some(text),
        Text::Absent | Text::Odd => None,
    })
}
