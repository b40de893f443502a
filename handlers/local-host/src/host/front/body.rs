//! Bodies within limits, and answers in words.

use axum::body::{Body, to_bytes};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use std::time::Duration;

/// Larger bodies are refused. Azure takes 100 MB; nothing that Suture is sent has more than this.
pub const BODY_BYTES_MAX: usize = 64 << 20;

/// A client that takes longer for its body is refused.
const BODY_WAIT: Duration = Duration::from_secs(60);

/// A body within the limits, or the answer that says which one it breaks.
pub async fn read_body(body: Body) -> Result<Vec<u8>, Response> {
    match tokio::time::timeout(BODY_WAIT, to_bytes(body, BODY_BYTES_MAX)).await {
        Ok(Ok(body)) => Ok(body.to_vec()),
        Ok(Err(error)) if is_too_large(&error) => {
            Err(sentence(StatusCode::PAYLOAD_TOO_LARGE, &format!("a body may have {BODY_BYTES_MAX} bytes")))
        }
        Ok(Err(_)) => Err(sentence(StatusCode::BAD_REQUEST, "the body broke off")),
        Err(_) => Err(sentence(StatusCode::REQUEST_TIMEOUT, "the body took too long")),
    }
}

fn is_too_large(error: &axum::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if error.to_string().contains("length limit exceeded") {
            return true;
        }
        cause = error.source();
    }
    false
}

/// An answer in words.
pub fn sentence(status: StatusCode, words: &str) -> Response {
    (status, format!("{words}\n")).into_response()
}
