//! The order in which npm writes names: `localeCompare` of `en`, and of the members of one object.

use std::cmp::Ordering;

/// Characters in the order of the root collation. What is not here comes after, by code point.
const COLLATION: &str = "_-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789abcdefghijklmnopqrstuvwxyz";

/// Members that npm puts first, in this order.
const FIRST: [&str; 8] =
    ["name", "version", "lockfileVersion", "resolved", "integrity", "requires", "packages", "dependencies"];

/// How `localeCompare('en')` orders two names: letters first without case, then lower case before upper.
pub(super) fn names(a: &str, b: &str) -> Ordering {
    let weight = |c: char| {
        let lower = c.to_ascii_lowercase();
        COLLATION.chars().position(|known| known == lower).unwrap_or(COLLATION.len() + c as usize)
    };
    let case = |c: char| c.is_ascii_uppercase();
    a.chars().map(weight).cmp(b.chars().map(weight)).then_with(|| a.chars().map(case).cmp(b.chars().map(case)))
}

/// How npm orders members of an object: what is no object first, then the members that it likes first, then by name.
pub(super) fn members((a, a_is_object): (&str, bool), (b, b_is_object): (&str, bool)) -> Ordering {
    let rank = |name: &str| FIRST.iter().position(|known| *known == name).unwrap_or(FIRST.len());
    a_is_object.cmp(&b_is_object).then_with(|| rank(a).cmp(&rank(b))).then_with(|| names(a, b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_stand_where_npm_puts_them() {
        let sorted = [
            "",
            "node_modules/@x/y",
            "node_modules/a",
            "node_modules/A",
            "node_modules/a_b",
            "node_modules/a-b",
            "node_modules/a.b",
            "node_modules/a/node_modules/x",
            "node_modules/ab",
        ];
        assert!(sorted.is_sorted_by(|a, b| names(a, b).is_lt()));
    }

    #[test]
    fn members_stand_where_npm_puts_them() {
        let sorted = [
            ("version", false),
            ("resolved", false),
            ("integrity", false),
            ("cpu", false),
            ("dev", false),
            ("license", false),
        ];
        assert!(sorted.is_sorted_by(|a, b| members(*a, *b).is_lt()));
        let sorted = [("peer", false), ("dependencies", true), ("bin", true), ("engines", true)];
        assert!(sorted.is_sorted_by(|a, b| members(*a, *b).is_lt()));
    }
}
