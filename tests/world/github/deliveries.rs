//! Deliveries of the App's webhook, signed as GitHub signs them.

use super::HOOK_SECRET;
use super::state::{State, shaped, user};
use aws_lc_rs::hmac;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A delivery on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// `X-GitHub-Event`.
    pub event: String,
    /// `X-GitHub-Delivery`: the same for every attempt.
    pub guid: String,
    /// JSON.
    pub body: String,
}

/// One attempt at a delivery.
pub(super) struct Attempt {
    pub id: u64,
    pub delivery: Delivery,
    at: String,
    status_code: u16,
    is_again: bool,
}

impl Delivery {
    /// The headers that GitHub sends with it.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, HOOK_SECRET.as_bytes());
        let signed = hex::encode(hmac::sign(&key, self.body.as_bytes()).as_ref());
        vec![
            ("content-type", "application/json".to_owned()),
            ("user-agent", "GitHub-Hookshot/simulated".to_owned()),
            ("x-github-event", self.event.clone()),
            ("x-github-delivery", self.guid.clone()),
            ("x-hub-signature-256", format!("sha256={signed}")),
        ]
    }

    /// Delivers it to `url`. What was answered; 0: nothing.
    pub async fn send(&self, client: &reqwest::Client, url: &str) -> u16 {
        let mut request = client.post(url).body(self.body.clone());
        for (name, value) in self.headers() {
            request = request.header(name, value);
        }
        request.send().await.map_or(0, |answer| answer.status().as_u16())
    }

    /// What it says.
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

impl Attempt {
    fn is_taken(&self) -> bool {
        (200..300).contains(&self.status_code)
    }

    pub fn value(&self) -> Value {
        let action = self.delivery.value()["action"].clone();
        shaped(
            "delivery",
            json!({
                "id": self.id, "guid": self.delivery.guid, "event": self.delivery.event, "action": action,
                "delivered_at": self.at, "redelivery": self.is_again, "status_code": self.status_code,
                "status": if self.is_taken() { "OK" } else { "Invalid HTTP Response" }, "installation_id": 1,
            }),
        )
    }
}

impl State {
    /// Something happened in a repository, by `login`, where that is told.
    pub fn tell(&mut self, id: u64, event: &str, login: Option<&str>, mut body: Value) {
        body["repository"] = self.repository_in_delivery(id);
        if let Some(login) = login {
            body["sender"] = user(login);
        }
        body["installation"] = json!({ "id": self.installation, "node_id": "I_1" });
        let guid = format!("00000000-0000-4000-8000-{:012}", self.id());
        self.deliveries.push(Delivery { event: event.to_owned(), guid, body: body.to_string() });
    }

    pub fn failed_deliveries(&self) -> BTreeSet<String> {
        let guids = |is_taken: bool| {
            let attempts = self.attempts.iter().filter(move |attempt| attempt.is_taken() == is_taken);
            attempts.map(|attempt| attempt.delivery.guid.clone()).collect::<BTreeSet<_>>()
        };
        &guids(false) - &guids(true)
    }

    pub fn note_delivery(&mut self, delivery: &Delivery, status_code: u16) {
        let is_again = self.attempts.iter().any(|attempt| attempt.delivery.guid == delivery.guid);
        let (id, at, delivery) = (self.id(), self.now(), delivery.clone());
        self.attempts.push(Attempt { id, delivery, at, status_code, is_again });
    }
}
