//! Debian: the order of dpkg, by epoch, upstream version and revision.
//!
//! Hand-written: the library at hand puts `1.0+` before `1.0+0` (a missing number is zero to dpkg) and refuses
//! underscores, which dpkg only warns of.

use super::digits::{compare_numbers, is_number, split_digits, split_while};
use std::cmp::Ordering;

#[derive(Debug, Clone)]
pub(super) struct DebianVersion {
    epoch: u32,
    upstream: String,
    /// Empty if there is none, which is the same as `0`.
    revision: String,
}

/// The largest epoch that dpkg takes.
const EPOCH_MAX: u32 = i32::MAX as u32;

pub(super) fn parse(text: &str) -> Option<DebianVersion> {
    let text = text.trim();
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let (epoch, rest) = match text.split_once(':') {
        Some((epoch, rest)) if is_number(epoch) => (epoch.parse().ok().filter(|epoch| *epoch <= EPOCH_MAX)?, rest),
        Some(_) => return None,
        None => (0, text),
    };
    let (upstream, revision) = rest.rsplit_once('-').map_or((rest, None), |(upstream, rev)| (upstream, Some(rev)));
    if upstream.is_empty() || revision == Some("") {
        return None;
    }
    Some(DebianVersion { epoch, upstream: upstream.to_owned(), revision: revision.unwrap_or_default().to_owned() })
}

impl DebianVersion {
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        self.epoch
            .cmp(&other.epoch)
            .then_with(|| compare_parts(&self.upstream, &other.upstream))
            .then_with(|| compare_parts(&self.revision, &other.revision))
    }
}

/// Text and number in turn: text by weight of its characters, numbers by value.
fn compare_parts(mut a: &str, mut b: &str) -> Ordering {
    while !a.is_empty() || !b.is_empty() {
        let (a_text, a_rest) = split_while(a, |c| !c.is_ascii_digit());
        let (b_text, b_rest) = split_while(b, |c| !c.is_ascii_digit());
        let (a_number, a_rest) = split_digits(a_rest);
        let (b_number, b_rest) = split_digits(b_rest);
        let order = compare_texts(a_text, b_text).then_with(|| compare_numbers(a_number, b_number));
        if order.is_ne() {
            return order;
        }
        (a, b) = (a_rest, b_rest);
    }
    Ordering::Equal
}

fn compare_texts(a: &str, b: &str) -> Ordering {
    let weights = |text: &str| text.bytes().map(weight).collect::<Vec<_>>();
    let (mut a, mut b) = (weights(a), weights(b));
    let longer = a.len().max(b.len());
    a.resize(longer, END);
    b.resize(longer, END);
    a.cmp(&b)
}

/// The weight of the end of a text: after `~`, before everything else.
const END: u16 = 1;

/// `~` before the end, then letters, then the rest.
fn weight(byte: u8) -> u16 {
    match byte {
        b'~' => 0,
        letter if letter.is_ascii_alphabetic() => u16::from(letter) + END,
        other => u16::from(other) + 256,
    }
}

#[cfg(test)]
mod tests {
    use crate::version::Ecosystem::Debian;
    use crate::version::order_check::tests::{check, check_refused};

    #[test]
    fn order_is_that_of_dpkg() {
        check(
            Debian,
            "
            1.0~rc1 < 1.0
            1.0~~ < 1.0~~a
            1.0~~a < 1.0~
            1.0 = 1.0-0
            1.0 < 1.0-1
            1.0-1 < 1.0-1.1
            1.0-1~deb12u1 < 1.0-1
            1.0-1 < 1.0-1+deb12u1
            1.0-1+deb12u1 < 1.0-1+deb12u10
            9:1 < 10:0
            1:0.1 > 99
            1.0+ = 1.0+0
            1.0a < 1.0+
            1.0z < 1.0.
            1.001 = 1.1
            1.99999999999999999999 < 1.100000000000000000000
            1.0-1-1 > 1.0-1
            2.0.37+cvs.JCW_PRE2_2037-1 < 2.0.38
            0 < 0.1
        ",
        );
        check_refused(Debian, &["", "1:", ":1", "a:1", "1.0-", "-1", "1 0", "2147483648:1", "1.ä"]);
    }
}
