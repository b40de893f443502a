//! Keys: who may call what.

use crate::app::AuthLevel;
use std::fmt;

/// The keys of a host.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// Opens everything.
    pub master: String,
    /// Opens functions.
    pub default: String,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(..)")
    }
}

impl Keys {
    /// Whether somebody with the key `shown` may call what asks for `level`.
    pub fn allow(&self, level: AuthLevel, shown: Option<&str>) -> bool {
        // Both are compared, so that the time tells nothing of which one was meant.
        let (master, default) = (is_equal(shown, &self.master), is_equal(shown, &self.default));
        match level {
            AuthLevel::Anonymous => true,
            AuthLevel::Function => master | default,
            AuthLevel::Admin => master,
        }
    }
}

/// Compares every byte, wherever the first difference is.
fn is_equal(shown: Option<&str>, key: &str) -> bool {
    let shown = shown.unwrap_or_default().as_bytes();
    let difference =
        shown.iter().zip(key.as_bytes()).fold(0, |difference, (a, b)| std::hint::black_box(difference | (a ^ b)));
    shown.len() == key.len() && !key.is_empty() && difference == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_open_what_they_are_for() {
        let keys = Keys { master: "mmmm".to_owned(), default: "dddd".to_owned() };
        let check =
            |level, shown: Option<&str>, expect| assert_eq!(keys.allow(level, shown), expect, "{level:?} {shown:?}");
        check(AuthLevel::Anonymous, None, true);
        check(AuthLevel::Function, None, false);
        check(AuthLevel::Function, Some(""), false);
        check(AuthLevel::Function, Some("ddd"), false);
        check(AuthLevel::Function, Some("ddddd"), false);
        check(AuthLevel::Function, Some("dddd"), true);
        check(AuthLevel::Function, Some("mmmm"), true);
        check(AuthLevel::Admin, Some("dddd"), false);
        check(AuthLevel::Admin, Some("mmmm"), true);
        assert!(!format!("{keys:?}").contains("mmmm"));
    }
}
