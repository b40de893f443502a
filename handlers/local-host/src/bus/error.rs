//! What can go wrong on a bus, in words.

use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

/// Why a call of the bus failed. Nothing of the call was done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// No queue, topic or subscription has this name.
    #[error("no {kind} is called {name}; add a function with such a trigger to the app, or correct the name")]
    UnknownEntity {
        /// queue, topic or subscription
        kind: &'static str,
        /// As it was asked for.
        name: String,
    },
    /// The lock ran out or was given up, or the message is settled.
    #[error(
        "the lock {0} is lost: it ran out, or its message is settled already; the message comes again unless it was completed"
    )]
    LockLost(super::LockToken),
    /// A dead letter can't be made one again.
    #[error("the message of lock {0} is a dead letter already; complete it, or replay it")]
    AlreadyDead(super::LockToken),
    /// Larger than Service Bus takes.
    #[error("a message of {bytes} bytes is too large; {bytes_max} are the most")]
    TooLarge {
        /// Of body and properties.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// A time or a number that can't be kept.
    #[error("{0} can't be kept: {1}")]
    OutOfRange(&'static str, String),
    /// The disk is full.
    #[error("no space is left for {}; make room on its disk and it goes on by itself. Nothing that was accepted is lost", file.display())]
    Full {
        /// The file of the bus.
        file: PathBuf,
    },
    /// Another process has the file.
    #[error("{} is in use by another process; stop the other one, or choose another --state", file.display())]
    InUse {
        /// The file of the bus.
        file: PathBuf,
    },
    /// The file is something else.
    #[error("{} is not the file of a bus ({what}); move it away, or choose another --state", file.display())]
    Foreign {
        /// The file.
        file: PathBuf,
        /// What it is instead.
        what: String,
    },
    /// The file is damaged.
    #[error(
        "{} is damaged ({what}); put it aside together with its -wal and -shm, and restore a backup with `suture restore`",
        file.display()
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A newer version wrote the file.
    #[error("{} was written by a newer version (schema {found}; this one knows {known}); run the newer version", file.display())]
    NewerSchema {
        /// The file.
        file: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest that is known.
        known: i64,
    },
    /// The file can't be written.
    #[error("{} can't be written; check its owner and permissions, and those of its folder", file.display())]
    ReadOnly {
        /// The file.
        file: PathBuf,
    },
    /// Anything else that the disk or SQLite says.
    #[error("{}: {what}", file.display())]
    Storage {
        /// The file.
        file: PathBuf,
        /// What was said.
        what: String,
    },
    /// The bus was closed.
    #[error("the bus is closed")]
    Closed,
}

impl BusError {
    /// Why `part`, the file of a bus or one beside it, can't be made or read.
    pub(super) fn of_file(bus: &Path, part: &Path, error: &Error) -> Self {
        match error.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { file: bus.to_owned() },
            ErrorKind::StorageFull => Self::Full { file: bus.to_owned() },
            _ => Self::Storage { file: part.to_owned(), what: error.to_string() },
        }
    }
}
