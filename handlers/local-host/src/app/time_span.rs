//! Spans of time as .NET writes them.

use std::str::FromStr;

const MS_PER_SECOND: i64 = 1_000;
const MS_PER_MINUTE: i64 = 60 * MS_PER_SECOND;
const MS_PER_HOUR: i64 = 60 * MS_PER_MINUTE;
const MS_PER_DAY: i64 = 24 * MS_PER_HOUR;
/// What .NET can hold.
const DAYS_MAX: i64 = 10_675_199;

/// A span of time, in whole milliseconds; what is finer is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeSpan {
    /// May be negative.
    pub ms: i64,
}

impl TimeSpan {
    /// `-1` as it is written for "without a limit": .NET reads a number alone as days.
    pub const MINUS_ONE: Self = Self { ms: -MS_PER_DAY };
}

/// Why a text is no span of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no span of time")]
pub struct NoTimeSpan(String);

impl FromStr for TimeSpan {
    type Err = NoTimeSpan;

    /// `[-]d`, `[-][d.]hh:mm[:ss[.fffffff]]`, `[-]d:hh:mm:ss[.fffffff]`; and with a first number above 23, `d:hh:mm`: so
    /// `24:00:00` is 24 days, as it is for the host.
    fn from_str(text: &str) -> Result<Self, NoTimeSpan> {
        read(text.trim()).map(|ms| Self { ms }).ok_or_else(|| NoTimeSpan(text.to_owned()))
    }
}

fn read(text: &str) -> Option<i64> {
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let parts: Vec<&str> = text.split(':').collect();
    let ms = match parts.as_slice() {
        [days] => whole(days, DAYS_MAX)? * MS_PER_DAY,
        [hours, minutes] => days_and_hours(hours)? + clock(minutes, "0")?,
        [first, second, third] => match days_and_hours(first) {
            Some(ms) => ms + clock(second, third)?,
            // More hours than a day has: they are days.
            None => whole(first, DAYS_MAX)? * MS_PER_DAY + whole(second, 23)? * MS_PER_HOUR + clock(third, "0")?,
        },
        [days, hours, minutes, seconds] => {
            whole(days, DAYS_MAX)? * MS_PER_DAY + whole(hours, 23)? * MS_PER_HOUR + clock(minutes, seconds)?
        }
        _ => return None,
    };
    Some(sign * ms)
}

fn days_and_hours(text: &str) -> Option<i64> {
    match text.split_once('.') {
        Some((days, hours)) => Some(whole(days, DAYS_MAX)? * MS_PER_DAY + whole(hours, 23)? * MS_PER_HOUR),
        None => Some(whole(text, 23)? * MS_PER_HOUR),
    }
}

fn clock(minutes: &str, seconds: &str) -> Option<i64> {
    let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    if fraction.is_empty() || fraction.len() > 7 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let ms: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    Some(whole(minutes, 59)? * MS_PER_MINUTE + whole(seconds, 59)? * MS_PER_SECOND + ms)
}

fn whole(text: &str, max: i64) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && *number <= max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Option<i64>) {
        assert_eq!(text.parse::<TimeSpan>().ok().map(|span| span.ms), expect, "{text}");
    }

    #[test]
    fn hours_minutes_and_seconds_are_read() {
        check("00:05:00", Some(300_000));
        check("00:00:30", Some(30_000));
        check("0:0:1", Some(1_000));
        check(" 00:05 ", Some(300_000));
        check("23:59:59.9999999", Some(86_399_999));
        check("00:00:00.25", Some(250));
        check("-00:00:01", Some(-1_000));
    }

    #[test]
    fn days_are_read() {
        check("1.00:00:00", Some(MS_PER_DAY));
        check("1.12:30", Some(MS_PER_DAY + 12 * MS_PER_HOUR + 30 * MS_PER_MINUTE));
        check("5", Some(5 * MS_PER_DAY));
        check("1:02:03:04", Some(MS_PER_DAY + 2 * MS_PER_HOUR + 3 * MS_PER_MINUTE + 4 * MS_PER_SECOND));
        check("-1", Some(TimeSpan::MINUS_ONE.ms));
        check("10675199", Some(DAYS_MAX * MS_PER_DAY));
    }

    #[test]
    fn more_hours_than_a_day_has_are_days() {
        check("24:00:00", Some(24 * MS_PER_DAY));
        check("25:01:02", Some(25 * MS_PER_DAY + MS_PER_HOUR + 2 * MS_PER_MINUTE));
        check("24:00", None);
    }

    #[test]
    fn what_dotnet_refuses_is_refused() {
        for text in [
            "",
            "-",
            "5m",
            "00:60",
            "00:00:60",
            "1.24:00",
            "1:2:3:4:5",
            "::",
            "1.",
            ".5",
            "00:00:00.",
            "+1",
            "1,5",
            "10675200",
            "--1",
            "é",
        ] {
            check(text, None);
        }
        check("00:00:00.12345678", None);
        check("99999999999999999999", None);
    }
}
