//! What a handler writes to standard output and standard error.

use crate::host::event::{Events, HostEvent};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, BufReader};

/// A line is cut after this many bytes; what follows is a line of its own.
const LINE_BYTES_MAX: usize = 16 * 1024;

/// Lines of standard error that are told as last words.
const LAST_WORDS_LINES_MAX: usize = 3;

/// The newest lines of standard error.
#[derive(Debug, Clone, Default)]
pub struct LastWords(Arc<Mutex<VecDeque<String>>>);

impl LastWords {
    fn add(&self, line: &str) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LAST_WORDS_LINES_MAX {
            lines.pop_front();
        }
        lines.push_back(line.to_owned());
    }

    /// All of them, for a sentence; empty if nothing was said.
    pub fn told(&self) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().cloned().collect::<Vec<_>>().join("; ")
    }
}

/// Tells every line of `stream` until it ends.
pub async fn follow(
    stream: impl AsyncRead + Unpin,
    name: &'static str,
    app: String,
    events: Events,
    last_words: Option<LastWords>,
) {
    let mut reader = BufReader::new(stream);
    // A stream that breaks has nothing more to tell: its process is about to end.
    while let Ok(Some(line)) = next_line(&mut reader).await {
        if let Some(last_words) = &last_words {
            last_words.add(&line);
        }
        events.tell(HostEvent::Output { app: app.clone(), stream: name, line });
    }
}

async fn next_line(reader: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Option<String>> {
    let mut line = Vec::new();
    loop {
        let available = reader.fill_buf().await?;
        if available.is_empty() {
            return Ok((!line.is_empty()).then(|| text(&line)));
        }
        let room = LINE_BYTES_MAX - line.len();
        let end = available.iter().take(room).position(|byte| *byte == b'\n');
        let taken = end.map_or(available.len().min(room), |end| end + 1);
        line.extend_from_slice(&available[..taken]);
        reader.consume(taken);
        if end.is_some() || line.len() == LINE_BYTES_MAX {
            return Ok(Some(text(&line)));
        }
    }
}

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line).trim_end_matches(['\n', '\r']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_are_told_one_by_one_and_cut_at_a_limit() {
        let long = "x".repeat(LINE_BYTES_MAX + 2);
        let written = format!("one\r\n\n{long}\nlast");
        let mut reader = written.as_bytes();
        let mut lines = Vec::new();
        while let Some(line) = next_line(&mut reader).await.unwrap() {
            lines.push(line);
        }
        assert_eq!(lines, ["one", "", &long[..LINE_BYTES_MAX], "xx", "last"]);
    }

    #[tokio::test]
    async fn last_words_are_the_newest_lines() {
        let words = LastWords::default();
        follow(&b"a\nb\nc\nd\n"[..], "stderr", "agents".to_owned(), Events::default(), Some(words.clone())).await;
        assert_eq!(words.told(), "b; c; d");
    }
}
