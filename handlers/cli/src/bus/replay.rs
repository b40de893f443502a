//! `suture bus replay`: dead letters are sent again, then taken away.

use super::arguments::Replay;
use super::client::{Client, Source};
use crate::terminal::Terminal;
use crate::{Failure, Outcome};
use std::collections::HashSet;

/// Sent in one run where nothing else is said: a queue whose messages die at once would never be done.
const MAX: u32 = 10_000;

/// Sends dead letters again.
pub async fn run(arguments: &Replay, client: &Client, terminal: &Terminal) -> Result<Outcome, Failure> {
    let source = Source::read(&arguments.source)?;
    let mut replayed = HashSet::new();
    let max = arguments.max.unwrap_or(MAX);
    let mut number = 0;
    let told = |number: u32| terminal.result(&format!("replayed {number}"));
    loop {
        let next = client.receive(&source, true).await.inspect_err(|_| told(number))?;
        let Some(message) = next else {
            told(number);
            return Ok(Outcome::Clean);
        };
        let died_again = message.broker.message_id.as_ref().is_some_and(|id| replayed.contains(id));
        if died_again || number >= max {
            // One more was looked at to know whether any is left.
            client.give_back(&message).await.inspect_err(|_| told(number))?;
            if died_again {
                terminal.warning(&format!("{} died again; it and those behind it are left", message.name()));
            }
            told(number);
            return Ok(Outcome::Left);
        }
        // Sent first: what comes between leaves it twice, never lost.
        client.send(&source.destination, &message.body, message.options()).await.inspect_err(|_| told(number))?;
        client.complete(&message).await.map_err(|failure| {
            told(number);
            Failure(format!("{failure}; it was sent again, but is still among the dead letters"))
        })?;
        number += 1;
        replayed.extend(message.broker.message_id);
    }
}
