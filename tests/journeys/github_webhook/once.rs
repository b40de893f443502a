//! A delivery is taken once, however often it comes, and wherever the process dies.

use crate::world::deliveries::{delivery, environment, memory, push};
use agents::environment::clock::Clock;
use agents::environment::effects::Effects;
use agents::environment::ids::Ids;
use agents::environment::store::Store;
use agents::error::AgentError;
use agents::functions;
use agents::request::{Answer, Request};
use pipeline::message::{Envelope, MessageId};
use serde_json::{Value, json};

const COMMIT: &str = "0123456789012345678901234567890123456789";

/// Asks a process that began at `hour`, with ids of its own.
async fn ask(store: &Store, request: &Request, hour: u8) -> Result<Answer, AgentError> {
    let mut env = environment(store.clone());
    env.clock = Clock::standing_at(format!("2026-01-01T{hour:02}:00:00Z").parse().unwrap());
    env.ids = Ids::System;
    functions::answer(Some(&env), "github-webhook", request).await
}

/// An installation of so many repositories.
fn installation(count: usize) -> Value {
    let repositories: Vec<_> = (0..count).map(|at| json!({ "full_name": format!("octo/r{at}") })).collect();
    let installation = json!({ "id": 9, "account": { "login": "octo" } });
    json!({ "action": "created", "installation": installation, "repositories": repositories })
}

fn work(messages: &[Envelope]) -> Vec<(MessageId, Value)> {
    messages.iter().map(|message| (message.id, message.payload.clone())).collect()
}

#[tokio::test]
async fn duplicate_is_answered_with_the_recorded_messages() {
    let store = memory();
    let request = delivery(1, "push", &push(COMMIT).to_string());
    let first = ask(&store, &request, 1).await.unwrap();
    for hour in 2..5 {
        assert_eq!(ask(&store, &request, hour).await.unwrap(), first);
    }
    assert_eq!(store.list("journal").await.unwrap().len(), 1);
    // Another delivery of the same contents is another one.
    let other = ask(&store, &delivery(2, "push", &push(COMMIT).to_string()), 5).await.unwrap();
    assert_ne!(other.messages[0].id, first.messages[0].id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn deliveries_at_the_same_time_are_answered_alike() {
    let store = memory();
    let request = delivery(1, "installation", &installation(20).to_string());
    let asked = (0..16).map(|hour| {
        let (store, request) = (store.clone(), request.clone());
        tokio::spawn(async move { ask(&store, &request, hour).await.unwrap() })
    });
    let asked: Vec<_> = asked.collect();
    let mut answers = Vec::new();
    for answer in asked {
        answers.push(answer.await.unwrap());
    }
    assert_eq!(answers[0].messages.len(), 20);
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(store.list("journal").await.unwrap().len(), 1);
}

#[tokio::test]
async fn crash_after_any_effect_changes_nothing_that_agents_are_asked_for() {
    let request = delivery(1, "installation", &installation(3).to_string());
    let effects = Effects::remembered();
    let calm = ask(&memory().with_effects(effects.clone()), &request, 1).await.unwrap();
    assert_eq!(effects.list().len(), 2, "the journal, and when it was: {:?}", effects.list());
    for survived in 0..=effects.count() {
        let store = memory();
        let died = ask(&store.with_effects(Effects::crashing_after(survived)), &request, 1).await;
        // Once it is in the journal it is answered, whether it can be noted when that was or not.
        assert_eq!(died.is_ok(), survived > 0, "{died:?}");
        let again = ask(&store, &request, 2).await.unwrap();
        assert_eq!(work(&again.messages), work(&calm.messages));
        assert_eq!((again.status, &again.body), (calm.status, &calm.body));
        if let Ok(first) = died {
            assert_eq!(again, first);
        }
        assert_eq!(ask(&store, &request, 3).await.unwrap(), again);
    }
}

#[tokio::test]
async fn only_a_store_that_is_gone_is_a_failure() {
    let gone = memory().with_effects(Effects::crashing_after(0));
    for (event, body) in [("push", push(COMMIT).to_string()), ("push", "no JSON".to_owned()), ("star", "{}".to_owned())]
    {
        let failed = ask(&gone, &delivery(1, event, &body), 1).await.unwrap_err();
        assert!(matches!(failed, AgentError::Broken { .. }), "{failed}");
    }
}

#[tokio::test]
async fn installation_of_more_repositories_than_a_delivery_may_ask_for_is_one_message() {
    let store = memory();
    let most = ask(&store, &delivery(1, "installation", &installation(500).to_string()), 1).await.unwrap();
    assert_eq!(most.body["messages"], json!({ "repository.added": 500 }));
    let more = ask(&store, &delivery(2, "installation", &installation(501).to_string()), 1).await.unwrap();
    assert_eq!(more.body["messages"], json!({ "installation.added": 1 }));
    assert_eq!(more.messages[0].payload, json!({ "installation": 9, "account": "octo", "named": 501 }));
}
