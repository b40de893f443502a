//! The two dialects of INI: npm's, and that of Python's `configparser` which pip uses.

/// Keys and values of an npmrc, in the order of the file. Sections are left out: npm gives them no meaning.
pub(super) fn npm_pairs(text: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for line in text.split(['\r', '\n']) {
        let line = line.trim();
        if line.is_empty() || line.starts_with([';', '#']) {
            continue;
        }
        if line.starts_with('[') && line.ends_with(']') {
            break;
        }
        if let Some((key, value)) = line.split_once('=') {
            pairs.push((npm_text(key), npm_text(value)));
        }
    }
    pairs
}

/// A key or value: in quotes as it is, else up to a comment, with `\;`, `\#` and `\\` undone.
fn npm_text(written: &str) -> String {
    let written = written.trim();
    if let Some(inner) = written.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        return inner.to_owned();
    }
    if written.len() > 1 && written.starts_with('"') && written.ends_with('"') {
        return serde_json::from_str(written).unwrap_or_else(|_| written.to_owned());
    }
    let mut text = String::new();
    let mut chars = written.chars();
    while let Some(char) = chars.next() {
        match char {
            ';' | '#' => break,
            '\\' => match chars.next() {
                Some(escaped @ ('\\' | ';' | '#')) => text.push(escaped),
                Some(other) => text.extend(['\\', other]),
                None => text.push('\\'),
            },
            char => text.push(char),
        }
    }
    text.trim().to_owned()
}

/// Section, key and value of each option of a pip.conf, keys in lower case with `-`. Indented lines continue a value.
pub(super) fn pip_options(text: &str) -> Vec<(String, String, String)> {
    let mut options: Vec<(String, String, String)> = Vec::new();
    let mut section = String::new();
    let mut may_continue = false;
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if line.starts_with([' ', '\t']) && may_continue {
            if let Some((_, _, value)) = options.last_mut() {
                value.push('\n');
                value.push_str(trimmed);
            }
            continue;
        }
        if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            section = name.trim().to_owned();
            may_continue = false;
        } else if let Some((key, value)) = trimmed.split_once(['=', ':']) {
            let key = key.trim().to_lowercase().replace('_', "-");
            options.push((section.clone(), key, value.trim().to_owned()));
            may_continue = true;
        }
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &[(&str, &str)]) {
        let expect: Vec<_> = expect.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        assert_eq!(npm_pairs(text), expect, "{text}");
    }

    #[test]
    fn npmrc_is_read_as_npm_reads_it() {
        check("registry = https://registry.example/ ; ours\r\n# no\n;no\nstrict-ssl=false", &[
            ("registry", "https://registry.example/"),
            ("strict-ssl", "false"),
        ]);
        check("//registry.example/:_authToken=\"a;b=c\"", &[("//registry.example/:_authToken", "a;b=c")]);
        check("a=b\\;c\\d\\", &[("a", "b;cd\\".replace("cd", "c\\d").as_str())]);
        check("a='", &[("a", "'")]);
        check("a='b\nnothing\n=", &[("a", "'b"), ("", "")]);
        check("a=1\n[section]\nregistry=https://other.example/", &[("a", "1")]);
    }

    #[test]
    fn pip_conf_is_read_as_configparser_does() {
        let read = pip_options("[global]\nIndex_URL: https://index.example/simple\nextra-index-url =\n  https://a.example/\n\n  https://b.example/\n[install]\nno-deps=1\n");
        let expect = [
            ("global", "index-url", "https://index.example/simple"),
            ("global", "extra-index-url", "\nhttps://a.example/\nhttps://b.example/"),
            ("install", "no-deps", "1"),
        ];
        assert_eq!(read, expect.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned())));
    }
}
