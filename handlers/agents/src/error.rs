//! Why an agent could not do its work. Errors answer one question: should it be tried again?

use crate::environment::git::GitError;
use crate::environment::store::StoreError;
use jiff::Timestamp;
use pipeline::message::PayloadError;

/// The three kinds of failure.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// It may go better later: a rate limit, a server that is down.
    #[error("to be tried later: {reason}")]
    TryLater {
        /// What was seen.
        reason: String,
        /// Not before this moment, where the other side said so.
        not_before: Option<Timestamp>,
    },
    /// It will never go: people are told.
    #[error("can't be helped: {reason}")]
    CantBeHelped {
        /// What was seen.
        reason: String,
    },
    /// We are broken: a bug, or the store is gone. The message stays where it is.
    #[error("broken: {reason}")]
    Broken {
        /// What was seen.
        reason: String,
        /// Whether it is the store, which may be back in a while.
        is_outage: bool,
    },
}

impl AgentError {
    /// We are broken, for this reason: a bug.
    pub fn broken(reason: impl Into<String>) -> Self {
        Self::Broken { reason: reason.into(), is_outage: false }
    }

    /// We are broken, whatever is wrong with the store: also where a record is damaged.
    pub fn broken_by_store(error: &StoreError) -> Self {
        let is_outage = matches!(error, StoreError::Store { .. } | StoreError::Folder { .. });
        Self::Broken { reason: error.to_string(), is_outage }
    }

    /// It will never go, for this reason.
    pub fn cant_be_helped(reason: impl Into<String>) -> Self {
        Self::CantBeHelped { reason: reason.into() }
    }
}

impl AgentError {
    /// Advisories can't be asked for: nothing found would mean nothing.
    pub fn advisories_silent() -> Self {
        Self::TryLater { reason: "advisories can't be asked for now".to_owned(), not_before: None }
    }
}

impl From<StoreError> for AgentError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Damaged { .. } => Self::CantBeHelped { reason: error.to_string() },
            _ => Self::broken_by_store(&error),
        }
    }
}

impl From<GitError> for AgentError {
    fn from(error: GitError) -> Self {
        match error {
            _ if error.is_transient() => Self::TryLater { reason: error.to_string(), not_before: None },
            GitError::Crashed(_) => Self::broken(error.to_string()),
            _ => Self::CantBeHelped { reason: error.to_string() },
        }
    }
}

impl From<PayloadError> for AgentError {
    fn from(error: PayloadError) -> Self {
        Self::CantBeHelped { reason: error.to_string() }
    }
}

impl From<serde_json::Error> for AgentError {
    fn from(error: serde_json::Error) -> Self {
        Self::broken(format!("a message can't be written: {error}"))
    }
}
