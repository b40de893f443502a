//! What is wrong with the store, in words.

use crate::environment::effects::Crashed;
use std::error::Error;

/// Longest word of the store itself that is told, in characters.
const REASON_CHARS_MAX: usize = 300;

/// The store can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store itself refuses: gone, full, not permitted, or silent for too long.
    #[error("store {place}: {key}: {reason}")]
    Store {
        /// Which store.
        place: String,
        /// What was asked for.
        key: String,
        /// What it said.
        reason: String,
    },
    /// A record that is not what was written: torn, or edited.
    #[error("store: {key} is damaged: {error}")]
    Damaged {
        /// Which record.
        key: String,
        /// What is wrong in it.
        error: String,
    },
    /// The folder can't be made or used.
    #[error("store: {folder}: {error}")]
    Folder {
        /// Which folder.
        folder: String,
        /// Why.
        error: String,
    },
    /// What was set does not name a store.
    #[error("store {setting}: {reason}")]
    Setting {
        /// What was set.
        setting: String,
        /// What is wrong with it, and what would be right. Never a secret.
        reason: String,
    },
    /// The process is dead.
    #[error(transparent)]
    Crashed(#[from] Crashed),
}

impl StoreError {
    /// What `error` says of `key`.
    pub(super) fn of(place: &str, key: &str, error: &object_store::Error) -> Self {
        Self::Store { place: place.to_owned(), key: key.to_owned(), reason: brief(&in_full(error)) }
    }
}

/// Whether `error` says that there is no such record. That the whole container is gone is another matter: a journal that is
/// taken to be empty would have all its work done again.
pub(super) fn is_absence(error: &object_store::Error) -> bool {
    matches!(error, object_store::Error::NotFound { .. }) && !in_full(error).contains("ContainerNotFound")
}

/// `error` and what caused it.
pub(super) fn in_full(error: &object_store::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = error.source();
    }
    text
}

/// `text` as one line, cut where it is too long.
fn brief(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(REASON_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
