//! Rewriting PEP 440 specifiers.

use super::pypi_specifiers::{Operand, Operator, Specifier, parse, split_operator};
use pep440_rs::Version;

/// `text` with each clause changed that keeps `to` out; `written` is how `to` is written.
pub(super) fn bump(text: &str, to: &Version, written: &str) -> Option<String> {
    let clauses: Option<Vec<_>> = text.split(',').map(|clause| bump_clause(clause, to, written)).collect();
    Some(clauses?.join(","))
}

fn bump_clause(text: &str, to: &Version, written: &str) -> Option<String> {
    // White space and parentheses around the clause stay.
    let is_around = |c: char| c.is_whitespace() || c == '(' || c == ')';
    let clause = text.trim_matches(is_around);
    let specifiers = parse(clause)?;
    let Some(specifier) = specifiers.clauses.first().filter(|specifier| !specifier.holds(to, written)) else {
        return Some(text.to_owned());
    };
    let (_, operand) = split_operator(clause)?;
    let sign = clause.strip_suffix(operand.trim())?;
    let start = text.find(clause)?;
    let (before, after) = (text.get(..start)?, text.get(start + clause.len()..)?);
    Some(format!("{before}{sign}{}{after}", operand_for(specifier, to, written)?))
}

/// What must stand after the operator; `None` if no version there lets `to` in.
fn operand_for(specifier: &Specifier, to: &Version, written: &str) -> Option<String> {
    match (specifier.operator, &specifier.operand) {
        (Operator::Arbitrary, _) => Some(written.to_owned()),
        (Operator::Equal, Operand::Wildcard(prefix)) => Some(numbers(to, prefix.release().len()) + ".*"),
        (Operator::Equal, _) => Some(written.to_owned()),
        (Operator::LessOrEqual, _) => Some(to.clone().without_local().to_string()),
        (Operator::Compatible, Operand::Version(named)) => {
            let is_plain = to.is_stable() && !to.is_post() && !to.is_local();
            let count = named.release().len();
            Some(if is_plain { numbers(to, count) } else { to.clone().without_local().to_string() })
        }
        (Operator::Less, Operand::Version(named)) => Some(bound_over(named, to)),
        _ => None,
    }
}

/// The next bound over `to` of the kind that `bound` is: `2` is followed by `3`, `2.0` by `3.0`, `1.5` by `1.6`.
fn bound_over(bound: &Version, to: &Version) -> String {
    let places = bound.release().len();
    let last = bound.release().iter().rposition(|number| *number != 0).unwrap_or(0);
    let release: Vec<_> = (0..places)
        .map(|place| {
            let number = to.release().get(place).copied().unwrap_or_default();
            if place > last { 0 } else { number.saturating_add(u64::from(place == last)) }
        })
        .collect();
    Version::new(release).with_epoch(to.epoch()).to_string()
}

/// The epoch and the first `count` numbers of `version`.
fn numbers(version: &Version, count: usize) -> String {
    let release: Vec<_> = (0..count).map(|place| version.release().get(place).copied().unwrap_or_default()).collect();
    Version::new(release).with_epoch(version.epoch()).to_string()
}
