//! The program `handler`, as the functions host starts and calls it.

use super::program::{Ran, command, handler};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

/// The host asks this often whether the handler is there.
const READY_MS: u64 = 25;

/// The host gives up after so many questions: 30 s.
const READY_MAX: u64 = 1200;

/// A handler that answers.
pub struct Handler {
    /// Its address, without a slash at the end.
    pub address: String,
    child: Child,
    folder: PathBuf,
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// `handler`, with nothing in its environment but `variables` and a home in `folder`, where its lines go too.
pub fn prepare(folder: &Path, variables: &[(&str, &str)]) -> Command {
    let mut command = command(handler(), folder);
    command.env_clear().env("HOME", folder).envs(variables.iter().copied());
    command.stdout(File::create(folder.join("stdout")).unwrap());
    command.stderr(File::create(folder.join("stderr")).unwrap());
    command
}

/// Runs `handler` until it ends by itself.
pub fn run_to_end(folder: &Path, variables: &[(&str, &str)]) -> Ran {
    let status = prepare(folder, variables).status().unwrap();
    Ran { code: status.code(), stdout: lines_of(folder, "stdout"), stderr: lines_of(folder, "stderr") }
}

fn lines_of(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap()
}

impl Handler {
    /// Starts it and waits as the host does: for any answer at all.
    pub async fn start(folder: &Path, variables: &[(&str, &str)]) -> Self {
        let port = free_port().to_string();
        let variables = [&[("FUNCTIONS_CUSTOMHANDLER_PORT", port.as_str())], variables].concat();
        let child = prepare(folder, &variables).spawn().unwrap();
        let handler = Self { address: format!("http://127.0.0.1:{port}"), child, folder: folder.to_path_buf() };
        for _ in 0..READY_MAX {
            if reqwest::get(&handler.address).await.is_ok() {
                return handler;
            }
            tokio::time::sleep(Duration::from_millis(READY_MS)).await;
        }
        panic!("no answer: {}", lines_of(folder, "stderr"));
    }

    /// Calls `function` with `body` as the host does, and returns status and body of the answer.
    pub async fn call(&self, function: &str, body: impl Into<reqwest::Body>) -> (u16, String) {
        let request = reqwest::Client::new().post(format!("{}/{function}", self.address)).body(body);
        let request = request.header("content-type", "application/json; charset=utf-8");
        let answer = request.header("x-azure-functions-invocationid", "an invocation").send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/json");
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Delivers the message `body` to `function`. Returns what it sent, by binding.
    pub async fn deliver(&self, function: &str, body: &[u8]) -> Value {
        let (status, answer) = self.call(function, call_with(body)).await;
        assert_eq!(status, 200, "{function}: {answer}");
        serde_json::from_str::<Value>(&answer).unwrap()["Outputs"].take()
    }

    /// What it has logged so far.
    pub fn lines(&self) -> Vec<Value> {
        lines_of(&self.folder, "stdout").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What it has logged as errors so far.
    pub fn errors(&self) -> Vec<Value> {
        lines_of(&self.folder, "stderr").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// `kill -9`, at whatever it does.
impl Drop for Handler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The host's call of a function with a binary trigger named `message`.
pub fn call_with(body: &[u8]) -> String {
    let metadata = json!({ "DeliveryCount": "1", "sys": { "MethodName": "Fn", "UtcNow": "2026-01-31T10:11:12Z" } });
    json!({ "Data": { "message": STANDARD.encode(body) }, "Metadata": metadata }).to_string()
}
