//! PyPI: PEP 440, in every spelling that it normalises.
//!
//! What PEP 440 can't read (`2.0.0-final`, `0.9b-1foo`: uploads from before it) is no version here. Advisories name
//! such releases one by one in `versions`, where callers compare texts.

pub(super) fn parse(text: &str) -> Option<pep440_rs::Version> {
    text.trim().parse().ok()
}
