//! The body of a call, with its length said before or not.

use super::failure::Failure;
use axum::body::Body;
use futures::StreamExt;

/// A call may have this many bytes. Service Bus lets a message have 100 MB at most, and that only where it costs extra.
pub const BODY_BYTES_MAX: usize = 64 << 20;

/// Of a body that is too large, as much is read and dropped: who is cut off while sending never sees the answer.
const DROPPED_BYTES_MAX: usize = 256 << 20;

/// Reads `body` to its end. An error where it is too large, or is cut off.
pub async fn read(body: Body) -> Result<Vec<u8>, Failure> {
    let (mut bytes, mut seen) = (Vec::new(), 0_usize);
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| Failure::cut_off(&error))?;
        seen = seen.saturating_add(chunk.len());
        if seen <= BODY_BYTES_MAX {
            bytes.extend_from_slice(&chunk);
        } else if seen <= DROPPED_BYTES_MAX {
            bytes = Vec::new();
        } else {
            break;
        }
    }
    if seen > BODY_BYTES_MAX { Err(Failure::too_large(BODY_BYTES_MAX)) } else { Ok(bytes) }
}
