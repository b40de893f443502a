//! The sender's own properties: one header each. Text is quoted, numbers and truth values are not.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};

/// Headers that are of HTTP or of the service, not of the sender.
const NOT_CUSTOM: &[&str] = &[
    "accept",
    "accept-encoding",
    "accept-language",
    "authorization",
    "brokerproperties",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "date",
    "expect",
    "host",
    "if-match",
    "keep-alive",
    "location",
    "origin",
    "pragma",
    "referer",
    "server",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
];

/// Those of a request. Their names are in lower case: HTTP does not tell which was which.
pub(super) fn read(headers: &HeaderMap) -> Map<String, Value> {
    let custom = headers.iter().filter(|(name, _)| is_custom(name.as_str()));
    custom.filter_map(|(name, value)| Some((name.as_str().to_owned(), parsed(value.to_str().ok()?)))).collect()
}

/// Puts `properties` among the headers of an answer. What can't be a header is left out.
pub(super) fn write(properties: &Map<String, Value>, headers: &mut HeaderMap) {
    for (name, value) in properties.iter().filter(|(name, _)| is_custom(&name.to_ascii_lowercase())) {
        let name = HeaderName::try_from(name.as_str());
        let value = HeaderValue::try_from(ascii(&value.to_string()));
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.insert(name, value);
        }
    }
}

fn is_custom(name: &str) -> bool {
    !NOT_CUSTOM.contains(&name) && !name.starts_with("x-ms-")
}

/// Text where it is quoted, a number or a truth value where it is one; anything else is text as it stands.
fn parsed(text: &str) -> Value {
    let value = serde_json::from_str(text).ok();
    let value = value.filter(|value: &Value| value.is_string() || value.is_number() || value.is_boolean());
    value.unwrap_or_else(|| Value::String(text.to_owned()))
}

/// JSON without letters that a header can't carry.
pub(super) fn ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    let mut units = [0; 2];
    for letter in json.chars() {
        if letter.is_ascii() {
            text.push(letter);
        } else {
            let units = letter.encode_utf16(&mut units);
            units.iter().for_each(|unit| text.push_str(&format!("\\u{unit:04x}")));
        }
    }
    text
}
