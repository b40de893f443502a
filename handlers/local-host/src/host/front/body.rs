//! Bodies within limits, each and together, and answers in words.

use axum::body::{Body, HttpBody};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Larger bodies are refused. Azure takes 100 MB; nothing that Suture is sent has more than this.
pub const BODY_BYTES_MAX: usize = 64 << 20;

/// All bodies together have at most so many bytes, from the first one that is read until what was asked for is done.
const BODIES_BYTES_MAX: usize = 256 << 20;

/// A client that takes longer for its body is refused.
const BODY_WAIT: Duration = Duration::from_secs(60);

/// A client that has sent a part and then nothing for so long is refused: it holds the room of that part.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// A body for which there is no room waits so long for others to end, and is refused then.
const ROOM_WAIT: Duration = Duration::from_secs(5);

/// After this time a client that was refused for want of room may come again.
const RETRY_AFTER_S: u64 = 5;

/// Room for bodies.
#[derive(Debug, Clone)]
pub struct Bodies {
    /// Bytes that are free.
    room: Arc<Semaphore>,
    wait: Duration,
    pause: Duration,
}

/// A body, and the room that it takes until it is dropped.
#[derive(Debug)]
pub struct ReadBody {
    /// What came.
    pub bytes: Vec<u8>,
    /// `None` of an empty one.
    pub room: Option<OwnedSemaphorePermit>,
}

/// Why a body is not read.
enum Unread {
    TooLarge,
    BrokenOff,
    Stalled,
    NoRoom,
}

impl Default for Bodies {
    fn default() -> Self {
        Self::of(BODIES_BYTES_MAX, ROOM_WAIT)
    }
}

impl Bodies {
    fn of(bytes_max: usize, wait: Duration) -> Self {
        Self { room: Arc::new(Semaphore::new(bytes_max)), wait, pause: PAUSE_MAX }
    }

    /// Bytes that are taken.
    #[cfg(test)]
    pub fn taken(&self) -> usize {
        BODIES_BYTES_MAX - self.room.available_permits()
    }

    /// A body within the limits, or the answer that says which one it breaks.
    pub async fn read(&self, body: Body) -> Result<ReadBody, Response> {
        match tokio::time::timeout(BODY_WAIT, self.take(body)).await {
            Ok(Ok(read)) => Ok(read),
            Ok(Err(Unread::TooLarge)) => {
                Err(sentence(StatusCode::PAYLOAD_TOO_LARGE, &format!("a body may have {BODY_BYTES_MAX} bytes")))
            }
            Ok(Err(Unread::BrokenOff)) => Err(sentence(StatusCode::BAD_REQUEST, "the body broke off")),
            Ok(Err(Unread::NoRoom)) => Err(no_room()),
            Ok(Err(Unread::Stalled)) | Err(_) => Err(sentence(StatusCode::REQUEST_TIMEOUT, "the body took too long")),
        }
    }

    /// Room is taken for what came, not for what was announced: who sends nothing takes none.
    async fn take(&self, body: Body) -> Result<ReadBody, Unread> {
        if body.size_hint().lower() > BODY_BYTES_MAX as u64 {
            return Err(Unread::TooLarge);
        }
        let mut read = ReadBody { bytes: Vec::new(), room: None };
        let mut chunks = body.into_data_stream();
        loop {
            // Before the first part nothing is held.
            let pause = if read.room.is_some() { self.pause } else { BODY_WAIT };
            let next = tokio::time::timeout(pause, chunks.next()).await.map_err(|_| Unread::Stalled)?;
            let Some(chunk) = next else { return Ok(read) };
            let chunk = chunk.map_err(|_| Unread::BrokenOff)?;
            if read.bytes.len() + chunk.len() > BODY_BYTES_MAX {
                return Err(Unread::TooLarge);
            }
            let room = self.room(chunk.len()).await?;
            match &mut read.room {
                Some(taken) => taken.merge(room),
                taken => *taken = Some(room),
            }
            read.bytes.extend_from_slice(&chunk);
        }
    }

    async fn room(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Unread> {
        let bytes = u32::try_from(bytes).map_err(|_| Unread::TooLarge)?;
        let room = Arc::clone(&self.room).acquire_many_owned(bytes);
        // It is never closed.
        tokio::time::timeout(self.wait, room).await.ok().and_then(Result::ok).ok_or(Unread::NoRoom)
    }
}

fn no_room() -> Response {
    let mut response = sentence(StatusCode::SERVICE_UNAVAILABLE, "too much is being sent at once; try again later");
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S));
    response
}

/// An answer in words.
pub fn sentence(status: StatusCode, words: &str) -> Response {
    (status, format!("{words}\n")).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::stream;
    use std::convert::Infallible;

    /// A body in two parts, whose length nobody announces.
    fn in_parts(bytes: usize) -> Body {
        let parts = [vec![0_u8; bytes / 2], vec![0; bytes - bytes / 2]].map(Ok::<_, Infallible>);
        Body::from_stream(stream::iter(parts))
    }

    #[tokio::test]
    async fn bodies_have_to_fit_together() {
        let bodies = Bodies::of(10, Duration::from_millis(20));
        let first = bodies.read(Body::from("123456")).await.unwrap();
        assert_eq!(first.bytes, b"123456");
        let refused = bodies.read(in_parts(6)).await.unwrap_err();
        assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].to_str().unwrap()), (503, "5"));
        let fits = bodies.read(in_parts(4)).await.unwrap();
        drop((first, fits));
        assert_eq!(bodies.read(in_parts(10)).await.unwrap().bytes.len(), 10);
        assert_eq!(bodies.room.available_permits(), 10);
    }

    #[tokio::test]
    async fn body_waits_for_others_to_end() {
        let bodies = Bodies::of(10, Duration::from_secs(9));
        let first = bodies.read(in_parts(6)).await.unwrap();
        let (second, ()) = tokio::join!(bodies.read(in_parts(6)), async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            drop(first);
        });
        assert_eq!(second.unwrap().bytes.len(), 6);
    }

    #[tokio::test]
    async fn who_sends_nothing_takes_no_room() {
        let bodies = Bodies::of(10, Duration::ZERO);
        let silent = Body::from_stream(stream::pending::<Result<Vec<u8>, Infallible>>());
        let (silence, spoken) = tokio::join!(
            tokio::time::timeout(Duration::from_millis(20), bodies.read(silent)),
            bodies.read(Body::from("1234567890"))
        );
        assert!(silence.is_err() && spoken.is_ok());
    }

    #[tokio::test]
    async fn who_stops_sending_is_refused_and_holds_no_room() {
        let bodies = Bodies { pause: Duration::from_millis(20), ..Bodies::of(10, Duration::from_secs(9)) };
        let first = stream::iter([Ok::<_, Infallible>("1234567890")]);
        let stalled = Body::from_stream(first.chain(stream::pending()));
        let (stalled, spoken) = tokio::join!(bodies.read(stalled), bodies.read(Body::from("1234567890")));
        assert_eq!(stalled.unwrap_err().status(), StatusCode::REQUEST_TIMEOUT);
        assert_eq!(spoken.unwrap().bytes.len(), 10);
    }

    #[tokio::test]
    async fn too_large_a_body_is_refused_and_takes_no_room() {
        let bodies = Bodies::default();
        for body in [Body::from(vec![0; BODY_BYTES_MAX + 1]), in_parts(BODY_BYTES_MAX + 1)] {
            assert_eq!(bodies.read(body).await.unwrap_err().status(), StatusCode::PAYLOAD_TOO_LARGE);
        }
        assert_eq!(bodies.room.available_permits(), BODIES_BYTES_MAX);
    }
}
