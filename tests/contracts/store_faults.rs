//! A cloud that fails: nothing hangs, nothing is half-written, and what is said is of use.

use crate::world::azurite::Azurite;
use agents::environment::clock::Clock;
use agents::environment::effects::Effects;
use agents::environment::store::{AzureAccess, Created, Patience, Store, StoreError};
use agents::error::AgentError;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// Short, so that the tests are.
const PATIENCE: Patience =
    Patience { connect_ms: 500, request_ms: 700, retry_ms: 1_500, retries_max: 3, call_ms: 3_000 };

/// What happens to a request on its way.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// It gets through.
    None,
    /// The server is busy.
    Busy,
    /// It gets through; its answer is lost, and looks as if the server were busy.
    AnswerLost,
    /// Nobody answers.
    Silence,
}

#[derive(Clone)]
struct Way {
    to: String,
    faults: Arc<Mutex<VecDeque<Fault>>>,
    client: reqwest::Client,
}

/// A way to `to` on which requests meet `faults`, one each; the last stays. Its address.
async fn way(to: &str, faults: &[Fault]) -> String {
    let faults = Arc::new(Mutex::new(faults.iter().copied().collect()));
    let way = Way { to: to.to_owned(), faults, client: reqwest::Client::new() };
    serve(Router::new().fallback(forward).with_state(way)).await
}

async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

async fn forward(State(way): State<Way>, request: Request) -> Response {
    let fault = {
        let mut faults = way.faults.lock().unwrap();
        if faults.len() > 1 { faults.pop_front().unwrap() } else { faults[0] }
    };
    match fault {
        Fault::Busy => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Fault::Silence => futures::future::pending().await,
        Fault::None => send_on(&way, request).await,
        Fault::AnswerLost => {
            send_on(&way, request).await;
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

async fn send_on(way: &Way, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let address = format!("{}{}", way.to, parts.uri);
    let body = to_bytes(body, 64 << 20).await.unwrap();
    let mut headers = parts.headers;
    headers.remove("host");
    let sent = way.client.request(parts.method, address).headers(headers).body(body).send().await.unwrap();
    let (status, headers) = (sent.status(), sent.headers().clone());
    let mut answer = Response::new(Body::from(sent.bytes().await.unwrap()));
    *answer.status_mut() = status;
    *answer.headers_mut() = headers;
    answer.headers_mut().remove("transfer-encoding");
    answer
}

#[tokio::test]
async fn busy_cloud_is_asked_again() {
    let Some(azurite) = Azurite::start() else { return };
    let address = way(&azurite.address, &[Fault::Busy, Fault::Busy, Fault::None]).await;
    let store = azurite.store("busy", &address, PATIENCE);
    assert_eq!(store.create("journal/scan/1", &1).await.unwrap(), Created::Now);
    assert_eq!(store.read::<u8>("journal/scan/1").await.unwrap(), Some(1));
}

#[tokio::test]
async fn cloud_that_stays_busy_or_silent_is_given_up_in_time_and_nothing_is_half_written() {
    let Some(azurite) = Azurite::start() else { return };
    let direct = azurite.store("gone", &azurite.address, PATIENCE);
    for fault in [Fault::Busy, Fault::Silence] {
        let address = way(&azurite.address, &[fault]).await;
        let store = azurite.unmade_store("gone", &address, PATIENCE);
        let began = Clock::System.now();
        for error in [
            store.create("journal/scan/1", &"x".repeat(100_000)).await.unwrap_err(),
            store.read::<String>("journal/scan/1").await.unwrap_err(),
            store.list("journal").await.unwrap_err(),
        ] {
            let words = error.to_string();
            assert!(words.starts_with("store az://devstoreaccount1/gone: journal"), "{words}");
            assert!(!words.contains("Eby8"), "{words}");
            assert!(words.len() < 500, "{words}");
            // Putting off takes a record: a store that is gone is not something that an agent can wait for.
            assert!(matches!(AgentError::from(error), AgentError::Broken { .. }));
        }
        let took_ms = Clock::System.now().duration_since(began).as_millis();
        assert!(took_ms < 3 * i128::from(PATIENCE.call_ms + 500), "{took_ms} ms");
        assert_eq!(direct.list("journal").await.unwrap(), Vec::<String>::new(), "{fault:?}");
    }
}

#[tokio::test]
async fn record_whose_answer_was_lost_is_there_whole() {
    let Some(azurite) = Azurite::start() else { return };
    let address = way(&azurite.address, &[Fault::AnswerLost, Fault::None]).await;
    let store = azurite.store("lost", &address, PATIENCE);
    let text = "x".repeat(100_000);
    // It was this very call, but the store can't know that.
    assert_eq!(store.create("journal/scan/1", &text).await.unwrap(), Created::Before);
    assert_eq!(store.read::<String>("journal/scan/1").await.unwrap(), Some(text));
}

#[tokio::test]
async fn container_that_is_not_there_is_no_empty_store() {
    let Some(azurite) = Azurite::start() else { return };
    let store = azurite.unmade_store("nowhere", &azurite.address, PATIENCE);
    for error in [
        store.read::<u8>("journal/scan/1").await.unwrap_err(),
        store.create("journal/scan/1", &1).await.unwrap_err(),
        store.list("journal").await.unwrap_err(),
        store.folders("").await.unwrap_err(),
    ] {
        let words = error.to_string();
        assert!(
            words.contains("az storage container create --account-name devstoreaccount1 --name nowhere"),
            "{words}"
        );
    }
}

#[tokio::test]
async fn refusal_says_what_to_grant() {
    let refuse = Router::new().fallback(|| async { StatusCode::FORBIDDEN });
    let access = AzureAccess {
        connection: Some(format!("AccountName=shop;AccountKey=a2V5;BlobEndpoint={}", serve(refuse).await).into()),
        patience: PATIENCE,
        ..AzureAccess::default()
    };
    let store = Store::azure("shop", "records", &access, Effects::default()).unwrap();
    let words = store.read::<u8>("a").await.unwrap_err().to_string();
    assert!(words.contains("refused: SUTURE_STORE_CONNECTION"), "{words}");
}

/// Gives tokens as App Service does, to who names its identity.
async fn identity(State(asked): State<Arc<Mutex<Vec<String>>>>, request: Request) -> axum::Json<Value> {
    asked.lock().unwrap().push(request.uri().to_string());
    let expires = (Clock::System.now().as_second() + 3600).to_string();
    axum::Json(
        json!({ "access_token": "token-of-the-app", "expires_on": expires, "resource": "", "token_type": "Bearer" }),
    )
}

#[tokio::test]
async fn managed_identity_opens_the_container() {
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let identity = serve(Router::new().fallback(identity).with_state(Arc::clone(&asked))).await;
    let blobs = serve(Router::new().fallback(|headers: HeaderMap| async move {
        assert_eq!(headers["authorization"], "Bearer token-of-the-app");
        (StatusCode::CREATED, [("etag", "\"1\""), ("last-modified", "Fri, 27 Nov 2026 06:00:00 GMT")])
    }))
    .await;
    let access = AzureAccess {
        endpoint: Some(blobs),
        identity_endpoint: Some(format!("{identity}/msi/token")),
        client_id: Some("0000-1111".to_owned()),
        patience: PATIENCE,
        ..AzureAccess::default()
    };
    let store = Store::azure("shop", "records", &access, Effects::default()).unwrap();
    for key in ["a", "b"] {
        assert_eq!(store.create(key, &1).await.unwrap(), Created::Now);
    }
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 1, "the token is kept: {asked:?}");
    assert!(asked[0].starts_with("/msi/token?") && asked[0].contains("client_id=0000-1111"), "{asked:?}");
    assert!(asked[0].contains("resource=https%3A%2F%2Fstorage.azure.com"), "{asked:?}");
}

#[test]
fn token_does_not_travel_in_the_clear() {
    let access = AzureAccess { endpoint: Some("http://blobs.example".to_owned()), ..AzureAccess::default() };
    let error = Store::azure("shop", "records", &access, Effects::default()).unwrap_err();
    assert!(matches!(error, StoreError::Setting { .. }), "{error}");
}
