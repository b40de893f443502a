use crate::app::{App, Settings, check};
use serde_json::{Value, json};
use std::path::Path;

fn host_json() -> Value {
    json!({
        "version": "2.0",
        "extensionBundle": { "id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.*, 5.0.0)" },
        "customHandler": { "description": { "defaultExecutablePath": "handler" }, "enableForwardingHttpRequest": true },
    })
}

/// An app of one timer, with this `host.json`.
fn app(host_json: &Value) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let timer = json!({ "bindings": [{ "type": "timerTrigger", "name": "t", "schedule": "0 * * * * *" }] });
    std::fs::create_dir(folder.path().join("sweep")).unwrap();
    std::fs::write(folder.path().join("host.json"), host_json.to_string()).unwrap();
    std::fs::write(folder.path().join("sweep/function.json"), timer.to_string()).unwrap();
    std::fs::write(folder.path().join("handler"), "").unwrap();
    folder
}

fn with(path: &str, value: Value) -> Value {
    let mut json = host_json();
    let mut at = &mut json;
    for name in path.split('.') {
        at = &mut at[name];
    }
    *at = value;
    json
}

fn read(host_json: &Value, settings: &Settings) -> App {
    App::read_with(app(host_json).path(), settings).unwrap_or_else(|faults| panic!("{faults}"))
}

fn refused(host_json: &Value, expect: &str) {
    let faults = App::read(app(host_json).path()).expect_err(expect);
    assert_eq!(faults.to_string(), expect);
}

#[test]
fn what_is_not_said_has_the_defaults_of_the_host() {
    let folder = app(&host_json());
    let app = App::read(folder.path()).unwrap();
    let host = &app.host;
    assert_eq!(host.description.executable, folder.path().join("handler"));
    assert_eq!(host.description.working_directory, folder.path());
    assert_eq!((host.forwards_http, host.proxies_http, host.is_legacy), (true, false, false));
    assert_eq!(host.route_prefix, "api");
    assert_eq!((host.initialization_timeout_ms, host.function_timeout_ms), (30_000, Some(1_800_000)));
    assert_eq!((host.service_bus.max_message_batch_size, host.service_bus.min_message_batch_size), (1_000, 1));
    assert!(app.warnings.is_empty(), "{:?}", app.warnings);
}

#[test]
fn what_is_said_is_read() {
    let mut json = with("functionTimeout", json!("00:10:00"));
    json["extensions"] = json!({
        "http": { "routePrefix": "/v1/" },
        "serviceBus": { "maxConcurrentCalls": "8", "maxAutoLockRenewalDuration": "00:10:00", "prefetchCount": 3 },
    });
    json["customHandler"]["initializationTimeout"] = json!("00:00:05");
    json["customHandler"]["description"]["arguments"] = json!(["--level", "%LEVEL%", "two words", "%NONE%"]);
    json["telemetryMode"] = json!("OpenTelemetry");
    let app = read(&json, &Settings::from_iter([("LEVEL", "debug")]));
    assert_eq!(app.host.description.arguments, ["--level", "debug", "two", "words"]);
    assert_eq!((app.host.initialization_timeout_ms, app.host.function_timeout_ms), (5_000, Some(600_000)));
    assert_eq!((app.host.route_prefix.as_str(), app.host.open_telemetry), ("v1", true));
    let bus = app.host.service_bus;
    assert_eq!((bus.max_concurrent_calls, bus.max_auto_lock_renewal_ms, bus.prefetch_count), (8, 600_000, 3));
    assert_eq!(read(&with("functionTimeout", json!("-1")), &Settings::default()).host.function_timeout_ms, None);
}

#[test]
fn app_settings_override_the_file() {
    let settings = Settings::from_iter([
        ("AzureFunctionsJobHost__customHandler__description__arguments", "[\"--override\"]"),
        ("AzureFunctionsJobHost__extensions__serviceBus__maxConcurrentCalls", "2"),
    ]);
    let app = read(&with("customHandler.description.arguments", json!(["--written"])), &settings);
    assert_eq!(app.host.description.arguments, ["--override"]);
    assert_eq!(app.host.service_bus.max_concurrent_calls, 2);
}

#[test]
fn an_executable_that_is_not_in_the_app_is_looked_up_on_the_path() {
    let json = with("customHandler.description.defaultExecutablePath", json!("%EXE%"));
    let app_of = |path: &str| read(&json, &Settings::from_iter([("EXE", path)])).host.description.executable;
    assert_eq!(app_of("python3"), Path::new("python3"));
    assert_eq!(app_of("/usr/bin/python3"), Path::new("/usr/bin/python3"));
    assert!(app_of("handler").is_absolute());
    // Before a deployment nobody knows the setting.
    assert_eq!(check(app(&json).path()).unwrap().executable, Path::new("%EXE%"));
}

#[test]
fn the_older_section_is_read_with_a_warning() {
    let mut json = host_json();
    json["httpWorker"] = json["customHandler"].take();
    json["httpWorker"]["enableForwardingHttpRequest"] = json!(false);
    let app = read(&json, &Settings::default());
    assert!(app.host.is_legacy && app.host.forwards_http);
    assert_eq!(
        app.warnings[0].to_string(),
        "host.json at httpWorker: httpWorker is the older name. Write customHandler."
    );
    json["customHandler"] = host_json()["customHandler"].take();
    let app = read(&json, &Settings::default());
    assert!(!app.host.is_legacy && app.warnings[0].problem.contains("passed over"));
}

#[test]
fn options_without_effect_are_warned_of() {
    let mut json = host_json();
    json["extensions"] = json!({ "serviceBus": { "maxConcurentCalls": 1, "autoCompleteMessages": true } });
    let warnings = read(&json, &Settings::default()).warnings;
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].to_string().contains("maxConcurentCalls: is no option of Service Bus"), "{warnings:?}");
}

#[test]
fn what_the_host_refuses_is_refused_in_words() {
    const EXECUTABLE: &str =
        "Write \"customHandler\": { \"description\": { \"defaultExecutablePath\": \"handler\" } }.";
    const BUNDLE: &str = "Write \"extensionBundle\": { \"id\": \"Microsoft.Azure.Functions.ExtensionBundle\", \"version\": \"[4.*, 5.0.0)\" }.";
    refused(
        &with("version", json!("3.0")),
        "host.json at version: is not \"2.0\". Write \"version\": \"2.0\", the version of the file's form.",
    );
    refused(
        &with("version", Value::Null),
        "host.json: has no version. Write \"version\": \"2.0\", the version of the file's form.",
    );
    refused(&with("customHandler", Value::Null), &format!("host.json: has no customHandler. {EXECUTABLE}"));
    refused(
        &with("customHandler.description", Value::Null),
        &format!("host.json at customHandler: has no description. {EXECUTABLE}"),
    );
    refused(
        &with("customHandler.description.defaultExecutablePath", json!(" ")),
        &format!("host.json at customHandler.description.defaultExecutablePath: is empty. {EXECUTABLE}"),
    );
    refused(
        &with("customHandler.description.defaultExecutablePath", json!("./handler")),
        "host.json at customHandler.description.defaultExecutablePath: begins with \"./\": packing tools make only the file executable \
         whose name in the zip is the very same. Write it without \"./\".",
    );
    refused(
        &with("customHandler.description.defaultExecutablePath", json!("%EXE%")),
        "host.json at customHandler.description.defaultExecutablePath: names the app setting EXE, which has no value. Set it, or write the path.",
    );
    refused(
        &with("retry", json!({ "strategy": "fixedDelay" })),
        "host.json at retry: retries for the whole app would run in the host while it holds the lock of a message. Take it out: Service Bus \
         delivers again by itself.",
    );
    refused(
        &with("functionTimeout", json!("ten minutes")),
        "host.json at functionTimeout: \"ten minutes\" is no span of time. Write hours, minutes and seconds: \"00:05:00\".",
    );
    refused(
        &with("functionTimeout", json!("00:00:00")),
        "host.json at functionTimeout: is below one second. Write at least \"00:00:01\", or \"-1\" for none.",
    );
    refused(
        &with("extensionBundle", Value::Null),
        &format!("host.json: has no extensionBundle, so the host would know no Service Bus. {BUNDLE}"),
    );
    refused(
        &with("extensionBundle.version", json!("[2.*, 3.0.0)")),
        &format!(
            "host.json at extensionBundle.version: does not keep to bundles 3 and 4, which hold version 5 of Service Bus. {BUNDLE}"
        ),
    );
    refused(
        &with("extensionBundle.version", json!("4.x")),
        &format!("host.json at extensionBundle.version: \"4.x\" is no range of versions. {BUNDLE}"),
    );
    refused(
        &with("extensionBundle.id", json!("Mine")),
        &format!(
            "host.json at extensionBundle.id: is another bundle than Microsoft.Azure.Functions.ExtensionBundle. {BUNDLE}"
        ),
    );
    refused(
        &with("telemetryMode", json!("loud")),
        "host.json at telemetryMode: \"loud\" is no mode. Write \"OpenTelemetry\" or \"ApplicationInsights\".",
    );
    refused(
        &with("customHandler.http", json!({ "routes": [{ "route": "{*x}" }] })),
        "host.json at customHandler.http.routes: can't stand beside function.json files: the host refuses both together. Take it out.",
    );
    refused(
        &with("extensions", json!({ "serviceBus": { "maxConcurrentCalls": 0, "transportType": "tcp" } })),
        "host.json at extensions.serviceBus: transportType is neither amqpTcp nor amqpWebSockets. Write one of them, or take it out.\n\
         host.json at extensions.serviceBus.maxConcurrentCalls: 0 is no whole number from 1 to 1000000. Change it, or leave it out.",
    );
}

#[test]
fn messages_that_nobody_would_complete_are_refused_in_words() {
    for no in [json!(false), json!("False")] {
        refused(
            &with("extensions", json!({ "serviceBus": { "AutoCompleteMessages": no } })),
            "host.json at extensions.serviceBus: autoCompleteMessages is false, but a custom handler can't complete messages: each would \
             come again until it is a dead letter. Take it out: the host completes a message when its function succeeded.",
        );
    }
    let settings =
        Settings::from_iter([("AzureFunctionsJobHost__extensions__serviceBus__autoCompleteMessages", "false")]);
    assert!(
        App::read_with(app(&host_json()).path(), &settings).unwrap_err().to_string().contains("autoCompleteMessages")
    );
}

#[test]
fn every_fault_is_told_at_once() {
    let folder = app(&json!({ "version": 2, "retry": {} }));
    std::fs::write(folder.path().join("sweep/function.json"), "{").unwrap();
    let faults = App::read(folder.path()).unwrap_err().0;
    let files: Vec<_> = faults.iter().map(|fault| (fault.file.as_str(), fault.at.as_str())).collect();
    let host = "host.json";
    assert_eq!(files, [(host, ""), (host, ""), (host, "retry"), (host, "version"), ("sweep/function.json", "")]);
}

#[test]
fn a_folder_without_an_app_is_told_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let faults = App::read(folder.path()).unwrap_err().to_string();
    assert!(
        faults.contains("host.json: can't be read: ") && faults.contains("there is no function beside it"),
        "{faults}"
    );
    let faults = App::read(&folder.path().join("none")).unwrap_err().to_string();
    assert!(faults.contains("is no folder"), "{faults}");
}
