//! How far a bus had come, written beside its file.
//!
//! SQLite takes a log that was cut off, or a file that was emptied, for one that never had more. So the highest sequence number
//! of messages that were accepted is kept here as well, written once they are on the disk: a file that has not come as far lost
//! messages, and says so. A mark that can't be read only makes that less certain.

use super::BusError;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Digits of the number, padded so that each writing covers the last.
const DIGITS: usize = 20;

/// The mark of a bus. As long as it is open, no other process opens the bus.
#[derive(Debug)]
pub(super) struct Mark {
    file: File,
    highest: i64,
}

impl Mark {
    /// Where the mark of the bus in `bus` is.
    pub(super) fn path(bus: &Path) -> PathBuf {
        let mut path = bus.as_os_str().to_owned();
        path.push(".mark");
        path.into()
    }

    /// Opens the mark of the bus in `bus`, or makes it.
    pub(super) fn open(bus: &Path) -> Result<Self, BusError> {
        let path = Self::path(bus);
        let storage = |error| BusError::of_file(bus, &path, &error);
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(storage)?;
        match crate::lock::take(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(BusError::InUse { file: bus.to_owned() }),
            Err(TryLockError::Error(error)) => return Err(storage(error)),
        }
        let mut digits = Vec::new();
        (&file).take(DIGITS as u64).read_to_end(&mut digits).map_err(storage)?;
        let text = std::str::from_utf8(&digits).ok();
        Ok(Self { file, highest: text.and_then(|text| text.parse().ok()).unwrap_or_default() })
    }

    /// The highest sequence number that was accepted.
    pub(super) fn highest(&self) -> i64 {
        self.highest
    }

    /// Messages up to `sequence_number` are on the disk. On a full disk the mark stays behind, which does no harm.
    pub(super) fn raise(&mut self, sequence_number: i64) {
        if sequence_number > self.highest {
            self.highest = sequence_number;
            let digits = format!("{sequence_number:0DIGITS$}");
            let written = self.file.seek(SeekFrom::Start(0)).and_then(|_| self.file.write_all(digits.as_bytes()));
            if let Err(error) = written {
                tracing::debug!(error = %error, "the mark of the bus stays behind");
            }
        }
    }
}
