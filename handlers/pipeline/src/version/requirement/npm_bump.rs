//! Rewriting an npm range.

use super::npm_range::{Operator, Partial, partial, split_operator};
use crate::version::semantic::Semantic;

/// `text` in its own style around `to`, or a caret where it has several parts or an upper bound.
pub(super) fn bump(text: &str, to: &Semantic) -> Option<String> {
    let (operator, rest) = split_operator(text);
    if matches!(operator, Some(Operator::Greater | Operator::GreaterOrEqual)) && partial(rest.trim()).is_some() {
        // It refuses `to` because it lies below.
        return None;
    }
    let is_simple = !matches!(
        operator,
        Some(Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual)
    );
    let Some(written) = Some(rest.trim()).filter(|rest| is_simple && !rest.contains("||")).and_then(partial) else {
        return Some(format!("^{}", full(to)));
    };
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let (prefix, version) = text.split_at(start);
    Some(format!("{prefix}{}", in_style(version, &written, to)))
}

/// As many numbers as are written, with the same open places after them.
fn in_style(version: &str, written: &Partial, to: &Semantic) -> String {
    let count = written.numbers.len();
    if count == 3 || !to.prerelease.is_empty() {
        return full(to);
    }
    let numbers: Vec<_> = to.numbers.iter().take(count).map(ToString::to_string).collect();
    let open = version.split('.').skip(count).map(|place| format!(".{place}"));
    numbers.join(".") + &open.collect::<String>()
}

fn full(version: &Semantic) -> String {
    let [major, minor, patch] = version.numbers;
    let hyphen = if version.prerelease.is_empty() { "" } else { "-" };
    format!("{major}.{minor}.{patch}{hyphen}{}", version.prerelease)
}
