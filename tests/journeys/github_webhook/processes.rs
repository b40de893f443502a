//! A delivery through the local host and the real handler, over HTTP, as GitHub makes it.

use crate::world::deliveries::{SECRET, delivery_id, push, signature};
use crate::world::staged::{Local, Machine};
use serde_json::{Value, json};

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
    let settings = [("SUTURE_GITHUB_TOKEN", "a token"), ("SUTURE_GITHUB_WEBHOOK_SECRET", SECRET)];
    let mut local = machine.start_with(&settings, &[]).await;
    let commit = "0123456789012345678901234567890123456789";
    // Blanks, escapes and letters beyond ASCII: the signature is over the bytes, so none of them may change on the way.
    let body = format!(
        "{}\r\n\t ",
        push(commit).to_string().replace("\"ref\"", "\"\\u0072ef\"").replace("Shop", "Shop\",\"é\":\"𝟙\\/")
    );
    let refused = deliver(&local, 1, "push", &body, "another secret").await;
    assert_eq!(refused.0, 401, "{refused:?}");
    let taken = (202, json!({ "delivery": delivery_id(1), "messages": { "scan.requested": 1 }, "reason": null }));
    assert_eq!(deliver(&local, 1, "push", &body, SECRET).await, taken);
    assert_eq!(deliver(&local, 1, "push", &body, SECRET).await, taken);
    let ping = deliver(&local, 2, "ping", "{\"zen\":\"é\"}", SECRET).await;
    assert_eq!((ping.0, &ping.1["reason"]), (200, &json!("it is only a ping")));
    // The repository is not on this machine, so `scan` can do nothing but say so: once, though it was asked twice.
    for function in ["scan", "poison"] {
        while local.wait_for("invoked").await["function"] != function {}
    }
    assert_eq!(local.failed, 0);
    let store = machine.store();
    assert_eq!(store.list("journal/github-webhook").await.unwrap().len(), 2);
    let poison = store.list("poison").await.unwrap();
    let [poison] = &poison[..] else { panic!("{poison:?}") };
    let poison: Value = store.read(poison).await.unwrap().unwrap();
    assert_eq!(poison["message"]["payload"]["repository"], "github.com/octo/shop", "{poison}");
    assert_eq!(poison["message"]["causation_id"], delivery_id(1));
    assert_eq!(local.end(), Some(0));
}
