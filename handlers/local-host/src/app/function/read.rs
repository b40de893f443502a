//! Reads `function.json`.

use super::{Function, Output, OutputBinding, Trigger, binding, retry, trigger};
use crate::app::json::Node;
use crate::app::settings::Known;
use std::path::Path;

const NAME_BYTES_MAX: usize = 128;

/// Whether a folder may be a function: a letter, then letters, digits, `_`, `-`; and not `host`.
pub fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
        && name.len() <= NAME_BYTES_MAX
        && !name.eq_ignore_ascii_case("host")
}

/// Reads the function in `folder`; `None`, with a fault, where it has no trigger that can be read.
pub fn read(folder: &Path, name: &str, json: &Node<'_>, settings: Known<'_>) -> Option<Function> {
    if !is_name(name) {
        json.fault(
            format!("the folder \"{name}\" is no name of a function"),
            "Name it with a letter first, then letters, digits, _ and -, 128 at most, and not host",
        );
    }
    script_file(folder, json);
    let Some(bindings) = json.get_exactly("bindings") else {
        json.fault("has no bindings", "Write \"bindings\": […] with the trigger");
        return None;
    };
    let bindings = bindings.elements();
    if bindings.is_empty() {
        json.fault("has no binding", "Write the trigger at least");
    }
    binding::check_names(&bindings);
    let is_trigger =
        |node: &Node<'_>| binding::kind(node).is_some_and(|kind| kind.to_ascii_lowercase().ends_with("trigger"));
    let (triggers, others): (Vec<_>, Vec<_>) = bindings.into_iter().partition(is_trigger);
    let outputs: Vec<_> = others.iter().filter_map(|output| binding::output(output, settings)).collect();
    let trigger_node = match triggers.as_slice() {
        [trigger] => trigger,
        [] => {
            json.fault("has no trigger", "Write one binding whose type ends in Trigger");
            return None;
        }
        [_, more @ ..] => {
            for trigger in more {
                trigger.fault("is one trigger too many", "Make a function of its own of it");
            }
            return None;
        }
    };
    let retry = retry::read(json);
    let trigger = trigger::read(trigger_node, name, settings)?;
    check_together(json, &trigger, &outputs, retry.is_some());
    let trigger_binding = trigger_node.get("name").and_then(|name| name.text_if_any()).unwrap_or_default().to_owned();
    Some(Function { name: name.to_owned(), trigger, trigger_binding, outputs, retry })
}

fn script_file(folder: &Path, json: &Node<'_>) {
    let Some(node) = json.get_exactly("scriptFile") else { return };
    if let Some(file) = node.text().filter(|file| !file.is_empty())
        && !folder.join(file).is_file()
    {
        node.fault(format!("names the file {file}, which is not there"), "Take it out: a custom handler needs none");
    }
}

fn check_together(json: &Node<'_>, trigger: &Trigger, outputs: &[OutputBinding], has_retry: bool) {
    let answers = outputs.iter().any(|output| output.kind == Output::Http);
    match trigger {
        Trigger::Http { .. } if !answers => {
            json.warning(
                "has no http output, so every caller gets an empty answer",
                "Write one: type http, direction out",
            );
        }
        Trigger::Queue { .. } | Trigger::Subscription { .. } if has_retry => json.warning(
            "retry runs in the host while it holds the lock of a message, and later hosts drop it",
            "Take it out: Service Bus delivers again by itself",
        ),
        _ => {}
    }
    if answers && !matches!(trigger, Trigger::Http { .. }) {
        json.fault("has an http output, but nobody who asked", "Take it out, or trigger it by HTTP");
    }
}
