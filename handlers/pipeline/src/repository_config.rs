//! `.suture.yml`: what a repository says to Suture.

use crate::finding::ScanError;
use crate::policy::Policy;
use crate::policy::layers::{RepositoryMode, Tightening};
use crate::suppress::ignore::{Ignore, RawIgnore};
use serde::Deserialize;
use serde_saphyr::{Location, MessageFormatter, Spanned, UserMessageFormatter};

/// Where it stands, from the root of the tree. Read from the base branch only.
pub const PATH: &str = ".suture.yml";

/// Size of the file. Over it, the file is an error.
pub const FILE_BYTES_MAX: usize = 256 * 1024;
/// Nesting of lists and mappings. Over it, the file is an error.
const DEPTH_MAX: usize = 16;
/// Values in the file, those that aliases repeat included. Over it, the file is an error.
const NODES_MAX: usize = 50_000;
/// Aliases (`*name`) in the file. Over it, the file is an error.
const ALIASES_MAX: usize = 256;

/// The settings of one repository.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RepositoryConfig {
    /// What is not to be reported.
    pub ignore: Vec<Ignore>,
    /// How old a release has to be before it is taken for a fix, in days.
    pub minimum_release_age_days: Option<u32>,
    /// How the check run on a pull request that brings in findings ends.
    pub pull_request_check: CheckConclusion,
    /// How far any decision may go here.
    pub mode: RepositoryMode,
    /// What is asked for beyond the policies.
    pub policies: Vec<Tightening>,
}

/// How a check run ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckConclusion {
    /// It says what it saw, and stands in nobody's way.
    #[default]
    Neutral,
    /// It fails.
    Failure,
}

/// What is wrong with the file, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}{}: {message}", position(.line, .column))]
pub struct ConfigError {
    /// Path from the root of the tree.
    pub path: String,
    /// Line, from 1.
    pub line: Option<u32>,
    /// Column in characters, from 1.
    pub column: Option<u32>,
    /// What is wrong, and what to do.
    pub message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    ignore: Option<Vec<Spanned<RawIgnore>>>,
    minimum_release_age_days: Option<u32>,
    pull_request_check: Option<CheckConclusion>,
    mode: Option<RepositoryMode>,
    policies: Option<Vec<Tightening>>,
}

impl RepositoryConfig {
    /// Reads the file that stands at `path`. An empty file says nothing, which is fine.
    ///
    /// An unknown key, an entry without a reason, a date that is none: each is an error, for a setting that is passed
    /// over in silence would be taken for one that holds.
    pub fn parse(path: &str, text: &str) -> Result<Self, ConfigError> {
        let error = |at: Option<Location>, message: String| ConfigError {
            path: path.to_owned(),
            line: at.and_then(|at| u32::try_from(at.line()).ok()),
            column: at.and_then(|at| u32::try_from(at.column()).ok()),
            message,
        };
        if text.len() > FILE_BYTES_MAX {
            return Err(error(None, format!("it has {} bytes; {FILE_BYTES_MAX} are allowed", text.len())));
        }
        let raw: Option<Raw> = serde_saphyr::from_str_with_options(text, options())
            .map_err(|cause| error(cause.location(), message_of(&cause)))?;
        let Some(raw) = raw else { return Ok(Self::default()) };
        let mut config = Self {
            ignore: Vec::new(),
            minimum_release_age_days: raw.minimum_release_age_days,
            pull_request_check: raw.pull_request_check.unwrap_or_default(),
            mode: raw.mode.unwrap_or_default(),
            policies: raw.policies.unwrap_or_default(),
        };
        for entry in raw.ignore.unwrap_or_default() {
            let ignore = Ignore::from_raw(path, entry).map_err(|(at, message)| error(Some(at), message))?;
            config.ignore.push(ignore);
        }
        Ok(config)
    }
}

impl RepositoryConfig {
    /// `policy`, as strict as the repository asks for.
    pub fn tightened(&self, policy: &Policy) -> Policy {
        self.policies.iter().fold(policy.clone(), |policy, tightening| tightening.apply(policy))
    }
}

impl From<ConfigError> for ScanError {
    fn from(error: ConfigError) -> Self {
        Self { path: error.path, line: error.line, message: error.message }
    }
}

pub(crate) fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_depth: DEPTH_MAX,
            flow_nesting_limit: DEPTH_MAX,
            max_nodes: NODES_MAX,
            max_events: 4 * NODES_MAX,
            max_aliases: ALIASES_MAX,
            max_anchors: ALIASES_MAX,
            max_recorded_anchor_events: NODES_MAX,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: NODES_MAX,
            max_replay_stack_depth: DEPTH_MAX,
        },
    }
}

/// The message without its place, in words for those who write the file rather than for those who write programs.
pub(crate) fn message_of(error: &serde_saphyr::Error) -> String {
    let message = UserMessageFormatter.format_message(error.without_snippet());
    match message.as_ref() {
        "expected sequence start" => "a list is needed here".to_owned(),
        "expected mapping start" => "a mapping (`key: value`) is needed here".to_owned(),
        "invalid floating point" => "a number is needed here".to_owned(),
        "unexpected end of file" => "there is nothing in it".to_owned(),
        "invalid u32" => format!("a whole number from 0 to {} is needed here", u32::MAX),
        other => other.to_owned(),
    }
}

fn position(line: &Option<u32>, column: &Option<u32>) -> String {
    [line, column].into_iter().flatten().map(|number| format!(":{number}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What is said of each text, a line each.
    fn errors(texts: &[&str]) -> String {
        let said =
            |text: &&str| RepositoryConfig::parse(PATH, text).map_or_else(|error| error.to_string(), |_| "fine".into());
        texts.iter().map(said).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_file_that_says_nothing_is_the_default() {
        for text in ["", "\n", "# nothing\n", "---\n", "{}", "ignore:\n", "ignore: []\n"] {
            assert_eq!(RepositoryConfig::parse(PATH, text), Ok(RepositoryConfig::default()), "{text}");
        }
    }

    #[test]
    fn settings_are_read() {
        let text = "minimum_release_age_days: 7\nignore:\n  - id: CVE-2020-1\n    reason: not reachable\n";
        let config = RepositoryConfig::parse(PATH, text).unwrap();
        assert_eq!(config.minimum_release_age_days, Some(7));
        assert_eq!(config.ignore.len(), 1);
    }

    #[test]
    fn unknown_keys_are_errors_that_name_the_known_ones() {
        let texts = [
            "ignores: []\n",
            "ignore:\n  - id: CVE-1\n    raison: x\n",
            "minimum_release_age_days: -1\n",
            "minimum_release_age_days: soon\n",
            "pull_request_check: loud\n",
            "ignore: 3\n",
            "ignore: []\nignore: []\n",
            "- a\n",
            "a: [\n",
            "--- {}\n--- {}\n",
        ];
        insta::assert_snapshot!(errors(&texts), @"
    .suture.yml:1:1: unknown field `ignores`, expected one of ignore, minimum_release_age_days, pull_request_check, mode, policies
    .suture.yml:3:5: unknown field `raison`, expected one of id, fingerprint, package, path, reason, expires
    .suture.yml:1:27: a whole number from 0 to 4294967295 is needed here
    .suture.yml:1:27: a whole number from 0 to 4294967295 is needed here
    .suture.yml:1:21: unknown variant `loud`, expected one of neutral, failure
    .suture.yml:1:9: a list is needed here
    .suture.yml:2:1: duplicate mapping key `ignore` is not allowed here
    .suture.yml:1:1: a mapping (`key: value`) is needed here
    .suture.yml:1:1: unknown field `a`, expected one of ignore, minimum_release_age_days, pull_request_check, mode, policies
    .suture.yml:2:5: only single YAML document expected but multiple found
    ");
    }

    #[test]
    fn entries_of_ignore_are_checked() {
        let texts = [
            "ignore:\n  - id: CVE-1\n",
            "ignore:\n  - id: CVE-1\n    reason: ' '\n",
            "ignore:\n  - reason: why\n",
            "ignore:\n  - {id: CVE-1, fingerprint: 0123456789abcdef0123456789abcdef, reason: why}\n",
            "ignore:\n  - {fingerprint: 0123, reason: why}\n",
            "ignore:\n  - {id: CVE-1, reason: why, expires: 2026-02-30}\n",
            "ignore:\n  - {id: CVE-1, reason: why, expires: next week}\n",
            "ignore:\n  - {id: CVE-1, reason: why, path: 'a[b'}\n",
            "ignore:\n  - {id: '', reason: why}\n",
        ];
        insta::assert_snapshot!(errors(&texts), @"
    .suture.yml:2:5: an entry of `ignore` needs a `reason`: say why it is safe
    .suture.yml:3:13: an entry of `ignore` needs a `reason`: say why it is safe
    .suture.yml:2:5: an entry of `ignore` needs an `id` or a `fingerprint`, and not both
    .suture.yml:2:5: an entry of `ignore` needs an `id` or a `fingerprint`, and not both
    .suture.yml:2:19: `0123` is not a fingerprint: 32 hex digits are needed
    .suture.yml:2:39: `2026-02-30` is not a date: write it as 2026-12-31
    .suture.yml:2:39: `next week` is not a date: write it as 2026-12-31
    .suture.yml:2:36: `path` is no glob: unclosed character class; missing ']'
    .suture.yml:2:10: `id` is empty: name an advisory or a rule
    ");
    }

    #[test]
    fn digits_stay_text() {
        for digits in ["01234567890123456789012345678901", "1234567890123456789012345678e123"] {
            let text = format!("ignore:\n  - fingerprint: {digits}\n    reason: 12\n    expires: 2026-12-31\n");
            let config = RepositoryConfig::parse(PATH, &text).unwrap();
            assert_eq!(config.ignore[0].reason, "12");
            assert_eq!(config.ignore[0].target.to_string(), digits);
        }
    }

    #[test]
    fn bombs_are_refused() {
        let deep = format!("ignore: {}", "[".repeat(10_000));
        let mut laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for level in 1..10 {
            let before = format!("*a{}", level - 1);
            laughs.push_str(&format!("a{level}: &a{level} [{}]\n", vec![before; 10].join(",")));
        }
        let long = format!("ignore: [{}]", "{id: a, reason: b},".repeat(NODES_MAX / 4));
        let large = "#".repeat(FILE_BYTES_MAX + 1);
        let replayed = format!("ignore:\n- &e {{id: a, reason: b}}\n{}", "- *e\n".repeat(ALIASES_MAX + 1));
        insta::assert_snapshot!(errors(&[&deep, &laughs, &replayed, &long, &large]), @"
    .suture.yml:1:25: recursion limit exceeded
    .suture.yml:1:1: unknown field `a0`, expected one of ignore, minimum_release_age_days, pull_request_check, mode, policies
    .suture.yml:259:3: YAML document too large or too complex: limits breached: Aliases { aliases: 257 }
    .suture.yml:1:189996: YAML document too large or too complex: limits breached: Nodes { nodes: 50001 }
    .suture.yml: it has 262145 bytes; 262144 are allowed
    ");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(\\PC|\n)*", yaml in "(ignore:|- |id: |reason: |expires: |&a |\\*a |<<: |\\[|\\{|\\}|x|\n|\n  ){0,40}") {
            let _ = RepositoryConfig::parse(PATH, &text);
            let _ = RepositoryConfig::parse(PATH, &yaml);
        }
    }
}
