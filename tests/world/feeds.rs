//! A simulated server of what an index is built of: OSV's archives, CISA's catalogue, FIRST's scores.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// A server that has what it was given. The ETag of a file is how often it was given.
#[derive(Debug, Clone)]
pub struct Feeds {
    /// Its address, without a slash at the end.
    pub address: String,
    state: Arc<Mutex<Served>>,
}

#[derive(Debug, Default)]
struct Served {
    files: BTreeMap<String, (usize, Vec<u8>)>,
    refuse: Option<StatusCode>,
}

impl Feeds {
    /// Starts a server that has nothing.
    pub async fn start() -> Self {
        let state = Arc::new(Mutex::new(Served::default()));
        let app = Router::new().route("/{*path}", get(file)).with_state(Arc::clone(&state));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, state }
    }

    /// Has `bytes` at `path` from now on.
    pub fn give(&self, path: &str, bytes: impl Into<Vec<u8>>) {
        let mut state = self.state.lock().unwrap();
        let times = state.files.get(path).map_or(0, |(times, _)| *times);
        state.files.insert(path.to_owned(), (times + 1, bytes.into()));
    }

    /// From now on every question is answered with `status`.
    pub fn refuse(&self, status: u16) {
        self.state.lock().unwrap().refuse = Some(StatusCode::from_u16(status).unwrap());
    }
}

async fn file(State(state): State<Arc<Mutex<Served>>>, Path(path): Path<String>, headers: HeaderMap) -> Response {
    let state = state.lock().unwrap();
    if let Some(status) = state.refuse {
        return status.into_response();
    }
    let Some((times, bytes)) = state.files.get(&path) else { return StatusCode::NOT_FOUND.into_response() };
    let etag = format!("\"{times}\"");
    if headers.get("if-none-match").is_some_and(|known| *known == *etag) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    ([("etag", etag)], bytes.clone()).into_response()
}
