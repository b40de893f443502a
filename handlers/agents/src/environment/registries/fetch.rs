//! One question to a registry: bounded in time, size and number, with credentials only where they belong.

use super::Limits;
use super::address::{Trust, may_be_resolved_to, refusal_of_foreign, without_secrets};
use super::body::read_body;
use super::breaker::Breaker;
use super::credentials::{Credentials, is_this_machine};
use super::unavailable::Unavailable;
use crate::environment::tls::trusting_this_machine;
use reqwest::dns::{Name, Resolve, Resolving};
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Response, StatusCode};
use std::collections::HashSet;
use std::error::Error;
use std::io::Read;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use url::Url;

/// What lets a registry say "unchanged".
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Validators {
    /// As the registry wrote it.
    pub(super) etag: Option<String>,
    /// As the registry wrote it.
    pub(super) last_modified: Option<String>,
}

/// What is asked.
pub(super) struct Question<'a> {
    pub(super) url: Url,
    /// Whose word the address stands on: that of the registry which named it counts as that of whoever named the registry.
    pub(super) trust: Trust,
    pub(super) accept: &'static str,
    pub(super) bytes_max: u64,
    pub(super) known: Option<&'a Validators>,
}

/// The answer.
pub(super) enum Reply<T> {
    /// What `read` made of the body.
    Fresh { value: T, validators: Validators },
    /// What is known is still so.
    Unchanged,
}

/// The HTTP client with its manners. Nothing is set up before the first question.
#[derive(Debug)]
pub(super) struct Fetcher {
    client: OnceLock<Result<reqwest::Client, String>>,
    /// For registries on this machine, which a proxy elsewhere can't reach.
    direct_client: OnceLock<Result<reqwest::Client, String>>,
    pub(super) limits: Limits,
    permits: Semaphore,
    credentials: Credentials,
    /// Scheme, host and port of every address that the user's own configuration names.
    user_origins: HashSet<url::Origin>,
    /// Certificates of the user's own authorities, PEM.
    certificates: Vec<Vec<u8>>,
    watched: Arc<Watched>,
    breaker: Breaker,
}

impl Fetcher {
    pub(super) fn new(limits: Limits, credentials: Credentials, user_urls: &[Url], certificates: Vec<Vec<u8>>) -> Self {
        Self {
            client: OnceLock::new(),
            direct_client: OnceLock::new(),
            permits: Semaphore::new(limits.requests_at_once_max.max(1)),
            limits,
            credentials,
            user_origins: user_urls.iter().map(Url::origin).collect(),
            certificates,
            watched: Arc::default(),
            breaker: Breaker::default(),
        }
    }

    /// Asks, and lets `read` make a value of the body while it comes in, on a thread of its own.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: Question<'_>,
        read: impl FnOnce(&str, &mut dyn Read) -> Result<T, String> + Send + 'static,
    ) -> Result<Reply<T>, Unavailable> {
        let address = without_secrets(&question.url).to_string();
        let deadline = Duration::from_secs(self.limits.request_timeout_s);
        let Ok(_permit) = self.permits.acquire().await else {
            return Err(Unavailable::Unreachable { address, reason: "shutting down".to_owned() });
        };
        let origin = question.url.origin();
        if let Some(failure) = self.breaker.is_down(&origin) {
            return Err(failure);
        }
        let reply = tokio::time::timeout(deadline, self.ask_in_time(question, read)).await.unwrap_or_else(|_| {
            let reason = format!("no whole answer within {} s", self.limits.request_timeout_s);
            Err(Unavailable::TryLater { address, reason, retry_after_s: None })
        });
        self.breaker.note(origin, reply.as_ref().err());
        reply
    }

    async fn ask_in_time<T: Send + 'static>(
        &self,
        question: Question<'_>,
        read: impl FnOnce(&str, &mut dyn Read) -> Result<T, String> + Send + 'static,
    ) -> Result<Reply<T>, Unavailable> {
        let (response, url) = self.follow(&question).await?;
        let address = || without_secrets(&url).to_string();
        match response.status() {
            StatusCode::NOT_MODIFIED if question.known.is_some() => Ok(Reply::Unchanged),
            StatusCode::OK => {
                let text = |name: HeaderName| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
                let validators = Validators { etag: text(header::ETAG), last_modified: text(header::LAST_MODIFIED) };
                let kind = text(header::CONTENT_TYPE).unwrap_or_default();
                let value = read_body(response, question.bytes_max, address(), move |body| read(&kind, body)).await?;
                Ok(Reply::Fresh { value, validators })
            }
            StatusCode::NOT_FOUND | StatusCode::GONE => Err(Unavailable::NoSuchPackage { address: address() }),
            status => {
                let retry_after_s = retry_after_s(response.headers());
                let is_passing = status.is_server_error()
                    || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
                    || (status == StatusCode::FORBIDDEN && retry_after_s.is_some());
                if is_passing {
                    let reason = format!("it answered {}", status.as_u16());
                    return Err(Unavailable::TryLater { address: address(), reason, retry_after_s });
                }
                if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
                    let hint = self.hint(&url);
                    return Err(Unavailable::Denied { address: address(), status: status.as_u16(), hint });
                }
                let reason = format!("it answered {}", status.as_u16());
                Err(Unavailable::Unusable { address: address(), reason })
            }
        }
    }

    /// Sends, and follows redirects itself: each step is checked, and another origin gets no credentials.
    async fn follow(&self, question: &Question<'_>) -> Result<(Response, Url), Unavailable> {
        let mut url = question.url.clone();
        let mut trust = question.trust;
        for _ in 0..=self.limits.redirects_max {
            if trust == Trust::Project {
                self.check(&url)?;
            }
            trust = Trust::Project;
            let response = self.send(&url, question).await?;
            let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
            let next = location.and_then(|location| url.join(location).ok());
            let (true, Some(next)) = (response.status().is_redirection(), next) else {
                return Ok((response, url));
            };
            if url.scheme() == "https" && next.scheme() != "https" {
                return Err(refused(&next, "it is a redirect from https to plain http"));
            }
            url = next;
        }
        let reason = format!("more than {} redirects", self.limits.redirects_max);
        Err(Unavailable::Unusable { address: without_secrets(&question.url).to_string(), reason })
    }

    /// Whether `url` may be asked: it is on a host that the user configured, or looks public.
    fn check(&self, url: &Url) -> Result<(), Unavailable> {
        if self.user_origins.contains(&url.origin()) {
            return Ok(());
        }
        if let Some(reason) = refusal_of_foreign(url) {
            let reason = format!("{reason}; if it is meant, name it in SUTURE_NPM_REGISTRY or SUTURE_PIP_INDEX_URL");
            return Err(refused(url, &reason));
        }
        let host = url.host_str().unwrap_or_default();
        // A user's own host may resolve to a private address, so its other ports can't be left to the resolver's check.
        if self
            .user_origins
            .iter()
            .any(|origin| matches!(origin, url::Origin::Tuple(_, known, _) if known.to_string() == host))
        {
            return Err(refused(url, "a project names another port of a host in your configuration"));
        }
        self.watched.0.lock().unwrap_or_else(PoisonError::into_inner).insert(host.to_owned());
        Ok(())
    }

    async fn send(&self, url: &Url, question: &Question<'_>) -> Result<Response, Unavailable> {
        let unreachable =
            |reason: String| Unavailable::Unreachable { address: without_secrets(url).to_string(), reason };
        let is_here = is_this_machine(url);
        let client = if is_here { &self.direct_client } else { &self.client };
        let client =
            client.get_or_init(|| self.client(is_here)).as_ref().map_err(|reason| unreachable(reason.clone()))?;
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static(question.accept));
        let known = |text: &Option<String>| HeaderValue::from_str(text.as_deref()?).ok();
        if let Some(validators) = question.known {
            headers.extend(known(&validators.etag).map(|etag| (header::IF_NONE_MATCH, etag)));
            headers.extend(known(&validators.last_modified).map(|time| (header::IF_MODIFIED_SINCE, time)));
        }
        // Else a project's registry could have us read the user's own with the user's credential.
        let is_asked = url.origin() == question.url.origin();
        if let Some((authorization, setting)) = self.credentials.authorization(url).filter(|_| is_asked) {
            let mut value = HeaderValue::from_str(authorization).map_err(|_| {
                unreachable(format!("the credential in {setting} holds a character that HTTP can't carry"))
            })?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        client.get(without_user(url)).headers(headers).send().await.map_err(|error| {
            // Connected, and then no answer: it is there, but not well.
            let is_there = !error.is_connect() && !error.is_builder();
            let reason = causes(&error.without_url());
            if is_there {
                let address = without_secrets(url).to_string();
                return Unavailable::TryLater { address, reason, retry_after_s: None };
            }
            unreachable(reason)
        })
    }

    fn client(&self, is_direct: bool) -> Result<reqwest::Client, String> {
        let mut own = Vec::new();
        for pem in &self.certificates {
            own.extend(reqwest::Certificate::from_pem_bundle(pem).map_err(|error| causes(&error))?);
        }
        let builder = reqwest::Client::builder();
        let builder = if own.is_empty() { trusting_this_machine(builder) } else { builder.tls_certs_merge(own) };
        let builder = if is_direct { builder.no_proxy() } else { builder };
        builder
            .user_agent(concat!("suture/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(Duration::from_secs(self.limits.connect_timeout_s))
            .dns_resolver(self.watched.clone())
            .build()
            .map_err(|error| causes(&error))
    }

    fn hint(&self, url: &Url) -> String {
        match self.credentials.authorization(url) {
            Some((_, setting)) => format!("the credential in {setting} is not accepted"),
            None if self.credentials.know_host(url) => {
                "a credential of yours for this host is bound to another port, path or scheme".to_owned()
            }
            None => {
                "it wants a credential: put one for this address into your ~/.npmrc, pip.conf or ~/.netrc".to_owned()
            }
        }
    }
}

/// Resolves names; those on which only a project's word stands never to this machine or its link.
///
/// Private networks stay allowed: many companies resolve a public name to a mirror of their own, and a host that was not
/// meant can't prove the name by its certificate.
#[derive(Debug, Default)]
struct Watched(Mutex<HashSet<String>>);

impl Resolve for Watched {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let is_watched = self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&host);
        Box::pin(async move {
            let all = tokio::net::lookup_host((host.as_str(), 0)).await?;
            let fitting: Vec<_> = all.filter(|address| !is_watched || may_be_resolved_to(address.ip())).collect();
            if fitting.is_empty() {
                return Err(format!("{host} stands for this machine or its link, and only a project names it").into());
            }
            let addresses: reqwest::dns::Addrs = Box::new(fitting.into_iter());
            Ok(addresses)
        })
    }
}

/// How long the registry wants to be left alone: seconds, or a time held against the answer's own `Date`.
fn retry_after_s(headers: &HeaderMap) -> Option<u64> {
    const RETRY_AFTER_S_MAX: u64 = 24 * 3600;
    let text = |name: HeaderName| headers.get(name)?.to_str().ok();
    let written = text(header::RETRY_AFTER)?.trim();
    let seconds = written.parse().ok().or_else(|| {
        let at = |text: &str| Some(jiff::fmt::rfc2822::parse(text).ok()?.timestamp().as_second());
        u64::try_from(at(written)?.saturating_sub(at(text(header::DATE)?)?)).ok()
    })?;
    Some(seconds.min(RETRY_AFTER_S_MAX))
}

fn refused(url: &Url, reason: &str) -> Unavailable {
    Unavailable::Refused { address: without_secrets(url).to_string(), reason: reason.to_owned() }
}

/// reqwest would make a header of a user in the URL.
fn without_user(url: &Url) -> Url {
    let mut clean = without_secrets(url);
    clean.set_query(url.query());
    clean
}

/// An error with its causes, in one line.
pub(super) fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}
