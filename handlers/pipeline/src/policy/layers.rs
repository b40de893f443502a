//! Which policy holds for a case: the organisation's come before the built-in ones, and a repository may only tighten.

use super::freeze::{self, Freeze};
use super::limits::Limits;
use super::vocabulary::Condition;
use super::when::Subject;
use super::{DEFAULT_POLICIES, Policy, PolicyError, parse, share};
use crate::finding::Severity;
use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

/// All policies of a place, in the order in which they are asked.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Policies(Vec<Policy>);

impl Policies {
    /// The built-in ones alone.
    pub fn built_in() -> Result<Self, PolicyError> {
        Ok(Self(parse("built in", DEFAULT_POLICIES)?))
    }

    /// Those of an organisation, as [`parse`] read them from one file, and then the built-in ones of other names.
    pub fn of_organisation(policies: Vec<Policy>) -> Result<Self, PolicyError> {
        let Self(built_in) = Self::built_in()?;
        let others = built_in.into_iter().filter(|policy| policies.iter().all(|own| own.name != policy.name));
        let others: Vec<Policy> = others.collect();
        let mut all: Vec<Policy> = policies.into_iter().chain(others).collect();
        count_by_one_clock(&mut all);
        Ok(Self(all))
    }

    /// The first that rules `subject`.
    ///
    /// An error where it can't be told whether one does: then nothing is done without people.
    pub fn of(&self, subject: &Subject) -> Result<Option<&Policy>, String> {
        for policy in &self.0 {
            if policy.event_type != subject.event_type || !policy.rules(&subject.repository) {
                continue;
            }
            let holds = policy.when.as_ref().map_or(Ok(true), |when| when.holds(subject));
            if holds.map_err(|error| format!("`when` of the policy {}: {error}", policy.name))? {
                return Ok(Some(policy));
            }
        }
        Ok(None)
    }

    /// That of this name.
    pub fn named(&self, name: &str) -> Option<&Policy> {
        self.0.iter().find(|policy| policy.name == name)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Policy> {
        self.0.iter()
    }
}

/// Has the budgets of all `policies` counted by the clock that those who name one agree on: by several, each would have a budget of its own.
fn count_by_one_clock(policies: &mut [Policy]) {
    let zone = policies.iter().find_map(|policy| policy.limits.time_zone.clone());
    policies.iter_mut().for_each(|policy| policy.limits.time_zone.clone_from(&zone));
}

/// How far a repository lets any decision go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RepositoryMode {
    /// As far as policies do.
    #[default]
    Auto,
    /// Fixes are drafts that wait for approval.
    Propose,
    /// Cases are opened, and nothing is done.
    Observe,
}

/// What a repository asks for beyond the policies: each part can only make them stricter.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tightening {
    /// The kind of trouble that it is about. Without it: any.
    pub event_type: Option<String>,
    /// Only these severities may be healed without asking, of those that the policy names.
    pub auto_heal_severities: Option<Vec<Severity>>,
    /// The least confidence, where it is higher than the policy's.
    #[serde(deserialize_with = "threshold")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub confidence_threshold: Option<f64>,
    /// What has to hold besides, for each action that makes a fix.
    pub conditions: Vec<Condition>,
    /// Whether the repository's own tests have to pass first.
    pub test_required: bool,
    /// Whether somebody has to approve each fix.
    pub require_approval: bool,
    /// Whether nothing is merged without people.
    pub no_auto_merge: bool,
    /// How much may be done, where it is less than the policy allows.
    #[serde(deserialize_with = "limits")]
    pub limits: Limits,
    /// When nothing is changed, besides the policy's times.
    #[serde(deserialize_with = "freeze::windows")]
    pub freeze: Vec<Freeze>,
}

impl Tightening {
    /// Makes `policy` stricter, if this is about it.
    pub fn apply(&self, mut policy: Policy) -> Policy {
        if self.event_type.as_ref().is_some_and(|event_type| *event_type != policy.event_type) {
            return policy;
        }
        if let Some(severities) = &self.auto_heal_severities {
            policy.auto_heal_severities.retain(|severity| severities.contains(severity));
        }
        policy.confidence_threshold = policy.confidence_threshold.max(self.confidence_threshold.unwrap_or_default());
        for action in policy.actions.iter_mut().filter(|action| action.is_fixer()) {
            action.require_approval |= self.require_approval;
            let more = self.conditions.iter().filter(|condition| !action.conditions.contains(condition)).copied();
            let more: Vec<Condition> = more.collect();
            action.conditions.extend(more);
        }
        policy.test_required |= self.test_required;
        policy.auto_merge = policy.auto_merge.filter(|_| !self.no_auto_merge);
        policy.limits = policy.limits.tightened(&self.limits);
        policy.freeze.extend(self.freeze.iter().cloned());
        policy
    }
}

/// All repositories of a policy are counted by one clock: with one of its own, a repository would have a budget of its own.
fn limits<'de, D: Deserializer<'de>>(value: D) -> Result<Limits, D::Error> {
    let limits = Limits::deserialize(value)?;
    if limits.time_zone.is_some() {
        return Err(D::Error::custom(
            "`time_zone` of limits is for policies: a repository can't have a clock of its own",
        ));
    }
    Ok(limits)
}

fn threshold<'de, D: Deserializer<'de>>(value: D) -> Result<Option<f64>, D::Error> {
    share(value).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn subject(repository: &str, severity: &str) -> Subject {
        Subject {
            event_type: "vulnerability.dependency".to_owned(),
            severity: severity.to_owned(),
            repository: repository.to_owned(),
            branch: "main".to_owned(),
            path: "package-lock.json".to_owned(),
            packages: Vec::new(),
            advisories: Vec::new(),
            direct: true,
            production: true,
            known_exploited: false,
            epss: 0.0,
            oversized: BTreeSet::new(),
        }
    }

    const ORGANISATION: &str = "
policies:
  - name: payments
    event_type: vulnerability.dependency
    repositories: ['github.example/octo/pay-*']
    when: severity != 'critical'
    auto_heal_severities: []
    confidence_threshold: 1.0
    actions: [{type: update_dependency}]
  - name: exposed-secret
    event_type: secret.exposed
    auto_heal_severities: []
    confidence_threshold: 1.0
    actions: [{type: notify_security_team}]
";

    #[test]
    fn first_policy_that_rules_a_case_holds() {
        let policies = Policies::of_organisation(parse("p.yml", ORGANISATION).unwrap()).unwrap();
        let name = |repository, severity| policies.of(&subject(repository, severity)).unwrap().unwrap().name.as_str();
        assert_eq!(name("github.example/octo/pay-out", "high"), "payments");
        assert_eq!(name("github.example/Octo/Pay-out", "high"), "payments");
        assert_eq!(name("github.example/octo/pay-out", "critical"), "dependency-vulnerability");
        assert_eq!(name("github.example/octo/pay-out/more", "high"), "dependency-vulnerability");
        assert_eq!(name("github.example/octo/shop", "high"), "dependency-vulnerability");
        let secrets = policies.iter().filter(|policy| policy.event_type == "secret.exposed");
        assert_eq!(secrets.count(), 1, "the organisation's takes the place of the built-in one of its name");
    }

    #[test]
    fn budgets_are_counted_by_one_clock() {
        let of = |payments: &str, secrets: &str| {
            let text =
                ORGANISATION.replacen("    actions", &format!("    limits: {{{payments}}}\n    actions"), 1).replace(
                    "    actions: [{type: notify",
                    &format!("    limits: {{{secrets}}}\n    actions: [{{type: notify"),
                );
            parse("p.yml", &text).map(|policies| Policies::of_organisation(policies).unwrap())
        };
        let zones = |policies: Policies| -> BTreeSet<String> {
            policies.iter().map(|policy| policy.limits.effective().time_zone.to_string()).collect()
        };
        assert_eq!(zones(of("", "").unwrap()), BTreeSet::from(["UTC".to_owned()]));
        let tokyo = "time_zone: Asia/Tokyo";
        assert_eq!(zones(of(tokyo, "").unwrap()), BTreeSet::from(["Asia/Tokyo".to_owned()]));
        assert_eq!(zones(of(tokyo, tokyo).unwrap()), BTreeSet::from(["Asia/Tokyo".to_owned()]));
        let error = of(tokyo, "time_zone: Europe/Berlin").unwrap_err().to_string();
        assert!(error.contains("Asia/Tokyo and Europe/Berlin"), "{error}");
    }

    #[test]
    fn repository_only_tightens() {
        let policy = parse("built in", DEFAULT_POLICIES).unwrap().remove(0);
        let text = "{auto_heal_severities: [medium, critical], confidence_threshold: 0.5, conditions: [known_fix], require_approval: true, limits: {files_max: 1}}";
        let tightening: Tightening = serde_saphyr::from_str(text).unwrap();
        let tightened = tightening.apply(policy.clone());
        assert_eq!(tightened.auto_heal_severities, [Severity::Medium]);
        assert_eq!(tightened.confidence_threshold, policy.confidence_threshold);
        let fixer = tightened.action(crate::policy::vocabulary::ActionType::UpdateDependency).unwrap();
        assert!(fixer.require_approval && fixer.requires(Condition::KnownFix));
        assert_eq!(tightened.limits.files_max, Some(1));
        assert!(serde_saphyr::from_str::<Tightening>("{limits: {time_zone: Asia/Tokyo}}").is_err());
        let other = Tightening { event_type: Some("secret.exposed".to_owned()), ..tightening };
        assert_eq!(other.apply(policy.clone()), policy);
    }
}
