//! What the last releases left is read by this one: records, and messages that were on their way.

use crate::world::release::{Message, Release, releases, settled};
use agents::environment::effects::Effects;
use agents::functions;
use agents::journal::{JournalRecord, WakeUp};
use agents::sweep::Registry;
use pipeline::case::CaseRecord;
use pipeline::message::Envelope;
use pipeline::payload::{Notification, Poisoned};
use serde::de::DeserializeOwned;
use serde_json::Value;

fn every_release() -> Vec<(String, Release)> {
    let folders =
        std::fs::read_dir(releases()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let found: Vec<_> = folders
        .map(|folder| (folder.file_name().unwrap().to_str().unwrap().to_owned(), Release::read(&folder)))
        .collect();
    assert!(!found.is_empty());
    found
}

/// Run by hand, before a release: `cargo test -p tests -- --ignored writes_the_state_of_this_release`
#[tokio::test]
#[ignore = "it writes tests/fixtures/releases/<version>, once for a release"]
async fn writes_the_state_of_this_release() {
    let release = Release::of_this_version().await;
    assert_eq!(release, Release::of_this_version().await, "two journeys that differ make no fixture");
    release.write(&releases().join(env!("CARGO_PKG_VERSION")));
}

#[test]
fn state_of_every_release_has_some_of_everything() {
    for (version, release) in every_release() {
        for shelf in
            ["cases", "claims", "diffs", "events", "journal", "notices", "poison", "rounds", "state", "wakeups"]
        {
            let found = release.records.iter().any(|(key, _)| key.starts_with(&format!("{shelf}/")));
            assert!(found, "{version}: nothing under {shelf}");
        }
        for function in ["analyze", "monitor", "notify", "poison", "remediate", "scan", "verify"] {
            let found = release.records.iter().any(|(key, _)| key.starts_with(&format!("journal/{function}/")));
            assert!(found, "{version}: no journal of {function}");
        }
        assert!(!release.in_flight.is_empty() && !release.branches.is_empty(), "{version}");
        let text = format!("{:?}", release);
        assert!(!text.contains("127.0.0.1"), "{version}: an address of the day it was written");
    }
}

#[test]
fn every_record_is_read() {
    fn check<T: DeserializeOwned>(key: &str, value: &Value) {
        let read = serde_json::from_value::<T>(value.clone());
        assert!(read.is_ok(), "{key}: {}", read.err().unwrap());
    }
    for (version, release) in every_release() {
        for (key, value) in &release.records {
            let name = format!("{version}/{key}");
            match key.split('/').next().unwrap() {
                "journal" => check::<JournalRecord>(&name, value),
                "cases" => check::<CaseRecord>(&name, value),
                "wakeups" => check::<WakeUp>(&name, value),
                "events" => check::<Envelope>(&name, value),
                "notices" => check::<Notification>(&name, value),
                "poison" => check::<Poisoned>(&name, value),
                "sent" => check::<Vec<String>>(&name, value),
                "agents.json" => check::<Registry>(&name, value),
                // Anything; text; numbered values that are read below; a moment.
                "claims" | "diffs" | "state" | "rounds" => {}
                other => panic!("{version}: nobody reads {other}"),
            }
        }
    }
}

#[tokio::test]
async fn cases_stand_as_they_stood() {
    for (version, release) in every_release() {
        assert_eq!(release.world().await.cases().await, release.before, "{version}");
    }
}

#[tokio::test]
async fn what_was_handled_before_the_upgrade_is_not_done_again() {
    for (version, release) in every_release() {
        let world = release.world().await;
        let effects = Effects::remembered();
        let env = world.process(effects.clone());
        for message in &release.delivered {
            functions::handle(&env, &message.function, message.envelope()).await.unwrap();
        }
        assert_eq!(effects.list(), Vec::<String>::new(), "{version}");
        assert!(world.notices.lock().unwrap().is_empty(), "{version}");
        assert_eq!(world.cases().await, release.before, "{version}");
    }
}

#[tokio::test]
async fn what_was_on_its_way_arrives() {
    for (version, release) in every_release() {
        let mut world = release.world().await;
        world.bus.waiting = release.in_flight.iter().map(Message::delivery).collect();
        let (cases, told) = settled(&mut world).await;
        assert_eq!(cases, release.after, "{version}");
        assert_eq!(told, release.told, "{version}");
    }
}

/// Nothing of the journal is left but the messages: all of it is work, which this version has to do.
#[tokio::test]
async fn old_messages_are_understood_without_their_journal() {
    for (version, release) in every_release() {
        let world = release.world().await;
        let env = world.process(Effects::default());
        for key in world.keys("journal").await {
            env.store.delete(&key).await.unwrap();
        }
        let poison = world.keys("poison").await;
        for message in release.delivered.iter().chain(&release.in_flight) {
            functions::handle(&env, &message.function, message.envelope()).await.unwrap();
        }
        assert_eq!(world.keys("poison").await, poison, "{version}: a message is no longer understood");
    }
}
