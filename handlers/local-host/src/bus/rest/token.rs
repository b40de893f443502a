//! Shared access signatures: who may ask.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;
use std::fmt;

/// A key with its name, as a connection string has it.
#[derive(Clone)]
pub struct SharedKey {
    /// SharedAccessKeyName
    pub name: String,
    /// SharedAccessKey. Signed with as text, as the service does.
    pub key: String,
}

impl fmt::Debug for SharedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedKey").field("name", &self.name).finish_non_exhaustive()
    }
}

impl SharedKey {
    /// Whether `token` allows its bearer `path` at `now`; otherwise why not, in the words of the service.
    ///
    /// The host in the token is not looked at: the bus has no name of its own.
    pub(super) fn check(&self, token: Option<&str>, path: &str, now: Timestamp) -> Result<(), String> {
        let token = token.ok_or("MissingToken: The authorization header was not found")?;
        let fields = token
            .strip_prefix("SharedAccessSignature ")
            .ok_or("MalformedToken: The authorization scheme has to be SharedAccessSignature")?;
        let field = |name: &str| {
            let found = fields.split('&').find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='));
            found.ok_or_else(|| format!("MalformedToken: The token has no field '{name}'"))
        };
        let (resource, expiry) = (field("sr")?, field("se")?);
        let malformed = |name: &str| format!("MalformedToken: The token's field '{name}' can't be read");
        let signature = STANDARD.decode(decoded(field("sig")?)).map_err(|_| malformed("sig"))?;
        let is_named = decoded(field("skn")?) == self.name.as_bytes();
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key.as_bytes()).map_err(|_| malformed("sig"))?;
        mac.update(resource.as_bytes());
        mac.update(b"\n");
        mac.update(expiry.as_bytes());
        // In constant time: how far a forged signature is right can't be measured.
        let is_signed = mac.verify_slice(&signature).is_ok();
        if !(is_signed && is_named) {
            return Err("InvalidSignature: The token has an invalid signature".to_owned());
        }
        let expiry: i64 = expiry.parse().map_err(|_| malformed("se"))?;
        if expiry <= now.as_second() {
            return Err("ExpiredToken: The token is expired".to_owned());
        }
        let covers = covers(&String::from_utf8_lossy(&decoded(resource)), path);
        covers.then_some(()).ok_or_else(|| "InvalidAudience: The token has a wrong audience".to_owned())
    }
}

/// Whether `resource`, with or without scheme, names a folder of `path`.
fn covers(resource: &str, path: &str) -> bool {
    let after_scheme = resource.split_once("://").map_or(resource, |(_, rest)| rest);
    let folder = after_scheme.split_once('/').map_or("", |(_, folder)| folder);
    let folder =
        folder.split('?').next().unwrap_or_default().trim_matches('/').replace("%24", "$").to_ascii_lowercase();
    let path = path.trim_matches('/').replace("%24", "$").to_ascii_lowercase();
    let rest = path.strip_prefix(&folder);
    rest.is_some_and(|rest| folder.is_empty() || rest.is_empty() || rest.starts_with('/'))
}

/// `text` without percent signs. What is no escape stays.
fn decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let digits = text.get(at + 1..at + 3).filter(|_| *byte == b'%');
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(escaped) => (decoded.push(escaped), at += 3).1,
            None => (decoded.push(*byte), at += 1).1,
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https%3a%2f%2fns.servicebus.windows.net%2fscan";

    fn signed(key: &str, resource: &str, expiry: i64) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
        mac.update(format!("{resource}\n{expiry}").as_bytes());
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        let signature = signature.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        format!("SharedAccessSignature sr={resource}&sig={signature}&se={expiry}&skn=root")
    }

    #[test]
    fn a_token_is_held_against_key_time_and_path() {
        let key = SharedKey { name: "root".to_owned(), key: "a key".to_owned() };
        let now = Timestamp::from_second(1000).unwrap();
        let check = |token: &str, path: &str, expect: &str| {
            let refused = key.check(Some(token), path, now).err().unwrap_or_default();
            assert_eq!(refused.split(':').next().unwrap(), expect, "{token} {path}");
        };
        check(&signed("a key", URL, 1001), "/scan/messages", "");
        check(&signed("a key", URL, 1001), "/SCAN", "");
        check(&signed("a key", "ns.servicebus.windows.net", 1001), "/scan/messages", "");
        check(&signed("a key", "http%3A%2F%2F127.0.0.1%3A1%2Fscan%2F%3Fa%3Db", 1001), "/scan/messages", "");
        check(&signed("a key", URL, 1000), "/scan/messages", "ExpiredToken");
        check(&signed("a key", URL, 1001), "/scanner/messages", "InvalidAudience");
        check(&signed("a key", URL, 1001), "/other/messages", "InvalidAudience");
        check(&signed("another", URL, 1001), "/scan/messages", "InvalidSignature");
        check(&signed("a key", URL, 1001).replace("skn=root", "skn=other"), "/scan", "InvalidSignature");
        check(&signed("a key", URL, 1001).replace("se=1001", "se=9999"), "/scan", "InvalidSignature");
        check("SharedAccessSignature sr=a&sig=%%%&se=1&skn=root", "/scan", "MalformedToken");
        check("SharedAccessSignature sr=a", "/scan", "MalformedToken");
        check("Bearer x", "/scan", "MalformedToken");
        assert!(key.check(None, "/scan", now).unwrap_err().starts_with("MissingToken"));
        assert_eq!(format!("{key:?}"), "SharedKey { name: \"root\", .. }");
    }
}
