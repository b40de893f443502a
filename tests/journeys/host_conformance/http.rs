//! HTTP functions, and the inlets of the host.

use crate::world::host::{Stage, http_output, http_trigger, outputs, raw};
use axum::body::Body;
use axum::http::Response;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn request_without_forwarding_is_told_as_an_object() {
    let trigger = http_trigger(json!({ "authLevel": "anonymous", "route": "orders/{id}", "methods": ["post"] }));
    let staged = Stage::new().function("fn", json!([trigger, http_output()])).start().await;
    let asked =
        staged.request("POST", "/api/orders/7?q=a%20b").header("X-Mark", "m").body("text").send().await.unwrap();
    assert_eq!(asked.status(), 200);
    let call = staged.calls().remove(0);
    assert_eq!((call.method.as_str(), call.uri.path()), ("POST", "/fn"));
    let request = &call.json()["Data"]["req"];
    assert_eq!(request["Method"], "POST");
    assert_eq!(request["Query"], json!({ "q": "a b" }));
    assert_eq!(request["Params"], json!({ "id": "7" }));
    assert_eq!(request["Headers"]["X-Mark"], json!(["m"]));
    assert_eq!(request["Body"], "text");
    assert!(request["Url"].as_str().unwrap().ends_with("/api/orders/7?q=a%20b"), "{request}");
}

#[tokio::test(flavor = "multi_thread")]
async fn res_makes_the_answer() {
    let staged = Stage::new().http("fn").start().await;
    let check = async |res: Value, status: u16, body: &str| {
        staged.answers(move |_| Some(outputs(json!({ "res": res }))));
        let answer = staged.request("GET", "/api/fn").send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (status, body));
    };
    check(json!({ "statusCode": "201", "body": "my world" }), 201, "my world").await;
    check(json!({ "statusCode": 202, "body": { "a": 1 }, "headers": { "x": "y" } }), 202, "{\"a\":1}").await;
    check(json!({ "statusCode": "204" }), 204, "").await;
    check(json!({}), 200, "").await;
    check(json!({ "body": "only" }), 200, "only").await;
    check(json!({ "status": 404 }), 200, "").await;
    staged.answers(|_| Some(outputs(json!({ "res": "SomeBlah" }))));
    assert_eq!(staged.request("GET", "/api/fn").send().await.unwrap().status(), 500);
    staged.answers(|_| Some(raw(500, "text/plain", "no")));
    assert_eq!(staged.request("GET", "/api/fn").send().await.unwrap().status(), 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn forwarded_request_arrives_as_it_was_sent_and_its_answer_goes_back_as_it_is() {
    let staged =
        Stage::new().http("fn").host_json("/customHandler", "enableForwardingHttpRequest", json!(true)).start().await;
    staged.answers(|_| {
        let answer = Response::builder().status(404).header("x-mark", "back").body(Body::from("not here"));
        Some(answer.unwrap())
    });
    let asked =
        staged.request("PUT", "/api/fn?a=1&a=2").header("accept", "text/odd").body("whole").send().await.unwrap();
    assert_eq!((asked.status().as_u16(), asked.headers()["x-mark"].to_str().unwrap()), (404, "back"));
    assert_eq!(asked.text().await.unwrap(), "not here");
    let call = staged.calls().remove(0);
    assert_eq!((call.method.as_str(), call.uri.to_string().as_str()), ("PUT", "/api/fn?a=1&a=2"));
    assert_eq!((call.headers["accept"].to_str().unwrap(), &call.body[..]), ("text/odd", &b"whole"[..]));
    assert!(call.headers.contains_key("x-azure-functions-invocationid"));
    assert_eq!(staged.request("GET", "/api/fn").send().await.unwrap().status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn older_http_worker_forwards_to_the_name_of_the_function() {
    let stage = Stage::new().http("fn");
    let description = json!({ "description": {
        "defaultExecutablePath": std::env::current_exe().unwrap(),
        "arguments": ["world::host::relay", "--exact", "--ignored", "--nocapture"],
    } });
    let staged = stage.without_handler().host_json("", "httpWorker", description).start().await;
    staged.answers(|_| Some(raw(200, "text/plain", "hello")));
    let asked = staged.request("GET", "/api/fn?x=1").send().await.unwrap();
    assert_eq!(asked.text().await.unwrap(), "hello");
    assert_eq!(staged.calls()[0].uri.to_string(), "/fn?x=1");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_asked_for_by_level() {
    let route = |level: &str| json!([http_trigger(json!({ "authLevel": level })), http_output()]);
    let stage = Stage::new().function("open", route("anonymous")).function("closed", route("function"));
    let staged = stage.function("top", route("admin")).start().await;
    let keys = staged.host.keys().clone();
    let check = async |path: &str, key: Option<&str>, expect: u16| {
        let mut request = staged.request("GET", path);
        if let Some(key) = key {
            request = request.header("x-functions-key", key);
        }
        assert_eq!(request.send().await.unwrap().status(), expect, "{path}");
    };
    check("/api/open", None, 200).await;
    check("/api/closed", None, 401).await;
    check("/api/closed", Some("wrong"), 401).await;
    check("/api/closed", Some(&keys.default), 200).await;
    check(&format!("/api/closed?code={}", keys.default), None, 200).await;
    check("/api/top", Some(&keys.default), 401).await;
    check("/api/top", Some(&keys.master), 200).await;
    check("/admin/host/status", Some(&keys.default), 401).await;
    check("/admin/host/status", Some(&keys.master), 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_routes_are_404_and_other_methods_405() {
    let trigger = http_trigger(json!({ "authLevel": "anonymous", "methods": ["get"] }));
    let staged = Stage::new().function("fn", json!([trigger, http_output()])).start().await;
    assert_eq!(staged.request("GET", "/api/other").send().await.unwrap().status(), 404);
    assert_eq!(staged.request("GET", "/fn").send().await.unwrap().status(), 404);
    let refused = staged.request("POST", "/api/fn").send().await.unwrap();
    assert_eq!((refused.status().as_u16(), refused.headers()["allow"].to_str().unwrap()), (405, "GET"));
}

#[tokio::test(flavor = "multi_thread")]
async fn too_large_bodies_are_413() {
    let staged = Stage::new().http("fn").start().await;
    let body = vec![0; local_host::host::BODY_BYTES_MAX + 1];
    let refused = staged.request("POST", "/api/fn").body(body).send().await;
    // The connection may be closed before all of it was sent.
    assert!(refused.map_or(true, |refused| refused.status() == 413));
    assert_eq!(staged.calls().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_run_by_hand_and_messages_are_put_in_by_hand() {
    let mut staged = Stage::new().queue("fn").start().await;
    let run = staged.admin("POST", "/admin/functions/fn").body(r#"{"input":"by hand"}"#).send().await.unwrap();
    assert_eq!(run.status(), 202);
    staged.invoked().await;
    let call = staged.calls()[0].json();
    assert_eq!(call["Data"]["msg"], "\"by hand\"");
    assert_eq!(call["Metadata"].get("LockToken"), None);
    assert_eq!(staged.admin("POST", "/admin/functions/none").send().await.unwrap().status(), 404);
    assert_eq!(staged.request("POST", "/admin/functions/fn").send().await.unwrap().status(), 401);
    let sent = staged.admin("POST", "/admin/messages/fn").body("a message").send().await.unwrap();
    assert_eq!(sent.status(), 201);
    staged.invoked().await;
    assert_eq!(staged.calls()[1].json()["Data"]["msg"], "\"a message\"");
    assert_eq!(staged.admin("POST", "/admin/messages/none").send().await.unwrap().status(), 404);
    let status: Value = staged.admin("GET", "/admin/host/status").send().await.unwrap().json().await.unwrap();
    assert_eq!((&status["state"], &status["apps"][0]["handler"]), (&json!("Running"), &json!("ready")));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_below_admin_answers_without_the_master_key() {
    let staged = Stage::new().queue("fn").queue("admin").http("messages").start().await;
    let keys = staged.host.keys().clone();
    let wrong = format!("{}x", &keys.master[..keys.master.len() - 1]);
    let paths = [
        "/admin",
        "/admin/",
        "/admin/host",
        "/admin/host/status",
        "/admin/host/status/",
        "/admin/functions",
        "/admin/functions/fn",
        "/admin/functions/none",
        "/admin/messages",
        "/admin/messages/fn",
        "/admin/messages/head",
        "/admin/messages/none/more",
        "/admin/nothing/there",
        "/admin//host/status",
    ];
    for path in paths {
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"] {
            for key in [None, Some("wrong"), Some(""), Some(&wrong), Some(&keys.default)] {
                let asked = [
                    key.iter().fold(staged.request(method, path), |asked, key| asked.header("x-functions-key", *key)),
                    staged.request(method, &format!("{path}?code={}", key.unwrap_or_default())),
                ];
                for asked in asked {
                    assert_eq!(asked.body("{}").send().await.unwrap().status(), 401, "{method} {path} {key:?}");
                }
            }
            assert_ne!(staged.admin(method, path).body("{}").send().await.unwrap().status(), 401, "{method} {path}");
        }
    }
    assert_eq!(staged.admin("GET", "/admin/nothing").send().await.unwrap().status(), 404);
    assert_eq!(staged.admin("PUT", "/admin/host/status").send().await.unwrap().status(), 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn bus_is_asked_as_service_bus_is_beside_the_functions() {
    let staged = Stage::new().queue("fn").http("messages").start().await;
    assert_eq!(staged.request("POST", "/fn/messages").body("x").send().await.unwrap().status(), 401);
    assert_eq!(staged.request("GET", "/api/messages").send().await.unwrap().status(), 200);
    assert_eq!(staged.calls()[0].function(), "messages");
}
