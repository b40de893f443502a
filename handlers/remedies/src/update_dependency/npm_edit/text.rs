//! JSON edited in place: members of objects are set, inserted and removed by splices, so that every other byte stays.

use super::EditError;
use jsonc_parser::ast::{Object, ObjectProp, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use serde_json::Value as Json;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// What happens to one member.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Op {
    Set(Json),
    Remove,
}

/// Replacements of byte ranges that don't overlap.
#[derive(Debug, Default)]
pub(super) struct Splices(Vec<(usize, usize, String)>);

/// How a file is laid out.
#[derive(Debug, Clone)]
pub(super) struct Style {
    /// One level of indentation; `None`: all in one line.
    unit: Option<String>,
    newline: &'static str,
}

/// Orders two members, each with its value.
pub(super) type Order = fn((&str, bool), (&str, bool)) -> Ordering;

/// Parses `text` as an object.
pub(super) fn parse<'t>(path: &str, text: &'t str) -> Result<Object<'t>, EditError> {
    let options = ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let error = |message: String| EditError::Unreadable { path: path.to_owned(), message };
    match parse_to_ast(text, &CollectOptions::default(), &options).map_err(|e| error(e.to_string()))?.value {
        Some(Value::Object(object)) => Ok(object),
        _ => Err(error("it is not an object".to_owned())),
    }
}

/// The member of that name, the last one where there are several, as JSON readers take it.
pub(super) fn member<'o, 't>(object: &'o Object<'t>, name: &str) -> Option<&'o ObjectProp<'t>> {
    object.properties.iter().rev().find(|property| property.name.as_str() == name)
}

/// The object that is the member of that name.
pub(super) fn object<'o, 't>(object: &'o Object<'t>, name: &str) -> Option<&'o Object<'t>> {
    match &member(object, name)?.value {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

/// The longest level of indentation that is copied: a longer one is no style, and each level repeats it.
const INDENT_BYTES_MAX: usize = 16;

impl Style {
    /// Reads the layout of a file off its first member.
    pub(super) fn of(text: &str, root: &Object<'_>) -> Self {
        let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let before = root.properties.first().and_then(|first| text.get(root.range.start + 1..first.start()));
        let unit = match before {
            Some(space) => {
                let unit = space.rfind('\n').and_then(|at| space.get(at + 1..));
                unit.map(|unit| unit.chars().take(INDENT_BYTES_MAX).collect())
            }
            None => Some("  ".to_owned()),
        };
        Self { unit, newline }
    }

    fn line(&self, depth: usize) -> String {
        self.unit.as_ref().map_or_else(String::new, |unit| format!("{}{}", self.newline, unit.repeat(depth)))
    }

    /// Writes a value that begins at `depth`, as `JSON.stringify` does.
    fn write(&self, value: &Json, depth: usize, out: &mut String) {
        match value {
            Json::Object(map) if !map.is_empty() => {
                out.push('{');
                for (at, (name, value)) in map.iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    out.push_str(&self.line(depth + 1));
                    self.write_member(name, value, depth + 1, out);
                }
                out.push_str(&self.line(depth));
                out.push('}');
            }
            Json::Array(list) if !list.is_empty() => {
                out.push('[');
                for (at, value) in list.iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    out.push_str(&self.line(depth + 1));
                    self.write(value, depth + 1, out);
                }
                out.push_str(&self.line(depth));
                out.push(']');
            }
            other => out.push_str(&other.to_string()),
        }
    }

    fn write_member(&self, name: &str, value: &Json, depth: usize, out: &mut String) {
        out.push_str(&Json::from(name).to_string());
        out.push_str(if self.unit.is_some() { ": " } else { ":" });
        self.write(value, depth, out);
    }

    /// A member at `depth`, as text.
    fn member(&self, name: &str, value: &Json, depth: usize) -> String {
        let mut out = String::new();
        self.write_member(name, value, depth, &mut out);
        out
    }
}

impl Splices {
    /// Applies all of them to the file at `path`. None is applied where two of them overlap.
    pub(super) fn apply(mut self, path: &str, text: &str) -> Result<String, EditError> {
        self.0.sort_by_key(|(start, end, _)| (*start, *end));
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        for (start, end, new) in &self.0 {
            out.push_str(text.get(at..*start).ok_or_else(|| EditError::Overlap(path.to_owned()))?);
            out.push_str(new);
            at = *end;
        }
        out.push_str(text.get(at..).unwrap_or_default());
        Ok(out)
    }

    pub(super) fn replace(&mut self, range: impl Ranged, new: String) {
        self.0.push((range.start(), range.end(), new));
    }

    /// Edits the members of an object whose members stand at `depth`. New members go where `order` puts them.
    pub(super) fn edit(
        &mut self,
        text: &str,
        object: &Object<'_>,
        style: &Style,
        depth: usize,
        mut ops: BTreeMap<String, Op>,
        order: Order,
    ) {
        let mut kept: Vec<bool> = Vec::with_capacity(object.properties.len());
        for property in &object.properties {
            let name = property.name.as_str();
            kept.push(ops.get(name) != Some(&Op::Remove));
        }
        for property in object.properties.iter().rev() {
            if let Some(Op::Set(value)) = ops.get(property.name.as_str()) {
                let now: Option<Json> =
                    serde_json::from_str(text.get(property.value.start()..property.value.end()).unwrap_or_default())
                        .ok();
                if now.as_ref() != Some(value) {
                    let mut new = String::new();
                    style.write(value, depth, &mut new);
                    self.replace(property.value.range(), new);
                }
                ops.remove(property.name.as_str());
            }
        }
        ops.retain(|_, op| *op != Op::Remove);
        let mut new: Vec<(String, Json)> = ops
            .into_iter()
            .filter_map(|(name, op)| match op {
                Op::Set(value) => Some((name, value)),
                Op::Remove => None,
            })
            .collect();
        new.sort_by(|a, b| order((&a.0, a.1.is_object()), (&b.0, b.1.is_object())));
        if !kept.contains(&true) {
            self.fill(object, style, depth, &new, kept.is_empty());
            return;
        }
        self.drop_runs(object, &kept);
        let is_object = |property: &ObjectProp<'_>| matches!(property.value, Value::Object(_));
        let mut at_end = String::new();
        for (name, value) in &new {
            let next = object.properties.iter().zip(&kept).find(|(property, kept)| {
                **kept && order((property.name.as_str(), is_object(property)), (name, value.is_object())).is_gt()
            });
            match next {
                Some((next, _)) => {
                    let member = format!("{},{}", style.member(name, value, depth), style.line(depth));
                    self.0.push((next.start(), next.start(), member));
                }
                None => {
                    at_end.push(',');
                    at_end.push_str(&style.line(depth));
                    at_end.push_str(&style.member(name, value, depth));
                }
            }
        }
        let last = object.properties.last().filter(|_| !at_end.is_empty());
        if let Some(last) = last {
            self.0.push((last.end(), last.end(), at_end));
        }
    }

    /// Writes an object anew of which nothing is kept.
    fn fill(&mut self, object: &Object<'_>, style: &Style, depth: usize, new: &[(String, Json)], was_empty: bool) {
        if new.is_empty() && was_empty {
            return;
        }
        let all: serde_json::Map<String, Json> = new.iter().cloned().collect();
        let mut out = String::new();
        style.write(&Json::Object(all), depth.saturating_sub(1), &mut out);
        self.replace(object.range, out);
    }

    /// Removes members in runs, each with the comma that it no longer needs.
    fn drop_runs(&mut self, object: &Object<'_>, kept: &[bool]) {
        let properties = &object.properties;
        let mut at = 0;
        while at < properties.len() {
            if kept.get(at) == Some(&true) {
                at += 1;
                continue;
            }
            let run = at;
            while at < properties.len() && kept.get(at) != Some(&true) {
                at += 1;
            }
            let range = match run.checked_sub(1).and_then(|before| properties.get(before)) {
                Some(before) => properties.get(at - 1).map(|last| (before.end(), last.end())),
                None => properties.get(run).zip(properties.get(at)).map(|(first, next)| (first.start(), next.start())),
            };
            if let Some((start, end)) = range {
                self.0.push((start, end, String::new()));
            }
        }
    }
}
