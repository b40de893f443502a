//! One run of the agents, and what it came to.

use crate::Failure;
use crate::terminal::Progress;
use agents::environment::Environment;
use agents::history;
use agents::in_process::{self, Bus, Delivery};
use agents::journal::WakeUp;
use agents::topology::Topology;
use pipeline::case::{Case, fold};
use pipeline::finding::ScanError;
use pipeline::ids::{CaseId, RepoName};
use pipeline::message::{Envelope, RunId, topic};
use pipeline::payload::{Mode, Poisoned, ScanCompleted};
use std::collections::BTreeSet;

/// What a run came to.
#[derive(Debug)]
pub struct Healed {
    /// The cases of the run, each with its diff where there is one.
    pub cases: Vec<(Case, Option<String>)>,
    /// What could not be read, looked at or done.
    pub errors: Vec<ScanError>,
    /// Manifests and lockfiles that could not be read at all.
    pub unread: Vec<String>,
    /// Whether every advisory could be asked for.
    pub is_complete: bool,
    /// Whether some of the work is put off.
    pub is_put_off: bool,
    /// Why the scan itself could not be done, or a function is broken.
    pub broken: Vec<String>,
}

/// Runs the agents on the first repository of `env`, at the head of its branch.
pub async fn heal(env: &Environment, mode: Mode, progress: Progress) -> Result<Healed, Failure> {
    let repository = env.repositories.first().ok_or_else(|| Failure("there is no repository".to_owned()))?;
    let root = in_process::request(env, repository, "cli", mode).map_err(Failure::new)?;
    let run = root.correlation_id;
    let mut bus = Bus::new(Topology::built_in().map_err(Failure::new)?);
    bus.send(None, &root).map_err(Failure::new)?;
    let mut seen = Seen::default();
    bus.settle(env, |delivery| seen.watch(delivery, &progress)).await.map_err(Failure::new)?;
    let mut cases = Vec::new();
    for id in &seen.cases {
        let records = history::case_records_until(&env.store, id, run).await.map_err(Failure::new)?;
        // Another run at the same time may have begun the case over: what this one came to is told all the same.
        if let Some(case) = fold(records) {
            let diff = match &case.delivery {
                Some(delivery) => env.store.read::<String>(&delivery.diff).await.map_err(Failure::new)?,
                None => None,
            };
            cases.push((case, diff));
        }
    }
    let put_off = put_off(env, repository.name(), run).await?;
    let told = |message: String| ScanError { path: String::new(), line: None, message };
    let completed = seen.completed.unwrap_or_default();
    let mut errors = completed.errors;
    errors.extend(completed.notes.into_iter().chain(completed.limits_hit).map(told));
    errors.extend(put_off.iter().cloned().map(told));
    errors.extend(seen.poisoned.into_iter().map(told));
    let mut broken: Vec<String> =
        bus.dead_letters.into_iter().map(|(delivery, reason)| format!("{}: {reason}", delivery.function)).collect();
    broken.extend(seen.scan_failed);
    errors.extend(broken.iter().cloned().map(told));
    Ok(Healed {
        cases,
        errors,
        unread: completed.unread,
        is_complete: completed.is_complete,
        is_put_off: !put_off.is_empty(),
        broken,
    })
}

/// Why work of `run` is put off. Work of earlier runs on the same repository is done with: this run has looked again.
async fn put_off(env: &Environment, repository: &RepoName, run: RunId) -> Result<Vec<String>, Failure> {
    let mut reasons = Vec::new();
    for key in env.store.list("wakeups").await.map_err(Failure::new)? {
        let Some(wake_up) = env.store.read::<WakeUp>(&key).await.map_err(Failure::new)? else { continue };
        if wake_up.message.correlation_id == run {
            reasons.push(format!(
                "put off: {}; run it again after {}",
                wake_up.reason,
                wake_up.due.strftime("%Y-%m-%d %H:%M:%SZ")
            ));
        } else if wake_up.message.payload.pointer("/wound/repository").and_then(|name| name.as_str())
            == Some(repository.as_str())
        {
            env.store.delete(&key).await.map_err(Failure::new)?;
        }
    }
    reasons.sort();
    reasons.dedup();
    Ok(reasons)
}

/// What the messages of a run tell.
#[derive(Debug, Default)]
struct Seen {
    cases: BTreeSet<CaseId>,
    completed: Option<Completed>,
    scan_failed: Vec<String>,
    poisoned: Vec<String>,
}

/// What a scan tells.
#[derive(Debug, Default)]
struct Completed {
    errors: Vec<ScanError>,
    unread: Vec<String>,
    notes: Vec<String>,
    limits_hit: Vec<String>,
    is_complete: bool,
}

impl Seen {
    fn watch(&mut self, delivery: &Delivery, progress: &Progress) {
        let Ok(message) = serde_json::from_slice::<Envelope>(&delivery.body) else { return };
        let case = message.payload.get("case").and_then(|case| case.as_str());
        if let Some(Ok(case)) = case.map(str::parse) {
            self.cases.insert(case);
        }
        let case = case.unwrap_or("");
        match (message.topic.as_str(), delivery.function.as_str()) {
            (topic::SCAN_COMPLETED, "monitor") => {
                if let Ok(message) = message.read::<ScanCompleted>() {
                    let ScanCompleted { errors, unread, notes, limits_hit, is_complete, .. } = message.payload;
                    self.completed = Some(Completed { errors, unread, notes, limits_hit, is_complete });
                }
            }
            (_, "poison") => {
                if let Ok(message) = message.read::<Poisoned>() {
                    let Poisoned { function, reason, .. } = message.payload;
                    let failed = if function == "scan" { &mut self.scan_failed } else { &mut self.poisoned };
                    failed.push(format!("{function}: {reason}"));
                }
            }
            (_, "scan") => progress.stage("scanning", ""),
            (_, "analyze") => progress.stage("deciding what may be done", case),
            (_, "remediate") => progress.stage("planning and proving the smallest fixes", case),
            (_, "verify") => progress.stage("verifying the branches", case),
            _ => {}
        }
    }
}
