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
}

impl Failure {
    /// We are broken. The host delivers the message again.
    pub fn broken(reason: impl Display) -> Self {
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, reason: reason.to_string(), is_logged: false }
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
        let reason = format!("the call has more than {bytes_max} bytes");
        Self { status: StatusCode::PAYLOAD_TOO_LARGE, reason, is_logged: false }
    }

    /// There is no room for the body beside those of other calls.
    pub fn no_room() -> Self {
        let reason = "the calls in work have too many bytes for one more; try again later".to_owned();
        Self { status: StatusCode::SERVICE_UNAVAILABLE, reason, is_logged: false }
    }

    /// The body never came to its end.
    pub fn cut_off(error: &impl Display) -> Self {
        let reason = format!("the call was cut off: {error}");
        Self { status: StatusCode::BAD_REQUEST, reason, is_logged: false }
    }

    /// The same, which the log has.
    #[must_use]
    pub fn logged(self) -> Self {
        Self { is_logged: true, ..self }
    }
}

impl From<WireError> for Failure {
    fn from(error: WireError) -> Self {
        Self { status: StatusCode::BAD_REQUEST, reason: error.to_string(), is_logged: false }
    }
}

impl From<AgentError> for Failure {
    fn from(error: AgentError) -> Self {
        Self::broken(error)
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        Self::broken(format!("broken: {error}"))
    }
}
