//! The server that the functions host calls: `POST /<function>` for each function, and any answer to anything else.

mod body;
mod call;
mod failure;
mod message;
#[cfg(test)]
mod tests;

use agents::environment::Environment;
use agents::environment::clock::Clock;
use agents::environment::open::OpenError;
use agents::topology::{Function, Topology, TopologyError};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::serve::ListenerExt;
use axum::{Json, Router};
use body::Bodies;
use call::Call;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{OnceCell, Semaphore};

/// A call may take this long. The host ends it a little later, and every other call with it.
pub const STEP_S_MAX: u64 = 240;

/// A message that fails because the store or whatever else agents work with can't be had is answered so late: the host delivers it
/// again at once, and only so often. Less than a lock lasts by default.
pub const REST_S: u64 = 20;

/// Calls that work at the same time; more wait. Each has a thread, and `host.json` lets a function have a few at once.
const CALLS_MAX: usize = 128;

/// After this time a caller for whom there was no room may come again.
const RETRY_AFTER_S: &str = "5";

/// All functions, and what they work with once it is asked for.
pub struct Server {
    functions: BTreeMap<String, Arc<Function>>,
    environment: OnceCell<Arc<Environment>>,
    open: Box<dyn Fn() -> Result<Environment, OpenError> + Send + Sync>,
    clock: Clock,
    step: Duration,
    rest: Duration,
    calls: Arc<Semaphore>,
    bodies: Bodies,
}

impl fmt::Debug for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Server").field("functions", &self.functions.keys()).finish_non_exhaustive()
    }
}

impl Server {
    /// The functions that are built in. `open` is called at the first call, and again at the next while it fails.
    pub fn built_in(
        open: impl Fn() -> Result<Environment, OpenError> + Send + Sync + 'static,
    ) -> Result<Self, TopologyError> {
        Ok(Self::of(Topology::built_in()?, open))
    }

    /// The functions of `topology`.
    pub fn of(topology: Topology, open: impl Fn() -> Result<Environment, OpenError> + Send + Sync + 'static) -> Self {
        let functions = topology.functions.into_iter();
        Self {
            functions: functions.map(|function| (function.name.clone(), Arc::new(function))).collect(),
            environment: OnceCell::new(),
            open: Box::new(open),
            clock: Clock::System,
            step: Duration::from_secs(STEP_S_MAX),
            rest: Duration::from_secs(REST_S),
            calls: Arc::new(Semaphore::new(CALLS_MAX)),
            bodies: Bodies::default(),
        }
    }

    /// The same with another limit on the time of a call.
    #[must_use]
    pub fn with_step(mut self, step: Duration) -> Self {
        self.step = step;
        self
    }

    /// The same with another rest after a message that failed in an outage.
    #[must_use]
    pub fn with_rest(mut self, rest: Duration) -> Self {
        self.rest = rest;
        self
    }

    /// What agents work with, opened if need be: it reads files, so this is for the thread of a call.
    async fn environment(&self) -> Result<Arc<Environment>, OpenError> {
        self.environment.get_or_try_init(async || (self.open)().map(Arc::new)).await.cloned()
    }
}

/// Answers calls on `listener`, for as long as there is one.
pub async fn serve(listener: TcpListener, server: Server) -> io::Result<()> {
    // An answer is one short write: it is not to wait for more.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    axum::serve(listener, router(server)).await
}

fn router(server: Server) -> Router {
    Router::new()
        .route("/{function}", post(function))
        .method_not_allowed_fallback(async || refusal(StatusCode::METHOD_NOT_ALLOWED, "functions are called by POST"))
        .fallback(async || refusal(StatusCode::NOT_FOUND, "there is nothing here; functions are called by POST"))
        .with_state(Arc::new(server))
}

/// Answers the call of one function.
async fn function(
    State(server): State<Arc<Server>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Some(function) = server.functions.get(&name).cloned() else {
        return refusal(StatusCode::NOT_FOUND, &format!("there is no function `{}`", name.escape_debug()));
    };
    let call = Call::new(function, &headers, server.clock.now());
    let answered = match server.bodies.read(body).await {
        Ok(body) => call.answer(&server, body).await,
        Err(failure) => Err(failure),
    };
    match answered {
        Ok(json) => (StatusCode::OK, [(CONTENT_TYPE, "application/json")], json).into_response(),
        Err(failure) => {
            call.log(&failure, server.clock.now());
            call.rest(&failure, &server).await;
            refusal(failure.status, &failure.reason)
        }
    }
}

/// A refusal in words. Never without a body: the host waits for one.
fn refusal(status: StatusCode, words: &str) -> Response {
    let refusal = (status, Json(serde_json::json!({ "error": words })));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        return ([(RETRY_AFTER, RETRY_AFTER_S)], refusal).into_response();
    }
    refusal.into_response()
}
