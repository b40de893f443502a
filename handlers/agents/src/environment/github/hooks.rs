//! Webhooks of one repository: where there is a token instead of an App.

use super::app::Hook;
use super::error::GitHubError;
use super::repository::GitHubRepository;
use super::scope::Scope;
use super::session::Listed;
use http::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

/// Pages of webhooks; GitHub lets a repository have 20 for each event.
const PAGES_MAX: usize = 10;

/// A webhook of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RepositoryHook {
    /// Its number.
    pub id: u64,
    /// Whether anything is delivered.
    #[serde(rename = "active")]
    pub is_active: bool,
    /// What is delivered.
    #[serde(default)]
    pub events: Vec<String>,
    /// Where to.
    pub config: Hook,
    /// What came of the last delivery.
    #[serde(default)]
    pub last_response: LastResponse,
}

/// What came of the last delivery.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct LastResponse {
    /// HTTP status. `None`: nothing was delivered yet, or nothing was answered.
    #[serde(default)]
    pub code: Option<u16>,
    /// Why nothing was answered.
    #[serde(default)]
    pub message: Option<String>,
}

impl GitHubRepository {
    /// The webhook that delivers to `url`, whatever of it is set besides. Absent where we may not see webhooks.
    pub async fn hook_to(&self, url: &str) -> Result<Option<RepositoryHook>, GitHubError> {
        Ok(self.hooks().await?.items.into_iter().find(|hook| hook.config.url.as_deref() == Some(url)))
    }

    /// Webhooks of the repository. Absent where we may not see them.
    pub async fn hooks(&self) -> Result<Listed<RepositoryHook>, GitHubError> {
        self.session.list(&self.who(Scope::Read), self.path("/hooks"), None, PAGES_MAX, |_| false).await
    }

    /// Makes a webhook. Who makes it only once looks for it first: [`Self::hook_to`].
    pub async fn create_hook(
        &self,
        url: &str,
        secret: &SecretString,
        events: &[&str],
    ) -> Result<RepositoryHook, GitHubError> {
        let secret = secret.expose_secret();
        let config = json!({ "url": url, "content_type": "json", "insecure_ssl": "0", "secret": secret });
        let made = json!({ "name": "web", "active": true, "events": events, "config": config });
        self.write(Method::POST, Scope::Read, "/hooks", made, "webhook").await?.json()
    }
}
