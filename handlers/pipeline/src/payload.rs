//! What messages carry.

mod github;

use crate::case::{Delivery, Wound};
use crate::decision::Verdict;
use crate::finding::{Finding, ScanError};
use crate::ids::{CaseId, CommitSha, Fingerprint, RepoName};
use crate::message::Envelope;
use crate::patch::Left;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use github::{
    Account, AdvisoryPackage, AdvisoryPublished, AlertChanged, AlertKind, AlertsAwaited, CheckRerequested,
    ChecksCompleted, CommentReceived, EventRejected, EventUnknown, InstallationAccess, MergeChecksAwaited,
    PullRequestChanged, PullRequestClosed, PullRequestReopened, PullRequestScan, RepositoryAccess, WoundGone,
};

/// How far a run may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Cases are opened, and nothing is planned.
    Observe,
    /// Plans are made and proven, nothing is delivered.
    DryRun,
    /// Proven patches are delivered.
    Heal,
}

/// `scan.requested`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanRequested {
    /// The repository.
    pub repository: RepoName,
    /// The branch to heal.
    pub base_branch: String,
    /// The commit to look at; where `is_anew`, the head of the branch is by then.
    pub commit: CommitSha,
    /// How far to go.
    pub mode: Mode,
    /// Whether it is to be looked at even if nothing changed since the last scan: what that led to did not come to its end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_anew: bool,
}

/// `inventory.match_requested`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchRequested {
    /// The name under which the inventory is kept.
    pub inventory: String,
}

/// `scan.completed`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanCompleted {
    /// The repository.
    pub repository: RepoName,
    /// The commit.
    pub commit: CommitSha,
    /// Findings by severity.
    pub summary: BTreeMap<String, usize>,
    /// Findings that are suppressed.
    pub suppressed: usize,
    /// What could not be read; at most [`SCAN_ERRORS_MAX`], the last of which counts the rest.
    pub errors: Vec<ScanError>,
    /// Whether every advisory that there is could be asked for.
    pub is_complete: bool,
    /// Manifests and lockfiles that could not be read at all.
    #[serde(default)]
    pub unread: Vec<String>,
    /// What people should know: that there was nothing to look at, or of their own suppressions.
    #[serde(default)]
    pub notes: Vec<String>,
    /// What was left out because of a limit.
    #[serde(default)]
    pub limits_hit: Vec<String>,
    /// Whether a project may be among what was left out.
    #[serde(default)]
    pub has_unseen: bool,
}

/// Errors that a [`ScanCompleted`] names; as many unread files, notes and limits.
pub const SCAN_ERRORS_MAX: usize = 50;

/// Longest message of such an error, in characters: some quote the whole line that they are about.
pub const SCAN_ERROR_CHARS_MAX: usize = 1000;

/// `vulnerability.detected`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Detected {
    /// The case.
    pub case: CaseId,
    /// What it is about.
    pub wound: Wound,
    /// Its findings that are not suppressed.
    pub findings: Vec<Finding>,
    /// Its findings that are: with who and why.
    pub suppressed: Vec<(Fingerprint, String)>,
    /// How far to go.
    pub mode: Mode,
}

/// `remediation.requested`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RemediationRequested {
    /// The case.
    pub case: CaseId,
    /// What it is about.
    pub wound: Wound,
    /// What can still be reached.
    pub verdict: Verdict,
    /// How far to go.
    pub mode: Mode,
}

/// `verification.requested`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VerificationRequested {
    /// The case.
    pub case: CaseId,
    /// What it is about.
    pub wound: Wound,
    /// The decision, with the proof in hand.
    pub verdict: Verdict,
    /// What the fix is to have removed.
    pub heals: Vec<Finding>,
    /// Findings that stay.
    pub left: Vec<Left>,
    /// Where the fix is.
    pub delivery: Delivery,
}

/// `notification.requested`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// The case, where it is about one.
    pub case: Option<CaseId>,
    /// One line.
    pub subject: String,
    /// The rest, in lines.
    pub body: Vec<String>,
}

/// What goes to the queue `poison`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Poisoned {
    /// The function that could not handle it.
    pub function: String,
    /// Why.
    pub reason: String,
    /// The case, where the message was about one.
    pub case: Option<CaseId>,
    /// The message.
    pub message: Envelope,
}

/// Events about a case: `analysis.complete`, `remediation.*`, `verification.complete`, `healing.*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseEvent {
    /// The case.
    pub case: CaseId,
    /// The repository.
    pub repository: RepoName,
    /// One line.
    pub detail: String,
}

/// `dashboard.requested`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DashboardRequested {
    /// The repository.
    pub repository: RepoName,
}

/// `agent.status`, as a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusAsked {
    /// When the round began: its name.
    pub round: Timestamp,
}

/// `agent.status`, as the answer of an agent: its registration and its heartbeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentStatus {
    /// The agent.
    pub agent: String,
    /// The round that it answers.
    pub round: Timestamp,
    /// What it can do.
    pub capabilities: Vec<String>,
    /// Its version.
    pub version: String,
    /// How long the question was on its way, in milliseconds.
    pub waited_ms: u64,
    /// When it last did any work but answer; `None`: not since its process began.
    pub last_work: Option<Timestamp>,
}
