//! Deliveries of GitHub, read: what happened, and what that asks of the agents.
//!
//! GitHub adds members, actions and events at any time, so contents are read by types of our own that pass over all they don't need. An event or an
//! action that is not known is a value, and no error.

mod access;
mod checks;
mod command;
mod contents;
mod lead;
#[cfg(test)]
mod tests;
mod text;
mod work;

pub use access::{
    Access, Difference, EVENTS, OPTIONAL, PERMISSIONS, Permission, missing_events, needless_events, repository_events,
};
pub use checks::{CHECK_NAME, Checks};
pub use command::Command;
pub use contents::{
    Advisory, AdvisoryEvent, Alert, AlertEvent, Before, Comment, CommentEvent, Dependency, Installation,
    InstallationEvent, Instance, Issue, Location, Owner, OwnerBefore, PACKAGES_MAX, Package, PullRequest,
    PullRequestEvent, Push, REPOSITORIES_MAX, Repository, RepositoryBefore, RepositoryChanges, RepositoryEvent,
    ReviewEvent, Sender, Side, UserOrOrganization, Vulnerability,
};
pub use lead::{case_of, lead};
pub use text::{Branch, Few, FilePath, FullName, Name, Text, Word};
pub use work::{Lead, OUR_BRANCHES, Us, Work};

use crate::payload::AlertKind;
use checks::{CheckRunEvent, CheckSuiteEvent, WorkflowRunEvent};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;

/// GitHub sends no larger body.
pub const BODY_BYTES_MAX: usize = 25 << 20;

/// What is kept of the name of an event or an action that is not known, in characters.
const UNKNOWN_CHARS_MAX: usize = 100;

/// An action of an event, one of those in [`KNOWN`].
pub type Action = &'static str;

/// What happened. Where an event has actions, its action comes first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GitHubEvent {
    /// GitHub tries the webhook out.
    Ping,
    /// Branches and tags.
    Push(Push),
    /// A pull request.
    PullRequest(Action, PullRequestEvent),
    /// A review of one.
    Review(Action, ReviewEvent),
    /// A comment at an issue or a pull request.
    Comment(Action, CommentEvent),
    /// A check of a commit.
    Checks(Action, Checks),
    /// An alert.
    Alert(Action, AlertKind, AlertEvent),
    /// An advisory.
    Advisory(Action, AdvisoryEvent),
    /// What the App reaches.
    Installation(Action, InstallationEvent),
    /// What became of a repository.
    Repository(Action, RepositoryEvent),
    /// An event, or an action of one, that is not known.
    Unknown {
        /// The event.
        event: String,
        /// The action.
        action: Option<String>,
    },
}

/// A delivery of a known event that can't be read. It says where, and never what stands there: that may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{event}` can't be read: {reason}")]
pub struct Malformed {
    /// The event.
    pub event: String,
    /// Why.
    pub reason: String,
}

/// The events that are known, with their actions, as GitHub describes both.
const KNOWN: [(&str, &[&str]); 17] = [
    ("ping", &[]),
    ("push", &[]),
    (
        "pull_request",
        &[
            "assigned",
            "auto_merge_disabled",
            "auto_merge_enabled",
            "closed",
            "converted_to_draft",
            "demilestoned",
            "dequeued",
            "edited",
            "enqueued",
            "labeled",
            "locked",
            "milestoned",
            "opened",
            "ready_for_review",
            "reopened",
            "review_request_removed",
            "review_requested",
            "synchronize",
            "unassigned",
            "unlabeled",
            "unlocked",
        ],
    ),
    ("pull_request_review", &["dismissed", "edited", "submitted"]),
    ("issue_comment", &["created", "deleted", "edited"]),
    ("check_run", &["completed", "created", "requested_action", "rerequested"]),
    ("check_suite", &["completed", "requested", "rerequested"]),
    ("workflow_run", &["completed", "in_progress", "requested"]),
    (
        "dependabot_alert",
        &[
            "assignees_changed",
            "auto_dismissed",
            "auto_reopened",
            "created",
            "dismissed",
            "fixed",
            "reintroduced",
            "reopened",
        ],
    ),
    (
        "code_scanning_alert",
        &["appeared_in_branch", "closed_by_user", "created", "fixed", "reopened", "reopened_by_user"],
    ),
    (
        "secret_scanning_alert",
        &["assigned", "created", "publicly_leaked", "reopened", "resolved", "revoked", "unassigned", "validated"],
    ),
    ("security_advisory", &["published", "updated", "withdrawn"]),
    ("repository_advisory", &["published", "reported"]),
    ("installation", &["created", "deleted", "new_permissions_accepted", "suspend", "unsuspend"]),
    ("installation_repositories", &["added", "removed"]),
    ("installation_target", &["renamed"]),
    (
        "repository",
        &[
            "archived",
            "created",
            "deleted",
            "edited",
            "privatized",
            "publicized",
            "renamed",
            "transferred",
            "unarchived",
        ],
    ),
];

/// Reads the delivery of `event`, whose contents are the JSON `body`.
///
/// `security_alert`, which some call the alerts, is the one that its contents show.
pub fn parse(event: &str, body: &str) -> Result<GitHubEvent, Malformed> {
    let event = if event == "security_alert" { kind_of_alert(body)? } else { event };
    let Some((event, actions)) = KNOWN.iter().find(|(known, _)| *known == event) else {
        let action = serde_json::from_str(body).ok().and_then(|Acted { action }| action);
        return Ok(GitHubEvent::Unknown { event: cut(event), action: action.as_deref().map(cut) });
    };
    match *event {
        "ping" => return read::<IgnoredAny>(event, body).map(|_| GitHubEvent::Ping),
        "push" => return read(event, body).map(GitHubEvent::Push),
        _ => {}
    }
    let said = read::<Acted>(event, body)?.action.ok_or_else(|| malformed(event, "it has no action".to_owned()))?;
    let Some(action) = actions.iter().copied().find(|known| *known == said) else {
        return Ok(GitHubEvent::Unknown { event: (*event).to_owned(), action: Some(cut(&said)) });
    };
    match *event {
        "pull_request" => read(event, body).map(|contents| GitHubEvent::PullRequest(action, contents)),
        "pull_request_review" => read(event, body).map(|contents| GitHubEvent::Review(action, contents)),
        "issue_comment" => read(event, body).map(|contents| GitHubEvent::Comment(action, contents)),
        "check_run" => read::<CheckRunEvent>(event, body).map(|run| GitHubEvent::Checks(action, run.into())),
        "check_suite" => read::<CheckSuiteEvent>(event, body).map(|suite| GitHubEvent::Checks(action, suite.into())),
        "workflow_run" => read::<WorkflowRunEvent>(event, body).map(|run| GitHubEvent::Checks(action, run.into())),
        "dependabot_alert" => alert(event, action, AlertKind::Dependabot, body),
        "code_scanning_alert" => alert(event, action, AlertKind::CodeScanning, body),
        "secret_scanning_alert" => alert(event, action, AlertKind::SecretScanning, body),
        "security_advisory" | "repository_advisory" => {
            read(event, body).map(|contents| GitHubEvent::Advisory(action, contents))
        }
        "repository" => read(event, body).map(|contents| GitHubEvent::Repository(action, contents)),
        _ => read(event, body).map(|contents| GitHubEvent::Installation(action, contents)),
    }
}

#[derive(Deserialize)]
struct Acted {
    action: Option<String>,
}

fn alert(event: &str, action: Action, kind: AlertKind, body: &str) -> Result<GitHubEvent, Malformed> {
    read(event, body).map(|contents| GitHubEvent::Alert(action, kind, contents))
}

/// The event that is delivered as `security_alert`: each kind of alert has members of its own.
fn kind_of_alert(body: &str) -> Result<&'static str, Malformed> {
    #[derive(Deserialize)]
    struct Delivery {
        alert: Members,
    }
    #[derive(Deserialize)]
    struct Members {
        dependency: Option<IgnoredAny>,
        rule: Option<IgnoredAny>,
        secret_type: Option<IgnoredAny>,
    }
    let Delivery { alert } = read("security_alert", body)?;
    match alert {
        Members { dependency: Some(_), .. } => Ok("dependabot_alert"),
        Members { rule: Some(_), .. } => Ok("code_scanning_alert"),
        Members { secret_type: Some(_), .. } => Ok("secret_scanning_alert"),
        _ => Err(malformed("security_alert", "its alert is of no kind that is known".to_owned())),
    }
}

/// Words of the reader quote what they stumble over, so only those that name one of our own members are kept.
fn read<T: DeserializeOwned>(event: &str, body: &str) -> Result<T, Malformed> {
    serde_json::from_str(body).map_err(|error| {
        let words = error.to_string();
        let place = format!("at line {} column {}", error.line(), error.column());
        let reason = match error.classify() {
            Category::Data if words.starts_with("missing field `") => words,
            Category::Data => format!("a member is not what it has to be, {place}"),
            _ => format!("it is not JSON, or too deep, {place}"),
        };
        malformed(event, reason)
    })
}

fn malformed(event: &str, reason: String) -> Malformed {
    Malformed { event: cut(event), reason }
}

/// The beginning of a name that somebody else chose, fit for a log.
fn cut(name: &str) -> String {
    name.chars().filter(|letter| !letter.is_control()).take(UNKNOWN_CHARS_MAX).collect()
}
