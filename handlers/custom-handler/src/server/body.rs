//! The body of a call, with its length said before or not, and the room for all bodies together.

use super::failure::Failure;
use axum::body::Body;
use futures::StreamExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A call may have this many bytes. Service Bus lets a message have 100 MB at most, and that only where it costs extra.
pub const BODY_BYTES_MAX: usize = 64 << 20;

/// All calls together may have this many, those included that are in work.
const BODIES_BYTES_MAX: usize = 256 << 20;

/// A body for which there is no room waits so long for other calls to end. Longer than most take: a refusal costs a delivery.
const ROOM_WAIT: Duration = Duration::from_secs(10);

/// A caller that sends nothing for so long is refused: it may hold room.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Of a body that is too large, as much is read and dropped: who is cut off while sending never sees the answer.
const DROPPED_BYTES_MAX: usize = 256 << 20;

/// Room for bodies.
#[derive(Debug, Clone)]
pub struct Bodies {
    /// Bytes that are free.
    room: Arc<Semaphore>,
    wait: Duration,
    pause: Duration,
}

/// A body, and the room that it takes until it is dropped.
#[derive(Debug, Default)]
pub struct ReadBody {
    /// What came.
    pub bytes: Vec<u8>,
    /// `None` of an empty one.
    pub room: Option<OwnedSemaphorePermit>,
}

impl Default for Bodies {
    fn default() -> Self {
        Self::of(BODIES_BYTES_MAX, ROOM_WAIT)
    }
}

impl Bodies {
    /// Room for `bytes_max` bytes, for which a body waits so long.
    pub fn of(bytes_max: usize, wait: Duration) -> Self {
        Self { room: Arc::new(Semaphore::new(bytes_max)), wait, pause: PAUSE_MAX }
    }

    /// Reads `body` to its end. An error where it is too large, is cut off, stalls, or finds no room.
    pub async fn read(&self, body: Body) -> Result<ReadBody, Failure> {
        let (mut read, mut seen) = (ReadBody::default(), 0_usize);
        let mut chunks = body.into_data_stream();
        loop {
            let next = tokio::time::timeout(self.pause, chunks.next()).await;
            let Some(chunk) = next.map_err(|_| Failure::stalled(self.pause.as_secs()))? else { break };
            let chunk = chunk.map_err(|error| Failure::cut_off(&error))?;
            seen = seen.saturating_add(chunk.len());
            if seen <= BODY_BYTES_MAX {
                let room = self.room(chunk.len()).await?;
                match &mut read.room {
                    Some(taken) => taken.merge(room),
                    taken => *taken = Some(room),
                }
                read.bytes.extend_from_slice(&chunk);
            } else if seen <= DROPPED_BYTES_MAX {
                read = ReadBody::default();
            } else {
                break;
            }
        }
        if seen > BODY_BYTES_MAX { Err(Failure::too_large(BODY_BYTES_MAX)) } else { Ok(read) }
    }

    async fn room(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Failure> {
        let bytes = u32::try_from(bytes).map_err(|_| Failure::too_large(BODY_BYTES_MAX))?;
        let room = Arc::clone(&self.room).acquire_many_owned(bytes);
        // It is never closed.
        tokio::time::timeout(self.wait, room).await.ok().and_then(Result::ok).ok_or_else(Failure::no_room)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bodies_have_to_fit_together() {
        let bodies = Bodies::of(10, Duration::from_millis(20));
        let first = bodies.read(Body::from("123456")).await.unwrap();
        assert_eq!(bodies.read(Body::from("123456")).await.unwrap_err(), Failure::no_room());
        drop(first);
        assert_eq!(bodies.read(Body::from("1234567890")).await.unwrap().bytes, b"1234567890");
    }

    #[tokio::test]
    async fn body_waits_for_others_to_end() {
        let bodies = Bodies::of(10, Duration::from_secs(9));
        let first = bodies.read(Body::from("123456")).await.unwrap();
        let (second, ()) = tokio::join!(bodies.read(Body::from("12345")), async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            drop(first);
        });
        assert_eq!(second.unwrap().bytes, b"12345");
    }

    #[tokio::test]
    async fn who_stops_sending_is_refused_and_holds_no_room() {
        let bodies = Bodies { pause: Duration::from_millis(20), ..Bodies::of(10, Duration::from_secs(9)) };
        let first = futures::stream::iter([Ok::<_, std::convert::Infallible>("1234567890")]);
        let stalled = Body::from_stream(first.chain(futures::stream::pending()));
        let (stalled, spoken) = tokio::join!(bodies.read(stalled), bodies.read(Body::from("1234567890")));
        assert_eq!(stalled.unwrap_err(), Failure::stalled(0));
        assert_eq!(spoken.unwrap().bytes.len(), 10);
    }

    #[tokio::test]
    async fn too_large_a_body_takes_no_room() {
        let bodies = Bodies::default();
        let refused = bodies.read(Body::from(vec![0; BODY_BYTES_MAX + 1])).await.unwrap_err();
        assert_eq!(refused, Failure::too_large(BODY_BYTES_MAX));
        assert_eq!(bodies.room.available_permits(), BODIES_BYTES_MAX);
    }
}
