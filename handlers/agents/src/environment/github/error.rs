//! What GitHub refuses, and whether it should be asked again.

use crate::environment::effects::Crashed;
use crate::error::AgentError;
use http::{HeaderMap, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

/// How long to wait where the secondary limit was hit and GitHub does not say how long.
const SECONDARY_PAUSE_S: i64 = 60;

/// No pause that GitHub asks for is believed to be longer.
const PAUSE_S_MAX: i64 = 24 * 3600;

/// How much of GitHub's words is repeated, in characters.
const MESSAGE_CHARS_MAX: usize = 400;

/// GitHub did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum GitHubError {
    /// It may go better later: a rate limit, a server that is down, an answer that was lost.
    #[error("{asked}: {reason}")]
    TryLater {
        /// Method and path.
        asked: String,
        /// What was seen.
        reason: String,
        /// Not before this moment of GitHub's clock, where it said so.
        not_before: Option<Timestamp>,
    },
    /// The App or the token may not.
    #[error("{asked}: not allowed: {message}{}", wanted(permission.as_deref()))]
    Denied {
        /// Method and path, and with it the repository.
        asked: String,
        /// What would be needed, in GitHub's words (`contents=write`).
        permission: Option<String>,
        /// GitHub's words.
        message: String,
    },
    /// It is not there. GitHub says the same of what may not be seen.
    #[error("{asked}: not there, or not to be seen: the App is not installed on it, or lacks a permission")]
    Absent {
        /// Method and path.
        asked: String,
    },
    /// It is there, and does not let this be done.
    #[error("{asked}: refused ({status}): {message}")]
    Refused {
        /// Method and path.
        asked: String,
        /// HTTP status.
        status: u16,
        /// What stands in the way.
        refusal: Refusal,
        /// GitHub's words.
        message: String,
    },
    /// An answer that makes no sense, or is over a limit.
    #[error("{asked}: {reason}")]
    Unusable {
        /// Method and path.
        asked: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The base branch is not where it was when the fix was made.
    #[error("the base branch moved meanwhile")]
    BaseMoved,
    /// The process is dead.
    #[error(transparent)]
    Crashed(#[from] Crashed),
}

/// What stands in the way of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The repository is archived: nothing in it changes any more.
    Archived,
    /// A rule protects the branch.
    Protected,
    /// What was to be made is there already.
    Exists,
    /// Anything else.
    Other,
}

/// What GitHub says of an error.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Words {
    message: String,
    errors: serde_json::Value,
}

impl GitHubError {
    /// The error in an answer that is none of the ones hoped for. `now` is the time where the answer has no `Date`.
    pub(super) fn of(asked: &str, status: StatusCode, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Self {
        let message = words(status, body);
        let asked = asked.to_owned();
        let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
        let is_limit = matches!(status, StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS);
        let lower = message.to_lowercase();
        let pause = text(header::RETRY_AFTER.as_str()).and_then(|seconds| seconds.parse::<i64>().ok());
        let after = |seconds: i64| {
            server_time(headers)
                .unwrap_or(now)
                .checked_add(SignedDuration::from_secs(seconds.clamp(0, PAUSE_S_MAX)))
                .ok()
        };
        if is_limit && pause.is_none() && text("x-ratelimit-remaining") == Some("0") {
            let reset = text("x-ratelimit-reset").and_then(|at| Timestamp::from_second(at.parse().ok()?).ok());
            let not_before = reset.map(|at| after(PAUSE_S_MAX).map_or(at, |latest| at.min(latest)));
            return Self::TryLater { asked, reason: format!("the hourly limit is used up: {message}"), not_before };
        }
        let is_secondary = lower.contains("secondary rate limit") || lower.contains("abuse detection");
        if is_limit && (pause.is_some() || is_secondary) || status == StatusCode::TOO_MANY_REQUESTS {
            let not_before = after(pause.unwrap_or(SECONDARY_PAUSE_S));
            return Self::TryLater { asked, reason: format!("too many requests at once: {message}"), not_before };
        }
        let refused = |refusal| Self::Refused {
            asked: asked.clone(),
            status: status.as_u16(),
            refusal,
            message: message.clone(),
        };
        match status {
            _ if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => {
                let reason = format!("it answered {}", status.as_u16());
                Self::TryLater { asked, reason, not_before: pause.and_then(after) }
            }
            StatusCode::UNAUTHORIZED => {
                let reason = format!("the App's key or the token is not accepted: {message}");
                Self::TryLater { asked, reason, not_before: None }
            }
            StatusCode::NOT_FOUND => Self::Absent { asked },
            _ if lower.contains("archived") => refused(Refusal::Archived),
            _ if lower.contains("already exist") || lower.contains("already_exists") => refused(Refusal::Exists),
            _ if ["protected", "rule violation", "force-push"].iter().any(|word| lower.contains(word)) => {
                refused(Refusal::Protected)
            }
            StatusCode::FORBIDDEN => {
                let permission = text("x-accepted-github-permissions").filter(|text| !text.is_empty());
                Self::Denied { asked, permission: permission.map(str::to_owned), message }
            }
            _ => refused(Refusal::Other),
        }
    }

    /// Whether it is refused because of `refusal`.
    pub fn is_refused_as(&self, expected: Refusal) -> bool {
        matches!(self, Self::Refused { refusal, .. } if *refusal == expected)
    }
}

/// `None` where `asked` is not there.
pub(super) fn found<T>(asked: Result<T, GitHubError>) -> Result<Option<T>, GitHubError> {
    match asked {
        Ok(value) => Ok(Some(value)),
        Err(GitHubError::Absent { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The time of the answer by GitHub's clock.
pub(super) fn server_time(headers: &HeaderMap) -> Option<Timestamp> {
    Some(jiff::fmt::rfc2822::parse(headers.get(header::DATE)?.to_str().ok()?).ok()?.timestamp())
}

/// What GitHub says, in one line.
pub(super) fn words(status: StatusCode, body: &[u8]) -> String {
    let words: Words = serde_json::from_slice(body).unwrap_or_default();
    let mut message = if words.message.is_empty() { format!("it answered {}", status.as_u16()) } else { words.message };
    if words.errors.as_array().is_some_and(|errors| !errors.is_empty()) {
        message = format!("{message} {}", words.errors);
    }
    message.chars().filter(|letter| !letter.is_control()).take(MESSAGE_CHARS_MAX).collect()
}

fn wanted(permission: Option<&str>) -> String {
    permission.map(|permission| format!("; it takes the permission {permission}")).unwrap_or_default()
}

impl From<GitHubError> for AgentError {
    fn from(error: GitHubError) -> Self {
        match error {
            GitHubError::TryLater { not_before, .. } => Self::TryLater { reason: error.to_string(), not_before },
            GitHubError::Crashed(_) => Self::broken(error.to_string()),
            _ => Self::CantBeHelped { reason: error.to_string() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-01-01T00:00:00Z";

    fn of(status: u16, headers: &[(&'static str, &'static str)], message: &str) -> GitHubError {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let body = serde_json::json!({ "message": message }).to_string();
        let status = StatusCode::from_u16(status).unwrap();
        GitHubError::of("GitHub: GET /x", status, &headers, body.as_bytes(), NOW.parse().unwrap())
    }

    #[test]
    fn limits_say_when_to_come_back() {
        let check = |status, headers: &[(&'static str, &'static str)], message, expect: Option<&str>| match of(
            status, headers, message,
        ) {
            GitHubError::TryLater { not_before, .. } => {
                assert_eq!(not_before, expect.map(|at| at.parse().unwrap()), "{status} {headers:?} {message}");
            }
            other => panic!("{status} {headers:?} {message}: {other}"),
        };
        let used_up = ("x-ratelimit-remaining", "0");
        let secondary = "You have exceeded a secondary rate limit.";
        check(403, &[used_up, ("x-ratelimit-reset", "1767225700")], "", Some("2026-01-01T00:01:40Z"));
        check(429, &[used_up, ("x-ratelimit-reset", "1767225700")], "", Some("2026-01-01T00:01:40Z"));
        // No moment is believed that lies further off than a day.
        check(403, &[used_up, ("x-ratelimit-reset", "9767225700")], "", Some("2026-01-02T00:00:00Z"));
        check(403, &[used_up, ("x-ratelimit-reset", "soon")], "", None);
        check(403, &[("retry-after", "30"), used_up], secondary, Some("2026-01-01T00:00:30Z"));
        check(403, &[("retry-after", "99999999")], secondary, Some("2026-01-02T00:00:00Z"));
        check(403, &[("retry-after", "-5")], secondary, Some(NOW));
        check(403, &[], secondary, Some("2026-01-01T00:01:00Z"));
        check(403, &[], "You have triggered an abuse detection mechanism.", Some("2026-01-01T00:01:00Z"));
        check(429, &[], "", Some("2026-01-01T00:01:00Z"));
        // Time is GitHub's where it says it.
        let date = ("date", "Thu, 01 Jan 2026 06:00:00 GMT");
        check(403, &[date, ("retry-after", "30")], secondary, Some("2026-01-01T06:00:30Z"));
        check(500, &[], "", None);
        check(503, &[("retry-after", "5")], "", Some("2026-01-01T00:00:05Z"));
        check(401, &[], "Bad credentials", None);
    }

    #[test]
    fn refusals_are_told_apart() {
        let refusal = |status, message| match of(status, &[("x-ratelimit-remaining", "12")], message) {
            GitHubError::Refused { refusal, .. } => Some(refusal),
            GitHubError::Denied { .. } => None,
            other => panic!("{status} {message}: {other}"),
        };
        assert_eq!(refusal(403, "Repository was archived so is read-only."), Some(Refusal::Archived));
        assert_eq!(refusal(422, "Reference already exists"), Some(Refusal::Exists));
        assert_eq!(refusal(422, "Repository rule violations found"), Some(Refusal::Protected));
        assert_eq!(refusal(409, "Git Repository is empty."), Some(Refusal::Other));
        assert_eq!(refusal(410, "Issues has been disabled in this repository."), Some(Refusal::Other));
        assert_eq!(refusal(403, "Resource not accessible by integration"), None);
        assert!(matches!(of(404, &[], "Not Found"), GitHubError::Absent { .. }));
    }

    #[test]
    fn what_github_says_is_repeated_in_one_short_line() {
        let words = of(403, &[], &"a\nb".repeat(1000)).to_string();
        assert!(words.len() < 600 && !words.contains('\n'), "{words}");
    }
}
