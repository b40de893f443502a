//! Function `github-webhook`: a signed delivery of GitHub in, messages out. The work is done behind queues.

mod signature;

use crate::environment::Environment;
use crate::environment::github::GitHub;
use crate::environment::store::StoreError;
use crate::error::AgentError;
use crate::journal::once;
use crate::request::{Answer, Request};
use jiff::Timestamp;
use pipeline::github::{BODY_BYTES_MAX, GitHubEvent, Lead, Malformed, Us, lead, parse};
use pipeline::message::{Envelope, MessageId, topic};
use pipeline::outbox::{Outbox, Reply};
use pipeline::payload::{EventRejected, EventUnknown};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::borrow::Cow;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Its name, as `functions/` has it.
pub const FUNCTION: &str = "github-webhook";

/// Where it is noted when a delivery was taken last.
const TAKEN: &str = "worked/github-webhook";

/// Of what each process takes in a part of time of this length, the first is noted.
const NOTED_S: i64 = 60;

/// What is journaled of a delivery. Its contents are not kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Delivery {
    event: String,
}

/// What a delivery comes to.
enum Outcome {
    Lead(Lead),
    Unknown(EventUnknown),
    Rejected(EventRejected),
}

/// Takes a delivery. The same delivery again is answered with the same messages.
///
/// Refused, with nothing kept, where it is not signed (401), is too large (413) or has no id (400), and where no secret is set (503). What is
/// signed and can't be read is an event, and no failure: GitHub would send the same again. Broken only where the store is.
pub async fn github_webhook(env: &Environment, request: &Request) -> Result<Answer, AgentError> {
    let Some(github) = env.github.as_ref().filter(|github| !github.webhook_secrets().0.is_empty()) else {
        return Ok(refuse(503, "no delivery can be taken: SUTURE_GITHUB_WEBHOOK_SECRET is not set"));
    };
    if request.body.len() > BODY_BYTES_MAX {
        return Ok(refuse(413, "the delivery is larger than any of GitHub"));
    }
    let signature = request.header(signature::HEADER).unwrap_or_default();
    if !signature::holds(github.webhook_secrets(), request.body.as_bytes(), signature) {
        return Ok(refuse(
            401,
            "X-Hub-Signature-256 is missing, or is not that of the body by a secret that is set here",
        ));
    }
    let Some(id) = request.header("X-GitHub-Delivery").and_then(|id| id.parse::<Uuid>().ok()) else {
        return Ok(refuse(400, "X-GitHub-Delivery is missing, or is no GUID"));
    };
    let outcome = outcome(github, request)?;
    let message = delivery(env, request, MessageId(id))?;
    let now = env.clock.now();
    let before = env.last_work.of(FUNCTION);
    let messages = once(env, FUNCTION, message, async |message| messages(&outcome, &message.read()?, now)).await?;
    let part = |at: Timestamp| at.as_second().div_euclid(NOTED_S);
    if before.map(part) != Some(part(now)) {
        // The delivery is taken: it counts more than when that was.
        if let Err(error) = env.store.overwrite(TAKEN, &now).await {
            tracing::warn!(%error, "when a delivery was taken last can't be noted");
        }
    }
    Ok(answer(id, &outcome, messages))
}

/// When a delivery was taken last, to the minute. `None` where it can't be read, too.
pub async fn last_taken(env: &Environment) -> Result<Option<Timestamp>, StoreError> {
    match env.store.read(TAKEN).await {
        Err(StoreError::Damaged { .. }) => Ok(None),
        taken => taken,
    }
}

/// A refusal, and the line by which they are counted. Nothing that a stranger sent is in it.
fn refuse(status: u16, words: &str) -> Answer {
    tracing::warn!(agent.name = FUNCTION, status, reason = words, "a delivery was refused");
    Answer::refusal(status, words)
}

/// The message that stands for the delivery `id` in the journal: it begins a run.
fn delivery(env: &Environment, request: &Request, id: MessageId) -> Result<Envelope, AgentError> {
    let now = env.clock.now();
    let delivery = Delivery { event: event_of(request) };
    let root = Envelope::root("github", FUNCTION, topic::DELIVERY_RECEIVED, &delivery, env.ids.run(now), now)?;
    Ok(Envelope { id, traceparent: request.traceparent.clone(), ..root })
}

/// The event's name, of which as much is kept as GitHub's own have.
fn event_of(request: &Request) -> String {
    request.header("X-GitHub-Event").unwrap_or_default().chars().take(100).collect()
}

fn outcome(github: &GitHub, request: &Request) -> Result<Outcome, AgentError> {
    let event = event_of(request);
    let read = match event.as_str() {
        "" => Err("X-GitHub-Event is missing".to_owned()),
        name => contents(request).and_then(|json| parse(name, &json).map_err(|Malformed { reason, .. }| reason)),
    };
    Ok(match read {
        Err(reason) => Outcome::Rejected(EventRejected { event, reason }),
        Ok(GitHubEvent::Unknown { event, action }) => Outcome::Unknown(EventUnknown { event, action }),
        Ok(event) => {
            let led = lead(&event, Us { host: github.host(), app: github.app_id() });
            Outcome::Lead(led.map_err(|error| AgentError::broken(error.to_string()))?)
        }
    })
}

/// The JSON of a delivery: its body, or the field `payload` of a form.
fn contents(request: &Request) -> Result<Cow<'_, str>, String> {
    let content_type = request.header("Content-Type").unwrap_or("application/json");
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/json" => Ok(Cow::Borrowed(&request.body)),
        "application/x-www-form-urlencoded" => {
            let mut fields = url::form_urlencoded::parse(request.body.as_bytes());
            let payload = fields.find(|(name, _)| name == "payload").map(|(_, value)| value);
            payload.ok_or_else(|| "the form has no `payload`".to_owned())
        }
        _ => Err("it is neither JSON nor a form".to_owned()),
    }
}

fn messages(outcome: &Outcome, delivery: &Envelope<Delivery>, now: Timestamp) -> Result<Outbox, AgentError> {
    let mut reply = Reply::new(FUNCTION, delivery, now);
    match outcome {
        Outcome::Lead(Lead::Nowhere(_)) => {}
        Outcome::Lead(Lead::To(work)) => {
            for work in work {
                reply.command(work.queue(), work.topic(), work.subject(), work)?;
            }
        }
        Outcome::Unknown(unknown) => reply.event(topic::EVENT_UNKNOWN, "", unknown)?,
        Outcome::Rejected(rejected) => reply.event(topic::EVENT_REJECTED, "", rejected)?,
    }
    Ok(reply.finish())
}

/// 202 where agents have work of it, 200 where it was taken and nothing follows. `messages` counts what is sent, by topic.
fn answer(id: Uuid, outcome: &Outcome, messages: Vec<Envelope>) -> Answer {
    let mut sent: BTreeMap<&str, usize> = BTreeMap::new();
    for message in &messages {
        *sent.entry(&message.topic).or_default() += 1;
    }
    let (status, reason) = match outcome {
        Outcome::Lead(Lead::To(_)) => (202, None),
        Outcome::Lead(Lead::Nowhere(why)) => (200, Some((*why).to_owned())),
        Outcome::Unknown(_) => (200, Some("this version does not know the event, or its action".to_owned())),
        Outcome::Rejected(rejected) => (200, Some(rejected.reason.clone())),
    };
    tracing::info!(agent.name = FUNCTION, message.id = %id, ?sent, reason, "a delivery was taken");
    let body = json!({ "delivery": id.to_string(), "messages": sent, "reason": reason });
    Answer { status, body, messages }
}
