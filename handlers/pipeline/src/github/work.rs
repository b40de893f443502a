//! Work that an event leads to: a payload, and the agent that it is for.

use crate::message::{queue, topic};
use crate::payload::{
    AdvisoryPublished, AlertChanged, CheckRerequested, ChecksCompleted, CommentReceived, InstallationAccess,
    PullRequestChanged, PullRequestClosed, PullRequestReopened, PullRequestScan, RepositoryAccess, ScanRequested,
};
use serde::Serialize;

/// Where our branches are.
pub const OUR_BRANCHES: &str = "suture/";

/// What tells our own doing from that of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Us<'a> {
    /// The host in the names of repositories.
    pub host: &'a str,
    /// The id of the App that we are.
    pub app: Option<u64>,
}

/// What an event leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lead {
    /// Work for agents.
    To(Vec<Work>),
    /// Nothing, for this reason.
    Nowhere(&'static str),
}

/// Work for one agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Work {
    /// `scan.requested`
    Scan(ScanRequested),
    /// `pull_request.scan_requested`
    ScanPullRequest(PullRequestScan),
    /// `pull_request.closed`
    PullRequestClosed(PullRequestClosed),
    /// `pull_request.reopened`
    PullRequestReopened(PullRequestReopened),
    /// `pull_request.changed`
    PullRequestChanged(PullRequestChanged),
    /// `check.rerequested`
    CheckRerequested(CheckRerequested),
    /// `checks.completed`
    ChecksCompleted(ChecksCompleted),
    /// `comment.received`
    Comment(CommentReceived),
    /// `alert.changed`
    Alert(AlertChanged),
    /// `advisory.published`
    Advisory(AdvisoryPublished),
    /// `repository.added`
    RepositoryAdded(RepositoryAccess),
    /// `repository.removed`
    RepositoryRemoved(RepositoryAccess),
    /// `repository.renamed`
    RepositoryRenamed(RepositoryAccess),
    /// `installation.added`
    InstallationAdded(InstallationAccess),
    /// `installation.removed`
    InstallationRemoved(InstallationAccess),
}

impl Work {
    /// The queue of the agent.
    pub fn queue(&self) -> &'static str {
        match self {
            Self::PullRequestClosed(_)
            | Self::PullRequestReopened(_)
            | Self::PullRequestChanged(_)
            | Self::ChecksCompleted(_)
            | Self::Comment(_) => queue::VERIFY,
            _ => queue::SCAN,
        }
    }

    /// What it is about.
    pub fn topic(&self) -> &'static str {
        match self {
            Self::Scan(_) => topic::SCAN_REQUESTED,
            Self::ScanPullRequest(_) => topic::PULL_REQUEST_SCAN_REQUESTED,
            Self::PullRequestClosed(_) => topic::PULL_REQUEST_CLOSED,
            Self::PullRequestReopened(_) => topic::PULL_REQUEST_REOPENED,
            Self::PullRequestChanged(_) => topic::PULL_REQUEST_CHANGED,
            Self::CheckRerequested(_) => topic::CHECK_REREQUESTED,
            Self::ChecksCompleted(_) => topic::CHECKS_COMPLETED,
            Self::Comment(_) => topic::COMMENT_RECEIVED,
            Self::Alert(_) => topic::ALERT_CHANGED,
            Self::Advisory(_) => topic::ADVISORY_PUBLISHED,
            Self::RepositoryAdded(_) => topic::REPOSITORY_ADDED,
            Self::RepositoryRemoved(_) => topic::REPOSITORY_REMOVED,
            Self::RepositoryRenamed(_) => topic::REPOSITORY_RENAMED,
            Self::InstallationAdded(_) => topic::INSTALLATION_ADDED,
            Self::InstallationRemoved(_) => topic::INSTALLATION_REMOVED,
        }
    }

    /// What tells it from other work of the same delivery.
    pub fn subject(&self) -> &str {
        match self {
            Self::RepositoryAdded(access) | Self::RepositoryRemoved(access) | Self::RepositoryRenamed(access) => {
                access.repository.as_str()
            }
            _ => "",
        }
    }
}
