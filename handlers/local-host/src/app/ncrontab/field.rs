//! One field of an expression: a set of small numbers.

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// Which field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Second,
    Minute,
    Hour,
    Day,
    Month,
    Weekday,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
            Self::Weekday => "weekday",
        }
    }

    pub fn range(self) -> (u8, u8) {
        match self {
            Self::Second | Self::Minute => (0, 59),
            Self::Hour => (0, 23),
            Self::Day => (1, 31),
            Self::Month => (1, 12),
            Self::Weekday => (0, 6),
        }
    }

    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Month => &MONTHS,
            Self::Weekday => &WEEKDAYS,
            _ => &[],
        }
    }
}

/// The numbers of a field, one bit each. Never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field(u64);

impl Field {
    /// Reads a list of elements. An error says which one, and what is allowed.
    pub fn read(kind: Kind, text: &str) -> Result<Self, String> {
        let mut bits = 0;
        for element in text.split(',') {
            bits |= read_element(kind, element).ok_or_else(|| refusal(kind, text, element))?;
        }
        Ok(Self(bits))
    }

    pub fn contains(self, number: u8) -> bool {
        number < 64 && self.0 & (1 << number) != 0
    }

    pub fn has_several(self) -> bool {
        self.0.count_ones() > 1
    }

    /// The first number of the field that is not below `number`.
    pub fn first_from(self, number: u8) -> Option<u8> {
        let left = if number < 64 { self.0 >> number << number } else { 0 };
        (left != 0).then(|| u8::try_from(left.trailing_zeros()).unwrap_or_default())
    }
}

fn refusal(kind: Kind, text: &str, element: &str) -> String {
    let (min, max) = kind.range();
    let of = if element == text { String::new() } else { format!(" in \"{text}\"") };
    let names = kind.names().first().map_or_else(String::new, |name| format!(", names such as {name}"));
    format!(
        "\"{element}\"{of} is no {}: it takes {min} to {max}{names}, a-b, *, each with /step or without",
        kind.name()
    )
}

fn read_element(kind: Kind, element: &str) -> Option<u64> {
    let (min, max) = kind.range();
    let (numbers, step) = match element.split_once('/') {
        Some((numbers, step)) => (numbers, Some(read_step(step)?)),
        None => (element, None),
    };
    let (from, to) = if numbers == "*" {
        (min, max)
    } else if let Some((from, to)) = numbers.split_once('-') {
        let (from, to) = (read_number(kind, from)?, read_number(kind, to)?);
        (from.min(to), from.max(to))
    } else {
        let number = read_number(kind, numbers)?;
        (number, if step.is_some() { max } else { number })
    };
    if from < min || to > max {
        return None;
    }
    Some((from..=to).step_by(step.unwrap_or(1)).fold(0, |bits, number| bits | 1 << number))
}

/// A whole number with a sign or without; below 1 it is 1.
fn read_step(text: &str) -> Option<usize> {
    let step: i32 = text.parse().ok()?;
    Some(usize::try_from(step).unwrap_or(1).max(1))
}

/// A number, or a beginning of a name: the first that it fits.
fn read_number(kind: Kind, text: &str) -> Option<u8> {
    if text.starts_with(|letter: char| letter.is_ascii_digit()) {
        return text.parse().ok();
    }
    let begins = |name: &&str| name.get(..text.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(text));
    let index = kind.names().iter().position(|name| !text.is_empty() && begins(name))?;
    u8::try_from(index).ok().map(|index| index + kind.range().0)
}
