//! Messages of Service Bus, as an invocation shows them.

use super::payload::{BindingData, Payload};
use super::value::Value;
use crate::app::DataType;
use crate::bus::Received;
use serde_json::{Map, Value as Json, json};

/// Objects of the extension that have no use outside .NET; their place is filled all the same.
const LIVE_OBJECTS: [&str; 5] =
    ["MessageReceiver", "MessageSession", "MessageActions", "SessionActions", "ReceiveActions"];

/// One message for a function that takes them one by one.
pub fn one(binding: &str, data_type: DataType, message: &Received) -> Payload {
    let mut payload = Payload::new(binding, body(data_type, &message.body));
    for (name, value) in members(message) {
        payload.metadata.set_some(name, value);
    }
    live_objects(&mut payload.metadata);
    if let Value::Text(text) = &payload.data.1 {
        payload.metadata.shadow(text);
    }
    payload
}

/// Many messages for a function that takes them so.
pub fn many(binding: &str, data_type: DataType, messages: &[Received]) -> Payload {
    let bodies = messages.iter().map(|message| body(data_type, &message.body).in_array()).collect();
    let mut payload = Payload::new(binding, Value::Array(bodies));
    let mut arrays: Vec<(&str, Vec<Json>)> = Vec::new();
    for message in messages {
        for (at, (name, value)) in members(message).into_iter().enumerate() {
            if arrays.len() == at {
                arrays.push((name, Vec::new()));
            }
            arrays[at].1.push(value.map_or(Json::Null, |value| value.in_array()));
        }
    }
    for (name, values) in arrays {
        payload.metadata.set(&format!("{name}Array"), Value::Array(values.into()));
    }
    live_objects(&mut payload.metadata);
    payload
}

/// A message that somebody made up by hand: its text, and nothing else.
pub fn by_hand(binding: &str, data_type: DataType, is_batch: bool, text: &str) -> Payload {
    let value = body(data_type, text.as_bytes());
    let mut payload = Payload::new(binding, if is_batch { Value::Array(vec![value.in_array()].into()) } else { value });
    if let Value::Text(text) = &payload.data.1 {
        payload.metadata.shadow(text);
    }
    payload
}

/// Bytes stay bytes only with `dataType` binary. What is no UTF-8 is damaged as text, as it is in Azure.
fn body(data_type: DataType, bytes: &[u8]) -> Value {
    match data_type {
        DataType::Binary | DataType::Stream => Value::Bytes(bytes.to_vec()),
        DataType::Unset | DataType::String => Value::Text(String::from_utf8_lossy(bytes).into_owned()),
    }
}

fn members(message: &Received) -> [(&'static str, Option<Value>); 20] {
    let said = &message.properties;
    let text = |text: &Option<String>| text.as_deref().map(Value::from);
    let own = || Some(Value::Object(Json::Object(said.application_properties.clone())));
    [
        ("DeliveryCount", Some(Value::Scalar(json!(message.delivery_count)))),
        ("DeadLetterSource", text(&message.dead_letter_source)),
        ("LockToken", Some(Value::Text(message.lock.to_string()))),
        ("ExpiresAtUtc", Some(Value::DateTime(message.expires_at))),
        ("ExpiresAt", Some(Value::DateTimeOffset(message.expires_at))),
        ("EnqueuedTimeUtc", Some(Value::DateTime(message.enqueued_time))),
        ("EnqueuedTime", Some(Value::DateTimeOffset(message.enqueued_time))),
        ("MessageId", text(&said.message_id)),
        ("ContentType", text(&said.content_type)),
        ("ReplyTo", text(&said.reply_to)),
        ("SequenceNumber", Some(Value::Scalar(json!(message.sequence_number)))),
        ("To", text(&said.to)),
        ("Subject", text(&said.subject)),
        ("Label", text(&said.subject)),
        ("CorrelationId", text(&said.correlation_id)),
        ("ApplicationProperties", own()),
        ("UserProperties", own()),
        ("SessionId", text(&said.session_id)),
        ("ReplyToSessionId", text(&said.reply_to_session_id)),
        ("PartitionKey", text(&said.partition_key)),
    ]
}

fn live_objects(metadata: &mut BindingData) {
    for name in LIVE_OBJECTS {
        metadata.set(name, Value::Object(Json::Object(Map::new())));
    }
    metadata.set("Client", Value::Object(json!({ "FullyQualifiedNamespace": "localhost", "IsClosed": false })));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::{LockToken, Properties};

    fn message(body: &str) -> Received {
        let mut properties = Properties {
            message_id: Some("abc".to_owned()),
            subject: Some("order".to_owned()),
            content_type: Some("application/json".to_owned()),
            ..Properties::default()
        };
        properties.application_properties.insert("k".to_owned(), json!("v"));
        properties.application_properties.insert("n".to_owned(), json!(3));
        Received {
            lock: LockToken(uuid::Uuid::nil()),
            body: body.into(),
            properties,
            sequence_number: 42,
            delivery_count: 1,
            enqueued_time: "2026-01-31T10:11:12.25Z".parse().unwrap(),
            locked_until: "2026-01-31T10:12:12Z".parse().unwrap(),
            expires_at: "2026-02-14T10:11:12.25Z".parse().unwrap(),
            dead_letter_source: None,
        }
    }

    fn encoded(payload: &Payload) -> String {
        payload.encode("Fn", "2026-01-31T10:11:13Z".parse().unwrap(), uuid::Uuid::nil()).to_string()
    }

    const SYS: &str = r#""sys":{"MethodName":"Fn","UtcNow":"2026-01-31T10:11:13Z","RandGuid":"00000000-0000-0000-0000-000000000000"}"#;
    const LIVE: &str = r#""MessageReceiver":{},"MessageSession":{},"MessageActions":{},"SessionActions":{},"ReceiveActions":{},"Client":{"FullyQualifiedNamespace":"localhost","IsClosed":false}"#;

    #[test]
    fn one_text_message_is_told_byte_for_byte() {
        let expect = format!(
            r#"{{"Data":{{"msg":"\"{{\\\"orderId\\\":7,\\\"MESSAGEID\\\":\\\"forged\\\"}}\""}},"Metadata":{{{SYS},"DeliveryCount":"1","LockToken":"\"00000000-0000-0000-0000-000000000000\"","ExpiresAtUtc":"2026-02-14T10:11:12","ExpiresAt":"2026-02-14T10:11:12+00:00","EnqueuedTimeUtc":"2026-01-31T10:11:12","EnqueuedTime":"2026-01-31T10:11:12+00:00","MessageId":"\"forged\"","ContentType":"\"application/json\"","SequenceNumber":"42","Subject":"\"order\"","Label":"\"order\"","ApplicationProperties":{{"k":"v","n":3}},"UserProperties":{{"k":"v","n":3}},{LIVE},"orderId":"\"7\""}}}}"#
        );
        let message = message(r#"{"orderId":7,"MESSAGEID":"forged"}"#);
        assert_eq!(encoded(&one("msg", DataType::Unset, &message)), expect);
        assert_eq!(encoded(&one("msg", DataType::String, &message)), expect);
    }

    #[test]
    fn one_binary_message_keeps_its_bytes_and_its_metadata() {
        let payload = one("msg", DataType::Binary, &message(r#"{"orderId":7}"#));
        let told: Json = serde_json::from_str(&encoded(&payload)).unwrap();
        assert_eq!(told["Data"]["msg"], "eyJvcmRlcklkIjo3fQ==");
        assert_eq!(told["Metadata"]["MessageId"], r#""abc""#);
        assert_eq!(told["Metadata"].get("orderId"), None);
    }

    #[test]
    fn many_messages_are_arrays_in_text() {
        let messages = [message("body1"), message("body2")];
        let told: Json = serde_json::from_str(&encoded(&many("msgs", DataType::String, &messages))).unwrap();
        assert_eq!(told["Data"]["msgs"], r#"["body1","body2"]"#);
        assert_eq!(told["Metadata"]["DeliveryCountArray"], "[1,1]");
        assert_eq!(told["Metadata"]["MessageIdArray"], r#"["abc","abc"]"#);
        assert_eq!(
            told["Metadata"]["EnqueuedTimeUtcArray"],
            r#"["2026-01-31T10:11:12.25Z","2026-01-31T10:11:12.25Z"]"#
        );
        assert_eq!(told["Metadata"]["ApplicationPropertiesArray"], r#"[{"k":"v","n":3},{"k":"v","n":3}]"#);
        let told: Json = serde_json::from_str(&encoded(&many("msgs", DataType::Binary, &messages))).unwrap();
        assert_eq!(told["Data"]["msgs"], r#"["Ym9keTE=","Ym9keTI="]"#);
    }

    #[test]
    fn message_by_hand_has_no_metadata_of_a_broker() {
        let told: Json = serde_json::from_str(&encoded(&by_hand("m", DataType::Unset, false, r#"{"a":"b"}"#))).unwrap();
        let keys: Vec<_> = told["Metadata"].as_object().unwrap().keys().collect();
        assert_eq!(keys, ["sys", "a"]);
    }
}
