//! Refusals, in the shape that the service has for them.

use super::BusError;
use crate::chance;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    status: StatusCode,
    what: String,
}

impl Refusal {
    /// With `status`, because of `what`.
    pub(super) fn new(status: StatusCode, what: String) -> Self {
        Self { status, what }
    }

    /// With what is told of the request: its resource and its time.
    pub(super) fn about(self, resource: &str, now: Timestamp) -> impl IntoResponse + use<> {
        let id = chance::uuid();
        let what = escaped(&self.what);
        let resource = escaped(resource);
        let body = format!(
            "<Error><Code>{}</Code><Detail>{what}. TrackingId:{id}, SystemTracker:{resource}, Timestamp:{now}</Detail></Error>",
            self.status.as_u16()
        );
        let kind = [(CONTENT_TYPE, "application/xml; charset=utf-8")];
        let answer: Response = (self.status, kind, body).into_response();
        answer
    }
}

impl From<BusError> for Refusal {
    fn from(error: BusError) -> Self {
        let status = match &error {
            BusError::UnknownEntity { .. } | BusError::LockLost(_) => StatusCode::NOT_FOUND,
            BusError::TooLarge { .. } | BusError::Full { .. } => StatusCode::FORBIDDEN,
            BusError::AlreadyDead(_) | BusError::OutOfRange(..) => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.to_string())
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
