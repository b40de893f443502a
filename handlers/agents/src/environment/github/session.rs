//! Asking as somebody: with a token that fits, answers that are kept, pages that are bounded, writes that are counted.

use super::error::{GitHubError, found};
use super::memory::Memory;
use super::scope::Scope;
use super::settings::{GitHubSettings, Identity};
use super::tokens::{Purpose, Tokens};
use super::transport::{Answer, Asked, GRAPHQL, Signer, Transport};
use crate::environment::effects::Effects;
use crate::environment::open::OpenError;
use http::{Method, StatusCode, header};
use pipeline::ids::RepoName;
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::OnceLock;

/// Entries of a page; GitHub gives no more.
pub(super) const PAGE_LENGTH: usize = 100;

/// As whom is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Who {
    /// The App itself.
    App,
    /// The user whose token the operator set.
    User,
    /// With a token for this, or the operator's own.
    For(Purpose),
}

/// What a list holds, as far as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// In GitHub's order.
    pub items: Vec<T>,
    /// Whether there were more than are read.
    pub is_cut: bool,
}

/// One GitHub, asked by one identity.
pub(super) struct Session {
    pub settings: GitHubSettings,
    pub transport: Transport,
    pub effects: Effects,
    tokens: Tokens,
    memory: Memory,
    login: OnceLock<String>,
}

impl Who {
    pub fn of(name: &RepoName, scope: Scope) -> Self {
        Self::For(Purpose::Repository(name.clone(), scope))
    }
}

impl Session {
    pub fn new(settings: GitHubSettings, effects: Effects) -> Result<Self, OpenError> {
        let transport = Transport::new(&settings.api, Some(&settings.identity))?;
        let (tokens, memory) = (Tokens::default(), Memory::default());
        Ok(Self { settings, transport, effects, tokens, memory, login: OnceLock::new() })
    }

    /// Asks. A token that is no longer accepted is renewed once: what was refused for it was not done.
    pub async fn ask(&self, who: &Who, asked: &Asked) -> Result<Answer, GitHubError> {
        let key = (asked.method == Method::GET).then(|| format!("{who:?} {}", asked.path));
        let known = key.as_ref().and_then(|key| self.memory.get(key));
        let etag = known.as_ref().map(|(etag, _)| etag.as_str());
        let mut answer = self.signed(who, asked, etag).await?;
        if let (StatusCode::UNAUTHORIZED, Who::For(purpose), Identity::App { .. }) =
            (answer.status, who, &self.settings.identity)
        {
            self.tokens.forget(purpose);
            answer = self.signed(who, asked, etag).await?;
        }
        if let (StatusCode::NOT_MODIFIED, Some((_, mut kept))) = (answer.status, known) {
            // The time is that of now; what is not said again stays.
            kept.headers.extend(answer.headers);
            return Ok(kept);
        }
        let answer = answer.success(self.transport.now())?;
        if let Some(key) = key {
            self.memory.keep(key, &answer);
        }
        Ok(answer)
    }

    async fn signed(&self, who: &Who, asked: &Asked, etag: Option<&str>) -> Result<Answer, GitHubError> {
        let token = match (who, &self.settings.identity) {
            (Who::App, _) => return self.transport.ask(Signer::App, asked, etag).await,
            (Who::User, Identity::Token(token)) => token.clone(),
            (Who::User, Identity::App { .. }) => {
                let reason = "only a user may ask this".to_owned();
                return Err(GitHubError::Unusable { asked: asked.words(), reason });
            }
            (Who::For(purpose), _) => self.token(purpose).await?,
        };
        self.transport.ask(Signer::Token(&token), asked, etag).await
    }

    /// The token for `purpose`; where the operator set one, that.
    pub async fn token(&self, purpose: &Purpose) -> Result<SecretString, GitHubError> {
        match &self.settings.identity {
            Identity::Token(token) => Ok(token.clone()),
            Identity::App { .. } => self.tokens.get(&self.transport, purpose).await,
        }
    }

    /// The token for `purpose`, after the one that there was is no longer accepted.
    pub async fn renewed(&self, purpose: &Purpose) -> Result<SecretString, GitHubError> {
        self.tokens.forget(purpose);
        self.token(purpose).await
    }

    /// Asks for something to be changed. `effect` names it to those who count.
    pub async fn write(&self, who: &Who, asked: &Asked, effect: &str) -> Result<Answer, GitHubError> {
        self.effects.permit()?;
        let answer = self.ask(who, asked).await?;
        self.effects.done(format!("github {effect}"));
        Ok(answer)
    }

    /// The value at `path`.
    pub async fn get<T: DeserializeOwned>(&self, who: &Who, path: String) -> Result<T, GitHubError> {
        self.ask(who, &Asked::get(path)).await?.json()
    }

    /// The value at `path`, where it is there.
    pub async fn find<T: DeserializeOwned>(&self, who: &Who, path: String) -> Result<Option<T>, GitHubError> {
        found(self.get(who, path).await)
    }

    /// A list, page by page. `key` is where the items are, if they are not the whole answer; no page is read after `until` says so.
    pub async fn list<T: DeserializeOwned>(
        &self,
        who: &Who,
        path: String,
        key: Option<&str>,
        pages_max: usize,
        until: impl Fn(&T) -> bool,
    ) -> Result<Listed<T>, GitHubError> {
        let separator = if path.contains('?') { '&' } else { '?' };
        let mut next = Some(format!("{path}{separator}per_page={PAGE_LENGTH}"));
        let mut items = Vec::new();
        for _ in 0..pages_max {
            let Some(path) = next.take() else { break };
            let answer = self.ask(who, &Asked::get(path)).await?;
            let page: Vec<T> = match key {
                None => answer.json()?,
                Some(key) => {
                    let mut value: Value = answer.json()?;
                    let found = value.get_mut(key).map(Value::take).unwrap_or_default();
                    serde_json::from_value(found).map_err(|error| GitHubError::Unusable {
                        asked: Asked::get(answer.path.clone()).words(),
                        reason: format!("the list is not what was expected: {error}"),
                    })?
                }
            };
            let is_enough = page.iter().any(&until);
            items.extend(page);
            if is_enough {
                break;
            }
            next = answer.header(header::LINK).and_then(next_of).and_then(|address| self.transport.path_of(address));
        }
        Ok(Listed { items, is_cut: next.is_some() })
    }

    /// Asks GraphQL for a change. GitHub answers 200 whatever happens: what went wrong is in the answer.
    pub async fn mutate(&self, who: &Who, mutation: &str, input: Value, effect: &str) -> Result<(), GitHubError> {
        #[derive(Deserialize)]
        struct Errors {
            #[serde(default)]
            errors: Vec<Wrong>,
        }
        #[derive(Deserialize)]
        struct Wrong {
            #[serde(default, rename = "type")]
            kind: String,
            #[serde(default)]
            message: String,
        }
        self.effects.permit()?;
        let asked = Asked::with(Method::POST, GRAPHQL, json!({ "query": mutation, "variables": { "input": input } }));
        let answer = self.ask(who, &asked).await?;
        let Some(wrong) = answer.json::<Errors>()?.errors.into_iter().next() else {
            self.effects.done(format!("github {effect}"));
            return Ok(());
        };
        let status = match wrong.kind.as_str() {
            "RATE_LIMITED" => StatusCode::TOO_MANY_REQUESTS,
            "FORBIDDEN" => StatusCode::FORBIDDEN,
            "NOT_FOUND" => StatusCode::NOT_FOUND,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        let words = json!({ "message": wrong.message }).to_string();
        let asked = format!("GitHub: {effect}");
        Err(GitHubError::of(&asked, status, &answer.headers, words.as_bytes(), self.transport.now()))
    }

    /// The login by which what we make is known: the App's bot, or the token's user.
    pub async fn login(&self, name: &RepoName) -> Result<String, GitHubError> {
        #[derive(Deserialize)]
        struct User {
            login: String,
        }
        #[derive(Deserialize)]
        struct App {
            slug: String,
        }
        if let Some(login) = self.login.get() {
            return Ok(login.clone());
        }
        let login = match &self.settings.identity {
            Identity::App { .. } => format!("{}[bot]", self.get::<App>(&Who::App, "/app".to_owned()).await?.slug),
            Identity::Token(_) => self.get::<User>(&Who::of(name, Scope::Read), "/user".to_owned()).await?.login,
        };
        Ok(self.login.get_or_init(|| login).clone())
    }
}

/// The address of the next page in a `Link` header.
fn next_of(link: &str) -> Option<&str> {
    link.split(',').find_map(|part| {
        let (address, attributes) = part.split_once(';')?;
        let address = address.trim().strip_prefix('<')?.strip_suffix('>')?;
        attributes.split(';').any(|attribute| attribute.trim() == "rel=\"next\"").then_some(address)
    })
}
