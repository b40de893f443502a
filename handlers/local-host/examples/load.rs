//! How many messages go through queue → handler → queue in a second, and how long each takes: the host of this crate, a real handler,
//! everything durable.
//!
//! ```sh
//! cargo build --release
//! cargo run --release -p local-host --example load -- --handler target/release/handler --messages 20000
//! ```
//!
//! Each worker sends one message and waits for its answer before it sends the next. A message is a question for the status of an agent,
//! the least that a handler does with a journal around it; so the figures are those of the host, the bus and the wire. `--store` says
//! where the handler keeps its journal: `memory` (default), or `folder`, which adds a durable file for each message.

#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a program that measures, and tells what it saw")]

use agents::environment::clock::Clock;
use local_host::app::App;
use local_host::bus::{Bus, Destination, Outgoing, Rules, Source};
use local_host::host::{Events, Host, HostSettings};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// The queue that is measured: any agent's does.
const QUEUE: &str = "notify";
/// Where the answers go.
const ANSWERS: &str = "answers";

struct Arguments {
    handler: PathBuf,
    messages: usize,
    workers: Vec<usize>,
    store: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = arguments()?;
    println!(
        "{:>8} {:>10} {:>12} {:>9} {:>9} {:>9}",
        "workers", "messages", "messages/s", "p50 ms", "p99 ms", "max ms"
    );
    for workers in &arguments.workers {
        measure(&arguments, *workers).await?;
    }
    Ok(())
}

async fn measure(arguments: &Arguments, workers: usize) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let app = app(&folder.path().join("app"), &arguments.handler, workers)?;
    let store = match arguments.store.as_str() {
        "folder" => folder.path().join("store").display().to_string(),
        other => other.to_owned(),
    };
    let host = Host::start(
        HostSettings {
            apps: vec![app],
            folder: folder.path().join("host"),
            address: ([127, 0, 0, 1], 0).into(),
            environment: vec![("SUTURE_STORE".to_owned(), store), ("SUTURE_LOG".to_owned(), "error".to_owned())],
            rules: Rules::default(),
            clock: Clock::System,
        },
        Events::default(),
    )
    .await?;
    let waiting = Arc::new(Waiting::default());
    let reader = tokio::spawn(read_answers(host.bus().clone(), Arc::clone(&waiting)));
    // The first answers wait for the handler to start, and are not counted.
    drive(&host, &waiting, workers, workers * 50).await?;
    let began = Instant::now();
    let mut taken = drive(&host, &waiting, workers, arguments.messages).await?;
    let seconds = began.elapsed().as_secs_f64();
    reader.abort();
    host.stop(Duration::from_secs(5)).await;
    taken.sort();
    let at = |share: f64| {
        let index = ((taken.len() as f64 * share) as usize).min(taken.len().saturating_sub(1));
        taken.get(index).map_or(0.0, |taken| taken.as_secs_f64() * 1000.0)
    };
    let rate = taken.len() as f64 / seconds;
    println!("{workers:>8} {:>10} {rate:>12.0} {:>9.2} {:>9.2} {:>9.2}", taken.len(), at(0.5), at(0.99), at(1.0));
    Ok(())
}

/// Questions that are not answered yet, by their id.
#[derive(Default)]
struct Waiting(Mutex<HashMap<String, oneshot::Sender<()>>>);

impl Waiting {
    fn expect(&self, id: &str) -> oneshot::Receiver<()> {
        let (answer, answered) = oneshot::channel();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), answer);
        answered
    }

    fn answered(&self, id: &str) {
        if let Some(answer) = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id) {
            let _ = answer.send(());
        }
    }
}

async fn drive(
    host: &Host,
    waiting: &Arc<Waiting>,
    workers: usize,
    messages: usize,
) -> Result<Vec<Duration>, Box<dyn Error>> {
    let tasks = (0..workers).map(|_| {
        let (bus, waiting) = (host.bus().clone(), Arc::clone(waiting));
        tokio::spawn(async move {
            let mut taken = Vec::new();
            for _ in 0..messages / workers {
                let (id, question) = question();
                let answered = waiting.expect(&id);
                let began = Instant::now();
                bus.send(vec![(Destination::Queue(QUEUE.to_owned()), Outgoing::new(question))]).await?;
                answered.await?;
                taken.push(began.elapsed());
            }
            Ok::<_, Box<dyn Error + Send + Sync>>(taken)
        })
    });
    let mut taken = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        taken.extend(task.await?.map_err(|error| error.to_string())?);
    }
    Ok(taken)
}

/// A question for the status of the agent behind [`QUEUE`].
fn question() -> (String, Vec<u8>) {
    let id = uuid::Uuid::new_v4().to_string();
    let question = json!({
        "id": id, "type": "query", "source": "load", "target": QUEUE, "topic": "agent.status", "payload": { "round": jiff::Timestamp::now() },
        "correlation_id": uuid::Uuid::new_v4(), "causation_id": null, "timestamp": jiff::Timestamp::now(),
    });
    (id, question.to_string().into_bytes())
}

async fn read_answers(bus: Bus, waiting: Arc<Waiting>) {
    let source = Source::Queue(ANSWERS.to_owned());
    loop {
        let received = bus.receive(&source, 64).await.unwrap_or_default();
        if received.is_empty() {
            bus.arrived(&source).await;
        }
        for message in received {
            let answer: Value = serde_json::from_slice(&message.body).unwrap_or_default();
            if let Some(id) = answer.get("causation_id").and_then(Value::as_str) {
                waiting.answered(id);
            }
            // Like the host, it does not wait with the next ones until this one is settled.
            let bus = bus.clone();
            tokio::spawn(async move { bus.complete(message.lock).await });
        }
    }
}

/// An app of one function, whose events go to a queue that nobody hears but this program.
fn app(root: &Path, handler: &Path, workers: usize) -> Result<App, Box<dyn Error>> {
    let function = root.join(QUEUE);
    std::fs::create_dir_all(&function)?;
    let host = json!({
        "version": "2.0",
        "customHandler": { "description": { "defaultExecutablePath": handler }, "enableForwardingHttpRequest": false },
        "extensions": { "serviceBus": { "maxConcurrentCalls": workers } },
        "extensionBundle": { "id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.*, 5.0.0)" },
    });
    let out = |name: &str, queue: &str| json!({ "type": "serviceBus", "direction": "out", "name": name, "queueName": queue, "connection": "ServiceBusConnection" });
    let bindings = json!({ "bindings": [
        { "type": "serviceBusTrigger", "direction": "in", "name": "message", "queueName": QUEUE,
          "connection": "ServiceBusConnection", "dataType": "binary" },
        out("poison", "poison"),
        out("events", ANSWERS),
    ] });
    std::fs::write(root.join("host.json"), host.to_string())?;
    std::fs::write(function.join("function.json"), bindings.to_string())?;
    Ok(App::read(root).map_err(|faults| faults.to_string())?)
}

fn arguments() -> Result<Arguments, Box<dyn Error>> {
    let mut read = Arguments {
        handler: "target/release/handler".into(),
        messages: 20_000,
        workers: vec![1, 8],
        store: "memory".to_owned(),
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
        match word.as_str() {
            "--handler" => read.handler = value.into(),
            "--messages" => read.messages = value.parse()?,
            "--workers" => read.workers = value.split(',').map(str::parse).collect::<Result<_, _>>()?,
            "--store" => read.store = value,
            _ => return Err(format!("{word} is not known; see the head of this file").into()),
        }
    }
    read.handler = std::fs::canonicalize(&read.handler)
        .map_err(|error| format!("{}: {error}; build it first: cargo build --release", read.handler.display()))?;
    Ok(read)
}
