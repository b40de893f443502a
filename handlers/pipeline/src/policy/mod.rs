//! Healing policies: what may be healed, how sure one has to be, and by which actions.

mod consistency;
pub mod freeze;
pub mod layers;
pub mod limits;
pub mod vocabulary;
pub mod when;
pub mod zone;

use crate::finding::Severity;
use crate::repository_config::{self, message_of};
use consistency::Placed;
use freeze::Freeze;
use limits::Limits;
use schemars::JsonSchema;
use serde::de::{Error, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use vocabulary::{ActionType, Condition, Role};
use when::When;

/// A policy file over this size is refused.
const POLICY_BYTES_MAX: usize = 256 * 1024;

/// The policies that are built in.
pub const DEFAULT_POLICIES: &str = include_str!("../../policies/default.yml");

/// A policy whose threshold is under this may only propose.
pub const HEALING_THRESHOLD_MIN: f64 = 0.8;

/// Days that a release has to be out before it may be chosen, where no policy says otherwise.
pub const MINIMUM_RELEASE_AGE_DAYS: u32 = 3;

/// One policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Name, for people. Of two policies of one name, that of the organisation holds.
    pub name: String,
    /// Kind of trouble that it rules: `vulnerability.dependency`.
    pub event_type: String,
    /// Severities that may be healed without asking. All others are proposed.
    pub auto_heal_severities: Vec<Severity>,
    /// The least confidence, 0 to 1, at which a fix is healed instead of proposed.
    #[serde(deserialize_with = "share")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub confidence_threshold: f64,
    /// Actions, in order. Each whose conditions hold is run.
    pub actions: Vec<Action>,
    /// Whether a fix that turns out wrong is taken back.
    #[serde(default)]
    pub rollback_enabled: bool,
    /// Whether the repository's own tests have to pass first.
    #[serde(default)]
    pub test_required: bool,
    /// The repositories that it rules: globs over names like `github.com/octo/shop`. Without it, all.
    #[serde(default, deserialize_with = "globs", skip_serializing_if = "Vec::is_empty")]
    pub repositories: Vec<String>,
    /// For which cases it holds. Without it, for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<When>,
    /// How much may be done.
    #[serde(default)]
    pub limits: Limits,
    /// When nothing is changed.
    #[serde(default, deserialize_with = "freeze::windows", skip_serializing_if = "Vec::is_empty")]
    pub freeze: Vec<Freeze>,
    /// Who may approve: logins and teams (`octo/security`). Without it, whoever may write to the repository.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvers: Vec<String>,
    /// When a pull request is merged without people. Without it, never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_merge: Option<AutoMerge>,
}

/// One action of a policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// What is done.
    #[serde(rename = "type")]
    pub action_type: ActionType,
    /// What has to hold first: all of them.
    #[serde(default)]
    pub conditions: Vec<Condition>,
    /// Ahead of budget and schedule.
    #[serde(default)]
    pub immediate: bool,
    /// `code_review`: our own review of the diff has to find that only what was intended is changed.
    #[serde(default)]
    pub validation: Option<Validation>,
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

/// What else is asked of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Validation {
    /// Our own review of the diff, once there is one: what it changes in the graph of dependencies and in manifests is held against the plan.
    CodeReview,
}

/// When a pull request is merged without people.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AutoMerge {
    /// The share of such merges, 0 to 1, that may turn out wrong: what a remedy's record has to show with certainty.
    #[serde(deserialize_with = "rate")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub wrong_rate_max: f64,
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
struct PolicyList<T> {
    policies: Vec<T>,
}

/// Reads the policies of `text`: a document with a list `policies`, or a single policy. `file` names it in errors.
pub fn parse(file: &str, text: &str) -> Result<Vec<Policy>, PolicyError> {
    if text.len() > POLICY_BYTES_MAX {
        let message = format!("{} bytes; a policy file may have {POLICY_BYTES_MAX}", text.len());
        return Err(PolicyError { file: file.to_owned(), place: None, message });
    }
    let members = read::<Option<BTreeMap<String, IgnoredAny>>>(file, text)?;
    let (policies, placed) = match members {
        Some(members) if members.contains_key("name") => {
            (vec![read::<Policy>(file, text)?], vec![read::<Placed>(file, text)?])
        }
        _ => (read::<PolicyList<_>>(file, text)?.policies, read::<PolicyList<_>>(file, text)?.policies),
    };
    consistency::check(&placed).map_err(|(place, message)| PolicyError {
        file: file.to_owned(),
        place: Some((place.line(), place.column())),
        message,
    })?;
    Ok(policies)
}

fn read<T: serde::de::DeserializeOwned>(file: &str, text: &str) -> Result<T, PolicyError> {
    serde_saphyr::from_str_with_options(text, repository_config::options()).map_err(|error| PolicyError {
        file: file.to_owned(),
        place: error.location().map(|place| (place.line(), place.column())),
        message: message_of(&error),
    })
}

fn within(value: f64, name: &str) -> Result<f64, String> {
    let is_share = (0.0..=1.0).contains(&value);
    is_share.then_some(value).ok_or_else(|| format!("{name} is {value}, but has to be from 0 to 1"))
}

pub(crate) fn share<'de, D: Deserializer<'de>>(value: D) -> Result<f64, D::Error> {
    within(f64::deserialize(value)?, "confidence_threshold").map_err(D::Error::custom)
}

fn rate<'de, D: Deserializer<'de>>(value: D) -> Result<f64, D::Error> {
    within(f64::deserialize(value)?, "wrong_rate_max").map_err(D::Error::custom)
}

fn globs<'de, D: Deserializer<'de>>(value: D) -> Result<Vec<String>, D::Error> {
    let globs = Vec::<String>::deserialize(value)?;
    for glob in &globs {
        globset::Glob::new(glob).map_err(|error| D::Error::custom(format!("`{glob}` is no glob: {}", error.kind())))?;
    }
    Ok(globs)
}

impl Policy {
    /// Whether findings of `severity` may be healed without asking. An unknown severity never may.
    pub fn may_heal(&self, severity: Severity) -> bool {
        severity != Severity::Unknown && self.auto_heal_severities.contains(&severity)
    }

    /// The action of type `action_type`, where the policy has it: there is one at most.
    pub fn action(&self, action_type: ActionType) -> Option<&Action> {
        self.actions.iter().find(|action| action.action_type == action_type)
    }

    /// Whether it rules `repository`.
    pub fn rules(&self, repository: &str) -> bool {
        let is_named = |glob: &String| {
            globset::GlobBuilder::new(glob)
                .literal_separator(true)
                .case_insensitive(true)
                .build()
                .is_ok_and(|glob| glob.compile_matcher().is_match(repository))
        };
        self.repositories.is_empty() || self.repositories.iter().any(is_named)
    }
}

impl Action {
    /// Whether it makes a fix.
    pub fn is_fixer(&self) -> bool {
        self.action_type.role() == Role::Fixer
    }

    /// Whether `condition` has to hold.
    pub fn requires(&self, condition: Condition) -> bool {
        self.conditions.contains(&condition)
    }
}

/// The JSON Schema of a policy file, for editors: a list of policies, or a single one.
pub fn schema() -> serde_json::Value {
    let mut generator = schemars::SchemaGenerator::default();
    let policy = generator.subschema_for::<Policy>();
    let mut schema = serde_json::json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Healing policies of Suture",
        "anyOf": [
            {
                "type": "object",
                "properties": { "policies": { "type": "array", "items": &policy } },
                "required": ["policies"],
                "additionalProperties": false,
            },
            &policy,
        ],
    });
    schema["$defs"] = serde_json::Value::Object(generator.take_definitions(true));
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_policies_load() {
        let policies = parse("default.yml", DEFAULT_POLICIES).unwrap();
        let kinds: Vec<&str> = policies.iter().map(|policy| policy.event_type.as_str()).collect();
        let expect =
            ["vulnerability.dependency", "misconfiguration.container", "secret.exposed", "vulnerability.sql_injection"];
        assert_eq!(kinds, expect);
        assert!(policies[0].may_heal(Severity::Medium));
        assert!(!policies[0].may_heal(Severity::High));
        assert!(policies[2].actions[0].immediate && !policies[2].rollback_enabled);
        assert!(policies[3].test_required);
    }

    #[test]
    fn unknown_severity_is_never_healed_unasked() {
        let mut policy = parse("default.yml", DEFAULT_POLICIES).unwrap().remove(0);
        policy.auto_heal_severities.push(Severity::Unknown);
        assert!(!policy.may_heal(Severity::Unknown));
    }

    const SINGLE: &str = r#"name: "sql-injection-fix"
event_type: "vulnerability.sql_injection"
auto_heal_severities: ["high", "critical"]
confidence_threshold: 0.95
actions:
  - type: "apply_parameterized_query"
    validation: "code_review"
  - type: "create_fix_pr"
    require_approval: false
rollback_enabled: true
test_required: true
"#;

    #[test]
    fn single_document_policy_loads() {
        let policies = parse("p.yml", SINGLE).unwrap();
        assert_eq!(policies, [parse("default.yml", DEFAULT_POLICIES).unwrap().remove(3)]);
    }

    #[test]
    fn everything_optional_is_read() {
        let more = "repositories: ['github.example/octo/*']
when: severity != 'low'
limits: {pull_requests_per_day: 5, time_zone: Europe/Berlin}
freeze: [{name: weekend, days: [sat, sun], time_zone: Europe/Berlin}]
approvers: [mona, octo/security]
auto_merge: {wrong_rate_max: 0.05}
";
        let policy = parse("p.yml", &format!("{SINGLE}{more}")).unwrap().remove(0);
        assert!(policy.rules("github.example/octo/shop") && !policy.rules("github.example/other/shop"));
        assert_eq!(policy.limits.effective().pull_requests_per_day, 5);
        assert_eq!((policy.freeze.len(), policy.approvers.len()), (1, 2));
        assert_eq!(policy.auto_merge, Some(AutoMerge { wrong_rate_max: 0.05 }));
        // What is written is read again as the same.
        let written = serde_json::to_string(&policy).unwrap();
        assert_eq!(serde_json::from_str::<Policy>(&written).unwrap(), policy);
    }

    /// What is said of the built-in policies with `from` in place of `to`.
    fn said(from: &str, to: &str) -> String {
        parse("p.yml", &DEFAULT_POLICIES.replacen(from, to, 1))
            .map_or_else(|error| error.to_string(), |_| "fine".to_owned())
    }

    /// What is said of the built-in policies where two name a clock each.
    fn two_clocks() -> String {
        let clocks = ["Asia/Tokyo", "Europe/Berlin"].into_iter().fold(DEFAULT_POLICIES.to_owned(), |text, clock| {
            text.replacen("    rollback_enabled: true\n", &format!("    limits:\n      time_zone: {clock}\n"), 1)
        });
        parse("p.yml", &clocks).unwrap_err().to_string()
    }

    #[test]
    fn errors_name_what_is_wrong_and_where() {
        let rows = [
            said("update_dependency", "updat_dependency"),
            said("patch_available", "patch_there"),
            said("code_review", "code_revue"),
            said("0.9", "1.5"),
            said("0.9", "high"),
            said("rollback_enabled", "rolback_enabled"),
            said("\"low\"", "\"lo\""),
            said("rollback_enabled: true", "when: sevrity == 'low'"),
            said("rollback_enabled: true", "repositories: ['a[']"),
            said("rollback_enabled: true", "limits: {pull_requests_per_week: 1}"),
            said("rollback_enabled: true", "freeze: [{name: a, days: [someday]}]"),
            said("rollback_enabled: true", "auto_merge: {wrong_rate_max: 5}"),
            said("container-misconfiguration", "exposed-secret"),
            said("\"create_pr\"", "\"update_dependency\""),
            said("rollback_enabled: true", "limits: {cool_down_hours: 721}"),
            two_clocks(),
            said("policies:", "policy:"),
            parse("p.yml", "").unwrap_err().to_string(),
            parse("p.yml", "- a\n").unwrap_err().to_string(),
            parse("p.yml", "name: a\n").unwrap_err().to_string(),
        ];
        insta::assert_snapshot!(rows.join("\n"));
    }

    /// Lines that policies are made of, and such that are not.
    fn lines() -> Vec<String> {
        let more = [
            "    when: \"packages.exists(name, name == 'a')\"",
            "    limits: {lines_max: 1}",
            "    freeze: [{name: a, days: [sat]}]",
            "    repositories: ['*']",
            "a: &a [*a, *a]",
            "  - *a",
            "{{{{{{{{",
            "- - - - - -",
            "? [",
            "!!binary x",
            "%YAML 1.2",
            "--- # another",
            "<<: *a",
            "\t- x",
            "\u{feff}",
        ];
        DEFAULT_POLICIES.lines().chain(SINGLE.lines()).chain(more).map(str::to_owned).collect()
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(400))]
        #[test]
        fn no_text_makes_the_parser_exceed_its_limits(
            lines in proptest::collection::vec(proptest::sample::select(lines()), 0..60),
            cut in 0..2_000_usize,
            any in "\\PC{0,300}",
        ) {
            // What is read is read again as the same; what is not says where.
            let check = |text: &str| match parse("p.yml", text) {
                Ok(policies) => policies.iter().for_each(|policy| {
                    let written = serde_json::to_string(policy).unwrap();
                    assert_eq!(&serde_json::from_str::<Policy>(&written).unwrap(), policy);
                }),
                Err(error) => assert!(error.to_string().starts_with("p.yml"), "{error}"),
            };
            let text = lines.join("\n");
            check(&text);
            check(text.get(..cut).unwrap_or(&text));
            check(DEFAULT_POLICIES.get(cut..).unwrap_or_default());
            check(&any);
        }
    }

    #[test]
    fn bombs_are_refused() {
        let nested = format!("policies: {}{}", "[".repeat(20_000), "]".repeat(20_000));
        let mut aliases = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for (name, before) in ('b'..='z').zip('a'..) {
            aliases += &format!("{name}: &{name} [{}]\n", vec![format!("*{before}"); 9].join(", "));
        }
        let long = format!("name: {}", "x".repeat(POLICY_BYTES_MAX));
        for text in [nested, aliases, long] {
            assert!(parse("p.yml", &text).is_err());
        }
    }

    #[test]
    fn schema_knows_every_word() {
        let schema = schema().to_string();
        for word in
            ActionType::ALL.iter().map(|action| action.word()).chain(Condition::ALL.iter().map(|one| one.word()))
        {
            assert!(schema.contains(&format!("\"{word}\"")), "{word}");
        }
        for word in ["pull_requests_per_day", "time_zone", "wrong_rate_max", "auto_heal_severities", "when", "days"] {
            assert!(schema.contains(&format!("\"{word}\"")), "{word}");
        }
    }
}
