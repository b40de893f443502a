//! Whether a delivery is from GitHub: HMAC-SHA256 with a secret that only both know, over the bytes as they came.

use crate::environment::github::WebhookSecrets;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::ExposeSecret;
use sha2::Sha256;

/// The header that a signature is in.
pub const HEADER: &str = "X-Hub-Signature-256";

/// Whether `signature`, the value of the header, is that of `body` by one of `secrets`. All of them are tried, each in the same time wherever
/// a difference is.
pub fn holds(secrets: &WebhookSecrets, body: &[u8], signature: &str) -> bool {
    let Some(signature) = signature.strip_prefix("sha256=").and_then(|digits| hex::decode(digits).ok()) else {
        return false;
    };
    secrets.0.iter().fold(false, |holds, secret| {
        let mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes());
        mac.is_ok_and(|mac| mac.chain_update(body).verify_slice(&signature).is_ok()) | holds
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// GitHub's own example.
    const SECRET: &str = "It's a Secret to Everybody";
    const BODY: &[u8] = b"Hello, World!";
    const SIGNATURE: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    fn secrets(secrets: &[&str]) -> WebhookSecrets {
        WebhookSecrets(secrets.iter().map(|secret| (*secret).into()).collect())
    }

    #[test]
    fn example_of_github_holds_whichever_of_two_secrets_it_is_signed_with() {
        for known in [&[SECRET][..], &[SECRET, "old"], &["new", SECRET]] {
            assert!(holds(&secrets(known), BODY, SIGNATURE));
        }
    }

    #[test]
    fn anything_else_does_not_hold() {
        let digits = SIGNATURE.strip_prefix("sha256=").unwrap();
        let changed = SIGNATURE.replace('7', "8");
        let longer = format!("{SIGNATURE}00");
        for signature in
            ["", "sha256=", digits, &format!("sha1={digits}"), &SIGNATURE[..69], &longer, &changed, "sha256=é"]
        {
            assert!(!holds(&secrets(&[SECRET]), BODY, signature), "{signature}");
        }
        assert!(!holds(&secrets(&[SECRET]), b"Hello, World", SIGNATURE));
        assert!(!holds(&secrets(&["new", "old"]), BODY, SIGNATURE));
        assert!(!holds(&secrets(&[]), BODY, SIGNATURE));
    }
}
