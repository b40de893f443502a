//! Alerts that GitHub itself raises: of Dependabot, of code scanning, of secret scanning.

use super::error::{GitHubError, found};
use super::repository::GitHubRepository;
use super::scope::Scope;
use super::session::Listed;
use http::Method;
use pipeline::ids::CommitSha;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Pages of alerts.
const PAGES_MAX: usize = 20;
/// Pages of places where a secret is.
const LOCATION_PAGES_MAX: usize = 5;

/// A vulnerable dependency, as Dependabot sees it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DependabotAlert {
    /// Its number.
    pub number: u64,
    /// `open`, `fixed`, `dismissed`, `auto_dismissed`.
    pub state: String,
    /// What is vulnerable.
    pub dependency: AlertDependency,
    /// Why.
    pub security_advisory: AlertAdvisory,
    /// Since which version it is not.
    pub security_vulnerability: AlertVulnerability,
}

/// What is vulnerable.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AlertDependency {
    /// The package.
    pub package: AlertPackage,
    /// The file that names it.
    pub manifest_path: String,
}

/// A package.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AlertPackage {
    /// `npm`, `pip`, …
    pub ecosystem: String,
    /// Its name.
    pub name: String,
}

/// Why it is vulnerable.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AlertAdvisory {
    /// GHSA id.
    pub ghsa_id: String,
    /// CVE id, if it has one.
    pub cve_id: Option<String>,
    /// `low`, `medium`, `high`, `critical`.
    pub severity: String,
}

/// Which versions are vulnerable.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AlertVulnerability {
    /// In GitHub's notation.
    pub vulnerable_version_range: String,
    /// The first that is not.
    pub first_patched_version: Option<PatchedVersion>,
}

/// A version.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PatchedVersion {
    /// As it is written.
    pub identifier: String,
}

/// What a code scanner found.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CodeAlert {
    /// Its number.
    pub number: u64,
    /// `open`, `fixed`, `dismissed`; none where no branch has it.
    pub state: Option<String>,
    /// By which rule.
    pub rule: AlertRule,
    /// By which tool.
    pub tool: AlertTool,
    /// Where it was seen last.
    pub most_recent_instance: AlertInstance,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AlertRule {
    /// Its id in the tool.
    pub id: Option<String>,
    /// `none`, `note`, `warning`, `error`.
    pub severity: Option<String>,
    /// `low`, `medium`, `high`, `critical`, of a rule about security.
    pub security_severity_level: Option<String>,
}

/// A tool.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AlertTool {
    /// Its name.
    pub name: Option<String>,
}

/// Where something was seen.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AlertInstance {
    /// On which branch.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// At which commit.
    pub commit_sha: Option<CommitSha>,
    /// In which lines.
    pub location: Option<AlertPlace>,
}

/// Lines of a file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AlertPlace {
    /// The file.
    pub path: Option<String>,
    /// First line.
    pub start_line: Option<u64>,
    /// Last line.
    pub end_line: Option<u64>,
}

/// A secret that was found. Its value is not asked for, and is not read where it is told anyway.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SecretAlert {
    /// Its number.
    pub number: u64,
    /// `open` or `resolved`.
    pub state: String,
    /// `revoked`, `false_positive`, `wont_fix`, `used_in_tests`, … of a resolved one.
    pub resolution: Option<String>,
    /// What kind of secret.
    pub secret_type: String,
    /// `active`, `inactive`, `unknown`.
    pub validity: Option<String>,
    /// Whether it is seen in public.
    pub publicly_leaked: Option<bool>,
    /// Whether other repositories have it too.
    pub multi_repo: Option<bool>,
}

/// A place where a secret is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SecretLocation {
    /// `commit`, `issue_body`, `pull_request_comment`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// Where exactly.
    #[serde(default)]
    pub details: SecretPlace,
}

/// Where exactly. Only of a commit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct SecretPlace {
    /// The file.
    pub path: Option<String>,
    /// First line.
    pub start_line: Option<u64>,
    /// Last line.
    pub end_line: Option<u64>,
    /// The file's contents.
    pub blob_sha: Option<String>,
    /// The commit.
    pub commit_sha: Option<CommitSha>,
}

/// How an alert is closed.
#[derive(Debug, Clone, Copy)]
pub struct AlertClosure<'a> {
    /// One of GitHub's reasons for this kind of alert.
    pub reason: &'a str,
    /// In words, at most 280 characters.
    pub comment: &'a str,
}

impl GitHubRepository {
    /// Dependabot's open alerts. `None`: it is switched off here, or may not be seen.
    pub async fn dependabot_alerts(&self) -> Result<Option<Listed<DependabotAlert>>, GitHubError> {
        self.alerts(Scope::ReadDependabot, "/dependabot/alerts?state=open").await
    }

    /// One alert of Dependabot.
    pub async fn dependabot_alert(&self, number: u64) -> Result<Option<DependabotAlert>, GitHubError> {
        self.alert(Scope::ReadDependabot, &format!("/dependabot/alerts/{number}")).await
    }

    /// Dismisses an alert of Dependabot, or opens it again.
    pub async fn update_dependabot_alert(
        &self,
        number: u64,
        closure: Option<AlertClosure<'_>>,
    ) -> Result<(), GitHubError> {
        let below = format!("/dependabot/alerts/{number}");
        self.change_alert(Scope::Dependabot, &below, dismissal(closure)).await
    }

    /// Open alerts of code scanning. `None`: it is switched off here, or may not be seen.
    pub async fn code_alerts(&self) -> Result<Option<Listed<CodeAlert>>, GitHubError> {
        self.alerts(Scope::ReadCodeScanning, "/code-scanning/alerts?state=open").await
    }

    /// One alert of code scanning.
    pub async fn code_alert(&self, number: u64) -> Result<Option<CodeAlert>, GitHubError> {
        self.alert(Scope::ReadCodeScanning, &format!("/code-scanning/alerts/{number}")).await
    }

    /// Dismisses an alert of code scanning, or opens it again.
    pub async fn update_code_alert(&self, number: u64, closure: Option<AlertClosure<'_>>) -> Result<(), GitHubError> {
        let below = format!("/code-scanning/alerts/{number}");
        self.change_alert(Scope::CodeScanning, &below, dismissal(closure)).await
    }

    /// Open alerts of secret scanning. `None`: it is switched off here, or may not be seen.
    pub async fn secret_alerts(&self) -> Result<Option<Listed<SecretAlert>>, GitHubError> {
        self.alerts(Scope::ReadSecretScanning, "/secret-scanning/alerts?state=open&hide_secret=true").await
    }

    /// One alert of secret scanning.
    pub async fn secret_alert(&self, number: u64) -> Result<Option<SecretAlert>, GitHubError> {
        self.alert(Scope::ReadSecretScanning, &format!("/secret-scanning/alerts/{number}?hide_secret=true")).await
    }

    /// Where a secret is, at most 500 places.
    pub async fn secret_locations(&self, number: u64) -> Result<Listed<SecretLocation>, GitHubError> {
        let path = self.path(&format!("/secret-scanning/alerts/{number}/locations"));
        self.session.list(&self.who(Scope::ReadSecretScanning), path, None, LOCATION_PAGES_MAX, |_| false).await
    }

    /// Resolves an alert of secret scanning, or opens it again.
    pub async fn update_secret_alert(&self, number: u64, closure: Option<AlertClosure<'_>>) -> Result<(), GitHubError> {
        let change = match closure {
            Some(AlertClosure { reason, comment }) => {
                json!({ "state": "resolved", "resolution": reason, "resolution_comment": comment })
            }
            None => json!({ "state": "open" }),
        };
        self.change_alert(Scope::SecretScanning, &format!("/secret-scanning/alerts/{number}"), change).await
    }

    async fn alerts<T: DeserializeOwned>(&self, scope: Scope, below: &str) -> Result<Option<Listed<T>>, GitHubError> {
        let listed = self.session.list(&self.who(scope), self.path(below), None, PAGES_MAX, |_| false).await;
        match listed {
            // GitHub has no other sign of what is switched off; and whoever did not grant the permission wants no look at alerts.
            Err(GitHubError::Denied { .. }) => Ok(None),
            listed => found(listed),
        }
    }

    async fn alert<T: DeserializeOwned>(&self, scope: Scope, below: &str) -> Result<Option<T>, GitHubError> {
        self.session.find(&self.who(scope), self.path(below)).await
    }

    async fn change_alert(&self, scope: Scope, below: &str, change: Value) -> Result<(), GitHubError> {
        let effect = format!("change of {}", below.trim_start_matches('/'));
        self.write(Method::PATCH, scope, below, change, &effect).await.map(drop)
    }
}

fn dismissal(closure: Option<AlertClosure<'_>>) -> Value {
    match closure {
        Some(AlertClosure { reason, comment }) => {
            json!({ "state": "dismissed", "dismissed_reason": reason, "dismissed_comment": comment })
        }
        None => json!({ "state": "open" }),
    }
}
