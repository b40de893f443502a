//! `suture bus peek`: receive under locks, tell, give back.

use super::arguments::Peek;
use super::client::{Client, Source};
use super::message::Message;
use crate::arguments::Format;
use crate::terminal::Terminal;
use crate::{Failure, Outcome, present};
use pipeline::wording::plain;
use serde_json::{Value, json};

/// Characters of a body that are told to people.
const BODY_TOLD_MAX: usize = 500;

/// Looks at messages.
pub async fn run(arguments: &Peek, client: &Client, terminal: &Terminal) -> Result<Outcome, Failure> {
    let source = Source::read(&arguments.source)?;
    terminal.note("looking raises the delivery count of each message: it is received under a lock and given back");
    let mut messages = Vec::new();
    let mut failure = None;
    while messages.len() < arguments.max as usize {
        match client.receive(&source, arguments.dead_letters).await {
            Ok(Some(message)) => messages.push(message),
            Ok(None) => break,
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    // Whatever happened: what is held goes back, the oldest first.
    for message in &messages {
        if let Err(error) = client.give_back(message).await {
            terminal.warning(&format!("{error}; it comes back when its lock runs out"));
        }
    }
    if let Some(failure) = failure {
        return Err(failure);
    }
    match arguments.format {
        Format::Json => {
            let messages: Vec<Value> = messages.iter().map(document).collect();
            terminal.document(&present::json(&json!({ "schema": "suture.bus.peek/1", "messages": messages }))?);
        }
        Format::Table if messages.is_empty() => terminal.result("no messages"),
        Format::Table => terminal.result(&messages.iter().map(paragraph).collect::<Vec<_>>().join("\n")),
    }
    Ok(if messages.is_empty() { Outcome::Clean } else { Outcome::Left })
}

fn document(message: &Message) -> Value {
    let custom: serde_json::Map<String, Value> = message
        .custom
        .iter()
        .map(|(name, text)| (name.clone(), serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()))))
        .collect();
    json!({
        "message_id": message.broker.message_id,
        "sequence_number": message.broker.sequence_number,
        "delivery_count": message.broker.delivery_count,
        "enqueued_time": message.broker.enqueued_time_utc,
        "correlation_id": message.broker.correlation_id,
        "subject": message.broker.label,
        "content_type": message.content_type,
        "properties": custom,
        "body": message.body,
    })
}

fn paragraph(message: &Message) -> String {
    let broker = &message.broker;
    let mut text = plain(&message.name()).into_owned();
    let numbers = [("number", broker.sequence_number), ("delivery", broker.delivery_count)];
    for (name, number) in numbers.into_iter().filter_map(|(name, number)| Some((name, number?))) {
        text.push_str(&format!("  {name} {number}"));
    }
    let words = [("since", broker.enqueued_time_utc.clone()), ("dead because of", message.dead_letter_reason())];
    for (name, word) in words.into_iter().filter_map(|(name, word)| Some((name, word?))) {
        text.push_str(&format!("  {name} {}", plain(&word)));
    }
    let body: String = message.body.chars().take(BODY_TOLD_MAX).collect();
    let rest = if body.len() < message.body.len() { "…" } else { "" };
    format!("{text}\n  {}{rest}\n", plain(&body))
}
