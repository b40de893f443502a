//! Addresses as the formats of documents want them.

use crate::address::without_secrets;
use url::Url;

/// Schemes of addresses that mean the same to everyone who reads the document.
const SCHEMES: [&str; 8] = ["http", "https", "ssh", "git", "git+http", "git+https", "git+ssh", "git+git"];

/// The first address in `text` as a legal absolute URI, without secrets. `None`: there is none that others could use
/// (a path, a host in git's `user@host:path` form, an IPv6 address, which validators of CycloneDX refuse).
pub fn reference(text: &str) -> Option<String> {
    let shown = without_secrets(text);
    let word = shown.split_whitespace().find(|word| word.contains("://"))?;
    let url = Url::parse(word).ok()?;
    if !SCHEMES.contains(&url.scheme()) || url.host_str().is_none_or(|host| host.is_empty() || host.starts_with('[')) {
        return None;
    }
    let text = url.as_str();
    let (head, tail) = text.split_at(text.find("://")? + 3);
    let (authority, tail) = tail.split_at(tail.find('/').unwrap_or(tail.len()));
    Some(format!("{head}{authority}{}", legal(tail)))
}

/// The form that SPDX gives to download locations (`git+https://host/path@revision`), or `None` where its tools would
/// not take it: they ask for a host of letters, digits, single hyphens and dots, with a word after the last dot
/// (of five letters at most, if git is meant).
pub fn spdx_location(reference: &str) -> Option<String> {
    let url = Url::parse(reference).ok()?;
    let host = url.host_str()?;
    let (_, last) = host.rsplit_once('.')?;
    let is_word = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let last_chars_max = if reference.starts_with("git+") { 5 } else { usize::MAX };
    if last.len() < 2
        || last.len() > last_chars_max
        || !last.bytes().all(|byte| byte.is_ascii_alphabetic())
        || !host.split(['.', '-']).all(is_word)
    {
        return None;
    }
    match reference.split_once('#') {
        Some((repository, revision)) if reference.starts_with("git") && !revision.is_empty() => {
            Some(format!("{repository}@{revision}"))
        }
        Some((archive, _)) => Some(archive.to_owned()),
        None => Some(reference.to_owned()),
    }
}

/// Percent-encodes what RFC 3986 does not allow in a path and one fragment.
pub fn legal(tail: &str) -> String {
    let bytes = tail.as_bytes();
    let mut legal = String::with_capacity(bytes.len());
    let mut in_fragment = false;
    for (at, &byte) in bytes.iter().enumerate() {
        let keep = match byte {
            b'%' => bytes.get(at + 1..at + 3).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit)),
            b'#' => !std::mem::replace(&mut in_fragment, true),
            _ => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?".contains(&byte),
        };
        if keep {
            legal.push(char::from(byte));
        } else {
            legal.push_str(&format!("%{byte:02X}"));
        }
    }
    legal
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, shown: &str, refers: Option<&str>, location: Option<&str>) {
        assert_eq!(without_secrets(text), shown);
        assert_eq!(reference(text).as_deref(), refers);
        assert_eq!(refers.and_then(spdx_location).as_deref(), location);
    }

    #[test]
    fn credentials_and_queries_are_left_out() {
        let plain = "https://registry.example/a/-/a-1.tgz";
        check(plain, plain, Some(plain), Some(plain));
        check("https://me:hush@registry.example/a/-/a-1.tgz", plain, Some(plain), Some(plain));
        check("https://registry.example/a/-/a-1.tgz?token=hush", plain, Some(plain), Some(plain));
        check(
            "a @ https://hush@host.example/a.whl?x=hush#sha256=00 ; x == 'https://b:hush@c'",
            "a @ https://host.example/a.whl#sha256=00 ; x == 'https://c'",
            Some("https://host.example/a.whl#sha256=00"),
            Some("https://host.example/a.whl"),
        );
    }

    #[test]
    fn repositories_keep_user_and_revision() {
        check(
            "git+ssh://git:hush@github.com/a/b.git#c0ffee",
            "git+ssh://git@github.com/a/b.git#c0ffee",
            Some("git+ssh://git@github.com/a/b.git#c0ffee"),
            Some("git+ssh://git@github.com/a/b.git@c0ffee"),
        );
        check("git@github.com:a/b.git", "git@github.com:a/b.git", None, None);
        check(
            "git+https://h.org/a.git#",
            "git+https://h.org/a.git#",
            Some("git+https://h.org/a.git#"),
            Some("git+https://h.org/a.git"),
        );
        check("http://[::1]/a.tgz", "http://[::1]/a.tgz", None, None);
        check("file:../b", "file:../b", None, None);
        check("../b", "../b", None, None);
    }

    #[test]
    fn hosts_that_spdx_tools_refuse_are_not_asserted() {
        for text in
            ["http://localhost:4873/a.tgz", "http://10.0.0.1/a.tgz", "https://h_x.example/a", "https://a--b.example/a"]
        {
            check(text, text, Some(text), None);
        }
    }

    #[test]
    fn illegal_characters_are_encoded() {
        let encoded = "https://host.example/a%7Cb%5B1%5D%25zz#c%23d";
        check(
            "https://host.example/a|b[1]%zz#c#d",
            "https://host.example/a|b[1]%zz#c#d",
            Some(encoded),
            Some("https://host.example/a%7Cb%5B1%5D%25zz"),
        );
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC*", more in "(https|git\\+ssh|x)://[a-z@:/?#% ]*") {
            for text in [&text, &more] {
                let _ = reference(text).and_then(|found| spdx_location(&found));
            }
        }
    }
}
