//! OpenVEX documents: what a maker says of vulnerabilities in its products.
//!
//! Versions 0.0.1 (texts for vulnerability and products, subcomponents beside them) and 0.2.0 (objects).

use super::package::PurlPattern;
use crate::finding::Finding;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// Size of a document. Over it, the document is an error.
pub const FILE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// One document.
#[derive(Debug, Clone, Default)]
pub struct OpenVex {
    /// The file, for people.
    pub path: String,
    /// Who says so.
    pub author: String,
    /// Purls that can't be read: how many, and what is wrong with the first. They are passed over.
    unreadable: Option<(usize, String)>,
    statements: Vec<Statement>,
    /// By id of a vulnerability in lower case: indexes of statements.
    by_vulnerability: HashMap<String, Vec<usize>>,
}

/// One statement.
#[derive(Debug, Clone)]
pub struct Statement {
    /// When it was made: its own time, or that of the document.
    pub timestamp: Option<Timestamp>,
    /// What it says.
    pub status: Status,
    /// Why, in words: the impact statement, or the justification.
    pub reason: String,
    packages: HashMap<String, Versions>,
}

/// What a statement says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// `not_affected`.
    NotAffected,
    /// `affected`.
    Affected,
    /// `fixed`.
    Fixed,
    /// `under_investigation`.
    UnderInvestigation,
}

/// Versions of one package that a statement is about.
#[derive(Debug, Clone, Default)]
struct Versions {
    is_any: bool,
    exact: HashSet<String>,
    qualified: Vec<PurlPattern>,
}

impl OpenVex {
    /// Reads a document. An error says what is wrong and where, in words.
    pub fn parse(path: &str, text: &str) -> Result<Self, String> {
        if text.len() > FILE_BYTES_MAX {
            return Err(format!("{path}: it has {} bytes; {FILE_BYTES_MAX} are allowed", text.len()));
        }
        let json: Value = serde_json::from_str(text).map_err(|error| format!("{path}: {error}"))?;
        let context = json.get("@context").and_then(Value::as_str).unwrap_or("https://openvex.dev/ns");
        let Some(statements) = json.get("statements").and_then(Value::as_array) else {
            return Err(format!("{path}: no list of `statements`: this is not an OpenVEX document"));
        };
        if !context.starts_with("https://openvex.dev/ns") {
            let context: String = context.chars().take(120).collect();
            return Err(format!("{path}: its @context is `{context}`: this is not an OpenVEX document"));
        }
        let author = json.get("author").and_then(Value::as_str).unwrap_or("unknown author").to_owned();
        let mut document = Self { path: path.to_owned(), author, ..Self::default() };
        let time = timestamp(&json).map_err(|error| format!("{path}: {error}"))?;
        for (at, statement) in statements.iter().enumerate() {
            document.add(statement, time).map_err(|error| format!("{path}: statements[{at}]: {error}"))?;
        }
        Ok(document)
    }

    /// What was passed over, in words.
    pub fn note(&self) -> Option<String> {
        let (count, first) = self.unreadable.as_ref()?;
        Some(format!("{}: {count} products are passed over; the first: {first}", self.path))
    }

    /// The latest statement on `finding`; of two of one time, the one that stands later.
    pub fn latest(&self, finding: &Finding) -> Option<&Statement> {
        let purl: PurlPattern = finding.package.as_ref()?.purl.parse().ok()?;
        let ids = std::iter::once(&finding.rule).chain(&finding.advisories);
        ids.filter_map(|id| self.by_vulnerability.get(&id.to_ascii_lowercase()))
            .flatten()
            .filter_map(|&at| Some((self.statements.get(at)?, at)))
            .filter(|(statement, _)| statement.is_about(&purl))
            .max_by_key(|(statement, at)| (statement.timestamp, *at))
            .map(|(statement, _)| statement)
    }

    fn add(&mut self, json: &Value, document_time: Option<Timestamp>) -> Result<(), String> {
        let status = json.get("status").and_then(Value::as_str).ok_or("it has no `status`")?;
        let vulnerabilities = vulnerabilities(json)?;
        let mut statement = Statement {
            timestamp: timestamp(json)?.or(document_time),
            status: Status::named(status)?,
            reason: reason(json, status),
            packages: HashMap::new(),
        };
        for text in packages(json) {
            // Products that are no packages (images, `@id`s of the maker) can't be found in a lockfile.
            if !text.starts_with("pkg:") {
                continue;
            }
            match text.parse::<PurlPattern>() {
                Ok(pattern) => statement.packages.entry(pattern.package.clone()).or_default().add(pattern),
                Err(error) => self.unreadable.get_or_insert((0, error)).0 += 1,
            }
        }
        for id in vulnerabilities {
            let known = self.by_vulnerability.entry(id.to_ascii_lowercase()).or_default();
            if known.last() != Some(&self.statements.len()) {
                known.push(self.statements.len());
            }
        }
        self.statements.push(statement);
        Ok(())
    }
}

impl Statement {
    /// Whether it says that there is nothing to heal.
    pub fn suppresses(&self) -> bool {
        matches!(self.status, Status::NotAffected | Status::Fixed)
    }

    fn is_about(&self, purl: &PurlPattern) -> bool {
        let Some(versions) = self.packages.get(&purl.package) else { return false };
        versions.is_any
            || purl.version.as_ref().is_some_and(|version| versions.exact.contains(version))
            || versions.qualified.iter().any(|pattern| pattern.matches(purl))
    }
}

impl Status {
    fn named(name: &str) -> Result<Self, String> {
        Ok(match name {
            "not_affected" => Self::NotAffected,
            "affected" => Self::Affected,
            "fixed" => Self::Fixed,
            "under_investigation" => Self::UnderInvestigation,
            _ => {
                let name: String = name.chars().take(80).collect();
                let known = "not_affected, affected, fixed, under_investigation";
                return Err(format!("`{name}` is not a status; the known ones are {known}"));
            }
        })
    }
}

impl Versions {
    fn add(&mut self, pattern: PurlPattern) {
        match pattern.version {
            _ if !pattern.qualifiers.is_empty() => self.qualified.push(pattern),
            Some(version) => _ = self.exact.insert(version),
            None => self.is_any = true,
        }
    }
}

fn timestamp(json: &Value) -> Result<Option<Timestamp>, String> {
    let Some(text) = json.get("timestamp").and_then(Value::as_str) else { return Ok(None) };
    let parsed = text.parse().map_err(|_| {
        let text: String = text.chars().take(80).collect();
        format!("`{text}` is not a time: RFC 3339 is needed")
    });
    parsed.map(Some)
}

/// Name and aliases; where there is no name, the last part of the `@id`.
fn vulnerabilities(json: &Value) -> Result<Vec<&str>, String> {
    let named = match json.get("vulnerability") {
        Some(Value::String(name)) => vec![name.as_str()],
        Some(Value::Object(of)) => {
            let text = |key: &str| of.get(key).and_then(Value::as_str);
            let aliases = of.get("aliases").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
            let name = text("name").or_else(|| text("@id")?.rsplit('/').next());
            name.into_iter().chain(aliases).collect()
        }
        _ => Vec::new(),
    };
    let named: Vec<_> = named.into_iter().map(str::trim).filter(|name| !name.is_empty()).collect();
    if named.is_empty() { Err("it names no `vulnerability`".to_owned()) } else { Ok(named) }
}

fn reason(json: &Value, status: &str) -> String {
    let text = |key: &str| json.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    match (text("impact_statement").or_else(|| text("status_notes")), text("justification")) {
        (Some(words), Some(code)) => format!("{status}: {words} ({code})"),
        (Some(words), None) | (None, Some(words)) => format!("{status}: {words}"),
        (None, None) => status.to_owned(),
    }
}

/// The packages that a statement is about: the subcomponents of each product, or the product where it has none, for
/// then the product itself is the package.
fn packages(json: &Value) -> Vec<&str> {
    let beside: Vec<&str> = members(json, "subcomponents").flat_map(names).collect();
    let mut all = beside.clone();
    for product in members(json, "products") {
        let inner: Vec<&str> = members(product, "subcomponents").flat_map(names).collect();
        if inner.is_empty() && beside.is_empty() {
            all.extend(names(product));
        }
        all.extend(inner);
    }
    all
}

fn members<'a>(json: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    json.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// What a component is called: a text, or the purl and the `@id` of an object.
fn names(component: &Value) -> impl Iterator<Item = &str> {
    let purl = component.get("identifiers").and_then(|of| of.get("purl"));
    [Some(component), component.get("@id"), purl].into_iter().flatten().filter_map(Value::as_str)
}

#[cfg(test)]
#[path = "openvex_tests.rs"]
mod tests;
