//! One requirement: `name[extras]==1.0 ; marker`, `name @ URL`, a URL, or a path.

use super::lines::{LogicalLine, is_space};
use super::marker;
use super::origin;
use pep440_rs::VersionSpecifier;
use pep508_rs::{ExtraName, PackageName};
use std::ops::Range;
use std::str::FromStr;

/// Longest requirement without its options; a longer one is an error of its line.
pub const REQUIREMENT_BYTES_MAX: usize = 8 * 1024;

/// A requirement as written. All ranges are of the file's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// As written. Empty for a URL or a path that names no project.
    pub name: String,
    /// In brackets after the name, as written.
    pub extras: Vec<String>,
    /// In the order of the line; empty for a requirement without version, and for one by URL.
    pub specifiers: Vec<Specifier>,
    /// The URL or path it is taken from, as written but without credentials.
    pub address: Option<String>,
    /// The version that the file name of a wheel at `address` gives.
    pub wheel_version: Option<String>,
    /// After the `;`, as written.
    pub marker: Option<String>,
    /// All that follows the name, as written, continuations joined; an address without its credentials.
    pub after_name: String,
    /// `-e`: installed in place.
    pub editable: bool,
    /// The requirement without options and comment.
    pub range: Range<usize>,
    /// Where a specifier can be written when there is none: after name and extras.
    pub specifiers_at: usize,
    /// Hashes that an archive may have, in the order of the line.
    pub hashes: Vec<Hash>,
    /// What the comments of pip-compile or uv say brought it in.
    pub via: Vec<String>,
}

/// One clause of a version specifier: `>= 1.0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Specifier {
    /// `==`, `===`, `~=`, `!=`, `<=`, `>=`, `<` or `>`.
    pub operator: String,
    /// As written.
    pub version: String,
    /// Operator and version.
    pub range: Range<usize>,
    /// The version alone.
    pub version_range: Range<usize>,
}

/// A `--hash` option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hash {
    /// `sha256:…`.
    pub value: String,
    /// The whole option.
    pub range: Range<usize>,
}

impl Requirement {
    /// The one version that it allows: of `==` without wildcard, or of `===`.
    pub fn pin(&self) -> Option<&str> {
        let exact = self.specifiers.iter().find(|specifier| specifier.is_exact())?;
        Some(&exact.version)
    }
}

impl Specifier {
    /// Whether it allows one version only.
    pub fn is_exact(&self) -> bool {
        let plain = !self.version.ends_with(".*") && !self.version.contains("${");
        plain && matches!(self.operator.as_str(), "==" | "===")
    }
}

/// Reads the first `length` bytes of the line's text.
pub fn parse(line: &LogicalLine, length: usize) -> Result<Requirement, String> {
    let text = line.text.get(..length).unwrap_or_default();
    if text.len() > REQUIREMENT_BYTES_MAX {
        return Err(format!("the requirement is longer than {REQUIREMENT_BYTES_MAX} bytes"));
    }
    let is_url = origin::is_url(text);
    // A URL may hold `;`, so there a space has to follow.
    let (body, marker) = match text.split_once(if is_url { "; " } else { ";" }) {
        Some((body, marker)) => (body, marker.trim_matches(is_space)),
        None => (text, ""),
    };
    if !marker.is_empty() {
        marker::check(marker).map_err(|error| format!("the marker `{}` is broken: {error}", excerpt(marker)))?;
    }
    let body = body.trim_end_matches(is_space);
    let mut requirement = if is_url || origin::is_path(body) { unnamed(line, body)? } else { named(line, body)? };
    requirement.marker = (!marker.is_empty()).then(|| marker.to_owned());
    requirement.range = line.in_file(0..text.trim_end_matches(is_space).len());
    let after_name = text.get(requirement.name.len()..).filter(|_| text.starts_with(&requirement.name));
    requirement.after_name = after_name.unwrap_or(text).trim_matches(is_space).to_owned();
    if requirement.address.is_some() {
        requirement.after_name = origin::without_credentials(&requirement.after_name);
    }
    Ok(requirement)
}

/// Reads the value of `-e`.
pub fn parse_editable(line: &LogicalLine, value: &str) -> Result<Requirement, String> {
    let mut requirement = unnamed(line, value)?;
    requirement.editable = true;
    requirement.after_name = origin::without_credentials(value);
    requirement.range = line.in_file(0..line.text.len());
    Ok(requirement)
}

fn unnamed(line: &LogicalLine, address: &str) -> Result<Requirement, String> {
    let known = origin::names(address);
    let mut requirement = empty(line, address.len());
    requirement.name = known.name;
    requirement.wheel_version = known.version;
    requirement.address = Some(origin::without_credentials(address));
    Ok(requirement)
}

fn named(line: &LogicalLine, body: &str) -> Result<Requirement, String> {
    let name_end = body.find(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c))).unwrap_or(body.len());
    if name_end == 0 {
        return Err(refused(body, "it begins with no name"));
    }
    let mut head_end = name_end;
    let after_name = body[name_end..].trim_start_matches(is_space);
    if after_name.starts_with('[') {
        let close = after_name.find(']').ok_or_else(|| refused(body, "the bracket of its extras is not closed"))?;
        head_end = body.len() - after_name.len() + close + 1;
    }
    let tail = body[head_end..].trim_start_matches(is_space);
    let tail_start = body.len() - tail.len();
    let mut requirement = empty(line, head_end);
    if let Some(address) = tail.strip_prefix('@') {
        let address = address.trim_matches(is_space);
        if !address.contains(':') && !address.contains("${") {
            return Err(refused(body, "what follows `@` is not a URL"));
        }
        requirement.address = Some(origin::without_credentials(address));
        requirement.wheel_version = origin::names(address).version;
    } else {
        requirement.specifiers = specifiers(line, body, tail_start)?;
    }
    // `Requirement::from_str` of `pep508_rs` panics on a name such as `a_`, so the parts are checked one by one.
    PackageName::new(body[..name_end].to_owned()).map_err(|error| refused(body, &error.to_string()))?;
    requirement.extras = extras(&body[name_end..head_end]).map_err(|error| refused(body, &error))?;
    requirement.name = body[..name_end].to_owned();
    Ok(requirement)
}

/// Names in brackets: `[a, b]`, or nothing.
fn extras(bracketed: &str) -> Result<Vec<String>, String> {
    let inner = bracketed.trim_matches(is_space).trim_start_matches('[').trim_end_matches(']').trim_matches(is_space);
    if inner.is_empty() {
        return Ok(Vec::new());
    }
    let names = inner.split(',').map(|name| name.trim_matches(is_space).to_owned());
    names.map(|name| ExtraName::new(name.clone()).map(|_| name).map_err(|error| error.to_string())).collect()
}

fn specifiers(line: &LogicalLine, body: &str, start: usize) -> Result<Vec<Specifier>, String> {
    let (mut start, mut list) = (start, &body[start..]);
    if let Some(inner) = list.strip_prefix('(') {
        list = inner.strip_suffix(')').ok_or_else(|| refused(body, "its parenthesis is not closed"))?;
        start += 1;
    }
    let mut found = Vec::new();
    if list.is_empty() {
        return Ok(found);
    }
    let mut clauses: Vec<_> = list.split(',').collect();
    // One comma at the end is allowed, as by newer versions of pip.
    if clauses.len() > 1 && clauses.last().is_some_and(|last| last.chars().all(is_space)) {
        clauses.pop();
    }
    for clause in clauses {
        let clause_start = start + clause.len() - clause.trim_start_matches(is_space).len();
        start += clause.len() + 1;
        let clause = clause.trim_matches(is_space);
        let operator = clause.find(|c| !"=<>!~".contains(c)).map_or(clause, |end| &clause[..end]);
        let version = clause[operator.len()..].trim_start_matches(is_space);
        check_clause(operator, version).map_err(|error| refused(body, &error))?;
        let clause_end = clause_start + clause.len();
        found.push(Specifier {
            operator: operator.to_owned(),
            version: version.to_owned(),
            range: line.in_file(clause_start..clause_end),
            version_range: line.in_file(clause_end - version.len()..clause_end),
        });
    }
    Ok(found)
}

fn check_clause(operator: &str, version: &str) -> Result<(), String> {
    match operator {
        "=" => return Err("= is not an operator: == is".to_owned()),
        "===" | "==" | "~=" | "!=" | "<=" | ">=" | "<" | ">" => {}
        "" => return Err("a version follows an operator, such as ==".to_owned()),
        other => return Err(format!("{} is not an operator", excerpt(other))),
    }
    let is_word = !version.is_empty() && !version.contains(|c: char| is_space(c) || c == ';' || c == ')');
    if is_word && (operator == "===" || version.contains("${")) {
        return Ok(());
    }
    let clause = format!("{operator}{version}");
    VersionSpecifier::from_str(&clause).map(drop).map_err(|error| error.to_string())
}

fn empty(line: &LogicalLine, head_end: usize) -> Requirement {
    Requirement {
        name: String::new(),
        extras: Vec::new(),
        specifiers: Vec::new(),
        address: None,
        wheel_version: None,
        marker: None,
        after_name: String::new(),
        editable: false,
        range: 0..0,
        specifiers_at: line.in_file(0..head_end).end,
        hashes: Vec::new(),
        via: Vec::new(),
    }
}

fn refused(body: &str, reason: &str) -> String {
    let reason = reason.lines().next().unwrap_or_default();
    format!("`{}` is not a requirement: {reason}", excerpt(&crate::address::without_secrets(body)))
}

fn excerpt(text: &str) -> String {
    let mut excerpt: String = text.chars().take(80).collect();
    if excerpt.len() < text.len() {
        excerpt.push('…');
    }
    excerpt
}
