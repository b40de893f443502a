//! What GitHub really sends: every published payload, read.

use crate::world::deliveries::{Example, published_examples, secret_scanning_alerts};
use pipeline::github::{GitHubEvent, Lead, Us, lead, parse};
use std::fmt::Write;

fn read(example: &Example) -> GitHubEvent {
    parse(&example.event, &example.payload.to_string()).unwrap_or_else(|error| panic!("{error}: {}", example.payload))
}

/// A line for each example: its event, its place among those of that event, and what `tell` says of it.
fn lines(examples: &[Example], tell: impl Fn(&Example) -> String) -> String {
    let (mut lines, mut number) = (String::new(), 0);
    for (at, example) in examples.iter().enumerate() {
        let is_same = at.checked_sub(1).is_some_and(|before| examples[before].event == example.event);
        number = if is_same { number + 1 } else { 1 };
        writeln!(lines, "{} {number}: {}", example.event, tell(example)).unwrap();
    }
    lines
}

#[test]
fn every_published_payload_is_read_as_its_event() {
    let Some(examples) = published_examples() else { return };
    assert_eq!(examples.len(), 329);
    insta::assert_snapshot!("typed_events", lines(&examples, |example| format!("{:?}", read(example))));
}

#[test]
fn every_action_of_secret_scanning_alerts_is_read() {
    insta::assert_snapshot!(
        "secret_scanning_alerts",
        lines(&secret_scanning_alerts(), |example| format!("{:?}", read(example)))
    );
}

#[test]
fn published_payloads_lead_to_work_of_the_right_agents() {
    let Some(examples) = published_examples() else { return };
    let us = Us { host: "github.com", app: Some(1) };
    let tell = |example: &Example| match (read(example), &example.payload["action"]) {
        (GitHubEvent::Unknown { .. }, action) => format!("{action} unknown"),
        (event, action) => match lead(&event, us).unwrap() {
            Lead::Nowhere(why) => format!("{action} ignored: {why}"),
            Lead::To(work) => {
                let sent = work
                    .iter()
                    .map(|work| format!("{}: {} {}", work.queue(), work.topic(), serde_json::to_string(work).unwrap()));
                format!("{action} {}", sent.collect::<Vec<_>>().join(" | "))
            }
        },
    };
    let known: String = lines(&examples, tell)
        .lines()
        .filter(|line| !line.ends_with("unknown"))
        .map(|line| format!("{line}\n"))
        .collect();
    insta::assert_snapshot!("leads", known);
}
