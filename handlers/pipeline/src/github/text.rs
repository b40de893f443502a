//! Texts of a delivery, each checked and bounded where it enters.

use crate::ids::{IdError, RepoName};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// A text of at most `BYTES_MAX` bytes, without control characters.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Text<const BYTES_MAX: usize>(String);

/// A branch or a reference.
pub type Branch = Text<1024>;
/// Path of a file in a repository.
pub type FilePath = Text<4096>;
/// Name of a package, or the versions of it.
pub type Name = Text<1024>;
/// One word of GitHub's vocabulary, or a login.
pub type Word = Text<100>;

impl<const BYTES_MAX: usize> Text<BYTES_MAX> {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const BYTES_MAX: usize> TryFrom<String> for Text<BYTES_MAX> {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        match text {
            text if text.len() > BYTES_MAX => Err(format!("{BYTES_MAX} bytes are allowed")),
            text if text.chars().any(char::is_control) => Err("it holds a control character".to_owned()),
            text => Ok(Self(text)),
        }
    }
}

/// `owner/name` of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct FullName(String);

impl FullName {
    /// The same name under another `owner`.
    pub fn with_owner(&self, owner: &str) -> Option<Self> {
        let (_, name) = self.0.split_once('/')?;
        format!("{owner}/{name}").try_into().ok()
    }

    /// Another `name` under the same owner.
    pub fn with_name(&self, name: &str) -> Option<Self> {
        let (owner, _) = self.0.split_once('/')?;
        format!("{owner}/{name}").try_into().ok()
    }

    /// The name that the repository has among those of all hosts.
    pub fn on(&self, host: &str) -> Result<RepoName, IdError> {
        format!("{host}/{}", self.0).parse()
    }
}

impl TryFrom<String> for FullName {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, &'static str> {
        let is_part = |part: &str| {
            !matches!(part, "" | "." | "..")
                && part.len() <= 100
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        match text.split_once('/') {
            Some((owner, name)) if is_part(owner) && is_part(name) => Ok(Self(text.to_ascii_lowercase())),
            _ => Err("it is no `owner/name`"),
        }
    }
}

/// The first `MAX` elements of a list, and how many more there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Few<T, const MAX: usize> {
    /// Those that are kept.
    pub kept: Vec<T>,
    /// How many are not.
    pub more: usize,
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for Few<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(FewVisitor(PhantomData))
    }
}

struct FewVisitor<T, const MAX: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for FewVisitor<T, MAX> {
    type Value = Few<T, MAX>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let (mut kept, mut more) = (Vec::new(), 0);
        while kept.len() < MAX {
            match list.next_element()? {
                Some(element) => kept.push(element),
                None => return Ok(Few { kept, more }),
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {
            more += 1;
        }
        Ok(Few { kept, more })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_bounded_in_bytes_and_has_no_control_characters() {
        let is_taken = |text: &str| Text::<4>::try_from(text.to_owned()).is_ok();
        assert!(is_taken("abcd") && is_taken("") && is_taken("éé"));
        assert!(!is_taken("abcde") && !is_taken("ééé") && !is_taken("a\nb"));
    }

    #[test]
    fn full_name_is_an_owner_and_a_name() {
        let name = |text: &str| FullName::try_from(text.to_owned()).ok().map(|name| name.on("github.com").unwrap());
        assert_eq!(name("Octo/Cat.js").map(String::from).as_deref(), Some("github.com/octo/cat.js"));
        for bad in ["", "octo", "octo/", "/cat", "a/b/c", "../..", "octo/..", "a b/c", "octo/c@t"] {
            assert_eq!(name(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_the_first_of_many_are_kept() {
        let few: Few<u8, 2> = serde_json::from_str("[1,2,300,\"x\"]").unwrap();
        assert_eq!((few.kept, few.more), (vec![1, 2], 2));
        assert!(serde_json::from_str::<Few<u8, 2>>("[300]").is_err());
    }
}
