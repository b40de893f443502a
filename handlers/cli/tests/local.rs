//! `suture local` as a program, with an app whose handler is this very test program.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "helpers of tests")]
#![expect(clippy::disallowed_methods, reason = "the program is what is tested")]

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use tempfile::TempDir;

/// Longer than anything here takes, on a machine that has others to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// An app with one function, which hears the queue `scan` and sends to the queue `out`, and a place for its state.
struct World {
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap() };
        let host_json = json!({
            "version": "2.0",
            "extensionBundle": { "id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.*, 5.0.0)" },
            "customHandler": { "description": {
                "defaultExecutablePath": std::env::current_exe().unwrap(),
                "arguments": ["handler", "--exact", "--ignored", "--nocapture"],
            } },
        });
        let bindings = json!([
            { "type": "serviceBusTrigger", "direction": "in", "name": "msg", "queueName": "scan", "connection": "Bus" },
            { "type": "serviceBus", "direction": "out", "name": "out", "queueName": "out", "connection": "Bus" },
        ]);
        std::fs::create_dir_all(world.app().join("scan")).unwrap();
        std::fs::write(world.app().join("host.json"), host_json.to_string()).unwrap();
        std::fs::write(world.app().join("scan/function.json"), json!({ "bindings": bindings }).to_string()).unwrap();
        world
    }

    fn app(&self) -> PathBuf {
        self.folder.path().join("app")
    }

    fn host_folder(&self) -> PathBuf {
        self.folder.path().join("state/local-host")
    }

    /// `suture local` with this app and this state.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_suture"));
        command.arg("local").args(["--app", self.app().to_str().unwrap()]);
        command.args(["--state", self.folder.path().join("state").to_str().unwrap()]).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn start(&self) -> Running {
        let mut child = self.command(&["--json", "--port", "0"]).spawn().unwrap();
        let (said, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = said.send(serde_json::from_str(&line).unwrap());
            }
        });
        Running { child, lines }
    }
}

/// A `suture local` that runs.
struct Running {
    child: Child,
    lines: Receiver<Value>,
}

impl Running {
    /// The next event of this kind; others are passed over.
    fn event(&mut self, kind: &str) -> Value {
        loop {
            let event = self.lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no event {kind}"));
            if event["event"] == kind {
                return event;
            }
        }
    }

    /// Asks it to end, as a service is ended.
    fn ask_to_end(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    /// Waits for its end: exit code, and what it said on standard error.
    fn end(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code(), said)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended, unless the test failed.
        let _ = self.child.kill();
    }
}

/// Waits until `is_so`.
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..PATIENCE.as_millis() / 20 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("it never came to this: {what}");
}

#[test]
fn a_start_that_is_asked_to_end_ends_in_order() {
    let world = World::new();
    local_host::host::keys(&world.host_folder()).unwrap();
    // Somebody writes to the file of the bus, so that the start has to wait.
    let writer = rusqlite::Connection::open(world.host_folder().join("bus.sqlite3")).unwrap();
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut running = world.start();
    wait_until("the host starts", || world.host_folder().join("host.lock").exists());
    running.ask_to_end();
    std::thread::sleep(Duration::from_millis(300));
    writer.execute_batch("ROLLBACK").unwrap();
    running.event("listening");
    running.event("stopped");
    let (code, said) = running.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("ending: what has begun may end"), "{said}");
}

/// No test, but the handler of the others: the host starts it as a process of its own. It can't handle what is broken, until a file
/// `mended` lies in its app.
#[test]
#[ignore = "the handler of other tests, started by the host"]
fn handler() {
    let Ok(port) = std::env::var("FUNCTIONS_CUSTOMHANDLER_PORT") else { return };
    let parent = std::os::unix::process::parent_id();
    std::thread::spawn(move || {
        while std::os::unix::process::parent_id() == parent {
            std::thread::sleep(Duration::from_millis(200));
        }
        std::process::exit(1);
    });
    let scan = async |body: axum::Json<Value>| {
        let text: String = serde_json::from_str(body["Data"]["msg"].as_str().unwrap()).unwrap();
        if text.contains("broken") && !Path::new("mended").exists() {
            return (StatusCode::INTERNAL_SERVER_ERROR, axum::Json(json!({ "error": "it is broken" })));
        }
        let outputs = json!({ "out": [format!("did: {text}")] });
        (StatusCode::OK, axum::Json(json!({ "Outputs": outputs, "Logs": null, "ReturnValue": null })))
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await.unwrap();
        axum::serve(listener, Router::new().route("/scan", post(scan))).await.unwrap();
    });
}

/// `suture bus` against it.
#[cfg(feature = "servicebus")]
mod bus {
    use super::*;
    use std::io::Write;
    use std::process::Output;

    #[test]
    fn messages_of_a_running_host_are_sent_peeked_and_replayed_by_its_connection_string() {
        let world = World::new();
        let mut running = world.start();
        let address = running.event("listening")["address"].as_str().unwrap().to_owned();
        let port = address.rsplit(':').next().unwrap();
        let (code, keys, _) = text(world.command(&["--show-keys", "--port", port]).output().unwrap());
        assert_eq!(code, Some(0));
        let connection = keys.lines().find_map(|line| line.strip_prefix("bus ")).unwrap().trim().to_owned();
        assert!(connection.starts_with(&format!("Endpoint=http://{address};")));
        let bus = |arguments: &[&str], input: &str| bus(&connection, arguments, input);

        assert_eq!(bus(&["send", "scan", "--file", "-", "--id", "fine"], "a fine one").0, Some(0));
        assert_eq!(running.event("invoked")["source"], "scan");
        assert_eq!(bus(&["peek", "scan"], ""), (Some(0), "no messages\n".to_owned()));
        let (code, peeked) = bus(&["peek", "out"], "");
        assert!(code == Some(1) && peeked.contains("did: a fine one"), "{peeked}");

        assert_eq!(bus(&["send", "scan", "--file", "-", "--id", "broken"], "a broken one").0, Some(0));
        let dead = running.event("dead_lettered");
        assert_eq!((&dead["source"], &dead["message_id"]), (&json!("scan"), &json!("broken")));
        let (code, peeked) = bus(&["peek", "scan", "--dead-letters"], "");
        assert_eq!(code, Some(1));
        for expected in ["broken", "MaxDeliveryCountExceeded", "a broken one"] {
            assert!(peeked.contains(expected), "{expected}: {peeked}");
        }

        std::fs::write(world.app().join("mended"), "").unwrap();
        assert_eq!(bus(&["replay", "scan"], ""), (Some(0), "replayed 1\n".to_owned()));
        assert_eq!(running.event("invoked")["source"], "scan");
        assert_eq!(bus(&["peek", "scan", "--dead-letters"], ""), (Some(0), "no messages\n".to_owned()));
        assert!(bus(&["peek", "out"], "").1.contains("did: a broken one"));

        running.ask_to_end();
        assert_eq!(running.event("stopped")["cut_off"], 0);
        assert_eq!(running.end().0, Some(0));
    }

    /// `suture bus`: exit code and result.
    fn bus(connection: &str, arguments: &[&str], input: &str) -> (Option<i32>, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_suture"));
        command.arg("bus").args(arguments).env("SUTURE_BUS_CONNECTION", connection);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let (code, out, err) = text(child.wait_with_output().unwrap());
        assert_ne!(code, Some(2), "{arguments:?}: {err}");
        (code, out)
    }

    fn text(output: Output) -> (Option<i32>, String, String) {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }
}
