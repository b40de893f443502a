//! Files of earlier schemas are read, and nothing in them is lost.

use super::*;
use crate::bus::mark::Mark;
use crate::bus::schema::{NEWEST, first_schema};
use rusqlite::{Connection, params};

/// In place of the bus a file as the first schema had it, with a message in every state.
fn first(bench: &mut Bench) {
    bench.close();
    for entry in std::fs::read_dir(bench.folder.path()).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let connection = Connection::open(bench.file()).unwrap();
    first_schema(&connection);
    let now = bench.clock.now().as_microsecond();
    connection.execute("INSERT INTO entity VALUES (1, NULL, 'in')", []).unwrap();
    let put = |name: &str, dead: bool, state: i64, count: u32, expires: Option<i64>, due: Option<i64>| {
        let properties = format!(r#"{{"message_id":"{name}"}}"#);
        let checksum = crate::bus::send::checksum(name.as_bytes(), &properties);
        connection
            .execute(
                "INSERT INTO content(body, properties, checksum) VALUES (?1, ?2, ?3)",
                params![name.as_bytes(), properties, checksum],
            )
            .unwrap();
        let token = (state == 1).then(|| uuid::Uuid::from_u128(u128::from(count)).into_bytes());
        connection
            .execute(
                "INSERT INTO message(content, entity, dead, state, delivery_count, enqueued_at, expires_at, due_at, lock_token, \
                 dead_reason) VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                params![connection.last_insert_rowid(), dead, state, count, now, expires, due, token, dead.then_some("why")],
            )
            .unwrap();
    };
    let minute = 60_000_000;
    put("active", false, 0, 0, None, None);
    put("locked", false, 1, 3, Some(now + 2 * minute), Some(now + minute));
    put("scheduled", false, 2, 0, Some(now + 3 * minute), Some(now + minute));
    put("dead", true, 0, 10, None, None);
    put("gone", false, 0, 0, None, None);
    // Its number must not be given out again.
    connection.execute("DELETE FROM message WHERE sequence_number = 5", []).unwrap();
    put("worn", false, 1, 10, None, Some(now + minute));
    connection.execute("INSERT INTO timer VALUES ('agents', 'sweep', '2026-01-01T00:00:00Z')", []).unwrap();
    connection.execute("INSERT INTO key VALUES ('_master', 'abc')", []).unwrap();
}

fn keys(bench: &Bench) -> crate::host::Keys {
    crate::host::keys(bench.folder.path()).unwrap()
}

/// A host of an earlier version that runs must not find tables that it does not know.
#[test]
fn keys_are_shown_beside_a_host_of_the_first_schema_and_its_file_stays_as_it_is() {
    let mut bench = Bench::new(Rules::default());
    first(&mut bench);
    let version = || {
        let file = Connection::open(bench.file()).unwrap();
        file.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0)).unwrap()
    };
    let running = Mark::open(&bench.file()).unwrap();
    assert_eq!((keys(&bench).master.as_str(), version()), ("abc", 1));
    drop(running);
    assert_eq!((keys(&bench).master.as_str(), version()), ("abc", NEWEST));
}

#[tokio::test]
async fn messages_of_the_first_schema_are_received_in_their_order() {
    let mut bench = Bench::new(Rules::default());
    first(&mut bench);
    bench.reopen();
    assert_eq!(bench.numbers().await, [3, 0, 1, 1]);
    let received = bench.bus().receive(&queue(), 10).await.unwrap();
    let told: Vec<_> = received.iter().map(|message| (message.body.as_slice(), message.delivery_count)).collect();
    assert_eq!(told, [(&b"active"[..], 1), (b"locked", 4)]);
    assert_eq!(bench.numbers().await, [0, 2, 1, 2], "the one that was delivered as often as it may is a dead letter");
    for message in &received {
        bench.bus().abandon(message.lock).await.unwrap();
    }
    bench.send("new").await;
    assert_eq!(bench.bus().peek(&queue(), 0, 10).await.unwrap().last().unwrap().sequence_number, 7);
    bench.later(60_000);
    assert_eq!(bench.numbers().await, [4, 0, 0, 2]);
    bench.later(60_000);
    assert_eq!(bench.numbers().await, [3, 0, 0, 2], "the one that was locked expired in its time");
    let dead = bench.bus().receive_dead_letters(&queue(), 1).await.unwrap().remove(0);
    assert_eq!((dead.body.as_slice(), dead.delivery_count), (&b"dead"[..], 11));
    assert_eq!(dead.properties.application_properties["DeadLetterReason"], "why");
    let worn = bench.bus().receive_dead_letters(&queue(), 1).await.unwrap().remove(0);
    assert_eq!((worn.body.as_slice(), worn.delivery_count), (&b"worn"[..], 11));
    assert_eq!(worn.properties.application_properties["DeadLetterReason"], "MaxDeliveryCountExceeded");
    assert_eq!(keys(&bench).master, "abc");
    let fired = "SELECT app || function || last FROM timer";
    let fired = Connection::open(bench.file()).unwrap().query_row(fired, [], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(fired, "agentssweep2026-01-01T00:00:00Z");
}
