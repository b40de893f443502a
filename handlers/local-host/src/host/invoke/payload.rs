//! The body of an invocation: `Data` and `Metadata`.

use super::value::Value;
use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

/// What a function is called with.
#[derive(Debug, Clone, PartialEq)]
pub struct Payload {
    /// The trigger's value, by the name of its binding.
    pub data: (String, Value),
    /// What is known beside it.
    pub metadata: BindingData,
}

/// Names and values, where upper and lower case are the same.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BindingData(Vec<(String, Value)>);

impl BindingData {
    /// Sets `name`. One that is there in whatever case keeps its spelling and its place, and loses its value.
    pub fn set(&mut self, name: &str, value: Value) {
        match self.0.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some((_, known)) => *known = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// Sets `name`, if there is a value: what is null is not told.
    pub fn set_some(&mut self, name: &str, value: Option<Value>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    /// Lets the members of a body that is a JSON object shadow what is there. That is how the host does it: whoever sends a body
    /// can forge the metadata of a text message.
    pub fn shadow(&mut self, body: &str) {
        let Ok(Json::Object(members)) = serde_json::from_str(body) else { return };
        for (name, value) in members {
            match value {
                Json::Null | Json::Array(_) => {}
                Json::Object(_) => self.set(&name, Value::Object(value)),
                Json::String(text) => self.set(&name, Value::Text(text)),
                Json::Bool(true) => self.set(&name, "True".into()),
                Json::Bool(false) => self.set(&name, "False".into()),
                Json::Number(number) => self.set(&name, Value::Text(number.to_string())),
            }
        }
    }

    fn encode(&self) -> Map<String, Json> {
        let told = self.0.iter().filter(|(name, _)| !name.to_ascii_lowercase().ends_with("trigger"));
        told.map(|(name, value)| (name.clone(), value.encode())).collect()
    }
}

impl Payload {
    /// A payload without metadata.
    pub fn new(binding: &str, value: Value) -> Self {
        Self { data: (binding.to_owned(), value), metadata: BindingData::default() }
    }

    /// What travels, for a call of `function` at `now`. `chance` is any id.
    pub fn encode(&self, function: &str, now: Timestamp, chance: uuid::Uuid) -> Json {
        let mut metadata = BindingData::default();
        let sys = json!({ "MethodName": function, "UtcNow": now.to_string(), "RandGuid": chance.to_string() });
        // A body can forge even this: so it comes first.
        metadata.set("sys", Value::Object(sys));
        for (name, value) in &self.metadata.0 {
            metadata.set(name, value.clone());
        }
        json!({ "Data": { self.data.0.as_str(): self.data.1.encode() }, "Metadata": metadata.encode() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(metadata: BindingData) -> Json {
        let payload = Payload { metadata, ..Payload::new("msg", "x".into()) };
        let now = "2026-01-31T10:11:12.5Z".parse().unwrap();
        payload.encode("Fn", now, uuid::Uuid::nil())
    }

    #[test]
    fn payload_has_two_members_and_tells_of_the_system() {
        assert_eq!(
            encoded(BindingData::default()).to_string(),
            r#"{"Data":{"msg":"\"x\""},"Metadata":{"sys":{"MethodName":"Fn","UtcNow":"2026-01-31T10:11:12.5Z","RandGuid":"00000000-0000-0000-0000-000000000000"}}}"#
        );
    }

    #[test]
    fn body_shadows_metadata_in_whatever_case() {
        let mut metadata = BindingData::default();
        metadata.set("MessageId", "real".into());
        metadata.set("DeliveryCount", Value::Scalar(json!(1)));
        metadata
            .shadow(r#"{"messageid":"forged","orderId":7,"ok":true,"none":null,"list":[1],"sub":{"a":1},"SYS":"me"}"#);
        assert_eq!(
            encoded(metadata)["Metadata"],
            json!({
                "sys": "\"me\"", "MessageId": "\"forged\"", "DeliveryCount": "1", "orderId": "\"7\"", "ok": "\"True\"",
                "sub": { "a": 1 },
            })
        );
    }

    #[test]
    fn keys_that_end_in_trigger_are_not_told() {
        let mut metadata = BindingData::default();
        metadata.set("TimerTrigger", "x".into());
        metadata.set("mytrigger", "x".into());
        metadata.set("triggers", "x".into());
        let metadata = encoded(metadata);
        let keys: Vec<_> = metadata["Metadata"].as_object().unwrap().keys().collect();
        assert_eq!(keys, ["sys", "triggers"]);
    }

    #[test]
    fn body_that_is_no_object_shadows_nothing() {
        for body in ["[1]", "\"text\"", "no json", "7"] {
            let mut metadata = BindingData::default();
            metadata.shadow(body);
            assert_eq!(metadata, BindingData::default(), "{body}");
        }
    }
}
