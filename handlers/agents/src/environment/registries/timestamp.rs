//! Times as registries write them.

/// A time in RFC 3339. Without an offset it is UTC, as old indexes mean it. `None`: it is not a time.
pub(super) fn read_timestamp(text: &str) -> Option<jiff::Timestamp> {
    let text = text.trim();
    text.parse().ok().or_else(|| format!("{text}Z").parse().ok())
}
