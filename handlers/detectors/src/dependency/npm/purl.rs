//! Package URLs of npm.
//!
//! Their normal form is in lower case, though the registry has a few old packages with capitals in their names: a
//! package is looked up by `Package::name`, never by its URL.

/// `pkg:npm/%40scope/name@1.0.0`; without a version where `version` is empty.
pub(super) fn purl(name: &str, version: &str) -> String {
    let lower;
    let name = if name.bytes().any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii()) {
        lower = name.to_lowercase();
        &lower
    } else {
        name
    };
    let mut purl = String::with_capacity(name.len() + version.len() + 12);
    purl.push_str("pkg:npm/");
    match name.split_once('/') {
        Some((scope, name)) => {
            encode(scope, &mut purl);
            purl.push('/');
            encode(name, &mut purl);
        }
        None => encode(name, &mut purl),
    }
    if !version.is_empty() {
        purl.push('@');
        encode(version, &mut purl);
    }
    purl
}

/// Percent-encodes all but letters, digits and `.-_~`, and the colon, as the specification of package URLs has it.
fn encode(text: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'~' | b':');
    if text.bytes().all(plain) {
        out.push_str(text);
        return;
    }
    for byte in text.bytes() {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            let digit = |nibble: u8| char::from(HEX.get(usize::from(nibble)).copied().unwrap_or(b'0'));
            out.push('%');
            out.push(digit(byte >> 4));
            out.push(digit(byte & 15));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, version: &str, expect: &str) {
        assert_eq!(purl(name, version), expect);
        let parsed: packageurl::PackageUrl<'_> = expect.parse().unwrap();
        assert_eq!(parsed.to_string(), expect, "not in normal form");
    }

    #[test]
    fn purls_are_canonical() {
        check("lodash", "4.17.20", "pkg:npm/lodash@4.17.20");
        check("@babel/core", "7.0.0", "pkg:npm/%40babel/core@7.0.0");
        check("JSONStream", "1.0.0-RC.1", "pkg:npm/jsonstream@1.0.0-RC.1");
        check("a", "1.0.0+build", "pkg:npm/a@1.0.0%2Bbuild");
        check("a b", "", "pkg:npm/a%20b");
    }
}
