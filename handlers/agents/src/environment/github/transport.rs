//! One request and its answer, within limits. Signing is done by octocrab for the App, by a header for a token.

use super::error::{GitHubError, server_time};
use super::settings::Identity;
use crate::environment::clock::Clock;
use crate::environment::open::OpenError;
use crate::environment::tls::trusting_this_machine;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Limited};
use jiff::Timestamp;
use octocrab::auth::{AppAuth, EncodingKey};
use octocrab::models::AppId;
use octocrab::service::middleware::base_uri::BaseUriLayer;
use octocrab::service::middleware::reqwest_connector::ReqwestConnector;
use octocrab::{AuthState, OctoBody, Octocrab, OctocrabBuilder};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::error::Error;
use std::time::Duration;
use url::Url;

/// A connection is made within this time.
const CONNECT_TIMEOUT_S: u64 = 10;
/// A whole answer is there within this time.
const REQUEST_TIMEOUT_S: u64 = 60;
/// Size of an answer, unpacked.
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// Redirects that are followed: a repository that was renamed has one.
const REDIRECTS_MAX: usize = 3;
/// The version of the API that answers are read as.
pub(super) const API_VERSION: (&str, &str) = ("x-github-api-version", "2022-11-28");
/// The kind of answer that is asked for.
pub(super) const ACCEPT: &str = "application/vnd.github+json";

/// By what a request is signed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Signer<'a> {
    /// The App's key.
    App,
    /// A token.
    Token(&'a SecretString),
    /// Nothing: whoever knows the address may ask.
    Nobody,
}

/// What is asked.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// Reads are `GET`s and `POST`s to GraphQL, everything else changes something.
    pub method: Method,
    /// Path and query below the base of the API, with a slash at the beginning.
    pub path: String,
    /// JSON.
    pub body: Option<Value>,
}

/// An answer, whatever its status.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Where it came from: another path than the one asked where there was a redirect.
    pub path: String,
    asked: String,
}

/// The way to one GitHub.
pub(super) struct Transport {
    /// Base address, with a slash at the end.
    pub api: Url,
    /// For what octocrab can't stream.
    pub http: reqwest::Client,
    clock: Clock,
    unsigned: Octocrab,
    graphql: Octocrab,
    app: Option<Octocrab>,
}

impl Asked {
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), body: None }
    }

    pub fn with(method: Method, path: impl Into<String>, body: Value) -> Self {
        Self { method, path: path.into(), body: Some(body) }
    }

    /// In words, without the query: a cursor says nothing.
    pub fn words(&self) -> String {
        format!("GitHub: {} {}", self.method, self.path.split('?').next().unwrap_or_default())
    }
}

impl Answer {
    /// The value in it.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, GitHubError> {
        serde_json::from_slice(&self.body).map_err(|error| GitHubError::Unusable {
            asked: self.asked.clone(),
            reason: format!("the answer is not what was expected: {error}"),
        })
    }

    /// A header as text.
    pub fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Itself where it is a success, else what is wrong.
    pub fn success(self, now: Timestamp) -> Result<Self, GitHubError> {
        if self.status.is_success() {
            return Ok(self);
        }
        Err(GitHubError::of(&self.asked, self.status, &self.headers, &self.body, now))
    }
}

impl Transport {
    /// Nobody is asked yet. It lives as long as the runtime it was made in.
    pub fn new(api: &Url, identity: Option<&Identity>) -> Result<Self, OpenError> {
        let wrong = |error: &dyn Error| OpenError(format!("GitHub: {}", causes(error)));
        let http = trusting_this_machine(reqwest::Client::builder())
            .user_agent(concat!("suture/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(Duration::from_secs(CONNECT_TIMEOUT_S))
            .timeout(Duration::from_secs(REQUEST_TIMEOUT_S))
            .build()
            .map_err(|error| wrong(&error))?;
        // Without octocrab's own layers: they send a second User-Agent, and ask again what fails.
        let client = |base: &Url, signer: AuthState| -> Result<Octocrab, OpenError> {
            let base = base.as_str().parse::<Uri>().map_err(|error| wrong(&error))?;
            let client = OctocrabBuilder::new_empty()
                .with_service(ReqwestConnector::new(http.clone()))
                .with_layer(&BaseUriLayer::new(base))
                .with_auth(signer)
                .build();
            client.map_err(|error| wrong(&error))
        };
        let app = match identity {
            Some(Identity::App { id, key }) => {
                let key = EncodingKey::from_rsa_pem(key.expose_secret().as_bytes());
                // The error of a key may repeat what it is.
                let key =
                    key.map_err(|_| OpenError("SUTURE_GITHUB_APP_KEY is not the PEM of an RSA key".to_owned()))?;
                Some(client(api, AuthState::App(AppAuth { app_id: AppId(*id), key }))?)
            }
            Some(Identity::Token(_)) | None => None,
        };
        // Of a GitHub Enterprise Server: `/api/graphql` beside `/api/v3/`. octocrab puts its base before absolute addresses too.
        let graphql = api.join(if api.path() == "/" { "" } else { "../" });
        Ok(Self {
            unsigned: client(api, AuthState::None)?,
            graphql: client(&graphql.map_err(|error| wrong(&error))?, AuthState::None)?,
            app,
            api: api.clone(),
            http,
            clock: Clock::System,
        })
    }

    /// The time by this machine.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Asks, and follows redirects on the same host: of writes only those that say that nothing was done yet.
    pub async fn ask(&self, signer: Signer<'_>, asked: &Asked, etag: Option<&str>) -> Result<Answer, GitHubError> {
        let mut now = asked.clone();
        for _ in 0..=REDIRECTS_MAX {
            let answer = self.exchange(signer, &now, etag).await?;
            let is_followed = match answer.status {
                StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => true,
                StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => now.method == Method::GET,
                _ => return Ok(answer),
            };
            let next = answer.header(header::LOCATION).and_then(|location| self.path_of(location));
            match next {
                Some(path) if is_followed => now.path = path,
                _ => {
                    let reason = "it redirects to where this can't be done".to_owned();
                    return Err(GitHubError::Unusable { asked: asked.words(), reason });
                }
            }
        }
        let reason = format!("more than {REDIRECTS_MAX} redirects");
        Err(GitHubError::Unusable { asked: asked.words(), reason })
    }

    /// Path and query of `address` below the base of the API. `None`: it is elsewhere.
    pub fn path_of(&self, address: &str) -> Option<String> {
        let url = self.api.join(address).ok().filter(|url| url.origin() == self.api.origin())?;
        let path = url.path().strip_prefix(self.api.path())?;
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        Some(format!("/{path}{query}"))
    }

    /// One request, and no redirect.
    pub async fn exchange(&self, signer: Signer<'_>, asked: &Asked, etag: Option<&str>) -> Result<Answer, GitHubError> {
        let words = asked.words();
        let unusable = |reason: String| GitHubError::Unusable { asked: words.clone(), reason };
        let mut request = Request::builder()
            .method(asked.method.clone())
            .uri(&asked.path)
            .header(header::ACCEPT, ACCEPT)
            .header(API_VERSION.0, API_VERSION.1);
        if let Some(etag) = etag {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        let client = match (signer, &self.app) {
            (Signer::App, Some(app)) => app,
            (Signer::App, None) => return Err(unusable("only an App may ask this".to_owned())),
            (Signer::Token(token), _) => {
                request = request.header(header::AUTHORIZATION, bearer(token).map_err(unusable)?);
                if asked.path == GRAPHQL { &self.graphql } else { &self.unsigned }
            }
            (Signer::Nobody, _) => &self.unsigned,
        };
        let body = asked.body.as_ref().map(Value::to_string);
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(OctoBody::empty, OctoBody::from);
        let request = request.body(body).map_err(|error| unusable(error.to_string()))?;
        let lost = |error: &dyn Error| GitHubError::TryLater {
            asked: words.clone(),
            reason: format!("no answer: {}", causes(error)),
            not_before: None,
        };
        let answer = client.execute(request).await.map_err(|error| lost(&error))?;
        let (parts, body) = answer.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() {
                return unusable(format!("the answer is over {ANSWER_BYTES_MAX} bytes"));
            }
            lost(error.as_ref())
        })?;
        let (status, headers, path) = (parts.status, parts.headers, asked.path.clone());
        Ok(Answer { status, headers, body: body.to_bytes(), path, asked: words })
    }

    /// The time of `answer` by GitHub's clock, else by this machine's.
    pub fn time_of(&self, answer: &Answer) -> Timestamp {
        server_time(&answer.headers).unwrap_or_else(|| self.now())
    }
}

/// The path by which GraphQL is asked.
pub(super) const GRAPHQL: &str = "/graphql";

/// The header that carries `token`, marked so that nobody prints it.
pub(super) fn bearer(token: &SecretString) -> Result<HeaderValue, String> {
    let value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()));
    let mut value = value.map_err(|_| "the token holds a character that HTTP can't carry".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

/// An error with its causes, in one line. Addresses may hold a token in their query, and are left out.
pub(in crate::environment) fn causes(error: &dyn Error) -> String {
    let mut said: Vec<String> = Vec::new();
    let mut cause = Some(error);
    while let Some(error) = cause {
        let words = error.to_string();
        let words = words.split(" for url (").next().unwrap_or_default().to_owned();
        if !said.iter().any(|one| one.contains(&words)) {
            said.push(words);
        }
        cause = error.source();
    }
    said.join(": ")
}
