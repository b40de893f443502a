//! RubyGems: the order of `Gem::Version`.
//!
//! Hand-written: the library at hand takes a segment over 32 bits for a word, which puts dates such as
//! `1.0.20200101120000` before every number.

use super::digits::{compare_numbers, split_digits, split_while};
use std::cmp::Ordering;

/// Numbers and words in turn, trailing zeros of both the release and the pre-release part dropped.
#[derive(Debug, Clone)]
pub(super) struct GemVersion {
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    /// Without leading zeros; empty is zero.
    Number(String),
    Word(String),
}

const ZERO: Segment = Segment::Number(String::new());

pub(super) fn parse(text: &str) -> Option<GemVersion> {
    let text = text.trim();
    if !is_correct(text) {
        return None;
    }
    let mut segments = segments(&text.replace('-', ".pre."));
    let words = segments.iter().position(|segment| matches!(segment, Segment::Word(_))).unwrap_or(segments.len());
    let mut prerelease = segments.split_off(words);
    for part in [&mut segments, &mut prerelease] {
        while part.last() == Some(&ZERO) {
            part.pop();
        }
    }
    segments.append(&mut prerelease);
    Some(GemVersion { segments })
}

/// A number, dotted parts of letters and digits, then perhaps a hyphen and dotted parts that may hold hyphens.
/// Nothing at all is version 0.
fn is_correct(text: &str) -> bool {
    let (plain, hyphened) = text.split_once('-').map_or((text, None), |(plain, rest)| (plain, Some(rest)));
    let (first, rest) = split_digits(plain);
    let dotted = |text: &str, hyphen: bool| {
        text.split('.')
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || hyphen && b == b'-'))
    };
    text.is_empty()
        || !first.is_empty()
            && (rest.is_empty() || rest.strip_prefix('.').is_some_and(|rest| dotted(rest, false)))
            && hyphened.is_none_or(|text| dotted(text, true))
}

fn segments(mut text: &str) -> Vec<Segment> {
    let mut segments = Vec::new();
    while !text.is_empty() {
        let (digits, rest) = split_digits(text);
        let (word, rest) = split_while(rest, |c| c.is_ascii_alphabetic());
        if !digits.is_empty() {
            segments.push(Segment::Number(digits.trim_start_matches('0').to_owned()));
        }
        if !word.is_empty() {
            segments.push(Segment::Word(word.to_owned()));
        }
        text = rest.trim_start_matches(['.', '-']);
    }
    segments
}

impl GemVersion {
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let longer = self.segments.len().max(other.segments.len());
        let at = |version: &'_ Self, index: usize| version.segments.get(index).cloned().unwrap_or(ZERO);
        (0..longer)
            .map(|index| match (at(self, index), at(other, index)) {
                (Segment::Number(a), Segment::Number(b)) => compare_numbers(&a, &b),
                (Segment::Number(_), Segment::Word(_)) => Ordering::Greater,
                (Segment::Word(_), Segment::Number(_)) => Ordering::Less,
                (Segment::Word(a), Segment::Word(b)) => a.cmp(&b),
            })
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

#[cfg(test)]
mod tests {
    use crate::version::Ecosystem::RubyGems;
    use crate::version::order_check::tests::{check, check_refused};

    #[test]
    fn order_is_that_of_gem_version() {
        check(
            RubyGems,
            "
            1 = 1.0.0
            1.0 > 1.0.a
            1.8.2.a < 1.8.2
            1.8.2.a10 > 1.8.2.a9
            1.0.0-alpha1 = 1.0.0.pre.alpha1
            0.beta.1 = 0.0.beta.1
            0.0.beta < 0.0.beta.1
            5.a < 5.0.0.rc2
            5.x > 5.0.0.rc2
            1.a = 1.a.0
            1.a.0.b > 1.a.b
            1.10 > 1.9
            1.0.20200101120000 > 1.0.5
            1.0.20200101120000 > 1.0.20191231120000
            1.A < 1.a
        ",
        );
        check_refused(RubyGems, &["a", ".1", "1.", "1..2", "1.0_1", "1.0+1", "1-", "1 2"]);
    }
}
