//! The one envelope in which agents meet, and the names of the places where they meet.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// Queues. Each is the trigger of the function of its name.
pub mod queue {
    /// Work for `scan`.
    pub const SCAN: &str = "scan";
    /// Work for `analyze`.
    pub const ANALYZE: &str = "analyze";
    /// Work for `remediate`.
    pub const REMEDIATE: &str = "remediate";
    /// Work for `verify`.
    pub const VERIFY: &str = "verify";
    /// Words for people.
    pub const NOTIFY: &str = "notify";
    /// What can't be helped, with its reason.
    pub const POISON: &str = "poison";
    /// All of them.
    pub const ALL: [&str; 6] = [SCAN, ANALYZE, REMEDIATE, VERIFY, NOTIFY, POISON];
}

/// The topic on which every step is told to whoever listens.
pub const AGENT_EVENTS: &str = "agent-events";

/// The subscription of `monitor` on [`AGENT_EVENTS`].
pub const MONITOR_SUBSCRIPTION: &str = "monitor";

/// What messages are about.
pub mod topic {
    /// Scan this repository at this commit.
    pub const SCAN_REQUESTED: &str = "scan.requested";
    /// Write anew how the cases of a repository stand.
    pub const DASHBOARD_REQUESTED: &str = "dashboard.requested";
    /// Hold what is known of a branch against what GitHub says of it.
    pub const RECONCILE_REQUESTED: &str = "repository.reconcile_requested";
    /// Nothing is left to mend of a case whose fix is offered.
    pub const WOUND_GONE: &str = "wound.gone";
    /// Hold what a branch depends on against the advisories of today.
    pub const MATCH_REQUESTED: &str = "inventory.match_requested";
    /// A scan ended; its findings are counted.
    pub const SCAN_COMPLETED: &str = "scan.completed";
    /// A case with vulnerabilities.
    pub const VULNERABILITY_DETECTED: &str = "vulnerability.detected";
    /// A first verdict, before any proof.
    pub const ANALYSIS_COMPLETE: &str = "analysis.complete";
    /// Heal this case.
    pub const REMEDIATION_REQUESTED: &str = "remediation.requested";
    /// A plan is being made.
    pub const REMEDIATION_STARTED: &str = "remediation.started";
    /// A proven patch was delivered.
    pub const REMEDIATION_COMPLETE: &str = "remediation.complete";
    /// No patch, or one that did not prove.
    pub const REMEDIATION_FAILED: &str = "remediation.failed";
    /// Look at the delivered fix with other eyes.
    pub const VERIFICATION_REQUESTED: &str = "verification.requested";
    /// What the second look saw.
    pub const VERIFICATION_COMPLETE: &str = "verification.complete";
    /// Tell people.
    pub const NOTIFICATION_REQUESTED: &str = "notification.requested";
    /// The wound is closed.
    pub const HEALING_COMPLETED: &str = "healing.completed";
    /// The fix did not hold.
    pub const HEALING_FAILED: &str = "healing.failed";
    /// A fix waits for somebody's approval.
    pub const HEALING_PROPOSED: &str = "healing.proposed";
    /// All findings of the case are suppressed.
    pub const HEALING_SUPPRESSED: &str = "healing.suppressed";
    /// A newer run took the case over.
    pub const HEALING_SUPERSEDED: &str = "healing.superseded";
    /// What came of a fix.
    pub const OUTCOME_RECORDED: &str = "outcome.recorded";
    /// A guard rail holds a fix back for a while.
    pub const HEALING_HELD: &str = "healing.held";
    /// People have to decide.
    pub const HEALING_ESCALATED: &str = "healing.escalated";
    /// At the head commit the finding is not true.
    pub const HEALING_FALSE_POSITIVE: &str = "healing.false_positive";
    /// A fix was taken back.
    pub const HEALING_ROLLED_BACK: &str = "healing.rolled_back";
    /// How an agent is: asked by `sweep`, answered by every agent.
    pub const AGENT_STATUS: &str = "agent.status";
    /// A delivery of GitHub, as `github-webhook` journals it. It is never sent.
    pub const DELIVERY_RECEIVED: &str = "delivery.received";
    /// Look at a pull request of others.
    pub const PULL_REQUEST_SCAN_REQUESTED: &str = "pull_request.scan_requested";
    /// A pull request of ours was closed.
    pub const PULL_REQUEST_CLOSED: &str = "pull_request.closed";
    /// A pull request of ours was opened again.
    pub const PULL_REQUEST_REOPENED: &str = "pull_request.reopened";
    /// The branch of a pull request of ours moved.
    pub const PULL_REQUEST_CHANGED: &str = "pull_request.changed";
    /// Somebody wants our check of a commit once more.
    pub const CHECK_REREQUESTED: &str = "check.rerequested";
    /// Look whether GitHub closed its alerts on what was healed.
    pub const ALERTS_AWAITED: &str = "alerts.awaited";
    /// Look whether checks fail on the merge of a fix that passed before it.
    pub const MERGE_CHECKS_AWAITED: &str = "merge.checks_awaited";
    /// A check on a branch of ours ended.
    pub const CHECKS_COMPLETED: &str = "checks.completed";
    /// Somebody wrote to us at a pull request.
    pub const COMMENT_RECEIVED: &str = "comment.received";
    /// An alert of GitHub changed.
    pub const ALERT_CHANGED: &str = "alert.changed";
    /// An advisory was published, changed or withdrawn.
    pub const ADVISORY_PUBLISHED: &str = "advisory.published";
    /// An installation reaches a repository.
    pub const REPOSITORY_ADDED: &str = "repository.added";
    /// An installation no longer reaches a repository.
    pub const REPOSITORY_REMOVED: &str = "repository.removed";
    /// A repository is not called so any more.
    pub const REPOSITORY_RENAMED: &str = "repository.renamed";
    /// An installation reaches more repositories, which are to be listed.
    pub const INSTALLATION_ADDED: &str = "installation.added";
    /// An installation reaches fewer repositories; those that are left are to be listed.
    pub const INSTALLATION_REMOVED: &str = "installation.removed";
    /// An event of GitHub that is not known.
    pub const EVENT_UNKNOWN: &str = "event.unknown";
    /// An event of GitHub that can't be read.
    pub const EVENT_REJECTED: &str = "event.rejected";
    /// A message that could not be helped.
    pub const MESSAGE_POISONED: &str = "message.poisoned";
}

/// Identity of a message. A redelivered cause makes messages with the same ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessageId(pub Uuid);

/// Identity of a run, from what began it to its outcomes. Ids of later runs are greater (UUIDv7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub Uuid);

impl std::str::FromStr for RunId {
    type Err = uuid::Error;
    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        Uuid::parse_str(text).map(Self)
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl RunId {
    /// The run that began at `began`, told apart by `chance` from others of the same millisecond.
    pub fn new(began: Timestamp, chance: [u8; 10]) -> Self {
        let milliseconds = u64::try_from(began.as_millisecond()).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(milliseconds, &chance).into_uuid())
    }

    /// When it began, to the millisecond.
    pub fn began(self) -> Timestamp {
        let (seconds, nanoseconds) = self.0.get_timestamp().map_or((0, 0), |stamp| stamp.to_unix());
        i64::try_from(seconds)
            .ok()
            .and_then(|seconds| Timestamp::new(seconds, i32::try_from(nanoseconds).unwrap_or_default()).ok())
            .unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// The run that began at `began` about `subject`: the same whoever begins it.
    pub fn about(began: Timestamp, subject: &str) -> Self {
        let mut chance = [0; 10];
        chance.iter_mut().zip(crate::ids::hash_of(&[subject]).bytes()).for_each(|(chance, digit)| *chance = digit);
        Self::new(began, chance)
    }

    /// The first moment whose runs are all later than this one; `None` where no calendar goes that far.
    pub fn next_millisecond(&self) -> Option<Timestamp> {
        let [a, b, c, d, e, f, ..] = *self.0.as_bytes();
        let began = i64::from_be_bytes([0, 0, a, b, c, d, e, f]);
        Timestamp::from_millisecond(began.saturating_add(1)).ok()
    }
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageType {
    /// One agent's work.
    Command,
    /// Told to whoever listens.
    Event,
    /// A question that is answered.
    Query,
    /// The answer.
    Response,
}

/// One message. Unknown members are ignored, so that older agents read newer messages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Envelope<P = serde_json::Value> {
    /// Derived from what caused it; see [`Envelope::derive_id`].
    pub id: MessageId,
    /// What it is.
    #[serde(rename = "type")]
    pub message_type: MessageType,
    /// The agent that sent it.
    pub source: String,
    /// The queue that it is for; `None`: broadcast.
    pub target: Option<String>,
    /// What it is about, one of [`topic`].
    pub topic: String,
    /// Its contents; JSON `null` where [`Envelope::payload_ref`] stands for them.
    pub payload: P,
    /// Where the contents are, when they are too large to travel: the key of a claim check in the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload_ref: Option<String>,
    /// The run.
    pub correlation_id: RunId,
    /// The message that caused it; `None` for the one that began the run.
    pub causation_id: Option<MessageId>,
    /// How many messages lie between the beginning of the run and this one.
    #[serde(default)]
    pub hops: u32,
    /// How often this work was put off, from 0.
    #[serde(default)]
    pub attempt: u32,
    /// When it was written.
    pub timestamp: Timestamp,
    /// Version of the payload's shape.
    #[serde(default = "schema_version")]
    pub schema_version: u32,
    /// W3C trace context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

/// The schema version that this release writes.
pub const SCHEMA_VERSION: u32 = 1;

fn schema_version() -> u32 {
    SCHEMA_VERSION
}

/// A payload over this size travels as a claim check: a Standard queue takes 256 KiB.
pub const PAYLOAD_BYTES_MAX: usize = 192 * 1024;

/// A message that can't be read.
#[derive(Debug, thiserror::Error)]
#[error("{topic} of {source_agent} can't be read: {error}")]
pub struct PayloadError {
    topic: String,
    source_agent: String,
    error: serde_json::Error,
}

impl Envelope {
    /// The message that begins a run.
    pub fn root<P: Serialize>(
        source: &str,
        target: &str,
        topic: &str,
        payload: &P,
        run: RunId,
        now: Timestamp,
    ) -> Result<Self, serde_json::Error> {
        Ok(Self {
            id: MessageId(Uuid::new_v5(&run.0, format!("{target}/{topic}").as_bytes())),
            message_type: MessageType::Command,
            source: source.to_owned(),
            target: Some(target.to_owned()),
            topic: topic.to_owned(),
            payload: serde_json::to_value(payload)?,
            payload_ref: None,
            correlation_id: run,
            causation_id: None,
            hops: 0,
            attempt: 0,
            timestamp: now,
            schema_version: SCHEMA_VERSION,
            traceparent: None,
        })
    }

    /// The id of the message that `cause` leads to: the same whenever the same cause is handled again.
    pub fn derive_id(
        cause: MessageId,
        target: Option<&str>,
        topic: &str,
        subject: &str,
        ordinal: usize,
        attempt: u32,
    ) -> MessageId {
        let name =
            crate::ids::hash_of(&[target.unwrap_or(""), topic, subject, &ordinal.to_string(), &attempt.to_string()]);
        MessageId(Uuid::new_v5(&cause.0, name.as_bytes()))
    }

    /// The same message with its payload read as `P`.
    pub fn read<P: DeserializeOwned>(self) -> Result<Envelope<P>, PayloadError> {
        let payload = serde_json::from_value(self.payload).map_err(|error| PayloadError {
            topic: self.topic.clone(),
            source_agent: self.source.clone(),
            error,
        })?;
        Ok(Envelope {
            id: self.id,
            message_type: self.message_type,
            source: self.source,
            target: self.target,
            topic: self.topic,
            payload,
            payload_ref: self.payload_ref,
            correlation_id: self.correlation_id,
            causation_id: self.causation_id,
            hops: self.hops,
            attempt: self.attempt,
            timestamp: self.timestamp,
            schema_version: self.schema_version,
            traceparent: self.traceparent,
        })
    }

    /// The same work again, later: the next attempt has an id of its own.
    #[must_use]
    pub fn next_attempt(&self, now: Timestamp) -> Self {
        let attempt = self.attempt.saturating_add(1);
        let mut next = self.clone();
        next.id = Self::derive_id(self.id, self.target.as_deref(), &self.topic, "again", 0, attempt);
        next.causation_id = Some(self.id);
        next.attempt = attempt;
        next.timestamp = now;
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> Envelope {
        let run = RunId::new(Timestamp::UNIX_EPOCH, [7; 10]);
        Envelope::root(
            "cli",
            queue::SCAN,
            topic::SCAN_REQUESTED,
            &serde_json::json!({"a": 1}),
            run,
            Timestamp::UNIX_EPOCH,
        )
        .unwrap()
    }

    #[test]
    fn json_of_the_envelope_is_the_contract() {
        insta::assert_json_snapshot!(root(), @r#"
        {
          "id": "02c5e5c2-b99a-5a36-8f59-0c41b007234f",
          "type": "command",
          "source": "cli",
          "target": "scan",
          "topic": "scan.requested",
          "payload": {
            "a": 1
          },
          "correlation_id": "00000000-0000-7707-8707-070707070707",
          "causation_id": null,
          "hops": 0,
          "attempt": 0,
          "timestamp": "1970-01-01T00:00:00Z",
          "schema_version": 1
        }
        "#);
    }

    #[test]
    fn unknown_members_are_ignored_and_missing_ones_have_defaults() {
        let mut json = serde_json::to_value(root()).unwrap();
        let members = json.as_object_mut().unwrap();
        members.insert("novelty".to_owned(), true.into());
        for optional in ["hops", "attempt", "schema_version"] {
            members.remove(optional);
        }
        assert_eq!(serde_json::from_value::<Envelope>(json).unwrap(), root());
    }

    #[test]
    fn same_cause_makes_same_ids_and_another_attempt_makes_others() {
        let cause = root().id;
        let id = |ordinal, attempt| Envelope::derive_id(cause, Some("notify"), "t", "s", ordinal, attempt);
        assert_eq!(id(0, 0), id(0, 0));
        assert_ne!(id(0, 0), id(1, 0));
        assert_ne!(id(0, 0), id(0, 1));
        assert_ne!(root().next_attempt(Timestamp::UNIX_EPOCH).id, root().id);
    }

    #[test]
    fn later_runs_have_greater_ids() {
        let at = |second| RunId::new(Timestamp::from_second(second).unwrap(), [0xff; 10]);
        assert!(at(1) < at(2));
        let next = at(1).next_millisecond().unwrap();
        assert_eq!(next, Timestamp::from_millisecond(1001).unwrap());
        assert!(RunId::new(next, [0; 10]) > at(1));
        assert_eq!(RunId(Uuid::from_bytes([0xff; 16])).next_millisecond(), None);
    }
}
