use super::read::is_name;
use super::*;
use crate::app::{App, AppFaults, Settings, check};
use serde_json::{Value, json};

/// An app with these functions, by the names of their folders.
fn app(functions: &[(&str, &Value)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let host_json = json!({
        "version": "2.0",
        "extensionBundle": { "id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.*, 5.0.0)" },
        "customHandler": { "description": { "defaultExecutablePath": "handler" } },
    });
    std::fs::write(folder.path().join("host.json"), host_json.to_string()).unwrap();
    for (name, json) in functions {
        std::fs::create_dir_all(folder.path().join(name)).unwrap();
        std::fs::write(folder.path().join(name).join("function.json"), json.to_string()).unwrap();
    }
    folder
}

fn read(functions: &[(&str, &Value)]) -> Result<App, AppFaults> {
    App::read_with(app(functions).path(), &Settings::from_iter([("SCHEDULE", "30 0 9 * * MON"), ("QUEUE", "scan")]))
}

fn function(bindings: &Value) -> Function {
    let app = read(&[("f", &json!({ "bindings": bindings }))]).unwrap_or_else(|faults| panic!("{faults}"));
    app.functions.into_iter().next().unwrap()
}

/// `function` is refused with one fault, which begins so after the name of the file.
fn refused(function: &Value, expect: &str) {
    let faults = read(&[("f", function)]).expect_err(expect);
    assert_eq!(faults.0.len(), 1, "{faults}");
    assert!(faults.to_string().starts_with(&format!("f/function.json{expect}")), "{faults}\n{expect}");
}

fn queue() -> Value {
    json!({ "type": "serviceBusTrigger", "direction": "in", "name": "message", "queueName": "scan", "connection": "C", "dataType": "binary" })
}

fn with(mut json: Value, key: &str, value: Value) -> Value {
    json[key] = value;
    json
}

fn only(binding: Value) -> Value {
    json!({ "bindings": [binding] })
}

#[test]
fn triggers_and_outputs_of_service_bus_are_read() {
    let out = json!({ "type": "serviceBus", "direction": "out", "name": "events", "topicName": "agent-events", "connection": "C" });
    let read = function(&json!([out, with(queue(), "queueName", json!("%QUEUE%"))]));
    assert_eq!(read.trigger, Trigger::Queue { queue: "scan".to_owned(), batch: false, data_type: DataType::Binary });
    assert_eq!(read.trigger_binding, "message");
    let kind = Output::Topic("agent-events".to_owned());
    assert_eq!(read.outputs, [OutputBinding { name: "events".to_owned(), kind, data_type: DataType::Unset }]);
    let topic = json!({
        "type": "ServiceBusTrigger", "name": "m", "topicName": "t", "subscriptionName": "s", "connection": "C", "cardinality": "many",
        "dataType": "String",
    });
    let expect = Trigger::Subscription {
        topic: "t".to_owned(),
        subscription: "s".to_owned(),
        batch: true,
        data_type: DataType::String,
    };
    assert_eq!(function(&json!([topic])).trigger, expect);
}

#[test]
fn timers_are_read() {
    let timer =
        |schedule: &str| function(&json!([{ "type": "timerTrigger", "name": "t", "schedule": schedule }])).trigger;
    let Trigger::Timer { schedule, run_on_startup: false, use_monitor: true } = timer("%SCHEDULE%") else { panic!() };
    assert_eq!(schedule.as_str(), "30 0 9 * * MON");
    assert!(matches!(timer("*/5 * * * * *"), Trigger::Timer { use_monitor: false, .. }));
}

#[test]
fn http_triggers_are_read() {
    let out = json!({ "type": "http", "direction": "out", "name": "res" });
    let read = function(&json!([{ "type": "httpTrigger", "name": "req" }, out]));
    let expect = Trigger::Http { methods: Vec::new(), route: "f".to_owned(), auth_level: AuthLevel::Function };
    assert_eq!((read.trigger, &read.outputs[0].kind), (expect, &Output::Http));
    let trigger = json!({
        "type": "httpTrigger", "name": "req", "methods": ["get", "POST"], "route": "/cases/{id:int?}", "authLevel": "anonymous",
    });
    let expect = Trigger::Http {
        methods: vec![Method::Get, Method::Post],
        route: "cases/{id:int?}".to_owned(),
        auth_level: AuthLevel::Anonymous,
    };
    assert_eq!(function(&json!([trigger, out])).trigger, expect);
}

#[test]
fn retries_are_read() {
    let timer = json!({ "type": "timerTrigger", "name": "t", "schedule": "0 * * * * *" });
    let retry = |policy: Value| {
        read(&[("f", &json!({ "bindings": [timer], "retry": policy }))]).map(|app| app.functions[0].retry)
    };
    let fixed = json!({ "strategy": "fixedDelay", "maxRetryCount": 3, "delayInterval": "00:00:05" });
    assert_eq!(retry(fixed), Ok(Some(Retry { retries_max: Some(3), delay: RetryDelay::Fixed { delay_ms: 5_000 } })));
    let exponential = json!({
        "strategy": "exponentialBackoff", "maxRetryCount": -1, "minimumInterval": "00:00:01", "maximumInterval": "00:01:00",
    });
    let delay = RetryDelay::Exponential { min_ms: 1_000, max_ms: 60_000 };
    assert_eq!(retry(exponential), Ok(Some(Retry { retries_max: None, delay })));
    assert!(retry(json!({ "strategy": "fixedDelay" })).is_err());
    assert!(retry(json!({ "maxRetryCount": 1 })).is_err());
}

#[test]
fn functions_come_in_the_order_of_their_names() {
    let timer = only(json!({ "type": "timerTrigger", "name": "t", "schedule": "0 * * * * *" }));
    let app = read(&[("b", &timer), ("a", &timer), ("c-d_1", &timer)]).unwrap();
    assert_eq!(app.functions.iter().map(|function| function.name.as_str()).collect::<Vec<_>>(), ["a", "b", "c-d_1"]);
}

#[test]
fn names_of_functions_are_those_of_the_host() {
    for (name, expect) in [
        ("scan", true),
        ("Scan-2_x", true),
        ("host", false),
        ("HOST", false),
        ("2scan", false),
        ("_scan", false),
        ("", false),
        ("a b", false),
        ("é", false),
        ("a.b", false),
    ] {
        assert_eq!(is_name(name), expect, "{name}");
    }
    assert!(is_name(&"a".repeat(128)) && !is_name(&"a".repeat(129)));
}

#[test]
fn what_the_host_refuses_is_refused_in_words() {
    let timer = json!({ "type": "timerTrigger", "name": "t", "schedule": "0 * * * * *" });
    let http = json!({ "type": "httpTrigger", "name": "req" });
    let out = json!({ "type": "serviceBus", "direction": "out", "name": "o", "queueName": "q", "connection": "C" });
    let res = json!({ "type": "http", "direction": "out", "name": "res" });
    let and_out = |output: Value| json!({ "bindings": [timer, output] });
    let rows = [
        (json!({}), ": has no bindings"),
        (only(out.clone()), ": has no trigger"),
        (
            json!({ "bindings": [timer, with(timer.clone(), "name", json!("u"))] }),
            " at bindings[1]: is one trigger too many",
        ),
        (only(json!({ "type": "blobTrigger", "name": "b" })), " at bindings[0]: is no trigger that Suture has"),
        (
            and_out(json!({ "type": "blob", "name": "b", "direction": "out" })),
            " at bindings[1]: \"blob\" is no binding that Suture has",
        ),
        (and_out(with(out.clone(), "direction", json!("in"))), " at bindings[1]: is no output"),
        (
            and_out(with(out.clone(), "topicName", json!("t"))),
            " at bindings[1]: needs either a queueName or a topicName",
        ),
        (
            and_out(with(out.clone(), "name", json!("T"))),
            " at bindings[1].name: \"T\" is the name of another binding too",
        ),
        (
            and_out(with(out.clone(), "name", json!("my_out"))),
            " at bindings[1].name: \"my_out\" is no name of a binding",
        ),
        (and_out(with(out.clone(), "connection", Value::Null)), " at bindings[1]: has no connection"),
        (
            and_out(with(out, "queueName", json!("a b"))),
            " at bindings[1].queueName: \"a b\" is no name that Service Bus takes",
        ),
        (and_out(res.clone()), ": has an http output, but nobody who asked"),
        (only(with(queue(), "name", json!("$return"))), " at bindings[0].name: $return is for outputs alone"),
        (only(with(queue(), "direction", json!("out"))), " at bindings[0]: is a trigger, but not an input"),
        (
            only(with(queue(), "topicName", json!("t"))),
            " at bindings[0]: needs either a queueName, or a topicName with a subscriptionName",
        ),
        (
            only(with(queue(), "queueName", Value::Null)),
            " at bindings[0]: needs either a queueName, or a topicName with a subscriptionName",
        ),
        (
            only(with(queue(), "connection", json!("Endpoint=sb://x;SharedAccessKey=y"))),
            " at bindings[0].connection: holds a connection string, which is a secret",
        ),
        (
            only(with(with(queue(), "dataType", Value::Null), "cardinality", json!("many"))),
            " at bindings[0].cardinality: many needs a dataType",
        ),
        (only(with(queue(), "cardinality", json!("two"))), " at bindings[0].cardinality: \"two\" is no cardinality"),
        (only(with(queue(), "dataType", json!("json"))), " at bindings[0].dataType: \"json\" is no type of data"),
        (only(with(queue(), "isSessionsEnabled", json!(true))), " at bindings[0]: asks for sessions"),
        (only(with(queue(), "autoComplete", json!(false))), " at bindings[0]: autoComplete is false"),
        (
            only(with(queue(), "queueName", json!("%NONE%"))),
            " at bindings[0].queueName: names the app setting NONE, which has no value",
        ),
        (only(with(timer.clone(), "schedule", json!("0 0 25 * * *"))), " at bindings[0].schedule: \"25\" is no hour"),
        (only(with(timer.clone(), "schedule", json!("0 0 0 30 2 *"))), " at bindings[0].schedule: never comes"),
        (
            only(with(timer.clone(), "schedule", json!("%NONE%"))),
            " at bindings[0].schedule: names the app setting NONE, which has no value",
        ),
        (only(with(timer.clone(), "schedule", Value::Null)), " at bindings[0]: has no schedule"),
        (
            json!({ "bindings": [timer], "scriptFile": "run.js" }),
            " at scriptFile: names the file run.js, which is not there",
        ),
        (
            json!({ "bindings": [with(http.clone(), "route", json!("admin/x")), res] }),
            " at bindings[0].route: \"admin/x\" begins with admin",
        ),
        (
            json!({ "bindings": [with(http.clone(), "route", json!("a/{id")), res] }),
            " at bindings[0].route: \"{id\" opens a brace",
        ),
        (
            json!({ "bindings": [with(http.clone(), "methods", json!(["fetch"])), res] }),
            " at bindings[0].methods[0]: \"fetch\" is no method",
        ),
        (
            json!({ "bindings": [with(http, "authLevel", json!("user")), res] }),
            " at bindings[0].authLevel: \"user\" is no level",
        ),
    ];
    for (function, expect) in rows {
        refused(&function, expect);
    }
}

#[test]
fn routes_are_answered_by_one_function() {
    let http = |route: &str, methods: &[&str]| {
        json!({ "bindings": [
            { "type": "httpTrigger", "name": "req", "route": route, "methods": methods },
            { "type": "http", "direction": "out", "name": "res" },
        ] })
    };
    let conflict = |first: Value, second: Value| read(&[("a", &first), ("b", &second)]).is_err();
    assert!(conflict(http("x", &["get"]), http("/X/", &["get", "post"])));
    assert!(conflict(http("x", &[]), http("x", &["post"])));
    assert!(!conflict(http("x", &["get"]), http("x", &["post"])));
    assert!(!conflict(http("x", &["get"]), http("y", &["get"])));
}

#[test]
fn what_an_app_setting_will_say_is_not_checked_before_a_deployment() {
    let timer = only(json!({ "type": "timerTrigger", "name": "t", "schedule": "%NONE%" }));
    let message = only(with(queue(), "queueName", json!("%NONE%")));
    assert_eq!(check(app(&[("t", &timer), ("q", &message)]).path()).unwrap().functions, ["q", "t"]);
}

#[test]
fn what_hardly_anybody_wants_is_warned_of() {
    let rows = [
        (only(with(queue(), "dataType", Value::Null)), "forge"),
        (only(json!({ "type": "timerTrigger", "name": "t", "schedule": "00:05:00" })), "dedicated"),
        (
            only(json!({ "type": "timerTrigger", "name": "t", "schedule": "0 * * * * *", "runOnStartup": true })),
            "each start",
        ),
        (only(json!({ "type": "httpTrigger", "name": "req" })), "empty answer"),
    ];
    for (function, word) in rows {
        let warnings = read(&[("f", &function)]).unwrap().warnings;
        assert!(warnings.len() == 1 && warnings[0].problem.contains(word), "{warnings:?}");
    }
    let timer = only(json!({ "type": "timerTrigger", "name": "t", "schedule": "0 * * * * *" }));
    let warnings = read(&[("f", &timer), ("deep/er", &timer)]).unwrap().warnings;
    assert_eq!(
        warnings[0].to_string(),
        "deep/er/function.json: lies too deep for the host to see. Put the function's folder beside host.json."
    );
}
