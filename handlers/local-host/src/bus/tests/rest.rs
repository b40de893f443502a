//! The documented contract of Service Bus at run time, over real HTTP.

use super::*;
use crate::bus::rest::{SharedKey, router};
use base64::Engine;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

const NAME: &str = "RootManageSharedAccessKey";
const KEY: &str = "not a secret";

struct Served {
    bench: Bench,
    url: String,
    http: reqwest::Client,
}

/// A token for all of the bus.
fn token(key: &str, expiry: Timestamp) -> String {
    let (resource, expiry) = ("http%3a%2f%2flocal%2f", expiry.as_second());
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(format!("{resource}\n{expiry}").as_bytes());
    let signature = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    let signature = signature.replace('+', "%2b").replace('/', "%2f").replace('=', "%3d");
    format!("SharedAccessSignature sr={resource}&sig={signature}&se={expiry}&skn={NAME}")
}

impl Served {
    async fn new() -> Self {
        let bench = Bench::new(Rules::default());
        let key = SharedKey { name: NAME.to_owned(), key: KEY.to_owned() };
        let app = router(bench.bus().clone(), key, bench.clock.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { bench, url, http: reqwest::Client::new() }
    }

    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
        let expiry = self.bench.clock.now() + SignedDuration::from_secs(10);
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.url) };
        let mut request = self.http.request(method, url).header("Authorization", token(KEY, expiry));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(body.to_owned()).send().await.unwrap()
    }

    async fn send(&self, body: &str) {
        assert_eq!(self.ask(Method::POST, "/in/messages", &[], body).await.status(), 201);
    }
}

fn broker_properties(response: &Response) -> Value {
    serde_json::from_str(response.headers()["brokerproperties"].to_str().unwrap()).unwrap()
}

fn location(response: &Response) -> String {
    response.headers()["location"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_message_is_sent_locked_renewed_given_back_and_completed() {
    let served = Served::new().await;
    let said = [
        ("BrokerProperties", r#"{"MessageId":"m1","Label":"ünder","CorrelationId":"c","TimeToLive":90}"#),
        ("Content-Type", "application/json"),
        ("Priority", "\"High\""),
        ("Customer", "12345"),
    ];
    let sent = served.ask(Method::POST, "/in/messages", &said, "{}").await;
    assert_eq!((sent.status(), sent.text().await.unwrap().as_str()), (StatusCode::CREATED, ""));

    let locked = served.ask(Method::POST, "/in/messages/head?timeout=1", &[], "").await;
    assert_eq!(locked.status(), 201);
    let told = broker_properties(&locked);
    let lock = told["LockToken"].as_str().unwrap().to_owned();
    let expect = json!({
        "DeliveryCount": 1, "EnqueuedSequenceNumber": 0, "EnqueuedTimeUtc": "Fri, 20 Dec 2019 00:00:00 GMT",
        "LockToken": lock, "LockedUntilUtc": "Fri, 20 Dec 2019 00:01:00 GMT", "MessageId": "m1", "CorrelationId": "c",
        "Label": "ünder", "SequenceNumber": 1, "State": "Active", "TimeToLive": 90.0
    });
    assert_eq!(told, expect);
    assert_eq!(location(&locked), format!("{}/in/messages/1/{lock}", served.url));
    let header = |name: &str| locked.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(
        [header("content-type"), header("priority"), header("customer")],
        ["application/json", "\"High\"", "12345"]
    );
    let place = location(&locked);
    assert_eq!(locked.text().await.unwrap(), "{}");

    assert_eq!(served.ask(Method::POST, &place, &[], "").await.status(), 200, "renewed");
    assert_eq!(served.ask(Method::PUT, &place, &[], "").await.status(), 200, "given back");
    let lost = served.ask(Method::DELETE, &place, &[], "").await;
    assert_eq!(lost.status(), 404);
    let again = served.ask(Method::POST, "/IN/messages/head", &[], "").await;
    assert_eq!(broker_properties(&again)["DeliveryCount"], 2);
    let by_id = location(&again).replace("/messages/1/", "/messages/m1/");
    let other = location(&again).replace("/messages/1/", "/messages/2/");
    assert_eq!(served.ask(Method::DELETE, &other, &[], "").await.status(), 404);
    assert_eq!(served.ask(Method::DELETE, &by_id, &[], "").await.status(), 200, "completed");
    assert_eq!(served.bench.numbers().await, [0; 4]);
}

#[tokio::test]
async fn a_message_is_received_and_deleted_at_once() {
    let served = Served::new().await;
    served.send("x").await;
    let received = served.ask(Method::DELETE, "/in/messages/head", &[], "").await;
    assert_eq!(received.status(), 200);
    assert_eq!(broker_properties(&received).get("LockToken"), None);
    assert_eq!(received.text().await.unwrap(), "x");
    let none = served.ask(Method::DELETE, "/in/messages/head?timeout=0", &[], "").await;
    assert_eq!((none.status(), none.text().await.unwrap().as_str()), (StatusCode::NO_CONTENT, ""));
}

#[tokio::test]
async fn a_request_waits_for_a_message_that_is_sent_meanwhile() {
    let served = Served::new().await;
    let later = async {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        served.bench.send("x").await;
    };
    let (received, ()) = tokio::join!(served.ask(Method::POST, "/in/messages/head?timeout=10", &[], ""), later);
    assert_eq!(received.status(), 201);
}

#[tokio::test]
async fn topics_subscriptions_and_dead_letters_have_their_paths() {
    let served = Served::new().await;
    assert_eq!(served.ask(Method::POST, "/events/messages", &[], "x").await.status(), 201);
    let a = served.ask(Method::POST, "/events/subscriptions/a/messages/head", &[], "").await;
    assert_eq!(served.ask(Method::DELETE, &location(&a), &[], "").await.status(), 200);
    let source = subscription("b");
    let lock = served.bench.bus().receive(&source, 1).await.unwrap()[0].lock;
    served.bench.bus().dead_letter(lock, "why", "in words").await.unwrap();
    let dead = "/events/subscriptions/b/$DeadLetterQueue/messages/head";
    let received = served.ask(Method::POST, dead, &[], "").await;
    assert_eq!(received.status(), 201);
    assert_eq!(received.headers()["deadletterreason"], "\"why\"");
    assert_eq!(broker_properties(&received)["DeadLetterSource"], "events/Subscriptions/b");
    assert_eq!(served.ask(Method::DELETE, &location(&received), &[], "").await.status(), 200);
}

#[tokio::test]
async fn what_is_refused_is_refused_as_documented() {
    let served = Served::new().await;
    let check = async |method: Method, path: &str, headers: &[(&str, &str)], body: &str, expect: u16| {
        let refused = served.ask(method, path, headers, body).await;
        assert_eq!(refused.status(), expect, "{path}");
        let text = refused.text().await.unwrap();
        assert!(text.starts_with(&format!("<Error><Code>{expect}</Code><Detail>")), "{text}");
    };
    check(Method::POST, "/nowhere/messages", &[], "x", 404).await;
    check(Method::POST, "/nowhere/messages/head", &[], "", 404).await;
    check(Method::POST, "/events/subscriptions/nobody/messages/head", &[], "", 404).await;
    check(Method::DELETE, "/in/messages/1/no-lock", &[], "", 404).await;
    check(Method::DELETE, &format!("/in/messages/1/{}", uuid::Uuid::nil()), &[], "", 404).await;
    check(Method::POST, "/in/messages", &[], &"x".repeat(256 * 1024 + 1), 403).await;
    check(Method::POST, "/in/messages", &[], &"x".repeat(256 * 1024), 403).await;
    check(Method::POST, "/in/messages", &[("BrokerProperties", "no json")], "x", 400).await;
    check(Method::POST, "/in/messages", &[("BrokerProperties", r#"{"TimeToLive":0}"#)], "x", 400).await;
    check(Method::POST, "/in/messages", &[("BrokerProperties", r#"{"ScheduledEnqueueTimeUtc":"soon"}"#)], "x", 400)
        .await;
    check(Method::POST, "/in/messages", &[("Content-Type", "application/vnd.microsoft.servicebus.json")], "[]", 400)
        .await;
    check(Method::POST, "/in/messages/head?timeout=x", &[], "", 400).await;
    check(Method::POST, "/in", &[], "", 400).await;
    check(Method::GET, "/in/messages", &[], "", 405).await;
    assert_eq!(served.bench.numbers().await, [0; 4]);
}

#[tokio::test]
async fn without_a_valid_token_nothing_is_told_or_taken() {
    let served = Served::new().await;
    let now = served.bench.clock.now();
    let check = async |token: Option<String>, expect: &str| {
        let mut request = served.http.post(format!("{}/nowhere/messages", served.url));
        if let Some(token) = token {
            request = request.header("Authorization", token);
        }
        let refused = request.body("x").send().await.unwrap();
        assert_eq!(refused.status(), 401);
        let text = refused.text().await.unwrap();
        assert!(text.starts_with(&format!("<Error><Code>401</Code><Detail>{expect}")), "{text}");
        assert!(!text.contains(KEY));
    };
    check(None, "MissingToken: ").await;
    check(Some("Bearer x".to_owned()), "MalformedToken: ").await;
    check(Some(token("another key", now + SignedDuration::from_secs(10))), "InvalidSignature: ").await;
    check(Some(token(KEY, now)), "ExpiredToken: ").await;
}

#[tokio::test]
async fn a_message_can_be_scheduled_in_either_form_of_the_date() {
    let served = Served::new().await;
    for time in [" Fri, 20 Dec 2019 00:00:10 GMT", "Fri, 20 Dec 2019 00:00:10 +0000", "2019-12-20T00:00:10Z"] {
        let said = json!({ "ScheduledEnqueueTimeUtc": time }).to_string();
        let sent = served.ask(Method::POST, "/in/messages", &[("BrokerProperties", &said)], "x").await;
        assert_eq!(sent.status(), 201, "{time}");
    }
    assert_eq!(served.bench.numbers().await, [0, 0, 3, 0]);
    served.bench.later(10_000);
    assert_eq!(served.bench.numbers().await, [3, 0, 0, 0]);
}
