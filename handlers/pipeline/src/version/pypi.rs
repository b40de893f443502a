//! PyPI: PEP 440, in every spelling that it normalises.
//!
//! What PEP 440 can't read (`2.0.0-final`, `0.9b-1foo`: uploads from before it) is no version here. Advisories name
//! such releases one by one in `versions`, where callers compare texts. A number over 64 bits is refused too; in a local
//! label it is ordered as a word.

pub(super) fn parse(text: &str) -> Option<pep440_rs::Version> {
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use crate::version::Ecosystem::PyPI;
    use crate::version::order_check::tests::{check, check_refused};

    #[test]
    fn order_is_that_of_packaging() {
        check(
            PyPI,
            "
            1.0.dev1 < 1.0a1.dev1
            1.0a1.dev1 < 1.0a1
            1.0a2 < 1.0a10
            1.0a1 < 1.0b1
            1.0b1 < 1.0rc1
            1.0rc1 < 1.0
            1.0 < 1.0.post1.dev1
            1.0.post1.dev1 < 1.0.post1
            1.0 < 1.0+a
            1.0+a < 1.0+a.1
            1.0+a < 1.0+1
            1.0+2 < 1.0+10
            1.0+a < 1.0.post1
            2019.1 < 1!0.1
            1.9 < 1.10
            20200101120000 > 1.0
        ",
        );
    }

    #[test]
    fn spellings_are_normalised() {
        check(
            PyPI,
            "
            1 = 1.0.0
            v1.0 = 1.0
            1.0-ALPHA-1 = 1.0a1
            1.0_c1 = 1.0rc1
            1.0pre = 1.0rc0
            1.0.preview2 = 1.0rc2
            1.0-1 = 1.0.post1
            1.0.rev1 = 1.0.post1
            1.0-r4 = 1.0.post4
            1.0dev = 1.0.dev0
            1.0+A_b = 1.0+a.b
            01.02 = 1.2
            0!1.0 = 1.0
        ",
        );
    }

    #[test]
    fn uploads_from_before_pep_440_are_refused() {
        check_refused(
            PyPI,
            &["", "2.0.0-final", "0.9b-1foo", "1.0.x", "1..2", "1.0+", "1.0.*", "dev", "18446744073709551616"],
        );
    }
}
