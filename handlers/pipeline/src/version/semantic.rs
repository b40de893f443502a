//! Semantic Versioning's order, which npm and Go share.

use super::digits::{compare_numbers, is_number};
use std::cmp::Ordering;

/// Three numbers and a pre-release. Build metadata has no part in the order and is not kept.
#[derive(Debug, Clone)]
pub(super) struct Semantic {
    pub(super) numbers: [u64; 3],
    /// Identifiers with dots between them; empty for a release.
    pub(super) prerelease: String,
}

impl Semantic {
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| compare_prereleases(&self.prerelease, &other.prerelease))
    }
}

/// Whether `text` is identifiers of letters, digits and hyphens with dots between them, none empty.
pub(super) fn are_identifiers(text: &str) -> bool {
    text.split('.')
        .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
}

/// A release comes after its pre-releases; those go identifier by identifier, and the shorter of two alike is less.
fn compare_prereleases(a: &str, b: &str) -> Ordering {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => {
            let (mut left, mut right) = (a.split('.'), b.split('.'));
            loop {
                let order = match (left.next(), right.next()) {
                    (None, None) => return Ordering::Equal,
                    (None, Some(_)) => Ordering::Less,
                    (Some(_), None) => Ordering::Greater,
                    (Some(a), Some(b)) => compare_identifiers(a, b),
                };
                if order.is_ne() {
                    return order;
                }
            }
        }
    }
}

/// Numbers by value and below words; words by their bytes.
fn compare_identifiers(a: &str, b: &str) -> Ordering {
    match (is_number(a), is_number(b)) {
        (true, true) => compare_numbers(a, b),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => a.cmp(b),
    }
}
