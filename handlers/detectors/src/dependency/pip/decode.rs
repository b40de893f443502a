//! Bytes of a requirements file to text, as pip decodes them.

/// The text, and what is to be said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// With its byte order mark, where it is UTF-8. Bytes that are none stand as U+FFFD.
    pub text: String,
    /// Line and reason, where not all bytes could be read.
    pub error: Option<(u32, String)>,
    /// Whether writing `text` as UTF-8 gives the file's bytes: otherwise it must not be edited.
    pub is_utf8: bool,
}

/// Decodes by byte order mark, else by the coding comment of the first two lines, else as UTF-8.
pub fn decode(bytes: &[u8]) -> Decoded {
    match bytes {
        [0xff, 0xfe, rest @ ..] => return utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => return utf16(rest, u16::from_be_bytes),
        _ => {}
    }
    let encoding = if bytes.starts_with(b"\xef\xbb\xbf") { None } else { declared(bytes) };
    match encoding.as_deref() {
        None | Some("utf-8" | "utf8" | "utf-8-sig" | "u8" | "ascii" | "us-ascii") => utf8(bytes, None),
        Some("latin-1" | "latin1" | "latin" | "l1" | "iso-8859-1" | "iso8859-1") if !bytes.is_ascii() => {
            let text = bytes.iter().copied().map(char::from).collect();
            Decoded { text, error: None, is_utf8: false }
        }
        Some("latin-1" | "latin1" | "latin" | "l1" | "iso-8859-1" | "iso8859-1") => utf8(bytes, None),
        Some(other) => utf8(bytes, Some(other)),
    }
}

fn utf8(bytes: &[u8], declared: Option<&str>) -> Decoded {
    match (std::str::from_utf8(bytes), declared) {
        // What is ASCII reads the same in the encodings that pip takes from a comment.
        (Ok(text), _) if declared.is_none() || text.is_ascii() => {
            Decoded { text: text.to_owned(), error: None, is_utf8: true }
        }
        (result, _) => {
            let valid =
                result.map_or_else(|error| error.valid_up_to(), |_| bytes.iter().take_while(|b| b.is_ascii()).count());
            let line = 1 + bytes[..valid].iter().filter(|byte| **byte == b'\n').count();
            let message = match declared {
                Some(encoding) => format!("the encoding {encoding} is not read; save the file as UTF-8"),
                None => "a byte is not UTF-8; save the file as UTF-8, or name its encoding in a comment on line 1"
                    .to_owned(),
            };
            let error = Some((u32::try_from(line).unwrap_or(u32::MAX), message));
            Decoded { text: String::from_utf8_lossy(bytes).into_owned(), error, is_utf8: false }
        }
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Decoded {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut broken = !rest.is_empty();
    let decoded = char::decode_utf16(pairs.iter().map(|pair| unit(*pair)));
    let text = decoded.map(|c| c.inspect_err(|_| broken = true).unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    let error = broken.then(|| (1, "the file begins as UTF-16 but is not".to_owned()));
    Decoded { text, error, is_utf8: false }
}

/// The encoding of a comment like `# -*- coding: latin-1 -*-`.
fn declared(bytes: &[u8]) -> Option<String> {
    bytes.split(|byte| *byte == b'\n').take(2).find_map(|line| {
        let line = String::from_utf8_lossy(line.strip_prefix(b"#")?);
        let (_, after) =
            line.match_indices("coding").map(|(at, word)| line.split_at(at + word.len())).find(|(_, after)| {
                let rest = after.get(1..).unwrap_or_default().trim_start();
                after.starts_with([':', '=']) && rest.starts_with(is_letter)
            })?;
        let name: String = after[1..].trim_start().chars().take_while(|c| is_letter(*c)).collect();
        Some(name.to_ascii_lowercase().replace('_', "-"))
    })
}

fn is_letter(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], text: &str, is_utf8: bool, error_line: Option<u32>) {
        let decoded = decode(bytes);
        let found = (decoded.text.as_str(), decoded.is_utf8, decoded.error.map(|(line, _)| line));
        assert_eq!(found, (text, is_utf8, error_line));
    }

    #[test]
    fn encodings_that_pip_reads_are_read() {
        check(b"a==1\n", "a==1\n", true, None);
        check(b"\xef\xbb\xbfa==1", "\u{feff}a==1", true, None);
        check(b"\xff\xfea\0=\0", "a=", false, None);
        check(b"\xfe\xff\0a\0=", "a=", false, None);
        check(b"\xff\xfea\0=", "a", false, Some(1));
        check(b"# -*- coding: latin-1 -*-\na # \xe9", "# -*- coding: latin-1 -*-\na # é", false, None);
        check(b"# vim: fileencoding=Latin_1\na", "# vim: fileencoding=Latin_1\na", true, None);
        check(b"#\n# coding: cp1252\na # \xe9", "#\n# coding: cp1252\na # \u{fffd}", false, Some(3));
        check(b"# coding: cp1252\na", "# coding: cp1252\na", true, None);
        check(b"a # \xe9\nb==1", "a # \u{fffd}\nb==1", false, Some(1));
        check("# é".as_bytes(), "# é", true, None);
    }
}
