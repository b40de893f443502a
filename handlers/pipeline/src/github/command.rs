//! What people ask us for in comments: `/suture approve`.

use serde::{Deserialize, Deserializer};

/// Words of a command that are read.
const WORDS_MAX: usize = 8;

/// Longest word, in characters; the rest of it is cut off.
const WORD_CHARS_MAX: usize = 64;

/// The words after `/suture`, on the first line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command(pub Vec<String>);

impl Command {
    /// The command that `body` begins with.
    pub fn read(body: &str) -> Option<Self> {
        let first_line = body.trim_start().lines().next()?;
        let mut words = first_line.split_whitespace();
        if words.next() != Some("/suture") {
            return None;
        }
        let plain = |word: &str| word.chars().filter(|letter| !letter.is_control()).take(WORD_CHARS_MAX).collect();
        Some(Self(words.take(WORDS_MAX).map(plain).collect()))
    }

    /// The same for a member that may be missing or `null`.
    pub fn of_body<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Self>, D::Error> {
        Ok(Option::<String>::deserialize(from)?.as_deref().and_then(Self::read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, expect: Option<&[&str]>) {
        let words = expect.map(|words| Command(words.iter().map(|word| (*word).to_owned()).collect()));
        assert_eq!(Command::read(body), words, "{body:?}");
    }

    #[test]
    fn command_is_the_first_line_that_begins_with_our_name() {
        check("/suture approve", Some(&["approve"]));
        check("\r\n  /suture\tignore  CVE-2000-0001\r\nbecause", Some(&["ignore", "CVE-2000-0001"]));
        check("/suture", Some(&[]));
        for other in ["", "\n", "approve /suture", "/sutures approve", "/Suture approve", "please\n/suture approve"] {
            check(other, None);
        }
    }

    #[test]
    fn words_are_bounded() {
        let long = format!("/suture {}\u{1b}[0m {}", "é".repeat(100), "a ".repeat(100));
        let Some(Command(words)) = Command::read(&long) else { panic!("no command") };
        assert_eq!((words.len(), words[0].chars().count()), (8, 64));
        check("/suture a\u{1b}[31mb", Some(&["a[31mb"]));
    }
}
