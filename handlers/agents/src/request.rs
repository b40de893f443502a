//! What a function with a route is asked over HTTP, and what it answers.

use pipeline::message::Envelope;
use std::collections::BTreeMap;

/// An HTTP request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// Each header may stand there more than once, in whatever case.
    pub headers: BTreeMap<String, Vec<String>>,
    /// Parameters after `?`.
    pub query: BTreeMap<String, String>,
    /// Its text; empty where there was none.
    pub body: String,
    /// W3C trace context of the call.
    pub traceparent: Option<String>,
}

/// What a function of a route answers, and what it sends.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// JSON.
    pub body: serde_json::Value,
    /// What it sends. If that fails, the caller gets a failure in place of the answer.
    pub messages: Vec<Envelope>,
}

impl Request {
    /// The first value of the header called `name`, in whatever case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, values) = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        values.first().map(String::as_str)
    }
}

impl Answer {
    /// An answer that sends nothing.
    pub fn new(status: u16, body: serde_json::Value) -> Self {
        Self { status, body, messages: Vec::new() }
    }

    /// A refusal in words.
    pub fn refusal(status: u16, words: &str) -> Self {
        Self::new(status, serde_json::json!({ "error": words }))
    }
}
