//! Go modules: the order of `golang.org/x/mod/semver`, for versions written without their `v`.
//!
//! Pseudo-versions (`0.0.0-20200101120000-abcdef123456`) are pre-releases like any other, `+incompatible` is metadata.
//! Releases of the toolchain may be written as tags are (`go1.21rc2` is `1.21.0-rc.2`).

use super::digits::{is_number, split_digits};
use super::semantic::{Semantic, are_identifiers};

pub(super) fn parse(text: &str) -> Option<Semantic> {
    let text = text.trim();
    if let Some(tag) = text.strip_prefix("go") {
        return toolchain(tag);
    }
    let text = text.strip_prefix('v').unwrap_or(text);
    let (text, build) = text.split_once('+').map_or((text, None), |(version, build)| (version, Some(build)));
    let (core, prerelease) = text.split_once('-').map_or((text, None), |(core, pre)| (core, Some(pre)));
    let (numbers, count) = numbers(core)?;
    let has_more = prerelease.is_some() || build.is_some();
    if has_more && count < 3 || !build.is_none_or(are_identifiers) || !prerelease.is_none_or(is_prerelease) {
        return None;
    }
    Some(Semantic { numbers, prerelease: prerelease.unwrap_or_default().to_owned() })
}

/// `1.21`, `1.21.3`, `1.21rc2`, `1.9beta1`: what follows `go` in a tag.
fn toolchain(tag: &str) -> Option<Semantic> {
    let end = tag.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(tag.len());
    let (core, stage) = tag.split_at(end);
    let (numbers, _) = numbers(core)?;
    if stage.is_empty() {
        return Some(Semantic { numbers, prerelease: String::new() });
    }
    let name = ["rc", "beta"].into_iter().find(|name| stage.starts_with(name))?;
    let number = &stage[name.len()..];
    is_number(number).then(|| Semantic { numbers, prerelease: format!("{name}.{number}") })
}

/// One to three numbers without leading zeros, and how many there are; missing ones are zero.
fn numbers(core: &str) -> Option<([u64; 3], usize)> {
    let mut numbers = [0; 3];
    let mut count = 0;
    for part in core.split('.') {
        let (digits, rest) = split_digits(part);
        if !rest.is_empty() || has_leading_zero(digits) {
            return None;
        }
        *numbers.get_mut(count)? = digits.parse().ok()?;
        count += 1;
    }
    Some((numbers, count))
}

fn is_prerelease(text: &str) -> bool {
    are_identifiers(text) && !text.split('.').any(|part| is_number(part) && has_leading_zero(part))
}

fn has_leading_zero(digits: &str) -> bool {
    digits.len() > 1 && digits.starts_with('0')
}

#[cfg(test)]
mod tests {
    use crate::version::Ecosystem::Go;
    use crate::version::order_check::tests::{check, check_refused};

    #[test]
    fn order_is_that_of_the_module_library() {
        check(
            Go,
            "
            1 = 1.0.0
            v1.2 = 1.2.0
            1.2.3 < 1.10.0
            1.2.3-pre < 1.2.3
            1.2.3-pre.9 < 1.2.3-pre.10
            0.0.0-20190101000000-aaaaaaaaaaaa < 0.0.0-20200101000000-000000000000
            1.2.3 < 1.2.4-0.20200101000000-abcdefabcdef
            1.2.4-0.20200101000000-abcdefabcdef < 1.2.4
            1.2.4-pre.0.20200101000000-abcdefabcdef > 1.2.4-pre
            2.0.0+incompatible = 2.0.0
        ",
        );
        check_refused(
            Go,
            &["", "v", "1.2.3.4", "01.2.3", "1.2-pre", "1.2.3-01", "1.2.3-", "1.2.3+", "1.2.x", "master"],
        );
    }

    #[test]
    fn tags_of_the_toolchain_are_versions() {
        check(
            Go,
            "
            go1.21 = 1.21.0
            go1.21rc2 = 1.21.0-rc.2
            go1.9beta1 < go1.9rc1
            go1.21rc2 < go1.21.0
            go1.21rc9 < go1.21rc10
            go1.20.14 < go1.21rc1
        ",
        );
        check_refused(Go, &["go", "gopher", "go1.21foo1", "go1.21rc", "go1..2"]);
    }
}
