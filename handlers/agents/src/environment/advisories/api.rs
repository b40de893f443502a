//! The OSV API: which advisories match (`querybatch`), and what they say (`vulns/{id}`).
//!
//! Details are cached in a folder by id and time of change, so that a second scan asks only which advisories match. What
//! could not be asked is said, package by package: it is never taken for "nothing found".

pub(super) mod transport;

pub use transport::{ApiSettings, CouldNotAsk, OsvApi};

use super::index::replace;
use super::{AdvisoryAnswer, Package};
use futures::stream::{self, StreamExt};
use jiff::Timestamp;
use pipeline::advisory::merge::Merger;
use pipeline::advisory::normalised_name;
use pipeline::advisory::osv::{OsvRecord, RECORD_BYTES_MAX};
use pipeline::ids::hash_of;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Where OSV answers.
pub const OSV_URL: &str = "https://api.osv.dev";
/// Queries of one batch, as OSV allows.
const BATCH_QUERIES_MAX: usize = 1000;
/// Pages of one batch. What lies beyond is said to be missing.
const PAGES_MAX: usize = 50;
/// Bytes of one answer to a batch.
const ANSWER_BYTES_MAX: usize = 64 << 20;

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
    /// `null` and `{}` are "nothing matches".
    results: Vec<Option<QueryAnswer>>,
}

#[derive(Deserialize, Default)]
struct QueryAnswer {
    #[serde(default)]
    vulns: Option<Vec<Hit>>,
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
    /// The advisories that match `packages`; of a package without a version all that there are.
    pub(super) async fn advisories_of(&self, packages: &[Package<'_>], answer: &mut AdvisoryAnswer) {
        let names: Vec<_> = packages.iter().map(|(ecosystem, name, _)| normalised_name(*ecosystem, name)).collect();
        let wanted: BTreeSet<Package<'_>> = packages
            .iter()
            .zip(&names)
            .map(|((ecosystem, _, version), name)| (*ecosystem, name.as_ref(), *version))
            .collect();
        let wanted: Vec<Package<'_>> = wanted.into_iter().collect();
        let hits = self.hits(&wanted, answer).await;
        let ids: BTreeSet<&Hit> = hits.iter().flat_map(|(_, hits)| hits).collect();
        let details = stream::iter(ids).map(|hit| async move { (hit, self.detail(hit).await) });
        let details: Vec<_> = details.buffer_unordered(self.settings.concurrency_max.max(1)).collect().await;
        let mut merger = Merger::default();
        let mut missing = BTreeMap::new();
        let mut withdrawn = BTreeSet::new();
        for (hit, detail) in details {
            match detail {
                Ok(record) => {
                    withdrawn.extend(record.withdrawn.then_some(hit.id.as_str()));
                    merger.add(&record);
                }
                Err(reason) => {
                    missing.insert(hit.id.as_str(), format!("could not be asked: {reason}"));
                }
            }
        }
        for merged in merger.finish() {
            if answer.is_asked(merged.ecosystem, &merged.name) {
                answer.add(merged.ecosystem, &merged.name, merged.advisory);
            }
        }
        for ((ecosystem, name, _), hits) in &hits {
            for id in hits.iter().map(|hit| hit.id.as_str()).filter(|id| !withdrawn.contains(id)) {
                let is_known = answer.known(*ecosystem, name).iter().any(|advisory| advisory.id == id);
                let reason = missing.get(id).map(String::as_str).unwrap_or("says nothing of it that can be read");
                if !is_known {
                    answer.fail(*ecosystem, name, &format!("{id} of the OSV API {reason}"));
                }
            }
        }
    }

    /// The ids that match each package. Packages that could not be asked are said in `answer`, the others are marked as asked.
    async fn hits<'a>(
        &self,
        packages: &'a [Package<'a>],
        answer: &mut AdvisoryAnswer,
    ) -> Vec<(&'a Package<'a>, BTreeSet<Hit>)> {
        let batches = stream::iter(packages.chunks(BATCH_QUERIES_MAX)).map(|batch| self.batch(batch));
        let batches: Vec<_> = batches.buffer_unordered(self.settings.concurrency_max.max(1)).collect().await;
        let mut found = Vec::new();
        for (package, hits, failed) in batches.into_iter().flatten() {
            answer.asked(package.0, package.1);
            if let Some(reason) = failed {
                answer.fail(package.0, package.1, &format!("the OSV API could not be asked: {reason}"));
            }
            found.push((package, hits));
        }
        found
    }

    /// Asks for one batch, page by page. What has been found before a failure stays found.
    async fn batch<'a>(
        &self,
        packages: &'a [Package<'a>],
    ) -> Vec<(&'a Package<'a>, BTreeSet<Hit>, Option<CouldNotAsk>)> {
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
                        found[at].1.extend(result.vulns.into_iter().flatten());
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

    async fn page(
        &self,
        packages: &[Package<'_>],
        open: &[(usize, Option<String>)],
    ) -> Result<Vec<QueryAnswer>, CouldNotAsk> {
        let query = |(at, page): &(usize, Option<String>)| {
            let (ecosystem, name, version) = packages.get(*at)?;
            let package = QueryPackage { name: (*name).to_owned(), ecosystem: ecosystem.to_string() };
            Some(Query { package, version: (*version).to_owned(), page_token: page.clone() })
        };
        let queries: Vec<_> = open.iter().filter_map(query).collect();
        let body = serde_json::json!({ "queries": queries });
        let bytes = self.send(|| self.client.post(self.address("v1/querybatch")).json(&body), ANSWER_BYTES_MAX).await?;
        let answer: BatchAnswer =
            serde_json::from_slice(&bytes).map_err(|error| CouldNotAsk::Unreadable(error.to_string()))?;
        if answer.results.len() != queries.len() {
            let reason = format!("{} results for {} queries", answer.results.len(), queries.len());
            return Err(CouldNotAsk::Unreadable(reason));
        }
        Ok(answer.results.into_iter().map(Option::unwrap_or_default).collect())
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
}

/// Ids are foreign: they are hashed, not used as names.
fn cached_name(hit: &Hit) -> String {
    format!("{}.json", hash_of(&[&hit.id, &hit.modified]).chars().take(40).collect::<String>())
}

#[cfg(test)]
mod tests;
