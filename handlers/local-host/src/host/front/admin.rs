//! Inlets for whoever has the master key: functions by hand, messages by hand, how it all stands.

use super::body::sentence;
use super::{Front, ServedApp, request};
use crate::app::{AuthLevel, Function, Trigger};
use crate::bus::{BusError, Destination, Outgoing};
use crate::host::event::HostEvent;
use crate::host::invoke::{HOST_VERSION, message};
use crate::host::process::Standing;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use serde_json::{Value as Json, json};
use std::sync::Arc;

/// All that is below `/admin`. The guard stands before everything there, also before what does not exist.
pub fn router(front: &Arc<Front>) -> Router<Arc<Front>> {
    Router::new()
        .route("/admin/functions/{name}", post(run_function))
        .route("/admin/messages/{*name}", post(send_message))
        .route("/admin/host/status", get(status))
        .route("/admin", any(nothing))
        .route("/admin/", any(nothing))
        .route("/admin/{*other}", any(nothing))
        .route_layer(middleware::from_fn_with_state(Arc::clone(front), guard))
}

async fn nothing() -> Response {
    sentence(StatusCode::NOT_FOUND, "the host has no such inlet")
}

/// Lets nobody in without the master key.
async fn guard(State(front): State<Arc<Front>>, request: Request<Body>, next: Next) -> Response {
    if front.keys.allow(AuthLevel::Admin, request::key(request.uri(), request.headers()).as_deref()) {
        return next.run(request).await;
    }
    let words = "the master key is needed, as header x-functions-key or as ?code=; `suture local --show-keys` shows it";
    sentence(StatusCode::UNAUTHORIZED, words)
}

/// `POST /admin/functions/<name>` with `{"input": "…"}`: the function runs with that text as its message, or without any if it has a
/// timer. It is not waited for.
async fn run_function(State(front): State<Arc<Front>>, Path(name): Path<String>, body: Body) -> Response {
    let body = match front.bodies.read(body).await {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    let input = match serde_json::from_slice::<Json>(if body.bytes.is_empty() { b"{}" } else { &body.bytes }) {
        Ok(Json::Object(members)) => members.get("input").map(super::super::invoke::text).unwrap_or_default(),
        _ => return sentence(StatusCode::BAD_REQUEST, "the body has to be {\"input\": \"TEXT\"}"),
    };
    let found = front.apps.iter().flat_map(|app| app.app.functions.iter().map(move |function| (app, function)));
    let mut found = found.filter(|(_, function)| function.name.eq_ignore_ascii_case(&name));
    let Some((app, function)) = found.next() else {
        return sentence(StatusCode::NOT_FOUND, &format!("no function is called {name}"));
    };
    if found.next().is_some() {
        return sentence(StatusCode::CONFLICT, &format!("more than one app has a function {name}; run one app alone"));
    }
    let (app, function) = (app.clone(), function.clone());
    // The input is here until the call is over, and so is its room taken.
    let room = body.room;
    tokio::spawn(async move {
        run_by_hand(&front, &app, &function, &input).await;
        drop(room);
    });
    StatusCode::ACCEPTED.into_response()
}

async fn run_by_hand(front: &Front, app: &ServedApp, function: &Function, input: &str) {
    if let Some(timer) = app.timers.iter().find(|timer| timer.function.name == function.name) {
        return timer.fire_by_hand().await;
    }
    let payload = match &function.trigger {
        Trigger::Queue { batch, data_type, .. } | Trigger::Subscription { batch, data_type, .. } => {
            message::by_hand(&function.trigger_binding, *data_type, *batch, input)
        }
        Trigger::Timer { .. } | Trigger::Http { .. } => {
            message::by_hand(&function.trigger_binding, crate::app::DataType::String, false, input)
        }
    };
    let Some(_work) = front.drain.begin() else { return };
    let invocation = crate::chance::uuid();
    let called = match app.invoker.invoke(function, invocation, &payload).await {
        Ok(invoked) => {
            front.bus.send(invoked.messages.clone()).await.map(|()| invoked).map_err(|error| error.to_string())
        }
        Err(error) => Err(error.to_string()),
    };
    let (function, invocation, source) = (function.name.clone(), invocation.to_string(), "admin".to_owned());
    front.events.tell(match called {
        Ok(invoked) => HostEvent::Invoked {
            function,
            invocation,
            source,
            messages: 1,
            sent: invoked.messages.len(),
            duration_ms: invoked.duration_ms,
        },
        Err(reason) => HostEvent::Failed { function, invocation, source, delivery_count: 0, reason },
    });
}

/// `POST /admin/messages/<queue or topic>`: the body becomes a message. Answered once it is on the disk.
async fn send_message(
    State(front): State<Arc<Front>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let content_type = headers.get("content-type").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = match front.bodies.read(body).await {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    let _room = body.room;
    let mut message = Outgoing::new(body.bytes);
    message.properties.content_type = content_type;
    let is_topic = front.topics.iter().any(|topic| topic.eq_ignore_ascii_case(&name));
    let to = if is_topic { Destination::Topic(name) } else { Destination::Queue(name) };
    match front.bus.send(vec![(to, message)]).await {
        Ok(()) => StatusCode::CREATED.into_response(),
        Err(error @ BusError::UnknownEntity { .. }) => sentence(StatusCode::NOT_FOUND, &error.to_string()),
        Err(error @ BusError::TooLarge { .. }) => sentence(StatusCode::PAYLOAD_TOO_LARGE, &error.to_string()),
        Err(error) => sentence(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
    }
}

/// `GET /admin/host/status`: how the apps and the bus stand.
async fn status(State(front): State<Arc<Front>>) -> Response {
    let counts = match front.bus.counts().await {
        Ok(counts) => counts,
        Err(error) => return sentence(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
    };
    let apps: Vec<Json> = front
        .apps
        .iter()
        .map(|app| {
            let handler = match &*app.invoker.process.standing().borrow() {
                Standing::Starting => "starting",
                Standing::Ready(_) => "ready",
                Standing::Left => "ended",
            };
            let functions: Vec<&str> = app.app.functions.iter().map(|function| function.name.as_str()).collect();
            json!({ "name": app.app.name, "handler": handler, "functions": functions })
        })
        .collect();
    let state = if front.drain.is_stopping() { "Stopping" } else { "Running" };
    axum::Json(json!({
        "state": state, "version": HOST_VERSION, "in_flight": front.drain.in_flight(), "apps": apps, "sources": counts,
    }))
    .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::front::Keys;
    use crate::host::scripted::Scripted;
    use agents::environment::clock::Clock;
    use std::time::Duration;

    #[tokio::test]
    async fn room_of_an_input_is_taken_until_its_function_is_done() {
        let scripted = Scripted::new(json!({})).await;
        let closed = Arc::clone(&scripted.gate).acquire_owned().await.unwrap();
        let app = ServedApp { app: Arc::clone(&scripted.app), invoker: scripted.invoker.clone(), timers: Vec::new() };
        let keys = Keys { master: "m".to_owned(), default: "d".to_owned() };
        let (bus, events, drain) = (scripted.bus.clone(), scripted.events.clone(), scripted.drain.clone());
        let front = Front::new(vec![app], Vec::new(), bus, keys, events, drain, Clock::System).unwrap();
        let front = Arc::new(front);
        let body = r#"{"input":"x"}"#;
        let answer = run_function(State(Arc::clone(&front)), Path("fn".to_owned()), Body::from(body)).await;
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        let soon = async |goal: &dyn Fn() -> bool| {
            let reached = async {
                while !goal() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            tokio::time::timeout(Duration::from_secs(20), reached).await.unwrap();
        };
        soon(&|| scripted.calls() == 1).await;
        assert_eq!(front.bodies.taken(), body.len());
        drop(closed);
        soon(&|| front.bodies.taken() == 0).await;
    }
}
