//! Answers that are kept for their ETag: what did not change costs GitHub and us little, and counts toward no limit.

use super::transport::Answer;
use http::header;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Size of an answer that is kept.
const ANSWER_BYTES_MAX: usize = 256 << 10;
/// Size of all of them. Over it they are all forgotten: they are easily asked for anew.
const BYTES_MAX: usize = 16 << 20;

/// Kept answers, by who asked and what.
#[derive(Default)]
pub(super) struct Memory(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    answers: HashMap<String, (String, Answer)>,
    bytes: usize,
}

impl Memory {
    /// The ETag of what is kept as `key`, and the answer.
    pub fn get(&self, key: &str) -> Option<(String, Answer)> {
        self.lock().answers.get(key).cloned()
    }

    /// Keeps `answer` as `key`, if it has an ETag and is small enough.
    pub fn keep(&self, key: String, answer: &Answer) {
        let Some(etag) = answer.header(header::ETAG).map(str::to_owned) else { return };
        let size = |answer: &Answer| answer.body.len() + 1024;
        if size(answer) > ANSWER_BYTES_MAX {
            return;
        }
        let mut kept = self.lock();
        if kept.bytes + size(answer) > BYTES_MAX {
            *kept = Kept::default();
        }
        kept.bytes += size(answer);
        if let Some((_, before)) = kept.answers.insert(key, (etag, answer.clone())) {
            kept.bytes -= size(&before);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
