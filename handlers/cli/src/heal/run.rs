//! One run of the agents, and what it came to.

use crate::Failure;
use crate::terminal::Progress;
use agents::environment::Environment;
use agents::environment::store::StoreError;
use agents::history;
use agents::in_process::{self, Bus, Delivery};
use agents::journal::{self, WakeUp};
use agents::topology::Topology;
use pipeline::case::Case;
use pipeline::finding::ScanError;
use pipeline::ids::CaseId;
use pipeline::message::{Envelope, topic};
use pipeline::payload::{Mode, Poisoned, ScanCompleted, ScanRequested};
use std::collections::BTreeSet;

/// What a run came to.
#[derive(Debug, Default)]
pub struct Healed {
    /// The cases of the run, the most urgent first, each with its diff where there is one.
    pub cases: Vec<(Case, Option<String>)>,
    /// What could not be read, looked at or done.
    pub errors: Vec<ScanError>,
    /// What people should know.
    pub notes: Vec<String>,
    /// What was left out because of a limit.
    pub limits_hit: Vec<String>,
    /// Whether a project may be among what was left out.
    pub has_unseen: bool,
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
    let mut bus = Bus::new(Topology::built_in().map_err(Failure::new)?);
    bus.send(None, &root).map_err(Failure::new)?;
    let mut seen = Seen::default();
    bus.settle(env, |delivery| seen.watch(delivery, &progress)).await.map_err(Failure::new)?;
    let told = seen.told(env).await;
    let mut cases = Vec::new();
    for id in &told.cases {
        // Another run at the same time may have begun the case over: what this one came to is told all the same.
        if let Some(case) = history::case_until(&env.store, id, root.correlation_id).await.map_err(Failure::new)? {
            let diff = match &case.delivery {
                Some(delivery) => env.store.read::<String>(&delivery.diff).await.map_err(Failure::new)?,
                None => None,
            };
            cases.push((case, diff));
        }
    }
    cases.sort_by(|(one, _), (other, _)| one.order_of_work(other));
    let put_off = put_off(env, &root, &cases).await?;
    let mut broken: Vec<String> =
        bus.dead_letters.into_iter().map(|(delivery, reason)| format!("{}: {reason}", delivery.function)).collect();
    broken.extend(told.scan_failed);
    if told.completed.is_none() && put_off.reasons.is_empty() && broken.is_empty() {
        broken.push("scan: it did not say what it came to".to_owned());
    }
    let mut healed = Healed { cases, is_put_off: !put_off.reasons.is_empty(), ..Healed::default() };
    if let Some(completed) = told.completed {
        healed.errors = completed.errors;
        healed.notes = completed.notes;
        healed.limits_hit = completed.limits_hit;
        healed.has_unseen = completed.has_unseen;
        healed.unread = completed.unread;
        healed.is_complete = completed.is_complete;
    }
    healed.notes.extend(put_off.held);
    let others = put_off.reasons.into_iter().chain(put_off.damaged).chain(told.poisoned).chain(broken.iter().cloned());
    healed.errors.extend(others.map(|message| ScanError { path: String::new(), line: None, message }));
    healed.broken = broken;
    Ok(healed)
}

/// Work that waits for a later time.
#[derive(Debug, Default)]
struct PutOff {
    /// Why work of this run is put off.
    reasons: Vec<String>,
    /// Until when guard rails hold something back.
    held: Vec<String>,
    /// Wake-ups that can't be read: what they are about is not known.
    damaged: Vec<String>,
}

/// What waits of the run that `root` began. Work of earlier runs on the same branch is done with: this run has looked again.
async fn put_off(env: &Environment, root: &Envelope, cases: &[(Case, Option<String>)]) -> Result<PutOff, Failure> {
    let run = root.correlation_id;
    let ScanRequested { repository, base_branch, .. } = root.clone().read().map_err(Failure::new)?.payload;
    let mut put_off = PutOff::default();
    for key in env.store.list("wakeups").await.map_err(Failure::new)? {
        let wake_up = match env.store.read::<WakeUp>(&key).await {
            Ok(Some(wake_up)) => wake_up,
            Ok(None) => continue,
            Err(error @ StoreError::Damaged { .. }) => {
                put_off.damaged.push(error.to_string());
                continue;
            }
            Err(error) => return Err(Failure::new(error)),
        };
        let about = |name: &str| wake_up.message.payload.pointer(name).and_then(|value| value.as_str());
        let is_same_branch = about("/wound/repository") == Some(repository.as_str())
            && about("/wound/base_branch") == Some(base_branch.as_str());
        // What a guard rail held back is looked at by a scan of its own.
        let is_held = wake_up.message.topic == topic::SCAN_REQUESTED
            && about("/repository") == Some(repository.as_str())
            && about("/base_branch") == Some(base_branch.as_str());
        let due = wake_up.due.strftime("%Y-%m-%d %H:%M:%SZ");
        if is_held && wake_up.message.correlation_id != run {
            let held_until = |case: &Case| case.grounds.as_ref()?.held_until;
            if cases.iter().any(|(case, _)| held_until(case).is_some_and(|until| until <= wake_up.due)) {
                put_off.held.push(format!("a guard rail holds it back; run it again after {due}"));
            } else {
                env.store.delete(&key).await.map_err(Failure::new)?;
            }
        } else if wake_up.message.correlation_id == run {
            put_off.reasons.push(format!("put off: {}; run it again after {due}", wake_up.reason));
        } else if wake_up.message.correlation_id < run && is_same_branch {
            env.store.delete(&key).await.map_err(Failure::new)?;
        }
    }
    put_off.reasons.sort();
    put_off.reasons.dedup();
    Ok(put_off)
}

/// The messages of a run, each with the function that heard it.
#[derive(Debug, Default)]
struct Seen(Vec<(String, Envelope)>);

/// What the messages of a run tell.
#[derive(Debug, Default)]
struct Told {
    cases: BTreeSet<CaseId>,
    completed: Option<ScanCompleted>,
    scan_failed: Vec<String>,
    poisoned: Vec<String>,
}

impl Seen {
    fn watch(&mut self, delivery: &Delivery, progress: &Progress) {
        let Ok(message) = serde_json::from_slice::<Envelope>(&delivery.body) else { return };
        let case = message.payload.get("case").and_then(|case| case.as_str()).unwrap_or("");
        match delivery.function.as_str() {
            "scan" => progress.stage("scanning", ""),
            "analyze" => progress.stage("deciding what may be done", case),
            "remediate" => progress.stage("planning and proving the smallest fixes", case),
            "verify" => progress.stage("verifying the branches", case),
            _ => {}
        }
        self.0.push((delivery.function.clone(), message));
    }

    /// Reads the messages, those too that were too large to travel with their payload.
    async fn told(self, env: &Environment) -> Told {
        let mut told = Told::default();
        for (function, message) in self.0 {
            // The function that heard it has the same trouble, and says so as poison.
            let Ok(message) = journal::claim(env, message).await else { continue };
            if let Some(Ok(case)) = message.payload.get("case").and_then(|case| case.as_str()).map(str::parse) {
                told.cases.insert(case);
            }
            match (message.topic.as_str(), function.as_str()) {
                (topic::SCAN_COMPLETED, "monitor") => {
                    told.completed = message.read().ok().map(|message| message.payload);
                }
                (_, "poison") => {
                    let Ok(message) = message.read::<Poisoned>() else { continue };
                    let Poisoned { function, reason, .. } = message.payload;
                    let failed = if function == "scan" { &mut told.scan_failed } else { &mut told.poisoned };
                    failed.push(format!("{function}: {reason}"));
                }
                _ => {}
            }
        }
        told
    }
}
