//! Calls again in the host itself, where `function.json` says so.

use super::value::Value;
use crate::app::{Retry, RetryDelay};
use serde_json::json;
use std::time::Duration;

/// How long is waited before the call after `retries` others; `None`: it was the last.
pub fn delay(retry: &Retry, retries: u32) -> Option<Duration> {
    if retry.retries_max.is_some_and(|max| retries >= max) {
        return None;
    }
    let ms = match retry.delay {
        RetryDelay::Fixed { delay_ms } => delay_ms,
        RetryDelay::Exponential { min_ms, max_ms } => min_ms.saturating_mul(1 << retries.min(32)).min(max_ms),
    };
    Some(Duration::from_millis(ms))
}

/// What a function is told of its earlier calls.
pub fn context(retry: &Retry, retries: u32, reason: Option<&str>) -> Value {
    let max = retry.retries_max.map_or(-1, i64::from);
    let exception = reason.map(|reason| json!({ "Message": reason }));
    Value::Object(json!({ "RetryCount": retries, "MaxRetryCount": max, "Exception": exception }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_fixed_or_double() {
        let check = |retry: &Retry, retries: u32, expect: Option<u64>| {
            assert_eq!(delay(retry, retries), expect.map(Duration::from_millis), "{retry:?} {retries}");
        };
        let fixed = Retry { retries_max: Some(2), delay: RetryDelay::Fixed { delay_ms: 5 } };
        check(&fixed, 0, Some(5));
        check(&fixed, 1, Some(5));
        check(&fixed, 2, None);
        let exponential = Retry { retries_max: None, delay: RetryDelay::Exponential { min_ms: 10, max_ms: 35 } };
        check(&exponential, 0, Some(10));
        check(&exponential, 1, Some(20));
        check(&exponential, 2, Some(35));
        check(&exponential, 1_000_000, Some(35));
    }
}
