//! Whoever opens a bus hears of each message that becomes a dead letter.

use super::*;
use crate::bus::{Buried, LockToken};
use rusqlite::Connection;
use std::sync::{Arc, Mutex};

/// A bus that tells its dead letters.
struct Heard {
    bench: Bench,
    told: Arc<Mutex<Vec<Buried>>>,
}

impl Heard {
    fn new(rules: Rules) -> Self {
        let mut heard = Self { bench: Bench::new(rules), told: Arc::default() };
        heard.reopen();
        heard
    }

    fn reopen(&mut self) {
        self.bench.close();
        let told = Arc::clone(&self.told);
        let (entities, clock) = (self.bench.entities.clone(), self.bench.clock.clone());
        let tell = move |buried| told.lock().unwrap().push(buried);
        self.bench.bus = Some(Bus::open_telling(&self.bench.file(), entities, clock, tell).unwrap());
    }

    /// Sends a message with this id and receives it.
    async fn hold(&self, id: &str) -> LockToken {
        self.bench.send_with("x", |message| message.properties.message_id = Some(id.to_owned())).await;
        self.bench.bus().receive(&queue(), 1).await.unwrap().remove(0).lock
    }

    /// Ids and reasons of what was told since the last look.
    fn told(&self) -> Vec<(String, String)> {
        let told = std::mem::take(&mut *self.told.lock().unwrap());
        assert!(told.iter().all(|buried| buried.source == queue()));
        told.into_iter().map(|buried| (buried.message_id.unwrap_or_default(), buried.reason)).collect()
    }

    #[track_caller]
    fn expect(&self, id: &str, reason: &str) {
        assert_eq!(self.told(), [(id.to_owned(), reason.to_owned())]);
    }
}

const TOO_OFTEN: &str = "MaxDeliveryCountExceeded: Message could not be consumed after 1 delivery attempts.";

#[tokio::test]
async fn a_message_given_back_once_too_often_is_told_with_the_reason_of_whoever_gave_it_back() {
    let heard = Heard::new(Rules { max_delivery_count: 1, ..Rules::default() });
    let lock = heard.hold("a").await;
    heard.bench.bus().abandon(lock).await.unwrap();
    heard.expect("a", TOO_OFTEN);
    let lock = heard.hold("b").await;
    heard.bench.bus().abandon_because(lock, "it failed").await.unwrap();
    heard.expect("b", "it failed");
    let lock = heard.hold("c").await;
    heard.bench.bus().dead_letter(lock, "Mine", "in words").await.unwrap();
    heard.expect("c", "Mine: in words");
}

#[tokio::test]
async fn a_message_that_is_not_a_dead_letter_is_not_told() {
    let heard = Heard::new(Rules { max_delivery_count: 2, ..Rules::default() });
    let lock = heard.hold("a").await;
    heard.bench.bus().abandon_because(lock, "it failed").await.unwrap();
    assert!(heard.bench.bus().abandon_because(lock, "it failed").await.is_err());
    let lock = heard.bench.bus().receive(&queue(), 1).await.unwrap().remove(0).lock;
    heard.bench.bus().complete(lock).await.unwrap();
    assert!(heard.bench.bus().abandon_because(lock, "it failed").await.is_err());
    assert_eq!(heard.told(), []);
}

#[tokio::test]
async fn a_message_whose_last_lock_runs_out_is_told() {
    let heard = Heard::new(Rules { max_delivery_count: 1, ..Rules::default() });
    heard.hold("a").await;
    heard.bench.later(60_000);
    assert_eq!(heard.bench.numbers().await, [0, 0, 0, 1]);
    heard.expect("a", TOO_OFTEN);
}

#[tokio::test]
async fn a_message_whose_last_holder_is_gone_is_told() {
    let mut heard = Heard::new(Rules { max_delivery_count: 1, ..Rules::default() });
    heard.hold("a").await;
    heard.bench.close();
    heard.expect("a", TOO_OFTEN);
    heard.reopen();
    assert_eq!(heard.bench.numbers().await, [0, 0, 0, 1]);
    assert_eq!(heard.told(), []);
}

#[tokio::test]
async fn a_message_whose_last_holder_was_killed_is_told_when_it_would_be_delivered_again() {
    let mut heard = Heard::new(Rules { max_delivery_count: 1, ..Rules::default() });
    heard.hold("a").await;
    heard.bench.close();
    heard.expect("a", TOO_OFTEN);
    // As a process leaves it that is killed with a delivery which lasts.
    let file = Connection::open(heard.bench.file()).unwrap();
    file.execute("UPDATE message SET dead = 0, dead_reason = NULL, dead_description = NULL", []).unwrap();
    heard.reopen();
    assert_eq!(heard.bench.receive().await, [""; 0]);
    heard.expect("a", TOO_OFTEN);
}

#[tokio::test]
async fn a_message_that_expired_while_nobody_was_there_is_told_at_the_start() {
    let mut heard = Heard::new(Rules { time_to_live_ms: Some(1000), dead_letter_expired: true, ..Rules::default() });
    heard.bench.send_with("x", |message| message.properties.message_id = Some("a".to_owned())).await;
    heard.bench.close();
    heard.bench.later(1000);
    heard.reopen();
    assert_eq!(heard.bench.numbers().await, [0, 0, 0, 1]);
    heard.expect("a", "TTLExpiredException: The message expired and was dead lettered.");
}

#[tokio::test]
async fn a_message_that_the_disk_changed_is_told_though_its_id_is_lost() {
    let heard = Heard::new(Rules::default());
    heard.bench.send("x").await;
    let file = Connection::open(heard.bench.file()).unwrap();
    file.execute("UPDATE message SET properties = 'no json'", []).unwrap();
    assert_eq!(heard.bench.receive().await, [""; 0]);
    heard.expect("", "Damaged: its body or its properties are not those that were sent");
}

/// Both are buried, or none: what is only in memory must say the same as the file.
#[tokio::test]
async fn of_damaged_messages_that_cant_all_be_buried_none_is() {
    let heard = Heard::new(Rules::default());
    heard.bench.send("a").await;
    heard.bench.send("b").await;
    let file = Connection::open(heard.bench.file()).unwrap();
    file.execute("UPDATE message SET checksum = checksum + 1", []).unwrap();
    let refuse = "CREATE TRIGGER refuse BEFORE UPDATE ON message WHEN new.sequence_number = 2 \
        BEGIN SELECT RAISE(FAIL, 'no'); END";
    file.execute_batch(refuse).unwrap();
    heard.bench.bus().receive(&queue(), 10).await.unwrap_err();
    assert_eq!((heard.bench.numbers().await, heard.told().len()), ([2, 0, 0, 0], 0));
    file.execute_batch("DROP TRIGGER refuse").unwrap();
    assert_eq!(heard.bench.receive().await, [""; 0]);
    assert_eq!((heard.bench.numbers().await, heard.told().len()), ([0, 0, 0, 2], 2));
    assert_eq!(heard.bench.bus().receive_dead_letters(&queue(), 10).await.unwrap().len(), 2);
}
