//! Messages and records that nobody can handle, delivered by the real topology: they end as notices, and stop nothing else.

use crate::environment::Environment;
use crate::environment::effects::Effects;
use crate::environment::outlet::Outlet;
use crate::environment::store::Store;
use crate::history;
use crate::in_process::Bus;
use crate::journal::{HOPS_MAX, JournalRecord, WakeUp, journal_key};
use crate::sweep::sweep;
use crate::test_office::environment;
use crate::topology::Topology;
use jiff::Timestamp;
use pipeline::case::Status;
use pipeline::ids::{CaseId, hash_of};
use pipeline::message::{Envelope, MessageType, PAYLOAD_BYTES_MAX, queue, topic};
use pipeline::payload::Notification;
use serde_json::json;
use std::sync::{Arc, Mutex};

struct Office {
    env: Environment,
    bus: Bus,
    notices: Arc<Mutex<Vec<Notification>>>,
}

impl Office {
    fn new() -> Self {
        let notices: Arc<Mutex<Vec<Notification>>> = Arc::default();
        let told = Arc::clone(&notices);
        let env = Environment {
            outlet: Outlet::new(move |notice| told.lock().unwrap().push(notice.clone())),
            ..environment(Store::memory(Effects::default()))
        };
        Self { env, bus: Bus::new(Topology::built_in().unwrap()), notices }
    }

    /// A message for `target` that it can't read.
    fn message(&self, target: &str, payload: &serde_json::Value) -> Envelope {
        let now = self.env.clock.now();
        Envelope::root("test", target, topic::VULNERABILITY_DETECTED, payload, self.env.ids.run(now), now).unwrap()
    }

    async fn send(&mut self, message: &Envelope) {
        self.bus.send(None, message).unwrap();
        self.bus.settle(&self.env, |_| {}).await.unwrap();
        assert!(self.bus.dead_letters.is_empty(), "{:?}", self.bus.dead_letters);
    }

    async fn sweep(&mut self) -> usize {
        let mut due = sweep(&self.env).await.unwrap();
        for message in &due {
            self.bus.send(Some("sweep"), message).unwrap();
        }
        due.retain(|message| message.message_type != MessageType::Query);
        self.bus.settle(&self.env, |_| {}).await.unwrap();
        assert!(self.bus.dead_letters.is_empty(), "{:?}", self.bus.dead_letters);
        due.len()
    }

    async fn put_off(&self, message: Envelope) -> String {
        let wake_up = WakeUp { due: Timestamp::UNIX_EPOCH, reason: "weather".to_owned(), message };
        self.env.store.create(&wake_up.key(), &wake_up).await.unwrap();
        wake_up.key()
    }

    /// Reasons that people were told, each once.
    fn told(&self) -> Vec<String> {
        let mut told: Vec<String> = self.notices.lock().unwrap().iter().map(|notice| notice.body[0].clone()).collect();
        told.sort();
        told.dedup();
        told
    }

    async fn status(&self, case: &str) -> Option<Status> {
        let case: CaseId = case.parse().unwrap();
        history::case(&self.env.store, &case).await.unwrap().map(|case| case.status)
    }
}

#[tokio::test]
async fn message_over_the_hops_limit_ends_as_a_notice() {
    let mut office = Office::new();
    let mut message = office.message(queue::ANALYZE, &json!({ "case": "npm-1" }));
    message.hops = HOPS_MAX + 1;
    office.send(&message).await;
    assert!(office.told().concat().contains("a loop"), "{:?}", office.told());
    assert_eq!(office.status("npm-1").await, Some(Status::Error));
    assert_eq!(office.env.store.list("notices").await.unwrap().len(), 1);
}

#[tokio::test]
async fn event_over_the_hops_limit_is_kept() {
    let mut office = Office::new();
    let mut event = office.message(queue::ANALYZE, &json!({}));
    event.target = None;
    event.hops = HOPS_MAX + 1;
    office.send(&event).await;
    assert_eq!(office.env.store.list("events").await.unwrap().len(), 1);
    assert_eq!(office.told(), Vec::<String>::new());
}

#[tokio::test]
async fn poison_that_travelled_as_a_claim_check_closes_its_case() {
    let mut office = Office::new();
    let payload = json!({ "case": "npm-1", "findings": "x".repeat(PAYLOAD_BYTES_MAX) });
    let mut message = office.message(queue::ANALYZE, &json!(null));
    let key = format!("claims/{}", hash_of(&[&payload.to_string()]));
    office.env.store.create(&key, &payload).await.unwrap();
    message.payload_ref = Some(key);
    office.send(&message).await;
    assert_eq!(office.status("npm-1").await, Some(Status::Error));
    assert_eq!(office.told().len(), 1);
}

#[tokio::test]
async fn damaged_journal_record_becomes_poison_and_is_kept() {
    let mut office = Office::new();
    let message = office.message(queue::ANALYZE, &json!({ "case": "npm-1" }));
    let key = journal_key(queue::ANALYZE, message.id);
    office.env.store.create(&key, &"torn").await.unwrap();
    office.send(&message).await;
    assert!(office.told().concat().contains("is damaged"), "{:?}", office.told());
    assert_eq!(office.status("npm-1").await, Some(Status::Error));
    assert_eq!(office.env.store.read(&format!("poison/{key}")).await.unwrap(), Some("torn".to_owned()));
    assert!(office.env.store.read::<JournalRecord>(&key).await.unwrap().is_some());
    // Delivered again it gives the same answer.
    let told = office.told();
    office.send(&message).await;
    assert_eq!(office.told(), told);
}

#[tokio::test]
async fn damaged_wake_up_is_set_aside_and_the_others_still_go() {
    let mut office = Office::new();
    office.env.store.create("wakeups/19700101T0000/0", &"torn").await.unwrap();
    office.put_off(office.message(queue::ANALYZE, &json!({ "case": "npm-1" }))).await;
    assert_eq!(office.sweep().await, 2);
    assert_eq!(office.status("npm-1").await, Some(Status::Error));
    assert!(
        office.told().iter().any(|reason| reason.contains("wakeups/19700101T0000/0 is damaged")),
        "{:?}",
        office.told()
    );
    assert_eq!(office.env.store.read("poison/wakeups/19700101T0000/0").await.unwrap(), Some("torn".to_owned()));
    // Once it is known that both were handled, they are cleared away.
    assert_eq!(office.sweep().await, 0);
    assert_eq!(office.env.store.list("wakeups").await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn wake_up_that_nobody_hears_becomes_poison_and_the_others_still_go() {
    let mut office = Office::new();
    let lost = office.message("nowhere", &json!({ "case": "npm-2" }));
    office.put_off(lost.clone()).await;
    office.put_off(office.message(queue::ANALYZE, &json!({ "case": "npm-1" }))).await;
    assert_eq!(office.sweep().await, 2);
    assert_eq!(office.status("npm-1").await, Some(Status::Error));
    assert_eq!(office.status("npm-2").await, Some(Status::Error));
    assert!(office.env.store.list("poison").await.unwrap().contains(&format!("poison/{}", lost.id)));
    assert_eq!(office.sweep().await, 0);
    assert_eq!(office.env.store.list("wakeups").await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn wake_up_with_a_damaged_journal_comes_to_an_end() {
    let mut office = Office::new();
    let message = office.message(queue::ANALYZE, &json!({ "case": "npm-1" }));
    office.env.store.create(&journal_key(queue::ANALYZE, message.id), &"torn").await.unwrap();
    office.put_off(message).await;
    assert_eq!(office.sweep().await, 1);
    assert_eq!(office.sweep().await, 0);
    assert_eq!(office.status("npm-1").await, Some(Status::Error));
    assert_eq!(office.env.store.list("wakeups").await.unwrap(), Vec::<String>::new());
}
