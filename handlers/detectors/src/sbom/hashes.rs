//! Integrity as lockfiles write it, as hashes in hex.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A hash function that both formats know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    Md5,
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

/// One hash of one archive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hash {
    pub algorithm: Algorithm,
    /// Lower-case hex.
    pub hex: String,
}

impl Algorithm {
    fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "md5" => Self::Md5,
            "sha1" => Self::Sha1,
            "sha256" => Self::Sha256,
            "sha384" => Self::Sha384,
            "sha512" => Self::Sha512,
            _ => return None,
        })
    }

    fn digest_bytes(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// As CycloneDX writes it.
    pub fn cyclonedx(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        }
    }

    /// As SPDX writes it.
    pub fn spdx(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha384 => "SHA384",
            Self::Sha512 => "SHA512",
        }
    }
}

/// The hashes in `integrity`: npm's SRI (`sha512-BASE64`, several apart by spaces) or pip's `sha256:HEX`.
///
/// An `Err` among them is a part in another form or of another length, as written.
pub fn parse(integrity: &str) -> impl Iterator<Item = Result<Hash, &str>> {
    integrity.split_whitespace().map(|part| hash(part).ok_or(part))
}

fn hash(part: &str) -> Option<Hash> {
    let (algorithm, digest) = if let Some((name, digits)) = part.split_once(':') {
        (Algorithm::named(name)?, hex::decode(digits).ok()?)
    } else {
        let (name, base64) = part.split_once('-')?;
        let base64 = base64.split('?').next()?;
        (Algorithm::named(name)?, STANDARD.decode(base64).ok()?)
    };
    (digest.len() == algorithm.digest_bytes()).then(|| Hash { algorithm, hex: hex::encode(digest) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(integrity: &str, expect: &[Result<(Algorithm, &str), &str>]) {
        let found: Vec<_> = parse(integrity).collect();
        let found: Vec<_> = found
            .iter()
            .map(|part| part.as_ref().map(|hash| (hash.algorithm, hash.hex.as_str())).map_err(|text| *text))
            .collect();
        assert_eq!(found, expect, "{integrity}");
    }

    const SHA1: &str = "da39a3ee5e6b4b0d3255bfef95601890afd80709";

    #[test]
    fn subresource_integrity_becomes_hex() {
        check("sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=", &[Ok((Algorithm::Sha1, SHA1))]);
        check("sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=?ct=x", &[Ok((Algorithm::Sha1, SHA1))]);
        check(
            " md5-1B2M2Y8AsgTpgAmY7PhCfg==  sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk= ",
            &[Ok((Algorithm::Md5, "d41d8cd98f00b204e9800998ecf8427e")), Ok((Algorithm::Sha1, SHA1))],
        );
    }

    #[test]
    fn pip_hashes_are_hex_already() {
        check("sha1:DA39A3EE5E6B4B0D3255BFEF95601890AFD80709", &[Ok((Algorithm::Sha1, SHA1))]);
    }

    #[test]
    fn what_is_no_hash_is_handed_back() {
        check("", &[]);
        for text in ["sha512-short", "sha1-AAAA", "sha256:xyz", "blake3-AAAA", "-", ":", "é", "sha1"] {
            check(text, &[Err(text)]);
        }
    }
}
