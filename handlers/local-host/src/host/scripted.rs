//! For tests: an app with one function, whose handler answers what a test says.

use super::drain::Drain;
use super::event::Events;
use super::invoke::Invoker;
use super::process::Process;
use crate::app::App;
use crate::bus::{Bus, Destination, Outgoing, Rules, Source};
use agents::environment::clock::Clock;
use rusqlite::Connection;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;
use tokio::sync::Semaphore;

/// The function `fn` hears the queue of its name, two messages at a time, and sends to the queue `out`.
pub struct Scripted {
    folder: TempDir,
    pub app: Arc<App>,
    pub invoker: Invoker,
    pub bus: Bus,
    pub events: Events,
    pub drain: Drain,
    /// Calls so far.
    calls: Arc<AtomicUsize>,
    /// Calls end that find room here.
    pub gate: Arc<Semaphore>,
}

impl Scripted {
    /// With a handler that always has these outputs.
    pub async fn new(outputs: Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host_json = json!({
            "version": "2.0",
            "extensionBundle": { "id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.*, 5.0.0)" },
            "extensions": { "serviceBus": { "maxConcurrentCalls": 2 } },
            "customHandler": { "description": { "defaultExecutablePath": std::env::current_exe().unwrap() } },
        });
        let bindings = json!([
            { "type": "serviceBusTrigger", "direction": "in", "name": "msg", "queueName": "fn", "connection": "Bus" },
            { "type": "serviceBus", "direction": "out", "name": "out", "queueName": "out", "connection": "Bus" },
        ]);
        std::fs::write(folder.path().join("host.json"), host_json.to_string()).unwrap();
        std::fs::create_dir(folder.path().join("fn")).unwrap();
        let function = json!({ "bindings": bindings }).to_string();
        std::fs::write(folder.path().join("fn/function.json"), function).unwrap();
        let app = Arc::new(App::read(folder.path()).unwrap_or_else(|faults| panic!("{faults}")));
        let entities = super::entities(&[(*app).clone()], &Rules::default());
        let bus = Bus::open(&folder.path().join("bus.sqlite3"), entities, Clock::System).unwrap();
        let (calls, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(1)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let process = Process::at(listener.local_addr().unwrap().port());
        let router = axum::Router::new().fallback({
            let (calls, gate) = (Arc::clone(&calls), Arc::clone(&gate));
            move || {
                calls.fetch_add(1, Ordering::SeqCst);
                let (gate, answer) = (Arc::clone(&gate), axum::Json(json!({ "Outputs": outputs })));
                async move {
                    drop(gate.acquire().await.unwrap());
                    answer
                }
            }
        });
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let (events, drain) = (Events::default(), Drain::default());
        let invoker = Invoker { app: Arc::clone(&app), process, events: events.clone(), clock: Clock::System };
        Self { folder, app, invoker, bus, events, drain, calls, gate }
    }

    /// Sends as many messages to the function.
    pub async fn send(&self, messages: usize) {
        let message = (Destination::Queue("fn".to_owned()), Outgoing::new("x"));
        self.bus.send(vec![message; messages]).await.unwrap();
    }

    /// The disk refuses such a statement (`INSERT`, `DELETE`) from now on; `None`: it takes all again.
    pub fn refuse(&self, statement: Option<&str>) {
        let file: PathBuf = self.folder.path().join("bus.sqlite3");
        let refuse = statement.map_or("DROP TRIGGER refuse".to_owned(), |statement| {
            format!("CREATE TRIGGER refuse BEFORE {statement} ON message BEGIN SELECT RAISE(FAIL, 'no'); END")
        });
        Connection::open(file).unwrap().execute_batch(&refuse).unwrap();
    }

    /// Calls so far.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// Active, locked and dead messages of the function.
    pub async fn numbers(&self) -> [u64; 3] {
        let source = Source::Queue("fn".to_owned());
        let counts = self.bus.counts().await.unwrap().into_iter().find(|counts| counts.source == source).unwrap();
        [counts.active, counts.locked, counts.dead_letters]
    }
}
