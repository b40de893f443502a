//! Registries: what npm and PyPI say of packages, over HTTP.
//!
//! Nothing is asked and no client is made before the first question. Where to ask, and with which credentials, is the
//! matter of [`configuration`].

mod address;
mod body;
mod breaker;
mod cache;
pub mod configuration;
mod credentials;
mod fetch;
mod memo;
mod npm;
mod pypi;
mod python;
mod timestamp;
mod unavailable;

pub use address::{Address, Trust};
pub use configuration::{Configuration, ProjectAddresses, RegistrySettings, UserFiles};
pub(crate) use credentials::is_this_machine;
pub use pypi::normalised_name;
pub use unavailable::Unavailable;

use cache::Cache;
use fetch::{Fetcher, Question, Reply, Validators};
use memo::Memo;
use pipeline::facts::{Need, PackageFacts};
use pipeline::version::Ecosystem;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use url::Url;

/// How much registries may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a package's document, unpacked; over it the package has no facts. It is never held whole.
    pub document_bytes_max: u64,
    /// Bytes of a release's metadata file; over it its needs are unknown.
    pub metadata_bytes_max: u64,
    /// Seconds for one question with its whole answer, redirects included; then it counts as "try later".
    pub request_timeout_s: u64,
    /// Seconds for a connection; then the registry counts as not reachable.
    pub connect_timeout_s: u64,
    /// Requests at once; further ones wait.
    pub requests_at_once_max: usize,
    /// Redirects that one question may take.
    pub redirects_max: usize,
    /// Bytes of all answers kept on disk; over it the oldest go.
    pub cache_bytes_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            document_bytes_max: 128 << 20,
            metadata_bytes_max: 4 << 20,
            request_timeout_s: 60,
            connect_timeout_s: 10,
            requests_at_once_max: 8,
            redirects_max: 5,
            cache_bytes_max: 256 << 20,
        }
    }
}

/// What a registry knows of a package.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// The facts. Of PyPI, only the versions that were asked for have their needs.
    pub facts: PackageFacts,
    /// Versions whose needs were asked for and could not be learned, each with the reason: their `dependencies` are
    /// empty, which means nothing.
    pub needs_unknown: BTreeMap<String, String>,
}

/// The registries, as one client.
#[derive(Debug)]
pub struct Registries {
    configuration: Configuration,
    fetcher: Fetcher,
    cache: Option<Arc<Cache>>,
    documents: Memo<(Ecosystem, Url), PackageFacts>,
    projects: Memo<Url, pypi::Project>,
    needs: Memo<String, Vec<Need>>,
    is_offline: bool,
}

impl Registries {
    /// A client that keeps answers in `cache_folder`, where there is one. Nothing is asked yet.
    pub fn new(configuration: Configuration, cache_folder: Option<PathBuf>, limits: Limits) -> Self {
        let fetcher = Fetcher::new(
            limits,
            configuration.credentials.clone(),
            &configuration.user_urls,
            configuration.certificates.clone(),
        );
        let cache = cache_folder.map(|folder| Arc::new(Cache::new(folder, limits.cache_bytes_max)));
        Self {
            configuration,
            fetcher,
            cache,
            documents: Memo::default(),
            projects: Memo::default(),
            needs: Memo::default(),
            is_offline: false,
        }
    }

    /// A client that asks nobody.
    pub fn offline() -> Self {
        Self { is_offline: true, ..Self::new(Configuration::default(), None, Limits::default()) }
    }

    /// Whether nobody is asked because the user wants it so.
    pub fn is_offline(&self) -> bool {
        self.is_offline
    }

    /// What of the user's configuration is not followed, for people.
    pub fn notes(&self) -> &[String] {
        &self.configuration.notes
    }

    /// Everything known of `name`, as `project` would get it. Advisories are not part of it.
    ///
    /// `needs_of`: the versions whose needs are wanted; npm gives those of all anyway. A package is asked for once in
    /// the life of this client, after a failure again.
    pub async fn facts(
        &self,
        ecosystem: Ecosystem,
        name: &str,
        needs_of: &[String],
        project: &ProjectAddresses,
    ) -> Result<Answer, Unavailable> {
        if self.is_offline {
            return Err(Unavailable::Offline);
        }
        match ecosystem {
            Ecosystem::Npm => self.npm_facts(name, project).await,
            Ecosystem::PyPI => self.pypi_facts(&normalised_name(name), needs_of, project).await,
            other => Err(Unavailable::NoClient(other)),
        }
    }

    async fn npm_facts(&self, name: &str, project: &ProjectAddresses) -> Result<Answer, Unavailable> {
        let address = self.configuration.npm_address(name, project)?;
        let url = address.join(&npm::document_path(name))?;
        let document = self
            .documents
            .get((Ecosystem::Npm, url.clone()), || {
                let key = format!("npm {url}");
                self.kept(
                    key,
                    url.clone(),
                    address.trust,
                    npm::ACCEPT,
                    self.fetcher.limits.document_bytes_max,
                    |_, body| npm::read_packument(body),
                )
            })
            .await?;
        let mut facts = document.as_ref().clone();
        if let Some(written) = project.written_registry(name) {
            for release in &mut facts.releases {
                release.archive = release.archive.take().map(|archive| as_written(archive, &address, &written));
            }
        }
        Ok(Answer { facts, needs_unknown: BTreeMap::new() })
    }

    /// Asks for a document, or only whether what is kept of it still holds.
    async fn kept<T: Serialize + DeserializeOwned + Clone + Send + 'static>(
        &self,
        key: String,
        url: Url,
        trust: Trust,
        accept: &'static str,
        bytes_max: u64,
        read: impl FnOnce(&str, &mut dyn Read) -> Result<T, String> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let kept = self.cached::<T>(&key).await;
        let known = kept.as_ref().map(|(_, validators)| validators);
        let question = Question { url: url.clone(), trust, accept, bytes_max, known };
        match (self.fetcher.ask(question, read).await?, kept) {
            (Reply::Fresh { value, validators }, _) => {
                if validators != Validators::default() {
                    self.keep(key, &value, validators).await;
                }
                Ok(value)
            }
            (Reply::Unchanged, Some((value, _))) => Ok(value),
            (Reply::Unchanged, None) => {
                let address = address::without_secrets(&url).to_string();
                Err(Unavailable::Unusable {
                    address,
                    reason: "it answered 304 to a question without conditions".to_owned(),
                })
            }
        }
    }

    async fn cached<T: DeserializeOwned + Send + 'static>(&self, key: &str) -> Option<(T, Validators)> {
        let (cache, key) = (self.cache.clone()?, key.to_owned());
        tokio::task::spawn_blocking(move || cache.get(&key)).await.ok()?
    }

    async fn keep<T: Serialize + Clone + Send + 'static>(&self, key: String, value: &T, validators: Validators) {
        if let Some(cache) = self.cache.clone() {
            let value = value.clone();
            let _ = tokio::task::spawn_blocking(move || cache.put(&key, &value, &validators)).await;
        }
    }
}

/// An archive's address as the lockfile would write it: what lies in the registry that was asked is written in the
/// name of the one that the lockfile knows (a mirror is asked, the lockfile keeps its own).
fn as_written(archive: String, asked: &Address, written: &str) -> String {
    match archive.strip_prefix(asked.url().as_str()) {
        Some(below) => format!("{written}{below}"),
        None => archive,
    }
}

#[cfg(test)]
mod tests;
