//! A case: one wound on one base branch, as the fold of the records that its steps left.

use crate::decision::priority::{Priority, order_of_work};
use crate::decision::{Decision, Grounds};
use crate::finding::Severity;
use crate::ids::{CaseId, CommitSha, Fingerprint, RepoName};
use crate::message::{MessageId, RunId};
use crate::patch::Left;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

/// How a case stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Work has begun.
    Initiated,
    /// A dry run: this is what would be done.
    Planned,
    /// Mode `observe`: seen, nothing done.
    Observed,
    /// A fix waits for approval.
    Proposed,
    /// Healed and verified.
    Completed,
    /// The fix did not prove, or did not hold.
    Failed,
    /// Suture could not work.
    Error,
    /// People have to decide.
    Escalated,
    /// All findings are suppressed, by somebody and for a reason.
    Suppressed,
    /// A newer decision for the same case replaced it.
    Superseded,
    /// At the head commit the finding is not true.
    FalsePositive,
    /// A delivered fix was taken back.
    RolledBack,
}

impl Status {
    /// Whether something is still to come: work that has begun, an approval, a decision of people.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Initiated | Self::Proposed | Self::Escalated)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Initiated => "initiated",
            Self::Planned => "planned",
            Self::Observed => "observed",
            Self::Proposed => "proposed",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Error => "error",
            Self::Escalated => "escalated",
            Self::Suppressed => "suppressed",
            Self::Superseded => "superseded",
            Self::FalsePositive => "false_positive",
            Self::RolledBack => "rolled_back",
        })
    }
}

/// Name of the step at which a run ends because the settings of the repository can't be read: it says nothing of any fix.
pub const SETTINGS_STEP: &str = "settings";

/// Name of the step at which a run ends because registries, or advisories, did not tell what a fix would need: it says nothing of any fix.
pub const FACTS_STEP: &str = "facts";

/// One step of a case, for people and for the proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What was done: `validate`, [`settings`](SETTINGS_STEP), [`facts`](FACTS_STEP), `determine`, `apply`, `prove: gone`, `deliver`, `verify`.
    pub name: String,
    /// Whether it went well.
    pub ok: bool,
    /// What was seen.
    pub detail: String,
}

impl Step {
    /// A step that was taken, and how it went.
    pub fn new(name: impl Into<String>, ok: bool, detail: impl Into<String>) -> Self {
        Self { name: name.into(), ok, detail: detail.into() }
    }
}

/// What the case is about: written by `scan`, and anew where its repository is called otherwise since.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wound {
    /// The repository.
    pub repository: RepoName,
    /// The branch that is hurt.
    pub base_branch: String,
    /// The commit that was looked at.
    pub commit: CommitSha,
    /// Kind of trouble: `vulnerability.dependency`.
    pub event_type: String,
    /// Rule of the worst finding.
    pub rule: String,
    /// Severity of the worst finding.
    pub severity: Severity,
    /// What a fix changes: the path of the lockfile.
    pub path: String,
    /// The findings.
    pub findings: Vec<Fingerprint>,
}

/// What one step did to a case. Parts that it did not touch are absent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseRecord {
    /// The case.
    pub case: CaseId,
    /// The message whose handling this records; with the case, the identity of the record.
    pub message: MessageId,
    /// The run.
    pub run: RunId,
    /// Distance from the beginning of the run.
    pub hops: u32,
    /// The agent.
    pub agent: String,
    /// When.
    pub at: Timestamp,
    /// What the case is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wound: Option<Wound>,
    /// The standing after the step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// The decision, with every reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<(Decision, Vec<String>)>,
    /// What the decision rests on besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grounds: Option<Grounds>,
    /// Steps taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// Findings that stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Vec<Left>>,
    /// Where the fix is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Delivery>,
    /// What came of a fix that was offered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
}

/// What came of a fix that was offered: what there is to learn from. Of one run, more than one record may tell of it; the last counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was merged, and the findings are gone.
    Verified,
    /// It was merged after others had changed it, and the findings are gone.
    VerifiedEdited,
    /// It was merged, and they are not.
    NotFixed,
    /// Somebody did not want it.
    Declined,
    /// It was merged, and checks that passed before fail since.
    Regressed,
}

/// Where a fix was put.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Branch; `None` in a dry run.
    pub branch: Option<String>,
    /// Its commit; `None` in a dry run.
    pub commit: Option<CommitSha>,
    /// Paths that it changes.
    pub files: Vec<String>,
    /// Key of the unified diff in the store.
    pub diff: String,
    /// The pull request that offers it, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_request: Option<PullRequestRef>,
}

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequestRef {
    /// Its number in the repository.
    pub number: u64,
    /// Where people see it.
    pub url: String,
    /// Hash of the plan that it offers: its text has it too, which anybody may change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
}

impl CaseRecord {
    /// A record of `agent` handling `message`, with nothing in it yet.
    pub fn new(case: CaseId, message: MessageId, run: RunId, hops: u32, agent: &str, at: Timestamp) -> Self {
        Self {
            case,
            message,
            run,
            hops,
            agent: agent.to_owned(),
            at,
            wound: None,
            status: None,
            decision: None,
            grounds: None,
            steps: Vec::new(),
            left: None,
            delivery: None,
            outcome: None,
        }
    }
}

/// A case as it stands: the fold of its records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Which one.
    pub case: CaseId,
    /// The run that touched it last.
    pub run: RunId,
    /// What it is about.
    pub wound: Option<Wound>,
    /// How it stands.
    pub status: Status,
    /// The last decision.
    pub decision: Option<Decision>,
    /// Every reason of the last decision.
    pub reasons: Vec<String>,
    /// What it rests on besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grounds: Option<Grounds>,
    /// The steps of the last run.
    pub steps: Vec<Step>,
    /// Findings that stay.
    pub left: Vec<Left>,
    /// Where the fix is.
    pub delivery: Option<Delivery>,
    /// What came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// When it was first and last touched.
    pub opened: Timestamp,
    /// When it was last touched.
    pub updated: Timestamp,
}

impl Case {
    /// How soon it ought to be mended; with all else where nothing was decided.
    pub fn priority(&self) -> Priority {
        self.grounds.as_ref().map(|grounds| grounds.priority).unwrap_or_default()
    }

    /// Which of two cases is worked, and told of, first. One of which nobody said how soon comes last.
    pub fn order_of_work(&self, other: &Self) -> Ordering {
        let severity = |case: &Self| case.wound.as_ref().map_or(Severity::Unknown, |wound| wound.severity);
        order_of_work((self.priority(), severity(self), &self.case), (other.priority(), severity(other), &other.case))
    }
}

/// The case that `records` tell of, or `None` where there are none. Order and repetition of the records don't matter:
/// they are sorted by run, distance and message first.
pub fn fold(records: impl IntoIterator<Item = CaseRecord>) -> Option<Case> {
    let ordered: BTreeMap<_, _> =
        records.into_iter().map(|record| ((record.run, record.hops, record.message), record)).collect();
    let opened = ordered.values().map(|record| record.at).min()?;
    let updated = ordered.values().map(|record| record.at).max()?;
    let last_run = ordered.values().next_back()?.run;
    let mut case = Case {
        case: ordered.values().next()?.case.clone(),
        run: last_run,
        wound: None,
        status: Status::Initiated,
        decision: None,
        reasons: Vec::new(),
        grounds: None,
        steps: Vec::new(),
        left: Vec::new(),
        delivery: None,
        outcome: None,
        opened,
        updated,
    };
    let mut run = None;
    for record in ordered.into_values() {
        if run.replace(record.run).is_some_and(|before| before != record.run) {
            // A newer run starts the case over.
            case.status = Status::Initiated;
            case.delivery = None;
            case.outcome = None;
            case.decision = None;
            case.reasons.clear();
            case.grounds = None;
            case.steps.clear();
            case.left.clear();
        }
        case.wound = record.wound.or(case.wound);
        case.status = record.status.unwrap_or(case.status);
        if record.status == Some(Status::Proposed) {
            // What is offered, or offered again, has yet to come to something.
            case.outcome = None;
        }
        if let Some((decision, reasons)) = record.decision {
            case.decision = Some(decision);
            case.reasons = reasons;
            case.grounds = record.grounds;
        }
        case.steps.extend(record.steps);
        case.left = record.left.unwrap_or(case.left);
        case.delivery = record.delivery.or(case.delivery);
        case.outcome = record.outcome.or(case.outcome);
        if matches!(case.status, Status::RolledBack | Status::FalsePositive | Status::Suppressed | Status::Superseded) {
            // What was delivered is gone, or not the word of this run.
            case.delivery = None;
        }
    }
    Some(case)
}
