//! What a handler is asked.

use crate::world::host::{Stage, outputs, queue_output, raw};
use local_host::bus::{Destination, Outgoing};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};

/// The value of a message as it arrives at a function that hears text.
async fn told(body: &str) -> Value {
    let mut staged = Stage::new().queue("fn").start().await;
    staged.send("fn", body).await;
    staged.invoked().await;
    let call = staged.calls().remove(0);
    staged.host.stop(std::time::Duration::ZERO).await;
    call.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn function_is_posted_to_by_its_name_with_the_hosts_headers() {
    let mut staged = Stage::new().queue("Fn-One").start().await;
    staged.send("Fn-One", "x").await;
    staged.invoked().await;
    let call = staged.calls().remove(0);
    assert_eq!((call.method.as_str(), call.uri.to_string().as_str()), ("POST", "/Fn-One"));
    assert_eq!(call.headers["content-type"], "application/json; charset=utf-8");
    assert!(call.headers["x-azure-functions-hostversion"].to_str().unwrap().starts_with("4."));
    assert!(call.headers["user-agent"].to_str().unwrap().starts_with("Azure-Functions-Host/4."));
    let invocation: uuid::Uuid = call.headers["x-azure-functions-invocationid"].to_str().unwrap().parse().unwrap();
    assert!(!invocation.is_nil());
    let body = call.json();
    assert_eq!(body.as_object().unwrap().keys().collect::<Vec<_>>(), ["Data", "Metadata"]);
    assert_eq!(body["Metadata"]["sys"]["MethodName"], "Fn-One");
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_and_texts_of_metadata_are_texts_and_moments_lose_their_fractions() {
    let mut staged = Stage::new().queue("fn").start().await;
    let mut message = Outgoing::new("x");
    message.properties.message_id = Some("s".to_owned());
    message.properties.application_properties.insert("n".to_owned(), json!(4));
    staged.bus().send(vec![(Destination::Queue("fn".to_owned()), message)]).await.unwrap();
    staged.invoked().await;
    let metadata = staged.calls()[0].json()["Metadata"].clone();
    assert_eq!(metadata["DeliveryCount"], "1");
    assert_eq!(metadata["MessageId"], "\"s\"");
    assert_eq!(metadata["ApplicationProperties"], json!({ "n": 4 }));
    let is_like = |text: &Value, end: &str| {
        text.as_str().unwrap().len() == 19 + end.len() && text.as_str().unwrap().ends_with(end)
    };
    assert!(is_like(&metadata["EnqueuedTimeUtc"], ""), "{metadata}");
    assert!(is_like(&metadata["EnqueuedTime"], "+00:00"), "{metadata}");
    assert_eq!(metadata.get("CorrelationId"), None, "what is null is not told");
}

#[tokio::test(flavor = "multi_thread")]
async fn text_is_encoded_twice() {
    assert_eq!(told("HelloWorld").await["Data"]["msg"], "\"HelloWorld\"");
    assert_eq!(told("{\"a\":1}").await["Data"]["msg"], "\"{\\\"a\\\":1}\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn body_of_a_text_message_shadows_its_metadata_and_that_of_a_binary_one_does_not() {
    let body = r#"{"messageid":"forged","orderId":7}"#;
    let text = told(body).await;
    assert_eq!(text["Metadata"]["MessageId"], "\"forged\"");
    assert_eq!(text["Metadata"]["orderId"], "\"7\"");
    let trigger = json!({ "type": "serviceBusTrigger", "direction": "in", "name": "msg", "queueName": "q", "connection": "Bus", "dataType": "binary" });
    let mut staged = Stage::new().function("fn", json!([trigger])).start().await;
    staged.send("q", body).await;
    staged.invoked().await;
    let binary = staged.calls()[0].json();
    assert_eq!(binary["Data"]["msg"], "eyJtZXNzYWdlaWQiOiJmb3JnZWQiLCJvcmRlcklkIjo3fQ==");
    assert_ne!(binary["Metadata"]["MessageId"], "\"forged\"");
    assert_eq!(binary["Metadata"].get("orderId"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn timer_is_told_as_an_object() {
    let trigger = json!({ "type": "timerTrigger", "direction": "in", "name": "timer", "schedule": "0 0 0 1 1 *", "runOnStartup": true });
    let mut staged = Stage::new().function("tick", json!([trigger])).start().await;
    staged.invoked().await;
    let call = staged.calls()[0].json();
    assert_eq!(call["Data"]["timer"]["IsPastDue"], false);
    assert_eq!(call["Data"]["timer"]["Schedule"], json!({ "AdjustForDST": true }));
    assert!(call["Data"]["timer"]["ScheduleStatus"]["Next"].as_str().unwrap().ends_with("-01-01T00:00:00Z"));
    assert_eq!(call["Metadata"].as_object().unwrap().keys().collect::<Vec<_>>(), ["sys"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_messages_are_arrays_in_text_and_settled_alike() {
    let trigger = json!({ "type": "serviceBusTrigger", "direction": "in", "name": "msgs", "queueName": "q", "connection": "Bus", "dataType": "string", "cardinality": "many" });
    let failures = AtomicU32::new(0);
    let staged = Stage::new().function("fn", json!([trigger, queue_output("out", "out")])).rules(60_000, 3);
    let staged = staged.answers(move |_| {
        let is_first = failures.fetch_add(1, Ordering::SeqCst) == 0;
        Some(if is_first { raw(500, "text/plain", "no") } else { outputs(json!({ "out": ["done"] })) })
    });
    let mut staged = staged.start().await;
    let both = ["body1", "body2"].map(|body| (Destination::Queue("q".to_owned()), Outgoing::new(body)));
    staged.bus().send(both.to_vec()).await.unwrap();
    staged.failed().await;
    staged.invoked().await;
    for call in staged.calls() {
        assert_eq!(call.json()["Data"]["msgs"], r#"["body1","body2"]"#);
    }
    assert_eq!(staged.calls()[0].json()["Metadata"]["DeliveryCountArray"], "[1,1]");
    assert_eq!(staged.calls()[1].json()["Metadata"]["DeliveryCountArray"], "[2,2]");
    assert_eq!(staged.settled("q").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn retries_are_counted_for_the_function() {
    let trigger = json!({ "type": "timerTrigger", "direction": "in", "name": "timer", "schedule": "0 0 0 1 1 *", "runOnStartup": true });
    let staged = Stage::new().function("tick", json!([trigger]));
    let staged =
        staged.policy("tick", json!({ "strategy": "fixedDelay", "maxRetryCount": 2, "delayInterval": "00:00:00" }));
    let staged = staged.answers(|call| {
        let context = call.json()["Metadata"]["RetryContext"].clone();
        let is_last = context["RetryCount"] == context["MaxRetryCount"];
        Some(if is_last { outputs(json!({})) } else { raw(500, "text/plain", "again") })
    });
    let mut staged = staged.start().await;
    staged.invoked().await;
    let counts: Vec<Value> =
        staged.calls().iter().map(|call| call.json()["Metadata"]["RetryContext"]["RetryCount"].clone()).collect();
    assert_eq!(counts, [0, 1, 2]);
    let last = staged.calls()[2].json()["Metadata"]["RetryContext"].clone();
    assert!(last["Exception"]["Message"].as_str().unwrap().contains("500"), "{last}");
}
