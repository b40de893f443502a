//! Names that are looked for in text: whole words of it, each byte looked at once.

use foldhash::HashMap;

/// Names, and which of them were seen.
///
/// All is compared without regard to case, so text has to come in lower case. A name is seen where neither side goes on with a letter, a
/// digit or `_`; where several begin at one place, only the longest: `lodash.merge` does not name `lodash` if it is a name itself.
#[derive(Debug, Default)]
pub(super) struct Words {
    names: Vec<String>,
    is_seen: Vec<bool>,
    index: HashMap<String, usize>,
    /// By first word, without the `@` of a scope: the names that begin with it, longest first.
    by_first: HashMap<Vec<u8>, Vec<usize>>,
    /// Whether a full stop that follows no word makes a name relative, so that it means another.
    has_relative: bool,
}

impl Words {
    /// `names` to be looked for. One that can't be written as words counts as seen.
    pub(super) fn new<'n>(names: impl IntoIterator<Item = &'n str>, has_relative: bool) -> Self {
        let mut words = Self { has_relative, ..Self::default() };
        for name in names {
            words.add(name.to_ascii_lowercase());
        }
        let names = &words.names;
        for begun in words.by_first.values_mut() {
            begun.sort_by_key(|&index| std::cmp::Reverse(names.get(index).map_or(0, String::len)));
        }
        words
    }

    fn add(&mut self, name: String) {
        if self.index.contains_key(&name) {
            return;
        }
        let (index, unscoped) = (self.names.len(), unscoped(&name).as_bytes());
        let first = word(unscoped);
        let is_searched = !first.is_empty() && unscoped.iter().all(|byte| byte.is_ascii_graphic());
        if is_searched {
            self.by_first.entry(first.to_vec()).or_default().push(index);
        }
        self.is_seen.push(!is_searched);
        self.index.insert(name.clone(), index);
        self.names.push(name);
    }

    /// Whether `name` was seen.
    pub(super) fn has(&self, name: &str) -> bool {
        let index = self.index.get(name.to_ascii_lowercase().as_str());
        index.and_then(|&index| self.is_seen.get(index)).copied().unwrap_or(false)
    }

    /// Looks for the names in `text`, which is in lower case.
    pub(super) fn look(&mut self, text: &[u8]) {
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let length = word(rest).len();
            if length == 0 {
                at += 1;
                continue;
            }
            let found = self.find(text, at);
            if let Some(seen) = found.and_then(|index| self.is_seen.get_mut(index)) {
                *seen = true;
            }
            at += found.and_then(|index| self.names.get(index)).map_or(length, |name| unscoped(name).len());
            // `"\nwebpack"`: the letter belongs to the escape before it.
            if found.is_none() && is_escape(text, at - length) {
                at = at - length + 1;
                if let Some(seen) = self.find(text, at).and_then(|index| self.is_seen.get_mut(index)) {
                    *seen = true;
                }
                at += length - 1;
            }
        }
    }

    /// The longest name at `at`, where a word begins.
    fn find(&self, text: &[u8], at: usize) -> Option<usize> {
        let rest = text.get(at..)?;
        let before = at.checked_sub(1).and_then(|before| text.get(before)).copied();
        if self.has_relative && before == Some(b'.') && !at.checked_sub(2).is_some_and(|at| is_of_word(text[at])) {
            return None;
        }
        self.by_first.get(word(rest))?.iter().copied().find(|&index| {
            let Some(name) = self.names.get(index) else { return false };
            let searched = unscoped(name);
            rest.strip_prefix(searched.as_bytes()).is_some_and(|after| word(after).is_empty())
                && (searched.len() == name.len() || before == Some(b'@'))
        })
    }
}

/// A name without the `@` of its scope.
fn unscoped(name: &str) -> &str {
    name.strip_prefix('@').unwrap_or(name)
}

/// The word that `text` begins with; empty where it begins with none.
fn word(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| !is_of_word(*byte)).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether the letter at `at` makes an escape of the backslash before it.
fn is_escape(text: &[u8], at: usize) -> bool {
    let is_letter = text.get(at).is_some_and(|letter| b"bfnrtv".contains(letter));
    is_letter && at.checked_sub(1).and_then(|before| text.get(before)) == Some(&b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(names: &[&str], text: &str, expect: &[&str]) {
        let mut words = Words::new(names.iter().copied(), false);
        words.look(text.to_ascii_lowercase().as_bytes());
        let seen: Vec<_> = names.iter().copied().filter(|name| words.has(name)).collect();
        assert_eq!(seen, expect, "{text}");
    }

    #[test]
    fn names_are_whole_words() {
        check(&["lodash"], "require('lodash')", &["lodash"]);
        check(&["lodash"], "require('lodash/fp')", &["lodash"]);
        check(&["lodash"], "lodash", &["lodash"]);
        check(&["lodash", "lo", "dash"], "lodashes xlodash lodash_x lodash2", &[]);
        check(&["ejs"], "render('index.ejs')", &["ejs"]);
        check(&["JSONStream"], "jsonstream", &["JSONStream"]);
        check(&["ms"], "ünüms", &["ms"]);
    }

    #[test]
    fn longest_name_counts() {
        check(&["lodash", "lodash.merge", "merge"], "'lodash.merge'", &["lodash.merge"]);
        check(&["lodash", "lodash.merge", "merge"], "'lodash.merge/x' lodash", &["lodash", "lodash.merge"]);
        check(&["lodash"], "'lodash.merge'", &["lodash"]);
        check(&["react", "react-dom"], "react-dom", &["react-dom"]);
        check(&["react", "react-dom"], "react-domino", &["react"]);
    }

    #[test]
    fn scope_is_part_of_a_name() {
        check(&["@babel/core", "core", "babel"], "'@babel/core/lib'", &["@babel/core"]);
        check(&["@babel/core", "core"], "babel/core", &["core"]);
        check(&["@a/b", "b"], "'@c/b'", &["b"]);
    }

    #[test]
    fn letter_of_an_escape_is_no_part_of_a_word() {
        check(&["webpack"], r#""\nwebpack""#, &["webpack"]);
        check(&["nodemon", "odemon"], r"bin\nodemon", &["nodemon"]);
    }

    #[test]
    fn what_can_t_be_looked_for_counts_as_seen() {
        check(&["", "-x", "ü", "a b"], "", &["", "-x", "ü", "a b"]);
    }

    #[test]
    fn relative_name_means_another() {
        let mut words = Words::new(["yaml", "os", "re"], true);
        words.look(b"from .yaml import x; from ..yaml; a.os; .re (re)");
        assert!(!words.has("yaml") && words.has("os") && words.has("re"));
    }

    proptest! {
        #[test]
        fn name_between_quotes_is_always_seen(name in "(@[a-z0-9]{1,4}/)?[a-z0-9][a-z0-9._~-]{0,8}", text in "[a-z.@/'\\-\\\\ ]{0,40}") {
            let mut words = Words::new([name.as_str(), "a", "b-c"], false);
            words.look(text.as_bytes());
            words.look(format!("'{name}'").as_bytes());
            prop_assert!(words.has(&name));
        }
    }
}
