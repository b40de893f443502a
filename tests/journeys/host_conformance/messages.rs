//! How messages are settled.

use crate::world::host::{Stage, outputs, raw};
use local_host::bus::Source;
use local_host::host::HostEvent;
use serde_json::json;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn message_is_completed_when_its_function_succeeds() {
    let mut staged = Stage::new().queue("fn").start().await;
    staged.send("fn", "x").await;
    staged.invoked().await;
    assert_eq!(staged.settled("fn").await, 0);
    assert_eq!(staged.calls().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn message_is_given_back_and_dead_lettered_at_the_maximum_with_its_reason() {
    let staged = Stage::new().queue("fn").rules(60_000, 3).answers(|_| Some(raw(500, "text/plain", "no")));
    let mut staged = staged.start().await;
    staged.send("fn", "x").await;
    let dead = staged.event(|event| match event {
        HostEvent::DeadLettered { source, reason, .. } => Some((source.clone(), reason.clone())),
        _ => None,
    });
    let (source, reason) = dead.await;
    assert!(source == "fn" && reason.contains("500"), "{source}: {reason}");
    let counts: Vec<_> = staged.calls().iter().map(|call| call.json()["Metadata"]["DeliveryCount"].clone()).collect();
    assert_eq!(counts, ["1", "2", "3"]);
    let dead = staged.bus().dead_letters(&Source::Queue("fn".to_owned()), 0, 10).await.unwrap();
    assert_eq!(dead[0].dead_letter_reason.as_deref(), Some("MaxDeliveryCountExceeded"));
}

#[tokio::test(flavor = "multi_thread")]
async fn lock_is_renewed_while_the_function_runs() {
    let staged = Stage::new().queue("fn").rules(400, 10).answers(|_| {
        std::thread::sleep(Duration::from_millis(1_500));
        Some(outputs(json!({})))
    });
    let mut staged = staged.start().await;
    staged.send("fn", "x").await;
    staged.invoked().await;
    assert_eq!(staged.settled("fn").await, 0);
    assert_eq!(staged.calls().len(), 1, "it was delivered once");
}

#[tokio::test(flavor = "multi_thread")]
async fn lock_is_not_renewed_beyond_its_limit() {
    let calls = AtomicU32::new(0);
    let staged = Stage::new().queue("fn").rules(300, 10).host_json(
        "/extensions/serviceBus",
        "maxAutoLockRenewalDuration",
        json!("00:00:00"),
    );
    let staged = staged.answers(move |_| {
        if calls.fetch_add(1, Ordering::SeqCst) == 0 {
            std::thread::sleep(Duration::from_millis(1_500));
        }
        Some(outputs(json!({})))
    });
    let mut staged = staged.start().await;
    staged.send("fn", "x").await;
    staged.invoked().await;
    assert_eq!(staged.settled("fn").await, 0);
    assert_eq!(staged.calls().len(), 2, "it came again while the first call still ran");
}

#[tokio::test(flavor = "multi_thread")]
async fn message_whose_last_lock_ran_out_is_told_to_be_a_dead_letter() {
    let staged = Stage::new().queue("fn").rules(300, 1).host_json(
        "/extensions/serviceBus",
        "maxAutoLockRenewalDuration",
        json!("00:00:00"),
    );
    let staged = staged.answers(|_| {
        std::thread::sleep(Duration::from_millis(1_500));
        Some(raw(500, "text/plain", "no"))
    });
    let mut staged = staged.start().await;
    staged.send("fn", "x").await;
    let told = staged.event(|event| match event {
        HostEvent::DeadLettered { reason, .. } => Some(Ok(reason.clone())),
        HostEvent::Failed { reason, .. } => Some(Err(reason.clone())),
        _ => None,
    });
    let reason = told.await.expect("it is told when the lock runs out, before the function ends");
    assert!(reason.starts_with("MaxDeliveryCountExceeded"), "{reason}");
    staged.failed().await;
    assert_eq!(staged.settled("fn").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn outputs_are_sent_before_the_message_is_completed() {
    // The output's queue takes no message of this size: so the input is not done either.
    let staged =
        Stage::new().queue("fn").rules(60_000, 2).answers(|_| Some(outputs(json!({ "out": ["x".repeat(2 << 20)] }))));
    let mut staged = staged.start().await;
    staged.send("fn", "x").await;
    let reason = staged.failed().await;
    assert!(reason.contains("can't be sent"), "{reason}");
    assert_eq!(staged.settled("fn").await, 1);
    assert_eq!(staged.bodies("out").await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_calls_run_at_once_than_the_app_allows() {
    let (running, most) = (AtomicU32::new(0), std::sync::Arc::new(AtomicU32::new(0)));
    let seen = std::sync::Arc::clone(&most);
    let staged = Stage::new().queue("fn").host_json("/extensions/serviceBus", "maxConcurrentCalls", json!(2));
    let staged = staged.answers(move |_| {
        seen.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(20));
        running.fetch_sub(1, Ordering::SeqCst);
        Some(outputs(json!({})))
    });
    let staged = staged.start().await;
    for number in 0..20 {
        staged.send("fn", &number.to_string()).await;
    }
    staged.settled("fn").await;
    assert_eq!(most.load(Ordering::SeqCst), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn message_of_a_topic_reaches_every_subscription() {
    let trigger = |name: &str| json!([{ "type": "serviceBusTrigger", "direction": "in", "name": "msg", "topicName": "events", "subscriptionName": name, "connection": "Bus" }]);
    let mut staged = Stage::new().function("one", trigger("one")).function("two", trigger("two")).start().await;
    let sent = staged.admin("POST", "/admin/messages/events").body("news").send().await.unwrap();
    assert_eq!(sent.status(), 201);
    staged.invoked().await;
    staged.invoked().await;
    let mut heard: Vec<_> = staged.calls().iter().map(|call| call.function().to_owned()).collect();
    heard.sort();
    assert_eq!(heard, ["one", "two"]);
}
