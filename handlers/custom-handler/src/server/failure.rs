//! Calls that fail. To the host any other status than 2xx says so, and nothing more: words are for whoever reads the log.

use crate::wire::WireError;
use agents::environment::open::OpenError;
use agents::error::AgentError;
use axum::http::StatusCode;
use std::fmt::Display;

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What the host is told.
    pub status: StatusCode,
    /// In words.
    pub reason: String,
    /// Whether the log has it already.
    pub is_logged: bool,
    /// Whether what agents work with can't be had, which may be over in a while.
    pub is_outage: bool,
}

impl Failure {
    /// We are broken. The host delivers the message again.
    pub fn broken(reason: impl Display) -> Self {
        Self::of(StatusCode::INTERNAL_SERVER_ERROR, reason)
    }

    fn of(status: StatusCode, reason: impl Display) -> Self {
        Self { status, reason: reason.to_string(), is_logged: false, is_outage: false }
    }

    /// An agent panicked. What it said is in the log, where it stays.
    pub fn panicked() -> Self {
        Self { is_logged: true, ..Self::broken("broken: the agent panicked; its words are in the log") }
    }

    /// The call took longer than it may.
    pub fn too_long(seconds: u64) -> Self {
        Self::broken(format!("broken: no answer within {seconds} s, the limit for one step"))
    }

    /// Nobody waits for the answer any more; whoever gave up has said why.
    pub fn given_up() -> Self {
        Self { is_logged: true, ..Self::broken("broken: nobody waits for the answer any more") }
    }

    /// The body has more bytes than it may.
    pub fn too_large(bytes_max: usize) -> Self {
        Self::of(StatusCode::PAYLOAD_TOO_LARGE, format!("the call has more than {bytes_max} bytes"))
    }

    /// There is no room for the body beside those of other calls.
    pub fn no_room() -> Self {
        Self::of(StatusCode::SERVICE_UNAVAILABLE, "the calls in work have too many bytes for one more; try again later")
    }

    /// The body never came to its end.
    pub fn cut_off(error: &impl Display) -> Self {
        Self::of(StatusCode::BAD_REQUEST, format!("the call was cut off: {error}"))
    }

    /// Nothing more of the body came for so long.
    pub fn stalled(seconds: u64) -> Self {
        Self::of(StatusCode::REQUEST_TIMEOUT, format!("nothing more of the call came for {seconds} s"))
    }

    /// The same, which the log has.
    #[must_use]
    pub fn logged(self) -> Self {
        Self { is_logged: true, ..self }
    }
}

impl From<WireError> for Failure {
    fn from(error: WireError) -> Self {
        Self::of(StatusCode::BAD_REQUEST, error)
    }
}

impl From<AgentError> for Failure {
    fn from(error: AgentError) -> Self {
        Self { is_outage: matches!(error, AgentError::Broken { is_outage: true, .. }), ..Self::broken(error) }
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        Self { is_outage: true, ..Self::broken(format!("broken: {error}")) }
    }
}
