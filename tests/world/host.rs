//! The local host with a handler whose answers a test writes.
//!
//! The host starts a real process: this very test program, as a relay. It hands every connection on to the test, which answers. So a
//! process can be killed, or can end, while what it answers stands in the test.

use super::program::command;
use agents::environment::clock::Clock;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use local_host::app::App;
use local_host::bus::{Bus, Counts, Destination, Outgoing, Rules, Source};
use local_host::host::{Events, Host, HostEvent, HostSettings};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::broadcast;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a handler was asked.
#[derive(Debug, Clone)]
pub struct Call {
    /// GET, POST, …
    pub method: Method,
    /// Path and query.
    pub uri: Uri,
    /// Headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Call {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The function that is called.
    pub fn function(&self) -> &str {
        self.uri.path().trim_start_matches('/')
    }
}

/// An answer as the handler means it: outputs by binding.
pub fn outputs(outputs: Value) -> Response {
    axum::Json(json!({ "Outputs": outputs, "Logs": null, "ReturnValue": null })).into_response()
}

/// An answer in so many words.
pub fn raw(status: u16, content_type: &str, body: &str) -> Response {
    (StatusCode::from_u16(status).unwrap(), [("content-type", content_type.to_owned())], body.to_owned())
        .into_response()
}

type Script = Arc<dyn Fn(&Call) -> Option<Response> + Send + Sync>;

#[derive(Clone)]
struct Scripted {
    calls: Arc<Mutex<Vec<Call>>>,
    script: Arc<Mutex<Script>>,
}

/// An app in the making, and the answers of its handler.
pub struct Stage {
    folder: tempfile::TempDir,
    host_json: Value,
    functions: Vec<(String, Value)>,
    policies: Vec<(String, Value)>,
    rules: Rules,
    environment: Vec<(String, String)>,
    clock: Clock,
    scripted: Scripted,
}

impl Stage {
    /// An app without functions, whose handler answers `{}` to everything.
    pub fn new() -> Self {
        let host_json = json!({
            "version": "2.0",
            "functionTimeout": "00:00:20",
            "extensionBundle": { "id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.*, 5.0.0)" },
            "extensions": { "serviceBus": { "maxConcurrentCalls": 4 } },
            "customHandler": { "description": {
                "defaultExecutablePath": std::env::current_exe().unwrap(),
                "arguments": ["world::host::relay", "--exact", "--ignored", "--nocapture"],
            } },
        });
        Self {
            folder: tempfile::tempdir().unwrap(),
            host_json,
            functions: Vec::new(),
            policies: Vec::new(),
            rules: Rules::default(),
            environment: Vec::new(),
            clock: Clock::System,
            scripted: Scripted {
                calls: Arc::default(),
                script: Arc::new(Mutex::new(Arc::new(|_| Some(outputs(json!({})))))),
            },
        }
    }

    /// With this function: its bindings.
    #[must_use]
    pub fn function(mut self, name: &str, bindings: Value) -> Self {
        self.functions.push((name.to_owned(), bindings));
        self
    }

    /// With a function that hears the queue of its name, whose messages are text, and sends to the queue `out`.
    #[must_use]
    pub fn queue(self, name: &str) -> Self {
        self.function(name, json!([queue_trigger(name), queue_output("out", "out")]))
    }

    /// With a function at the route of its name, for everybody.
    #[must_use]
    pub fn http(self, name: &str) -> Self {
        self.function(name, json!([http_trigger(json!({ "authLevel": "anonymous" })), http_output()]))
    }

    /// With this policy for calling `function` again.
    #[must_use]
    pub fn policy(mut self, function: &str, retry: Value) -> Self {
        self.policies.push((function.to_owned(), retry));
        self
    }

    /// Without `customHandler`.
    #[must_use]
    pub fn without_handler(mut self) -> Self {
        self.host_json.as_object_mut().unwrap().remove("customHandler");
        self
    }

    /// With `value` at `pointer` in `host.json`; the place above it is there.
    #[must_use]
    pub fn host_json(mut self, above: &str, name: &str, value: Value) -> Self {
        self.host_json.pointer_mut(above).unwrap()[name] = value;
        self
    }

    /// With these rules for queues.
    #[must_use]
    pub fn rules(mut self, lock_duration_ms: u64, max_delivery_count: u32) -> Self {
        self.rules = Rules { lock_duration_ms, max_delivery_count, ..Rules::default() };
        self
    }

    /// With this clock.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// With a copy of `file`, the bus of an earlier host.
    #[must_use]
    pub fn bus_of(self, file: &Path) -> Self {
        std::fs::create_dir_all(self.state()).unwrap();
        std::fs::copy(file, self.state().join(local_host::backup::BUS)).unwrap();
        self
    }

    fn state(&self) -> std::path::PathBuf {
        self.folder.path().join("state")
    }

    /// With this variable in the handler's environment.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a handler that answers so; `None` breaks the connection off.
    #[must_use]
    pub fn answers(self, script: impl Fn(&Call) -> Option<Response> + Send + Sync + 'static) -> Self {
        *self.scripted.script.lock().unwrap() = Arc::new(script);
        self
    }

    /// Writes the app.
    fn write(&self) -> App {
        let root = self.folder.path().join("app");
        std::fs::create_dir_all(&root).unwrap();
        std::fs::write(root.join("host.json"), self.host_json.to_string()).unwrap();
        for (name, bindings) in &self.functions {
            std::fs::create_dir_all(root.join(name)).unwrap();
            let mut function = json!({ "bindings": bindings });
            if let Some((_, policy)) = self.policies.iter().find(|(of, _)| of == name) {
                function["retry"] = policy.clone();
            }
            std::fs::write(root.join(name).join("function.json"), function.to_string()).unwrap();
        }
        App::read(&root).unwrap_or_else(|faults| panic!("{faults}"))
    }

    /// Starts the host.
    pub async fn start(self) -> Staged {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = listener.local_addr().unwrap();
        let router = axum::Router::new()
            .fallback(answer)
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(self.scripted.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let mut environment = self.environment.clone();
        environment.push(("TEST_RELAY_TO".to_owned(), upstream.to_string()));
        let settings = HostSettings {
            apps: vec![self.write()],
            folder: self.state(),
            address: "127.0.0.1:0".parse().unwrap(),
            environment,
            rules: self.rules.clone(),
            clock: self.clock.clone(),
        };
        let events = Events::default();
        let heard = events.listen();
        let host = Host::start(settings.clone(), events).await.unwrap();
        Staged { host, settings, heard, scripted: self.scripted, folder: self.folder }
    }
}

async fn answer(
    State(scripted): State<Scripted>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let call = Call { method, uri, headers, body };
    if call.uri.path() == "/" {
        // A handler knows nothing there, and is ready all the same.
        return StatusCode::NOT_FOUND.into_response();
    }
    scripted.calls.lock().unwrap().push(call.clone());
    let script = Arc::clone(&scripted.script.lock().unwrap());
    match tokio::task::spawn_blocking(move || script(&call)).await.unwrap() {
        Some(response) => response,
        None => std::future::pending().await,
    }
}

/// A host that runs, and everything around it.
pub struct Staged {
    /// The host.
    pub host: Host,
    /// What it was started with.
    pub settings: HostSettings,
    heard: broadcast::Receiver<HostEvent>,
    scripted: Scripted,
    folder: tempfile::TempDir,
}

impl Staged {
    /// The bus.
    pub fn bus(&self) -> &Bus {
        self.host.bus()
    }

    /// Sends `body` to `queue`.
    pub async fn send(&self, queue: &str, body: &str) {
        self.bus().send(vec![(Destination::Queue(queue.to_owned()), Outgoing::new(body))]).await.unwrap();
    }

    /// Calls of functions, so far.
    pub fn calls(&self) -> Vec<Call> {
        self.scripted.calls.lock().unwrap().clone()
    }

    /// The handler answers so from now on.
    pub fn answers(&self, script: impl Fn(&Call) -> Option<Response> + Send + Sync + 'static) {
        *self.scripted.script.lock().unwrap() = Arc::new(script);
    }

    /// The next event that `wanted` takes; what it is not is passed over.
    #[track_caller]
    pub fn event<T>(&mut self, wanted: impl Fn(&HostEvent) -> Option<T>) -> impl Future<Output = T> {
        let place = std::panic::Location::caller();
        async move {
            let found = tokio::time::timeout(PATIENCE, async {
                loop {
                    if let Some(found) = wanted(&self.heard.recv().await.unwrap()) {
                        return found;
                    }
                }
            });
            found.await.unwrap_or_else(|_| panic!("{place}: it never happened"))
        }
    }

    /// Waits until a function did its work.
    #[track_caller]
    pub fn invoked(&mut self) -> impl Future<Output = ()> {
        self.event(|event| matches!(event, HostEvent::Invoked { .. }).then_some(()))
    }

    /// Waits until a function failed: the reason.
    #[track_caller]
    pub fn failed(&mut self) -> impl Future<Output = String> {
        self.event(|event| match event {
            HostEvent::Failed { reason, .. } => Some(reason.clone()),
            _ => None,
        })
    }

    /// Waits until the handler is ready: its process.
    #[track_caller]
    pub fn ready(&mut self) -> impl Future<Output = u32> {
        self.event(|event| match event {
            HostEvent::HandlerReady { pid, .. } => Some(*pid),
            _ => None,
        })
    }

    /// Waits until the handler ended: how, and what follows.
    #[track_caller]
    pub fn handler_ended(&mut self) -> impl Future<Output = (String, String)> {
        self.event(|event| match event {
            HostEvent::HandlerEnded { reason, next, .. } => Some((reason.clone(), next.clone())),
            _ => None,
        })
    }

    /// Stops the host: the folder that has its `state` is left.
    pub async fn stop(self) -> tempfile::TempDir {
        self.host.stop(PATIENCE).await;
        self.folder
    }

    /// What `queue` holds.
    pub async fn counts(&self, queue: &str) -> Counts {
        let source = Source::Queue(queue.to_owned());
        self.bus().counts().await.unwrap().into_iter().find(|counts| counts.source == source).unwrap()
    }

    /// Waits until `queue` holds nothing but dead letters: how many those are.
    pub async fn settled(&self, queue: &str) -> u64 {
        for _ in 0..PATIENCE.as_millis() / 20 {
            let counts = self.counts(queue).await;
            if counts.active + counts.locked + counts.scheduled == 0 {
                return counts.dead_letters;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{queue} was never done: {:?}", self.counts(queue).await)
    }

    /// The bodies that wait in `queue`, oldest first.
    pub async fn bodies(&self, queue: &str) -> Vec<String> {
        let messages = self.bus().peek(&Source::Queue(queue.to_owned()), 0, 1000).await.unwrap();
        messages.into_iter().map(|message| String::from_utf8(message.body).unwrap()).collect()
    }

    /// Asks the host itself.
    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        client.request(method.parse().unwrap(), format!("http://{}{path}", self.host.address()))
    }

    /// As [`Staged::request`], with the master key.
    pub fn admin(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.request(method, path).header("x-functions-key", &self.host.keys().master)
    }
}

/// Kills process `pid` without a warning.
pub fn kill(pid: u32) {
    assert!(command(Path::new("kill"), Path::new("/")).args(["-9", &pid.to_string()]).status().unwrap().success());
}

/// A trigger by the queue of this name, whose messages are text.
pub fn queue_trigger(queue: &str) -> Value {
    json!({ "type": "serviceBusTrigger", "direction": "in", "name": "msg", "queueName": queue, "connection": "Bus" })
}

/// An output to a queue.
pub fn queue_output(name: &str, queue: &str) -> Value {
    json!({ "type": "serviceBus", "direction": "out", "name": name, "queueName": queue, "connection": "Bus" })
}

/// A trigger by requests, with these members beside.
pub fn http_trigger(more: Value) -> Value {
    let mut trigger = json!({ "type": "httpTrigger", "direction": "in", "name": "req" });
    trigger.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    trigger
}

/// The answer to a request.
pub fn http_output() -> Value {
    json!({ "type": "http", "direction": "out", "name": "res" })
}

/// No test, but the handler of the others: a relay to them. The host starts it as a process of its own.
#[test]
#[ignore = "the handler of other tests, started by the host"]
#[expect(
    clippy::disallowed_methods,
    reason = "it is a process of its own, which is told what to do by its environment"
)]
fn relay() {
    let variable = |name: &str| std::env::var(name).ok();
    let Some(upstream) = variable("TEST_RELAY_TO") else { return };
    if let Some(words) = variable("TEST_RELAY_SAYS") {
        eprintln!("{words}");
    }
    if let Some(code) = variable("TEST_RELAY_ENDS_WITH") {
        std::process::exit(code.parse().unwrap());
    }
    if variable("TEST_RELAY_IS_DEAF").is_some() {
        std::thread::sleep(PATIENCE);
        return;
    }
    let port: u16 = variable("FUNCTIONS_CUSTOMHANDLER_PORT").unwrap().parse().unwrap();
    let parent = std::os::unix::process::parent_id();
    std::thread::spawn(move || {
        while std::os::unix::process::parent_id() == parent {
            std::thread::sleep(Duration::from_millis(200));
        }
        std::process::exit(1);
    });
    for incoming in TcpListener::bind(("127.0.0.1", port)).unwrap().incoming() {
        let (Ok(incoming), Ok(outgoing)) = (incoming, TcpStream::connect(&upstream)) else { continue };
        let (back, forth) = (outgoing.try_clone().unwrap(), incoming.try_clone().unwrap());
        std::thread::spawn(move || copy(incoming, outgoing));
        std::thread::spawn(move || copy(back, forth));
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
