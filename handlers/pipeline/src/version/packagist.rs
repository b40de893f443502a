//! Packagist: Composer's normal form of a version, in the order of PHP's `version_compare`.
//!
//! Branches (`dev-main`) can't be compared in Composer; here they come before all versions, by name. `2.x-dev` is a
//! version: after all others that begin with 2.

use super::digits::{compare_numbers, is_number, split_digits};
use std::cmp::Ordering;

#[derive(Debug, Clone)]
pub(super) enum PackagistVersion {
    Branch(String),
    /// The parts of the normal form.
    Release(Vec<Part>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// Less than the end.
    Early(Stability),
    Number(String),
    Patch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stability {
    Dev,
    Alpha,
    Beta,
    Rc,
}

/// What Composer puts for the `x` of a branch such as `2.x-dev`.
const WILDCARD: &str = "9999999";

pub(super) fn parse(text: &str) -> Option<PackagistVersion> {
    let text = without_alias(text.trim());
    let text = without_stability_flag(text);
    if ["master", "trunk", "default"].contains(&text) {
        return Some(PackagistVersion::Branch(text.to_owned()));
    }
    if let Some(branch) = strip_prefix_ignoring_case(text, "dev-") {
        return Some(PackagistVersion::Branch(branch.to_owned()));
    }
    let text = without_metadata(text);
    let lower = text.to_ascii_lowercase();
    let plain = lower.strip_prefix('v').unwrap_or(&lower);
    let parts = classical(plain).or_else(|| dated(plain)).or_else(|| numbered_branch(&lower))?;
    Some(PackagistVersion::Release(parts))
}

/// `1.0 as 2.0` is `1.0`.
fn without_alias(text: &str) -> &str {
    let is_word = |word: &str| !word.is_empty() && !word.contains([',', ' ', '\t']);
    match text.split_once(" as ") {
        Some((version, alias)) if is_word(version.trim_end_matches(' ')) && is_word(alias.trim_start_matches(' ')) => {
            version.trim_end_matches(' ')
        }
        _ => text,
    }
}

/// `1.0@beta` is `1.0`.
fn without_stability_flag(text: &str) -> &str {
    match text.rsplit_once('@') {
        Some((version, flag))
            if ["stable", "rc", "beta", "alpha", "dev"].iter().any(|known| flag.eq_ignore_ascii_case(known)) =>
        {
            version
        }
        _ => text,
    }
}

/// `1.0+build` is `1.0`.
fn without_metadata(text: &str) -> &str {
    match text.split_once('+') {
        Some((version, metadata))
            if !version.is_empty()
                && !metadata.is_empty()
                && !version.contains(|c: char| c == ',' || c.is_whitespace())
                && !metadata.contains(char::is_whitespace) =>
        {
            version
        }
        _ => text,
    }
}

/// One to four numbers, missing ones zero, the first of at most five digits, then perhaps a stability.
fn classical(text: &str) -> Option<Vec<Part>> {
    let (first, mut rest) = split_digits(text);
    if !(1..=5).contains(&first.len()) {
        return None;
    }
    let mut numbers = vec![first];
    while let Some((digits, after)) = rest.strip_prefix('.').map(split_digits) {
        if digits.is_empty() || numbers.len() == 4 {
            break;
        }
        numbers.push(digits);
        rest = after;
    }
    numbers.resize(4, "0");
    with_modifier(&numbers, rest)
}

/// `20100102`, `2010-01-02`, `2010.01.02.1`: a year, one to six pairs of digits, perhaps a number of three digits.
fn dated(text: &str) -> Option<Vec<Part>> {
    text.get(..4).filter(|year| is_number(year))?;
    let mut ends = vec![4];
    while ends.len() <= 6
        && let Some(end) = ends.last().and_then(|end| digits_end(text, *end, 2))
    {
        ends.push(end);
    }
    // The longest reading wins whose rest is a stability, as in Composer's pattern.
    ends.iter().skip(1).rev().find_map(|pairs_end| {
        let tails = [3, 2, 1].into_iter().filter_map(|count| digits_end(text, *pairs_end, count));
        tails.chain([*pairs_end]).find_map(|end| {
            let numbers: Vec<_> = text.get(..end)?.split(DATE_SEPARATORS).collect();
            with_modifier(&numbers, text.get(end..)?)
        })
    })
}

const DATE_SEPARATORS: [char; 3] = ['.', ':', '-'];

/// Where `count` digits end that stand at `start`, perhaps after a separator.
fn digits_end(text: &str, start: usize, count: usize) -> Option<usize> {
    let start = start + usize::from(text.get(start..)?.starts_with(DATE_SEPARATORS));
    text.get(start..start + count).filter(|digits| is_number(digits)).map(|_| start + count)
}

/// `-beta1`, `RC.2`, `_patch1-dev`, `.dev`: the normal form of numbers with what follows them, if that is a stability.
fn with_modifier(numbers: &[&str], text: &str) -> Option<Vec<Part>> {
    let mut parts: Vec<_> = numbers.iter().map(|digits| Part::Number((*digits).to_owned())).collect();
    let stability = text.strip_prefix(['.', '_', '-']).unwrap_or(text);
    let known = ["stable", "beta", "b", "rc", "alpha", "a", "patch", "pl", "p"];
    let Some(name) = known.into_iter().find(|name| stability.starts_with(name)) else {
        return match stability.strip_prefix(['.', '-']).unwrap_or(stability) {
            "" if stability.is_empty() => Some(parts),
            "dev" => {
                parts.push(Part::Early(Stability::Dev));
                Some(parts)
            }
            _ => None,
        };
    };
    let mut rest = &stability[name.len()..];
    let mut counts = Vec::new();
    while let (digits, after) = split_digits(rest.strip_prefix(['.', '-']).unwrap_or(rest))
        && !digits.is_empty()
    {
        counts.push(Part::Number(digits.to_owned()));
        rest = after;
    }
    let is_dev = match rest.strip_prefix(['.', '-']).unwrap_or(rest) {
        "" if rest.is_empty() => false,
        "dev" => true,
        _ => return None,
    };
    if name == "stable" {
        return Some(parts);
    }
    parts.push(match name {
        "beta" | "b" => Part::Early(Stability::Beta),
        "alpha" | "a" => Part::Early(Stability::Alpha),
        "rc" => Part::Early(Stability::Rc),
        _ => Part::Patch,
    });
    parts.append(&mut counts);
    if is_dev {
        parts.push(Part::Early(Stability::Dev));
    }
    Some(parts)
}

/// `2.x-dev`, `1.0.x-dev`: a branch of which all versions begin alike.
fn numbered_branch(text: &str) -> Option<Vec<Part>> {
    let name = text.strip_suffix("dev")?;
    let name = name.strip_suffix(['.', '-']).unwrap_or(name).trim();
    let mut numbers: Vec<_> = name.strip_prefix('v').unwrap_or(name).split('.').collect();
    let is_valid =
        numbers.iter().enumerate().all(|(index, part)| is_number(part) || index > 0 && ["x", "*"].contains(part));
    if !is_valid || numbers.len() > 4 {
        return None;
    }
    numbers.resize(4, "x");
    let number = |part: &str| Part::Number(if is_number(part) { part } else { WILDCARD }.to_owned());
    Some(numbers.into_iter().map(number).chain([Part::Early(Stability::Dev)]).collect())
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    text.get(..prefix.len()).filter(|start| start.eq_ignore_ascii_case(prefix)).and_then(|_| text.get(prefix.len()..))
}

impl Part {
    /// Where a part stands; `None` is the end of a version.
    fn rank(part: Option<&Self>) -> u8 {
        match part {
            Some(Self::Early(stability)) => *stability as u8,
            None => 10,
            Some(Self::Number(_)) => 11,
            Some(Self::Patch) => 12,
        }
    }
}

impl PackagistVersion {
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Branch(a), Self::Branch(b)) => a.cmp(b),
            (Self::Branch(_), Self::Release(_)) => Ordering::Less,
            (Self::Release(_), Self::Branch(_)) => Ordering::Greater,
            (Self::Release(a), Self::Release(b)) => compare_parts(a, b),
        }
    }
}

fn compare_parts(a: &[Part], b: &[Part]) -> Ordering {
    let longer = a.len().max(b.len());
    (0..longer)
        .map(|index| match (a.get(index), b.get(index)) {
            (Some(Part::Number(a)), Some(Part::Number(b))) => compare_numbers(a, b),
            (a, b) => Part::rank(a).cmp(&Part::rank(b)),
        })
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use crate::version::Ecosystem::Packagist;
    use crate::version::order_check::tests::{check, check_refused};

    #[test]
    fn order_is_that_of_composer() {
        check(
            Packagist,
            "
            1 = 1.0.0.0
            v1.2.3 = 1.2.3
            1.0-dev < 1.0-alpha
            1.0-alpha < 1.0-beta
            1.0-beta1 < 1.0-beta2
            1.0b2 = 1.0.0-beta2
            1.0-beta < 1.0-RC1
            1.0-RC1 = 1.0.0rc1
            1.0-RC1 < 1.0
            1.0 < 1.0-patch1
            1.0-p1 = 1.0-patch1
            1.0-pl2 > 1.0-patch1
            1.0-stable = 1.0
            1.0-beta1-dev < 1.0-beta1
            1.0+build = 1.0
            1.0@beta = 1.0
            1.0 as 2.0 = 1.0
            1.9 < 1.10
            1.5 < 1.x-dev
            1.x-dev < 2.0-alpha
            1.0.x-dev < 1.x-dev
            dev-main < 0.0.1-dev
            dev-a < dev-b
            master = dev-master
            20100102 < 20100103
            20100102 > 2010.1.2
            2010.01.02.5 < 2010.01.02.10
        ",
        );
        check_refused(
            Packagist,
            &["", "a", "1.x", "1.2.3.4.5", "1.0-foo", "12345678901234567890", "1.0 2.0", "1.0.0-meh", "foo-dev"],
        );
    }
}
