//! Sending and reading, within limits.

use crate::environment::registries::is_this_machine;
use crate::environment::tls::trusting_this_machine;
use reqwest::{Client, ClientBuilder, RequestBuilder, Response, StatusCode};
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

const REDIRECTS_MAX: usize = 3;

/// How the API is asked.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    /// Address: [`OSV_URL`](super::OSV_URL), or another that answers like it.
    pub url: Url,
    /// Folder of the cache. `None`: nothing is kept.
    pub cache: Option<PathBuf>,
    /// Seconds for one request, to its last byte.
    pub request_s: u64,
    /// Requests at the same time.
    pub concurrency_max: usize,
    /// Attempts for one request: 429 and 5xx are tried again.
    pub attempts_max: u32,
    /// Seconds between two attempts. A server that asks for more is not waited for.
    pub wait_s_max: u64,
}

impl ApiSettings {
    /// The usual settings for the API at `url`.
    pub fn of(url: Url) -> Self {
        Self { url, cache: None, request_s: 20, concurrency_max: 8, attempts_max: 3, wait_s_max: 10 }
    }
}

/// Why it could not be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CouldNotAsk {
    /// No answer: name, connection, TLS.
    #[error("no connection: {0}")]
    Connection(String),
    /// No answer in time.
    #[error("no answer within {seconds} s")]
    Slow {
        /// The limit.
        seconds: u64,
    },
    /// An answer that is none.
    #[error("it answered {status}")]
    Status {
        /// The HTTP status.
        status: u16,
    },
    /// It answered 429, and wants to be left alone for longer than we wait.
    #[error("it asks to be left alone for {seconds} s")]
    Later {
        /// What it asks for.
        seconds: u64,
    },
    /// An answer that can't be read.
    #[error("its answer can't be read: {0}")]
    Unreadable(String),
    /// An answer that is too large.
    #[error("its answer has more than {bytes_max} bytes")]
    TooLarge {
        /// The limit.
        bytes_max: usize,
    },
}

/// A client of the OSV API.
#[derive(Debug)]
pub struct OsvApi {
    pub(super) client: Client,
    pub(super) settings: ApiSettings,
}

impl OsvApi {
    /// A client. Fails only where TLS can't be set up.
    pub fn new(settings: ApiSettings) -> Result<Self, CouldNotAsk> {
        let client = client_of(&settings.url)
            .timeout(Duration::from_secs(settings.request_s))
            .build()
            .map_err(|error| CouldNotAsk::Connection(error.to_string()))?;
        Ok(Self { client, settings })
    }

    pub(super) fn address(&self, path: &str) -> Url {
        let mut address = self.settings.url.clone();
        let base = address.path().trim_end_matches('/').to_owned();
        address.set_path(&format!("{base}/{path}"));
        address
    }

    /// Sends a request, again after 429 and 5xx, and reads its answer.
    pub(super) async fn send(
        &self,
        request: impl Fn() -> RequestBuilder,
        bytes_max: usize,
    ) -> Result<Vec<u8>, CouldNotAsk> {
        let mut attempt = 1;
        loop {
            let response = request().send().await.map_err(|error| reason(&error, self.settings.request_s))?;
            let status = response.status();
            if status.is_success() {
                return self.read(response, bytes_max).await;
            }
            let may_pass = status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
            if !may_pass || attempt >= self.settings.attempts_max {
                return Err(CouldNotAsk::Status { status: status.as_u16() });
            }
            let seconds = match retry_after(&response) {
                Some(seconds) if seconds > self.settings.wait_s_max => return Err(CouldNotAsk::Later { seconds }),
                Some(seconds) => seconds,
                None => u64::from(attempt).min(self.settings.wait_s_max),
            };
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            attempt += 1;
        }
    }

    async fn read(&self, mut response: Response, bytes_max: usize) -> Result<Vec<u8>, CouldNotAsk> {
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| reason(&error, self.settings.request_s))? {
            if bytes.len() + chunk.len() > bytes_max {
                return Err(CouldNotAsk::TooLarge { bytes_max });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}

/// What asks at `url`, and is sent to no other host.
pub(in super::super) fn client_of(url: &Url) -> ClientBuilder {
    let host = url.host_str().map(str::to_owned);
    let same_host = reqwest::redirect::Policy::custom(move |attempt| {
        let is_same = attempt.url().host_str() == host.as_deref();
        if is_same && attempt.previous().len() <= REDIRECTS_MAX { attempt.follow() } else { attempt.stop() }
    });
    let builder = trusting_this_machine(Client::builder());
    // A proxy elsewhere can't reach what runs on this machine.
    let builder = if is_this_machine(url) { builder.no_proxy() } else { builder };
    builder.redirect(same_host).user_agent(concat!("suture/", env!("CARGO_PKG_VERSION")))
}

/// Why there is no answer, or not the whole of it, within `seconds`.
pub(in super::super) fn reason(error: &reqwest::Error, seconds: u64) -> CouldNotAsk {
    if error.is_timeout() {
        return CouldNotAsk::Slow { seconds };
    }
    // The outer error only repeats the address.
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    CouldNotAsk::Connection(cause.to_string())
}

/// Seconds; a date is not understood, and the usual wait is taken.
fn retry_after(response: &Response) -> Option<u64> {
    response.headers().get(reqwest::header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
}
