//! `retry` of a function: calls again in the host itself.

use crate::app::json::Node;

/// How often and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// `None`: without an end (`-1`).
    pub retries_max: Option<u32>,
    /// How long the host waits before each.
    pub delay: RetryDelay,
}

/// How long the host waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryDelay {
    /// Always as long.
    Fixed {
        /// Milliseconds.
        delay_ms: u64,
    },
    /// Longer each time.
    Exponential {
        /// Milliseconds at first.
        min_ms: u64,
        /// Milliseconds at most.
        max_ms: u64,
    },
}

/// Reads the policy, if there is one.
pub fn read(function: &Node<'_>) -> Option<Retry> {
    let policy = function.get("retry")?;
    let retries_max = policy.number("maxRetryCount", -1, i64::from(u32::MAX));
    if retries_max.is_none() && policy.get("maxRetryCount").is_none() {
        policy.fault("has no maxRetryCount", "Write how often, or -1 for without an end");
    }
    let span = |name: &str| match policy.time_span(name) {
        Some((span, node)) => u64::try_from(span.ms).ok().or_else(|| {
            node.fault("is negative", "Write a span of time that is not");
            None
        }),
        None => {
            if policy.get(name).is_none() {
                policy.fault(format!("has no {name}"), "Write how long to wait: \"00:00:05\"");
            }
            None
        }
    };
    let delay = match policy.get("strategy").and_then(|strategy| strategy.text_if_any()) {
        Some(text) if text.eq_ignore_ascii_case("fixedDelay") => RetryDelay::Fixed { delay_ms: span("delayInterval")? },
        Some(text) if text.eq_ignore_ascii_case("exponentialBackoff") => {
            let (min, max) = (span("minimumInterval"), span("maximumInterval"));
            RetryDelay::Exponential { min_ms: min?, max_ms: max? }
        }
        _ => {
            policy.fault("has no strategy", "Write \"strategy\": \"fixedDelay\" or \"exponentialBackoff\"");
            return None;
        }
    };
    Some(Retry { retries_max: u32::try_from(retries_max?).ok(), delay })
}
