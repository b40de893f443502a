//! A simulated OSV API over HTTP, faults included.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// An API that knows what it was told.
#[derive(Debug, Clone)]
pub struct OsvApi {
    /// Its address, with a slash at the end.
    pub address: String,
    state: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    records: BTreeMap<String, Value>,
    refuse: Option<StatusCode>,
}

impl OsvApi {
    /// Starts an API that knows of nothing.
    pub async fn start() -> Self {
        let state = Arc::new(Mutex::new(Known::default()));
        let app = Router::new()
            .route("/v1/querybatch", post(querybatch))
            .route("/v1/vulns/{id}", get(detail))
            .with_state(Arc::clone(&state));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, state }
    }

    /// Publishes an advisory: versions of the npm package `name` before `fixed` are vulnerable.
    pub fn advise(&self, id: &str, name: &str, fixed: &str, severity: &str, summary: &str) {
        let record = json!({
            "id": id,
            "modified": "2025-01-01T00:00:00Z",
            "summary": summary,
            "affected": [{
                "package": { "ecosystem": "npm", "name": name },
                "ranges": [{ "type": "SEMVER", "events": [{ "introduced": "0" }, { "fixed": fixed }] }],
            }],
            "database_specific": { "severity": severity },
        });
        self.state.lock().unwrap().records.insert(id.to_owned(), record);
    }

    /// From now on every question is answered with `status`.
    pub fn refuse(&self, status: u16) {
        self.state.lock().unwrap().refuse = Some(StatusCode::from_u16(status).unwrap());
    }
}

async fn querybatch(State(state): State<Arc<Mutex<Known>>>, Json(body): Json<Value>) -> Response {
    let known = state.lock().unwrap();
    if let Some(status) = known.refuse {
        return status.into_response();
    }
    // Every advisory on a package, whichever version is asked for: the asker has the last word on that.
    let answer = |query: &Value| {
        let hits = known
            .records
            .values()
            .filter(|record| record["affected"][0]["package"]["name"] == query["package"]["name"]);
        let hits: Vec<Value> =
            hits.map(|record| json!({ "id": record["id"], "modified": record["modified"] })).collect();
        json!({ "vulns": hits })
    };
    let results: Vec<Value> = body["queries"].as_array().unwrap().iter().map(answer).collect();
    Json(json!({ "results": results })).into_response()
}

async fn detail(State(state): State<Arc<Mutex<Known>>>, Path(id): Path<String>) -> Response {
    let known = state.lock().unwrap();
    match known.records.get(&id) {
        Some(record) => Json(record.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
