//! The life of a handler's process.

use crate::world::host::{Stage, kill, outputs, raw};
use local_host::host::{Events, Host, HostEvent};
use serde_json::json;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn any_answer_means_ready_even_404() {
    let mut staged = Stage::new().queue("fn").start().await;
    staged.ready().await;
    assert_eq!(staged.calls().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn handler_that_does_not_listen_in_time_is_an_error_and_started_again() {
    let staged = Stage::new().queue("fn").set("TEST_RELAY_IS_DEAF", "yes");
    let mut staged = staged.host_json("/customHandler", "initializationTimeout", json!("00:00:00.5")).start().await;
    let (reason, next) = staged.handler_ended().await;
    assert!(reason.contains("did not start"), "{reason}");
    assert_eq!(next, "restarted");
}

#[tokio::test(flavor = "multi_thread")]
async fn handler_that_is_not_there_is_an_error_in_words() {
    let staged = Stage::new().queue("fn").host_json(
        "/customHandler/description",
        "defaultExecutablePath",
        json!("/no/such/handler"),
    );
    let mut staged = staged.start().await;
    let (reason, _) = staged.handler_ended().await;
    assert!(reason.contains("/no/such/handler"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_code_0_is_not_restarted_and_later_calls_fail() {
    let mut staged = Stage::new().http("fn").set("TEST_RELAY_ENDS_WITH", "0").start().await;
    let (reason, next) = staged.handler_ended().await;
    assert_eq!(reason, "exit code 0");
    assert!(next.starts_with("not restarted"), "{next}");
    assert_eq!(staged.request("GET", "/api/fn").send().await.unwrap().status(), 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_code_200_is_restarted_and_not_counted() {
    let mut staged = Stage::new().queue("fn").set("TEST_RELAY_ENDS_WITH", "200").start().await;
    for _ in 0..4 {
        let (reason, next) = staged.handler_ended().await;
        assert_eq!(reason, "exit code 200");
        // A rest that the functions host does not take: this one ends at once, over and over.
        assert_eq!(next, "restarted in 1000 ms: it ended before it did any work");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn third_error_is_one_too_many_and_the_local_host_begins_again() {
    let staged = Stage::new().queue("fn").set("TEST_RELAY_ENDS_WITH", "3").set("TEST_RELAY_SAYS", "no disk");
    let mut staged = staged.start().await;
    for _ in 0..2 {
        let (reason, next) = staged.handler_ended().await;
        assert_eq!((reason.as_str(), next.as_str()), ("exit code 3: no disk", "restarted"));
    }
    let (_, next) = staged.handler_ended().await;
    assert!(next.contains("Exceeded http worker restart retry count"), "{next}");
    let (_, next) = staged.handler_ended().await;
    assert_eq!(next, "restarted");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_handler_is_started_again_and_its_message_comes_again() {
    let calls = AtomicU32::new(0);
    let staged = Stage::new()
        .queue("fn")
        .answers(move |_| (calls.fetch_add(1, Ordering::SeqCst) > 0).then(|| outputs(json!({}))));
    let mut staged = staged.start().await;
    let pid = staged.ready().await;
    staged.send("fn", "x").await;
    while staged.calls().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    kill(pid);
    staged.failed().await;
    staged.invoked().await;
    let counts: Vec<_> = staged.calls().iter().map(|call| call.json()["Metadata"]["DeliveryCount"].clone()).collect();
    assert_eq!(counts, ["1", "2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn function_that_takes_too_long_fails_and_its_process_is_replaced() {
    let calls = AtomicU32::new(0);
    let staged = Stage::new().queue("fn").host_json("", "functionTimeout", json!("00:00:01"));
    let staged = staged.answers(move |_| (calls.fetch_add(1, Ordering::SeqCst) > 0).then(|| outputs(json!({}))));
    let mut staged = staged.start().await;
    let first = staged.ready().await;
    staged.send("fn", "x").await;
    let reason = staged.failed().await;
    assert!(reason.contains("Timeout value of 1000 ms was exceeded by function: fn"), "{reason}");
    assert_ne!(staged.ready().await, first);
    assert_eq!(staged.settled("fn").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_delivery_is_spent_while_no_handler_answers() {
    let staged = Stage::new().queue("fn").rules(60_000, 2).set("TEST_RELAY_ENDS_WITH", "3");
    let mut staged = staged.start().await;
    staged.send("fn", "x").await;
    for _ in 0..4 {
        staged.handler_ended().await;
    }
    let counts = staged.counts("fn").await;
    assert_eq!((counts.active, counts.dead_letters), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_lets_end_what_has_begun_and_begins_nothing_new() {
    let staged = Stage::new().queue("fn").host_json("/extensions/serviceBus", "maxConcurrentCalls", json!(1));
    let staged = staged.answers(|_| {
        std::thread::sleep(Duration::from_millis(500));
        Some(outputs(json!({ "out": ["done"] })))
    });
    let staged = staged.start().await;
    for body in ["a", "b", "c"] {
        staged.send("fn", body).await;
    }
    while staged.calls().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let (settings, bus) = (staged.settings.clone(), staged.bus().clone());
    assert_eq!(staged.host.stop(Duration::from_secs(10)).await, 0);
    let counts = bus.counts().await.unwrap();
    let held = |queue: &str| counts.iter().find(|counts| counts.source.to_string() == queue).unwrap().active;
    assert_eq!((held("fn"), held("out")), (2, 1));
    drop(bus);
    let host = Host::start(settings, Events::default()).await.unwrap();
    assert_eq!(host.bus().counts().await.unwrap().iter().map(|counts| counts.dead_letters).sum::<u64>(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_too_long_to_end_is_cut_off_and_comes_again() {
    let staged = Stage::new().queue("fn").answers(|_| None).start().await;
    staged.send("fn", "x").await;
    while staged.calls().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let bus = staged.bus().clone();
    assert_eq!(staged.host.stop(Duration::from_millis(100)).await, 1);
    assert_eq!(bus.counts().await.unwrap().iter().map(|counts| counts.active).sum::<u64>(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn second_host_in_the_same_folder_is_refused_in_words() {
    let staged = Stage::new().queue("fn").start().await;
    let error = Host::start(staged.settings.clone(), Events::default()).await.unwrap_err().to_string();
    assert!(error.contains("is in use by another"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn taken_port_is_refused_in_words() {
    let staged = Stage::new().queue("fn").start().await;
    let mut settings = staged.settings.clone();
    settings.folder.push("other");
    settings.address = staged.host.address();
    let error = Host::start(settings, Events::default()).await.unwrap_err().to_string();
    assert!(error.contains("choose another --port"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_handler_writes_is_told() {
    let mut staged = Stage::new().queue("fn").set("TEST_RELAY_SAYS", "a word").start().await;
    let line = staged.event(|event| match event {
        HostEvent::Output { stream: "stderr", line, .. } => Some(line.clone()),
        _ => None,
    });
    assert_eq!(line.await, "a word");
}

#[tokio::test(flavor = "multi_thread")]
async fn timer_that_was_missed_fires_once_as_past_due() {
    let trigger = json!({ "type": "timerTrigger", "direction": "in", "name": "timer", "schedule": "*/1 * * * * *" });
    let mut staged = Stage::new().function("tick", json!([trigger])).start().await;
    staged.invoked().await;
    assert_eq!(staged.calls()[0].json()["Data"]["timer"]["IsPastDue"], false);
    staged.answers(|_| Some(raw(200, "application/json", "{}")));
    let settings = staged.settings.clone();
    staged.host.stop(Duration::from_secs(5)).await;
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let events = Events::default();
    let mut heard = events.listen();
    let host = Host::start(settings, events).await.unwrap();
    // The one that makes up for what was missed.
    while !matches!(heard.recv().await.unwrap(), HostEvent::Invoked { .. }) {}
    host.stop(Duration::from_secs(5)).await;
}
