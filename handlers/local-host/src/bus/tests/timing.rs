//! What happens by itself.

use super::*;
use crate::bus::BusError;
use std::time::Duration;

#[tokio::test]
async fn a_lock_that_ran_out_gives_its_message_back() {
    let bench = Bench::new(Rules::default());
    bench.send("x").await;
    let first = bench.bus().receive(&queue(), 1).await.unwrap().remove(0);
    bench.later(59_999);
    assert_eq!(bench.numbers().await, [0, 1, 0, 0]);
    bench.later(1);
    assert_eq!(bench.bus().complete(first.lock).await, Err(BusError::LockLost(first.lock)));
    let again = bench.bus().receive(&queue(), 1).await.unwrap().remove(0);
    assert_eq!(again.delivery_count, 2);
}

#[tokio::test]
async fn a_renewed_lock_holds_from_then_on() {
    let bench = Bench::new(Rules::default());
    bench.send("x").await;
    let lock = bench.bus().receive(&queue(), 1).await.unwrap().remove(0).lock;
    bench.later(50_000);
    let until = bench.bus().renew(lock).await.unwrap();
    assert_eq!(until, bench.clock.now() + SignedDuration::from_secs(60));
    bench.later(59_999);
    bench.bus().complete(lock).await.unwrap();
}

#[tokio::test]
async fn a_scheduled_message_comes_at_its_time_behind_what_is_there() {
    let bench = Bench::new(Rules::default());
    let at = bench.clock.now() + SignedDuration::from_secs(10);
    bench.send_with("scheduled", |message| message.properties.scheduled_enqueue_time = Some(at)).await;
    assert_eq!(bench.receive().await, [""; 0]);
    assert_eq!(bench.numbers().await, [0, 0, 1, 0]);
    bench.later(5_000);
    bench.send("sent").await;
    bench.later(5_000);
    let received = bench.bus().receive(&queue(), 10).await.unwrap();
    let bodies: Vec<_> = received.iter().map(|message| message.body.as_slice()).collect();
    assert_eq!(bodies, [&b"sent"[..], b"scheduled"]);
    assert!(received[1].sequence_number > received[0].sequence_number);
    assert_eq!(received[1].enqueued_time, at);
}

#[tokio::test]
async fn a_message_scheduled_for_the_past_comes_at_once() {
    let bench = Bench::new(Rules::default());
    let past = bench.clock.now() - SignedDuration::from_secs(1);
    bench.send_with("x", |message| message.properties.scheduled_enqueue_time = Some(past)).await;
    assert_eq!(bench.receive().await, ["x"]);
}

#[tokio::test]
async fn an_expired_message_is_dropped() {
    let bench = Bench::new(Rules::default());
    bench.send_with("short", |message| message.properties.time_to_live_ms = Some(1000)).await;
    bench.send("long").await;
    bench.later(1000);
    assert_eq!(bench.receive().await, ["long"]);
    assert_eq!(bench.numbers().await, [0, 1, 0, 0]);
}

#[tokio::test]
async fn where_the_queue_says_so_an_expired_message_becomes_a_dead_letter_with_its_reason() {
    let bench = Bench::new(Rules { time_to_live_ms: Some(1000), dead_letter_expired: true, ..Rules::default() });
    bench.send_with("x", |message| message.properties.time_to_live_ms = Some(5000)).await;
    bench.later(1000);
    assert_eq!(bench.numbers().await, [0, 0, 0, 1]);
    let dead = bench.bus().dead_letters(&queue(), 0, 1).await.unwrap().remove(0);
    assert_eq!(dead.dead_letter_reason.as_deref(), Some("TTLExpiredException"));
    bench.later(1_000_000);
    assert_eq!(bench.numbers().await, [0, 0, 0, 1], "dead letters do not expire");
}

#[tokio::test]
async fn a_message_does_not_expire_under_a_lock() {
    let bench = Bench::new(Rules { time_to_live_ms: Some(1000), ..Rules::default() });
    bench.send("x").await;
    let lock = bench.bus().receive(&queue(), 1).await.unwrap().remove(0).lock;
    bench.later(2000);
    assert_eq!(bench.numbers().await, [0, 1, 0, 0]);
    bench.bus().abandon(lock).await.unwrap();
    assert_eq!(bench.receive().await, [""; 0]);
}

#[tokio::test]
async fn a_scheduled_message_lives_from_its_time_on() {
    let bench = Bench::new(Rules { time_to_live_ms: Some(1000), ..Rules::default() });
    let at = bench.clock.now() + SignedDuration::from_secs(10);
    bench.send_with("x", |message| message.properties.scheduled_enqueue_time = Some(at)).await;
    bench.later(10_500);
    assert_eq!(bench.receive().await, ["x"]);
}

#[tokio::test]
async fn reopening_releases_locks_and_keeps_counts() {
    let mut bench = Bench::new(Rules { max_delivery_count: 2, ..Rules::default() });
    bench.send("x").await;
    let lock = bench.bus().receive(&queue(), 1).await.unwrap().remove(0).lock;
    bench.reopen();
    assert_eq!(bench.bus().complete(lock).await, Err(BusError::LockLost(lock)));
    let again = bench.bus().receive(&queue(), 1).await.unwrap().remove(0);
    assert_eq!(again.delivery_count, 2);
    bench.reopen();
    assert_eq!(bench.numbers().await, [0, 0, 0, 1]);
}

#[tokio::test]
async fn a_waiter_is_woken_by_a_send_an_abandon_a_lock_that_ran_out_and_a_schedule() {
    let bench = Bench::new(Rules::default());
    assert_eq!(bench.receive().await, [""; 0]);
    let arrives = async || tokio::time::timeout(Duration::from_secs(5), bench.bus().arrived(&queue())).await.unwrap();
    let nothing = async || {
        let waited = tokio::time::timeout(Duration::from_millis(30), bench.bus().arrived(&queue())).await;
        assert!(waited.is_err(), "nothing arrived");
    };
    nothing().await;
    tokio::join!(arrives(), bench.send("x"));
    let first = bench.bus().receive(&queue(), 10).await.unwrap().remove(0);
    nothing().await;
    let ((), given_back) = tokio::join!(arrives(), bench.bus().abandon(first.lock));
    given_back.unwrap();
    assert_eq!(bench.receive().await, ["x"]);
    nothing().await;
    bench.later(60_000);
    arrives().await;
    assert_eq!(bench.receive().await, ["x"]);
    let at = bench.clock.now() + SignedDuration::from_secs(10);
    bench.send_with("y", |message| message.properties.scheduled_enqueue_time = Some(at)).await;
    nothing().await;
    bench.later(10_000);
    arrives().await;
    assert_eq!(bench.receive().await, ["y"]);
}

#[tokio::test]
async fn of_many_waiters_none_is_forgotten() {
    let bench = Bench::new(Rules::default());
    let worker = async || {
        loop {
            if let Some(message) = bench.bus().receive(&queue(), 1).await.unwrap().pop() {
                return bench.bus().complete(message.lock).await.unwrap();
            }
            bench.bus().arrived(&queue()).await;
        }
    };
    let workers = futures::future::join_all((0..20).map(|_| worker()));
    let sends = async {
        for _ in 0..20 {
            bench.send("x").await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), async { tokio::join!(workers, sends) }).await.unwrap();
    assert_eq!(bench.numbers().await, [0; 4]);
}

/// A process that is killed with a message it has had for long must not get it for ever.
#[tokio::test]
async fn a_delivery_that_lasts_is_counted_even_if_its_process_is_killed() {
    let mut bench = Bench::new(Rules { max_delivery_count: 2, ..Rules::default() });
    bench.send("x").await;
    let counts_after_kill = async |bench: &Bench| {
        let mut after = super::damage::crashed(bench);
        after.reopen();
        let received = after.bus().receive(&queue(), 1).await.unwrap();
        received.first().map(|message| message.delivery_count)
    };
    let lock = bench.bus().receive(&queue(), 1).await.unwrap().remove(0).lock;
    assert_eq!(counts_after_kill(&bench).await, Some(1), "it had just begun");
    bench.later(1000);
    assert_eq!(bench.numbers().await, [0, 1, 0, 0]);
    assert_eq!(counts_after_kill(&bench).await, Some(2));
    let mut second = super::damage::crashed(&bench);
    second.reopen();
    assert_eq!(second.receive().await, ["x"]);
    second.later(1000);
    assert_eq!(second.numbers().await, [0, 1, 0, 0]);
    let mut third = super::damage::crashed(&second);
    third.reopen();
    assert_eq!(third.receive().await, [""; 0], "it was delivered as often as it may");
    assert_eq!(third.numbers().await, [0, 0, 0, 1]);
    let dead = third.bus().dead_letters(&queue(), 0, 1).await.unwrap().remove(0);
    assert_eq!((dead.dead_letter_reason.as_deref(), dead.delivery_count), (Some("MaxDeliveryCountExceeded"), 2));
    bench.bus().complete(lock).await.unwrap();
    bench.reopen();
    assert_eq!(bench.numbers().await, [0; 4]);
}

#[tokio::test]
async fn a_delivery_that_could_not_be_counted_is_counted_when_the_disk_takes_it() {
    let bench = Bench::new(Rules::default());
    bench.send("x").await;
    assert_eq!(bench.receive().await, ["x"]);
    let file = rusqlite::Connection::open(bench.file()).unwrap();
    file.execute_batch("CREATE TRIGGER refuse BEFORE UPDATE ON message BEGIN SELECT RAISE(FAIL, 'no'); END").unwrap();
    bench.later(1000);
    assert_eq!(bench.numbers().await, [0, 1, 0, 0]);
    file.execute_batch("DROP TRIGGER refuse").unwrap();
    bench.later(1000);
    assert_eq!(bench.numbers().await, [0, 1, 0, 0]);
    let mut after = super::damage::crashed(&bench);
    after.reopen();
    assert_eq!(after.bus().receive(&queue(), 1).await.unwrap().remove(0).delivery_count, 2);
}

#[tokio::test]
async fn a_message_whose_time_ran_out_under_a_lock_expires_when_its_process_was_killed() {
    let bench = Bench::new(Rules { time_to_live_ms: Some(1000), ..Rules::default() });
    bench.send("x").await;
    assert_eq!(bench.receive().await, ["x"]);
    bench.later(2000);
    assert_eq!(bench.numbers().await, [0, 1, 0, 0]);
    let mut after = super::damage::crashed(&bench);
    after.reopen();
    assert_eq!(after.receive().await, [""; 0]);
}
