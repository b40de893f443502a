//! The messages of a run, as the journal has them: who sent what to whom, and how long it took.

use crate::environment::store::{Store, StoreError};
use crate::journal::JournalRecord;
use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use pipeline::message::{Envelope, MONITOR_SUBSCRIPTION, MessageId, MessageType, RunId};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Records that are read at the same time.
const READ_AT_ONCE: usize = 32;

/// Clocks may differ by so much.
const SKEW_S: i64 = 120;

/// One message, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Handled {
    /// Which one.
    pub message: MessageId,
    /// The message in whose handling it was sent; `None` for the one that began the run.
    pub cause: Option<MessageId>,
    /// What it is about; empty for the one that began the run, of which only its handling is known.
    pub topic: String,
    /// The function that has to do with it.
    pub function: String,
    /// When it was sent; of one for later, when it was due.
    pub sent: Option<Timestamp>,
    /// When it is due, of one that was not to be sent at once.
    pub due: Option<Timestamp>,
    /// When it was handled; `None`: it was not, as far as was looked.
    pub handled: Option<Timestamp>,
    /// Until when it was put off, where it was.
    pub put_off: Option<Timestamp>,
}

impl Handled {
    /// From being sent to being handled, in milliseconds. Clocks of several machines may make it negative.
    pub fn latency_ms(&self) -> Option<i64> {
        let (sent, handled) = (self.sent?, self.handled?);
        i64::try_from(handled.duration_since(sent).as_millis()).ok()
    }
}

/// The messages of `run` that were handled within `hours` of its beginning, and those that they sent. Who is sent before who it sends.
///
/// Only records of the journal that were written in that time are read.
pub async fn trace(store: &Store, run: RunId, hours: i64) -> Result<Vec<Handled>, StoreError> {
    let begun = run.began().saturating_sub(SignedDuration::from_secs(SKEW_S)).unwrap_or(Timestamp::MIN);
    let end = begun.saturating_add(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MAX);
    let mut keys = Vec::new();
    for function in store.folders("journal").await? {
        let listed = store.list_written(&format!("journal/{function}")).await?;
        let of_time = listed.into_iter().filter(|record| begun <= record.written && record.written <= end);
        keys.extend(of_time.map(|record| (function.clone(), record.key)));
    }
    let mut reading = stream::iter(keys.into_iter().map(|(function, key)| async move {
        let id = key.rsplit('/').next().and_then(|id| id.parse::<uuid::Uuid>().ok()).map(MessageId);
        (function, id, store.read::<JournalRecord>(&key).await)
    }))
    .buffer_unordered(READ_AT_ONCE);
    let mut records: BTreeMap<(String, MessageId), JournalRecord> = BTreeMap::new();
    while let Some((function, id, record)) = reading.next().await {
        match record {
            Ok(record) => records.extend(id.zip(record).map(|(id, record)| ((function, id), record))),
            Err(StoreError::Damaged { key, error }) => {
                tracing::error!(key, %error, "a record of the journal is damaged")
            }
            Err(error) => return Err(error),
        }
    }
    Ok(of_run(run, &records))
}

/// The messages of `run` in `records`, by their time.
fn of_run(run: RunId, records: &BTreeMap<(String, MessageId), JournalRecord>) -> Vec<Handled> {
    let mut sent: BTreeMap<MessageId, (Envelope, Option<Timestamp>)> = BTreeMap::new();
    let mut roots: BTreeSet<MessageId> = BTreeSet::new();
    for ((_, id), record) in records {
        let later = record.wake_ups().map(|wake_up| (wake_up.message, Some(wake_up.due)));
        let at_once = record.outbox.messages.iter().map(|message| (message.clone(), None));
        for (message, due) in at_once.chain(later).filter(|(message, _)| message.correlation_id == run) {
            roots.insert(*id);
            sent.insert(message.id, (message, due));
        }
    }
    roots.retain(|root| !sent.contains_key(root));
    let handled = |function: &str, id: MessageId| records.get(&(function.to_owned(), id));
    let put_off_until = |record: &JournalRecord| record.wake_up.as_ref().map(|wake_up| wake_up.due);
    let mut all: Vec<Handled> = Vec::new();
    for ((function, id), record) in records.iter().filter(|((_, id), _)| roots.contains(id)) {
        let (topic, function) = (String::new(), function.clone());
        let (handled, put_off) = (Some(record.at), put_off_until(record));
        all.push(Handled { message: *id, cause: None, topic, function, sent: None, due: None, handled, put_off });
    }
    for (message, due) in sent.values() {
        let is_event = message.message_type == MessageType::Event || message.target.is_none();
        let function = if is_event { MONITOR_SUBSCRIPTION } else { message.target.as_deref().unwrap_or_default() };
        let record = handled(function, message.id);
        all.push(Handled {
            message: message.id,
            cause: message.causation_id,
            topic: message.topic.clone(),
            function: function.to_owned(),
            sent: Some(due.map_or(message.timestamp, |due| due.max(message.timestamp))),
            due: *due,
            handled: record.map(|record| record.at),
            put_off: record.and_then(put_off_until),
        });
    }
    all.sort_by_key(|message| (message.sent, message.handled, message.message));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use pipeline::message::{queue, topic};
    use pipeline::outbox::{Outbox, Reply};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn handled_at(second: i64, outbox: Outbox) -> JournalRecord {
        JournalRecord { at: at(second), outbox, wake_up: None }
    }

    #[test]
    fn waiting_that_was_meant_is_no_latency() {
        let run = RunId::new(at(0), [0; 10]);
        let root = Envelope::root("test", queue::VERIFY, topic::CHECKS_COMPLETED, &"", run, at(0)).unwrap();
        let mut reply = Reply::new("verify", &root, at(1));
        reply.command(queue::NOTIFY, topic::NOTIFICATION_REQUESTED, "", &"").unwrap();
        reply.command_later(at(3600), queue::VERIFY, topic::CHECKS_COMPLETED, "", &"").unwrap();
        let outbox = reply.finish();
        let look = outbox.later[0].message.id;
        let mut records = BTreeMap::from([(("verify".to_owned(), root.id), handled_at(1, outbox))]);
        let of_look = |records: &BTreeMap<_, _>| {
            let found = of_run(run, records).into_iter().find(|handled| handled.message == look).unwrap();
            (found.due, found.handled, found.latency_ms())
        };
        assert_eq!(of_look(&records), (Some(at(3600)), None, None));
        records.insert(("verify".to_owned(), look), handled_at(3602, Outbox::default()));
        assert_eq!(of_look(&records), (Some(at(3600)), Some(at(3602)), Some(2000)));
        let at_once = of_run(run, &records).into_iter().find(|handled| handled.function == "notify").unwrap();
        assert_eq!((at_once.sent, at_once.due), (Some(at(1)), None));
    }

    #[test]
    fn work_that_was_put_off_is_due_when_it_comes_again() {
        let run = RunId::new(at(0), [0; 10]);
        let root = Envelope::root("test", queue::SCAN, topic::SCAN_REQUESTED, &"", run, at(0)).unwrap();
        let again = root.next_attempt(at(1));
        let wake_up = Some(crate::journal::WakeUp { due: at(60), reason: String::new(), message: again.clone() });
        let records = BTreeMap::from([
            (("scan".to_owned(), root.id), JournalRecord { wake_up, ..handled_at(1, Outbox::default()) }),
            (("scan".to_owned(), again.id), handled_at(61, Outbox::default())),
        ]);
        let found = of_run(run, &records).into_iter().find(|handled| handled.message == again.id).unwrap();
        assert_eq!((found.due, found.latency_ms()), (Some(at(60)), Some(1000)));
    }
}
