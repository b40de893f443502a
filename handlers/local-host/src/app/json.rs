//! JSON as the host reads its configuration: names without regard to case, numbers and flags also as text, `null` as nothing.

use super::faults::{Fault, Report};
use super::time_span::TimeSpan;
use serde_json::Value;
use std::cell::RefCell;
use std::fmt::Display;

/// One file, and what was found wrong in it.
pub struct Page<'a> {
    /// Relative to the app's folder.
    pub name: &'a str,
    /// Of the whole app.
    pub report: &'a RefCell<Report>,
}

impl Page<'_> {
    pub fn fault(&self, at: &str, problem: impl Display, remedy: impl Display) {
        self.report.borrow_mut().faults.push(Fault::new(self.name, at, problem, remedy));
    }

    pub fn warning(&self, at: &str, problem: impl Display, remedy: impl Display) {
        self.report.borrow_mut().warnings.push(Fault::new(self.name, at, problem, remedy));
    }
}

/// A value, and where it stands.
#[derive(Clone)]
pub struct Node<'a> {
    page: &'a Page<'a>,
    at: String,
    value: &'a Value,
}

impl<'a> Node<'a> {
    pub fn root(page: &'a Page<'a>, value: &'a Value) -> Self {
        Self { page, at: String::new(), value }
    }

    /// Something that is wrong here.
    pub fn fault(&self, problem: impl Display, remedy: impl Display) {
        self.page.fault(&self.at, problem, remedy);
    }

    /// Something that the host takes, but that hardly anybody wants.
    pub fn warning(&self, problem: impl Display, remedy: impl Display) {
        self.page.warning(&self.at, problem, remedy);
    }

    /// The member `name`; `None` where there is none, where it is `null`, and where this is no object.
    pub fn get(&self, name: &str) -> Option<Node<'a>> {
        let (_, value) = self.value.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        (!value.is_null()).then(|| self.child(name, value))
    }

    /// As [`Self::get`], for names that the host looks up as they are.
    pub fn get_exactly(&self, name: &str) -> Option<Node<'a>> {
        let value = self.value.as_object()?.get(name)?;
        (!value.is_null()).then(|| self.child(name, value))
    }

    /// The members by name; a fault where this is no object.
    pub fn members(&self) -> Vec<(&'a str, Node<'a>)> {
        let Some(members) = self.value.as_object() else {
            self.fault("is no object", "Write {…}");
            return Vec::new();
        };
        members.iter().map(|(name, value)| (name.as_str(), self.child(name, value))).collect()
    }

    /// The elements; a fault where this is no array.
    pub fn elements(&self) -> Vec<Node<'a>> {
        let Some(elements) = self.value.as_array() else {
            self.fault("is no array", "Write […]");
            return Vec::new();
        };
        let element = |(index, value)| Node { page: self.page, at: format!("{}[{index}]", self.at), value };
        elements.iter().enumerate().map(element).collect()
    }

    /// As text, if it is some.
    pub fn text(&self) -> Option<&'a str> {
        let text = self.value.as_str();
        if text.is_none() {
            self.fault("is no text", "Write it in quotes");
        }
        text
    }

    /// As text, without a fault where it is something else.
    pub fn text_if_any(&self) -> Option<&'a str> {
        self.value.as_str()
    }

    /// The flag `name`, or `default` where it is not there or can't be read.
    pub fn flag(&self, name: &str, default: bool) -> bool {
        let Some(node) = self.get(name) else { return default };
        match node.value {
            Value::Bool(flag) => *flag,
            Value::String(text) if text.eq_ignore_ascii_case("true") => true,
            Value::String(text) if text.eq_ignore_ascii_case("false") => false,
            _ => {
                node.fault("is neither true nor false", "Write true or false");
                default
            }
        }
    }

    /// The whole number `name`, if it is there and within `min` and `max`.
    pub fn number(&self, name: &str, min: i64, max: i64) -> Option<i64> {
        let node = self.get(name)?;
        let number = match node.value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let number = number.filter(|number| (min..=max).contains(number));
        if number.is_none() {
            node.fault(format!("{} is no whole number from {min} to {max}", node.value), "Change it, or leave it out");
        }
        number
    }

    /// The span of time `name`, if it is there and can be read.
    pub fn time_span(&self, name: &str) -> Option<(TimeSpan, Node<'a>)> {
        let node = self.get(name)?;
        match node.text()?.parse() {
            Ok(span) => Some((span, node)),
            Err(error) => {
                node.fault(error, "Write hours, minutes and seconds: \"00:05:00\"");
                None
            }
        }
    }

    fn child(&self, name: &str, value: &'a Value) -> Node<'a> {
        let at = if self.at.is_empty() { name.to_owned() } else { format!("{}.{name}", self.at) };
        Node { page: self.page, at, value }
    }
}
