//! Every quarter of an hour each agent is asked how it is, through its own queue; who stays silent is told of.
//!
//! A question has an id that follows from its round and its agent, and so has the answer: both are found without a search,
//! and two sweeps ask the same. The newest answers make the registry of agents, a document that this file alone writes. Functions without a
//! queue can't be asked: of them it has when they worked last.

use crate::environment::Environment;
use crate::environment::store::{Created, StoreError};
use crate::error::AgentError;
use crate::github_webhook;
use crate::journal::{JournalRecord, WakeUp, journal_key};
use crate::status::capabilities;
use crate::topology::{Function, Topology, Trigger};
use jiff::{SignedDuration, Timestamp};
use pipeline::message::{Envelope, MONITOR_SUBSCRIPTION, MessageId, MessageType, RunId, queue, topic};
use pipeline::payload::{AgentStatus, Notification, StatusAsked};
use pipeline::wording;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A round lasts this long.
const ROUND_S: i64 = 15 * 60;

/// Within a round, who has not answered yet is asked again after this time: the first question may be lost with its sweep.
const ASK_AGAIN_S: i64 = 5 * 60;

/// An agent is silent after so many rounds in a row in which it was asked and did not answer.
const SILENT_ROUNDS: usize = 2;

/// After so many rounds without a sweep its timer does not run.
const MISSED_ROUNDS: i64 = 3;

/// So many rounds are remembered.
const ROUNDS_KEPT: i64 = 8;

/// Where the registry of agents is kept: a cache, which the next rounds would make again.
pub const REGISTRY: &str = "agents.json";

/// Every agent, as its newest answer tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registry {
    /// By name.
    pub agents: BTreeMap<String, Registered>,
}

impl Registry {
    /// When agents were asked last, if by `now` that is so long ago that nothing is known of them any more.
    pub fn not_asked_since(&self, now: Timestamp) -> Option<Timestamp> {
        let swept = self.agents.get(SWEEP).and_then(|sweep| sweep.last_work);
        let last = self.agents.values().map(|agent| agent.answered).max().flatten().max(swept)?;
        (now.duration_since(last) > SignedDuration::from_secs(MISSED_ROUNDS * ROUND_S)).then_some(last)
    }
}

/// The function that asks.
const SWEEP: &str = "sweep";

/// One agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// What it can do.
    pub capabilities: Vec<String>,
    /// Its version; empty before its first answer.
    pub version: String,
    /// From the question being written to its answer being kept, in milliseconds.
    pub round_trip_ms: Option<u64>,
    /// When it last did any work but answer.
    pub last_work: Option<Timestamp>,
    /// The round that it answered last.
    pub answered: Option<Timestamp>,
    /// The first round that it was there for.
    pub since: Timestamp,
    /// The first round of its silence, if it is silent.
    pub silent_since: Option<Timestamp>,
    /// Whether it is asked: a function of a route or a timer has no queue for it. Older records are of those that are.
    #[serde(default = "yes")]
    pub is_asked: bool,
}

fn yes() -> bool {
    true
}

/// Reads the answers that came, tells people who fell silent or came back, and returns the questions of this round.
pub(super) async fn ask(env: &Environment, topology: &Topology) -> Result<Vec<Envelope>, AgentError> {
    let now = env.clock.now();
    let round = round_of(now);
    let asked = rounds_asked(env, round).await?;
    let before = match env.store.read::<Registry>(REGISTRY).await {
        Ok(registry) => registry.unwrap_or_default(),
        Err(StoreError::Damaged { .. }) => Registry::default(),
        Err(error) => return Err(error.into()),
    };
    let mut registry = known(&before, topology, round);
    for agent in queue::ALL {
        for round in [earlier(round, 1), round] {
            hear(env, &mut registry, agent, round).await?;
        }
    }
    look_at_unasked(env, &mut registry, round).await?;
    let told = judge(&mut registry, &asked, round);
    for (subject, since, notice) in &told {
        put_off(env, subject, *since, round, notice).await?;
    }
    // After the notices: who dies before this finds them again, with the same ids.
    if registry != before {
        env.store.overwrite(REGISTRY, &registry).await?;
    }
    let unheard = |agent: &&str| registry.agents.get(*agent).is_some_and(|known| known.answered < Some(round));
    let part = now.duration_since(round).as_secs() / ASK_AGAIN_S;
    match env.store.create(&format!("rounds/{}/{part}", minute(round)), &now).await? {
        Created::Now => queue::ALL.into_iter().filter(unheard).map(|agent| question(agent, round, now)).collect(),
        Created::Before => Ok(Vec::new()),
    }
}

fn round_of(moment: Timestamp) -> Timestamp {
    let seconds = moment.as_second();
    Timestamp::from_second(seconds - seconds.rem_euclid(ROUND_S)).unwrap_or(moment)
}

fn earlier(round: Timestamp, rounds: i64) -> Timestamp {
    round.saturating_sub(SignedDuration::from_secs(rounds * ROUND_S)).unwrap_or(Timestamp::MIN)
}

fn minute(moment: Timestamp) -> String {
    moment.strftime("%Y%m%dT%H%M").to_string()
}

/// The rounds before `round` in which somebody was asked. What is older than is remembered is deleted.
async fn rounds_asked(env: &Environment, round: Timestamp) -> Result<BTreeSet<Timestamp>, StoreError> {
    let kept: BTreeMap<String, Timestamp> =
        (0..=ROUNDS_KEPT).map(|rounds| (minute(earlier(round, rounds)), earlier(round, rounds))).collect();
    let mut asked = BTreeSet::new();
    for key in env.store.list("rounds").await? {
        match key.split('/').nth(1).and_then(|name| kept.get(name)) {
            Some(of) if *of < round => drop(asked.insert(*of)),
            Some(_) => {}
            None => env.store.delete(&key).await?,
        }
    }
    Ok(asked)
}

/// The agents of `before` that are still there, and the new ones. `monitor` has no queue: it is heard of by the answers.
fn known(before: &Registry, topology: &Topology, round: Timestamp) -> Registry {
    let is_asked = |function: &Function| matches!(function.trigger, Trigger::Queue(_) | Trigger::Subscription { .. });
    let new = |function: &Function| Registered {
        capabilities: capabilities(&function.name).iter().map(|&name| name.to_owned()).collect(),
        version: String::new(),
        round_trip_ms: None,
        last_work: None,
        answered: None,
        since: round,
        silent_since: None,
        is_asked: is_asked(function),
    };
    let entry = |function: &Function| {
        let agent = before.agents.get(&function.name).cloned().unwrap_or_else(|| new(function));
        (function.name.clone(), agent)
    };
    Registry { agents: topology.functions.iter().map(entry).collect() }
}

/// When the functions that can't be asked worked last. This one does: it is written down once a round.
async fn look_at_unasked(env: &Environment, registry: &mut Registry, round: Timestamp) -> Result<(), AgentError> {
    if let Some(webhook) = registry.agents.get_mut(github_webhook::FUNCTION) {
        webhook.last_work = webhook.last_work.max(github_webhook::last_taken(env).await?);
    }
    if let Some(sweep) = registry.agents.get_mut(SWEEP).filter(|sweep| sweep.last_work < Some(round)) {
        sweep.last_work = Some(env.clock.now());
        env!("CARGO_PKG_VERSION").clone_into(&mut sweep.version);
    }
    Ok(())
}

/// Reads the answer of `agent` in `round`, where it is not read yet.
async fn hear(env: &Environment, registry: &mut Registry, agent: &str, round: Timestamp) -> Result<(), AgentError> {
    if registry.agents.get(agent).is_none_or(|known| known.answered >= Some(round)) {
        return Ok(());
    }
    let question = question(agent, round, round)?;
    let id = Envelope::derive_id(question.id, None, topic::AGENT_STATUS, agent, 0, 0);
    let Some(kept) = kept_answer(env, id, round).await? else { return Ok(()) };
    let Ok(answer) = kept.read::<AgentStatus>() else { return Ok(()) };
    let by_monitor: Option<JournalRecord> = match env.store.read(&journal_key(MONITOR_SUBSCRIPTION, id)).await {
        Ok(record) => record,
        Err(StoreError::Damaged { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    if let (Some(monitor), Some(record)) = (registry.agents.get_mut(MONITOR_SUBSCRIPTION), &by_monitor) {
        monitor.answered = monitor.answered.max(Some(round));
        monitor.last_work = monitor.last_work.max(Some(record.at));
        monitor.version.clone_from(&answer.payload.version);
    }
    if let Some(known) = registry.agents.get_mut(agent) {
        let asked = answer.timestamp.saturating_sub(SignedDuration::from_millis(saturating(answer.payload.waited_ms)));
        let kept = by_monitor.map_or(answer.timestamp, |record| record.at);
        let trip = asked.ok().and_then(|asked| u64::try_from(kept.duration_since(asked).as_millis()).ok());
        known.answered = Some(round);
        known.round_trip_ms = trip;
        known.capabilities = answer.payload.capabilities;
        known.version = answer.payload.version;
        // Another process may have worked later than the one that answered.
        known.last_work = known.last_work.max(answer.payload.last_work);
    }
    Ok(())
}

fn saturating(milliseconds: u64) -> i64 {
    i64::try_from(milliseconds).unwrap_or(i64::MAX)
}

/// The answer `id` to a question of `round`, as `monitor` kept it: on the day of the answer.
async fn kept_answer(env: &Environment, id: MessageId, round: Timestamp) -> Result<Option<Envelope>, AgentError> {
    let days: BTreeSet<String> =
        [round, env.clock.now()].iter().map(|moment| moment.strftime("%Y%m%d").to_string()).collect();
    for day in days {
        match env.store.read::<Envelope>(&format!("events/{day}/{id}")).await {
            Ok(Some(answer)) => return Ok(Some(answer)),
            Ok(None) | Err(StoreError::Damaged { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

/// Who fell silent and who came back, each with the first round of the silence and the words for people.
fn judge(
    registry: &mut Registry,
    asked: &BTreeSet<Timestamp>,
    round: Timestamp,
) -> Vec<(String, Timestamp, Notification)> {
    let mut told = Vec::new();
    let mut judge = |name: &str, known: &mut Registered| {
        let begins = known.answered.map_or(known.since, later);
        let in_vain: Vec<&Timestamp> = asked.range(begins..round.max(begins)).collect();
        match (known.silent_since, in_vain.first()) {
            (None, Some(&&since)) if in_vain.len() >= SILENT_ROUNDS => {
                known.silent_since = Some(since);
                let is_monitor = name == MONITOR_SUBSCRIPTION;
                let notice = if is_monitor { wording::answers_lost(since) } else { wording::agent_silent(name, since) };
                told.push((format!("{name} silent"), since, notice));
            }
            (Some(since), _) if known.answered >= Some(since) => {
                known.silent_since = None;
                told.push((format!("{name} back"), since, wording::agent_back(name, since)));
            }
            _ => {}
        }
    };
    let Some(mut monitor) = registry.agents.remove(MONITOR_SUBSCRIPTION) else { return told };
    judge(MONITOR_SUBSCRIPTION, &mut monitor);
    // While no answer is kept at all, nothing can be said of single agents.
    if monitor.silent_since.is_none() {
        let asked = registry.agents.iter_mut().filter(|(_, known)| known.is_asked);
        asked.for_each(|(name, known)| judge(name, known));
    }
    registry.agents.insert(MONITOR_SUBSCRIPTION.to_owned(), monitor);
    told
}

fn later(round: Timestamp) -> Timestamp {
    round.saturating_add(SignedDuration::from_secs(ROUND_S)).unwrap_or(Timestamp::MAX)
}

/// Has people told, once: the id follows from what is told of.
async fn put_off(
    env: &Environment,
    subject: &str,
    since: Timestamp,
    round: Timestamp,
    notice: &Notification,
) -> Result<(), AgentError> {
    let run = RunId::about(since, subject);
    let message = Envelope::root("sweep", queue::NOTIFY, topic::NOTIFICATION_REQUESTED, notice, run, env.clock.now())?;
    let wake_up = WakeUp { due: round, reason: subject.to_owned(), message };
    env.store.create(&wake_up.key(), &wake_up).await?;
    Ok(())
}

/// The question to `agent` in `round`.
fn question(agent: &str, round: Timestamp, now: Timestamp) -> Result<Envelope, AgentError> {
    let run = RunId::about(round, topic::AGENT_STATUS);
    let mut question = Envelope::root("sweep", agent, topic::AGENT_STATUS, &StatusAsked { round }, run, now)?;
    question.message_type = MessageType::Query;
    Ok(question)
}

#[cfg(test)]
#[path = "status_round_tests.rs"]
mod tests;
