//! Python packages: a page lists the releases, and each release says in a file of its own what it needs.

use super::fetch::{Question, Reply, Validators};
use super::{Address, Answer, ProjectAddresses, Registries, Trust, Unavailable, address, pypi};
use futures::StreamExt;
use pipeline::facts::Need;
use pipeline::version::{Ecosystem, Version};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;
use url::Url;

impl Registries {
    pub(super) async fn pypi_facts(
        &self,
        name: &str,
        needs_of: &[String],
        project: &ProjectAddresses,
    ) -> Result<Answer, Unavailable> {
        let address = self.configuration.pip_address(project)?;
        let page = self.pypi_project(&address, name).await?;
        let mut answer = Answer { facts: page.facts.clone(), needs_unknown: BTreeMap::new() };
        let trust = address.trust;
        let wanted: BTreeMap<String, usize> = needs_of.iter().filter_map(|version| spelled(&page, version)).collect();
        let asked = wanted.into_iter().map(|(version, at)| {
            let page = page.clone();
            async move {
                let needs = self.needs_of(&page, &version, trust).await;
                (version, at, needs)
            }
        });
        let mut asked = futures::stream::iter(asked).buffer_unordered(self.fetcher.limits.requests_at_once_max.max(1));
        while let Some((version, at, needs)) = asked.next().await {
            match needs {
                Ok(needs) => {
                    if let Some(release) = answer.facts.releases.get_mut(at) {
                        release.dependencies = needs.as_ref().clone();
                    }
                }
                Err(reason) => {
                    answer.needs_unknown.insert(version, reason.to_string());
                }
            }
        }
        Ok(answer)
    }

    async fn pypi_project(&self, address: &Address, name: &str) -> Result<Arc<pypi::Project>, Unavailable> {
        let url = address.join(&pypi::page_path(name))?;
        self.projects
            .get(url.clone(), || {
                let (page, name) = (url.clone(), name.to_owned());
                let read = move |kind: &str, body: &mut dyn Read| {
                    if kind.to_ascii_lowercase().contains("json") {
                        return pypi::read_json(body, &page, &name);
                    }
                    let mut text = String::new();
                    body.read_to_string(&mut text).map_err(|error| error.to_string())?;
                    Ok(pypi::read_html(&text, &page, &name))
                };
                self.kept(
                    format!("pypi {url}"),
                    url.clone(),
                    address.trust,
                    pypi::ACCEPT,
                    self.fetcher.limits.document_bytes_max,
                    read,
                )
            })
            .await
    }

    async fn needs_of(&self, page: &pypi::Project, version: &str, trust: Trust) -> Result<Arc<Vec<Need>>, Unavailable> {
        let Some(file) = page.metadata.get(version) else {
            return Err(Unavailable::NoMetadata { version: version.to_owned() });
        };
        self.needs.get(file.url.clone(), || self.metadata(file, trust)).await
    }

    /// Reads a metadata file. It never changes, so what is kept of it needs no asking.
    async fn metadata(&self, file: &pypi::MetadataFile, trust: Trust) -> Result<Vec<Need>, Unavailable> {
        let url = Url::parse(&file.url)
            .map_err(|error| Unavailable::Unusable { address: "the metadata".to_owned(), reason: error.to_string() })?;
        let key = format!("metadata {}", address::without_secrets(&url));
        if let Some((needs, _)) = self.cached(&key).await {
            return Ok(needs);
        }
        let expected = if let pypi::Metadata::Present(hash) = &file.metadata { hash.clone() } else { None };
        let read = move |_: &str, body: &mut dyn Read| {
            let mut bytes = Vec::new();
            body.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
            if expected.is_some_and(|expected| hex::encode(Sha256::digest(&bytes)) != expected) {
                return Err("it is not the metadata file whose hash the index gives".to_owned());
            }
            Ok(pypi::read_requires_dist(&String::from_utf8_lossy(&bytes)))
        };
        let question =
            Question { url, trust, accept: "*/*", bytes_max: self.fetcher.limits.metadata_bytes_max, known: None };
        match self.fetcher.ask(question, read).await? {
            Reply::Fresh { value, .. } => {
                self.keep(key, &value, Validators::default()).await;
                Ok(value)
            }
            Reply::Unchanged => Ok(Vec::new()),
        }
    }
}

/// The version of `page` that equals `version`, as the page spells it, and its place.
fn spelled(page: &pypi::Project, version: &str) -> Option<(String, usize)> {
    let wanted = Version::parse(Ecosystem::PyPI, version).ok()?;
    let at = page.facts.releases.iter().position(|release| {
        release.version == version
            || Version::parse(Ecosystem::PyPI, &release.version).is_ok_and(|known| known == wanted)
    })?;
    Some((page.facts.releases.get(at)?.version.clone(), at))
}
