//! A delivery through the local host and the real handler, over HTTP, as GitHub makes it.

use crate::world::deliveries::{SECRET, delivery_id, push, signature};
use crate::world::handler::Handler;
use crate::world::staged::{Local, Machine};
use serde_json::{Value, json};

const COMMIT: &str = "0123456789012345678901234567890123456789";

/// Delivers `body` as GitHub does. Returns status and answer.
async fn deliver(local: &Local, number: u32, event: &str, body: &str, secret: &str) -> (u16, Value) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client
        .post(format!("http://{}/api/github/webhook", local.address))
        .header("content-type", "application/json")
        .header("x-github-event", event)
        .header("x-github-delivery", delivery_id(number))
        .header("x-hub-signature-256", signature(secret, body))
        .body(body.to_owned());
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn delivery_goes_through_both_processes_byte_for_byte() {
    let machine = Machine::with_repositories(1).await;
    // Nothing listens on port 9: what is asked of GitHub is put off.
    let settings = [
        ("SUTURE_GITHUB_TOKEN", "a token"),
        ("SUTURE_GITHUB_WEBHOOK_SECRET", SECRET),
        ("SUTURE_GITHUB_URL", "http://127.0.0.1:9"),
    ];
    let mut local = machine.start_with(&settings, &[]).await;
    // Blanks, escapes and letters beyond ASCII: the signature is over the bytes, so none of them may change on the way.
    let body = format!(
        "{}\r\n\t ",
        push(COMMIT).to_string().replace("\"ref\"", "\"\\u0072ef\"").replace("Shop", "Shop\",\"é\":\"𝟙\\/")
    );
    let refused = deliver(&local, 1, "push", &body, "another secret").await;
    assert_eq!(refused.0, 401, "{refused:?}");
    let taken = (202, json!({ "delivery": delivery_id(1), "messages": { "scan.requested": 1 }, "reason": null }));
    assert_eq!(deliver(&local, 1, "push", &body, SECRET).await, taken);
    assert_eq!(deliver(&local, 1, "push", &body, SECRET).await, taken);
    let ping = deliver(&local, 2, "ping", "{\"zen\":\"é\"}", SECRET).await;
    assert_eq!((ping.0, &ping.1["reason"]), (200, &json!("it is only a ping")));
    // `scan` puts it off: once, though it was asked twice.
    while local.wait_for("invoked").await["function"] != "scan" {}
    assert_eq!(local.failed, 0);
    let store = machine.store();
    assert_eq!(store.list("journal/github-webhook").await.unwrap().len(), 2);
    let put_off = store.list("wakeups").await.unwrap();
    let [put_off] = &put_off[..] else { panic!("{put_off:?}") };
    let put_off: Value = store.read(put_off).await.unwrap().unwrap();
    assert_eq!(put_off["message"]["payload"]["repository"], "127.0.0.1:9/octo/shop", "{put_off}");
    assert_eq!(local.end(), Some(0));
}

/// The host's call for a push that is signed by `secret`.
fn call(secret: &str) -> String {
    let body = push(COMMIT).to_string();
    let headers = json!({
        "Content-Type": ["application/json"],
        "X-Github-Event": ["push"],
        "X-Github-Delivery": [delivery_id(1)],
        "X-Hub-Signature-256": [signature(secret, &body)],
    });
    let url = "http://localhost:7071/api/github/webhook?code=a-key-of-the-host";
    json!({ "Data": { "req": { "Url": url, "Method": "POST", "Headers": headers, "Body": body } }, "Metadata": {} })
        .to_string()
}

#[tokio::test]
async fn delivery_that_comes_again_after_kill_9_gets_the_same_answer() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let variables = [
        ("SUTURE_STORE", store.to_str().unwrap()),
        ("SUTURE_ADVISORIES", "starter"),
        ("SUTURE_GITHUB_TOKEN", "a token"),
        ("SUTURE_GITHUB_WEBHOOK_SECRET", SECRET),
    ];
    let handler = Handler::start(folder.path(), &variables).await;
    let first = handler.call("github-webhook", call(SECRET)).await;
    let reply: Value = serde_json::from_str(&first.1).unwrap();
    assert_eq!((first.0, &reply["Outputs"]["res"]["statusCode"]), (200, &json!(202)), "{reply}");
    assert_eq!(reply["Outputs"]["scan"].as_array().unwrap().len(), 1);
    drop(handler);
    let handler = Handler::start(folder.path(), &variables).await;
    assert_eq!(handler.call("github-webhook", call(SECRET)).await, first);
}

#[tokio::test]
async fn refusal_is_a_line_of_the_log_without_anything_of_the_delivery() {
    let folder = tempfile::tempdir().unwrap();
    let variables = [
        ("SUTURE_STORE", "memory"),
        ("SUTURE_ADVISORIES", "starter"),
        ("SUTURE_GITHUB_TOKEN", "a token"),
        ("SUTURE_GITHUB_WEBHOOK_SECRET", SECRET),
    ];
    let handler = Handler::start(folder.path(), &variables).await;
    for _ in 0..2 {
        let (status, reply) = handler.call("github-webhook", call("another secret")).await;
        let reply: Value = serde_json::from_str(&reply).unwrap();
        let outputs = reply["Outputs"].as_object().unwrap();
        assert_eq!((status, outputs.len(), &outputs["res"]["statusCode"]), (200, 1, &json!(401)), "{reply}");
    }
    handler.call("github-webhook", call(SECRET)).await;
    let lines = handler.lines();
    let refused = lines.iter().filter(|line| line["message"] == "a delivery was refused" && line["status"] == 401);
    assert_eq!(refused.count(), 2, "{lines:?}");
    let said = format!("{lines:?}{:?}", handler.errors());
    for never in [SECRET, "another secret", "refs/heads/main", COMMIT, "sha256=", "a-key-of-the-host"] {
        assert!(!said.contains(never), "{never}: {said}");
    }
}
