//! What the host calls a function with: `{"Data":{"<binding>":…},"Metadata":{…}}`, where values are encoded by their .NET type.
//!
//! A text is a string of JSON, a number a string of digits, an array a string of JSON; bytes are a plain base64 string, objects
//! are themselves. What is decoded here is lenient in what a host may say, and exact in the bytes of a message.

use agents::request;
use agents::topology::{Input, Trigger};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What started a function.
#[derive(Debug, Clone, PartialEq)]
pub enum Arrived {
    /// Messages, more than one only in a batch.
    Messages(Vec<Delivered>),
    /// Time. `true`: the tick is late.
    Tick(bool),
    /// A request.
    Request(Request),
}

/// A message as the broker delivered it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delivered {
    /// The message itself.
    pub body: Vec<u8>,
    /// How often the broker has delivered it, from 1. Only for log lines, and only where a body can't forge it.
    pub count: Option<u32>,
}

/// An HTTP request as the host hands it over.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// As the caller asked for it.
    pub url: String,
    /// Parameters after `?`.
    #[serde(deserialize_with = "scalars")]
    pub query: BTreeMap<String, String>,
    /// Each header may stand there more than once.
    #[serde(deserialize_with = "lists")]
    pub headers: BTreeMap<String, Vec<String>>,
    /// Parameters of the route.
    #[serde(deserialize_with = "scalars")]
    pub params: BTreeMap<String, String>,
    /// Its text. Of bytes (`application/octet-stream`, `multipart/…`) the host gives base64; empty where there was none.
    #[serde(deserialize_with = "text_of_body")]
    pub body: String,
}

impl Request {
    /// What an agent sees of it. `traceparent` is that of the call.
    pub fn asked(self, traceparent: Option<String>) -> request::Request {
        let Self { method, headers, query, body, .. } = self;
        request::Request { method, headers, query, body, traceparent }
    }
}

/// A call that is not what the host says by its protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Not the JSON of a call.
    #[error("this is not a call of the functions host: {0}")]
    Call(String),
    /// The trigger's value is missing.
    #[error("Data has no `{0}`, the trigger's binding in function.json")]
    NoData(String),
    /// The trigger's value is something else than its binding says.
    #[error("Data.{binding} is not {expected}: {reason}")]
    Value {
        /// The binding.
        binding: String,
        /// What it has to be.
        expected: &'static str,
        /// What is wrong.
        reason: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Call<'a> {
    #[serde(borrow)]
    data: BTreeMap<Cow<'a, str>, &'a RawValue>,
    #[serde(borrow, default)]
    metadata: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata<'a> {
    #[serde(borrow, default)]
    delivery_count: Option<&'a RawValue>,
    #[serde(borrow, default)]
    delivery_count_array: Option<&'a RawValue>,
}

/// Reads the call `body` of a function that `trigger` starts.
pub fn decode(body: &[u8], trigger: &Trigger, input: &Input) -> Result<Arrived, WireError> {
    let call: Call = serde_json::from_slice(body).map_err(|error| WireError::Call(error.to_string()))?;
    let value = call.data.get(input.name.as_str()).ok_or_else(|| WireError::NoData(input.name.clone()))?;
    let wrong = |expected| {
        let binding = input.name.clone();
        move |reason: String| WireError::Value { binding, expected, reason }
    };
    match trigger {
        Trigger::Timer(_) => timer(value).map(Arrived::Tick).map_err(wrong("a timer's state")),
        Trigger::Http(_) => {
            let request = serde_json::from_str(value.get()).map_err(|error| error.to_string());
            request.map(Arrived::Request).map_err(wrong("a request"))
        }
        Trigger::Queue(_) | Trigger::Subscription { .. } => {
            let bodies = match (input.is_binary, input.is_batch) {
                (true, false) => bytes(value).map(|body| vec![body]),
                (true, true) => many(value).and_then(|values| values.iter().map(|value| bytes(value)).collect()),
                (false, false) => text(value).map(|body| vec![body]),
                (false, true) => many(value).and_then(|values| values.iter().map(|value| element(value)).collect()),
            };
            let bodies: Vec<Vec<u8>> = bodies.map_err(wrong(expected(input)))?;
            let counts = call.metadata.filter(|_| input.is_binary).map(|metadata| counts(metadata, input.is_batch));
            let counts = counts.unwrap_or_default().into_iter().chain(std::iter::repeat(None));
            let deliver = |(body, count)| Delivered { body, count };
            Ok(Arrived::Messages(bodies.into_iter().zip(counts).map(deliver).collect()))
        }
    }
}

fn expected(input: &Input) -> &'static str {
    match (input.is_binary, input.is_batch) {
        (true, false) => "a string of base64",
        (true, true) => "a string of a JSON array of base64",
        (false, false) => "a string of a JSON string",
        (false, true) => "a string of a JSON array of strings",
    }
}

fn string(value: &RawValue) -> Result<Cow<'_, str>, String> {
    // Borrowed where nothing in it is escaped: base64 never is.
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    serde_json::from_str(value.get()).map(|Text(text)| text).map_err(|error| error.to_string())
}

fn bytes(value: &RawValue) -> Result<Vec<u8>, String> {
    STANDARD.decode(string(value)?.as_bytes()).map_err(|error| error.to_string())
}

/// A text is encoded twice. An object is itself, and any other scalar a string of its JSON: their JSON is the message.
fn text(value: &RawValue) -> Result<Vec<u8>, String> {
    if !value.get().starts_with('"') {
        return Ok(value.get().as_bytes().to_vec());
    }
    let outer = string(value)?;
    Ok(serde_json::from_str::<String>(&outer).unwrap_or_else(|_| outer.into_owned()).into_bytes())
}

/// Elements of an array of texts are encoded once.
fn element(value: &RawValue) -> Result<Vec<u8>, String> {
    if value.get().starts_with('"') { string(value).map(|text| text.into_owned().into_bytes()) } else { text(value) }
}

/// An array is a string of JSON; a plain one is taken too.
fn many(value: &RawValue) -> Result<Vec<Box<RawValue>>, String> {
    let json = if value.get().starts_with('"') { string(value)? } else { Cow::Borrowed(value.get()) };
    serde_json::from_str(&json).map_err(|error| error.to_string())
}

/// `{"Schedule":…,"ScheduleStatus":…,"IsPastDue":false}`. A timer that never ran has `null` for its status.
fn timer(value: &RawValue) -> Result<bool, String> {
    let state: BTreeMap<String, Value> = serde_json::from_str(value.get()).map_err(|error| error.to_string())?;
    Ok(match state.get("IsPastDue") {
        Some(Value::Bool(late)) => *late,
        Some(Value::String(late)) => late.eq_ignore_ascii_case("true"),
        _ => false,
    })
}

/// How often the broker has delivered each message. Only to be asked where messages are binary: members of a text overwrite it.
fn counts(metadata: &RawValue, is_batch: bool) -> Vec<Option<u32>> {
    let number = |value: &RawValue| match serde_json::from_str(value.get()).ok()? {
        Value::Number(number) => u32::try_from(number.as_u64()?).ok(),
        Value::String(digits) => digits.parse().ok(),
        _ => None,
    };
    let Ok(metadata) = serde_json::from_str::<Metadata>(metadata.get()) else { return Vec::new() };
    if is_batch {
        let values = metadata.delivery_count_array.and_then(|array| many(array).ok()).unwrap_or_default();
        return values.iter().map(|value| number(value)).collect();
    }
    vec![metadata.delivery_count.and_then(number)]
}

/// A value of a request as text. Parameters of a route may be numbers, and the host may have read a body that is JSON.
fn plain(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        json => Some(json.to_string()),
    }
}

fn text_of_body<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Ok(plain(Value::deserialize(from)?).unwrap_or_default())
}

fn scalars<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, String>, D::Error> {
    let values = Option::<BTreeMap<String, Value>>::deserialize(from)?.unwrap_or_default();
    Ok(values.into_iter().filter_map(|(name, value)| Some((name, plain(value)?))).collect())
}

fn lists<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, Vec<String>>, D::Error> {
    let values = Option::<BTreeMap<String, Value>>::deserialize(from)?.unwrap_or_default();
    let list = |value| match value {
        Value::Array(values) => values.into_iter().filter_map(plain).collect(),
        one => plain(one).into_iter().collect(),
    };
    Ok(values.into_iter().map(|(name, value)| (name, list(value))).collect())
}
