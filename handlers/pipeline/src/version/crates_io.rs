//! crates.io: Semantic Versioning as cargo reads it, strictly, with one difference: build metadata has no part.
//!
//! The library orders build metadata too, to sort a list the same way each time; for OSV's ranges `1.0.0+a` is `1.0.0`.

use std::cmp::Ordering;

pub(super) fn parse(text: &str) -> Option<semver::Version> {
    semver::Version::parse(text.trim()).ok()
}

pub(super) fn compare(a: &semver::Version, b: &semver::Version) -> Ordering {
    a.cmp_precedence(b)
}

#[cfg(test)]
mod tests {
    use crate::version::Ecosystem::CratesIo;
    use crate::version::order_check::tests::{check, check_refused};

    #[test]
    fn order_is_that_of_cargo_without_build_metadata() {
        check(
            CratesIo,
            "
            0.0.0-0 < 0.0.0
            0.9.0 < 0.10.0
            1.0.0-alpha < 1.0.0-alpha.1
            1.0.0-alpha.1 < 1.0.0-alpha.beta
            1.0.0-beta.2 < 1.0.0-beta.11
            1.0.0-rc.1 < 1.0.0
            1.0.0+a = 1.0.0+b
            0.9.1+zstd.1.5.5 = 0.9.1
        ",
        );
        check_refused(
            CratesIo,
            &["", "1", "1.0", "v1.0.0", "01.0.0", "1.0.0-01", "1.0.0-", "18446744073709551616.0.0"],
        );
    }
}
