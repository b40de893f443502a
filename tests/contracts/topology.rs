//! `functions/` is the only place where the topology is written; Rust is held against it.

use crate::world::{functions, functions_folder, topology};
use agents::topology::{FUNCTIONS, Output, Topology, Trigger};
use pipeline::message::{AGENT_EVENTS, MONITOR_SUBSCRIPTION, queue};
use std::collections::{BTreeMap, BTreeSet};

fn queues_heard() -> BTreeSet<String> {
    let heard = topology().functions.into_iter().filter_map(|function| match function.trigger {
        Trigger::Queue(queue) => Some(queue),
        _ => None,
    });
    heard.collect()
}

#[test]
fn built_in_topology_is_the_one_in_functions() {
    assert_eq!(Topology::built_in().unwrap(), topology());
    assert_eq!(FUNCTIONS.len(), functions().len());
}

#[test]
fn every_queue_triggers_the_function_of_its_name() {
    assert_eq!(queues_heard(), queue::ALL.map(str::to_owned).into());
    for function in topology().functions {
        if let Trigger::Queue(queue) = &function.trigger {
            assert_eq!(*queue, function.name);
        }
    }
}

#[test]
fn every_output_has_a_consumer() {
    let heard = queues_heard();
    for function in topology().functions {
        for (binding, output) in function.outputs {
            match output {
                Output::Queue(queue) => {
                    assert!(heard.contains(&queue), "{} sends to {queue}, which nobody hears", function.name)
                }
                Output::Topic(topic) => assert_eq!(topic, AGENT_EVENTS),
                Output::Http => assert!(matches!(function.trigger, Trigger::Http(_)), "{}", function.name),
            }
            assert!(
                binding.bytes().all(|byte| byte.is_ascii_alphanumeric()),
                "{binding}: the host takes letters and digits only"
            );
        }
    }
}

#[test]
fn monitor_hears_the_events() {
    let monitor = topology().functions.into_iter().find(|function| function.name == "monitor").unwrap();
    let trigger =
        Trigger::Subscription { topic: AGENT_EVENTS.to_owned(), subscription: MONITOR_SUBSCRIPTION.to_owned() };
    assert_eq!(monitor.trigger, trigger);
}

#[test]
fn every_function_has_a_module_and_can_send_what_it_can_not_handle() {
    for function in topology().functions {
        let module = function.name.replace('-', "_");
        let module = format!("{}/../handlers/agents/src/{module}.rs", env!("CARGO_MANIFEST_DIR"));
        assert!(std::path::Path::new(&module).is_file(), "{module}");
        // Whoever asks over HTTP is told, and asks again.
        if matches!(function.trigger, Trigger::Http(_)) {
            continue;
        }
        let may_poison = function.outputs.iter().any(|(_, output)| *output == Output::Queue(queue::POISON.to_owned()));
        assert_eq!(may_poison, function.name != queue::POISON, "{}", function.name);
    }
}

/// The host would hand over a string, and let a body overwrite the broker's metadata.
#[test]
fn messages_come_in_as_bytes() {
    for (name, json) in FUNCTIONS {
        let json: serde_json::Value = serde_json::from_str(json).unwrap();
        for binding in json["bindings"].as_array().unwrap() {
            if binding["type"] == "serviceBusTrigger" {
                assert_eq!(binding["dataType"], "binary", "{name}");
            }
        }
    }
}

#[test]
fn health_answers_anybody_on_its_route() {
    let health = topology().functions.into_iter().find(|function| function.name == "health").unwrap();
    assert_eq!(health.trigger, Trigger::Http("health".to_owned()));
    assert_eq!(health.outputs, [("res".to_owned(), Output::Http)]);
    let (_, json) = functions().into_iter().find(|(name, _)| name == "health").unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["bindings"][0]["authLevel"], "anonymous");
    assert_eq!(json["bindings"][0]["methods"], serde_json::json!(["get"]));
}

/// GitHub has no key of ours: the signature is the key.
#[test]
fn github_webhook_takes_deliveries_from_anybody_on_its_route() {
    let webhook = topology().functions.into_iter().find(|function| function.name == "github-webhook").unwrap();
    assert_eq!(webhook.trigger, Trigger::Http("github/webhook".to_owned()));
    let sends_to = |output: Output| webhook.outputs.iter().any(|(_, declared)| *declared == output);
    for queue in [queue::SCAN, queue::VERIFY, queue::POISON] {
        assert!(sends_to(Output::Queue(queue.to_owned())), "{queue}");
    }
    assert!(sends_to(Output::Http) && sends_to(Output::Topic(AGENT_EVENTS.to_owned())));
    let (_, json) = functions().into_iter().find(|(name, _)| name == "github-webhook").unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["bindings"][0]["authLevel"], "anonymous");
    assert_eq!(json["bindings"][0]["methods"], serde_json::json!(["post"]));
}

#[test]
fn every_function_is_in_one_app() {
    let apps = std::fs::read_to_string(functions_folder().join("apps.json")).unwrap();
    let apps: BTreeMap<String, Vec<String>> = serde_json::from_str(&apps).unwrap();
    let mut staged: Vec<String> = apps.into_values().flatten().collect();
    staged.sort();
    let names: Vec<String> = functions().into_iter().map(|(name, _)| name).collect();
    assert_eq!(staged, names);
}
