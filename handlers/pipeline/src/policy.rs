//! Healing policies: what may be healed, how sure one has to be, and by which actions.

use crate::finding::Severity;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_saphyr::{MessageFormatter, UserMessageFormatter};

/// A policy file over this size is refused.
const POLICY_BYTES_MAX: usize = 256 * 1024;

/// The policies that are built in.
pub const DEFAULT_POLICIES: &str = include_str!("../policies/default.yml");

/// A policy whose threshold is under this may only propose.
pub const HEALING_THRESHOLD_MIN: f64 = 0.8;

/// Days that a release has to be out before it may be chosen, where no policy says otherwise.
pub const MINIMUM_RELEASE_AGE_DAYS: u32 = 3;

/// Action types that a policy may name. Those without a strategy load, and escalate when they are reached.
pub const ACTION_TYPES: [&str; 9] = [
    "apply_parameterized_query",
    "apply_policy",
    "create_fix_pr",
    "create_pr",
    "notify_security_team",
    "rotate_secret",
    "update_dependency",
    "update_deployment",
    "update_references",
];

/// Conditions that a policy may name.
pub const CONDITIONS: [&str; 6] =
    ["fix_available", "known_fix", "no_breaking_changes", "patch_available", "policy_exists", "test_environment"];

/// One policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Name, for people.
    pub name: String,
    /// Kind of trouble that it rules: `vulnerability.dependency`.
    pub event_type: String,
    /// Severities that may be healed without asking. All others are proposed.
    pub auto_heal_severities: Vec<Severity>,
    /// The least confidence, 0 to 1, at which a fix is healed instead of proposed.
    #[serde(deserialize_with = "share")]
    pub confidence_threshold: f64,
    /// Actions, in order. Each whose conditions hold is run.
    pub actions: Vec<Action>,
    /// Whether a fix that turns out wrong is taken back.
    #[serde(default)]
    pub rollback_enabled: bool,
    /// Whether the repository's own tests have to pass first.
    #[serde(default)]
    pub test_required: bool,
}

/// One action of a policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// One of [`ACTION_TYPES`].
    #[serde(rename = "type", deserialize_with = "action_type")]
    pub action_type: String,
    /// Of [`CONDITIONS`]; all have to hold.
    #[serde(default, deserialize_with = "conditions")]
    pub conditions: Vec<String>,
    /// Ahead of budget and schedule.
    #[serde(default)]
    pub immediate: bool,
    /// `code_review`: our own review of the diff.
    #[serde(default, deserialize_with = "validation")]
    pub validation: Option<String>,
    /// Whether somebody has to approve it.
    #[serde(default)]
    pub require_approval: bool,
    /// `update_dependency` in npm: whether an `overrides` entry may be written where nothing else heals.
    #[serde(default)]
    pub allow_overrides: bool,
    /// `update_dependency`: days that a release has to be out before it may be chosen.
    #[serde(default)]
    pub minimum_release_age_days: Option<u32>,
}

/// A policy file that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}: {message}", place.map_or_else(String::new, |(line, column)| format!(":{line}:{column}")))]
pub struct PolicyError {
    /// Which file.
    pub file: String,
    /// Line and column, from 1.
    pub place: Option<(u64, u64)>,
    /// What is wrong in it, and what would be right.
    pub message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyList {
    policies: Vec<Policy>,
}

/// Reads the policies of `text`: a document with a list `policies`, or a single policy. `file` names it in errors.
pub fn parse(file: &str, text: &str) -> Result<Vec<Policy>, PolicyError> {
    if text.len() > POLICY_BYTES_MAX {
        let message = format!("{} bytes; a policy file may have {POLICY_BYTES_MAX}", text.len());
        return Err(PolicyError { file: file.to_owned(), place: None, message });
    }
    // Which of the two forms is meant shows in the text.
    let is_list = text.lines().any(|line| line.starts_with("policies"));
    let parsed = match is_list {
        true => serde_saphyr::from_str::<PolicyList>(text).map(|list| list.policies),
        false => serde_saphyr::from_str::<Policy>(text).map(|policy| vec![policy]),
    };
    parsed.map_err(|error| PolicyError {
        file: file.to_owned(),
        place: error.location().map(|place| (place.line(), place.column())),
        message: UserMessageFormatter.format_message(error.without_snippet()).into_owned(),
    })
}

fn share<'de, D: Deserializer<'de>>(value: D) -> Result<f64, D::Error> {
    let share = f64::deserialize(value)?;
    let is_share = (0.0..=1.0).contains(&share);
    is_share
        .then_some(share)
        .ok_or_else(|| D::Error::custom(format!("confidence_threshold is {share}, but has to be from 0 to 1")))
}

fn one_of<E: Error>(word: String, what: &str, words: &[&str]) -> Result<String, E> {
    if words.contains(&word.as_str()) {
        return Ok(word);
    }
    Err(E::custom(format!("`{word}` is not {what}; use one of {}", words.join(", "))))
}

fn action_type<'de, D: Deserializer<'de>>(value: D) -> Result<String, D::Error> {
    one_of(String::deserialize(value)?, "an action type", &ACTION_TYPES)
}

fn conditions<'de, D: Deserializer<'de>>(value: D) -> Result<Vec<String>, D::Error> {
    Vec::<String>::deserialize(value)?.into_iter().map(|word| one_of(word, "a condition", &CONDITIONS)).collect()
}

fn validation<'de, D: Deserializer<'de>>(value: D) -> Result<Option<String>, D::Error> {
    Option::<String>::deserialize(value)?.map(|word| one_of(word, "a validation", &["code_review"])).transpose()
}

impl Policy {
    /// Whether findings of `severity` may be healed without asking. An unknown severity never may.
    pub fn may_heal(&self, severity: Severity) -> bool {
        severity != Severity::Unknown && self.auto_heal_severities.contains(&severity)
    }

    /// The action of type `action_type`, where the policy has it.
    pub fn action(&self, action_type: &str) -> Option<&Action> {
        self.actions.iter().find(|action| action.action_type == action_type)
    }
}

impl Action {
    /// Whether `condition` has to hold.
    pub fn requires(&self, condition: &str) -> bool {
        self.conditions.iter().any(|named| named == condition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_policies_load() {
        let policies = parse("default.yml", DEFAULT_POLICIES).unwrap();
        assert_eq!(policies[0].event_type, "vulnerability.dependency");
        assert!(policies[0].may_heal(Severity::Medium));
        assert!(!policies[0].may_heal(Severity::High));
    }

    #[test]
    fn unknown_severity_is_never_healed_unasked() {
        let mut policy = parse("default.yml", DEFAULT_POLICIES).unwrap().remove(0);
        policy.auto_heal_severities.push(Severity::Unknown);
        assert!(!policy.may_heal(Severity::Unknown));
    }

    #[test]
    fn single_document_policy_loads() {
        let text = "name: a\nevent_type: vulnerability.sql_injection\nauto_heal_severities: [high]\nconfidence_threshold: 0.95\nactions:\n  - type: apply_parameterized_query\n    validation: code_review\n  - type: create_fix_pr\n    require_approval: false\nrollback_enabled: true\ntest_required: true\n";
        assert!(parse("p.yml", text).unwrap()[0].test_required);
    }

    fn refused(from: &str, to: &str, because: &str) {
        let text = DEFAULT_POLICIES.replace(from, to);
        let error = parse("p.yml", &text).unwrap_err().to_string();
        assert!(error.contains(because), "{error}");
    }

    #[test]
    fn errors_name_what_is_wrong_and_where() {
        refused("update_dependency", "updat_dependency", "p.yml:8:15: ");
        refused("update_dependency", "updat_dependency", "`updat_dependency` is not an action type");
        refused("patch_available", "patch_there", "`patch_there` is not a condition");
        refused("0.9", "1.5", "from 0 to 1");
        refused("rollback_enabled", "rolback_enabled", "rolback_enabled");
        refused("\"low\"", "\"lo\"", "lo");
    }
}
