//! A message as the answer of the service has it.

use super::transport::BROKER_PROPERTIES;
use azure_core::headers::Headers;
use azure_messaging_servicebus::service_bus::{PeekLockResponse, SendMessageOptions, SettableBrokerProperties};
use serde::Deserialize;
use std::collections::HashMap;
use std::time::Duration;

/// Headers of an answer that are no properties of the message.
const NOT_CUSTOM: &[&str] = &[
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "keep-alive",
    "location",
    "server",
    "strict-transport-security",
    "transfer-encoding",
    "vary",
    "via",
    "x-suture-brokerproperties",
];
/// Properties that a dead letter has because it is one.
const OF_DEAD_LETTERS: &[&str] = &["deadletterreason", "deadlettererrordescription"];
/// As the service tells a message that lives for ever: more seconds than this.
const FOREVER_S: f64 = 1e10;

/// What the broker says of a message. Nothing is sure to be there.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct BrokerProperties {
    pub message_id: Option<String>,
    pub sequence_number: Option<i64>,
    pub delivery_count: Option<i64>,
    pub enqueued_time_utc: Option<String>,
    pub correlation_id: Option<String>,
    pub label: Option<String>,
    pub session_id: Option<String>,
    pub to: Option<String>,
    pub reply_to: Option<String>,
    pub reply_to_session_id: Option<String>,
    pub partition_key: Option<String>,
    pub time_to_live: Option<f64>,
}

/// A message under a lock.
pub struct Message {
    pub broker: BrokerProperties,
    pub content_type: Option<String>,
    /// The sender's own, by names in lower case; text still in its quotes.
    pub custom: HashMap<String, String>,
    pub body: String,
    lock: PeekLockResponse,
}

impl Message {
    /// From an answer that has one.
    pub fn read(lock: PeekLockResponse) -> Self {
        let headers = lock.custom_properties::<Headers>().unwrap_or_default();
        let broker = headers.get_optional_str(&BROKER_PROPERTIES);
        let broker = broker.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let content_type = headers.get_optional_string(&azure_core::headers::CONTENT_TYPE);
        let all =
            headers.into_iter().map(|(name, value)| (name.as_str().to_ascii_lowercase(), value.as_str().to_owned()));
        let custom =
            all.filter(|(name, _)| !NOT_CUSTOM.contains(&name.as_str()) && !name.starts_with("x-ms-")).collect();
        Self { broker, content_type, custom, body: lock.body(), lock }
    }

    /// Where it is settled, if the service said so.
    pub fn lock(&self) -> &PeekLockResponse {
        &self.lock
    }

    /// Why it is a dead letter, without the quotes.
    pub fn dead_letter_reason(&self) -> Option<String> {
        let text = self.custom.get("deadletterreason")?;
        Some(serde_json::from_str(text).unwrap_or_else(|_| text.clone()))
    }

    /// A name for people.
    pub fn name(&self) -> String {
        match (&self.broker.message_id, self.broker.sequence_number) {
            (Some(id), _) => id.clone(),
            (None, Some(number)) => format!("number {number}"),
            (None, None) => "without an id".to_owned(),
        }
    }

    /// With what it is sent again: all that was said of it but that it is dead.
    pub fn options(&self) -> SendMessageOptions {
        let broker = self.broker.clone();
        let time_to_live = broker.time_to_live.filter(|seconds| *seconds > 0.0 && *seconds < FOREVER_S);
        let custom = self.custom.iter().filter(|(name, _)| !OF_DEAD_LETTERS.contains(&name.as_str()));
        SendMessageOptions {
            content_type: self.content_type.clone(),
            broker_properties: Some(SettableBrokerProperties {
                message_id: broker.message_id,
                correlation_id: broker.correlation_id,
                label: broker.label,
                session_id: broker.session_id,
                to: broker.to,
                reply_to: broker.reply_to,
                reply_to_session_id: broker.reply_to_session_id,
                partition_key: broker.partition_key,
                time_to_live: time_to_live.map(Duration::from_secs_f64),
                scheduled_enqueue_time_utc: None,
            }),
            custom_properties: Some(custom.map(|(name, value)| (name.clone(), value.clone())).collect()),
        }
    }
}
