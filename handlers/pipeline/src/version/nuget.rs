//! NuGet: Semantic Versioning with up to four numbers, leading zeros and letters of either case.
//!
//! A label counts as a number only if 32 bits hold it, sign included, as in NuGet's `VersionComparer`: a longer run of
//! digits is a word there.

use super::digits::split_digits;
use super::semantic::are_identifiers;
use std::cmp::Ordering;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NuGetVersion {
    numbers: [u64; 4],
    stage: Stage,
}

// A pre-release is declared, and so ordered, before the release.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Prerelease(Vec<Label>),
    Release,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Label {
    Number(i32),
    /// In upper case, as .NET compares when it ignores case.
    Word(String),
}

impl Ord for Label {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.cmp(b),
            (Self::Number(_), Self::Word(_)) => Ordering::Less,
            (Self::Word(_), Self::Number(_)) => Ordering::Greater,
            (Self::Word(a), Self::Word(b)) => a.cmp(b),
        }
    }
}

impl PartialOrd for Label {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

pub(super) fn parse(text: &str) -> Option<NuGetVersion> {
    let text = text.trim();
    let (text, metadata) = text.split_once('+').map_or((text, None), |(version, data)| (version, Some(data)));
    let (core, labels) = text.split_once('-').map_or((text, None), |(core, labels)| (core, Some(labels)));
    if !metadata.is_none_or(are_identifiers) || !labels.is_none_or(are_identifiers) {
        return None;
    }
    let mut numbers = [0; 4];
    for (index, part) in core.split('.').enumerate() {
        let (digits, rest) = split_digits(part);
        if !rest.is_empty() {
            return None;
        }
        *numbers.get_mut(index)? = digits.parse().ok()?;
    }
    let stage = labels.map_or(Stage::Release, |labels| Stage::Prerelease(labels.split('.').map(label).collect()));
    Some(NuGetVersion { numbers, stage })
}

fn label(text: &str) -> Label {
    text.parse().map_or_else(|_| Label::Word(text.to_ascii_uppercase()), Label::Number)
}

#[cfg(test)]
mod tests {
    use crate::version::Ecosystem::NuGet;
    use crate::version::order_check::tests::{check, check_refused};

    #[test]
    fn order_is_that_of_nuget() {
        check(
            NuGet,
            "
            1.0 = 1.0.0.0
            1.01.0 = 1.1
            1.0.0 < 1.0.0.1
            1.0.0.9 < 1.0.0.10
            1.0.0-beta < 1.0.0
            1.0.0-BETA = 1.0.0-beta
            1.0.0-alpha < 1.0.0-BETA
            1.0.0-beta.2 < 1.0.0-beta.11
            1.0.0-beta2 > 1.0.0-beta11
            1.0.0-1 < 1.0.0-a
            1.0.0-a < 1.0.0-a.1
            1.0.0+1 = 1.0.0+2
            1.0.0-rc+1 = 1.0.0-RC
            1.0-2147483647 < 1.0-2147483648
            1.0-10000000000 < 1.0-3000000000
            1.0--5 < 1.0-3
        ",
        );
        check_refused(NuGet, &["", "1.", "a", "1.0.0.0.0", "1.0-", "1.0-a..b", "1.0+", "1.-2", "99999999999999999999"]);
    }
}
