//! How GitHub receives us: whether the key or the token is accepted, what time it is there, what a token reaches.

use super::GitHub;
use super::error::{GitHubError, server_time, words};
use super::repository::GitHubRepository;
use super::scope::Scope;
use super::session::{Listed, Who};
use super::settings::Identity;
use super::transport::{Asked, Signer};
use http::StatusCode;
use jiff::Timestamp;
use pipeline::ids::RepoName;
use serde::Deserialize;

/// Pages of repositories that a token reaches.
const PAGES_MAX: usize = 10;
/// Where GitHub says what a classic token may do. Tokens of other kinds have no such header.
const SCOPES: &str = "x-oauth-scopes";

/// How GitHub receives us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reception {
    /// As whom we are known: the App's slug, or the login of the token's user.
    pub name: Result<String, Refused>,
    /// The time by GitHub's clock. `None`: its answer has no `Date`.
    pub server_time: Option<Timestamp>,
    /// What a classic token may do.
    pub scopes: Option<Vec<String>>,
}

/// The key or the token is not accepted, in GitHub's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused(pub String);

/// A repository, and what a token may do there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// `host/owner/name`.
    pub name: RepoName,
    /// Whether commits may be put there.
    pub may_push: bool,
    /// Whether its webhooks may be seen and made.
    pub may_administer: bool,
}

#[derive(Deserialize)]
struct Named {
    #[serde(alias = "slug")]
    login: String,
}

#[derive(Deserialize)]
struct WireReach {
    full_name: String,
    #[serde(default)]
    permissions: WirePermissions,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WirePermissions {
    push: bool,
    admin: bool,
}

impl WireReach {
    fn read(self, host: &str) -> Option<Reach> {
        let name = format!("{host}/{}", self.full_name).parse().ok()?;
        Some(Reach { name, may_push: self.permissions.push, may_administer: self.permissions.admin })
    }
}

impl GitHub {
    /// Asks who we are. That we are nobody is no error.
    pub async fn reception(&self) -> Result<Reception, GitHubError> {
        let (signer, path) = match &self.0.settings.identity {
            Identity::App { .. } => (Signer::App, "/app"),
            Identity::Token(token) => (Signer::Token(token), "/user"),
        };
        let answer = self.0.transport.ask(signer, &Asked::get(path), None).await?;
        let server_time = server_time(&answer.headers);
        if answer.status == StatusCode::UNAUTHORIZED {
            let refused = Refused(words(answer.status, &answer.body));
            return Ok(Reception { name: Err(refused), server_time, scopes: None });
        }
        let answer = answer.success(self.0.transport.now())?;
        let scopes = answer.headers.get(SCOPES).and_then(|scopes| scopes.to_str().ok());
        let scopes = scopes.map(|scopes| {
            scopes.split(',').map(|scope| scope.trim().to_owned()).filter(|scope| !scope.is_empty()).collect()
        });
        Ok(Reception { name: Ok(answer.json::<Named>()?.login), server_time, scopes })
    }

    /// Repositories that the token reaches, at most 1000 of them. An error if there is an App instead of a token.
    pub async fn reachable_repositories(&self) -> Result<Listed<Reach>, GitHubError> {
        let listed: Listed<WireReach> =
            self.0.list(&Who::User, "/user/repos?sort=full_name".to_owned(), None, PAGES_MAX, |_| false).await?;
        let items = listed.items.into_iter().filter_map(|one| one.read(self.host())).collect();
        Ok(Listed { items, is_cut: listed.is_cut })
    }
}

impl GitHubRepository {
    /// What we may do here. Absent where we may not even look.
    pub async fn reach(&self) -> Result<Reach, GitHubError> {
        let found: WireReach = self.session.get(&self.who(Scope::Read), self.path("")).await?;
        let WirePermissions { push, admin } = found.permissions;
        Ok(Reach { name: self.name.clone(), may_push: push, may_administer: admin })
    }
}
