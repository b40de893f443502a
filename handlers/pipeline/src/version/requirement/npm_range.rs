//! npm ranges as node's `semver` reads them when it is told to be loose, which is how npm asks it.
//!
//! Hand-written: `nodejs-semver` lets 1.5.0 in by `^1 ^2`, which nothing satisfies, and all of them by `>*`; it refuses
//! `^=1.2.3`.

use crate::version::npm::{self, number};
use crate::version::semantic::{Semantic, are_identifiers};
use std::cmp::Ordering;

/// Sets of comparators, of which one must hold.
#[derive(Debug, Clone)]
pub(super) struct NpmRange {
    sets: Vec<Vec<Comparator>>,
}

#[derive(Debug, Clone)]
struct Comparator {
    operator: Operator,
    version: Semantic,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
    Tilde,
    Caret,
}

/// A version of which the last numbers may be missing or `x`.
#[derive(Debug, Clone)]
pub(super) struct Partial {
    /// The numbers up to the first that is open.
    pub(super) numbers: Vec<u64>,
    /// Only with three numbers; empty for a release.
    prerelease: String,
    /// A number follows one that is open (`1.x.3`): comparators with one are dropped.
    is_gapped: bool,
}

pub(super) fn parse(text: &str) -> Option<NpmRange> {
    let sets: Vec<_> = text.split("||").filter_map(|set| comparators(set.trim())).collect();
    (!sets.is_empty()).then_some(NpmRange { sets })
}

impl NpmRange {
    pub(super) fn allows(&self, version: &Semantic) -> bool {
        self.sets.iter().any(|set| {
            set.iter().all(|comparator| comparator.holds(version))
                && (version.prerelease.is_empty()
                    || set.iter().any(|comparator| comparator.names_prerelease_of(version)))
        })
    }
}

impl Comparator {
    fn holds(&self, version: &Semantic) -> bool {
        let order = version.compare(&self.version);
        match self.operator {
            Operator::Less => order.is_lt(),
            Operator::LessOrEqual => order.is_le(),
            Operator::GreaterOrEqual => order.is_ge(),
            Operator::Greater => order.is_gt(),
            Operator::Equal | Operator::Tilde | Operator::Caret => order == Ordering::Equal,
        }
    }

    fn names_prerelease_of(&self, version: &Semantic) -> bool {
        !self.version.prerelease.is_empty() && self.version.numbers == version.numbers
    }
}

/// All of these must hold; `None` if nothing of the text can be read. No comparator at all means any release.
fn comparators(text: &str) -> Option<Vec<Comparator>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    if let Some(bounds) = hyphen(text) {
        return Some(bounds);
    }
    let mut comparators = Vec::new();
    let mut is_read = false;
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        // An operator may stand apart from its version, and its `=` and `v` apart from it.
        let (mut last, mut word) = (word, word.to_owned());
        while last.trim_start_matches(['<', '>', '=', '~', '^', 'v']).is_empty()
            && let Some(next) = words.next()
        {
            word.push_str(next);
            last = next;
        }
        let (operator, rest) = split_operator(&word);
        if let Some(bounds) = partial(rest).and_then(|partial| desugar(operator, &partial)) {
            comparators.extend(bounds);
            is_read = true;
        }
    }
    is_read.then_some(comparators)
}

/// Splits off the operator; `None` where there is none, which is the same as `=`.
pub(super) fn split_operator(word: &str) -> (Option<Operator>, &str) {
    let signs = [
        ("<=", Operator::LessOrEqual),
        ("<", Operator::Less),
        (">=", Operator::GreaterOrEqual),
        (">", Operator::Greater),
        ("=", Operator::Equal),
        ("~>", Operator::Tilde),
        ("~", Operator::Tilde),
        ("^", Operator::Caret),
    ];
    signs
        .into_iter()
        .find_map(|(sign, operator)| word.strip_prefix(sign).map(|rest| (Some(operator), rest)))
        .unwrap_or((None, word))
}

/// `1.2.3`, `v1.2`, `1.x`, `*`, with what may follow three numbers.
pub(super) fn partial(text: &str) -> Option<Partial> {
    let text = text.trim_start_matches(|c: char| c == 'v' || c == '=' || c.is_whitespace());
    let (text, build) = text.split_once('+').map_or((text, None), |(version, build)| (version, Some(build)));
    if !build.is_none_or(are_identifiers) {
        return None;
    }
    if let Some(version) = npm::parse(text) {
        return Some(Partial { numbers: version.numbers.to_vec(), prerelease: version.prerelease, is_gapped: false });
    }
    let mut numbers = Vec::new();
    let mut is_open = false;
    let mut is_gapped = false;
    let mut rest = text;
    for place in 0..3 {
        let after = match rest.strip_prefix(['x', 'X', '*']) {
            Some(after) => {
                is_open = true;
                after
            }
            None => {
                let (number, after) = number(rest)?;
                is_gapped |= is_open;
                if !is_open {
                    numbers.push(number);
                }
                after
            }
        };
        match after.strip_prefix('.') {
            Some(after) if place < 2 => rest = after,
            _ => {
                // A pre-release of an open version says nothing.
                let is_end = after.is_empty() || place == 2 && npm::parse(&format!("0.0.0{after}")).is_some();
                return is_end.then_some(Partial { numbers, prerelease: String::new(), is_gapped });
            }
        }
    }
    None
}

fn hyphen(text: &str) -> Option<Vec<Comparator>> {
    let at = text.match_indices('-').map(|(at, _)| at).find(|at| {
        let is_space = |c: Option<char>| c.is_some_and(char::is_whitespace);
        is_space(text.get(..*at).and_then(|before| before.chars().last()))
            && is_space(text.get(at + 1..).and_then(|after| after.chars().next()))
    })?;
    let (from, to) = (partial(text.get(..at)?.trim())?, partial(text.get(at + 1..)?.trim())?);
    let mut bounds = Vec::new();
    if !from.numbers.is_empty() {
        bounds.push(comparator(Operator::GreaterOrEqual, from.lowest()));
    }
    match (to.numbers.len(), to.next()) {
        (3, _) => bounds.push(comparator(Operator::LessOrEqual, to.lowest())),
        (_, Some(next)) => bounds.push(comparator(Operator::Less, next)),
        (_, None) => {}
    }
    Some(bounds)
}

/// The bounds that an operator stands for; `None` if node drops such a comparator.
fn desugar(operator: Option<Operator>, partial: &Partial) -> Option<Vec<Comparator>> {
    let lowest = partial.lowest();
    let is_full = partial.numbers.len() == 3;
    let bounds = |end: Option<Semantic>| {
        let end = end.map(|end| comparator(Operator::Less, end));
        [comparator(Operator::GreaterOrEqual, lowest.clone())].into_iter().chain(end).collect()
    };
    match operator {
        _ if partial.numbers.is_empty() => match operator {
            Some(Operator::Caret | Operator::Tilde) => Some(Vec::new()),
            _ if partial.is_gapped => None,
            Some(Operator::Less | Operator::Greater) => Some(vec![comparator(Operator::Less, before_all())]),
            _ => Some(Vec::new()),
        },
        Some(Operator::Caret) => Some(bounds(partial.caret_end())),
        Some(Operator::Tilde) => Some(bounds(partial.tilde_end())),
        _ if partial.is_gapped => None,
        None | Some(Operator::Equal) if is_full => Some(vec![comparator(Operator::Equal, lowest)]),
        None | Some(Operator::Equal) => Some(bounds(partial.next())),
        Some(operator) if is_full => {
            // Node takes this one for any release, so it is no bound.
            let is_any =
                operator == Operator::GreaterOrEqual && lowest.numbers == [0; 3] && lowest.prerelease.is_empty();
            Some(if is_any { Vec::new() } else { vec![comparator(operator, lowest)] })
        }
        Some(operator @ (Operator::Less | Operator::GreaterOrEqual)) => {
            let prerelease = if operator == Operator::Less { "0" } else { "" };
            Some(vec![comparator(operator, Semantic { prerelease: prerelease.to_owned(), ..lowest })])
        }
        Some(Operator::Greater) => {
            let next = partial.next()?;
            Some(vec![comparator(Operator::GreaterOrEqual, Semantic { prerelease: String::new(), ..next })])
        }
        Some(Operator::LessOrEqual) => Some(vec![comparator(Operator::Less, partial.next()?)]),
    }
}

fn comparator(operator: Operator, version: Semantic) -> Comparator {
    Comparator { operator, version }
}

/// `0.0.0-0`, under which nothing is.
fn before_all() -> Semantic {
    Semantic { numbers: [0; 3], prerelease: "0".to_owned() }
}

impl Partial {
    fn at(&self, place: usize) -> u64 {
        self.numbers.get(place).copied().unwrap_or_default()
    }

    fn lowest(&self) -> Semantic {
        Semantic { numbers: [self.at(0), self.at(1), self.at(2)], prerelease: self.prerelease.clone() }
    }

    /// The first version, pre-releases included, after all that begin with the first `count` numbers.
    fn after(&self, count: usize) -> Option<Semantic> {
        let mut numbers = [0; 3];
        for (place, number) in numbers.iter_mut().enumerate().take(count) {
            *number = self.at(place) + u64::from(place + 1 == count);
        }
        (count > 0).then(|| Semantic { numbers, prerelease: "0".to_owned() })
    }

    fn next(&self) -> Option<Semantic> {
        self.after(self.numbers.len())
    }

    /// Up to the leftmost number that is not zero, or to the last that is written.
    fn caret_end(&self) -> Option<Semantic> {
        let leftmost =
            self.numbers.iter().position(|number| *number != 0).map_or(self.numbers.len(), |place| place + 1);
        self.after(leftmost)
    }

    fn tilde_end(&self) -> Option<Semantic> {
        self.after(self.numbers.len().min(2))
    }
}
