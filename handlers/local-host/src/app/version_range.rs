//! Ranges of versions as NuGet writes them, for the extension bundle: `[4.*, 5.0.0)`.

use std::str::FromStr;

/// The parts of a version, four at most; what is not written is 0.
type Parts = [u32; 4];

/// A range of versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRange {
    /// Where it begins, and whether that belongs to it.
    pub min: Option<(Parts, bool)>,
    /// Where it ends, and whether that belongs to it.
    pub max: Option<(Parts, bool)>,
}

/// Why a text is no range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no range of versions")]
pub struct NoVersionRange(String);

impl FromStr for VersionRange {
    type Err = NoVersionRange;

    /// `1.0` (and above), `[1.0]`, `(1.0, 2.0]`, `[1.0, )`; the first version may end in `*`.
    fn from_str(text: &str) -> Result<Self, NoVersionRange> {
        read(text.trim()).ok_or_else(|| NoVersionRange(text.to_owned()))
    }
}

impl VersionRange {
    /// Whether everything in it has a major version from `first` to `last`.
    pub fn is_within_majors(&self, first: u32, last: u32) -> bool {
        let begins = self.min.is_some_and(|(parts, _)| parts[0] >= first);
        let ends = self.max.is_some_and(|(parts, belongs)| {
            parts[0] <= last || (!belongs && parts == [last.saturating_add(1), 0, 0, 0])
        });
        begins && ends
    }
}

fn read(text: &str) -> Option<VersionRange> {
    let Some(first @ ('[' | '(')) = text.chars().next() else {
        return Some(VersionRange { min: Some((version(text, true)?, true)), max: None });
    };
    let last @ (']' | ')') = text.chars().next_back()? else { return None };
    let inside = text.get(1..text.len().checked_sub(1)?)?;
    let Some((min, max)) = inside.split_once(',') else {
        let exactly = version(inside.trim(), false)?;
        return (first == '[' && last == ']')
            .then_some(VersionRange { min: Some((exactly, true)), max: Some((exactly, true)) });
    };
    let (min, max) = (min.trim(), max.trim());
    if min.is_empty() && max.is_empty() {
        return None;
    }
    let side = |text: &str, may_float: bool, belongs: bool| match text {
        "" => Some(None),
        _ => Some(Some((version(text, may_float)?, belongs))),
    };
    let range = VersionRange { min: side(min, true, first == '[')?, max: side(max, false, last == ']')? };
    match (range.min, range.max) {
        (Some((min, _)), Some((max, _))) if min > max => None,
        (Some((min, true)), Some((max, true))) if min == max => Some(range),
        (Some((min, _)), Some((max, _))) if min == max => None,
        _ => Some(range),
    }
}

/// `4`, `4.38.0`, `4.*`; a label after `-` is not looked at.
fn version(text: &str, may_float: bool) -> Option<Parts> {
    let numbers = text.split_once('-').map_or(text, |(numbers, _)| numbers);
    let mut parts = [0; 4];
    let mut written = numbers.split('.').peekable();
    for part in &mut parts {
        match written.next() {
            None => break,
            Some("*") if may_float && written.peek().is_none() => return Some(parts),
            Some(number) if number.bytes().all(|byte| byte.is_ascii_digit()) => *part = number.parse().ok()?,
            Some(_) => return None,
        }
    }
    written.next().is_none().then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, min: Option<(Parts, bool)>, max: Option<(Parts, bool)>) {
        assert_eq!(text.parse(), Ok(VersionRange { min, max }), "{text}");
    }

    #[test]
    fn ranges_of_nuget_are_read() {
        check("[4.*, 5.0.0)", Some(([4, 0, 0, 0], true)), Some(([5, 0, 0, 0], false)));
        check("[3.3.0, 4.0.0)", Some(([3, 3, 0, 0], true)), Some(([4, 0, 0, 0], false)));
        check("(1.0,2.0]", Some(([1, 0, 0, 0], false)), Some(([2, 0, 0, 0], true)));
        check("4.0.0", Some(([4, 0, 0, 0], true)), None);
        check("[4.38.0]", Some(([4, 38, 0, 0], true)), Some(([4, 38, 0, 0], true)));
        check("(,5)", None, Some(([5, 0, 0, 0], false)));
        check("[4.0.0-beta, )", Some(([4, 0, 0, 0], true)), None);
        check("4.1.2.3", Some(([4, 1, 2, 3], true)), None);
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in [
            "",
            "latest",
            "[4.*, 5.0.0",
            "4.*, 5.0.0)",
            "(4.0)",
            "[,]",
            "[5,4]",
            "(4,4)",
            "[4,5.*)",
            "1.2.3.4.5",
            "4.*.1",
            "[",
            "é",
            "4..1",
        ] {
            assert!(text.parse::<VersionRange>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_range_may_lie_within_majors() {
        for (text, expect) in [
            ("[4.*, 5.0.0)", true),
            ("[3.3.0, 4.0.0)", true),
            ("[4.0.0]", true),
            ("[2.*, 3.0.0)", false),
            ("[2.*, 5.0.0)", false),
            ("[4.*, 5.0.0]", false),
            ("[4.*, )", false),
            ("4.0.0", false),
            ("(, 5.0.0)", false),
        ] {
            assert_eq!(text.parse::<VersionRange>().map(|range| range.is_within_majors(3, 4)), Ok(expect), "{text}");
        }
    }
}
