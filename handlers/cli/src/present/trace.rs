//! The messages of a run.

use agents::trace::Handled;
use pipeline::message::MessageId;
use pipeline::wording::plain;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write;

/// One message of `suture.trace/1`.
pub fn message_json(message: &Handled) -> Value {
    let mut value = json!(message);
    value["latency_ms"] = json!(message.latency_ms());
    value
}

/// All of them, each under the one that caused it.
pub fn message_tree(messages: &[Handled]) -> String {
    let known: BTreeSet<MessageId> = messages.iter().map(|message| message.message).collect();
    let is_root = |message: &&Handled| message.cause.is_none_or(|cause| !known.contains(&cause));
    let mut text = String::new();
    let mut left: Vec<(usize, &Handled)> = messages.iter().rev().filter(is_root).map(|root| (0, root)).collect();
    let mut seen = BTreeSet::new();
    while let Some((depth, message)) = left.pop() {
        if !seen.insert((message.message, &message.function)) {
            continue;
        }
        let what = if message.topic.is_empty() { "the beginning" } else { &message.topic };
        let took = match (message.latency_ms(), message.handled, message.put_off) {
            (_, _, Some(due)) => format!("put off until {due}"),
            (Some(latency), ..) => format!("{latency} ms"),
            (None, Some(at), _) => at.to_string(),
            (None, None, _) => "not handled yet".to_owned(),
        };
        let _ = writeln!(text, "{}{} -> {}  {took}", "  ".repeat(depth), plain(what), plain(&message.function));
        let caused = messages.iter().rev().filter(|other| other.cause == Some(message.message));
        left.extend(caused.map(|other| (depth + 1, other)));
    }
    text
}
