//! Red Hat: epoch, version and release, each in the order of rpm.
//!
//! The library compares; it is split here, because it takes the first hyphen for the one before the release, and
//! rpm the last. A version without release comes before the same with one.

use super::digits::split_digits;
use rpm_version::Evr;
use std::cmp::Ordering;

#[derive(Debug, Clone)]
pub(super) struct RpmVersion {
    evr: Evr<'static>,
}

pub(super) fn parse(text: &str) -> Option<RpmVersion> {
    let text = text.trim();
    let (digits, rest) = split_digits(text);
    let (epoch, rest) = rest.strip_prefix(':').map_or(("", text), |rest| (digits, rest));
    let (version, release) = rest.rsplit_once('-').unwrap_or((rest, ""));
    if version.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    Some(RpmVersion { evr: Evr::new(epoch.to_owned(), version.to_owned(), release.to_owned()) })
}

impl RpmVersion {
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        self.evr.cmp(&other.evr)
    }
}

#[cfg(test)]
mod tests {
    use crate::version::Ecosystem::RedHat;
    use crate::version::order_check::tests::{check, check_refused};

    #[test]
    fn order_is_that_of_rpm() {
        check(
            RedHat,
            "
            1.0 < 1.0-1
            0:1.0-1 = 1.0-1
            1:0.1-1 > 99.0-1
            1.0~rc1-1 < 1.0-1
            1.0^git1-1 > 1.0-1
            1.0^git1-1 < 1.0.1-1
            1.0^git1-1 > 1.0~rc1^git1-1
            1.0-9.el9 < 1.0-10.el9
            4.18.0-553.el8_10 > 4.18.0-553.el8
            1.0a > 1.0
            1.a < 1.1
            1.01 = 1.1
            1.0.-1 = 1.0-1
            1_0-1 = 1.0-1
            1.0-1-1 > 1.0-1-0
            1.99999999999999999999-1 < 1.100000000000000000000-1
        ",
        );
        check_refused(RedHat, &["", "1:", "-1", "1 0", "1.ä"]);
    }
}
