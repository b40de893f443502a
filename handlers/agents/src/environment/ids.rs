//! The only room where chance is drawn.

use jiff::Timestamp;
use pipeline::message::RunId;
use secrecy::SecretString;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where ids that are not derived come from.
#[derive(Debug, Clone)]
pub enum Ids {
    /// The machine's randomness.
    System,
    /// A count: tests and replays.
    Counted(Arc<AtomicU64>),
}

impl Ids {
    /// Ids that are the same in every run.
    pub fn counted() -> Self {
        Self::Counted(Arc::default())
    }

    /// A run that begins `now`.
    pub fn run(&self, now: Timestamp) -> RunId {
        let mut chance = [0; 10];
        match self {
            Self::System => chance = random(),
            Self::Counted(count) => chance[2..].copy_from_slice(&count.fetch_add(1, Ordering::Relaxed).to_be_bytes()),
        }
        RunId::new(now, chance)
    }

    /// A text that nobody guesses, of 80 hex digits.
    pub fn secret(&self) -> SecretString {
        let parts = (0..4).map(|_| match self {
            Self::System => hex::encode(random()),
            Self::Counted(count) => format!("{:020x}", count.fetch_add(1, Ordering::Relaxed)),
        });
        SecretString::from(parts.collect::<String>())
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the room where chance may be drawn")]
fn random() -> [u8; 10] {
    let bytes = uuid::Uuid::new_v4().into_bytes();
    // Bytes 6 and 8 carry version and variant: only what is random is taken.
    [bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[9], bytes[10], bytes[11], bytes[12]]
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn secrets_are_long_and_never_the_same() {
        let (one, other) = (Ids::System.secret(), Ids::System.secret());
        assert_eq!((one.expose_secret().len(), other.expose_secret().len()), (80, 80));
        assert_ne!(one.expose_secret(), other.expose_secret());
        assert!(!format!("{one:?}").contains(one.expose_secret()));
    }
}
