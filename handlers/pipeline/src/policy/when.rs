//! For which cases a policy holds: an expression of the Common Expression Language, within limits.
//!
//! `cel` has no limit on time, and recurses. So its length and its nesting are bounded before it is read, and before it is computed what that may take:
//! how often it goes through a list, and how many steps that comes to where the lists are as long as they may be. What it is held against is bounded as
//! well: a list or a text that is longer can't be judged by. Regular expressions are not part of it.

mod cost;

use crate::case::Wound;
use crate::finding::{Finding, Scope};
use cel::{Context, Program};
use cost::Cost;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// Longest expression, in bytes.
pub const BYTES_MAX: usize = 500;
/// Deepest nesting of brackets.
pub const DEPTH_MAX: usize = 12;
/// Most `all`, `exists`, `exists_one`, `map`, `filter` in one expression.
pub const LOOPS_MAX: usize = 2;
/// Most steps that an expression may take, with lists of [`ITEMS_MAX`]: well under a second.
pub const STEPS_MAX: u64 = 2_000_000;
/// Longest list that an expression is held against.
pub const ITEMS_MAX: usize = 100;
/// Longest text that an expression is held against, in bytes.
pub const TEXT_BYTES_MAX: usize = 4096;

/// An expression that takes longer is given up. Its thread ends by itself, for its steps are bounded.
const TIME_MAX: Duration = Duration::from_secs(10);

/// So much is told of what `cel` says, in characters: it may quote all that it was given.
const ERROR_CHARS_MAX: usize = 200;

/// Room for the recursion of `cel` over an expression of [`BYTES_MAX`], in a build without optimisation.
const STACK_BYTES: usize = 64 << 20;

/// What an expression is held against.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Subject {
    /// Kind of trouble: `vulnerability.dependency`.
    pub event_type: String,
    /// The worst severity: `critical`, `high`, `medium`, `low`, `unknown`.
    pub severity: String,
    /// The repository: `github.com/octo/shop`.
    pub repository: String,
    /// The branch that is hurt.
    pub branch: String,
    /// What a fix changes: the path of the lockfile.
    pub path: String,
    /// Names of the packages that are vulnerable; the first [`ITEMS_MAX`].
    pub packages: Vec<String>,
    /// Ids of the advisories; the first [`ITEMS_MAX`].
    pub advisories: Vec<String>,
    /// Whether the project itself asks for one of them.
    pub direct: bool,
    /// Whether one of them is used at run time.
    pub production: bool,
    /// Whether one of them is known to be exploited.
    pub known_exploited: bool,
    /// The highest probability of exploitation within 30 days, 0 to 1; 0 where nobody says.
    pub epss: f64,
    /// Names of those above that are longer than what an expression is held against.
    #[serde(skip)]
    pub oversized: BTreeSet<&'static str>,
}

/// The names in [`Subject`].
pub const VARIABLES: [&str; 11] = [
    "advisories",
    "branch",
    "direct",
    "epss",
    "event_type",
    "known_exploited",
    "packages",
    "path",
    "production",
    "repository",
    "severity",
];

/// Those that are lists.
const LISTS: [&str; 2] = ["advisories", "packages"];

/// An expression that was read.
#[derive(Clone)]
pub struct When {
    text: String,
    program: Arc<Program>,
    /// What of a [`Subject`] it is over.
    variables: BTreeSet<String>,
}

impl When {
    /// Reads `text`. An error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > BYTES_MAX {
            return Err(format!("it has {} bytes; an expression may have {BYTES_MAX}", text.len()));
        }
        let depth = depth(text)?;
        if depth > DEPTH_MAX {
            return Err(format!("its brackets are nested {depth} deep; {DEPTH_MAX} are allowed"));
        }
        let source = text.to_owned();
        let (program, Cost { steps, loops, variables }) = in_time(TIME_MAX, move || {
            let program = Program::compile(&source).map_err(|error| excerpt(&error.to_string()))?;
            let cost = Cost::of(program.expression());
            Ok::<_, String>((program, cost))
        })??;
        if let Some(unknown) = variables.iter().find(|name| !VARIABLES.contains(&name.as_str())) {
            return Err(format!("`{unknown}` is not known; use one of {}", VARIABLES.join(", ")));
        }
        if loops > LOOPS_MAX {
            let names = "`all`, `exists`, `exists_one`, `filter`, `map`";
            return Err(format!("it goes through lists {loops} times ({names}); {LOOPS_MAX} are allowed"));
        }
        if steps > STEPS_MAX {
            return Err(format!(
                "it may take {steps} steps where lists have {ITEMS_MAX} items; {STEPS_MAX} are allowed: add up or look through fewer lists"
            ));
        }
        let when = Self { text: text.to_owned(), program: Arc::new(program), variables };
        // Whatever does not come to yes or no is found now, not when it matters.
        when.holds(&Subject::example())?;
        Ok(when)
    }

    /// Whether it holds for `subject`. An error where it comes to neither yes nor no, or can't be told because what it is over is too long.
    pub fn holds(&self, subject: &Subject) -> Result<bool, String> {
        if let Some(name) = subject.oversized.iter().find(|name| self.variables.contains(**name)) {
            return Err(format!(
                "`{name}` is too long to be judged by: lists may have {ITEMS_MAX} items, and texts {TEXT_BYTES_MAX} bytes"
            ));
        }
        let values = serde_json::to_value(subject).map_err(|error| error.to_string())?;
        let (program, variables) = (Arc::clone(&self.program), self.variables.clone());
        in_time(TIME_MAX, move || {
            let mut context = Context::default();
            for name in &variables {
                context.add_variable(name.as_str(), &values[name]).map_err(|error| error.to_string())?;
            }
            match program.execute(&context) {
                Ok(cel::Value::Bool(holds)) => Ok(holds),
                Ok(_) => Err("it is neither true nor false".to_owned()),
                Err(error) => Err(excerpt(&error.to_string())),
            }
        })?
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// How deep the brackets of `text` are nested, strings left out.
///
/// An error where it has a string of another kind, or a comment: what is in it would be taken for code, or the other way round.
fn depth(text: &str) -> Result<usize, String> {
    let (mut depth, mut deepest, mut quote, mut before) = (0_usize, 0, None, ' ');
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        let begins = |mark: &&str| text[at..].starts_with(*mark);
        let is_prefixed = matches!(char, '"' | '\'') && (before.is_ascii_alphanumeric() || before == '_');
        if quote.is_none() && (is_prefixed || ["'''", "\"\"\"", "//"].iter().any(begins)) {
            return Err("it has a raw or a triple-quoted string, or a comment: write it without".to_owned());
        }
        match (quote, char) {
            (Some(_), '\\') => drop(chars.next()),
            (Some(open), close) if open == close => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(char),
            (None, '(' | '[' | '{') => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        before = char;
    }
    Ok(deepest)
}

impl Subject {
    /// What is known of `wound`, which has `findings`.
    pub fn of(wound: &Wound, findings: &[&Finding]) -> Self {
        let packages = || findings.iter().filter_map(|finding| finding.package.as_ref());
        let first = |names: &BTreeSet<&String>| names.iter().take(ITEMS_MAX).copied().cloned().collect();
        let names: BTreeSet<&String> = packages().map(|package| &package.name).collect();
        let advisories: BTreeSet<&String> = findings.iter().flat_map(|finding| &finding.advisories).collect();
        let severity = findings.iter().map(|finding| finding.severity).max().unwrap_or(wound.severity);
        let mut subject = Self {
            event_type: wound.event_type.clone(),
            severity: severity.to_string(),
            repository: wound.repository.to_string(),
            branch: wound.base_branch.clone(),
            path: wound.path.clone(),
            packages: first(&names),
            advisories: first(&advisories),
            direct: packages().any(|package| package.direct),
            production: packages().any(|package| package.scope != Scope::Dev),
            known_exploited: findings.iter().any(|finding| finding.risk.known_exploited),
            epss: findings.iter().filter_map(|finding| finding.risk.epss).fold(0.0, f64::max),
            oversized: BTreeSet::new(),
        };
        let is_long = |text: &String| text.len() > TEXT_BYTES_MAX;
        let is_oversized = [
            ("advisories", advisories.len() > ITEMS_MAX || subject.advisories.iter().any(is_long)),
            ("branch", is_long(&subject.branch)),
            ("event_type", is_long(&subject.event_type)),
            ("packages", names.len() > ITEMS_MAX || subject.packages.iter().any(is_long)),
            ("path", is_long(&subject.path)),
            ("repository", is_long(&subject.repository)),
        ];
        subject.oversized =
            is_oversized.into_iter().filter(|(_, is_oversized)| *is_oversized).map(|(name, _)| name).collect();
        subject
    }

    /// One of each kind of value.
    fn example() -> Self {
        Self {
            event_type: "vulnerability.dependency".to_owned(),
            severity: "medium".to_owned(),
            repository: "github.example/octo/shop".to_owned(),
            branch: "main".to_owned(),
            path: "package-lock.json".to_owned(),
            packages: vec!["latch".to_owned()],
            advisories: vec!["GHSA-aaaa-bbbb-cccc".to_owned()],
            direct: true,
            production: true,
            known_exploited: false,
            epss: 0.5,
            oversized: BTreeSet::new(),
        }
    }
}

/// Does `work` where there is room for its recursion. An error if it panics, or takes longer than `time_max`: then it goes on by itself.
fn in_time<T: Send + 'static>(time_max: Duration, work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    let (sender, receiver) = channel();
    // Nobody listens any more where it took too long.
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(move || drop(sender.send(work())));
    thread.map_err(|error| format!("there is no room to compute it: {error}"))?;
    receiver.recv_timeout(time_max).map_err(|error| match error {
        RecvTimeoutError::Timeout => format!("it was not computed within {} s", time_max.as_secs()),
        RecvTimeoutError::Disconnected => "it can't be computed".to_owned(),
    })
}

/// The first line of `text`, or the beginning of it.
fn excerpt(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(ERROR_CHARS_MAX).collect()
}

impl std::fmt::Debug for When {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "When({:?})", self.text)
    }
}

impl PartialEq for When {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Serialize for When {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(value)?).map_err(|error| D::Error::custom(format!("`when`: {error}")))
    }
}

impl schemars::JsonSchema for When {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "When".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "maxLength": BYTES_MAX,
            "description": format!("An expression of CEL, over {}.", VARIABLES.join(", ")),
        })
    }
}

#[cfg(test)]
mod tests;
