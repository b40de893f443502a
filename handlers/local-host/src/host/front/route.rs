//! Routes: which function a path belongs to, and what stands in it.

use crate::app::Method;

/// A route below the prefix, read: `cases/{id:int?}`, `files/{*path}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    segments: Vec<Segment>,
}

/// One part between slashes. In the order in which routes that both fit are preferred.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    /// This word, in whatever case.
    Literal(String),
    /// One that keeps a rule.
    Ruled { name: String, rule: String, is_optional: bool },
    /// Any one.
    Any { name: String, is_optional: bool },
    /// All that is left.
    Rest { name: String },
}

/// What stands in a path, by the names in its route.
pub type Parameters = Vec<(String, String)>;

impl Route {
    /// Reads `text`, which the app's checks let through.
    pub fn parse(text: &str) -> Self {
        let words = text.split('/').filter(|word| !word.is_empty());
        Self { segments: words.map(Segment::parse).collect() }
    }

    /// What stands in `path`, if this is its route.
    pub fn parameters(&self, path: &str) -> Option<Parameters> {
        let words: Vec<String> = path.split('/').filter(|word| !word.is_empty()).map(decoded).collect();
        let mut found = Parameters::new();
        for (at, segment) in self.segments.iter().enumerate() {
            match (segment, words.get(at)) {
                (Segment::Rest { name }, _) => {
                    found.push((name.clone(), words.get(at..).unwrap_or_default().join("/")));
                    return Some(found);
                }
                (Segment::Literal(literal), Some(word)) if literal.eq_ignore_ascii_case(word) => {}
                (Segment::Any { name, .. }, Some(word)) => found.push((name.clone(), word.clone())),
                (Segment::Ruled { name, rule, .. }, Some(word)) if keeps(rule, word) => {
                    found.push((name.clone(), word.clone()));
                }
                (Segment::Any { is_optional: true, .. } | Segment::Ruled { is_optional: true, .. }, None) => {}
                _ => return None,
            }
        }
        (words.len() <= self.segments.len()).then_some(found)
    }

    /// Sorts the route that is preferred first.
    pub fn precedence(&self) -> impl Ord + use<> {
        self.segments.clone()
    }
}

impl Segment {
    fn parse(word: &str) -> Self {
        let Some(inner) = word.strip_prefix('{').and_then(|word| word.strip_suffix('}')) else {
            return Self::Literal(word.to_owned());
        };
        if let Some(name) = inner.strip_prefix('*') {
            return Self::Rest { name: name.trim_start_matches('*').to_owned() };
        }
        // A default stands for what is not there; the function is not told of it.
        let (inner, has_default) = inner.split_once('=').map_or((inner, false), |(inner, _)| (inner, true));
        let (inner, is_optional) = inner.strip_suffix('?').map_or((inner, has_default), |inner| (inner, true));
        match inner.split_once(':') {
            Some((name, rule)) => Self::Ruled { name: name.to_owned(), rule: rule.to_owned(), is_optional },
            None => Self::Any { name: inner.to_owned(), is_optional },
        }
    }
}

/// Whether `word` keeps all of the rules `a:b(1)`. One that is not known here lets everything through; the function sees what came.
fn keeps(rules: &str, word: &str) -> bool {
    rules.split(':').all(|rule| match rule.split('(').next().unwrap_or_default() {
        "int" => word.parse::<i32>().is_ok(),
        "long" => word.parse::<i64>().is_ok(),
        "bool" => matches!(word.to_ascii_lowercase().as_str(), "true" | "false"),
        "guid" => word.parse::<uuid::Uuid>().is_ok(),
        "decimal" | "double" | "float" => word.parse::<f64>().is_ok_and(f64::is_finite),
        "alpha" => word.chars().all(|letter| letter.is_ascii_alphabetic()),
        _ => true,
    })
}

fn decoded(word: &str) -> String {
    let bytes = word.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = |digit: Option<&u8>| digit.and_then(|digit| char::from(*digit).to_digit(16));
        match (bytes[at], hex(bytes.get(at + 1)), hex(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                at += 3;
            }
            (byte, ..) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// Whether a function that names `methods` answers `method`; without any it answers all.
pub fn allows(methods: &[Method], method: &str) -> bool {
    methods.is_empty() || methods.iter().any(|allowed| allowed.name() == method)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(route: &str, path: &str, expect: Option<&[(&str, &str)]>) {
        let found = Route::parse(route).parameters(path);
        let found: Option<Vec<(&str, &str)>> =
            found.as_ref().map(|found| found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect());
        assert_eq!(found.as_deref(), expect, "{route} {path}");
    }

    #[test]
    fn paths_are_matched_by_their_segments() {
        check("health", "health", Some(&[]));
        check("health", "HEALTH/", Some(&[]));
        check("health", "health/x", None);
        check("health", "", None);
        check("cases/{id}", "cases/npm-1", Some(&[("id", "npm-1")]));
        check("cases/{id}", "cases", None);
        check("cases/{id?}", "cases", Some(&[]));
        check("cases/{id=7}", "cases", Some(&[]));
        check("cases/{id:int}", "cases/7", Some(&[("id", "7")]));
        check("cases/{id:int}", "cases/x", None);
        check("cases/{id:int?}", "cases", Some(&[]));
        check(
            "c/{id:guid}",
            "c/00000000-0000-0000-0000-000000000000",
            Some(&[("id", "00000000-0000-0000-0000-000000000000")]),
        );
        check("c/{id:alpha:length(3)}", "c/abc", Some(&[("id", "abc")]));
        check("files/{*path}", "files/a/b", Some(&[("path", "a/b")]));
        check("files/{*path}", "files", Some(&[("path", "")]));
        check("{a}/{b}", "x%20y/%C3%A9", Some(&[("a", "x y"), ("b", "é")]));
        check("{a}", "100%", Some(&[("a", "100%")]));
    }

    #[test]
    fn words_are_preferred_to_parameters() {
        let mut routes = ["{*rest}", "cases/{id}", "cases/{id:int}", "cases/new"].map(Route::parse);
        routes.sort_by_key(Route::precedence);
        assert_eq!(routes, ["cases/new", "cases/{id:int}", "cases/{id}", "{*rest}"].map(Route::parse));
    }

    #[test]
    fn function_without_methods_answers_all() {
        assert!(allows(&[], "PATCH"));
        assert!(allows(&[Method::Get], "GET"));
        assert!(!allows(&[Method::Get], "POST"));
    }
}
