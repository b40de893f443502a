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
            (None, None, _) => match message.due {
                Some(due) => format!("due at {due}"),
                None => "not handled yet".to_owned(),
            },
        };
        let _ = writeln!(text, "{}{} -> {}  {took}", "  ".repeat(depth), plain(what), plain(&message.function));
        let caused = messages.iter().rev().filter(|other| other.cause == Some(message.message));
        left.extend(caused.map(|other| (depth + 1, other)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    #[test]
    fn message_that_waits_for_its_time_says_until_when() {
        let due = Some(Timestamp::from_second(3600).unwrap());
        let message = Handled {
            message: MessageId(Default::default()),
            cause: None,
            topic: "checks.completed".to_owned(),
            function: "verify".to_owned(),
            sent: due,
            due,
            handled: None,
            put_off: None,
        };
        let line = |message: &Handled| message_tree(std::slice::from_ref(message));
        assert_eq!(line(&message), "checks.completed -> verify  due at 1970-01-01T01:00:00Z\n");
        let at_once = Handled { due: None, ..message.clone() };
        assert_eq!(line(&at_once), "checks.completed -> verify  not handled yet\n");
        let handled = Handled { handled: Timestamp::from_second(3602).ok(), ..message };
        assert_eq!(line(&handled), "checks.completed -> verify  2000 ms\n");
    }
}
