//! A file that one process at a time has.

use std::fs::{File, TryLockError};
use std::time::Duration;

/// How long a lock is waited for: a child of another process has its parent's files for the moment between its birth and its program.
const WAIT_MS: u64 = 500;
/// How long between two looks.
const LOOK_MS: u64 = 10;

/// Takes `file` for this process, as long as it is open. [`TryLockError::WouldBlock`]: another process has it.
pub(crate) fn take(file: &File) -> Result<(), TryLockError> {
    for _ in 0..WAIT_MS / LOOK_MS {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(LOOK_MS)),
            taken => return taken,
        }
    }
    file.try_lock()
}
