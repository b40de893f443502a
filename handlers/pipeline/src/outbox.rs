//! What an agent answers with: messages and records that leave together, or not at all.

use crate::case::CaseRecord;
use crate::ids::CaseId;
use crate::message::{Envelope, MessageId, MessageType, RunId, SCHEMA_VERSION};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The answer of an agent to one message.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Outbox {
    /// Messages, sent by the host after the answer.
    pub messages: Vec<Envelope>,
    /// What the case went through, kept with the case.
    #[serde(default)]
    pub records: Vec<CaseRecord>,
    /// Messages that are not to be sent before their time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub later: Vec<Later>,
}

/// A message for later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Later {
    /// Not before this moment.
    pub due: Timestamp,
    /// The message.
    pub message: Envelope,
}

/// An [`Outbox`] being filled by `source` in answer to `cause`.
#[derive(Debug)]
pub struct Reply<'a, P> {
    source: &'static str,
    cause: &'a Envelope<P>,
    now: Timestamp,
    outbox: Outbox,
}

impl<'a, P> Reply<'a, P> {
    /// An empty answer of `source` to `cause`.
    pub fn new(source: &'static str, cause: &'a Envelope<P>, now: Timestamp) -> Self {
        Self { source, cause, now, outbox: Outbox::default() }
    }

    /// Work for the agent behind the queue `target`. `subject` tells messages of one topic apart: the case, mostly.
    pub fn command<Q: Serialize>(
        &mut self,
        target: &str,
        topic: &str,
        subject: &str,
        payload: &Q,
    ) -> Result<(), serde_json::Error> {
        self.push(MessageType::Command, Some(target), topic, subject, payload)
    }

    /// Work that a run asks for once, whoever of its agents asks: its id follows from the run and `subject` alone.
    pub fn command_of_run<Q: Serialize>(
        &mut self,
        target: &str,
        topic: &str,
        subject: &str,
        payload: &Q,
    ) -> Result<(), serde_json::Error> {
        self.command(target, topic, subject, payload)?;
        if let Some(message) = self.outbox.messages.last_mut() {
            let run = MessageId(self.cause.correlation_id.0);
            message.id = Envelope::derive_id(run, Some(target), topic, subject, 0, 0);
        }
        Ok(())
    }

    /// As [`Reply::command`], as the beginning of a run of its own: whatever began since the run of the cause is older. What caused it shows.
    pub fn command_in_new_run<Q: Serialize>(
        &mut self,
        target: &str,
        topic: &str,
        subject: &str,
        payload: &Q,
    ) -> Result<(), serde_json::Error> {
        self.command(target, topic, subject, payload)?;
        if let Some(message) = self.outbox.messages.last_mut() {
            message.correlation_id = RunId::about(self.now, &message.id.to_string());
            message.hops = 0;
        }
        Ok(())
    }

    /// As [`Reply::command`], in a run of its own that is later than `newest`, which may have begun by a clock that is ahead of ours. It is
    /// as far from the beginning as any other answer: two runs that overtake each other come to an end. Whoever asks for the same `subject` after
    /// the same run asks for one message.
    pub fn command_in_run_after<Q: Serialize>(
        &mut self,
        newest: RunId,
        target: &str,
        topic: &str,
        subject: &str,
        payload: &Q,
    ) -> Result<(), serde_json::Error> {
        self.command(target, topic, subject, payload)?;
        if let Some(message) = self.outbox.messages.last_mut() {
            message.id = Envelope::derive_id(MessageId(newest.0), Some(target), topic, subject, 0, 0);
            let began = newest.next_millisecond().map_or(self.now, |next| next.max(self.now));
            message.correlation_id = RunId::about(began, &message.id.to_string());
        }
        Ok(())
    }

    /// As [`Reply::command`], not before `due`.
    pub fn command_later<Q: Serialize>(
        &mut self,
        due: Timestamp,
        target: &str,
        topic: &str,
        subject: &str,
        payload: &Q,
    ) -> Result<(), serde_json::Error> {
        self.command(target, topic, subject, payload)?;
        self.outbox.later.extend(self.outbox.messages.pop().map(|message| Later { due, message }));
        Ok(())
    }

    /// Work that begins a run of its own at `due`. Whoever asks for the same `subject` at the same moment asks for one message.
    pub fn begin_run_later<Q: Serialize>(
        &mut self,
        due: Timestamp,
        target: &str,
        topic: &str,
        subject: &str,
        payload: &Q,
    ) -> Result<(), serde_json::Error> {
        self.command(target, topic, subject, payload)?;
        let run = RunId::about(due, subject);
        self.outbox.later.extend(self.outbox.messages.pop().map(|mut message| {
            message.id = Envelope::derive_id(MessageId(run.0), Some(target), topic, subject, 0, 0);
            message.correlation_id = run;
            message.hops = 0;
            Later { due, message }
        }));
        Ok(())
    }

    /// Something that everybody may know.
    pub fn event<Q: Serialize>(&mut self, topic: &str, subject: &str, payload: &Q) -> Result<(), serde_json::Error> {
        self.push(MessageType::Event, None, topic, subject, payload)
    }

    /// The answer to a question. Everybody may know it.
    pub fn response<Q: Serialize>(&mut self, topic: &str, subject: &str, payload: &Q) -> Result<(), serde_json::Error> {
        self.push(MessageType::Response, None, topic, subject, payload)
    }

    /// What `case` went through in this step.
    pub fn record(&mut self, case: &CaseId, fill: impl FnOnce(&mut CaseRecord)) {
        let mut record = CaseRecord::new(
            case.clone(),
            self.cause.id,
            self.cause.correlation_id,
            self.cause.hops,
            self.source,
            self.now,
        );
        fill(&mut record);
        self.outbox.records.push(record);
    }

    /// What `case` went through, as a part of `run`, `hops` from its beginning: where something outside has to do with what that run did.
    pub fn record_in(&mut self, case: &CaseId, run: RunId, hops: u32, fill: impl FnOnce(&mut CaseRecord)) {
        let mut record = CaseRecord::new(case.clone(), self.cause.id, run, hops, self.source, self.now);
        fill(&mut record);
        self.outbox.records.push(record);
    }

    /// The finished answer.
    pub fn finish(self) -> Outbox {
        self.outbox
    }

    fn push<Q: Serialize>(
        &mut self,
        message_type: MessageType,
        target: Option<&str>,
        topic: &str,
        subject: &str,
        payload: &Q,
    ) -> Result<(), serde_json::Error> {
        let ordinal =
            self.outbox.messages.iter().filter(|sent| sent.topic == topic && sent.target.as_deref() == target).count();
        self.outbox.messages.push(Envelope {
            id: Envelope::derive_id(self.cause.id, target, topic, subject, ordinal, 0),
            message_type,
            source: self.source.to_owned(),
            target: target.map(str::to_owned),
            topic: topic.to_owned(),
            payload: serde_json::to_value(payload)?,
            payload_ref: None,
            correlation_id: self.cause.correlation_id,
            causation_id: Some(self.cause.id),
            hops: self.cause.hops.saturating_add(1),
            attempt: 0,
            timestamp: self.now,
            schema_version: SCHEMA_VERSION,
            traceparent: self.cause.traceparent.clone(),
        });
        Ok(())
    }
}
