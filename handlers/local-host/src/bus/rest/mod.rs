//! The bus over HTTP, by the documented contract of Service Bus at run time.
//!
//! | request | answers |
//! |---|---|
//! | `POST /ENTITY/messages` | 201 sent |
//! | `POST /SOURCE/messages/head?timeout=S` | 201 received under a lock, 204 none came |
//! | `DELETE /SOURCE/messages/head?timeout=S` | 200 received and deleted, 204 none came |
//! | `DELETE /SOURCE/messages/ID/LOCK` | 200 completed |
//! | `PUT /SOURCE/messages/ID/LOCK` | 200 given back |
//! | `POST /SOURCE/messages/ID/LOCK` | 200 lock renewed |
//!
//! SOURCE is `QUEUE` or `TOPIC/subscriptions/NAME`, each with `/$deadletterqueue` for its dead letters; ID is a message's id or its
//! sequence number. 400 bad request, 401 no valid token, 403 too large or no space, 404 no such entity or lock. Where an entity is
//! unknown the documentation has 410 or 404; the service answers 404, and so does this. Batches of messages and management are
//! not modelled.

mod answer;
mod broker_properties;
mod custom_properties;
mod target;
mod token;

pub use token::SharedKey;

use super::{Bus, BusError, LockToken, MESSAGE_BYTES_MAX, Outgoing, Received};
use agents::environment::clock::Clock;
use answer::Refusal;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use std::time::Duration;
use target::{Place, Target};

/// How long a request for a message waits where it does not say.
const TIMEOUT_S: u64 = 60;
/// How long it may wait at most.
const TIMEOUT_S_MAX: u64 = 3600;

/// What the routes know.
#[derive(Debug)]
struct Face {
    bus: Bus,
    key: SharedKey,
    clock: Clock,
}

/// Routes for `bus`, for whoever signs with `key`. To be served on loopback: the contract has no encryption of its own.
pub fn router(bus: Bus, key: SharedKey, clock: Clock) -> Router {
    Router::new().fallback(serve).with_state(Arc::new(Face { bus, key, clock }))
}

async fn serve(State(face): State<Arc<Face>>, request: Request) -> Response {
    let now = face.clock.now();
    let resource = request.uri().path().to_owned();
    answered(&face, request).await.unwrap_or_else(|refusal| refusal.about(&resource, now).into_response())
}

async fn answered(face: &Face, request: Request) -> Result<Response, Refusal> {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let token = head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    face.key.check(token, path, face.clock.now()).map_err(|what| Refusal::new(StatusCode::UNAUTHORIZED, what))?;
    let target = Target::read(path).ok_or_else(|| {
        Refusal::new(
            StatusCode::BAD_REQUEST,
            "BadRequest: the path is none of those of the run-time contract".to_owned(),
        )
    })?;
    match (target, &head.method) {
        (Target::Entity(name), &Method::POST) => send(face, &name, &head.headers, body).await,
        (Target::Head(place), &Method::POST) => receive_next(face, &place, &head, false).await,
        (Target::Head(place), &Method::DELETE) => receive_next(face, &place, &head, true).await,
        (Target::Message(place, id, lock), method) => settle(face, &place, &id, &lock, method).await,
        _ => Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "the path has no such method".to_owned())),
    }
}

async fn send(face: &Face, name: &str, headers: &HeaderMap, body: Body) -> Result<Response, Refusal> {
    let unknown = || Refusal::from(BusError::UnknownEntity { kind: "queue or topic", name: name.to_owned() });
    let destination = face.bus.named(name).ok_or_else(unknown)?;
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    if content_type.as_deref().is_some_and(|kind| kind.starts_with("application/vnd.microsoft.servicebus.json")) {
        let what = "batches are not modelled: send the messages one by one".to_owned();
        return Err(Refusal::new(StatusCode::BAD_REQUEST, what));
    }
    let mut properties = broker_properties::read(headers)?;
    properties.content_type = content_type;
    properties.application_properties = custom_properties::read(headers);
    let body = to_bytes(body, MESSAGE_BYTES_MAX).await;
    let body = body.map_err(|_| {
        let what = format!("the body can't be read, or is larger than {MESSAGE_BYTES_MAX} bytes");
        Refusal::new(StatusCode::FORBIDDEN, what)
    })?;
    face.bus.send(vec![(destination, Outgoing { body: body.into(), properties })]).await?;
    Ok(StatusCode::CREATED.into_response())
}

async fn receive_next(face: &Face, place: &Place, head: &Parts, is_destructive: bool) -> Result<Response, Refusal> {
    let patience = patience(head.uri.query().unwrap_or_default())?;
    // Told at once where there is no such entity.
    let first = receive(face, place).await?;
    let received = match first {
        Some(message) => Some(message),
        None => tokio::time::timeout(patience, next(face, place)).await.unwrap_or(Ok(None))?,
    };
    let Some(message) = received else { return Ok(StatusCode::NO_CONTENT.into_response()) };
    if is_destructive {
        face.bus.complete(message.lock).await?;
        return answer(StatusCode::OK, None, message);
    }
    let host = head.headers.get(HOST).and_then(|value| value.to_str().ok()).unwrap_or("127.0.0.1");
    let location = format!("http://{host}/{place}/messages/{}/{}", message.sequence_number, message.lock);
    answer(StatusCode::CREATED, Some(&location), message)
}

fn patience(query: &str) -> Result<Duration, Refusal> {
    let given = query.split('&').find_map(|pair| pair.strip_prefix("timeout="));
    let seconds = given.map_or(Ok(TIMEOUT_S), str::parse);
    let invalid = |_| Refusal::new(StatusCode::BAD_REQUEST, "the timeout has to be a number of seconds".to_owned());
    Ok(Duration::from_secs(seconds.map_err(invalid)?.min(TIMEOUT_S_MAX)))
}

async fn receive(face: &Face, place: &Place) -> Result<Option<Received>, BusError> {
    let received = match place.is_dead {
        true => face.bus.receive_dead_letters(&place.source, 1).await?,
        false => face.bus.receive(&place.source, 1).await?,
    };
    Ok(received.into_iter().next())
}

async fn next(face: &Face, place: &Place) -> Result<Option<Received>, BusError> {
    loop {
        match place.is_dead {
            true => face.bus.dead_letter_arrived(&place.source).await,
            false => face.bus.arrived(&place.source).await,
        }
        let received = receive(face, place).await?;
        if received.is_some() {
            return Ok(received);
        }
    }
}

fn answer(status: StatusCode, location: Option<&str>, message: Received) -> Result<Response, Refusal> {
    let mut headers = HeaderMap::new();
    custom_properties::write(&message.properties.application_properties, &mut headers);
    broker_properties::write(&message, location.is_some(), &mut headers)?;
    let kind = message.properties.content_type.as_deref().unwrap_or("application/octet-stream");
    for (name, value) in [(CONTENT_TYPE, Some(kind)), (axum::http::header::LOCATION, location)] {
        if let Some(value) = value.and_then(|value| value.parse().ok()) {
            headers.insert(name, value);
        }
    }
    Ok((status, headers, Body::from(message.body)).into_response())
}

async fn settle(face: &Face, place: &Place, id: &str, lock: &str, method: &Method) -> Result<Response, Refusal> {
    let lost = || Refusal::new(StatusCode::NOT_FOUND, format!("no message {id} is locked by {lock}"));
    let lock: LockToken = lock.parse().map_err(|_| lost())?;
    if !face.bus.is_held(lock, &place.source, place.is_dead, id).await? {
        return Err(lost());
    }
    match *method {
        Method::DELETE => face.bus.complete(lock).await?,
        Method::PUT => face.bus.abandon(lock).await?,
        Method::POST => face.bus.renew(lock).await.map(|_| ())?,
        _ => {
            return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "a lock takes DELETE, PUT or POST".to_owned()));
        }
    }
    Ok(StatusCode::OK.into_response())
}
