//! The header `BrokerProperties`: what the broker knows of a message, as JSON.

use super::super::{BusError, Properties, Received};
use super::answer::Refusal;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use jiff::Timestamp;
use jiff::fmt::rfc2822::{DateTimeParser, DateTimePrinter};
use serde::{Deserialize, Serialize};

/// The header's name.
pub(super) const NAME: HeaderName = HeaderName::from_static("brokerproperties");
/// How long a message lives that lives for ever, as the service tells it: the longest time span that .NET has.
const FOREVER_S: f64 = 922_337_203_685.477_5;

/// What a sender may say. What else it says is ignored, as the service does.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Settable {
    message_id: Option<String>,
    correlation_id: Option<String>,
    label: Option<String>,
    to: Option<String>,
    reply_to: Option<String>,
    session_id: Option<String>,
    reply_to_session_id: Option<String>,
    partition_key: Option<String>,
    time_to_live: Option<f64>,
    scheduled_enqueue_time_utc: Option<String>,
}

/// What a receiver is told.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Told<'a> {
    delivery_count: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    dead_letter_source: Option<&'a str>,
    enqueued_sequence_number: i64,
    enqueued_time_utc: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    lock_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locked_until_utc: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to_session_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    partition_key: Option<&'a str>,
    sequence_number: i64,
    state: &'a str,
    time_to_live: f64,
}

/// What the sender of a request says of its message.
pub(super) fn read(headers: &HeaderMap) -> Result<Properties, Refusal> {
    let Some(header) = headers.get(NAME) else { return Ok(Properties::default()) };
    let bad = |what: String| Refusal::new(StatusCode::BAD_REQUEST, format!("BrokerProperties: {what}"));
    let said: Settable = serde_json::from_slice(header.as_bytes()).map_err(|error| bad(error.to_string()))?;
    let time_to_live_ms = said.time_to_live.map(|seconds| match seconds {
        seconds if seconds.is_nan() || seconds <= 0.0 => Err(bad("TimeToLive has to be more than 0".to_owned())),
        seconds if seconds >= FOREVER_S => Ok(None),
        // Saturates at the end of time.
        seconds => Ok(Some((seconds * 1000.0).ceil() as u64)),
    });
    let scheduled = said.scheduled_enqueue_time_utc.map(|time| {
        let time = time.trim();
        let parsed = DateTimeParser::new().parse_timestamp(time).or_else(|_| time.parse());
        parsed.map_err(|_| bad(format!("ScheduledEnqueueTimeUtc is no time: {time}")))
    });
    Ok(Properties {
        message_id: said.message_id,
        correlation_id: said.correlation_id,
        subject: said.label,
        to: said.to,
        reply_to: said.reply_to,
        session_id: said.session_id,
        reply_to_session_id: said.reply_to_session_id,
        partition_key: said.partition_key,
        time_to_live_ms: time_to_live_ms.transpose()?.flatten(),
        scheduled_enqueue_time: scheduled.transpose()?,
        ..Properties::default()
    })
}

/// Tells a receiver of `message`; of its lock where it `is_locked`.
pub(super) fn write(message: &Received, is_locked: bool, headers: &mut HeaderMap) -> Result<(), BusError> {
    let properties = &message.properties;
    let told = Told {
        delivery_count: message.delivery_count,
        dead_letter_source: message.dead_letter_source.as_deref(),
        enqueued_sequence_number: 0,
        enqueued_time_utc: http_date(message.enqueued_time)?,
        lock_token: is_locked.then(|| message.lock.to_string()),
        locked_until_utc: is_locked.then(|| http_date(message.locked_until)).transpose()?,
        message_id: properties.message_id.as_deref(),
        correlation_id: properties.correlation_id.as_deref(),
        label: properties.subject.as_deref(),
        to: properties.to.as_deref(),
        reply_to: properties.reply_to.as_deref(),
        session_id: properties.session_id.as_deref(),
        reply_to_session_id: properties.reply_to_session_id.as_deref(),
        partition_key: properties.partition_key.as_deref(),
        sequence_number: message.sequence_number,
        state: "Active",
        time_to_live: properties.time_to_live_ms.map_or(FOREVER_S, |ttl_ms| ttl_ms as f64 / 1000.0),
    };
    let text = serde_json::to_string(&told);
    let text = text.map_err(|error| BusError::OutOfRange("BrokerProperties", error.to_string()))?;
    let value = HeaderValue::try_from(super::custom_properties::ascii(&text));
    headers.insert(NAME, value.map_err(|error| BusError::OutOfRange("BrokerProperties", error.to_string()))?);
    Ok(())
}

fn http_date(time: Timestamp) -> Result<String, BusError> {
    let text = DateTimePrinter::new().timestamp_to_rfc9110_string(&time);
    text.map_err(|error| BusError::OutOfRange("a time", error.to_string()))
}
