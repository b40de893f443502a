//! Deliveries that went wrong on their way, and are signed all the same: none of them is a failure of ours.

use crate::world::chance::Chance;
use crate::world::deliveries::{Example, delivery, environment, memory, published_examples, secret_scanning_alerts};
use agents::environment::Environment;
use agents::functions;
use pipeline::message::{PAYLOAD_BYTES_MAX, topic};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// So many deliveries, each wrong in up to three ways.
const DELIVERIES: u32 = 6_000;

/// The storm; a number that made a test fail is kept as a test.
const SEED: u64 = 0x5d17_c0de;

/// Events that are read: of the others nothing is looked at but the action.
fn known() -> Option<Vec<Example>> {
    let is_read = |example: &Example| {
        ["push", "pull_request", "issue_comment", "check_", "workflow_run", "_alert", "_advisory", "installation"]
            .iter()
            .any(|part| example.event.contains(part))
    };
    Some(published_examples()?.into_iter().chain(secret_scanning_alerts()).filter(is_read).collect())
}

/// A place in `value`: more and more deeply, by chance.
fn somewhere<'v>(value: &'v mut Value, chance: &mut Chance) -> &'v mut Value {
    let inside = match value {
        Value::Object(members) => members.len(),
        Value::Array(elements) => elements.len(),
        _ => 0,
    };
    if inside == 0 || chance.below(5) == 0 {
        return value;
    }
    let at = chance.below(inside);
    match value {
        Value::Object(members) => somewhere(members.values_mut().nth(at).unwrap(), chance),
        Value::Array(elements) => somewhere(&mut elements[at], chance),
        _ => unreachable!("only these have an inside"),
    }
}

fn odd(chance: &mut Chance) -> Value {
    match chance.below(12) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(-1),
        3 => json!(1e300),
        4 => json!(u64::MAX),
        5 => json!(""),
        6 => json!("x".repeat(200_000)),
        7 => json!("a\u{0}b\u{202e}\n"),
        8 => json!({}),
        9 => json!([]),
        10 => json!(vec![json!({ "full_name": "a/b" }); 700]),
        _ => json!("../../suture/npm-1"),
    }
}

/// `payload`, wrong in one way of its structure.
fn spoil(payload: &mut Value, chance: &mut Chance) {
    let place = somewhere(payload, chance);
    match (chance.below(3), place) {
        (0, Value::Object(members)) => {
            let names: Vec<String> = members.keys().cloned().collect();
            if !names.is_empty() {
                members.remove(&names[chance.below(names.len())]);
            }
        }
        (1, place) => *place = odd(chance),
        (_, place) => {
            let whole = place.take();
            *place = if chance.below(2) == 0 { json!([whole]) } else { json!({ "action": whole }) };
        }
    }
}

/// The text of `payload`, wrong in one way of its letters.
fn spoil_text(text: &str, chance: &mut Chance) -> String {
    let letters: Vec<char> = text.chars().collect();
    let (before, after) = letters.split_at(chance.below(letters.len() + 1));
    let before: String = before.iter().collect();
    let after: String = after.iter().collect();
    match chance.below(4) {
        0 => before,
        1 => after,
        2 => format!("{before}{}{after}", "[".repeat(1 + chance.below(100_000))),
        _ => {
            format!("{before}{}{after}", ["\"", "}", ",", "\\ud800", "\u{feff}", "{\"a\":1}", "1e999"][chance.below(7)])
        }
    }
}

/// Takes the delivery, and says what became of it.
async fn check_taken(env: &Environment, number: u32, event: &str, body: &str) -> &'static str {
    let answer = functions::answer(Some(env), "github-webhook", &delivery(number, event, body)).await;
    let answer = answer.unwrap_or_else(|error| panic!("delivery {number}, {event}: {error}"));
    assert!(matches!(answer.status, 200 | 202), "delivery {number}, {event}: {answer:?}");
    for message in &answer.messages {
        let size = message.payload.to_string().len();
        assert!(size <= PAYLOAD_BYTES_MAX, "delivery {number}, {event}: {size} bytes");
    }
    let told = answer.body.to_string();
    assert!(told.len() < 2_000 && !told.contains("xxxxxxxxxx"), "delivery {number}, {event}: {told}");
    match answer.messages.first().map(|message| message.topic.as_str()) {
        None => "ignored",
        Some(topic::EVENT_UNKNOWN) => "unknown",
        Some(topic::EVENT_REJECTED) => "rejected",
        Some(_) => "work",
    }
}

#[tokio::test]
async fn no_delivery_is_a_failure_however_wrong_it_is() {
    let Some(examples) = known() else { return };
    let mut chance = Chance(SEED);
    let (mut number, mut taken) = (0, memory());
    let mut became: BTreeMap<&str, u32> = BTreeMap::new();
    while number < DELIVERIES {
        // What is kept of them is no matter here.
        if number % 500 == 0 {
            taken = memory();
        }
        let env = environment(taken.clone());
        number += 1;
        let example = &examples[chance.below(examples.len())];
        let mut payload = example.payload.clone();
        for _ in 0..chance.below(3) {
            spoil(&mut payload, &mut chance);
        }
        let mut body = payload.to_string();
        if chance.below(3) == 0 {
            body = spoil_text(&body, &mut chance);
        }
        // Whoever can sign may also name another event than it is.
        let event = if chance.below(8) == 0 { &examples[chance.below(examples.len())].event } else { &example.event };
        *became.entry(check_taken(&env, number, event, &body).await).or_default() += 1;
    }
    // A storm that never gets past the first member shows nothing.
    for outcome in ["ignored", "unknown", "rejected", "work"] {
        assert!(became.get(outcome).is_some_and(|count| *count > DELIVERIES / 50), "{became:?}");
    }
}

#[tokio::test]
async fn published_payloads_are_all_taken() {
    let env = environment(memory());
    let Some(examples) = published_examples() else { return };
    for (number, example) in (1..).zip(examples) {
        check_taken(&env, number, &example.event, &example.payload.to_string()).await;
    }
}

#[tokio::test]
async fn every_action_of_secret_scanning_alerts_is_work() {
    let env = environment(memory());
    for (number, alert) in (1..).zip(secret_scanning_alerts()) {
        let became = check_taken(&env, number, &alert.event, &alert.payload.to_string()).await;
        assert_eq!(became, "work", "{}", alert.payload["action"]);
    }
}
