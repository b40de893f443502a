//! `suture bus` as a program, against the documented contract as the local bus serves it.
#![cfg(feature = "servicebus")]
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use agents::environment::clock::Clock;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use local_host::bus::rest::{SharedKey, router};
use local_host::bus::{Bus, Counts, Destination, Entities, Outgoing, QueueSettings, Source, SubscriptionSettings};
use std::io::Write;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

const KEY: &str = "s3cr3t+k3y/==";

struct World {
    bus: Bus,
    url: String,
    _folder: TempDir,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let entities = Entities {
            queues: vec![QueueSettings::new("scan")],
            subscriptions: vec![
                SubscriptionSettings::new("events", "monitor"),
                SubscriptionSettings::new("events", "other"),
            ],
        };
        let bus = Bus::open(&folder.path().join("bus.sqlite3"), entities, Clock::System).unwrap();
        let key = SharedKey { name: "root".to_owned(), key: KEY.to_owned() };
        let url = serve(router(bus.clone(), key, Clock::System)).await;
        Self { bus, url, _folder: folder }
    }

    async fn run(&self, arguments: &[&str]) -> Told {
        run(&self.url, KEY, arguments, "").await
    }

    async fn counts(&self, index: usize) -> Counts {
        self.bus.counts().await.unwrap().remove(index)
    }

    /// A dead letter of queue `scan`, with all that can be said of it.
    async fn dead_letter(&self, body: &str) {
        let mut outgoing = Outgoing::new(body);
        let properties = &mut outgoing.properties;
        properties.message_id = Some(format!("id-{body}"));
        properties.correlation_id = Some("run".to_owned());
        properties.subject = Some("ünder".to_owned());
        properties.content_type = Some("text/plain".to_owned());
        properties.application_properties.insert("color".to_owned(), "blue".into());
        properties.application_properties.insert("n".to_owned(), 3.into());
        self.bus.send(vec![(Destination::Queue("scan".to_owned()), outgoing)]).await.unwrap();
        let lock = self.bus.receive(&scan(), 1).await.unwrap().remove(0).lock;
        self.bus.dead_letter(lock, "Broken", "in words").await.unwrap();
    }
}

fn scan() -> Source {
    Source::Queue("scan".to_owned())
}

async fn serve(app: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

/// What a run of the program said.
#[derive(Debug)]
struct Told {
    code: i32,
    out: String,
    err: String,
}

async fn run(endpoint: &str, key: &str, arguments: &[&str], input: &str) -> Told {
    let connection = format!("Endpoint={endpoint};SharedAccessKeyName=root;SharedAccessKey={key}");
    let (arguments, input) = (arguments.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>(), input.to_owned());
    let output = tokio::task::spawn_blocking(move || program(&connection, &arguments, &input)).await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let told = Told { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) };
    for secret in [key, "SharedAccessSignature", "sig="] {
        assert!(!told.out.contains(secret) && !told.err.contains(secret), "a secret is told: {told:?}");
    }
    told
}

#[expect(clippy::disallowed_methods, reason = "the program is what is tested")]
fn program(connection: &str, arguments: &[String], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_suture"))
        .arg("bus")
        .args(arguments)
        .env("SUTURE_BUS_CONNECTION", connection)
        .env("SUTURE_LOG", "debug")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_sent_from_standard_input_with_its_id() {
    let world = World::new().await;
    let told = run(&world.url, KEY, &["send", "scan", "--file", "-", "--id", "42"], "{\"ü\":1}").await;
    assert_eq!((told.code, told.out.as_str()), (0, "sent 8 bytes to scan\n"), "{told:?}");
    let received = world.bus.receive(&scan(), 1).await.unwrap().remove(0);
    assert_eq!(received.body, "{\"ü\":1}".as_bytes());
    assert_eq!(received.properties.message_id.as_deref(), Some("42"));
    assert_eq!(received.properties.content_type.as_deref(), Some("application/json"));
    assert!(received.properties.application_properties.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn peek_tells_messages_gives_them_back_and_says_that_it_raises_the_count() {
    let world = World::new().await;
    for body in ["one", "two"] {
        world.bus.send(vec![(Destination::Queue("scan".to_owned()), Outgoing::new(body))]).await.unwrap();
    }
    let told = world.run(&["peek", "scan"]).await;
    assert_eq!(told.code, 1, "{told:?}");
    assert!(told.out.contains("one") && told.out.contains("two") && told.out.contains("delivery 1"), "{told:?}");
    assert!(told.err.contains("raises the delivery count"), "{told:?}");
    let counts = world.counts(0).await;
    assert_eq!((counts.active, counts.locked), (2, 0));
    let told = world.run(&["peek", "scan", "--max", "1", "--format", "json"]).await;
    let document: serde_json::Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!(document["schema"], "suture.bus.peek/1");
    assert_eq!(
        (&document["messages"][0]["delivery_count"], &document["messages"][0]["body"]),
        (&2.into(), &"one".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_to_look_at_is_exit_code_0() {
    let world = World::new().await;
    let told = world.run(&["peek", "events/monitor", "--dead-letters"]).await;
    assert_eq!((told.code, told.out.as_str()), (0, "no messages\n"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn replay_sends_dead_letters_again_with_all_that_was_said_of_them() {
    let world = World::new().await;
    for body in ["1", "2", "3"] {
        world.dead_letter(body).await;
    }
    let told = world.run(&["replay", "scan", "--max", "2"]).await;
    assert_eq!((told.code, told.out.as_str()), (1, "replayed 2\n"), "{told:?}");
    assert_eq!(world.counts(0).await.dead_letters, 1);
    let told = world.run(&["replay", "scan"]).await;
    assert_eq!((told.code, told.out.as_str()), (0, "replayed 1\n"), "{told:?}");
    let received = world.bus.receive(&scan(), 10).await.unwrap();
    assert_eq!(received.iter().map(|message| message.body.clone()).collect::<Vec<_>>(), [b"1", b"2", b"3"]);
    let properties = &received[0].properties;
    assert_eq!(properties.message_id.as_deref(), Some("id-1"));
    assert_eq!(properties.correlation_id.as_deref(), Some("run"));
    assert_eq!(properties.subject.as_deref(), Some("ünder"));
    assert_eq!(properties.content_type.as_deref(), Some("text/plain"));
    // In whatever order: as headers they have none.
    let own = serde_json::Value::Object(properties.application_properties.clone());
    assert_eq!(own, serde_json::json!({ "color": "blue", "n": 3 }));
    assert_eq!(received[0].delivery_count, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_of_a_subscription_goes_to_its_topic() {
    let world = World::new().await;
    world.bus.send(vec![(Destination::Topic("events".to_owned()), Outgoing::new("x"))]).await.unwrap();
    let source = Source::Subscription { topic: "events".to_owned(), name: "monitor".to_owned() };
    let lock = world.bus.receive(&source, 1).await.unwrap().remove(0).lock;
    world.bus.dead_letter(lock, "r", "d").await.unwrap();
    let told = world.run(&["replay", "events/monitor"]).await;
    assert_eq!(told.code, 0, "{told:?}");
    assert_eq!((world.counts(1).await.active, world.counts(2).await.active), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_the_client_does_not_look_at_is_an_error_in_words() {
    let world = World::new().await;
    let check = async |endpoint: &str, key: &str, arguments: &[&str], expect: &str| {
        let told = run(endpoint, key, arguments, "x").await;
        assert_eq!(told.code, 2, "{told:?}");
        assert!(told.err.contains(expect), "{expect}: {told:?}");
    };
    check(&world.url, "another-k3y", &["peek", "scan"], "status 401: the key is not accepted").await;
    check(&world.url, "another-k3y", &["send", "scan", "--file", "-"], "status 401: the key is not accepted").await;
    check(&world.url, KEY, &["peek", "nowhere"], "status 404: it does not exist").await;
    check(&world.url, KEY, &["replay", "nowhere"], "status 404: it does not exist").await;
    check(&world.url, KEY, &["send", "nowhere", "--file", "-"], "status 404: it does not exist").await;
    check(&world.url, KEY, &["send", "events/monitor", "--file", "-"], "not to a subscription").await;
    check(&world.url, KEY, &["peek", "a/b/c/d"], "is no queue").await;
    check("http://127.0.0.1:1", KEY, &["peek", "scan"], "scan: ").await;
    check("http://elsewhere.example", KEY, &["peek", "scan"], "without encryption").await;
}

/// An answer with a message of which the broker says nothing, or something else than the client expects.
#[tokio::test(flavor = "multi_thread")]
async fn broker_properties_that_are_missing_or_strange_do_no_harm() {
    for said in [None, Some("{}"), Some("no json"), Some(r#"{"EnqueuedSequenceNumber":9999999999,"MessageId":"m"}"#)] {
        let answer = move || async move {
            let mut answer = axum::http::Response::builder().status(StatusCode::CREATED);
            if let Some(said) = said {
                answer = answer.header("BrokerProperties", said);
            }
            answer.body(axum::body::Body::from("a body")).unwrap()
        };
        let url = serve(Router::new().route("/scan/messages/head", post(answer))).await;
        let told = run(&url, KEY, &["peek", "scan", "--max", "1"], "").await;
        assert_eq!(told.code, 1, "{told:?}");
        assert!(told.out.contains("a body"), "{told:?}");
        assert!(told.err.contains("comes back when its lock runs out"), "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_comes_a_second_time_is_told_once() {
    let answer = || async {
        let answer = axum::http::Response::builder().status(StatusCode::CREATED);
        let answer = answer.header("BrokerProperties", r#"{"SequenceNumber":7,"MessageId":"seven"}"#);
        answer.body(axum::body::Body::from("a body")).unwrap()
    };
    let url = serve(Router::new().route("/scan/messages/head", post(answer))).await;
    let told = run(&url, KEY, &["peek", "scan", "--max", "1000"], "").await;
    assert_eq!(told.code, 1, "{told:?}");
    assert_eq!(told.out.matches("seven").count(), 1, "{told:?}");
    assert!(told.err.contains("there may be more messages"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_that_could_not_be_sent_stays_one() {
    let world = World::new().await;
    world.dead_letter("x").await;
    // A face that takes nothing: receiving goes on to the bus, sending is refused.
    let key = SharedKey { name: "root".to_owned(), key: KEY.to_owned() };
    let refuse = || async { StatusCode::INTERNAL_SERVER_ERROR };
    let face = router(world.bus.clone(), key, Clock::System);
    let url = serve(Router::new().route("/scan/messages", post(refuse)).fallback_service(face)).await;
    let told = run(&url, KEY, &["replay", "scan"], "").await;
    assert_eq!((told.code, told.out.as_str()), (2, "replayed 0\n"), "{told:?}");
    assert!(told.err.contains("status 500: the service is in trouble"), "{told:?}");
    assert_eq!(world.counts(0).await.dead_letters, 1);
}
