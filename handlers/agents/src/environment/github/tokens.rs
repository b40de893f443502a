//! Tokens of installations: each for one repository and the permissions that a call needs, kept until shortly before they expire.

use super::error::{GitHubError, words};
use super::scope::Scope;
use super::transport::{Answer, Asked, Signer, Transport};
use http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use pipeline::ids::RepoName;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// A token is not used any more for this long before it expires.
const EXPIRY_MARGIN_S: i64 = 300;
/// Tokens and installations that are kept. Over it they are all forgotten: they are easily asked for anew.
const KEPT_MAX: usize = 4096;

/// What a token is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Purpose {
    /// One repository, with these permissions.
    Repository(RepoName, Scope),
    /// All repositories of an installation, to list them.
    Installation(u64),
}

/// Tokens and installations that are known.
#[derive(Default)]
pub(super) struct Tokens {
    installations: Kept<RepoName, Installation>,
    tokens: Kept<Purpose, Token>,
}

/// The installation that a repository is in.
#[derive(Clone)]
struct Installation {
    id: u64,
    /// How a token for the repository is asked for.
    repository: (&'static str, Value),
}

#[derive(Clone)]
struct Token {
    secret: SecretString,
    /// By this machine's clock.
    until: Timestamp,
}

#[derive(Deserialize)]
struct IssuedToken {
    token: String,
    expires_at: Timestamp,
}

#[derive(Deserialize)]
struct Numbered {
    id: u64,
}

impl Tokens {
    /// The token for `purpose`: the kept one, or a new one.
    pub async fn get(&self, transport: &Transport, purpose: &Purpose) -> Result<SecretString, GitHubError> {
        if let Some(token) = self.tokens.get(purpose).filter(|token| token.until > transport.now()) {
            return Ok(token.secret);
        }
        let answer = match self.issued(transport, purpose).await {
            // The App may have been installed anew, or the repository renamed, since it was asked how a token is to be had.
            Err(GitHubError::Absent { .. } | GitHubError::Denied { .. }) if self.forget_installation(purpose) => {
                self.issued(transport, purpose).await?
            }
            answer => answer?,
        };
        let server_now = transport.time_of(&answer);
        let issued: IssuedToken = answer.json()?;
        // What counts is how long GitHub says that it lasts: this machine's clock may be wrong.
        let lasts = issued.expires_at.duration_since(server_now) - SignedDuration::from_secs(EXPIRY_MARGIN_S);
        let until = transport.now().saturating_add(lasts).unwrap_or(Timestamp::MIN);
        let secret = SecretString::from(issued.token);
        self.tokens.keep(purpose.clone(), Token { secret: secret.clone(), until });
        Ok(secret)
    }

    /// Forgets the token for `purpose`, which is no longer accepted.
    pub fn forget(&self, purpose: &Purpose) {
        self.tokens.forget(purpose);
    }

    /// GitHub's answer that has a new token for `purpose` in it.
    async fn issued(&self, transport: &Transport, purpose: &Purpose) -> Result<Answer, GitHubError> {
        let (id, wanted) = match purpose {
            Purpose::Installation(id) => (*id, json!({ "permissions": { "metadata": "read" } })),
            Purpose::Repository(name, scope) => {
                let Installation { id, repository: (key, value) } = self.installation(transport, name).await?;
                let permissions: serde_json::Map<_, _> =
                    scope.permissions().iter().map(|(name, access)| ((*name).to_owned(), json!(access))).collect();
                (id, json!({ key: [value], "permissions": permissions }))
            }
        };
        let asked = Asked::with(Method::POST, format!("/app/installations/{id}/access_tokens"), wanted);
        let answer = transport.ask(Signer::App, &asked, None).await?;
        if answer.status == StatusCode::UNPROCESSABLE_ENTITY {
            return Err(denied(purpose, &words(answer.status, &answer.body)));
        }
        answer.success(transport.now())
    }

    /// Forgets the installation that `purpose` is within. Whether one was known.
    fn forget_installation(&self, purpose: &Purpose) -> bool {
        match purpose {
            Purpose::Repository(name, _) => self.installations.forget(name),
            Purpose::Installation(_) => false,
        }
    }

    async fn installation(&self, transport: &Transport, name: &RepoName) -> Result<Installation, GitHubError> {
        if let Some(known) = self.installations.get(name) {
            return Ok(known);
        }
        let path = name.as_str().split_once('/').map_or("", |(_, path)| path);
        let asked = Asked::get(format!("/repos/{path}/installation"));
        let answer = transport.ask(Signer::App, &asked, None).await?.success(transport.now())?;
        // A repository that was renamed is asked by its number: a token can't be had for its old name.
        let number =
            answer.path.strip_prefix("/repositories/").and_then(|rest| rest.split('/').next()?.parse::<u64>().ok());
        let repository = match number {
            Some(number) => ("repository_ids", json!(number)),
            None => ("repositories", json!(path.split('/').next_back().unwrap_or_default())),
        };
        let installation = Installation { id: answer.json::<Numbered>()?.id, repository };
        self.installations.keep(name.clone(), installation.clone());
        Ok(installation)
    }
}

/// GitHub gives no token with permissions that the installation was not granted.
fn denied(purpose: &Purpose, message: &str) -> GitHubError {
    let (name, permission) = match purpose {
        Purpose::Installation(id) => (format!("installation {id}"), "metadata=read".to_owned()),
        Purpose::Repository(name, scope) => {
            let needed = scope.permissions().iter().map(|(name, access)| format!("{name}={access}"));
            (name.to_string(), needed.collect::<Vec<_>>().join("; "))
        }
    };
    GitHubError::Denied {
        asked: format!("GitHub: a token for {name}"),
        permission: Some(permission),
        message: message.to_owned(),
    }
}

/// A few values that are easily asked for anew.
struct Kept<K, V>(Mutex<HashMap<K, V>>);

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V: Clone> Kept<K, V> {
    fn get(&self, key: &K) -> Option<V> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn keep(&self, key: K, value: V) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(key, value);
    }

    /// Whether it was kept.
    fn forget(&self, key: &K) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key).is_some()
    }
}
