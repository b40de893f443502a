//! Findings that were there before.

use crate::ids::Fingerprint;
use serde::Deserialize;
use std::collections::BTreeSet;

/// Size of the file. Over it, the file is an error.
pub const FILE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What `suture scan --format json` wrote at an earlier time: what is in it is not new.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    /// The file, for people.
    pub path: String,
    /// Fingerprints of its findings.
    pub fingerprints: BTreeSet<Fingerprint>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Raw {
    schema: String,
    findings: Vec<RawFinding>,
}

#[derive(Deserialize)]
#[serde(expecting = "a finding")]
struct RawFinding {
    fingerprint: Fingerprint,
}

impl Baseline {
    /// Reads the file. An error says what is wrong and where, in words.
    pub fn parse(path: &str, text: &str) -> Result<Self, String> {
        if text.len() > FILE_BYTES_MAX {
            return Err(format!("{path}: it has {} bytes; {FILE_BYTES_MAX} are allowed", text.len()));
        }
        let advice = "a baseline is what `suture scan --format json` writes";
        let raw: Raw = serde_json::from_str(text).map_err(|error| format!("{path}: {error}; {advice}"))?;
        if raw.schema != "suture.scan/1" {
            let schema: String = raw.schema.chars().take(80).collect();
            return Err(format!("{path}: its schema is `{schema}`, not `suture.scan/1`; {advice}"));
        }
        let fingerprints = raw.findings.into_iter().map(|finding| finding.fingerprint).collect();
        Ok(Self { path: path.to_owned(), fingerprints })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expect: usize) {
        let found = Baseline::parse("old.json", text).map(|baseline| baseline.fingerprints.len());
        assert_eq!(found, Ok(expect), "{text}");
    }

    #[test]
    fn the_json_of_a_scan_is_read() {
        check(r#"{"schema":"suture.scan/1","target":".","findings":[],"summary":{}}"#, 0);
        let one = r#"{"fingerprint":"0123456789abcdef0123456789abcdef","rule":"CVE-1"}"#;
        check(&format!(r#"{{"schema":"suture.scan/1","findings":[{one},{one}]}}"#), 1);
    }

    #[test]
    fn other_files_are_errors_in_words() {
        let texts = [
            "[]",
            "3",
            "",
            r#"{"schema":"suture.heal/1","findings":[]}"#,
            r#"{"schema":"suture.scan/1","findings":[{"fingerprint":"12"}]}"#,
            r#"{"schema":"suture.scan/1"}"#,
        ];
        let errors: Vec<_> = texts.iter().map(|text| Baseline::parse("old.json", text).unwrap_err()).collect();
        insta::assert_snapshot!(errors.join("\n"), @"
    old.json: invalid length 0, expected an object at line 1 column 2; a baseline is what `suture scan --format json` writes
    old.json: invalid type: integer `3`, expected an object at line 1 column 1; a baseline is what `suture scan --format json` writes
    old.json: EOF while parsing a value at line 1 column 0; a baseline is what `suture scan --format json` writes
    old.json: its schema is `suture.heal/1`, not `suture.scan/1`; a baseline is what `suture scan --format json` writes
    old.json: `12` is not a fingerprint: 32 hex digits are needed at line 1 column 58; a baseline is what `suture scan --format json` writes
    old.json: missing field `findings` at line 1 column 26; a baseline is what `suture scan --format json` writes
    ");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC*", json in "(\\{|\\}|\\[|\\]|\"findings\":|\"schema\":|\"suture.scan/1\"|,|1){0,30}") {
            let _ = Baseline::parse("old.json", &text);
            let _ = Baseline::parse("old.json", &json);
        }
    }
}
