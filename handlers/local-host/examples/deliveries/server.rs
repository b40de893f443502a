//! A server as a process, in a folder of its own.

use crate::delivery::SECRET;
use serde_json::Value;
use std::error::Error;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

/// What servers are told beside their command: the secret; that nothing but faults is worth a line; and a GitHub where nobody listens.
const TOLD: [(&str, &str); 5] = [
    ("SUTURE_GITHUB_WEBHOOK_SECRET", SECRET),
    ("SUTURE_GITHUB_TOKEN", "a token"),
    ("SUTURE_GITHUB_URL", "http://127.0.0.1:9"),
    ("SUTURE_ADVISORIES", "starter"),
    ("SUTURE_LOG", "error"),
];

/// A running server. It is killed when this is dropped.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
    _folder: tempfile::TempDir,
}

impl Server {
    /// Starts `command` and waits until it says where it listens.
    pub fn start(command: &str) -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::tempdir_in("target")?;
        let place = folder.path().display().to_string();
        let mut words = command.split_whitespace().map(|word| word.replace("{folder}", &place));
        let program = words.next().ok_or("a command is needed")?;
        let mut child = Command::new(program).args(words).envs(TOLD).stdout(Stdio::piped()).spawn()?;
        let mut lines = BufReader::new(child.stdout.take().ok_or("it has no output")?).lines();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let line: Value = serde_json::from_str(&line).ok()?;
            line.get("address")?.as_str()?.parse().ok()
        });
        // What it says is read to its end: it is not to wait for somebody to listen.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let address = address.ok_or_else(|| format!("it ended, or did not say where it listens: {command}"));
        match address {
            Ok(address) => Ok(Self { address, child, _folder: folder }),
            Err(words) => {
                let _ = child.kill();
                Err(words.into())
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
