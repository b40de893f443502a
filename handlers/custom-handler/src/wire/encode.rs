//! What a function answers the host: `{"Outputs":{"<binding>":…},"Logs":[…],"ReturnValue":null}`. Never nothing: an empty 200
//! or `null` would leave the host waiting until its timeout.

use agents::request::Answer;
use agents::topology::{Function, Output, TopologyError};
use pipeline::message::Envelope;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::Value;

/// The answer to one call.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Reply {
    outputs: Outputs,
    logs: Vec<String>,
    return_value: (),
}

/// By name of the binding: an answer first, then messages in the order of function.json.
#[derive(Debug, Clone, PartialEq, Default)]
struct Outputs(Vec<(String, Sent)>);

/// What leaves by one binding.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
enum Sent {
    /// The host takes the elements of an array of strings as they are. A string alone it would decode where it looks like
    /// base64, indent where it is an object, and split where it is an array.
    Messages(Vec<String>),
    Answer(HttpAnswer),
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct HttpAnswer {
    status_code: u16,
    headers: Headers,
    body: Value,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Headers {
    #[serde(rename = "content-type")]
    content_type: &'static str,
}

/// A message that can't leave.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// No output of the function leads there.
    #[error(transparent)]
    Topology(#[from] TopologyError),
    /// It can't be written.
    #[error("a message can't be written: {0}")]
    Json(#[from] serde_json::Error),
}

impl Reply {
    /// `messages` leave `function` by the bindings that lead to their queues and topics. `logs` the host tells its own log, in
    /// the context of the call.
    pub fn messages(function: &Function, messages: &[Envelope], logs: Vec<String>) -> Result<Self, EncodeError> {
        let mut outputs: Vec<(&str, Vec<String>)> =
            function.outputs.iter().map(|(binding, _)| (binding.as_str(), Vec::new())).collect();
        for message in messages {
            let leaves_by = function.binding_of(message)?;
            let text = serde_json::to_string(message)?;
            if let Some((_, texts)) = outputs.iter_mut().find(|(binding, _)| *binding == leaves_by) {
                texts.push(text);
            }
        }
        let outputs = outputs.into_iter().filter(|(_, texts)| !texts.is_empty());
        let outputs = outputs.map(|(binding, texts)| (binding.to_owned(), Sent::Messages(texts))).collect();
        Ok(Self { outputs: Outputs(outputs), logs, return_value: () })
    }

    /// The answer to a request, by the `http` binding of `function`, and the messages that leave with it.
    pub fn http(function: &Function, answer: Answer, logs: Vec<String>) -> Result<Self, EncodeError> {
        let Answer { status, body, messages } = answer;
        let headers = Headers { content_type: "application/json" };
        let answer = HttpAnswer { status_code: status, headers, body };
        let mut reply = Self::messages(function, &messages, logs)?;
        if let Some((name, _)) = function.outputs.iter().find(|(_, output)| *output == Output::Http) {
            reply.outputs.0.insert(0, (name.clone(), Sent::Answer(answer)));
        }
        Ok(reply)
    }

    /// The JSON.
    pub fn json(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }
}

impl Serialize for Outputs {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.0.len()))?;
        for (binding, sent) in &self.0 {
            map.serialize_entry(binding, sent)?;
        }
        map.end()
    }
}
