//! How long records are kept.

use crate::journal::PUT_OFF_DAYS_MAX;
use jiff::{SignedDuration, Timestamp};
use std::str::FromStr;

/// How long a message may lie in a queue before the broker drops it, in days: what queues are made with.
pub const MESSAGE_DAYS_MAX: i64 = 14;

/// Days after which records are forgotten. A journal record has to outlive its message: that one may lie in its queue for
/// [`MESSAGE_DAYS_MAX`], be put off for [`PUT_OFF_DAYS_MAX`], and two days are for clocks and for a sweep that was late. Were
/// the record gone first, the message would have its work done again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    days: i64,
}

/// Days, where nothing is set.
const DAYS_DEFAULT: i64 = 90;

/// The least that may be set, in days.
pub const DAYS_MIN: i64 = MESSAGE_DAYS_MAX + PUT_OFF_DAYS_MAX + 2;

/// The most that may be set, in days: ten years.
const DAYS_MAX: i64 = 3653;

impl Default for Retention {
    fn default() -> Self {
        Self { days: DAYS_DEFAULT }
    }
}

/// `SUTURE_RETENTION_DAYS`.
impl FromStr for Retention {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim().parse::<i64>() {
            Ok(days) if (DAYS_MIN..=DAYS_MAX).contains(&days) => Ok(Self { days }),
            _ => Err(format!(
                "SUTURE_RETENTION_DAYS is `{text}`; it has to be a whole number from {DAYS_MIN} to {DAYS_MAX}: a message may come again \
after {MESSAGE_DAYS_MAX} days in a queue and {PUT_OFF_DAYS_MAX} days of being put off, and needs its records then"
            )),
        }
    }
}

impl Retention {
    /// What was written before this moment may be forgotten: journal, events, notices, closed cases.
    pub fn horizon(self, now: Timestamp) -> Timestamp {
        before(now, self.days)
    }

    /// The same for poison, which people may still want to send again: twice as long. And for claim checks, which anything
    /// that is kept may name: two days longer than that.
    pub fn far_horizon(self, now: Timestamp, is_claim: bool) -> Timestamp {
        before(now, 2 * self.days + if is_claim { 2 } else { 0 })
    }
}

fn before(now: Timestamp, days: i64) -> Timestamp {
    now.saturating_sub(SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_than_a_message_may_live_is_refused() {
        let check = |text: &str, expect: Option<i64>| {
            assert_eq!(text.parse::<Retention>().ok().map(|retention| retention.days), expect, "{text}");
        };
        check("90", Some(90));
        check("30", Some(30));
        check("29", None);
        check("-90", None);
        check("4000", None);
        check("ninety", None);
        assert_eq!(DAYS_MIN, 30);
    }
}
