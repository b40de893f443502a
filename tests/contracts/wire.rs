//! What the functions host and the handler have to agree on, beyond the JSON of a call.

use crate::world::functions;
use agents::environment::open::OpenError;
use agents::topology::{Output, Topology, Trigger};
use custom_handler::server::{STEP_S_MAX, Server, serve};
use custom_handler::settings::HandlerSettings;
use custom_handler::wire::Reply;
use jiff::Timestamp;
use pipeline::message::{Envelope, RunId};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

fn root(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(file)).unwrap()
}

fn json(file: &str) -> Value {
    serde_json::from_str(&root(file)).unwrap()
}

#[tokio::test]
async fn every_function_folder_has_a_route() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let server = Server::built_in(|| Err(OpenError("no call gets this far".to_owned()))).unwrap();
    tokio::spawn(serve(listener, server));
    for (function, _) in functions() {
        let answer = reqwest::Client::new().post(format!("{address}/{function}")).body("{}").send().await.unwrap();
        assert_eq!(answer.status(), 400, "{function}");
    }
}

#[test]
fn every_binding_that_the_handler_writes_is_in_function_json() {
    for function in Topology::built_in().unwrap().functions {
        let (_, text) = functions().into_iter().find(|(name, _)| *name == function.name).unwrap();
        let declared: Value = serde_json::from_str(&text).unwrap();
        let bindings = declared["bindings"].as_array().unwrap();
        let is_out = |name: &str, member: &str, to: &str| {
            bindings.iter().any(|binding| {
                binding["name"] == name
                    && binding["direction"] == "out"
                    && binding[member] == to
                    && binding["type"] == "serviceBus"
            })
        };
        for (_, output) in &function.outputs {
            let (member, to, target) = match output {
                Output::Queue(queue) => ("queueName", queue, Some(queue.clone())),
                Output::Topic(topic) => ("topicName", topic, None),
                Output::Http => continue,
            };
            let now = Timestamp::UNIX_EPOCH;
            let mut message = Envelope::root("test", "", "t", &0, RunId::new(now, [0; 10]), now).unwrap();
            message.target = target;
            let reply = Reply::messages(&function, &[message], Vec::new()).unwrap();
            let reply: Value = serde_json::from_slice(&reply.json().unwrap()).unwrap();
            let written: Vec<_> = reply["Outputs"].as_object().unwrap().iter().collect();
            let [(name, texts)] = written[..] else { panic!("{written:?}") };
            assert!(is_out(name, member, to), "{}: {name} is no output to {to}", function.name);
            assert!(texts.as_array().unwrap().iter().all(Value::is_string), "{texts}");
        }
    }
}

/// The host takes names of letters and digits, and one trigger with what a trigger needs.
#[test]
fn names_are_those_that_the_host_takes() {
    for function in Topology::built_in().unwrap().functions {
        assert!(function.name.starts_with(|first: char| first.is_ascii_lowercase()), "{}", function.name);
        let names = function.outputs.iter().map(|(name, _)| name).chain([&function.input.name]);
        assert!(names.clone().all(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric())), "{}", function.name);
        assert_eq!(names.clone().collect::<BTreeSet<_>>().len(), names.count(), "{}", function.name);
        if let Trigger::Timer(schedule) = &function.trigger {
            assert_eq!(schedule.split(' ').count(), 6, "{schedule}");
        }
    }
}

/// Names of the packages that `package` is made of, by Cargo.lock. It lists those for tests too.
fn made_of(package: &str) -> BTreeSet<String> {
    let lock = root("Cargo.lock");
    let mut needs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for entry in lock.split("[[package]]").skip(1) {
        let quoted =
            |line: &'static str| entry.lines().find_map(move |text| text.strip_prefix(line)?.strip_suffix('"'));
        let listed = entry.split("dependencies = [").nth(1).and_then(|list| list.split(']').next()).unwrap_or("");
        let listed = listed.split('"').skip(1).step_by(2).filter_map(|dependency| dependency.split(' ').next());
        needs.entry(quoted("name = \"").unwrap()).or_default().extend(listed);
    }
    let (mut found, mut next) = (BTreeSet::new(), vec![package]);
    while let Some(name) = next.pop() {
        if found.insert(name.to_owned()) {
            next.extend(&needs[name]);
        }
    }
    found
}

#[test]
fn handler_is_not_linked_with_a_client_of_service_bus() {
    let parts = made_of("custom-handler");
    assert!(parts.contains("agents") && parts.contains("axum") && parts.contains("tokio"), "{parts:?}");
    for banned in ["azure_messaging_servicebus", "azure_core", "local-host", "cli"] {
        assert!(!parts.contains(banned), "handler is made of {banned}");
    }
}

#[test]
fn host_json_is_what_the_host_needs() {
    let host = json("host.json");
    assert_eq!(host["version"], "2.0");
    assert_eq!(host["extensionBundle"]["id"], "Microsoft.Azure.Functions.ExtensionBundle");
    assert_eq!(host["extensionBundle"]["version"], "[4.*, 5.0.0)");
    // As it stands in a zip: with `./` before it, nothing would make it executable.
    assert_eq!(host["customHandler"]["description"]["defaultExecutablePath"], "handler");
    assert_eq!(host["customHandler"]["enableForwardingHttpRequest"], false);
    assert_eq!(host["extensions"]["http"]["routePrefix"], "api");
    assert_eq!(host["telemetryMode"], "OpenTelemetry");
    assert!(host["extensions"]["serviceBus"]["maxConcurrentCalls"].as_u64().unwrap() <= 16);
}

/// The host's timeout ends every call of the handler, so ours comes first; and the lock on a message outlives both.
#[test]
fn limits_on_time_stand_in_their_order() {
    let host = json("host.json");
    let seconds = |text: &Value| {
        let parts: Vec<u64> = text.as_str().unwrap().split(':').map(|part| part.parse().unwrap()).collect();
        parts.iter().fold(0, |sum, part| sum * 60 + part)
    };
    let timeout = seconds(&host["functionTimeout"]);
    assert!(STEP_S_MAX < timeout);
    assert!(timeout < seconds(&host["extensions"]["serviceBus"]["maxAutoLockRenewalDuration"]));
}

/// A retry in the host would hold a message's lock meanwhile; what is to be tried later is a wake-up.
#[test]
fn nothing_is_retried_by_the_host() {
    assert!(!root("host.json").contains("\"retry\""));
    for (name, text) in functions() {
        assert!(!text.contains("\"retry\""), "{name}");
    }
}

#[test]
fn sample_of_local_settings_can_be_used() {
    let sample = json("local.settings.sample.json");
    let values: BTreeMap<String, String> = serde_json::from_value(sample["Values"].clone()).unwrap();
    assert_eq!(sample["IsEncrypted"], false);
    assert_eq!(values["FUNCTIONS_WORKER_RUNTIME"], "custom");
    assert!(values.contains_key("AzureWebJobsStorage"));
    for (name, text) in functions() {
        let json: Value = serde_json::from_str(&text).unwrap();
        for binding in json["bindings"].as_array().unwrap() {
            if let Some(connection) = binding.get("connection") {
                assert!(values.contains_key(connection.as_str().unwrap()), "{name}: {connection}");
            }
        }
    }
    let port = ("FUNCTIONS_CUSTOMHANDLER_PORT".to_owned(), "8080".to_owned());
    HandlerSettings::of(values.into_iter().chain([port]).collect()).unwrap();
    let ignored = root(".gitignore") + &root(".funcignore");
    assert!(ignored.contains("/local.settings.json") && ignored.contains("local.settings*.json"), "{ignored}");
}

#[test]
fn every_setting_is_in_the_docs() {
    let docs = root("docs/handler.md");
    for file in ["handlers/custom-handler/src/settings.rs", "handlers/agents/src/environment/settings.rs"] {
        let code = root(file);
        let quoted = code.split('"').filter(|text| text.starts_with("SUTURE_") && !text.contains(' '));
        let names: BTreeSet<&str> = quoted.collect();
        assert!(names.len() >= 3, "{names:?}");
        for name in names {
            assert!(docs.contains(&format!("`{name}`")), "docs/handler.md says nothing of {name}");
        }
    }
}

/// `local-host` models the host, so it speaks the same JSON; nobody else does.
#[test]
fn only_the_wire_knows_the_json_of_a_call() {
    for part in ["pipeline", "detectors", "remedies", "agents", "cli", "custom-handler"] {
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../handlers").join(part).join("src")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.extend((path.file_name().unwrap() != "wire").then_some(path));
                } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
                    let code = std::fs::read_to_string(&path).unwrap();
                    for word in ["ReturnValue", "\"Outputs\"", "\"Metadata\""] {
                        assert!(!code.contains(word), "{} says {word}", path.display());
                    }
                }
            }
        }
    }
}
