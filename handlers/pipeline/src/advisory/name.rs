//! Names of packages, as they are looked up.

use crate::version::Ecosystem;
use std::borrow::Cow;

/// The name under which advisories of a package are kept: by PEP 503 in PyPI, as it is elsewhere (npm names are exact).
pub fn normalised_name(ecosystem: Ecosystem, name: &str) -> Cow<'_, str> {
    match ecosystem {
        Ecosystem::PyPI => pep503(name),
        _ => Cow::Borrowed(name),
    }
}

/// Lower case, with each run of `-`, `_` and `.` as one `-`.
fn pep503(name: &str) -> Cow<'_, str> {
    let is_separator = |byte: u8| matches!(byte, b'-' | b'_' | b'.');
    let bytes = name.as_bytes();
    let is_normal = bytes.iter().enumerate().all(|(at, &byte)| {
        byte.is_ascii_lowercase()
            || byte.is_ascii_digit()
            || (byte == b'-' && !bytes.get(at + 1).is_some_and(|&next| is_separator(next)))
    });
    if is_normal {
        return Cow::Borrowed(name);
    }
    let mut normal = String::with_capacity(name.len());
    let mut in_run = false;
    for character in name.chars() {
        let separates = matches!(character, '-' | '_' | '.');
        if !separates {
            normal.extend(character.to_lowercase());
        } else if !in_run {
            normal.push('-');
        }
        in_run = separates;
    }
    Cow::Owned(normal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ecosystem: Ecosystem, name: &str, expect: &str) {
        assert_eq!(normalised_name(ecosystem, name), expect, "{ecosystem} {name}");
    }

    #[test]
    fn pypi_names_are_normalised_and_npm_names_are_exact() {
        check(Ecosystem::PyPI, "Django", "django");
        check(Ecosystem::PyPI, "ruamel.yaml", "ruamel-yaml");
        check(Ecosystem::PyPI, "Flask_-.SQLAlchemy", "flask-sqlalchemy");
        check(Ecosystem::PyPI, "zope--interface", "zope-interface");
        check(Ecosystem::PyPI, "requests", "requests");
        check(Ecosystem::Npm, "JSONStream", "JSONStream");
        check(Ecosystem::Npm, "@scope/a_b.c", "@scope/a_b.c");
    }
}
