//! Delivered at least once, done once: the journal that is wrapped around every function, here and nowhere else.

use crate::environment::Environment;
use crate::environment::store::{Created, StoreError};
use crate::error::AgentError;
use crate::history::record_key;
use jiff::{SignedDuration, Timestamp};
use pipeline::ids::{CaseId, hash_of};
use pipeline::message::{Envelope, MONITOR_SUBSCRIPTION, MessageId, MessageType, PAYLOAD_BYTES_MAX, queue, topic};
use pipeline::outbox::{Outbox, Reply};
use pipeline::payload::Poisoned;
use serde::{Deserialize, Serialize};
use std::future::Future;

/// How often a message is put off before it is taken to be beyond help.
pub const ATTEMPTS_MAX: u32 = 8;

/// How long a message is put off at most, whatever the other side asks for: its journal records are kept for longer.
pub const PUT_OFF_DAYS_MAX: i64 = 14;

/// How far from its beginning a run may get: more is a loop.
pub const HOPS_MAX: u32 = 64;

/// Functions where every run ends, loop or not: they send to nobody but each other, and people have to hear of a loop.
const ENDS: [&str; 3] = [queue::POISON, queue::NOTIFY, MONITOR_SUBSCRIPTION];

/// What a function decided about one message. Written once, under `journal/<function>/<message id>`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JournalRecord {
    /// When.
    pub at: Timestamp,
    /// What it answered.
    pub outbox: Outbox,
    /// The same work again, where it was put off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wake_up: Option<WakeUp>,
}

impl JournalRecord {
    /// Everything that is due later because of this.
    pub fn wake_ups(&self) -> impl Iterator<Item = WakeUp> {
        let later = self.outbox.later.iter().map(|later| WakeUp {
            due: later.due,
            reason: later.message.topic.clone(),
            message: later.message.clone(),
        });
        self.wake_up.iter().cloned().chain(later)
    }
}

/// A message that is due later. Kept under `wakeups/<due minute>/<message id>`, and sent by `sweep`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WakeUp {
    /// Not before this moment.
    pub due: Timestamp,
    /// Why it was put off.
    pub reason: String,
    /// The message.
    pub message: Envelope,
}

impl WakeUp {
    /// Where it is kept.
    pub fn key(&self) -> String {
        format!("wakeups/{}/{}", self.due.strftime("%Y%m%dT%H%M"), self.message.id)
    }
}

/// Where the record of `function` handling `message` is kept.
pub fn journal_key(function: &str, message: MessageId) -> String {
    format!("journal/{function}/{message}")
}

/// Handles `message` with `work`, once: a message that was handled before gets the answer of that time.
///
/// Only [`AgentError::Broken`] comes out; the other failures, and a journal that is damaged, become a wake-up, or a message to
/// `poison`.
pub async fn once<F>(
    env: &Environment,
    function: &'static str,
    message: Envelope,
    work: impl FnOnce(Envelope) -> F,
) -> Result<Vec<Envelope>, AgentError>
where
    F: Future<Output = Result<Outbox, AgentError>>,
{
    let key = journal_key(function, message.id);
    let now = env.clock.now();
    match env.store.read::<JournalRecord>(&key).await {
        Ok(Some(record)) => return carry_out(env, record).await,
        Ok(None) => {}
        Err(error @ StoreError::Damaged { .. }) => {
            return bury(env, &key, function, &message, error.to_string(), now).await;
        }
        Err(error) => return Err(broken(error)),
    }
    if message.message_type != MessageType::Query {
        env.last_work.note(function, now);
    }
    let claimed = claim(env, message.clone()).await;
    let case = claimed.as_ref().ok().and_then(case_of);
    let outcome = match claimed {
        Ok(_) if message.hops > HOPS_MAX && !ENDS.contains(&function) => {
            Err(AgentError::cant_be_helped(format!("{} messages from its beginning: a loop", message.hops)))
        }
        Ok(claimed) => work(claimed).await,
        Err(error) => Err(error),
    };
    let record = match outcome {
        Ok(outbox) => JournalRecord { at: now, outbox: check_in(env, outbox).await?, wake_up: None },
        Err(AgentError::TryLater { reason, not_before }) if message.attempt < ATTEMPTS_MAX => JournalRecord {
            at: now,
            outbox: Outbox::default(),
            wake_up: Some(WakeUp { due: due(&message, now, not_before), reason, message: message.next_attempt(now) }),
        },
        Err(AgentError::TryLater { reason, .. } | AgentError::CantBeHelped { reason }) => {
            poisoned(env, function, &message, case, reason, now).await?
        }
        Err(broken @ AgentError::Broken { .. }) => return Err(broken),
    };
    match env.store.create(&key, &record).await.map_err(broken)? {
        Created::Now => carry_out(env, record).await,
        // Somebody else handled the same message at the same time; what they wrote is the answer.
        Created::Before => match env.store.read::<JournalRecord>(&key).await {
            Ok(theirs) => carry_out(env, theirs.unwrap_or(record)).await,
            Err(error @ StoreError::Damaged { .. }) => {
                bury(env, &key, function, &message, error.to_string(), now).await
            }
            Err(error) => Err(broken(error)),
        },
    }
}

/// What was decided about `message` can't be read any more: it becomes poison. The damaged record is kept under `poison/`.
async fn bury(
    env: &Environment,
    key: &str,
    function: &'static str,
    message: &Envelope,
    reason: String,
    now: Timestamp,
) -> Result<Vec<Envelope>, AgentError> {
    let case = claim(env, message.clone()).await.ok().as_ref().and_then(case_of);
    let record = poisoned(env, function, message, case, reason, now).await?;
    env.store.copy(key, &format!("poison/{key}")).await.map_err(broken)?;
    env.store.overwrite(key, &record).await.map_err(broken)?;
    carry_out(env, record).await
}

/// The record of `function` giving up on `message`, for `reason`. `case` is that of the payload, as it was claimed.
pub(crate) async fn poisoned(
    env: &Environment,
    function: &'static str,
    message: &Envelope,
    case: Option<CaseId>,
    reason: String,
    now: Timestamp,
) -> Result<JournalRecord, AgentError> {
    // What `poison` can't handle has nowhere else to go: the bus dead-letters it in the end.
    if function == queue::POISON {
        return Err(AgentError::broken(reason));
    }
    let outbox = poison(function, message, case, reason, now)?;
    Ok(JournalRecord { at: now, outbox: check_in(env, outbox).await?, wake_up: None })
}

/// Does what a record says: all of it can be done again without harm.
async fn carry_out(env: &Environment, record: JournalRecord) -> Result<Vec<Envelope>, AgentError> {
    for step in &record.outbox.records {
        env.store.create(&record_key(step), step).await.map_err(broken)?;
    }
    for wake_up in record.wake_ups() {
        env.store.create(&wake_up.key(), &wake_up).await.map_err(broken)?;
    }
    Ok(record.outbox.messages)
}

/// Exchanges payloads that are too large to travel for claim checks.
async fn check_in(env: &Environment, mut outbox: Outbox) -> Result<Outbox, AgentError> {
    let later = outbox.later.iter_mut().map(|later| &mut later.message);
    for message in outbox.messages.iter_mut().chain(later) {
        let text = message.payload.to_string();
        if text.len() > PAYLOAD_BYTES_MAX {
            let key = format!("claims/{}", hash_of(&[&text]));
            env.store.keep(&key, &message.payload).await.map_err(broken)?;
            message.payload = serde_json::Value::Null;
            message.payload_ref = Some(key);
        }
    }
    Ok(outbox)
}

/// Exchanges a claim check for the payload.
pub async fn claim(env: &Environment, mut message: Envelope) -> Result<Envelope, AgentError> {
    if let Some(key) = message.payload_ref.take() {
        let payload = env.store.read::<serde_json::Value>(&key).await?;
        message.payload = payload.ok_or_else(|| AgentError::cant_be_helped(format!("its payload {key} is gone")))?;
        if !key.starts_with("claims/") || key != format!("claims/{}", hash_of(&[&message.payload.to_string()])) {
            return Err(AgentError::cant_be_helped(format!("its payload {key} is not what was checked in")));
        }
    }
    Ok(message)
}

fn poison(
    function: &'static str,
    message: &Envelope,
    case: Option<CaseId>,
    reason: String,
    now: Timestamp,
) -> Result<Outbox, serde_json::Error> {
    let poisoned = Poisoned { function: function.to_owned(), reason, case, message: message.clone() };
    let mut reply = Reply::new(function, message, now);
    reply.command(queue::POISON, topic::MESSAGE_POISONED, function, &poisoned)?;
    Ok(reply.finish())
}

/// The case that `message` is about, as far as its payload says.
pub(crate) fn case_of(message: &Envelope) -> Option<CaseId> {
    message.payload.get("case")?.as_str()?.parse().ok()
}

fn broken(error: StoreError) -> AgentError {
    AgentError::broken_by_store(&error)
}

/// Doubles from a minute up to six hours, moved by up to a quarter so that what failed together does not come back together.
fn due(message: &Envelope, now: Timestamp, not_before: Option<Timestamp>) -> Timestamp {
    let seconds = (60_i64 << message.attempt.min(9)).min(6 * 3600);
    let jitter = i64::from(message.id.0.as_bytes()[15]) * seconds / 4 / 255;
    let due = now.saturating_add(SignedDuration::from_secs(seconds + jitter)).unwrap_or(now);
    let latest = now.saturating_add(SignedDuration::from_hours(24 * PUT_OFF_DAYS_MAX)).unwrap_or(now);
    not_before.map_or(due, |moment| due.max(moment.min(latest)))
}
