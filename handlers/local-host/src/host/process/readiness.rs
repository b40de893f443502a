//! Whether a handler answers yet.

use reqwest::Client;
use std::error::Error;
use std::io::ErrorKind;
use std::time::Duration;

/// How long is waited between two questions.
const POLL_MS: u64 = 25;

/// Waits until `http://127.0.0.1:port/` answers anything. `false`: it did not within `timeout_ms`, counted in polls as the functions
/// host does. Only a refused connection means "not yet"; any other failure is taken for a sign of life.
pub async fn answers(client: &Client, port: u16, timeout_ms: u64) -> bool {
    let address = super::address(port, "");
    for _ in 0..timeout_ms.div_ceil(POLL_MS).max(1) {
        match client.get(&address).send().await {
            Ok(_) => return true,
            Err(error) if !is_refused(&error) => return true,
            Err(_) => tokio::time::sleep(Duration::from_millis(POLL_MS)).await,
        }
    }
    false
}

/// Whether nobody listened.
pub fn is_refused(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::ConnectionRefused) {
            return true;
        }
        cause = error.source();
    }
    false
}
