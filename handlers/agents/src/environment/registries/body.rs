//! A body that is read while it comes in, so that an answer of many megabytes is never held whole.

use super::fetch::causes;
use super::unavailable::Unavailable;
use bytes::Bytes;
use reqwest::Response;
use std::io::{self, Read};
use tokio::sync::mpsc;

/// How many pieces may wait for the reader.
const PIECES_WAITING_MAX: usize = 8;

/// Lets `read` make a value of the body, on a thread of its own. Over `bytes_max` (unpacked) is an error.
pub(super) async fn read_body<T: Send + 'static>(
    response: Response,
    bytes_max: u64,
    address: String,
    read: impl FnOnce(&mut dyn Read) -> Result<T, String> + Send + 'static,
) -> Result<T, Unavailable> {
    if response.content_length().is_some_and(|length| length > bytes_max) {
        return Err(over_limit(address, bytes_max));
    }
    let (pieces, received) = mpsc::channel(PIECES_WAITING_MAX);
    let reader = tokio::task::spawn_blocking(move || read(&mut Pieces { received, current: Bytes::new() }));
    let sent = send_pieces(response, &pieces, bytes_max, &address).await;
    if sent.is_err() {
        // The reader must not take what came so far for the whole.
        let _ = pieces.send(Err(io::ErrorKind::UnexpectedEof.into())).await;
    }
    drop(pieces);
    let value = reader.await;
    sent?;
    match value {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(reason)) => Err(Unavailable::Unusable { address, reason }),
        Err(failure) => Err(Unavailable::Unusable { address, reason: format!("reading it failed: {failure}") }),
    }
}

async fn send_pieces(
    mut response: Response,
    pieces: &mpsc::Sender<io::Result<Bytes>>,
    bytes_max: u64,
    address: &str,
) -> Result<(), Unavailable> {
    let mut bytes = 0_u64;
    loop {
        let piece = response.chunk().await.map_err(|error| Unavailable::TryLater {
            address: address.to_owned(),
            reason: format!("the answer broke off: {}", causes(&error.without_url())),
            retry_after_s: None,
        })?;
        let Some(piece) = piece else { return Ok(()) };
        bytes = bytes.saturating_add(piece.len() as u64);
        if bytes > bytes_max {
            return Err(over_limit(address.to_owned(), bytes_max));
        }
        if pieces.send(Ok(piece)).await.is_err() {
            // The reader gave up; its own error says why.
            return Ok(());
        }
    }
}

fn over_limit(address: String, bytes_max: u64) -> Unavailable {
    Unavailable::Unusable { address, reason: format!("it is over {bytes_max} bytes") }
}

/// The received pieces as a reader.
struct Pieces {
    received: mpsc::Receiver<io::Result<Bytes>>,
    current: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.received.blocking_recv() {
                Some(piece) => self.current = piece?,
                None => return Ok(0),
            }
        }
        let amount = self.current.len().min(into.len());
        let piece = self.current.split_to(amount);
        if let Some(into) = into.get_mut(..amount) {
            into.copy_from_slice(&piece);
        }
        Ok(amount)
    }
}
