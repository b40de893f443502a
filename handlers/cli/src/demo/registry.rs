//! Recorded answers of npm and PyPI, served over HTTP: the demo asks them as it would ask real registries.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// What `record.py` writes, one package a line.
const NPM: &str = include_str!("recorded/npm.json");
const PYPI: &str = include_str!("recorded/pypi.json");

/// A registry of recorded answers on this machine's loopback. It ends when this is dropped.
#[derive(Debug)]
pub struct RecordedRegistry {
    address: SocketAddr,
    server: tokio::task::JoinHandle<io::Result<()>>,
}

/// The recording, borrowed from the program itself.
struct Recording {
    npm: BTreeMap<&'static str, &'static RawValue>,
    pypi: BTreeMap<&'static str, Project>,
}

#[derive(Deserialize)]
struct Project {
    #[serde(borrow)]
    page: &'static RawValue,
    /// By version.
    metadata: BTreeMap<String, String>,
}

impl RecordedRegistry {
    /// Starts to serve, on a port that the system chooses. Needs a tokio runtime.
    pub async fn start() -> io::Result<Self> {
        let recording = Recording { npm: serde_json::from_str(NPM)?, pypi: serde_json::from_str(PYPI)? };
        let router = Router::new()
            .route("/npm/{*name}", get(packument))
            .route("/simple/{name}/", get(page))
            .route("/files/{name}", get(metadata))
            .with_state(Arc::new(recording));
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let server = tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, server })
    }

    /// What to set as `SUTURE_NPM_REGISTRY`.
    pub fn npm(&self) -> String {
        format!("http://{}/npm/", self.address)
    }

    /// What to set as `SUTURE_PIP_INDEX_URL`.
    pub fn pip_index(&self) -> String {
        format!("http://{}/simple/", self.address)
    }
}

impl Drop for RecordedRegistry {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn packument(State(recording): State<Arc<Recording>>, Path(name): Path<String>) -> Response {
    match recording.npm.get(name.as_str()) {
        Some(document) => ([(CONTENT_TYPE, "application/json")], document.get()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn page(State(recording): State<Arc<Recording>>, Path(name): Path<String>) -> Response {
    let Some(project) = recording.pypi.get(name.as_str()) else { return StatusCode::NOT_FOUND.into_response() };
    // Archives lie beside the index: their metadata is asked of the same server.
    let page = project.page.get().replace("https://registry.example/files/", "/files/");
    ([(CONTENT_TYPE, "application/vnd.pypi.simple.v1+json")], page).into_response()
}

/// Metadata of a wheel, by the wheel's name and `.metadata`. The archives themselves are not recorded.
async fn metadata(State(recording): State<Arc<Recording>>, Path(name): Path<String>) -> Response {
    let wheel = name.strip_suffix(".metadata").and_then(|name| name.strip_suffix(".whl"));
    let mut parts = wheel.unwrap_or_default().split('-');
    let (project, version) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let project = recording.pypi.get(agents::environment::registries::normalised_name(project).as_str());
    match project.and_then(|project| project.metadata.get(version)) {
        Some(text) => text.clone().into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[cfg(test)]
mod tests;
