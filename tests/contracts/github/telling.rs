//! What the simulated GitHub delivers is what the real one could: by GitHub's own schemas of its deliveries.

use super::answers::{judge, raise};
use super::{BRANCH, Desk};
use crate::contracts::documents::python;
use crate::world::deliveries::delivery_schemas;
use crate::world::on_github::take;
use agents::environment::Environment;
use agents::environment::effects::Effects;
use agents::environment::store::Store;
use pipeline::message::topic;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

const SOMEBODY: &str = "mona";

/// Has it tell of everything that it can tell of.
async fn tell_everything() -> Desk {
    let desk = Desk::new().await;
    let tip = desk.delivered("{2}").await;
    let there = &desk.repository;
    let number = there.open(BRANCH, "main", SOMEBODY);
    let pull = desk.ours.pull_request(number).await.unwrap().unwrap();
    desk.ours.set_draft(&pull, true).await.unwrap();
    let pull = desk.ours.pull_request(number).await.unwrap().unwrap();
    desk.ours.set_draft(&pull, false).await.unwrap();
    there.push(BRANCH, &[("package-lock.json", "{3}")], SOMEBODY);
    there.force(BRANCH, &tip, SOMEBODY);
    there.check(&tip, "ci", "tests", None);
    there.check(&tip, "ci", "tests", Some("success"));
    there.retitle(number, "another title", SOMEBODY);
    there.close(number, SOMEBODY);
    there.reopen(number, SOMEBODY);
    there.merge(number, SOMEBODY);
    there.delete(BRANCH, SOMEBODY);
    there.rerequest(&tip, SOMEBODY);
    raise(&desk);
    there.close_alert("dependabot", 1, "fixed");
    there.archive();
    there.unarchive();
    there.rename("octo/store");
    there.rename("mona/store");
    desk
}

fn row(event: &str, body: &Value) -> Value {
    json!({ "event": event, "body": body })
}

#[tokio::test]
async fn every_delivery_is_as_github_describes_it() {
    let told = tell_everything().await.github.take_deliveries();
    let rows: Vec<_> = told.iter().map(|delivery| row(&delivery.event, &delivery.value())).collect();
    let kinds: BTreeSet<_> = rows.iter().map(|row| format!("{} {}", row["event"], row["body"]["action"])).collect();
    assert_eq!(kinds.len(), 16, "{kinds:?}");
    hold_against_schemas(&rows);
}

/// The actions of `secret_scanning_alert` that are described.
fn described_actions() -> Option<Vec<String>> {
    let schemas: Value = serde_json::from_slice(&std::fs::read(delivery_schemas()?).unwrap()).unwrap();
    let names = schemas["definitions"].as_object().unwrap().keys();
    Some(names.filter_map(|name| name.strip_prefix("secret_scanning_alert$")).map(str::to_owned).collect())
}

#[tokio::test]
async fn every_described_alert_of_secret_scanning_is_taken() {
    let Some(actions) = described_actions() else { return };
    assert!(actions.len() >= 4, "{actions:?}");
    let desk = Desk::new().await;
    raise(&desk);
    desk.github.take_deliveries();
    actions.iter().for_each(|action| desk.repository.tell_secret_alert(1, action, SOMEBODY));
    let told = desk.github.take_deliveries();
    hold_against_schemas(&told.iter().map(|delivery| row(&delivery.event, &delivery.value())).collect::<Vec<_>>());
    let store = Store::memory(Effects::default());
    let env = Environment { github: Some(desk.github.client(Effects::default())), ..Environment::alone(store) };
    for (delivery, action) in told.iter().zip(&actions) {
        let messages = take(&env, delivery).await;
        let [message] = &messages[..] else { panic!("{action}: {messages:?}") };
        assert_eq!((message.topic.as_str(), &message.payload["action"]), (topic::ALERT_CHANGED, &json!(action)));
    }
}

fn hold_against_schemas(rows: &[Value]) {
    let Some(schemas) = delivery_schemas() else { return };
    match python() {
        Some(python) => judge(&python, "validate_deliveries.py", Path::new(&schemas), rows),
        None => eprintln!("skipped: jsonschema of Python is not to be had"),
    }
}
