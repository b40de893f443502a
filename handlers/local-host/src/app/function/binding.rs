//! What all bindings have, and the outputs.

use super::{DataType, Output, OutputBinding};
use crate::app::json::Node;
use crate::app::settings::Known;

const NAME_BYTES_MAX: usize = 128;
const RETURN: &str = "$return";
/// Entities of Service Bus.
const ENTITY_CHARS_MAX: usize = 260;

/// The type, as written; a fault where there is none.
pub fn kind<'a>(binding: &Node<'a>) -> Option<&'a str> {
    match binding.get("type") {
        Some(kind) => kind.text(),
        None => {
            binding.fault("has no type", "Write \"type\": \"serviceBusTrigger\", \"serviceBus\", \"timerTrigger\", …");
            None
        }
    }
}

/// Each name once, and of a form that the host takes: without `_`.
pub fn check_names(bindings: &[Node<'_>]) {
    let mut known: Vec<String> = Vec::new();
    for binding in bindings {
        let Some(node) = binding.get("name") else {
            binding.fault("has no name", "Write \"name\": …, by which the function gets or gives the value");
            continue;
        };
        let Some(name) = node.text() else { continue };
        let mut bytes = name.bytes();
        let is_name = bytes.next().is_some_and(|first| first.is_ascii_alphabetic())
            && bytes.all(|byte| byte.is_ascii_alphanumeric())
            && name.len() <= NAME_BYTES_MAX;
        if !is_name && name != RETURN {
            node.fault(
                format!("\"{name}\" is no name of a binding"),
                "Write a letter, then letters and digits, 128 at most; or $return for an output",
            );
        }
        if name == RETURN && direction(binding) != Direction::Out {
            node.fault("$return is for outputs alone", "Name it, or write \"direction\": \"out\"");
        }
        if known.contains(&name.to_ascii_lowercase()) {
            node.fault(format!("\"{name}\" is the name of another binding too"), "Give it a name of its own");
        }
        known.push(name.to_ascii_lowercase());
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    In,
    Out,
    Other,
}

/// In where nothing is written.
pub fn direction(binding: &Node<'_>) -> Direction {
    match binding.get("direction").and_then(|direction| direction.text_if_any()) {
        None if binding.get("direction").is_none() => Direction::In,
        Some(text) if text.eq_ignore_ascii_case("in") => Direction::In,
        Some(text) if text.eq_ignore_ascii_case("out") => Direction::Out,
        _ => Direction::Other,
    }
}

/// How a value is shown; a fault where it is none of the host's words.
pub fn data_type(binding: &Node<'_>) -> DataType {
    let Some(node) = binding.get("dataType") else { return DataType::Unset };
    match node.text().map(str::to_ascii_lowercase).as_deref() {
        Some("string") => DataType::String,
        Some("binary") => DataType::Binary,
        Some("stream") => DataType::Stream,
        Some("undefined") | None => DataType::Unset,
        Some(text) => {
            node.fault(format!("\"{text}\" is no type of data"), "Write \"binary\" or \"string\"");
            DataType::Unset
        }
    }
}

/// An output; `None`, with a fault, where it is none.
pub fn output(binding: &Node<'_>, settings: Known<'_>) -> Option<OutputBinding> {
    let kind = kind(binding)?;
    let is_service_bus = kind.eq_ignore_ascii_case("serviceBus");
    if !is_service_bus && !kind.eq_ignore_ascii_case("http") {
        binding.fault(format!("\"{kind}\" is no binding that Suture has"), "Use serviceBus or http");
        return None;
    }
    if direction(binding) != Direction::Out {
        binding.fault("is no output", "Write \"direction\": \"out\"");
    }
    let kind = if is_service_bus {
        connection(binding);
        let queue = entity(binding, "queueName", settings);
        let topic = entity(binding, "topicName", settings);
        match (queue, topic) {
            (Some(queue), None) => Output::Queue(queue?),
            (None, Some(topic)) => Output::Topic(topic?),
            _ => {
                binding.fault("needs either a queueName or a topicName", "Write one of them");
                return None;
            }
        }
    } else {
        Output::Http
    };
    let name = binding.get("name")?.text_if_any()?.to_owned();
    Some(OutputBinding { name, kind, data_type: data_type(binding) })
}

/// The name of an app setting, and never what is in it.
pub fn connection(binding: &Node<'_>) {
    let Some(node) = binding.get("connection") else {
        binding
            .fault("has no connection", "Write the name of the app setting: \"connection\": \"ServiceBusConnection\"");
        return;
    };
    match node.text() {
        Some(text) if text.contains(['=', ';']) => node.fault(
            "holds a connection string, which is a secret",
            "Put it in an app setting, and write the name of that here; have the key changed",
        ),
        Some("") => node.fault("is empty", "Write the name of the app setting"),
        _ => {}
    }
}

/// A name at Service Bus: `None` where there is none, `Some(None)` with a fault where it can't be read.
pub fn entity(binding: &Node<'_>, key: &str, settings: Known<'_>) -> Option<Option<String>> {
    let node = binding.get(key)?;
    Some(node.text().and_then(|text| resolved_entity(&node, text, settings)))
}

fn resolved_entity(node: &Node<'_>, text: &str, settings: Known<'_>) -> Option<String> {
    let name = match settings.resolve(text) {
        Ok(Some(name)) => name,
        Ok(None) => return Some(text.to_owned()),
        Err(name) => {
            node.fault(format!("names the app setting {name}, which has no value"), "Set it, or write the name itself");
            return None;
        }
    };
    let is_name = (1..=ENTITY_CHARS_MAX).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._/".contains(&byte))
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.ends_with(|last: char| last.is_ascii_alphanumeric());
    if !is_name {
        node.fault(
            format!("\"{name}\" is no name that Service Bus takes"),
            "Write letters, digits, -, ., _ and /, beginning and ending with a letter or digit, 260 at most",
        );
        return None;
    }
    Some(name)
}
