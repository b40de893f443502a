use super::field::{Field, Kind};
use super::*;
use proptest::prelude::*;

fn schedule(text: &str) -> Schedule {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn check(text: &str, from: &str, expect: &[&str]) {
    let schedule = schedule(text);
    let mut moment: Timestamp = from.parse().unwrap();
    for expect in expect {
        moment = schedule.next_after(moment).unwrap_or_else(|| panic!("{text}: never after {moment}"));
        assert_eq!(moment.to_string(), *expect, "{text}");
    }
}

#[test]
fn the_next_moment_is_after_the_given_one() {
    check("0 * * * * *", "2026-01-31T10:00:00Z", &["2026-01-31T10:01:00Z", "2026-01-31T10:02:00Z"]);
    check("* * * * * *", "2026-01-31T10:00:00.5Z", &["2026-01-31T10:00:01Z", "2026-01-31T10:00:02Z"]);
    check("0 */5 * * * *", "2026-12-31T23:57:10Z", &["2027-01-01T00:00:00Z", "2027-01-01T00:05:00Z"]);
}

#[test]
fn five_fields_have_the_second_0() {
    check("30 9 * * *", "2026-01-31T09:30:00Z", &["2026-02-01T09:30:00Z"]);
    check(" 30   9 * * * ", "2026-01-31T00:00:00Z", &["2026-01-31T09:30:00Z"]);
}

#[test]
fn ranges_steps_and_lists_are_read() {
    check(
        "5/20 0 0 * * *",
        "2026-01-01T00:00:00Z",
        &["2026-01-01T00:00:05Z", "2026-01-01T00:00:25Z", "2026-01-01T00:00:45Z"],
    );
    check(
        "0 0 9-17/4 * * *",
        "2026-01-01T00:00:00Z",
        &["2026-01-01T09:00:00Z", "2026-01-01T13:00:00Z", "2026-01-01T17:00:00Z"],
    );
    check("0 0 0 1,15 * *", "2026-01-02T00:00:00Z", &["2026-01-15T00:00:00Z", "2026-02-01T00:00:00Z"]);
}

#[test]
fn a_range_backwards_is_the_range_and_a_step_below_one_is_one() {
    assert_eq!(Field::read(Kind::Weekday, "5-1"), Field::read(Kind::Weekday, "1-5"));
    assert_eq!(Field::read(Kind::Hour, "*/0"), Field::read(Kind::Hour, "*"));
    assert_eq!(Field::read(Kind::Hour, "*/-3"), Field::read(Kind::Hour, "*"));
}

#[test]
fn names_are_read_by_their_beginning_in_any_case() {
    for (kind, name, number) in [
        (Kind::Month, "JAN", "1"),
        (Kind::Month, "december", "12"),
        (Kind::Month, "j", "1"),
        (Kind::Month, "jul", "7"),
        (Kind::Weekday, "SUN", "0"),
        (Kind::Weekday, "Mon-Fri", "1-5"),
        (Kind::Weekday, "t", "2"),
    ] {
        assert_eq!(Field::read(kind, name), Field::read(kind, number), "{name}");
    }
}

#[test]
fn day_and_weekday_both_have_to_hold() {
    // The next Friday that is a 13th.
    check(
        "0 0 0 13 * FRI",
        "2026-01-01T00:00:00Z",
        &["2026-02-13T00:00:00Z", "2026-03-13T00:00:00Z", "2026-11-13T00:00:00Z"],
    );
}

#[test]
fn rare_days_are_found_and_days_that_never_come_are_not() {
    check("0 0 0 29 2 *", "2026-01-01T00:00:00Z", &["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"]);
    check("0 0 0 31 * *", "2026-01-31T00:00:00Z", &["2026-03-31T00:00:00Z"]);
    for weekday in 0..7 {
        let schedule = schedule(&format!("0 0 0 29 2 {weekday}"));
        let mut moment: Timestamp = "1996-01-01T00:00:00Z".parse().unwrap();
        for _ in 0..8 {
            moment = schedule.next_after(moment).unwrap();
        }
    }
    assert_eq!(schedule("0 0 0 30 2 *").next_after(Timestamp::UNIX_EPOCH), None);
    assert_eq!(schedule("* * * * * *").next_after(Timestamp::MAX), None);
    assert_eq!(schedule("1").next_after(Timestamp::MAX), None);
}

#[test]
fn spans_of_time_are_schedules() {
    check("00:05:00", "2026-01-01T00:00:07Z", &["2026-01-01T00:05:07Z", "2026-01-01T00:10:07Z"]);
    assert!(schedule("00:05:00").is_span());
    assert!(!schedule("00:01:00").is_sub_minute() && schedule("00:00:59").is_sub_minute());
    assert!(schedule("*/10 * * * * *").is_sub_minute() && !schedule("10 * * * * *").is_sub_minute());
}

#[test]
fn what_the_host_refuses_is_refused() {
    for text in [
        "",
        "* * * *",
        "* * * * * * *",
        "60 * * * * *",
        "* 60 * * * *",
        "* * 24 * * *",
        "* * * 0 * *",
        "* * * 32 * *",
        "* * * * 0 *",
        "* * * * 13 *",
        "* * * * * 7",
        "* * * L * *",
        "* * * ? * *",
        "* * * * * 1#2",
        "@daily",
        "1,,2 * * * * *",
        ",1 * * * * *",
        "1, * * * * *",
        "-1 * * * * *",
        "1- * * * * *",
        "1-2-3 * * * * *",
        "*-5 * * * * *",
        "*/ * * * * *",
        "*/x * * * * *",
        "/5 * * * * *",
        "* * * * Janu4 *",
        "* * * * * Funday",
        "1.5 * * * * *",
        "999 * * * * *",
        "0\t*\t*\t*\t*\t*",
        "é * * * * *",
        "00:00:00",
        "-00:05:00",
    ] {
        assert!(text.parse::<Schedule>().is_err(), "{text}");
    }
}

#[test]
fn a_refusal_says_what_is_allowed() {
    let error = "0 0 25 * * *".parse::<Schedule>().unwrap_err().to_string();
    assert_eq!(error, "\"25\" is no hour: it takes 0 to 23, a-b, *, each with /step or without");
}

/// Elements of a field.
fn element(kind: Kind) -> impl Strategy<Value = String> {
    let (min, max) = kind.range();
    prop_oneof![
        Just("*".to_owned()),
        (min..=max).prop_map(|a| a.to_string()),
        (min..=max, min..=max).prop_map(|(a, b)| format!("{a}-{b}")),
        (1..=max).prop_map(|step| format!("*/{step}")),
        (min..=max, 1..=max).prop_map(|(a, step)| format!("{a}/{step}")),
        (min..=max, min..=max, 1..=max).prop_map(|(a, b, step)| format!("{a}-{b}/{step}")),
    ]
}

fn text(kind: Kind) -> impl Strategy<Value = String> {
    proptest::collection::vec(element(kind), 1..3).prop_map(|elements| elements.join(","))
}

/// Whether `number` is of the field, worked out the slow way.
fn means(kind: Kind, text: &str, number: u8) -> bool {
    let (min, max) = kind.range();
    text.split(',').any(|element| {
        let (numbers, step) =
            element.split_once('/').map_or((element, 1), |(numbers, step)| (numbers, step.parse().unwrap()));
        let (from, to) = match numbers.split_once('-') {
            _ if numbers == "*" => (min, max),
            Some((a, b)) => {
                (a.parse::<u8>().unwrap().min(b.parse().unwrap()), a.parse::<u8>().unwrap().max(b.parse().unwrap()))
            }
            None if element.contains('/') => (numbers.parse().unwrap(), max),
            None => (numbers.parse().unwrap(), numbers.parse().unwrap()),
        };
        (from..=to).contains(&number) && (number - from).is_multiple_of(step)
    })
}

/// How far the brute force looks.
const WINDOW_S: i64 = 2 * 3_600;

proptest! {
    #[test]
    fn the_next_moment_is_the_one_that_brute_force_finds(
        (seconds, minutes, hours) in (text(Kind::Second), text(Kind::Minute), text(Kind::Hour)),
        (days, months, weekdays) in (text(Kind::Day), text(Kind::Month), text(Kind::Weekday)),
        from in 0_i64..4_000_000_000,
    ) {
        let schedule = schedule(&format!("{seconds} {minutes} {hours} {days} {months} {weekdays}"));
        let start = Timestamp::from_second(from).unwrap();
        let set = |kind, text: &str| (0..60).map(|number| means(kind, text, number)).collect::<Vec<bool>>();
        let (seconds, minutes, hours) = (set(Kind::Second, &seconds), set(Kind::Minute, &minutes), set(Kind::Hour, &hours));
        let (days, months, weekdays) = (set(Kind::Day, &days), set(Kind::Month, &months), set(Kind::Weekday, &weekdays));
        let holds = |at: &Timestamp| {
            let at = TimeZone::UTC.to_datetime(*at);
            let has = |set: &[bool], part: i8| set[usize::from(u8_of(part))];
            has(&seconds, at.second())
                && has(&minutes, at.minute())
                && has(&hours, at.hour())
                && has(&days, at.day())
                && has(&months, at.month())
                && has(&weekdays, at.weekday().to_sunday_zero_offset())
        };
        let slow = (1..=WINDOW_S).map(|ahead| Timestamp::from_second(from + ahead).unwrap()).find(holds);
        let next = schedule.next_after(start);
        match slow {
            Some(slow) => prop_assert_eq!(next, Some(slow)),
            None => prop_assert!(next.is_none_or(|next| next.as_second() > from + WINDOW_S && holds(&next))),
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[-0-9*/, A-Za-z:.#é]{0,24}") {
        if let Ok(schedule) = text.parse::<Schedule>() {
            let _ = schedule.next_after(Timestamp::UNIX_EPOCH);
        }
    }
}
