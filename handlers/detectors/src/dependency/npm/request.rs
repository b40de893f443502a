//! What a requirement asks for: a range of the registry, another package's range, or something from elsewhere.

use nodejs_semver::Range;
use pipeline::version::requirement::Requirement;
use pipeline::version::{Ecosystem, Version};

/// A requirement, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request<'a> {
    /// A range, version or tag of the package that is named.
    Registry(&'a str),
    /// `npm:name@range`: of another package.
    Alias(&'a str, &'a str),
    /// A git repository, a URL, a file or a folder.
    Elsewhere(&'a str),
}

impl<'a> Request<'a> {
    /// Takes `text` apart. Neither ranges nor tags have a colon or a slash, everything from elsewhere has.
    pub(super) fn of(text: &'a str) -> Self {
        if text.starts_with(['^', '>', '<', '=', '*']) {
            Self::Registry(text)
        } else if let Some((name, range)) = split_alias(text) {
            Self::Alias(name, range)
        } else if text.bytes().any(|byte| byte == b':' || byte == b'/') {
            Self::Elsewhere(text)
        } else {
            Self::Registry(text)
        }
    }

    /// The range or tag, where the registry is asked.
    pub(super) fn range(self) -> Option<&'a str> {
        match self {
            Self::Registry(range) | Self::Alias(_, range) => Some(range),
            Self::Elsewhere(_) => None,
        }
    }

    /// The version, where exactly one is asked for: `1.2.3`, `=1.2.3`, `v1.2.3`.
    pub(super) fn exact(self) -> Option<&'a str> {
        let version = self.range()?.trim().trim_start_matches(['=', 'v', ' ']);
        let starts_right = version.starts_with(|first: char| first.is_ascii_digit());
        (starts_right && version.split('.').nth(2).is_some() && Version::parse(Ecosystem::Npm, version).is_ok())
            .then_some(version)
    }
}

/// Whether `version` is in `range`; a tag, which only the registry can tell, is taken to be answered.
///
/// The one place that reads ranges.
pub(super) fn satisfies(version: &str, range: &str) -> bool {
    let range = range.trim();
    if range.is_empty() || range == "*" || range == version {
        return true;
    }
    match (Requirement::parse(Ecosystem::Npm, range), Version::parse(Ecosystem::Npm, version)) {
        (Ok(range), _) if !range.is_range() => true,
        (Ok(range), Ok(version)) => range.allows(&version),
        _ => false,
    }
}

/// Ranges that are longer are not compared.
const COMPARED_BYTES_MAX: usize = 1024;
/// Ranges of more alternatives (`||`) are not compared: each is held against each.
const COMPARED_ALTERNATIVES_MAX: usize = 64;

/// Whether some version is in both ranges; tags, and ranges over a limit, are in everything.
pub(super) fn intersects(one: &str, other: &str) -> bool {
    let is_over = |range: &str| range.len() > COMPARED_BYTES_MAX || alternatives(range) > COMPARED_ALTERNATIVES_MAX;
    if is_over(one) || is_over(other) {
        return true;
    }
    match (Range::parse(one), Range::parse(other)) {
        (Ok(one), Ok(other)) => one.allows_any(&other),
        _ => true,
    }
}

/// What [`intersects`] costs, as a multiple of a comparison of two short ranges.
pub(super) fn cost_of_intersects(one: &str, other: &str) -> usize {
    const BYTES_OF_SHORT_RANGES: usize = 32;
    let limited = |range: &str| alternatives(range).min(COMPARED_ALTERNATIVES_MAX);
    (one.len() + other.len()).min(2 * COMPARED_BYTES_MAX) / BYTES_OF_SHORT_RANGES + limited(one) * limited(other)
}

fn alternatives(range: &str) -> usize {
    range.get(..range.len().min(COMPARED_BYTES_MAX)).unwrap_or(range).matches("||").count() + 1
}

/// Splits `npm:@s/name@^1` into `@s/name` and `^1`; the range is empty where none is written.
pub(super) fn split_alias(text: &str) -> Option<(&str, &str)> {
    let target = text.strip_prefix("npm:")?;
    Some(split_spec(target))
}

/// Splits `@s/name@^1` into `@s/name` and `^1`; the range is empty where none is written.
pub(super) fn split_spec(spec: &str) -> (&str, &str) {
    match spec.char_indices().skip(1).find(|(_, letter)| *letter == '@') {
        Some((at, _)) => (spec.get(..at).unwrap_or_default(), spec.get(at + 1..).unwrap_or_default()),
        None => (spec, ""),
    }
}

/// The folder of `file:packages/a`, from the root of the project; `None` for archives and everything else.
pub(super) fn folder_of(text: &str) -> Option<String> {
    let path = text.strip_prefix("file:").or_else(|| text.strip_prefix("link:"))?;
    let archive = [".tgz", ".tar.gz", ".tar"].iter().any(|ending| path.to_ascii_lowercase().ends_with(ending));
    (!archive).then(|| normalise(path))
}

/// `path` without `.`, `//` and inner `..`; leading `..` stay.
pub(super) fn normalise(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Request<'_>, exact: Option<&str>) {
        let request = Request::of(text);
        assert_eq!(request, expect, "{text}");
        assert_eq!(request.exact(), exact, "{text}");
    }

    #[test]
    fn requirements_are_taken_apart() {
        check("^1.2.3", Request::Registry("^1.2.3"), None);
        check("1.2.3", Request::Registry("1.2.3"), Some("1.2.3"));
        check("=v1.2.3-rc.1", Request::Registry("=v1.2.3-rc.1"), Some("1.2.3-rc.1"));
        check("1.2", Request::Registry("1.2"), None);
        check("1.2.x", Request::Registry("1.2.x"), None);
        check("latest", Request::Registry("latest"), None);
        check("", Request::Registry(""), None);
        check("npm:@s/b@1.0.0", Request::Alias("@s/b", "1.0.0"), Some("1.0.0"));
        check("npm:b", Request::Alias("b", ""), None);
        check("user/repo", Request::Elsewhere("user/repo"), None);
        check("git+ssh://git@host/x.git#1.0.0", Request::Elsewhere("git+ssh://git@host/x.git#1.0.0"), None);
        check("workspace:*", Request::Elsewhere("workspace:*"), None);
    }

    #[test]
    fn folders_are_told_from_archives() {
        assert_eq!(folder_of("file:./packages//a/").as_deref(), Some("packages/a"));
        assert_eq!(folder_of("file:../a").as_deref(), Some("../a"));
        assert_eq!(folder_of("file:a/../../b").as_deref(), Some("../b"));
        assert_eq!(folder_of("file:a.tgz"), None);
        assert_eq!(folder_of("https://registry.example/a.tgz"), None);
    }

    #[test]
    fn tags_are_answered_and_ranges_are_held() {
        assert!(satisfies("1.2.3", "^1.0.0") && satisfies("1.2.3", "latest") && satisfies("1.2.3", ""));
        assert!(!satisfies("2.0.0", "^1.0.0") && !satisfies("", "^1.0.0"));
        assert!(intersects("^1.0.0", "1.5.0") && !intersects("^1.0.0", "2"));
    }

    #[test]
    fn ranges_over_a_limit_intersect_with_everything() {
        let alternatives = |count: usize| vec!["1.0.0"; count].join("||");
        assert!(!intersects(&alternatives(64), "2") && intersects(&alternatives(65), "2"));
        let long = |bytes: usize| format!("1.0.0{}", " ".repeat(bytes - 5));
        assert!(!intersects(&long(1024), "2") && intersects(&long(1025), "2"));
        assert_eq!(cost_of_intersects("^1.0.0", "^2"), 1);
        assert_eq!(cost_of_intersects(&alternatives(64), &alternatives(64)), (2 * 446) / 32 + 64 * 64);
    }
}
