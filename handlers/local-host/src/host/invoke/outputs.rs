//! What is sent of what a handler answered, with everything that the functions host does to it on the way.

use super::reply::{Reply, text};
use crate::app::{DataType, Function, Output};
use crate::bus::{Destination, Outgoing};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value as Json;

/// What .NET prints for bytes that it was to print as text.
const BYTES_AS_TEXT: &str = "System.Byte[]";

/// The messages that `reply` sends, in the order of the bindings. Bindings to HTTP are none.
pub fn messages(function: &Function, reply: &Reply) -> Vec<(Destination, Outgoing)> {
    let has_return = function.outputs.iter().any(|binding| binding.name == "$return");
    let mut messages = Vec::new();
    for binding in &function.outputs {
        let destination = match &binding.kind {
            Output::Queue(queue) => Destination::Queue(queue.clone()),
            Output::Topic(topic) => Destination::Topic(topic.clone()),
            Output::Http => continue,
        };
        let Some(value) = reply.output(&binding.name, has_return) else { continue };
        messages.extend(bodies(value, binding.data_type).into_iter().map(|body| {
            let mut message = Outgoing::new(body);
            // The binding sends text, whatever is in it.
            message.properties.content_type = Some("text/plain".to_owned());
            (destination.clone(), message)
        }));
    }
    messages
}

/// The bodies of the messages that `value` becomes.
///
/// An array is one message for each element, verbatim where that is text: the only safe form. A text by itself is taken for base64 where it
/// could be, and then lost; for JSON where it looks like it, and then printed anew, or split.
fn bodies(value: &Json, data_type: DataType) -> Vec<String> {
    match value {
        Json::Array(elements) => elements.iter().filter(|element| !element.is_null()).map(text).collect(),
        Json::String(body) if data_type != DataType::Binary && is_base64(body) => vec![BYTES_AS_TEXT.to_owned()],
        Json::String(body) => match looks_like_json(body).then(|| serde_json::from_str(body)) {
            Some(Ok(Json::Array(elements))) => bodies(&Json::Array(elements), data_type),
            Some(Ok(parsed)) => vec![text(&parsed)],
            _ => vec![body.clone()],
        },
        other => vec![text(other)],
    }
}

fn looks_like_json(text: &str) -> bool {
    let text = text.trim();
    (text.starts_with('{') && text.ends_with('}')) || (text.starts_with('[') && text.ends_with(']'))
}

/// Whether `Convert.FromBase64String` takes it: spaces do not matter, what is left of the last bits neither.
fn is_base64(text: &str) -> bool {
    const RULES: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical);
    let dense: String = text.chars().filter(|letter| !matches!(letter, ' ' | '\t' | '\r' | '\n')).collect();
    GeneralPurpose::new(&STANDARD, RULES).decode(dense).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{AuthLevel, OutputBinding, Trigger};
    use serde_json::json;

    #[track_caller]
    fn check(value: Json, expect: &[&str]) {
        assert_eq!(bodies(&value, DataType::Unset), expect, "{value}");
    }

    #[test]
    fn arrays_are_one_message_for_each_element_verbatim() {
        check(json!(["{\"a\":1}"]), &["{\"a\":1}"]);
        check(json!(["test", "[1,2]", ""]), &["test", "[1,2]", ""]);
        check(json!([{ "a": 1 }, 5, true, null]), &["{\n  \"a\": 1\n}", "5", "True"]);
        check(json!([]), &[]);
    }

    #[test]
    fn text_by_itself_goes_through_the_traps() {
        check(json!("hello world!"), &["hello world!"]);
        check(json!("test"), &["System.Byte[]"]);
        check(json!("0123456789abcdef0123456789abcdef"), &["System.Byte[]"]);
        check(json!("dGVz dA=="), &["System.Byte[]"]);
        check(json!("{\"a\":1}"), &["{\n  \"a\": 1\n}"]);
        check(json!("[\"a\",{\"b\":2}]"), &["a", "{\n  \"b\": 2\n}"]);
        check(json!("{broken}"), &["{broken}"]);
        check(json!({ "a": 1 }), &["{\n  \"a\": 1\n}"]);
        check(json!(7), &["7"]);
    }

    #[test]
    fn binary_text_is_left_alone() {
        assert_eq!(bodies(&json!("test"), DataType::Binary), ["test"]);
    }

    #[test]
    fn only_declared_bindings_send() {
        let binding = |name: &str, kind| OutputBinding { name: name.to_owned(), kind, data_type: DataType::Unset };
        let function = Function {
            name: "f".to_owned(),
            trigger: Trigger::Http { methods: Vec::new(), route: "f".to_owned(), auth_level: AuthLevel::Anonymous },
            trigger_binding: "req".to_owned(),
            outputs: vec![
                binding("a", Output::Queue("qa".to_owned())),
                binding("t", Output::Topic("events".to_owned())),
                binding("res", Output::Http),
            ],
            retry: None,
        };
        let outputs = json!({ "t": ["3"], "a": ["1", "2"], "A": ["x"], "other": ["y"], "res": {} });
        let reply = Reply { outputs: outputs.as_object().unwrap().clone(), ..Reply::default() };
        let sent: Vec<_> = messages(&function, &reply)
            .into_iter()
            .map(|(to, message)| format!("{to}: {}", String::from_utf8(message.body).unwrap()))
            .collect();
        assert_eq!(sent, ["qa: 1", "qa: 2", "events: 3"]);
    }
}
