//! The file of a local host's bus, as a release left it: messages in every state, when a timer last fired, keys.

use super::host::Stage;
use agents::environment::clock::Clock;
use jiff::{SignedDuration, Timestamp};
use local_host::backup;
use local_host::bus::{
    Bus, BusError, Destination, Entities, Outgoing, Peeked, QueueSettings, Rules, Source, SubscriptionSettings,
};
use local_host::host::Keys;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// When all of it is written.
const NOW: &str = "2026-01-01T00:00:00Z";

/// Longer than a message is held until its delivery is in the file.
const LASTING: SignedDuration = SignedDuration::from_secs(2);

/// How often is looked whether the host is gone.
const LOOK: Duration = Duration::from_millis(20);

/// A moment that never comes.
const NEVER: &str = "2999-12-31T00:00:00Z";

/// What a release left of its bus.
pub struct LeftBus {
    /// Every message, as [`messages`] tells it.
    pub messages: Value,
    /// The keys.
    pub keys: Keys,
}

/// An app whose host touches no message: it has a timer that fires every minute, and nothing else.
pub fn timer_app() -> Stage {
    let timer = json!({ "type": "timerTrigger", "direction": "in", "name": "timer", "schedule": "0 * * * * *" });
    Stage::new().function("sweep", json!([timer]))
}

/// Writes the file of a bus to `folder`, and beside it what it holds.
pub async fn leave(folder: &Path) {
    let clock = Clock::standing_at(NOW.parse().unwrap());
    let mut staged = timer_app().clock(clock.clone()).start().await;
    // By then it has keys, and has noted since when its timer runs.
    staged.ready().await;
    let keys = staged.host.keys().clone();
    let rules = Rules::default();
    let entities = Entities {
        queues: vec![QueueSettings { name: "scan".to_owned(), rules: rules.clone() }],
        subscriptions: vec![SubscriptionSettings {
            topic: "agent-events".to_owned(),
            name: "monitor".to_owned(),
            rules,
        }],
    };
    let place = staged.stop().await;
    let file = place.path().join("state").join(backup::BUS);
    let mut opened = Bus::open(&file, entities.clone(), clock.clone());
    // What the host began may have it for another moment.
    while let Err(BusError::InUse { .. }) = opened {
        tokio::time::sleep(LOOK).await;
        opened = Bus::open(&file, entities.clone(), clock.clone());
    }
    let bus = opened.unwrap();
    fill(&bus).await;
    clock.advance(LASTING);
    let left = messages(&bus).await;
    let _ = fs::remove_file(folder.join(backup::BUS));
    backup::Snapshot::of(&file).unwrap().copy(&folder.join(backup::BUS)).unwrap();
    let keys = json!({ "master": keys.master, "default": keys.default });
    let told = serde_json::to_string_pretty(&json!({ "messages": left, "keys": keys })).unwrap();
    fs::write(folder.join("bus.json"), told + "\n").unwrap();
}

/// Puts a message of every kind on a new bus; one is left with its receiver.
async fn fill(bus: &Bus) {
    let scan = Source::Queue("scan".to_owned());
    let send = async |to: Destination, id: &str, body: &[u8], change: fn(&mut Outgoing)| {
        let mut outgoing = Outgoing::new(body);
        outgoing.properties.message_id = Some(id.to_owned());
        change(&mut outgoing);
        bus.send(vec![(to, outgoing)]).await.unwrap();
    };
    let queue = || Destination::Queue("scan".to_owned());
    let next = async || bus.receive(&scan, 1).await.unwrap().remove(0).lock;
    send(queue(), "done", b"gone", |_| {}).await;
    bus.complete(next().await).await.unwrap();
    send(queue(), "dead", b"{}", |outgoing| outgoing.properties.subject = Some("\u{fc}nder".to_owned())).await;
    bus.dead_letter(next().await, "Broken", "in words").await.unwrap();
    send(queue(), "held", b"held", |_| {}).await;
    next().await;
    send(queue(), "given back", b"once more", |_| {}).await;
    bus.abandon(next().await).await.unwrap();
    send(queue(), "active", br#"{"a":1}"#, |outgoing| {
        let properties = &mut outgoing.properties;
        properties.correlation_id = Some("run".to_owned());
        properties.content_type = Some("application/json".to_owned());
        properties.session_id = Some("session".to_owned());
        let own = [("color", json!("blue")), ("n", json!(3)), ("ratio", json!(0.5)), ("is_new", json!(true))];
        properties.application_properties.extend(own.map(|(name, value)| (name.to_owned(), value)));
    })
    .await;
    send(queue(), "bytes", &[0, 159, 146, 150], |_| {}).await;
    send(queue(), "scheduled", b"later", |outgoing| {
        outgoing.properties.scheduled_enqueue_time = Some(NEVER.parse().unwrap());
    })
    .await;
    send(Destination::Topic("agent-events".to_owned()), "news", b"news", |_| {}).await;
}

/// Every message of `bus`, dead letters last.
pub async fn messages(bus: &Bus) -> Value {
    let mut told = Vec::new();
    for counts in bus.counts().await.unwrap() {
        let (waiting, dead) =
            (bus.peek(&counts.source, 0, 100).await.unwrap(), bus.dead_letters(&counts.source, 0, 100).await.unwrap());
        told.extend(waiting.into_iter().chain(dead).map(|message| message_json(&counts.source, &message)));
    }
    told.into()
}

fn message_json(source: &Source, message: &Peeked) -> Value {
    let known = |moment: Timestamp| (moment != Timestamp::MAX).then(|| moment.to_string());
    json!({
        "source": source, "state": message.state, "properties": message.properties,
        "body": message.body.escape_ascii().to_string(), "sequence_number": message.sequence_number,
        "delivery_count": message.delivery_count, "enqueued_time": message.enqueued_time.to_string(),
        "expires_at": known(message.expires_at), "dead_letter_reason": message.dead_letter_reason,
        "dead_letter_description": message.dead_letter_description,
    })
}

/// What stands beside the file in `folder`.
pub fn read(folder: &Path) -> LeftBus {
    let told: Value = serde_json::from_slice(&fs::read(folder.join("bus.json")).unwrap()).unwrap();
    let key = |name: &str| told["keys"][name].as_str().unwrap().to_owned();
    LeftBus { messages: told["messages"].clone(), keys: Keys { master: key("master"), default: key("default") } }
}
