//! Times in which nothing is changed.

use super::zone::Zone;
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::{Timestamp, ToSpan};
use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// Windows that meet are followed so far; what is frozen for longer is looked at again then.
const WINDOWS_MAX: usize = 500;

/// A policy, or a repository, may have so many windows.
pub const FREEZES_MAX: usize = 50;

/// Reads windows, as many as there may be.
pub(crate) fn windows<'de, D: Deserializer<'de>>(value: D) -> Result<Vec<Freeze>, D::Error> {
    let windows = Vec::<Freeze>::deserialize(value)?;
    if windows.len() > FREEZES_MAX {
        return Err(D::Error::custom(format!("{} windows; there may be {FREEZES_MAX}", windows.len())));
    }
    Ok(windows)
}

/// A window in which nothing is changed: once, or every week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Freeze {
    /// What it is for, for people.
    pub name: String,
    /// Once: a date and time, `2026-12-20T18:00`. Every week: a time, `18:00`, on each of `days`; without it, midnight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Once: a date and time. Every week: a time, of the next day where it is not after `from`; without it, midnight, which is also `24:00`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// The days of the week on which it begins: `mon` to `sun`. Without it: every day, or once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<Day>,
    /// By which clock: an IANA time zone.
    pub time_zone: Zone,
    /// What the words above mean.
    #[serde(skip)]
    window: Window,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Day {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Window {
    Once {
        from: DateTime,
        until: DateTime,
    },
    Weekly {
        from: Time,
        until: Time,
    },
    #[default]
    Never,
}

/// As it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    name: String,
    from: Option<String>,
    until: Option<String>,
    #[serde(default)]
    days: Vec<Day>,
    #[serde(default)]
    time_zone: Zone,
}

impl<'de> Deserialize<'de> for Freeze {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        let Raw { name, from, until, days, time_zone } = Raw::deserialize(value)?;
        let window = window(from.as_deref(), until.as_deref(), &days).map_err(D::Error::custom)?;
        Ok(Self { name, from, until, days, time_zone, window })
    }
}

fn window(from: Option<&str>, until: Option<&str>, days: &[Day]) -> Result<Window, String> {
    let is_once = [from, until].into_iter().flatten().any(|text| text.len() > "24:00:00".len());
    if !is_once {
        if from.is_none() && until.is_none() && days.is_empty() {
            return Err("a window needs `from` and `until`, or `days`".to_owned());
        }
        let until = until.filter(|until| !["24:00", "24:00:00"].contains(until));
        return Ok(Window::Weekly { from: time(from)?, until: time(until)? });
    }
    if !days.is_empty() {
        return Err("a window with dates holds once: leave `days` out, or write times".to_owned());
    }
    let (from, until) = (date_time(from)?, date_time(until)?);
    if until <= from {
        return Err(format!("`until` ({until}) is not after `from` ({from})"));
    }
    Ok(Window::Once { from, until })
}

/// The time that `text` says; without it, midnight.
fn time(text: Option<&str>) -> Result<Time, String> {
    let Some(text) = text else { return Ok(Time::midnight()) };
    if text.starts_with("24:") {
        return Err(format!("`{text}` is the end of a day, where only `until` may be; the beginning is 00:00"));
    }
    let time = text.parse().ok().filter(|_| has_shape(text, "00:00"));
    time.ok_or_else(|| format!("`{text}` is no time; write it as 18:00"))
}

fn date_time(text: Option<&str>) -> Result<DateTime, String> {
    let text = text.ok_or("a window that holds once needs both `from` and `until`")?;
    let date_time = text.parse().ok().filter(|_| has_shape(text, "0000-00-00T00:00"));
    date_time.ok_or_else(|| {
        format!("`{text}` is no date and time; write it as 2026-12-20T18:00, without a zone: that is `time_zone`")
    })
}

/// Whether `text` has a digit where `shape` has one, and otherwise the same, and perhaps seconds. Whatever else may stand in a time is
/// passed over when it is read, an offset from UTC even.
fn has_shape(text: &str, shape: &str) -> bool {
    let is_like = |(is, expected): (u8, u8)| if expected == b'0' { is.is_ascii_digit() } else { is == expected };
    let with_seconds = format!("{shape}:00");
    (text.len() == shape.len() || text.len() == with_seconds.len())
        && text.bytes().zip(with_seconds.bytes()).all(is_like)
}

impl Freeze {
    /// The end of this window, if `now` is in it.
    fn end(&self, now: Timestamp) -> Option<Timestamp> {
        let zone = self.time_zone.rules();
        // What the clock shows twice, or never, is frozen.
        let begin = |at: DateTime| zone.to_ambiguous_timestamp(at).earlier().ok();
        let end = |at: DateTime| zone.to_ambiguous_timestamp(at).later().ok();
        match self.window {
            Window::Never => None,
            Window::Once { from, until } => {
                let (from, until) = (begin(from)?, end(until)?);
                (from <= now && now < until).then_some(until)
            }
            Window::Weekly { from, until } => {
                let today = zone.to_datetime(now).date();
                let is_day =
                    |day: Date| self.days.is_empty() || self.days.iter().any(|named| named.weekday() == day.weekday());
                let days = [today.yesterday().ok()?, today];
                let ends = days.into_iter().filter(|day| is_day(*day)).filter_map(|day| {
                    let end_day = if until > from { day } else { day.checked_add(1.day()).ok()? };
                    let (begin, end) = (begin(day.to_datetime(from))?, end(end_day.to_datetime(until))?);
                    (begin <= now && now < end).then_some(end)
                });
                ends.max()
            }
        }
    }
}

impl fmt::Display for Freeze {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, time_zone, window, .. } = self;
        match window {
            Window::Never => write!(out, "{name}: never"),
            Window::Once { from, until } => write!(out, "{name}: from {from} until {until} ({time_zone})"),
            Window::Weekly { from, until } => {
                let named: Vec<String> = self.days.iter().map(|day| format!("{day:?}").to_lowercase()).collect();
                let days = if named.is_empty() { "every day".to_owned() } else { named.join(", ") };
                write!(out, "{name}: {days}, from {from} until {until} ({time_zone})")
            }
        }
    }
}

impl Day {
    fn weekday(self) -> Weekday {
        match self {
            Self::Mon => Weekday::Monday,
            Self::Tue => Weekday::Tuesday,
            Self::Wed => Weekday::Wednesday,
            Self::Thu => Weekday::Thursday,
            Self::Fri => Weekday::Friday,
            Self::Sat => Weekday::Saturday,
            Self::Sun => Weekday::Sunday,
        }
    }
}

/// Until when `now` is frozen by any of `windows`, and the name of the one that it is in. Windows that meet are one.
pub fn frozen(windows: &[Freeze], now: Timestamp) -> Option<(Timestamp, &str)> {
    let ending = |at: Timestamp| {
        windows.iter().filter_map(|window| Some((window.end(at)?, &*window.name))).max_by_key(|(end, _)| *end)
    };
    let (mut until, name) = ending(now)?;
    for _ in 0..WINDOWS_MAX {
        let Some((later, _)) = ending(until) else { break };
        until = later;
    }
    Some((until, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn windows(yaml: &str) -> Vec<Freeze> {
        serde_saphyr::from_str(yaml).unwrap()
    }

    #[track_caller]
    fn check(yaml: &str, now: &str, expect: Option<&str>) {
        let windows = windows(yaml);
        let until = frozen(&windows, now.parse().unwrap()).map(|(until, _)| until.to_string());
        assert_eq!(until.as_deref(), expect, "{now}: {yaml}");
    }

    #[test]
    fn window_with_dates_holds_once_and_by_its_own_clock() {
        let year_end = "[{name: year end, from: 2026-12-20T18:00, until: 2027-01-04T08:00, time_zone: Europe/Berlin}]";
        check(year_end, "2026-12-20T16:59:59Z", None);
        check(year_end, "2026-12-20T17:00:00Z", Some("2027-01-04T07:00:00Z"));
        check(year_end, "2027-01-04T07:00:00Z", None);
    }

    #[test]
    fn nights_end_in_the_morning_of_the_next_day() {
        let nights = "[{name: nights, from: '18:00', until: '08:00'}]";
        check(nights, "2026-11-27T17:59:59Z", None);
        check(nights, "2026-11-27T18:00:00Z", Some("2026-11-28T08:00:00Z"));
        check(nights, "2026-11-28T07:59:59Z", Some("2026-11-28T08:00:00Z"));
        check(nights, "2026-11-28T08:00:00Z", None);
    }

    #[test]
    fn windows_that_meet_are_one() {
        // A Friday evening: the night, the whole weekend, and the night after it.
        let yaml = "[{name: weekend, days: [sat, sun]}, {name: nights, from: '18:00', until: '08:00'}]";
        check(yaml, "2026-11-27T20:00:00Z", Some("2026-11-30T08:00:00Z"));
        check(yaml, "2026-11-26T20:00:00Z", Some("2026-11-27T08:00:00Z"));
    }

    #[test]
    fn what_is_always_frozen_is_looked_at_again_at_some_time() {
        let windows = windows("[{name: for good, from: '00:00', until: '24:00'}]");
        let now = "2026-11-27T20:00:00Z".parse().unwrap();
        let (until, _) = frozen(&windows, now).unwrap();
        assert!(until > now);
    }

    #[test]
    fn day_that_the_clock_changes_has_its_own_length() {
        // In Berlin the clocks went back on 2026-10-25: that Sunday has 25 hours.
        let sunday = "[{name: sundays, days: [sun], time_zone: Europe/Berlin}]";
        check(sunday, "2026-10-24T22:00:00Z", Some("2026-10-25T23:00:00Z"));
        check(sunday, "2026-10-25T22:59:59Z", Some("2026-10-25T23:00:00Z"));
    }

    #[test]
    fn hour_that_the_clock_shows_twice_is_frozen_both_times() {
        // In Berlin it was 02:30 at 00:30Z and at 01:30Z.
        let nights = "[{name: nights, from: '22:00', until: '02:30', time_zone: Europe/Berlin}]";
        check(nights, "2026-10-25T00:29:59Z", Some("2026-10-25T01:30:00Z"));
        check(nights, "2026-10-25T00:45:00Z", Some("2026-10-25T01:30:00Z"));
        check(nights, "2026-10-25T01:30:00Z", None);
        let once = "[{name: once, from: 2026-10-25T02:30, until: 2026-10-25T02:45, time_zone: Europe/Berlin}]";
        check(once, "2026-10-25T00:29:59Z", None);
        check(once, "2026-10-25T00:30:00Z", Some("2026-10-25T01:45:00Z"));
        check(once, "2026-10-25T01:44:59Z", Some("2026-10-25T01:45:00Z"));
    }

    #[test]
    fn hour_that_the_clock_leaves_out_ends_no_freeze_early() {
        // In Berlin 02:30 never was: after 00:59:59Z, which was 01:59:59, it was 03:00.
        let nights = "[{name: nights, from: '22:00', until: '02:30', time_zone: Europe/Berlin}]";
        check(nights, "2026-03-29T01:00:00Z", Some("2026-03-29T01:30:00Z"));
        let mornings = "[{name: mornings, from: '02:30', until: '08:00', time_zone: Europe/Berlin}]";
        check(mornings, "2026-03-29T01:00:00Z", Some("2026-03-29T06:00:00Z"));
    }

    #[test]
    fn end_of_a_day_is_that_of_the_day_that_is_meant() {
        check(
            "[{name: a, days: [sat], from: '12:00', until: '24:00'}]",
            "2026-11-28T23:59:59Z",
            Some("2026-11-29T00:00:00Z"),
        );
        check("[{name: a, days: [sat], from: '12:00', until: '24:00:00'}]", "2026-11-29T00:00:00Z", None);
    }

    #[test]
    fn errors_say_what_is_wrong() {
        let said = |yaml: &str| serde_saphyr::from_str::<Vec<Freeze>>(yaml).unwrap_err().to_string();
        for (yaml, because) in [
            ("[{name: a}]", "needs `from` and `until`, or `days`"),
            ("[{name: a, from: soon}]", "`soon` is no time"),
            ("[{name: a, from: 2026-12-20T18:00}]", "needs both"),
            ("[{name: a, from: 2026-12-20T18:00, until: 2026-12-20T18:00}]", "is not after"),
            ("[{name: a, from: 2026-12-20T18:00, until: 2026-12-21T18:00, days: [mon]}]", "holds once"),
            ("[{name: a, from: 2026-12-20T18:00-05:00, until: 2027-01-04T08:00}]", "without a zone"),
            ("[{name: a, from: 2026-12-20T18:00, until: 2027-01-04T08:00Z}]", "without a zone"),
            ("[{name: a, from: '2026-12-20T18:00[Asia/Tokyo]', until: 2027-01-04T08:00}]", "without a zone"),
            ("[{name: a, from: 2026-12-20T18:00, until: 2027-01-04}]", "`2027-01-04` is no date and time"),
            ("[{name: a, from: 2026-12-20 18:00, until: 2027-01-04T08:00}]", "is no date and time"),
            ("[{name: a, from: 2026-12-20T18, until: 2027-01-04T08:00}]", "is no date and time"),
            ("[{name: a, from: 2026-12-32T18:00, until: 2027-01-04T08:00}]", "is no date and time"),
            ("[{name: a, from: '18:00-05', until: '19:00'}]", "`18:00-05` is no time"),
            ("[{name: a, from: '18:00', until: '8:00'}]", "`8:00` is no time"),
            ("[{name: a, from: '24:00', until: '08:00'}]", "`24:00` is the end of a day"),
            ("[{name: a, from: '18:00', until: '25:00'}]", "`25:00` is no time"),
            ("[{name: a, days: [monday]}]", "monday"),
            ("[{name: a, days: [mon], time_zone: Berlin}]", "`Berlin` is no time zone"),
        ] {
            let said = said(yaml);
            assert!(said.contains(because), "{yaml}: {said}");
        }
    }

    proptest! {
        #[test]
        fn end_is_later_and_not_frozen(second in 1_700_000_000_i64..1_900_000_000, from in 0_i8..24, until in 0_i8..24) {
            let yaml = format!("[{{name: a, days: [mon, tue, sat], from: '{from:02}:00', until: '{until:02}:30', time_zone: America/New_York}}]");
            let windows = windows(&yaml);
            let now = Timestamp::from_second(second).unwrap();
            if let Some((until, _)) = frozen(&windows, now) {
                prop_assert!(until > now);
                prop_assert_eq!(frozen(&windows, until), None);
            }
        }
    }
}
