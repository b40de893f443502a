//! For which cases a policy holds: an expression of the Common Expression Language, within limits.
//!
//! `cel` has no limit on time, and recurses; so what an expression may be is bounded before it is read: its length, its nesting, and how
//! often it may go through a list. What it is held against is bounded as well. Regular expressions are not part of it.

use crate::case::Wound;
use crate::finding::{Finding, Scope};
use cel::{Context, Program};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Longest expression, in bytes.
pub const BYTES_MAX: usize = 500;
/// Deepest nesting of brackets.
pub const DEPTH_MAX: usize = 12;
/// Most `all`, `exists`, `exists_one`, `map`, `filter` in one expression.
pub const MACROS_MAX: usize = 2;
/// Longest list that an expression is held against.
pub const ITEMS_MAX: usize = 100;

/// Names that go through a list.
const MACROS: [&str; 5] = ["all", "exists", "exists_one", "filter", "map"];

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
    /// Names of the packages that are vulnerable; at most [`ITEMS_MAX`].
    pub packages: Vec<String>,
    /// Ids of the advisories; at most [`ITEMS_MAX`].
    pub advisories: Vec<String>,
    /// Whether the project itself asks for one of them.
    pub direct: bool,
    /// Whether one of them is used at run time.
    pub production: bool,
    /// Whether one of them is known to be exploited.
    pub known_exploited: bool,
    /// The highest probability of exploitation within 30 days, 0 to 1; 0 where nobody says.
    pub epss: f64,
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

/// An expression that was read.
#[derive(Clone)]
pub struct When {
    text: String,
    program: Arc<Program>,
}

impl When {
    /// Reads `text`. An error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > BYTES_MAX {
            return Err(format!("it has {} bytes; an expression may have {BYTES_MAX}", text.len()));
        }
        let shape = Shape::of(text);
        if shape.is_unclear {
            return Err("it has a raw or a triple-quoted string, or a comment: write it without".to_owned());
        }
        if shape.depth > DEPTH_MAX {
            return Err(format!("its brackets are nested {} deep; {DEPTH_MAX} are allowed", shape.depth));
        }
        if shape.macros > MACROS_MAX {
            let names = MACROS.join("`, `");
            return Err(format!("it goes through lists {} times (`{names}`); {MACROS_MAX} are allowed", shape.macros));
        }
        let (program, unknown) = on_a_large_stack(|| {
            let program = Program::compile(text).map_err(|error| first_line(&error.to_string()))?;
            let references = program.references();
            let unknown =
                references.variables().into_iter().find(|name| !VARIABLES.contains(name) && !shape.binds(name));
            let unknown = unknown.map(str::to_owned);
            drop(references);
            Ok::<_, String>((program, unknown))
        })??;
        if let Some(unknown) = unknown {
            return Err(format!("`{unknown}` is not known; use one of {}", VARIABLES.join(", ")));
        }
        let when = Self { text: text.to_owned(), program: Arc::new(program) };
        // Whatever does not come to yes or no is found now, not when it matters.
        when.holds(&Subject::example())?;
        Ok(when)
    }

    /// Whether it holds for `subject`. An error where it comes to neither yes nor no.
    pub fn holds(&self, subject: &Subject) -> Result<bool, String> {
        on_a_large_stack(|| {
            let mut context = Context::default();
            let values = serde_json::to_value(subject).map_err(|error| error.to_string())?;
            for (name, value) in values.as_object().into_iter().flatten() {
                context.add_variable(name.as_str(), value).map_err(|error| error.to_string())?;
            }
            match self.program.execute(&context) {
                Ok(cel::Value::Bool(holds)) => Ok(holds),
                Ok(_) => Err("it is neither true nor false".to_owned()),
                Err(error) => Err(first_line(&error.to_string())),
            }
        })?
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// What an expression looks like, strings left out.
struct Shape<'a> {
    depth: usize,
    macros: usize,
    words: Vec<&'a str>,
    /// Whether it has a string of another kind, or a comment: what is in it would be taken for code, or the other way round.
    is_unclear: bool,
}

impl<'a> Shape<'a> {
    fn of(text: &'a str) -> Self {
        let (mut depth, mut deepest, mut quote) = (0_usize, 0, None);
        let (mut words, mut begun) = (Vec::new(), None);
        let mut is_unclear = false;
        let mut chars = text.char_indices().peekable();
        while let Some((at, char)) = chars.next() {
            let rest = &text[at..];
            is_unclear |= quote.is_none() && ["'''", "\"\"\"", "//"].iter().any(|mark| rest.starts_with(mark));
            is_unclear |= quote.is_none() && begun.is_some() && matches!(char, '"' | '\'');
            if quote.is_none() && (char.is_ascii_alphanumeric() || char == '_') {
                begun.get_or_insert(at);
                continue;
            }
            if let Some(from) = begun.take() {
                words.push(&text[from..at]);
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
        }
        words.extend(begun.map(|from| &text[from..]));
        let macros = words.iter().filter(|word| MACROS.contains(word)).count();
        Self { depth: deepest, macros, words, is_unclear }
    }

    /// Whether `name` is one that a macro may bind: the word right after the macro's own.
    fn binds(&self, name: &str) -> bool {
        self.words.windows(2).any(|pair| MACROS.contains(&pair[0]) && pair[1] == name)
    }
}

impl Subject {
    /// What is known of `wound`, which has `findings`.
    pub fn of(wound: &Wound, findings: &[&Finding]) -> Self {
        let packages = || findings.iter().filter_map(|finding| finding.package.as_ref());
        let bounded = |names: BTreeSet<&String>| names.into_iter().take(ITEMS_MAX).cloned().collect();
        let severity = findings.iter().map(|finding| finding.severity).max().unwrap_or(wound.severity);
        Self {
            event_type: wound.event_type.clone(),
            severity: severity.to_string(),
            repository: wound.repository.to_string(),
            branch: wound.base_branch.clone(),
            path: wound.path.clone(),
            packages: bounded(packages().map(|package| &package.name).collect()),
            advisories: bounded(findings.iter().flat_map(|finding| &finding.advisories).collect()),
            direct: packages().any(|package| package.direct),
            production: packages().any(|package| package.scope != Scope::Dev),
            known_exploited: findings.iter().any(|finding| finding.risk.known_exploited),
            epss: findings.iter().filter_map(|finding| finding.risk.epss).fold(0.0, f64::max),
        }
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
        }
    }
}

/// Does `work` where there is room for its recursion. An error if it panics.
fn on_a_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, String> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work);
        let thread = thread.map_err(|error| format!("there is no room to compute it: {error}"))?;
        thread.join().map_err(|_| "it can't be computed".to_owned())
    })
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
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
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn holds(text: &str) -> bool {
        When::parse(text).unwrap().holds(&Subject::example()).unwrap()
    }

    #[test]
    fn expressions_are_held_against_the_subject() {
        assert!(holds("severity == 'medium' && direct"));
        assert!(holds("severity in ['low', 'medium'] && epss < 0.6 && !known_exploited"));
        assert!(holds("repository.startsWith('github.example/octo/') && branch == 'main'"));
        assert!(holds("packages.exists(name, name == 'latch')"));
        assert!(holds("advisories.all(id, packages.exists(name, id != name))"));
        assert!(!holds("path.endsWith('.txt') || event_type.contains('secret')"));
        assert!(holds("size(packages) == 1 ? production : false"));
    }

    #[test]
    fn names_are_those_of_the_subject() {
        let value = serde_json::to_value(Subject::example()).unwrap();
        let mut names: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, VARIABLES);
    }

    #[test]
    fn errors_say_what_is_wrong() {
        let long = format!("severity == '{}'", "x".repeat(BYTES_MAX));
        let deep = format!("{}direct{}", "(".repeat(DEPTH_MAX + 1), ")".repeat(DEPTH_MAX + 1));
        let often = "packages.all(a, packages.all(b, packages.all(c, true)))";
        for (text, because) in [
            ("sevrity == 'high'", "`sevrity` is not known; use one of advisories"),
            ("severity", "neither true nor false"),
            ("severity == ", "Syntax error"),
            ("path.matches('a*')", "matches"),
            ("severity + 1 == 2", "Unsupported binary operator"),
            (&*long, "an expression may have 500"),
            (&*deep, "nested 13 deep"),
            (often, "goes through lists 3 times"),
            (r"path == r'\' || packages.all(a, true) || path == ''", "raw"),
            ("path == '''x''' || direct", "triple-quoted"),
            ("direct // (", "comment"),
        ] {
            let error = When::parse(text).unwrap_err();
            assert!(error.contains(because), "{text}: {error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn brackets_in_strings_are_no_nesting() {
        assert!(!holds("path == '((((((((((((((((((((((' || path == \"\\\"[[[[[[[[[[[[[[[[[[[\""));
    }

    #[test]
    fn longest_chains_are_read_or_refused() {
        for piece in ["!", "-", "+", "1+", "a.", "a?b:", "[", "true||", "{1:", "''+", "1<", "r'", "\\"] {
            let _ = When::parse(&piece.repeat(BYTES_MAX / piece.len()));
            let _ = When::parse(&format!("{}true", piece.repeat((BYTES_MAX - 4) / piece.len())));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_text_exceeds_the_limits(text in "(packages|severity|direct|\\.|all|map|exists|\\(|\\)|\\[|\\]|\\{|\\}|,| |x|'|\"|!|-|\\?|:|==|&&|\\|\\||1|in ){0,60}", any in "\\PC{0,80}") {
            let _ = When::parse(&text);
            let _ = When::parse(&any);
        }
    }
}
