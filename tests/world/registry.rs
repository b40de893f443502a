//! A simulated npm registry over HTTP, with the documents that a real one answers, faults included.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// A registry that knows what it was told to publish.
#[derive(Debug, Clone)]
pub struct NpmRegistry {
    /// Its address, with a slash at the end.
    pub address: String,
    state: Arc<Mutex<Registry>>,
}

#[derive(Debug, Default)]
struct Registry {
    packages: BTreeMap<String, Value>,
    refuse: Option<(StatusCode, Option<u32>)>,
    asked: usize,
}

impl NpmRegistry {
    /// Starts a registry without any package.
    pub async fn start() -> Self {
        let state = Arc::new(Mutex::new(Registry::default()));
        let app = Router::new().route("/{name}", get(packument)).with_state(Arc::clone(&state));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, state }
    }

    /// Publishes `name` at `version`, long ago, with these dependencies.
    pub fn publish(&self, name: &str, version: &str, dependencies: &[(&str, &str)]) {
        self.publish_at(name, version, dependencies, "2020-01-01T00:00:00.000Z");
    }

    /// Publishes `name` at `version` at the time `published`.
    pub fn publish_at(&self, name: &str, version: &str, dependencies: &[(&str, &str)], published: &str) {
        let mut state = self.state.lock().unwrap();
        let packument = state
            .packages
            .entry(name.to_owned())
            .or_insert_with(|| json!({ "name": name, "versions": {}, "time": {} }));
        let dependencies: BTreeMap<_, _> = dependencies.iter().copied().collect();
        packument["versions"][version] = json!({
            "name": name,
            "version": version,
            "dependencies": dependencies,
            "dist": {
                "integrity": integrity(name, version),
                "tarball": format!("https://registry.example/{name}/-/{name}-{version}.tgz"),
            },
        });
        packument["time"][version] = published.into();
    }

    /// From now on every question is answered with `status`, and with `retry-after` seconds where given.
    pub fn refuse(&self, status: Option<u16>, retry_after_s: Option<u32>) {
        let refuse = status.map(|status| (StatusCode::from_u16(status).unwrap(), retry_after_s));
        self.state.lock().unwrap().refuse = refuse;
    }

    /// How many questions were asked.
    pub fn asked(&self) -> usize {
        self.state.lock().unwrap().asked
    }
}

/// What the registry says that the archive of a release hashes to.
pub fn integrity(name: &str, version: &str) -> String {
    format!("sha512-{}==", pipeline::ids::hash_of(&[name, version]))
}

async fn packument(State(state): State<Arc<Mutex<Registry>>>, Path(name): Path<String>) -> Response {
    let mut state = state.lock().unwrap();
    state.asked += 1;
    if let Some((status, retry_after)) = state.refuse {
        let mut response = status.into_response();
        if let Some(seconds) = retry_after {
            response.headers_mut().insert("retry-after", seconds.into());
        }
        return response;
    }
    match state.packages.get(&name) {
        Some(packument) => axum::Json(packument.clone()).into_response(),
        None => (StatusCode::NOT_FOUND, axum::Json(json!({ "error": "Not found" }))).into_response(),
    }
}
