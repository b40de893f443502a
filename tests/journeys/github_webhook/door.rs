//! Who is let in, and what becomes of what is let in.

use crate::world::deliveries::{
    delivery, delivery_id, environment, environment_with, memory, push, secret_scanning_alerts, signature,
};
use agents::environment::Environment;
use agents::environment::effects::Effects;
use agents::error::AgentError;
use agents::functions;
use agents::request::{Answer, Request};
use jiff::SignedDuration;
use pipeline::github::BODY_BYTES_MAX;
use pipeline::message::{MessageType, queue, topic};
use pipeline::payload::ScanRequested;
use serde_json::{Value, json};

const COMMIT: &str = "0123456789012345678901234567890123456789";

async fn ask(env: &Environment, request: &Request) -> Result<Answer, AgentError> {
    functions::answer(Some(env), "github-webhook", request).await
}

fn with(mut request: Request, header: &str, value: &str) -> Request {
    request.headers.insert(header.to_owned(), vec![value.to_owned()]);
    request
}

/// Whether it is refused with this status, and nothing is kept or sent.
#[track_caller]
fn check_refused(answer: &Answer, status: u16, keys: &[String]) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert!(answer.body["error"].as_str().is_some_and(|words| !words.is_empty()), "{answer:?}");
    assert!(answer.messages.is_empty() && keys.is_empty(), "{keys:?}");
}

#[tokio::test]
async fn delivery_without_the_right_signature_is_refused_and_leaves_nothing() {
    let body = push(COMMIT).to_string();
    let request = delivery(1, "push", &body);
    let digits = signature("another secret", &body);
    let mut unsigned = request.clone();
    unsigned.headers.remove("X-Hub-Signature-256");
    let rows = [
        unsigned,
        with(request.clone(), "X-Hub-Signature-256", &digits),
        with(request.clone(), "X-Hub-Signature-256", ""),
        Request { body: body.replace("main", "mane"), ..request.clone() },
        Request { body: format!("{body} "), ..request },
    ];
    for request in rows {
        let env = environment(memory());
        let answer = ask(&env, &request).await.unwrap();
        check_refused(&answer, 401, &env.store.list("").await.unwrap());
    }
}

#[tokio::test]
async fn signature_is_looked_at_before_anything_else_is() {
    let env = environment(memory());
    let body = "[".repeat(1 << 20);
    let request = with(delivery(1, "push", &body), "X-Hub-Signature-256", "sha256=00");
    check_refused(&ask(&env, &request).await.unwrap(), 401, &env.store.list("").await.unwrap());
}

#[tokio::test]
async fn no_delivery_is_taken_while_no_secret_is_set() {
    let request = delivery(1, "push", &push(COMMIT).to_string());
    for variables in [&[][..], &[("SUTURE_GITHUB_TOKEN", "a token")]] {
        let env = environment_with(memory(), variables);
        check_refused(&ask(&env, &request).await.unwrap(), 503, &env.store.list("").await.unwrap());
    }
    check_refused(&functions::answer(None, "github-webhook", &request).await.unwrap(), 503, &[]);
}

#[tokio::test]
async fn delivery_without_an_id_and_one_that_is_too_large_are_refused() {
    let env = environment(memory());
    let request = delivery(1, "push", "{}");
    for id in ["", "7", "../../x"] {
        let answer = ask(&env, &with(request.clone(), "X-Github-Delivery", id)).await.unwrap();
        check_refused(&answer, 400, &env.store.list("").await.unwrap());
    }
    let large = format!("{{\"ref\": \"{}\"}}", "x".repeat(BODY_BYTES_MAX));
    check_refused(&ask(&env, &delivery(1, "push", &large)).await.unwrap(), 413, &env.store.list("").await.unwrap());
}

#[tokio::test]
async fn push_becomes_a_scan_whose_cause_is_the_delivery() {
    let env = environment(memory());
    let request =
        Request { traceparent: Some("00-a-b-01".to_owned()), ..delivery(1, "push", &push(COMMIT).to_string()) };
    let answer = ask(&env, &request).await.unwrap();
    let expect = json!({ "delivery": delivery_id(1), "messages": { "scan.requested": 1 }, "reason": null });
    assert_eq!((answer.status, &answer.body), (202, &expect));
    let [message] = &answer.messages[..] else { panic!("{answer:?}") };
    assert_eq!((message.message_type, message.target.as_deref()), (MessageType::Command, Some(queue::SCAN)));
    assert_eq!((message.source.as_str(), message.topic.as_str()), ("github-webhook", topic::SCAN_REQUESTED));
    assert_eq!(message.causation_id.unwrap().to_string(), delivery_id(1));
    assert_eq!((message.hops, message.traceparent.as_deref()), (1, Some("00-a-b-01")));
    let request: ScanRequested = message.clone().read().unwrap().payload;
    assert_eq!(request.repository.as_str(), "github.com/octo/shop");
    assert_eq!(request.commit.as_str(), COMMIT);
    let kept = [format!("journal/github-webhook/{}", delivery_id(1)), "worked/github-webhook".to_owned()];
    assert_eq!(env.store.list("").await.unwrap(), kept);
    assert_eq!(agents::github_webhook::last_taken(&env).await.unwrap(), Some(env.clock.now()));
}

#[tokio::test]
async fn when_a_delivery_was_taken_last_is_known_to_the_minute_and_noted_no_more_often() {
    let effects = Effects::remembered();
    let env = environment(memory().with_effects(effects.clone()));
    for number in 1..=9 {
        env.clock.advance(SignedDuration::from_secs(20));
        ask(&env, &delivery(number, "push", &push(COMMIT).to_string())).await.unwrap();
        let taken = agents::github_webhook::last_taken(&env).await.unwrap().unwrap();
        assert!(env.clock.now().duration_since(taken) < SignedDuration::from_secs(60), "{number}");
    }
    let notes = effects.list().iter().filter(|effect| effect.contains("worked/")).count();
    assert!((3..=4).contains(&notes), "{:?}", effects.list());
}

#[tokio::test]
async fn repositories_of_another_server_are_named_after_it() {
    let server = [
        ("SUTURE_GITHUB_URL", "https://ghe.example:8443"),
        ("SUTURE_GITHUB_TOKEN", "a token"),
        ("SUTURE_GITHUB_WEBHOOK_SECRET", "new"),
        ("SUTURE_GITHUB_WEBHOOK_SECRET_PREVIOUS", crate::world::deliveries::SECRET),
    ];
    let env = environment_with(memory(), &server);
    let body = push(COMMIT).to_string();
    // During a rotation both secrets are good.
    for (number, secret) in [(1, "new"), (2, crate::world::deliveries::SECRET)] {
        let request = with(delivery(number, "push", &body), "X-Hub-Signature-256", &signature(secret, &body));
        let answer = ask(&env, &request).await.unwrap();
        assert_eq!(answer.messages[0].payload["repository"], "ghe.example:8443/octo/shop", "{secret}");
    }
}

#[tokio::test]
async fn form_is_signed_as_it_came_and_read_by_its_payload() {
    let env = environment(memory());
    let form = "application/x-www-form-urlencoded; charset=utf-8";
    let json = push(COMMIT).to_string();
    let encoded: String = json.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let taken =
        ask(&env, &with(delivery(1, "push", &format!("payload={encoded}")), "content-type", form)).await.unwrap();
    assert_eq!((taken.status, &taken.body["messages"]), (202, &json!({ "scan.requested": 1 })));
    let plain = ask(&env, &with(delivery(2, "push", &json), "content-type", form)).await.unwrap();
    assert_eq!((plain.status, &plain.body["reason"]), (200, &json!("the form has no `payload`")));
    let other = ask(&env, &with(delivery(3, "push", &json), "content-type", "text/xml")).await.unwrap();
    assert_eq!((other.status, &other.body["reason"]), (200, &json!("it is neither JSON nor a form")));
}

#[tokio::test]
async fn what_is_ignored_is_answered_with_the_reason_and_sends_nothing() {
    let env = environment(memory());
    let mut body = push(COMMIT);
    body["ref"] = "refs/heads/suture/npm-1".into();
    let answer = ask(&env, &delivery(1, "push", &body.to_string())).await.unwrap();
    let expect = json!({ "delivery": delivery_id(1), "messages": {}, "reason": "the branch is ours" });
    assert_eq!((answer.status, answer.body, answer.messages.len()), (200, expect, 0));
}

/// Topic, target and payload of the only message of a delivery that is taken.
async fn only_message(event: &str, body: &str) -> (String, Option<String>, Value) {
    let answer = ask(&environment(memory()), &delivery(1, event, body)).await.unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    let [message] = &answer.messages[..] else { panic!("{answer:?}") };
    assert_eq!(message.message_type, MessageType::Event);
    (message.topic.clone(), message.target.clone(), message.payload.clone())
}

#[tokio::test]
async fn unknown_events_and_actions_are_told_to_everybody() {
    let unknown = json!({ "event": "star", "action": "created" });
    assert_eq!(only_message("star", r#"{"action":"created"}"#).await, (topic::EVENT_UNKNOWN.to_owned(), None, unknown));
    let unknown = json!({ "event": "pull_request", "action": "praised" });
    let told = only_message("pull_request", r#"{"action":"praised"}"#).await;
    assert_eq!(told, (topic::EVENT_UNKNOWN.to_owned(), None, unknown));
}

#[tokio::test]
async fn what_can_not_be_read_is_told_to_everybody_and_never_its_contents() {
    let secret = ["ghp", "0123456789"].join("_");
    let body =
        json!({ "action": "created", "alert": { "number": secret }, "repository": { "full_name": "octo/shop" } });
    let (topic, _, payload) = only_message("secret_scanning_alert", &body.to_string()).await;
    assert_eq!((topic.as_str(), &payload["event"]), (topic::EVENT_REJECTED, &json!("secret_scanning_alert")));
    assert!(!payload.to_string().contains(&secret), "{payload}");
    let (_, _, payload) = only_message("push", "").await;
    assert_eq!(payload["reason"], "it is not JSON, or too deep, at line 1 column 0");
    let (_, _, payload) = only_message("", "{}").await;
    assert_eq!(payload["reason"], "X-GitHub-Event is missing");
}

#[tokio::test]
async fn value_of_a_secret_goes_nowhere() {
    let secret = ["ghp", "0123456789"].join("_");
    for (number, example) in (1..).zip(secret_scanning_alerts()) {
        let mut body = example.payload;
        body["alert"]["secret"] = secret.clone().into();
        body["alert"]["resolution_comment"] = secret.clone().into();
        let env = environment(memory());
        let answer = ask(&env, &delivery(number, &example.event, &body.to_string())).await.unwrap();
        assert_eq!(answer.body["messages"], json!({ "alert.changed": 1 }), "{body}");
        assert_eq!(answer.messages[0].payload["action"], body["action"]);
        let key = format!("journal/github-webhook/{}", delivery_id(number));
        let kept: Value = env.store.read(&key).await.unwrap().unwrap();
        assert!(!format!("{answer:?}{kept}").contains(&secret), "{answer:?}");
    }
}
