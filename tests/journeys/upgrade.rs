//! What the last releases left is read by this one: records, and messages that were on their way.

use crate::world::host::outputs;
use crate::world::release::{Message, Release, releases, settled};
use crate::world::release_bus;
use agents::environment::effects::Effects;
use agents::functions;
use agents::inventory::Inventory;
use agents::journal::{JournalRecord, WakeUp};
use agents::learned::Learned;
use agents::offered::Offer;
use agents::sweep::Registry;
use agents::tries::Noted;
use jiff::Timestamp;
use local_host::backup::BUS;
use local_host::bus::Source;
use pipeline::audit::{End, Entry};
use pipeline::case::{Case, CaseRecord, Step};
use pipeline::ids::RepoName;
use pipeline::learning::outcome::{OutcomeRecord, Word};
use pipeline::message::{Envelope, MessageId};
use pipeline::payload::{Notification, Poisoned};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

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
#[tokio::test(flavor = "multi_thread")]
#[ignore = "it writes tests/fixtures/releases/<version>, once for a release"]
async fn writes_the_state_of_this_release() {
    let release = Release::of_this_version().await;
    assert_eq!(release, Release::of_this_version().await, "two journeys that differ make no fixture");
    let folder = releases().join(env!("CARGO_PKG_VERSION"));
    release.write(&folder);
    release_bus::leave(&folder).await;
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
                "asked" => check::<Vec<MessageId>>(&name, value),
                "inventory" => check::<Inventory>(&name, value),
                "branches" => check::<RepoName>(&name, value),
                "last_offers" | "merged" => check::<Offer>(&name, value),
                "tries" => check::<Noted>(&name, value),
                "declined" | "heard" | "worked" => check::<Timestamp>(&name, value),
                "words" => check::<Word>(&name, value),
                "audit" => check::<Entry>(&name, value),
                "audit_tried" => check::<u64>(&name, value),
                "audit_end" => check::<End>(&name, value),
                "rollbacks" => check::<Vec<Step>>(&name, value),
                "outcomes" => check::<OutcomeRecord>(&name, value),
                "learned.json" => check::<Learned>(&name, value),
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
        // What a decision rests on is told since.
        let cases: Vec<Case> = cases.into_iter().map(|case| Case { grounds: None, ..case }).collect();
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

#[tokio::test(flavor = "multi_thread")]
async fn bus_of_every_release_is_opened_with_its_messages_its_keys_and_its_timers() {
    for (version, _) in every_release() {
        let folder = releases().join(&version);
        let left = release_bus::read(&folder);
        let staged = release_bus::timer_app().bus_of(&folder.join(BUS)).answers(|_| Some(outputs(json!({}))));
        let mut staged = staged.start().await;
        assert!(staged.host.keys() == &left.keys, "{version}: other keys");
        let mut expected = left.messages;
        for message in expected.as_array_mut().unwrap() {
            // Whoever held it is gone.
            if message["state"] == "locked" {
                message["state"] = json!("active");
            }
        }
        assert_eq!(release_bus::messages(staged.bus()).await, expected, "{version}");
        staged.invoked().await;
        let call = staged.calls()[0].json();
        assert_eq!(call["Data"]["timer"]["IsPastDue"], true, "{version}: nobody knows that the timer ever fired");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_every_release_are_received_and_replayed() {
    for (version, _) in every_release() {
        let staged = release_bus::timer_app().bus_of(&releases().join(&version).join(BUS)).start().await;
        let scan = Source::Queue("scan".to_owned());
        assert_eq!(staged.bus().replay(&scan, 10).await.unwrap(), 1, "{version}");
        let received = staged.bus().receive(&scan, 10).await.unwrap();
        let told: Vec<(&str, u32)> = received
            .iter()
            .map(|message| (message.properties.message_id.as_deref().unwrap(), message.delivery_count))
            .collect();
        assert_eq!(told, [("held", 2), ("given back", 2), ("active", 1), ("bytes", 1), ("dead", 1)], "{version}");
        for message in received {
            staged.bus().complete(message.lock).await.unwrap();
        }
        let counts = staged.counts("scan").await;
        assert_eq!((counts.active, counts.locked, counts.scheduled, counts.dead_letters), (0, 0, 1, 0), "{version}");
    }
}
