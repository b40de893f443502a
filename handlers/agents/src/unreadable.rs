//! Bytes that came where a message was expected.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use pipeline::message::{Envelope, RunId, topic};
use serde_json::json;
use uuid::Uuid;

/// A message that holds `body`, which `function` was sent: what can't be read is kept, journalled and poisoned like any other.
///
/// The same bytes make a message with the same id, so that a redelivery is known.
pub(crate) fn wrapped(function: &str, body: &[u8], now: Timestamp) -> Result<Envelope, serde_json::Error> {
    let contents = match std::str::from_utf8(body) {
        Ok(text) => json!({ "unreadable": text }),
        Err(_) => json!({ "unreadable_base64": STANDARD.encode(body) }),
    };
    let room = Uuid::new_v5(&Uuid::NAMESPACE_URL, function.as_bytes());
    let run = RunId(Uuid::new_v5(&room, body));
    Envelope::root("outside", function, topic::MESSAGE_POISONED, &contents, run, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_bytes_make_the_same_message() {
        let id = |function, body| wrapped(function, body, Timestamp::UNIX_EPOCH).unwrap().id;
        assert_eq!(id("scan", b"{"), id("scan", b"{"));
        assert_ne!(id("scan", b"{"), id("scan", b"}"));
        assert_ne!(id("scan", b"{"), id("verify", b"{"));
    }

    #[test]
    fn every_byte_is_kept() {
        let kept = |body| wrapped("scan", body, Timestamp::UNIX_EPOCH).unwrap().payload;
        assert_eq!(kept(b"{\"a\":"), json!({ "unreadable": "{\"a\":" }));
        assert_eq!(kept(&[0xff, 0]), json!({ "unreadable_base64": "/wA=" }));
    }
}
