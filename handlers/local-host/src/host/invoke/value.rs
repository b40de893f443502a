//! How the functions host writes one value into an invocation: the traps of its encoding, one by one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::Value as Json;

/// A value as the host holds it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Text. Encoded twice, whatever is in it.
    Text(String),
    /// A number, a truth value. Encoded as the text of its JSON.
    Scalar(Json),
    /// An object. It stays one.
    Object(Json),
    /// An array. Encoded as the text of its JSON.
    Array(Json),
    /// Bytes. Encoded as base64, once.
    Bytes(Vec<u8>),
    /// A moment without its zone, to the second.
    DateTime(Timestamp),
    /// A moment with its offset, to the second.
    DateTimeOffset(Timestamp),
}

impl Value {
    /// What travels.
    pub fn encode(&self) -> Json {
        match self {
            Self::Text(text) => Json::String(Json::from(text.as_str()).to_string()),
            Self::Scalar(value) | Self::Array(value) => Json::String(value.to_string()),
            Self::Object(value) => value.clone(),
            Self::Bytes(bytes) => Json::String(STANDARD.encode(bytes)),
            Self::DateTime(moment) => Json::String(moment.strftime("%Y-%m-%dT%H:%M:%S").to_string()),
            Self::DateTimeOffset(moment) => Json::String(moment.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()),
        }
    }

    /// The JSON that it is part of in an array, where moments keep all their digits.
    pub fn in_array(&self) -> Json {
        match self {
            Self::Text(text) => Json::from(text.as_str()),
            Self::Scalar(value) | Self::Object(value) | Self::Array(value) => value.clone(),
            Self::Bytes(bytes) => Json::String(STANDARD.encode(bytes)),
            Self::DateTime(moment) => Json::String(moment.to_string()),
            Self::DateTimeOffset(moment) => Json::String(format!("{}+00:00", moment.to_string().trim_end_matches('Z'))),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(value: &Value, expect: &str) {
        assert_eq!(value.encode().to_string(), expect, "{value:?}");
    }

    #[test]
    fn values_are_encoded_as_the_host_does() {
        check(&"hello".into(), r#""\"hello\"""#);
        check(&r#"{"a":1}"#.into(), r#""\"{\\\"a\\\":1}\"""#);
        check(&Value::Scalar(json!(4)), r#""4""#);
        check(&Value::Scalar(json!(true)), r#""true""#);
        check(&Value::Object(json!({ "a": 1 })), r#"{"a":1}"#);
        check(&Value::Array(json!([1, 2])), r#""[1,2]""#);
        check(&Value::Array(json!(["m1", "m2"])), r#""[\"m1\",\"m2\"]""#);
        check(&Value::Bytes(b"{\"orderId\":7}".to_vec()), r#""eyJvcmRlcklkIjo3fQ==""#);
    }

    #[test]
    fn moments_lose_their_fractions_and_some_their_zone() {
        let moment: Timestamp = "2026-01-31T10:11:12.345678Z".parse().unwrap();
        check(&Value::DateTime(moment), r#""2026-01-31T10:11:12""#);
        check(&Value::DateTimeOffset(moment), r#""2026-01-31T10:11:12+00:00""#);
        assert_eq!(Value::DateTime(moment).in_array(), json!("2026-01-31T10:11:12.345678Z"));
        assert_eq!(Value::DateTimeOffset(moment).in_array(), json!("2026-01-31T10:11:12.345678+00:00"));
    }
}
