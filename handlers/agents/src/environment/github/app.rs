//! What the App is, where it is installed, and which deliveries of its webhook failed.

use super::GitHub;
use super::error::{GitHubError, server_time};
use super::session::{Listed, PAGE_LENGTH, Who};
use super::tokens::Purpose;
use super::transport::Asked;
use http::Method;
use jiff::Timestamp;
use pipeline::ids::RepoName;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};

/// Pages of installations.
const PAGES_MAX: usize = 100;
/// Pages of the repositories of one. GitHub is not believed where it says that there are more.
const REPOSITORY_PAGES_MAX: usize = 1000;
/// Pages of deliveries.
const DELIVERY_PAGES_MAX: usize = 50;

/// What the App is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct App {
    /// Its name in addresses; `slug[bot]` is who its commits are by.
    pub slug: String,
    /// Permissions that it asks for, and how much of each: `contents` → `write`.
    #[serde(default)]
    pub permissions: BTreeMap<String, String>,
    /// Events that it asks for.
    #[serde(default)]
    pub events: Vec<String>,
}

/// Where deliveries go.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Hook {
    /// The address, if one is set.
    #[serde(default)]
    pub url: Option<String>,
    /// `json` or `form`.
    #[serde(default)]
    pub content_type: Option<String>,
    /// Stars where there is a secret; GitHub does not tell it.
    #[serde(default)]
    secret: Option<String>,
    /// `1`, as a text or a number, where any certificate is taken.
    #[serde(default)]
    insecure_ssl: Value,
}

/// The App on one account.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Installation {
    /// Its number.
    pub id: u64,
    /// On whose repositories.
    #[serde(default)]
    pub account: Option<Account>,
    /// Where its owner changes it.
    #[serde(default)]
    pub html_url: Option<String>,
    /// Permissions that were granted.
    #[serde(default)]
    pub permissions: BTreeMap<String, String>,
    /// Events that are delivered.
    #[serde(default)]
    pub events: Vec<String>,
    /// Since when nothing may be done with it.
    #[serde(default)]
    pub suspended_at: Option<Timestamp>,
}

/// A user or an organization.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Account {
    /// Its name. An enterprise has none.
    #[serde(default)]
    pub login: Option<String>,
}

/// A repository that the App may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledRepository {
    /// `host/owner/name`.
    pub name: RepoName,
    /// The branch that pull requests go to by default.
    pub default_branch: String,
    /// Nothing in it changes any more, by its owner or by GitHub.
    pub is_closed: bool,
}

/// One page of the repositories of an installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledPage {
    /// At most 100.
    pub repositories: Vec<InstalledRepository>,
    /// How many pages there are, at most 1000.
    pub pages: usize,
}

/// A delivery of which no attempt was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedDelivery {
    /// Number of its newest attempt, by which another is asked for.
    pub id: u64,
    /// The same for all attempts: `X-GitHub-Delivery`.
    pub guid: String,
    /// Name of the event.
    pub event: String,
    /// When the newest attempt was made.
    pub delivered_at: Timestamp,
    /// What was answered; 0: nothing.
    pub status_code: u16,
}

#[derive(Deserialize)]
struct WireRepository {
    full_name: String,
    #[serde(default)]
    default_branch: String,
    #[serde(default)]
    archived: bool,
    #[serde(default)]
    disabled: bool,
}

#[derive(Deserialize)]
struct WireDelivery {
    id: u64,
    guid: String,
    event: String,
    delivered_at: Timestamp,
    #[serde(default)]
    status_code: u16,
}

impl Hook {
    /// Whether deliveries are signed.
    pub fn has_secret(&self) -> bool {
        self.secret.as_ref().is_some_and(|secret| !secret.is_empty())
    }

    /// Whether the certificate of the address has to be good.
    pub fn checks_certificate(&self) -> bool {
        self.insecure_ssl != "1" && self.insecure_ssl != 1
    }
}

impl GitHub {
    /// The App. An error if a token is set instead of one.
    pub async fn app(&self) -> Result<App, GitHubError> {
        self.0.get(&Who::App, "/app".to_owned()).await
    }

    /// Where the App's deliveries go.
    pub async fn hook(&self) -> Result<Hook, GitHubError> {
        self.0.get(&Who::App, "/app/hook/config".to_owned()).await
    }

    /// The time by GitHub's clock. `None`: its answer has no `Date`.
    pub async fn server_time(&self) -> Result<Option<Timestamp>, GitHubError> {
        let answer = self.0.ask(&Who::App, &Asked::get("/app")).await?;
        Ok(server_time(&answer.headers))
    }

    /// Where the App is installed, at most 10 000 of them.
    pub async fn installations(&self) -> Result<Listed<Installation>, GitHubError> {
        self.0.list(&Who::App, "/app/installations".to_owned(), None, PAGES_MAX, |_| false).await
    }

    /// A page, from 1, of the repositories of an installation.
    pub async fn installation_repositories(
        &self,
        installation: u64,
        page: usize,
    ) -> Result<InstalledPage, GitHubError> {
        #[derive(Deserialize)]
        struct Page {
            total_count: usize,
            repositories: Vec<WireRepository>,
        }
        let who = Who::For(Purpose::Installation(installation));
        let path = format!("/installation/repositories?per_page={PAGE_LENGTH}&page={page}");
        let Page { total_count, repositories } = self.0.get(&who, path).await?;
        let known = repositories.into_iter().filter_map(|one| {
            let name = format!("{}/{}", self.host(), one.full_name).parse().ok()?;
            let is_closed = one.archived || one.disabled;
            Some(InstalledRepository { name, default_branch: one.default_branch, is_closed })
        });
        let pages = total_count.div_ceil(PAGE_LENGTH).min(REPOSITORY_PAGES_MAX);
        Ok(InstalledPage { repositories: known.collect(), pages })
    }

    /// Deliveries since then of which no attempt was taken, newest first. GitHub keeps them for three days.
    pub async fn failed_deliveries(&self, since: Timestamp) -> Result<Listed<FailedDelivery>, GitHubError> {
        let path = "/app/hook/deliveries".to_owned();
        let is_older = |one: &WireDelivery| one.delivered_at < since;
        let listed = self.0.list(&Who::App, path, None, DELIVERY_PAGES_MAX, is_older).await?;
        let is_past = listed.items.iter().any(is_older);
        let taken = listed.items.iter().filter(|one| (200..300).contains(&one.status_code));
        let mut done: HashSet<_> = taken.map(|one| one.guid.clone()).collect();
        let failed = listed.items.into_iter().filter(|one| one.delivered_at >= since && done.insert(one.guid.clone()));
        let failed = failed.map(|WireDelivery { id, guid, event, delivered_at, status_code }| FailedDelivery {
            id,
            guid,
            event,
            delivered_at,
            status_code,
        });
        Ok(Listed { items: failed.collect(), is_cut: listed.is_cut && !is_past })
    }

    /// Has GitHub attempt the delivery once more. It comes with the same guid.
    pub async fn redeliver(&self, id: u64) -> Result<(), GitHubError> {
        let asked = Asked::with(Method::POST, format!("/app/hook/deliveries/{id}/attempts"), json!({}));
        self.0.write(&Who::App, &asked, &format!("redeliver {id}")).await.map(drop)
    }
}
