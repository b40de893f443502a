//! Maven: the order of `ComparableVersion` (Maven 3.9), with its circles cut.
//!
//! A version is a list of numbers and words; a hyphen, or the change between digits and letters, opens a list inside,
//! which is always the last item of its own. In Maven `1-sp` > `1` > `1.0.alpha.1` > `1-sp`: missing items equal zeros
//! and empty words, which themselves stand above or below other items. Here those are placed by what comes after
//! them. Pairs that are part of no circle are ordered as Maven orders them.

use super::digits::compare_numbers;
use std::cmp::Ordering;

#[derive(Debug, Clone)]
pub(super) struct MavenVersion {
    /// Flat: as a list inside is always the last item, `Open` says all there is to say.
    items: Vec<Item>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    /// Without leading zeros; empty is zero.
    Number(String),
    Word(Qualifier),
    /// A list inside begins.
    Open,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Qualifier {
    Alpha,
    Beta,
    Milestone,
    Rc,
    Snapshot,
    /// `ga`, `final`, `release`: the same as nothing.
    Release,
    Sp,
    Unknown(String),
}

/// Where an item stands; `Nothing` is the end of a version. Declared in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    EarlyWord,
    ReleaseThenEarly,
    EarlyList,
    ZeroThenEarly,
    Nothing,
    ReleaseThenLate,
    LateWord,
    LateList,
    Number,
}

pub(super) fn parse(text: &str) -> Option<MavenVersion> {
    if text.is_empty() {
        return None;
    }
    let text = text.to_lowercase();
    let mut items = Items::default();
    let mut start = 0;
    let mut in_digits = false;
    for (index, c) in text.char_indices() {
        let pending = text.get(start..index)?;
        match c {
            '.' | '-' => {
                items.push(if pending.is_empty() { Item::Number(String::new()) } else { item(in_digits, pending) });
                if c == '-' {
                    items.open();
                }
                start = index + 1;
            }
            _ if c.is_ascii_digit() => {
                if !in_digits && !pending.is_empty() {
                    items.open_unless_empty();
                    items.push(Item::Word(qualifier(pending, true)));
                    items.open();
                    start = index;
                }
                in_digits = true;
            }
            _ => {
                if in_digits && !pending.is_empty() {
                    items.push(item(true, pending));
                    items.open();
                    start = index;
                }
                in_digits = false;
            }
        }
    }
    let pending = text.get(start..)?;
    if !pending.is_empty() {
        if !in_digits {
            items.open_unless_empty();
        }
        items.push(item(in_digits, pending));
    }
    Some(MavenVersion { items: items.normalized() })
}

/// The items of each list, outermost first.
struct Items(Vec<Vec<Item>>);

impl Default for Items {
    fn default() -> Self {
        Self(vec![Vec::new()])
    }
}

impl Items {
    fn push(&mut self, item: Item) {
        if let Some(list) = self.0.last_mut() {
            list.push(item);
        }
    }

    fn open(&mut self) {
        self.0.push(Vec::new());
    }

    // `1.x` is `1-x`: a word begins a list, if it does not stand at the beginning of one.
    fn open_unless_empty(&mut self) {
        if self.0.last().is_some_and(|list| !list.is_empty()) {
            self.open();
        }
    }

    /// Drops the zeros and empty words at the end of each list, and empty lists at the end of all.
    fn normalized(mut self) -> Vec<Item> {
        for list in &mut self.0 {
            while list.last().is_some_and(is_nothing) {
                list.pop();
            }
        }
        while self.0.last().is_some_and(Vec::is_empty) {
            self.0.pop();
        }
        self.0.join(&Item::Open)
    }
}

fn is_nothing(item: &Item) -> bool {
    match item {
        Item::Number(digits) => digits.is_empty(),
        Item::Word(qualifier) => *qualifier == Qualifier::Release,
        Item::Open => false,
    }
}

fn item(is_number: bool, text: &str) -> Item {
    if is_number { Item::Number(text.trim_start_matches('0').to_owned()) } else { Item::Word(qualifier(text, false)) }
}

fn qualifier(text: &str, followed_by_digit: bool) -> Qualifier {
    match text {
        "a" if followed_by_digit => Qualifier::Alpha,
        "b" if followed_by_digit => Qualifier::Beta,
        "m" if followed_by_digit => Qualifier::Milestone,
        "alpha" => Qualifier::Alpha,
        "beta" => Qualifier::Beta,
        "milestone" => Qualifier::Milestone,
        "rc" | "cr" => Qualifier::Rc,
        "snapshot" => Qualifier::Snapshot,
        "" | "ga" | "final" | "release" => Qualifier::Release,
        "sp" => Qualifier::Sp,
        other => Qualifier::Unknown(other.to_owned()),
    }
}

impl MavenVersion {
    /// Goes through both until they differ; what follows there is looked at once.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let same = self.items.iter().zip(&other.items).take_while(|(a, b)| a == b).count();
        let (a, b) = (self.items.get(same..).unwrap_or_default(), other.items.get(same..).unwrap_or_default());
        rank(a).cmp(&rank(b)).then_with(|| match (a.first(), b.first()) {
            (Some(Item::Number(a)), Some(Item::Number(b))) => compare_numbers(a, b),
            (Some(Item::Word(a)), Some(Item::Word(b))) => a.cmp(b),
            _ => Ordering::Equal,
        })
    }
}

/// Where the first of `items` stands, given those after it.
fn rank(items: &[Item]) -> Rank {
    match (items.first(), is_early(items)) {
        (None, _) => Rank::Nothing,
        (Some(Item::Number(digits)), true) if digits.is_empty() => Rank::ZeroThenEarly,
        (Some(Item::Number(_)), _) => Rank::Number,
        (Some(Item::Word(Qualifier::Release)), true) => Rank::ReleaseThenEarly,
        (Some(Item::Word(Qualifier::Release)), false) => Rank::ReleaseThenLate,
        (Some(Item::Word(_)), true) => Rank::EarlyWord,
        (Some(Item::Word(_)), false) => Rank::LateWord,
        (Some(Item::Open), true) => Rank::EarlyList,
        (Some(Item::Open), false) => Rank::LateList,
    }
}

/// Whether `items` come before nothing at all, as `-alpha` does: the first that is not nothing decides.
fn is_early(items: &[Item]) -> bool {
    items
        .iter()
        .find(|item| **item != Item::Open && !is_nothing(item))
        .is_some_and(|item| matches!(item, Item::Word(qualifier) if *qualifier < Qualifier::Release))
}

#[cfg(test)]
mod tests {
    use crate::version::Ecosystem::Maven;
    use crate::version::order_check::tests::{check, check_refused};

    #[test]
    fn order_is_that_of_maven() {
        check(
            Maven,
            "
            1 = 1.0.0
            1 = 1-ga
            1.0.0.Final = 1
            1.0.0.RELEASE = 1.0
            1-alpha < 1-beta
            1-beta < 1-milestone
            1-milestone < 1-rc
            1-rc = 1-cr
            1-rc < 1-SNAPSHOT
            1-SNAPSHOT < 1
            1 < 1-sp
            1-sp < 1-abc
            1-abc < 1-1
            1-1 < 1.1
            1a1 = 1-alpha-1
            1.0-m3 = 1.0-milestone-3
            1.a < 1.1
            31.1-jre > 31.1-android
            31.1-jre > 31.1
            2.9.10.8 > 2.9.10
            1.0.0.X1 < 1.0.0-X2
            1.0-beta-2 < 1.0-beta-10
            1.01 = 1.1
            1.99999999999999999999 < 1.100000000000000000000
            4.1.0.Final-redhat-1 > 4.1.0.Final
            1--1 < 1-1
            5.0.0.RC-1 < 5.0.0
            2.0.0.M1 < 2.0.0.RC1
            1.x = 1-x
        ",
        );
        check_refused(Maven, &[""]);
    }

    #[test]
    fn circles_of_maven_are_cut() {
        check(
            Maven,
            "
            1.0.alpha.1 < 1
            1 < 1-sp
            1.0.alpha.1 < 1-sp
            1-alpha < 1.foo-1
            1 < 1.foo-1
        ",
        );
    }
}
