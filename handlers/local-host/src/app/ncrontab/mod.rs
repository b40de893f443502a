//! When a timer fires: NCRONTAB expressions, and spans of time between two moments.
//!
//! Written by hand, since what the host refuses has to be refused here too: a schedule that only works on this machine is a function that
//! is missing in Azure. `croner` and `cron` take `7`, `L`, `W`, `#`, `?` and `@daily`, want names of three letters, refuse `5-1` and
//! `*/0`; the host (NCrontab 3) does none of that. Here is all of its rules:
//!
//! - Six fields: second, minute, hour, day, month, weekday; or five without the second, which then is 0. Only blanks part them.
//! - A field is a list of `*`, `a`, `a-b`, each with `/step` or without; `a/step` goes from `a` to the end. `b-a` is `a-b`, a step below
//!   1 is 1.
//! - Weekdays are 0 to 6 from Sunday; months 1 to 12. Both have English names, of which a beginning is enough, in any case.
//! - Day and weekday both have to hold.
//! - What is none of that may be a span of time: then each moment is that long after the one before.

mod field;
#[cfg(test)]
mod tests;

use super::time_span::TimeSpan;
use field::{Field, Kind};
use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use std::str::FromStr;

/// How far ahead a moment is looked for. The rarest day, 29 February on one weekday, comes back within 40 years.
const DAYS_AHEAD_MAX: u32 = 41 * 366;

/// The moments of a timer, in UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    text: String,
    moments: Moments,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Moments {
    Fields(Fields),
    Every(SignedDuration),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Fields {
    seconds: Field,
    minutes: Field,
    hours: Field,
    days: Field,
    months: Field,
    weekdays: Field,
}

/// Why a schedule can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ScheduleError(String);

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let moments = match fields(text) {
            Ok(fields) => Moments::Fields(fields),
            Err(error) => match text.parse::<TimeSpan>() {
                Ok(span) if span.ms > 0 => Moments::Every(SignedDuration::from_millis(span.ms)),
                Ok(_) => return Err(ScheduleError(format!("\"{text}\" is no time at all"))),
                Err(_) => return Err(error),
            },
        };
        Ok(Self { text: text.to_owned(), moments })
    }
}

impl Schedule {
    /// The first moment after `moment`; `None` if there is none (30 February), or none that a timestamp can hold.
    pub fn next_after(&self, moment: Timestamp) -> Option<Timestamp> {
        match &self.moments {
            Moments::Every(span) => moment.checked_add(*span).ok(),
            Moments::Fields(fields) => {
                let next = fields.next_after(TimeZone::UTC.to_datetime(moment))?;
                TimeZone::UTC.to_timestamp(next).ok()
            }
        }
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is a span of time, which the host takes only on dedicated plans.
    pub fn is_span(&self) -> bool {
        matches!(self.moments, Moments::Every(_))
    }

    /// Whether there may be several moments within one minute. Of such a timer the host does not keep when it ran, whatever
    /// `useMonitor` says.
    pub fn is_sub_minute(&self) -> bool {
        match &self.moments {
            Moments::Every(span) => *span < SignedDuration::from_mins(1),
            Moments::Fields(fields) => fields.seconds.has_several(),
        }
    }
}

fn fields(text: &str) -> Result<Fields, ScheduleError> {
    let parts: Vec<&str> = text.split(' ').filter(|part| !part.is_empty()).collect();
    let (seconds, rest) = match parts.as_slice() {
        [seconds, rest @ ..] if rest.len() == 5 => (*seconds, rest),
        rest if rest.len() == 5 => ("0", rest),
        _ => {
            return Err(ScheduleError(format!(
                "\"{text}\" is neither six fields (second minute hour day month weekday), nor five without the second, nor a span of time"
            )));
        }
    };
    let field = |kind: Kind, text: &str| Field::read(kind, text).map_err(ScheduleError);
    let [minutes, hours, days, months, weekdays] = rest else { return Err(ScheduleError(text.to_owned())) };
    Ok(Fields {
        seconds: field(Kind::Second, seconds)?,
        minutes: field(Kind::Minute, minutes)?,
        hours: field(Kind::Hour, hours)?,
        days: field(Kind::Day, days)?,
        months: field(Kind::Month, months)?,
        weekdays: field(Kind::Weekday, weekdays)?,
    })
}

impl Fields {
    fn next_after(&self, moment: DateTime) -> Option<DateTime> {
        let after = moment.with().subsec_nanosecond(0).build().ok()?.checked_add(SignedDuration::from_secs(1)).ok()?;
        let mut day = after.date();
        let mut clock = self.clock_from(u8_of(after.hour()), u8_of(after.minute()), u8_of(after.second()));
        for _ in 0..DAYS_AHEAD_MAX {
            if let Some((hour, minute, second)) = clock
                && self.holds_on(day)
            {
                return Some(day.at(i8_of(hour), i8_of(minute), i8_of(second), 0));
            }
            day = day.tomorrow().ok()?;
            clock = self.clock_from(0, 0, 0);
        }
        None
    }

    fn holds_on(&self, day: Date) -> bool {
        self.months.contains(u8_of(day.month()))
            && self.days.contains(u8_of(day.day()))
            && self.weekdays.contains(u8_of(day.weekday().to_sunday_zero_offset()))
    }

    /// The first time of a day that is not before this one.
    fn clock_from(&self, hour: u8, minute: u8, second: u8) -> Option<(u8, u8, u8)> {
        let (first_minute, first_second) = (self.minutes.first_from(0)?, self.seconds.first_from(0)?);
        if self.hours.contains(hour) {
            if self.minutes.contains(minute)
                && let Some(second) = self.seconds.first_from(second)
            {
                return Some((hour, minute, second));
            }
            if let Some(minute) = self.minutes.first_from(minute + 1) {
                return Some((hour, minute, first_second));
            }
        }
        Some((self.hours.first_from(hour + 1)?, first_minute, first_second))
    }
}

/// Parts of a date and of a clock are small and never negative.
fn u8_of(part: i8) -> u8 {
    part.unsigned_abs()
}

fn i8_of(part: u8) -> i8 {
    i8::try_from(part).unwrap_or_default()
}
