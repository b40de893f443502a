//! Order, locks, delivery counts, dead letters, names.

use super::*;
use crate::bus::{BusError, LockToken, MESSAGE_BYTES_MAX, State};

#[tokio::test]
async fn messages_come_in_the_order_in_which_they_were_sent() {
    let bench = Bench::new(Rules::default());
    for body in ["1", "2", "3"] {
        bench.send(body).await;
    }
    assert_eq!(bench.bus().receive(&queue(), 2).await.unwrap().len(), 2);
    assert_eq!(bench.receive().await, ["3"]);
    assert_eq!(bench.numbers().await, [0, 3, 0, 0]);
}

#[tokio::test]
async fn a_message_is_received_as_it_was_sent() {
    let bench = Bench::new(Rules::default());
    let body: Vec<u8> = (0..=255).collect();
    let mut outgoing = Outgoing::new(body.clone());
    outgoing.properties.message_id = Some("id".to_owned());
    outgoing.properties.subject = Some("a subject".to_owned());
    outgoing.properties.time_to_live_ms = Some(90_000);
    outgoing.properties.application_properties.insert("n".to_owned(), serde_json::json!(3));
    bench.bus().send(vec![(Destination::Queue("in".to_owned()), outgoing.clone())]).await.unwrap();
    let received = bench.bus().receive(&queue(), 1).await.unwrap().remove(0);
    assert_eq!((received.body, received.properties), (body, outgoing.properties));
    assert_eq!((received.delivery_count, received.enqueued_time), (1, bench.clock.now()));
    assert_eq!(received.locked_until, bench.clock.now() + SignedDuration::from_secs(60));
    assert_eq!(received.expires_at, bench.clock.now() + SignedDuration::from_secs(90));
    assert_eq!(received.dead_letter_source, None);
}

#[tokio::test]
async fn a_message_without_an_id_is_given_one() {
    let bench = Bench::new(Rules::default());
    bench.send("x").await;
    let received = bench.bus().receive(&queue(), 1).await.unwrap().remove(0);
    assert_eq!(received.properties.message_id.unwrap().len(), 32);
    assert_eq!(received.expires_at, Timestamp::MAX);
}

#[tokio::test]
async fn a_completed_message_is_gone_and_its_lock_is_lost() {
    let bench = Bench::new(Rules::default());
    bench.send("x").await;
    let lock = bench.bus().receive(&queue(), 1).await.unwrap().remove(0).lock;
    bench.bus().complete(lock).await.unwrap();
    assert_eq!(bench.numbers().await, [0; 4]);
    assert_eq!(bench.bus().complete(lock).await, Err(BusError::LockLost(lock)));
    assert_eq!(bench.bus().abandon(lock).await, Err(BusError::LockLost(lock)));
    assert_eq!(bench.bus().renew(lock).await, Err(BusError::LockLost(lock)));
}

#[tokio::test]
async fn an_abandoned_message_comes_again_before_later_ones_with_a_raised_count() {
    let bench = Bench::new(Rules::default());
    bench.send("1").await;
    bench.send("2").await;
    let first = bench.bus().receive(&queue(), 1).await.unwrap().remove(0);
    bench.bus().abandon(first.lock).await.unwrap();
    let again = bench.bus().receive(&queue(), 1).await.unwrap().remove(0);
    assert_eq!((again.sequence_number, again.delivery_count), (first.sequence_number, 2));
    assert_ne!(again.lock, first.lock);
}

#[tokio::test]
async fn at_the_maximum_an_abandoned_message_becomes_a_dead_letter_with_its_reason() {
    let bench = Bench::new(Rules { max_delivery_count: 2, ..Rules::default() });
    bench.send("x").await;
    for _ in 0..2 {
        let lock = bench.bus().receive(&queue(), 1).await.unwrap().remove(0).lock;
        bench.bus().abandon(lock).await.unwrap();
    }
    assert_eq!(bench.numbers().await, [0, 0, 0, 1]);
    let dead = bench.bus().receive_dead_letters(&queue(), 1).await.unwrap().remove(0);
    let properties = &dead.properties.application_properties;
    assert_eq!(properties["DeadLetterReason"], "MaxDeliveryCountExceeded");
    assert_eq!(properties["DeadLetterErrorDescription"], "Message could not be consumed after 2 delivery attempts.");
    assert_eq!((dead.delivery_count, dead.dead_letter_source.as_deref()), (3, Some("in")));
}

#[tokio::test]
async fn at_the_maximum_a_message_whose_lock_ran_out_becomes_a_dead_letter() {
    let bench = Bench::new(Rules { max_delivery_count: 1, ..Rules::default() });
    bench.send("x").await;
    assert_eq!(bench.receive().await, ["x"]);
    bench.later(60_000);
    assert_eq!(bench.numbers().await, [0, 0, 0, 1]);
}

#[tokio::test]
async fn dead_letters_are_given_back_without_end_and_never_made_again() {
    let bench = Bench::new(Rules { max_delivery_count: 1, ..Rules::default() });
    bench.send("x").await;
    let lock = bench.bus().receive(&queue(), 1).await.unwrap().remove(0).lock;
    bench.bus().dead_letter(lock, "why", "in words").await.unwrap();
    for _ in 0..3 {
        let dead = bench.bus().receive_dead_letters(&queue(), 1).await.unwrap().remove(0);
        assert_eq!(bench.bus().dead_letter(dead.lock, "", "").await, Err(BusError::AlreadyDead(dead.lock)));
        bench.bus().abandon(dead.lock).await.unwrap();
    }
    let peeked = bench.bus().dead_letters(&queue(), 0, 10).await.unwrap().remove(0);
    assert_eq!(peeked.dead_letter_reason.as_deref(), Some("why"));
    assert_eq!(peeked.dead_letter_description.as_deref(), Some("in words"));
    let dead = bench.bus().receive_dead_letters(&queue(), 1).await.unwrap().remove(0);
    bench.bus().complete(dead.lock).await.unwrap();
    assert_eq!(bench.numbers().await, [0; 4]);
}

#[tokio::test]
async fn replayed_dead_letters_come_as_if_they_were_sent_now() {
    let bench = Bench::new(Rules { max_delivery_count: 1, ..Rules::default() });
    for body in ["1", "2", "3"] {
        bench.send(body).await;
    }
    for message in bench.bus().receive(&queue(), 10).await.unwrap() {
        bench.bus().abandon(message.lock).await.unwrap();
    }
    bench.send("4").await;
    assert_eq!(bench.bus().replay(&queue(), 2).await.unwrap(), 2);
    assert_eq!(bench.numbers().await, [3, 0, 0, 1]);
    let received = bench.bus().receive(&queue(), 10).await.unwrap();
    let told: Vec<_> = received.iter().map(|message| (message.body.as_slice(), message.delivery_count)).collect();
    assert_eq!(told, [(&b"4"[..], 1), (b"1", 1), (b"2", 1)]);
    assert!(received[1].properties.application_properties.is_empty());
    assert_eq!(bench.bus().replay(&queue(), 1000).await.unwrap(), 1);
}

#[tokio::test]
async fn every_subscription_of_a_topic_gets_its_own_message() {
    let bench = Bench::new(Rules::default());
    bench.bus().send(vec![(Destination::Topic("events".to_owned()), Outgoing::new("x"))]).await.unwrap();
    let a = bench.bus().receive(&subscription("a"), 10).await.unwrap();
    bench.bus().complete(a[0].lock).await.unwrap();
    let b = bench.bus().receive(&subscription("b"), 10).await.unwrap();
    assert_eq!((a.len(), b.len()), (1, 1));
    assert_eq!(a[0].properties.message_id, b[0].properties.message_id);
}

#[tokio::test]
async fn upper_and_lower_case_are_one_name() {
    let bench = Bench::new(Rules::default());
    bench.bus().send(vec![(Destination::Queue("IN".to_owned()), Outgoing::new("x"))]).await.unwrap();
    assert_eq!(bench.receive().await, ["x"]);
}

#[tokio::test]
async fn a_send_to_an_unknown_entity_sends_nothing_at_all() {
    let bench = Bench::new(Rules::default());
    let good = (Destination::Queue("in".to_owned()), Outgoing::new("x"));
    for (bad, name) in
        [(Destination::Queue("nowhere".to_owned()), "queue"), (Destination::Topic("in".to_owned()), "topic")]
    {
        let failed = bench.bus().send(vec![good.clone(), (bad, Outgoing::new("y"))]).await;
        assert!(matches!(failed, Err(BusError::UnknownEntity { kind, .. }) if kind == name));
    }
    let failed = bench.bus().receive(&subscription("nobody"), 1).await.unwrap_err();
    assert_eq!(
        failed.to_string(),
        "no subscription is called events/Subscriptions/nobody; add a function with such a trigger to the app, or correct the name"
    );
    assert_eq!(bench.numbers().await, [0; 4]);
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused_and_one_at_the_limit_is_not() {
    let bench = Bench::new(Rules::default());
    let room = MESSAGE_BYTES_MAX - r#"{"message_id":""}"#.len() - 32;
    bench.send(&"x".repeat(room)).await;
    let large = vec![(Destination::Queue("in".to_owned()), Outgoing::new("x".repeat(room + 1)))];
    let bytes = MESSAGE_BYTES_MAX + 1;
    let refused = BusError::TooLarge { bytes, bytes_max: MESSAGE_BYTES_MAX };
    assert_eq!(bench.bus().send(large).await, Err(refused));
    assert_eq!(bench.receive().await[0].len(), room);
}

#[tokio::test]
async fn a_failing_call_fails_no_other_in_its_transaction() {
    let bench = Bench::new(Rules::default());
    let lost = LockToken(uuid::Uuid::nil());
    let send = |to: &str| bench.bus().send(vec![(Destination::Queue(to.to_owned()), Outgoing::new("x"))]);
    let (first, failed, unknown, second) =
        tokio::join!(send("in"), bench.bus().complete(lost), send("nowhere"), send("in"));
    assert_eq!((first, failed, second), (Ok(()), Err(BusError::LockLost(lost)), Ok(())));
    assert!(unknown.is_err());
    assert_eq!(bench.numbers().await, [2, 0, 0, 0]);
}

#[tokio::test]
async fn a_receiver_that_went_away_before_its_turn_locks_nothing() {
    let bench = Bench::new(Rules::default());
    bench.send("x").await;
    for _ in 0..50 {
        let source = queue();
        let mut receive = std::pin::pin!(bench.bus().receive(&source, 1));
        let _ = futures::poll!(receive.as_mut());
    }
    let [active, locked, ..] = bench.numbers().await;
    assert_eq!(active + locked, 1);
}

#[tokio::test]
async fn what_is_looked_at_does_not_change() {
    let bench = Bench::new(Rules::default());
    for body in ["1", "2", "3"] {
        bench.send(body).await;
    }
    bench.send_with("later", |message| message.properties.scheduled_enqueue_time = Some(Timestamp::MAX)).await;
    let taken = bench.bus().receive(&queue(), 1).await.unwrap().remove(0);
    let peeked = bench.bus().peek(&queue(), 0, 10).await.unwrap();
    let told: Vec<_> = peeked.iter().map(|message| (message.body.as_slice(), message.state)).collect();
    let expect =
        [(&b"1"[..], State::Locked), (b"2", State::Active), (b"3", State::Active), (b"later", State::Scheduled)];
    assert_eq!(told, expect);
    let after = bench.bus().peek(&queue(), taken.sequence_number + 1, 1).await.unwrap();
    assert_eq!(after[0].body, b"2");
    assert_eq!(bench.numbers().await, [2, 1, 1, 0]);
}

#[tokio::test]
async fn messages_of_a_queue_that_the_app_lost_are_kept() {
    let mut bench = Bench::new(Rules::default());
    bench.send("x").await;
    let all = bench.entities.clone();
    bench.entities.queues.remove(0);
    bench.reopen();
    let counts = bench.bus().counts().await.unwrap();
    let lost = counts.iter().find(|counts| counts.source == queue()).unwrap();
    assert_eq!(lost.active, 1);
    bench.entities = all;
    bench.reopen();
    assert_eq!(bench.receive().await, ["x"]);
}
