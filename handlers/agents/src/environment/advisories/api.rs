//! The OSV API: which advisories match (`querybatch`), and what they say (`vulns/{id}`).
//!
//! Details are cached in a folder by id and time of change, so that a second scan asks only which advisories match. What
//! could not be asked is said, package by package: it is never taken for "nothing found".

use super::index::replace;
use super::{AdvisoryAnswer, Package};
use futures::stream::{self, StreamExt};
use jiff::Timestamp;
use pipeline::advisory::merge::Merger;
use pipeline::advisory::normalised_name;
use pipeline::advisory::osv::{OsvRecord, RECORD_BYTES_MAX};
use pipeline::ids::hash_of;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// Where OSV answers.
pub const OSV_URL: &str = "https://api.osv.dev";
/// Queries of one batch, as OSV allows.
const BATCH_QUERIES_MAX: usize = 1000;
/// Pages of one batch. What lies beyond is said to be missing.
const PAGES_MAX: usize = 50;
/// Bytes of one answer to a batch.
const ANSWER_BYTES_MAX: usize = 64 << 20;
const REDIRECTS_MAX: usize = 3;

/// How the API is asked.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    /// Address; by default [`OSV_URL`].
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
    client: Client,
    settings: ApiSettings,
}

#[derive(Serialize)]
struct Query {
    package: QueryPackage,
    #[serde(skip_serializing_if = "String::is_empty")]
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    page_token: Option<String>,
}

#[derive(Serialize)]
struct QueryPackage {
    name: String,
    ecosystem: String,
}

#[derive(Deserialize)]
struct BatchAnswer {
    results: Vec<QueryAnswer>,
}

#[derive(Deserialize, Default)]
struct QueryAnswer {
    #[serde(default)]
    vulns: Vec<Hit>,
    #[serde(default)]
    next_page_token: Option<String>,
}

/// An advisory that matches, and when it was last changed.
#[derive(Deserialize, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Hit {
    id: String,
    #[serde(default)]
    modified: String,
}

impl OsvApi {
    /// A client. Fails only where TLS can't be set up.
    pub fn new(settings: ApiSettings) -> Result<Self, CouldNotAsk> {
        let host = settings.url.host_str().map(str::to_owned);
        let same_host = reqwest::redirect::Policy::custom(move |attempt| {
            let is_same = attempt.url().host_str() == host.as_deref();
            if is_same && attempt.previous().len() <= REDIRECTS_MAX { attempt.follow() } else { attempt.stop() }
        });
        let client = Client::builder()
            .timeout(Duration::from_secs(settings.request_s))
            .redirect(same_host)
            .user_agent(concat!("suture/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| CouldNotAsk::Connection(error.to_string()))?;
        Ok(Self { client, settings })
    }

    /// The advisories that match `packages`; of a package without a version all that there are.
    pub(super) async fn advisories_of(&self, packages: &[Package], answer: &mut AdvisoryAnswer) {
        let wanted: BTreeSet<Package> = packages
            .iter()
            .map(|(ecosystem, name, version)| {
                (*ecosystem, normalised_name(*ecosystem, name).into_owned(), version.clone())
            })
            .collect();
        let wanted: Vec<Package> = wanted.into_iter().collect();
        let hits = self.hits(&wanted, answer).await;
        let ids: BTreeSet<&Hit> = hits.iter().flat_map(|(_, hits)| hits).collect();
        let details = stream::iter(ids).map(|hit| async move { (hit, self.detail(hit).await) });
        let details: Vec<_> = details.buffer_unordered(self.settings.concurrency_max.max(1)).collect().await;
        let mut merger = Merger::default();
        let mut missing = BTreeMap::new();
        for (hit, detail) in details {
            match detail {
                Ok(record) => merger.add(&record),
                Err(reason) => {
                    missing.insert(hit.id.as_str(), reason);
                }
            }
        }
        for merged in merger.finish() {
            if answer.is_asked(merged.ecosystem, &merged.name) {
                answer.add(merged.ecosystem, &merged.name, merged.advisory);
            }
        }
        for ((ecosystem, name, _), hits) in &hits {
            for (id, reason) in hits.iter().filter_map(|hit| missing.get_key_value(hit.id.as_str())) {
                answer.fail(*ecosystem, name, &format!("{id} of the OSV API could not be asked: {reason}"));
            }
        }
    }

    /// The ids that match each package. Packages that could not be asked are said in `answer`, the others are marked as asked.
    async fn hits<'a>(&self, packages: &'a [Package], answer: &mut AdvisoryAnswer) -> Vec<(&'a Package, BTreeSet<Hit>)> {
        let batches = stream::iter(packages.chunks(BATCH_QUERIES_MAX)).map(|batch| self.batch(batch));
        let batches: Vec<_> = batches.buffer_unordered(self.settings.concurrency_max.max(1)).collect().await;
        let mut found = Vec::new();
        for (package, hits, failed) in batches.into_iter().flatten() {
            answer.asked(package.0, &package.1);
            if let Some(reason) = failed {
                answer.fail(package.0, &package.1, &format!("the OSV API could not be asked: {reason}"));
            }
            found.push((package, hits));
        }
        found
    }

    /// Asks for one batch, page by page. What has been found before a failure stays found.
    async fn batch<'a>(&self, packages: &'a [Package]) -> Vec<(&'a Package, BTreeSet<Hit>, Option<CouldNotAsk>)> {
        let mut found: Vec<_> = packages.iter().map(|package| (package, BTreeSet::new(), None)).collect();
        let mut open: Vec<(usize, Option<String>)> = (0..packages.len()).map(|at| (at, None)).collect();
        let mut pages = 0;
        while !open.is_empty() {
            let answer = match pages {
                PAGES_MAX => Err(CouldNotAsk::Unreadable(format!("more than {PAGES_MAX} pages"))),
                _ => self.page(packages, &open).await,
            };
            pages += 1;
            match answer {
                Ok(results) => {
                    let mut next = Vec::new();
                    for ((at, token), result) in open.into_iter().zip(results) {
                        found[at].1.extend(result.vulns);
                        let page = result.next_page_token.filter(|page| !page.is_empty());
                        if page.is_some() && page == token {
                            found[at].2 = Some(CouldNotAsk::Unreadable("a page that leads to itself".to_owned()));
                        } else if page.is_some() {
                            next.push((at, page));
                        }
                    }
                    open = next;
                }
                Err(reason) => {
                    open.iter().for_each(|(at, _)| found[*at].2 = Some(reason.clone()));
                    break;
                }
            }
        }
        found
    }

    async fn page(&self, packages: &[Package], open: &[(usize, Option<String>)]) -> Result<Vec<QueryAnswer>, CouldNotAsk> {
        let query = |(at, page): &(usize, Option<String>)| {
            let (ecosystem, name, version) = packages.get(*at)?;
            let package = QueryPackage { name: name.clone(), ecosystem: ecosystem.to_string() };
            Some(Query { package, version: version.clone(), page_token: page.clone() })
        };
        let queries: Vec<_> = open.iter().filter_map(query).collect();
        let body = serde_json::json!({ "queries": queries });
        let bytes = self.send(|| self.client.post(self.address("v1/querybatch")).json(&body), ANSWER_BYTES_MAX).await?;
        let answer: BatchAnswer = serde_json::from_slice(&bytes).map_err(|error| CouldNotAsk::Unreadable(error.to_string()))?;
        if answer.results.len() != queries.len() {
            let reason = format!("{} results for {} queries", answer.results.len(), queries.len());
            return Err(CouldNotAsk::Unreadable(reason));
        }
        Ok(answer.results)
    }

    /// What an advisory says, from the cache or from the API.
    async fn detail(&self, hit: &Hit) -> Result<OsvRecord, CouldNotAsk> {
        let cached = self.settings.cache.as_ref().map(|cache| cache.join(cached_name(hit)));
        // Without a time of change nothing tells whether what is kept still holds.
        let cached = cached.filter(|_| hit.modified.parse::<Timestamp>().is_ok());
        if let Some(path) = &cached
            && let Ok(bytes) = tokio::fs::read(path).await
            && let Ok(record) = OsvRecord::parse(&bytes)
            && record.id == hit.id
        {
            return Ok(record);
        }
        let mut address = self.address("v1/vulns");
        if let Ok(mut segments) = address.path_segments_mut() {
            segments.push(&hit.id);
        }
        let bytes = self.send(|| self.client.get(address.clone()), RECORD_BYTES_MAX).await?;
        let record = OsvRecord::parse(&bytes).map_err(|error| CouldNotAsk::Unreadable(error.to_string()))?;
        if record.id != hit.id {
            return Err(CouldNotAsk::Unreadable(format!("it is about {}", record.id)));
        }
        if let Some(path) = cached {
            // A cache that can't be written costs time, not the answer.
            let written = tokio::task::spawn_blocking(move || replace(&path, &[&bytes])).await;
            if !matches!(written, Ok(Ok(()))) {
                tracing::debug!(advisory.id = %record.id, "the cache of advisories can't be written");
            }
        }
        Ok(record)
    }

    fn address(&self, path: &str) -> Url {
        let mut address = self.settings.url.clone();
        let base = address.path().trim_end_matches('/').to_owned();
        address.set_path(&format!("{base}/{path}"));
        address
    }

    /// Sends a request, again after 429 and 5xx, and reads its answer.
    async fn send(&self, request: impl Fn() -> RequestBuilder, bytes_max: usize) -> Result<Vec<u8>, CouldNotAsk> {
        let mut attempt = 1;
        loop {
            let response = request().send().await.map_err(|error| self.reason(&error))?;
            let status = response.status();
            if status.is_success() {
                return self.read(response, bytes_max).await;
            }
            let may_pass = status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
            if !may_pass || attempt >= self.settings.attempts_max {
                return Err(CouldNotAsk::Status { status: status.as_u16() });
            }
            let seconds = retry_after(&response).unwrap_or(u64::from(attempt));
            if seconds > self.settings.wait_s_max {
                return Err(CouldNotAsk::Later { seconds });
            }
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            attempt += 1;
        }
    }

    async fn read(&self, mut response: Response, bytes_max: usize) -> Result<Vec<u8>, CouldNotAsk> {
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.reason(&error))? {
            if bytes.len() + chunk.len() > bytes_max {
                return Err(CouldNotAsk::TooLarge { bytes_max });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    fn reason(&self, error: &reqwest::Error) -> CouldNotAsk {
        if error.is_timeout() {
            return CouldNotAsk::Slow { seconds: self.settings.request_s };
        }
        // The outer error only repeats the address.
        let mut cause: &dyn std::error::Error = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        CouldNotAsk::Connection(cause.to_string())
    }
}

/// Seconds; a date is not understood, and the usual wait is taken.
fn retry_after(response: &Response) -> Option<u64> {
    response.headers().get(reqwest::header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
}

/// Ids are foreign: they are hashed, not used as names.
fn cached_name(hit: &Hit) -> String {
    format!("{}.json", hash_of(&[&hit.id, &hit.modified]).chars().take(40).collect::<String>())
}

#[cfg(test)]
mod tests;
