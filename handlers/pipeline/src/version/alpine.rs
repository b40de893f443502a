//! Alpine: the order of apk 3: `1.2.3a_alpha1_p2~c0ffee-r3`.
//!
//! One thing more is read than apk 3 does: a number right after the letter (`3.3.3p1-r2`), which apk 2 took and
//! packages in its repositories have.

use super::digits::{compare_numbers, is_number, split_digits, split_while};
use std::cmp::Ordering;

#[derive(Debug, Clone)]
pub(super) struct AlpineVersion {
    tokens: Vec<Token>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// The first number.
    Initial(String),
    /// A further number. One with a leading zero is like digits after a decimal point.
    Digits(String),
    Letter(char),
    Suffix(Suffix),
    SuffixNumber(String),
    Commit(String),
    Revision(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Suffix {
    Alpha,
    Beta,
    Pre,
    Rc,
    Cvs,
    Svn,
    Git,
    Hg,
    P,
}

/// Where a version that ends stands among those that go on: after pre-release suffixes, before all else.
const END_RANK: u8 = 1;

impl Token {
    /// What stands first of two different kinds of token after the same beginning.
    fn rank(&self) -> u8 {
        match self {
            Self::Suffix(suffix) if *suffix < Suffix::Cvs => 0,
            Self::Revision(_) => 2,
            Self::Commit(_) => 3,
            Self::SuffixNumber(_) => 4,
            Self::Suffix(_) => 5,
            Self::Letter(_) => 6,
            Self::Digits(_) => 7,
            Self::Initial(_) => 8,
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Digits(a), Self::Digits(b)) if a.starts_with('0') || b.starts_with('0') => a.cmp(b),
            (Self::Initial(a), Self::Initial(b))
            | (Self::Digits(a), Self::Digits(b))
            | (Self::SuffixNumber(a), Self::SuffixNumber(b))
            | (Self::Revision(a), Self::Revision(b)) => compare_numbers(a, b),
            (Self::Letter(a), Self::Letter(b)) => a.cmp(b),
            (Self::Suffix(a), Self::Suffix(b)) => a.cmp(b),
            (Self::Commit(a), Self::Commit(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

pub(super) fn parse(text: &str) -> Option<AlpineVersion> {
    let text = text.trim();
    let (first, mut rest) = split_digits(text);
    let mut tokens = vec![Token::Initial(numbered(first)?)];
    while let Some(kind) = rest.chars().next() {
        let after = rest.get(kind.len_utf8()..)?;
        let last = tokens.last()?;
        let token = match kind {
            '.' if matches!(last, Token::Initial(_) | Token::Digits(_)) => {
                let (digits, after) = split_digits(after);
                rest = after;
                Token::Digits(numbered(digits)?)
            }
            '0'..='9' if matches!(last, Token::Letter(_)) => {
                let (digits, after) = split_digits(rest);
                rest = after;
                Token::Digits(digits.to_owned())
            }
            '0'..='9' if matches!(last, Token::Suffix(_)) => {
                let (digits, after) = split_digits(rest);
                rest = after;
                Token::SuffixNumber(digits.to_owned())
            }
            'a'..='z' if matches!(last, Token::Initial(_) | Token::Digits(_)) => {
                rest = after;
                Token::Letter(kind)
            }
            '_' if !matches!(last, Token::Commit(_) | Token::Revision(_)) => {
                let (name, after) = split_while(after, |c| c.is_ascii_lowercase());
                rest = after;
                Token::Suffix(suffix(name)?)
            }
            '~' if !matches!(last, Token::Commit(_) | Token::Revision(_)) => {
                let (hash, after) = split_while(after, |c| matches!(c, '0'..='9' | 'a'..='f'));
                rest = after;
                Token::Commit(Some(hash).filter(|hash| !hash.is_empty())?.to_owned())
            }
            '-' if !matches!(last, Token::Revision(_)) => {
                let (digits, after) = split_digits(after.strip_prefix('r')?);
                rest = after;
                Token::Revision(numbered(digits)?)
            }
            _ => return None,
        };
        tokens.push(token);
    }
    Some(AlpineVersion { tokens })
}

fn numbered(digits: &str) -> Option<String> {
    is_number(digits).then(|| digits.to_owned())
}

fn suffix(name: &str) -> Option<Suffix> {
    Some(match name {
        "alpha" => Suffix::Alpha,
        "beta" => Suffix::Beta,
        "pre" => Suffix::Pre,
        "rc" => Suffix::Rc,
        "cvs" => Suffix::Cvs,
        "svn" => Suffix::Svn,
        "git" => Suffix::Git,
        "hg" => Suffix::Hg,
        "p" => Suffix::P,
        _ => return None,
    })
}

impl AlpineVersion {
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let (mut left, mut right) = (self.tokens.iter(), other.tokens.iter());
        loop {
            let order = match (left.next(), right.next()) {
                (None, None) => return Ordering::Equal,
                (Some(token), None) => token.rank().cmp(&END_RANK),
                (None, Some(token)) => END_RANK.cmp(&token.rank()),
                (Some(a), Some(b)) => a.compare(b),
            };
            if order.is_ne() {
                return order;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::version::Ecosystem::Alpine;
    use crate::version::order_check::tests::{check, check_refused};

    #[test]
    fn order_is_that_of_apk() {
        check(
            Alpine,
            "
            1.2.3 < 1.2.3a
            1.2.3a < 1.2.3b
            1.2.3a < 1.2.3.1
            1.2_alpha < 1.2_alpha1
            1.2_alpha2 < 1.2_beta1
            1.2_beta < 1.2_pre
            1.2_pre < 1.2_rc1
            1.2_rc1 < 1.2
            1.2 < 1.2_cvs
            1.2_cvs < 1.2_svn
            1.2_svn < 1.2_git
            1.2_git < 1.2_hg
            1.2_hg < 1.2_p1
            1.2_p1 < 1.2.0
            1.2-r1 < 1.2-r10
            1.2 < 1.2-r0
            1.2-r9 < 1.2_p1-r0
            1.2_git20200101 < 1.2_git20200102
            1.2_rc1_p1 > 1.2_rc1
            1.2~abc < 1.2_p1
            1.2~abc > 1.2-r5
            1.9 < 1.10
            3.3.3p1-r2 < 3.3.3p1-r3
            3.3.3p1-r3 < 3.3.3p2-r0
        ",
        );
    }

    #[test]
    fn number_with_a_leading_zero_is_a_fraction() {
        check(
            Alpine,
            "
            1.01 < 1.1
            1.010 < 1.02
            1.09 < 1.1
            1.0 < 1.00
            01 = 1
        ",
        );
    }

    #[test]
    fn other_texts_are_refused() {
        check_refused(
            Alpine,
            &[
                "",
                "a",
                ".1",
                "1.",
                "1..2",
                "1_",
                "1_foo",
                "1-1",
                "1-r",
                "1-r1-r2",
                "1~",
                "1~xyz",
                "1ab",
                "1A",
                "1.2-r1_p1",
                "1:2",
            ],
        );
    }
}
