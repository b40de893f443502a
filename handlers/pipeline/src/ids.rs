//! Names that are types: each is checked once, where it enters.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// A text that is not the id it was taken for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {kind}: {reason}")]
pub struct IdError {
    kind: &'static str,
    text: String,
    reason: &'static str,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The id as it is written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let check: fn(&str) -> Result<String, &'static str> = $check;
                match check(text) {
                    Ok(id) => Ok(Self(id)),
                    Err(reason) => Err(IdError { kind: $kind, text: text.chars().take(120).collect(), reason }),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// A repository: `owner/name` or `host/owner/name` lower-cased, or the absolute path of a local one.
    RepoName,
    "repository name",
    |text| {
        if text.is_empty() || text.len() > 4096 {
            return Err("1 to 4096 bytes are allowed");
        }
        if text.chars().any(char::is_control) {
            return Err("it holds a control character");
        }
        Ok(if text.starts_with('/') { text.to_owned() } else { text.to_lowercase() })
    }
);

text_id!(
    /// A git commit: 40 (SHA-1) or 64 (SHA-256) lower-case hex digits.
    CommitSha,
    "commit",
    |text| {
        if !matches!(text.len(), 40 | 64) {
            return Err("40 or 64 hex digits are needed");
        }
        if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err("it holds something else than hex digits");
        }
        Ok(text.to_ascii_lowercase())
    }
);

text_id!(
    /// One wound on one base branch: repository + base branch + what one fix changes.
    ///
    /// It is also the last part of the branch name `suture/<case>`.
    CaseId,
    "case",
    |text| {
        if text.is_empty() || text.len() > 64 {
            return Err("1 to 64 characters are allowed");
        }
        if !text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-') {
            return Err("only a-z, 0-9 and - are allowed");
        }
        Ok(text.to_owned())
    }
);

text_id!(
    /// Identity of a finding that survives moves and renames: a hash of rule, normalised context and ordinal.
    Fingerprint,
    "fingerprint",
    |text| {
        if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err("32 hex digits are needed");
        }
        Ok(text.to_ascii_lowercase())
    }
);

impl RepoName {
    /// Whose it is: everything before the last `/`.
    pub fn owner(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(owner, _)| owner)
    }
}

impl CaseId {
    /// The case of what one fix changes (`wound`: a lockfile, a rule in a file, a secret) in `kind` of trouble.
    pub fn of(repository: &RepoName, base_branch: &str, kind: &str, wound: &str) -> Self {
        let hash = hash_of(&[repository.as_str(), base_branch, kind, wound]);
        Self(format!("{kind}-{}", &hash[..12]))
    }

    /// The branch that carries the fix of this case.
    pub fn branch(&self) -> String {
        format!("suture/{}", self.0)
    }
}

impl Fingerprint {
    /// The fingerprint of the `ordinal`-th finding of `rule` in the same normalised `context`.
    pub fn of(rule: &str, context: &str, ordinal: usize) -> Self {
        Self(hash_of(&[rule, context, &ordinal.to_string()])[..32].to_owned())
    }
}

impl CommitSha {
    /// The first ten digits, for people.
    pub fn short(&self) -> &str {
        &self.0[..10]
    }
}

/// SHA-256 in hex over `parts`, each preceded by its length so that no two lists collide by concatenation.
pub fn hash_of(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repository_names_are_lower_cased_and_paths_kept() {
        assert_eq!("Octo/Cat".parse::<RepoName>().map(String::from), Ok("octo/cat".to_owned()));
        assert_eq!("github.example/Octo/Cat".parse::<RepoName>().unwrap().owner(), "github.example/octo");
        assert_eq!("/srv/Repo".parse::<RepoName>().map(String::from), Ok("/srv/Repo".to_owned()));
    }

    #[test]
    fn joined_parts_do_not_collide() {
        assert_ne!(hash_of(&["ab", "c"]), hash_of(&["a", "bc"]));
    }

    #[test]
    fn case_names_its_branch() -> Result<(), IdError> {
        let case = CaseId::of(&"octo/cat".parse()?, "main", "npm", "package-lock.json");
        assert!(case.branch().starts_with("suture/npm-"));
        assert_eq!(case.as_str().parse::<CaseId>()?, case);
        Ok(())
    }
}
