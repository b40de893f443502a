//! `suture heal PATH`: the agents in one process, on a local git repository.

use crate::arguments::{Format, Heal};
use crate::terminal::{Progress, Terminal};
use crate::{Failure, Outcome, block_on, open, present};
use agents::environment::Environment;
use agents::environment::git::Head;
use agents::in_process::{Bus, Delivery};
use agents::journal;
use agents::topology::Topology;
use pipeline::case::{Case, Status, fold};
use pipeline::finding::ScanError;
use pipeline::ids::CaseId;
use pipeline::message::{Envelope, RunId, queue, topic};
use pipeline::payload::{Mode, ScanCompleted, ScanRequested};
use std::collections::BTreeSet;

/// Heals the repository, and tells what became of each case.
pub fn run(arguments: &Heal, terminal: &Terminal) -> Result<Outcome, Failure> {
    let env = open::environment(&open::Wanted {
        advisories: &arguments.advisories,
        known: Some(&arguments.known),
        policy: arguments.policy.as_deref(),
        repository: Some(&arguments.path),
        terminal,
    })?;
    let mode = if arguments.dry_run || arguments.diff { Mode::DryRun } else { Mode::Heal };
    let healed = block_on(heal(&env, mode, &terminal.progress()))?;
    tell(&healed, arguments.format, arguments.diff, terminal)?;
    healed.outcome()
}

/// What a run came to.
#[derive(Debug)]
pub struct Healed {
    /// The cases of the run, each with its diff where there is one.
    pub cases: Vec<(Case, Option<String>)>,
    /// What the scan could not read.
    pub errors: Vec<ScanError>,
    /// Whether every advisory could be asked for.
    pub is_complete: bool,
    /// What no function could handle.
    pub dead_letters: Vec<String>,
    /// Work that is put off, with the reason.
    pub put_off: Vec<String>,
}

/// Runs the agents on the first repository of `env`, at the head of its branch.
pub async fn heal(env: &Environment, mode: Mode, progress: &Progress) -> Result<Healed, Failure> {
    let repository = env.repositories.first().ok_or_else(|| Failure("there is no repository".to_owned()))?;
    let Head { branch, commit } = repository.head().map_err(Failure::new)?;
    let now = env.clock.now();
    let run = env.ids.run(now);
    let request = ScanRequested { repository: repository.name().clone(), base_branch: branch, commit, mode };
    let root = Envelope::root("cli", queue::SCAN, topic::SCAN_REQUESTED, &request, run, now).map_err(Failure::new)?;
    let mut bus = Bus::new(Topology::built_in().map_err(Failure::new)?);
    bus.send(None, &root).map_err(Failure::new)?;
    let mut seen = Seen { is_complete: true, ..Seen::default() };
    bus.settle(env, |delivery| seen.watch(delivery, progress)).await.map_err(Failure::new)?;
    progress.finish();
    let mut cases = Vec::new();
    for id in &seen.cases {
        let records = journal::case_records(&env.store, id).await.map_err(Failure::new)?;
        if let Some(case) = fold(records) {
            let diff = match &case.delivery {
                Some(delivery) => env.store.read::<String>(&delivery.diff).await.map_err(Failure::new)?,
                None => None,
            };
            cases.push((case, diff));
        }
    }
    Ok(Healed {
        cases,
        errors: seen.errors,
        is_complete: seen.is_complete,
        dead_letters: bus.dead_letters.into_iter().map(|(delivery, reason)| format!("{}: {reason}", delivery.function)).collect(),
        put_off: put_off(env, run).await?,
    })
}

async fn put_off(env: &Environment, run: RunId) -> Result<Vec<String>, Failure> {
    let mut reasons = Vec::new();
    for key in env.store.list("wakeups").await.map_err(Failure::new)? {
        let wake_up: Option<journal::WakeUp> = env.store.read(&key).await.map_err(Failure::new)?;
        if let Some(wake_up) = wake_up.filter(|wake_up| wake_up.message.correlation_id == run) {
            reasons.push(format!("{}; run it again after {}", wake_up.reason, wake_up.due.strftime("%H:%M:%SZ")));
        }
    }
    Ok(reasons)
}

/// What the messages of a run tell.
#[derive(Debug, Default)]
struct Seen {
    cases: BTreeSet<CaseId>,
    errors: Vec<ScanError>,
    is_complete: bool,
}

impl Seen {
    fn watch(&mut self, delivery: &Delivery, progress: &Progress) {
        let Ok(message) = serde_json::from_slice::<Envelope>(&delivery.body) else { return };
        let case = message.payload.get("case").and_then(|case| case.as_str());
        if let Some(Ok(case)) = case.map(str::parse) {
            self.cases.insert(case);
        }
        match (message.topic.as_str(), delivery.function.as_str()) {
            (topic::SCAN_COMPLETED, "monitor") => {
                if let Ok(completed) = message.read::<ScanCompleted>() {
                    self.errors = completed.payload.errors;
                    self.is_complete = completed.payload.is_complete;
                }
            }
            (_, "scan") => progress.stage("scanning"),
            (_, "analyze") => progress.stage(format!("{}: deciding what may be done", case.unwrap_or(""))),
            (_, "remediate") => progress.stage(format!("{}: planning and proving the smallest fix", case.unwrap_or(""))),
            (_, "verify") => progress.stage(format!("{}: verifying the branch", case.unwrap_or(""))),
            _ => {}
        }
    }
}

/// Prints what a run came to.
pub fn tell(healed: &Healed, format: Format, with_diff: bool, terminal: &Terminal) -> Result<(), Failure> {
    if format == Format::Json {
        terminal.result(&present::heal_json(&healed.cases, &healed.errors)?);
    } else {
        for error in &healed.errors {
            let line = error.line.map_or_else(String::new, |line| format!(":{line}"));
            let place = if error.path.is_empty() { String::new() } else { format!("{}{line}: ", error.path) };
            terminal.note(&format!("note: {place}{}", error.message));
        }
        for (case, diff) in &healed.cases {
            terminal.result(&present::case_in_full(case));
            if let Some(diff) = diff.as_ref().filter(|_| with_diff) {
                terminal.result(diff);
            }
        }
        if healed.cases.is_empty() {
            terminal.result("nothing to heal");
        }
    }
    for reason in healed.dead_letters.iter().chain(&healed.put_off) {
        terminal.warning(reason);
    }
    Ok(())
}

impl Healed {
    /// Clean if every case is completed and nothing is left; a failure if Suture could not do its work.
    pub fn outcome(&self) -> Result<Outcome, Failure> {
        if !self.dead_letters.is_empty() {
            return Err(Failure("a function is broken; see the warning above".to_owned()));
        }
        if !self.is_complete && self.cases.is_empty() {
            return Err(Failure("not every advisory could be asked for, so nothing found is not nothing there".to_owned()));
        }
        let is_whole = |case: &Case| matches!(case.status, Status::Completed | Status::Suppressed | Status::FalsePositive) && case.left.is_empty();
        let all_whole = self.put_off.is_empty() && self.cases.iter().all(|(case, _)| is_whole(case));
        Ok(if all_whole { Outcome::Clean } else { Outcome::Left })
    }
}
