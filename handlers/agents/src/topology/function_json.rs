//! `function.json`, as far as Suture uses what the host takes.

use super::{Function, Input, Output, TopologyError, Trigger};
use serde::Deserialize;

#[derive(Deserialize)]
struct FunctionJson {
    bindings: Vec<Binding>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Binding {
    #[serde(rename = "type")]
    binding_type: String,
    name: String,
    queue_name: Option<String>,
    topic_name: Option<String>,
    subscription_name: Option<String>,
    schedule: Option<String>,
    route: Option<String>,
    data_type: Option<String>,
    cardinality: Option<String>,
}

/// What a binding is.
enum Read {
    Trigger(Trigger),
    Output(Output),
}

/// The function `name`, whose `function.json` is `json`. An error for a binding that is not known, and without one trigger.
pub(super) fn parse_function(name: &str, json: &str) -> Result<Function, TopologyError> {
    let error = |reason: String| TopologyError::Function { function: name.to_owned(), reason };
    let parsed: FunctionJson = serde_json::from_str(json).map_err(|json| error(json.to_string()))?;
    let mut trigger = None;
    let mut outputs = Vec::new();
    for binding in parsed.bindings {
        match read(name, &binding).map_err(error)? {
            Read::Output(output) => outputs.push((binding.name, output)),
            Read::Trigger(_) if trigger.is_some() => return Err(error("it has more than one trigger".to_owned())),
            Read::Trigger(read) => {
                let is = |set: Option<String>, value| set.is_some_and(|set| set.eq_ignore_ascii_case(value));
                let input = Input {
                    name: binding.name,
                    is_binary: is(binding.data_type, "binary"),
                    is_batch: is(binding.cardinality, "many"),
                };
                trigger = Some((read, input));
            }
        }
    }
    let (trigger, input) = trigger.ok_or_else(|| error("it has no trigger".to_owned()))?;
    Ok(Function { name: name.to_owned(), trigger, input, outputs })
}

fn read(function: &str, binding: &Binding) -> Result<Read, String> {
    let Binding { binding_type, name, queue_name, topic_name, subscription_name, schedule, route, .. } = binding;
    Ok(match (binding_type.as_str(), queue_name, topic_name, subscription_name, schedule) {
        ("serviceBusTrigger", Some(queue), None, None, _) => Read::Trigger(Trigger::Queue(queue.clone())),
        ("serviceBusTrigger", None, Some(topic), Some(subscription), _) => {
            Read::Trigger(Trigger::Subscription { topic: topic.clone(), subscription: subscription.clone() })
        }
        ("timerTrigger", _, _, _, Some(schedule)) => Read::Trigger(Trigger::Timer(schedule.clone())),
        ("httpTrigger", ..) => Read::Trigger(Trigger::Http(route.clone().unwrap_or_else(|| function.to_owned()))),
        ("serviceBus", Some(queue), None, None, _) => Read::Output(Output::Queue(queue.clone())),
        ("serviceBus", None, Some(topic), None, _) => Read::Output(Output::Topic(topic.clone())),
        ("http", ..) => Read::Output(Output::Http),
        (other, ..) => return Err(format!("binding `{name}` of type `{other}` is not one that is known")),
    })
}
