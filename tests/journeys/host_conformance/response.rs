//! What becomes of an answer.

use crate::world::host::{Stage, Staged, outputs, queue_output, queue_trigger, raw};
use axum::Json;
use axum::response::{IntoResponse, Response};
use local_host::host::HostEvent;
use serde_json::{Value, json};

/// A host whose function answers `answer` to one message.
async fn answered(answer: impl Fn() -> Response + Send + Sync + 'static) -> Staged {
    let staged = Stage::new().queue("fn").rules(60_000, 1).answers(move |_| Some(answer())).start().await;
    staged.send("fn", "x").await;
    staged
}

/// Why that message failed.
async fn failure(answer: impl Fn() -> Response + Send + Sync + 'static) -> String {
    let mut staged = answered(answer).await;
    let reason = staged.failed().await;
    assert_eq!(staged.settled("fn").await, 1, "it is a dead letter after one delivery");
    reason
}

/// What is sent to `out` for this output.
async fn sent(output: Value) -> Vec<String> {
    let mut staged = answered(move || outputs(json!({ "out": output }))).await;
    staged.invoked().await;
    staged.bodies("out").await
}

#[tokio::test(flavor = "multi_thread")]
async fn outputs_logs_and_return_value_are_taken() {
    let whole = || {
        Json(json!({ "Outputs": { "out": ["a", "b"] }, "Logs": ["one", "two"], "ReturnValue": null })).into_response()
    };
    let mut staged = answered(whole).await;
    for expected in ["one", "two"] {
        let line = staged.event(|event| match event {
            HostEvent::Log { line, .. } => Some(line.clone()),
            _ => None,
        });
        assert_eq!(line.await, expected);
    }
    staged.invoked().await;
    assert_eq!(staged.bodies("out").await, ["a", "b"]);
    assert_eq!(staged.settled("fn").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn json_without_known_members_is_a_success_without_outputs() {
    let mut staged = answered(|| Json(json!({ "what": "ever" })).into_response()).await;
    staged.invoked().await;
    assert_eq!(staged.settled("fn").await, 0);
    assert_eq!(staged.bodies("out").await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn arrays_are_one_message_for_each_element_and_texts_by_themselves_are_not_safe() {
    assert_eq!(sent(json!(["{\"a\":1}", "test"])).await, ["{\"a\":1}", "test"]);
    assert_eq!(sent(json!("test")).await, ["System.Byte[]"]);
    assert_eq!(sent(json!("{\"a\":1}")).await, ["{\n  \"a\": 1\n}"]);
    assert_eq!(sent(json!("[\"a\",\"b\"]")).await, ["a", "b"]);
    assert_eq!(sent(json!({ "a": 1 })).await, ["{\n  \"a\": 1\n}"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn binary_outputs_are_left_alone() {
    let mut output = queue_output("out", "out");
    output["dataType"] = "binary".into();
    let staged = Stage::new().function("fn", json!([queue_trigger("fn"), output]));
    let mut staged = staged.answers(|_| Some(outputs(json!({ "out": "dGVzdA==" })))).start().await;
    staged.send("fn", "x").await;
    staged.invoked().await;
    assert_eq!(staged.bodies("out").await, ["dGVzdA=="]);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_outputs_are_case_sensitive() {
    let mut staged = answered(|| outputs(json!({ "Out": ["a"] }))).await;
    staged.invoked().await;
    assert_eq!(staged.bodies("out").await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn return_value_is_for_its_binding_or_else_spread_over_the_outputs() {
    let returned = |value: Value| move || Json(json!({ "ReturnValue": value })).into_response();
    let mut staged = answered(returned(json!({ "out": ["spread"] }))).await;
    staged.invoked().await;
    assert_eq!(staged.bodies("out").await, ["spread"]);
    let bindings = json!([queue_trigger("fn"), queue_output("$return", "out")]);
    let answer = returned(json!(["whole"]));
    let mut staged = Stage::new().function("fn", bindings).answers(move |_| Some(answer())).start().await;
    staged.send("fn", "x").await;
    staged.invoked().await;
    assert_eq!(staged.bodies("out").await, ["whole"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_json_fails_with_its_text_and_status() {
    let reason = failure(|| raw(200, "application/json", "not json")).await;
    assert!(reason.contains("not json") && reason.contains("StatusCode: 200"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_media_types_fail() {
    let reason = failure(|| raw(200, "text/plain", "{}")).await;
    assert!(reason.contains("UnsupportedMediaType"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_statuses_fail() {
    for status in [400, 404, 500] {
        let reason = failure(move || raw(status, "application/json", "{}")).await;
        assert!(reason.contains(&format!("does not indicate success: {status}")), "{reason}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_answers_fail_at_once_instead_of_hanging() {
    for (status, body) in [(200, ""), (200, "null"), (204, "")] {
        let reason = failure(move || raw(status, "application/json", body)).await;
        assert!(reason.contains("would hang until functionTimeout"), "{reason}");
    }
}
