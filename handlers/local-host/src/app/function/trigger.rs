//! The triggers.

use super::binding::{self, Direction};
use super::{AuthLevel, DataType, Method, Trigger};
use crate::app::json::Node;
use crate::app::ncrontab::Schedule;
use crate::app::route;
use crate::app::settings::Known;

/// What a timer has whose schedule can't be known before the deployment.
const ANY_SCHEDULE: &str = "0 * * * * *";

/// Reads the trigger of the function `name`; `None`, with a fault, where it can't be.
pub fn read(binding: &Node<'_>, name: &str, settings: Known<'_>) -> Option<Trigger> {
    if binding::direction(binding) != Direction::In {
        binding.fault("is a trigger, but not an input", "Write \"direction\": \"in\"");
    }
    match binding::kind(binding)?.to_ascii_lowercase().as_str() {
        "servicebustrigger" => service_bus(binding, settings),
        "timertrigger" => timer(binding, settings),
        "httptrigger" => Some(http(binding, name)),
        _ => {
            binding.fault("is no trigger that Suture has", "Use serviceBusTrigger, timerTrigger or httpTrigger");
            None
        }
    }
}

fn service_bus(binding: &Node<'_>, settings: Known<'_>) -> Option<Trigger> {
    binding::connection(binding);
    let data_type = binding::data_type(binding);
    let batch = cardinality(binding, data_type);
    if binding.flag("isSessionsEnabled", false) {
        binding.fault("asks for sessions, which Suture's queues have none of", "Take isSessionsEnabled out");
    }
    if !binding.flag("autoComplete", true) {
        binding.fault("autoComplete is false, but a custom handler can't complete messages", "Take it out");
    }
    if data_type == DataType::Unset && !batch {
        binding.warning(
            "has no dataType, so whoever sends a message can forge its metadata",
            "Write \"dataType\": \"binary\"",
        );
    }
    let queue = binding::entity(binding, "queueName", settings);
    let topic = binding::entity(binding, "topicName", settings);
    let subscription = binding::entity(binding, "subscriptionName", settings);
    match (queue, topic, subscription) {
        (Some(queue), None, None) => Some(Trigger::Queue { queue: queue?, batch, data_type }),
        (None, Some(topic), Some(subscription)) => {
            Some(Trigger::Subscription { topic: topic?, subscription: subscription?, batch, data_type })
        }
        _ => {
            binding.fault(
                "needs either a queueName, or a topicName with a subscriptionName",
                "Write the one or the other",
            );
            None
        }
    }
}

fn cardinality(binding: &Node<'_>, data_type: DataType) -> bool {
    let Some(node) = binding.get("cardinality") else { return false };
    match node.text().map(str::to_ascii_lowercase).as_deref() {
        Some("many") => {
            if !matches!(data_type, DataType::String | DataType::Binary) {
                node.fault(
                    "many needs a dataType, or the host can't bind the messages",
                    "Write \"dataType\": \"binary\" or \"string\"",
                );
            }
            true
        }
        Some("one") | None => false,
        Some(text) => {
            node.fault(format!("\"{text}\" is no cardinality"), "Write \"one\" or \"many\"");
            false
        }
    }
}

fn timer(binding: &Node<'_>, settings: Known<'_>) -> Option<Trigger> {
    let Some(node) = binding.get("schedule") else {
        binding.fault("has no schedule", "Write \"schedule\": \"0 */5 * * * *\", or \"%NAME%\" of an app setting");
        return None;
    };
    let text = match settings.resolve(node.text()?) {
        Ok(Some(text)) => text,
        Ok(None) => ANY_SCHEDULE.to_owned(),
        Err(name) => {
            node.fault(format!("names the app setting {name}, which has no value"), "Set it, or write the schedule");
            return None;
        }
    };
    let schedule: Schedule = match text.parse() {
        Ok(schedule) => schedule,
        Err(error) => {
            node.fault(error, "Write six fields from second to weekday, such as \"0 */5 * * * *\"");
            return None;
        }
    };
    if schedule.is_span() {
        node.warning("is a span of time, which the host takes on dedicated plans alone", "Write six fields instead");
    }
    if schedule.next_after(jiff::Timestamp::UNIX_EPOCH).is_none() {
        node.fault("never comes", "Write days that there are");
    }
    let run_on_startup = binding.flag("runOnStartup", false);
    if run_on_startup {
        binding.warning("runOnStartup runs it at each start of each host", "Take it out, unless that is meant");
    }
    let use_monitor = binding.flag("useMonitor", true) && !schedule.is_sub_minute();
    Some(Trigger::Timer { schedule, run_on_startup, use_monitor })
}

fn http(binding: &Node<'_>, name: &str) -> Trigger {
    let route_node = binding.get("route");
    let route = route_node.as_ref().and_then(|route| route.text()).filter(|route| !route.trim().is_empty());
    let route = route.unwrap_or(name).trim_matches('/').to_owned();
    if let Err(problem) = route::check(&route) {
        route_node
            .as_ref()
            .unwrap_or(binding)
            .fault(problem, "Change the route, or leave it out: then it is the function's name");
    }
    Trigger::Http { methods: methods(binding), route, auth_level: auth_level(binding) }
}

fn methods(binding: &Node<'_>) -> Vec<Method> {
    let Some(list) = binding.get("methods") else { return Vec::new() };
    let mut methods = Vec::new();
    for node in list.elements() {
        let Some(text) = node.text() else { continue };
        match Method::ALL.iter().find(|method| method.name().eq_ignore_ascii_case(text)) {
            Some(method) if methods.contains(method) => node.fault("is there twice", "Take one out"),
            Some(method) => methods.push(*method),
            None => node.fault(format!("\"{text}\" is no method"), "Write \"get\", \"post\", …"),
        }
    }
    methods
}

fn auth_level(binding: &Node<'_>) -> AuthLevel {
    let Some(node) = binding.get("authLevel") else { return AuthLevel::Function };
    match node.text().map(str::to_ascii_lowercase).as_deref() {
        Some("anonymous") => AuthLevel::Anonymous,
        Some("admin") => AuthLevel::Admin,
        Some("function") | None => AuthLevel::Function,
        Some(text) => {
            node.fault(format!("\"{text}\" is no level"), "Write \"anonymous\", \"function\" or \"admin\"");
            AuthLevel::Function
        }
    }
}
