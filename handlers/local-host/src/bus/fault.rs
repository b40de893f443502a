//! Errors on their way out: SQLite's codes become words.

use super::BusError;
use rusqlite::ErrorCode;
use std::path::Path;

/// What stopped a call: SQLite, or a rule of the bus.
#[derive(Debug)]
pub(super) enum Fault {
    /// SQLite.
    Sqlite(rusqlite::Error),
    /// A rule.
    Rule(BusError),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<BusError> for Fault {
    fn from(error: BusError) -> Self {
        Self::Rule(error)
    }
}

impl Fault {
    /// In words, about `file`.
    pub(super) fn about(self, file: &Path) -> BusError {
        let error = match self {
            Self::Rule(error) => return error,
            Self::Sqlite(error) => error,
        };
        let file = file.to_owned();
        let what = error.to_string();
        let Some(code) = error.sqlite_error() else { return BusError::Storage { file, what } };
        match code.code {
            ErrorCode::DiskFull => BusError::Full { file },
            // The index of the log grows by mapped memory: a full disk shows there under another name.
            _ if code.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE => BusError::Full { file },
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => BusError::InUse { file },
            ErrorCode::NotADatabase => BusError::Foreign { file, what: "it is no SQLite file".to_owned() },
            ErrorCode::DatabaseCorrupt => BusError::Damaged { file, what },
            ErrorCode::ReadOnly | ErrorCode::PermissionDenied => BusError::ReadOnly { file },
            _ => BusError::Storage { file, what },
        }
    }
}
