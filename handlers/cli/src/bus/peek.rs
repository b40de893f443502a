//! `suture bus peek`: receive under locks, tell, give back.

use super::arguments::Peek;
use super::client::{Client, Source};
use super::message::Message;
use crate::arguments::Format;
use crate::terminal::Terminal;
use crate::{Failure, Outcome, present};
use pipeline::wording::plain;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

/// Characters of a body that are told to people.
const BODY_TOLD_MAX: usize = 500;

/// Nothing more is received after this time: the first locks could run out, and what was looked at would come again.
const LOCKS_HOLD: Duration = Duration::from_secs(40);

/// Looks at messages.
pub async fn run(arguments: &Peek, client: &Client, terminal: &Terminal) -> Result<Outcome, Failure> {
    let source = Source::read(&arguments.source)?;
    terminal.note("looking raises the delivery count of each message: it is received under a lock and given back");
    let number = |message: &Message| message.broker.sequence_number;
    let next = || client.receive(&source, arguments.dead_letters);
    let Taken { messages, end } = take(arguments.max as usize, LOCKS_HOLD, number, next).await;
    // Whatever happened: what is held goes back, the oldest first.
    for message in &messages {
        if let Err(error) = client.give_back(message).await {
            terminal.warning(&format!("{error}; it comes back when its lock runs out"));
        }
    }
    match end {
        End::Failed(failure) => return Err(failure),
        End::LocksRunOut => terminal.warning("looking took as long as a lock holds: there may be more messages"),
        End::Enough => {}
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

/// What was received, and why no more of it.
struct Taken<M> {
    messages: Vec<M>,
    end: End,
}

#[derive(Debug)]
enum End {
    /// There is no more, or no more is asked for.
    Enough,
    /// What was received could come again.
    LocksRunOut,
    Failed(Failure),
}

/// Receives messages by `next`, at most `max`, until one comes a second time, or its lock could have run out after `locks_hold`.
async fn take<M>(
    max: usize,
    locks_hold: Duration,
    number: impl Fn(&M) -> Option<i64>,
    next: impl AsyncFn() -> Result<Option<M>, Failure>,
) -> Taken<M> {
    let begun = Instant::now();
    let mut messages: Vec<M> = Vec::new();
    let end = loop {
        if messages.len() >= max {
            break End::Enough;
        }
        if begun.elapsed() >= locks_hold {
            break End::LocksRunOut;
        }
        let message = match next().await {
            Ok(Some(message)) => message,
            Ok(None) => break End::Enough,
            Err(failure) => break End::Failed(failure),
        };
        let known = messages.iter_mut().find(|known| number(known).is_some() && number(known) == number(&message));
        let Some(known) = known else {
            messages.push(message);
            continue;
        };
        // It is held by its newest lock only.
        *known = message;
        break End::LocksRunOut;
    };
    Taken { messages, end }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// Messages with these numbers, one every `pause_ms`.
    async fn taken(numbers: &[i64], pause_ms: u64) -> Taken<(usize, i64)> {
        let at = Cell::new(0);
        let next = async || {
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
            let number = numbers.get(at.get()).copied();
            at.set(at.get() + 1);
            Ok(number.map(|number| (at.get(), number)))
        };
        take(4, Duration::from_millis(300), |(_, number)| Some(*number), next).await
    }

    #[tokio::test]
    async fn looking_ends_before_a_message_is_seen_twice() {
        let check = |taken: Taken<(usize, i64)>, messages: &[(usize, i64)], expect: &str| {
            assert_eq!((taken.messages.as_slice(), format!("{:?}", taken.end).as_str()), (messages, expect));
        };
        check(taken(&[7, 8], 0).await, &[(1, 7), (2, 8)], "Enough");
        check(taken(&[1, 2, 3, 4, 5], 0).await, &[(1, 1), (2, 2), (3, 3), (4, 4)], "Enough");
        check(taken(&[7, 8, 7, 8], 0).await, &[(3, 7), (2, 8)], "LocksRunOut");
        check(taken(&[7, 8], 301).await, &[(1, 7)], "LocksRunOut");
    }
}
