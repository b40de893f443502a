//! What is done when a handler's process ends: the host's rules, and what the local host does beyond them.

use jiff::{SignedDuration, Timestamp};
use std::fmt;

/// Errors after which the functions host gives up.
pub const ERRORS_MAX: usize = 3;

/// Errors farther apart than this are not counted together.
pub const ERRORS_APART: SignedDuration = SignedDuration::from_mins(30);

/// Rest before the first new beginning; each next one rests twice as long.
const REST_MS: u64 = 1_000;

/// Longest rest before a new beginning.
const REST_MS_MAX: u64 = 60_000;

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// With this code.
    Code(i32),
    /// By a signal, as `kill` sends it.
    Signal(i32),
    /// It was never there, or never answered.
    NotStarted,
    /// The host ended it, because a function took too long.
    TimedOut,
}

/// What happened to the processes of an app before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// Errors that count together, oldest first.
    pub errors: Vec<Timestamp>,
    /// New beginnings since a process last did any work.
    pub beginnings: u32,
    /// Whether the process that ended did any work.
    pub has_worked: bool,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Nothing: the functions host takes exit code 0 as the handler's own wish, and lets all calls fail from then on.
    Leave,
    /// The next process, at once.
    Restart,
    /// The next process, after a rest: the functions host would start it at once, and over and over.
    RestartLater {
        /// How long it rests.
        after_ms: u64,
    },
    /// The functions host would shut down. The local host rests, forgets, and begins again.
    BeginAgain {
        /// How long it rests.
        after_ms: u64,
    },
}

/// What is to be done after `exit` at `now`, and what is to be remembered.
pub fn decide(exit: Exit, mut history: History, now: Timestamp) -> (Decision, History) {
    match exit {
        Exit::Code(0) => return (Decision::Leave, history),
        Exit::Code(200) if !history.has_worked => {
            return (Decision::RestartLater { after_ms: REST_MS }, history);
        }
        Exit::Code(200) | Exit::TimedOut => return (Decision::Restart, history),
        Exit::Code(_) | Exit::Signal(_) | Exit::NotStarted => {}
    }
    if history.errors.last().is_some_and(|last| now.duration_since(*last) >= ERRORS_APART) {
        history.errors.clear();
    }
    history.errors.push(now);
    if history.errors.len() < ERRORS_MAX {
        return (Decision::Restart, history);
    }
    let after_ms = (REST_MS << history.beginnings.min(16)).min(REST_MS_MAX);
    (Decision::BeginAgain { after_ms }, History { errors: Vec::new(), beginnings: history.beginnings + 1, ..history })
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => write!(f, "ended by signal {signal}"),
            Self::NotStarted => f.write_str("it did not start"),
            Self::TimedOut => f.write_str("ended by the host: a function took longer than functionTimeout"),
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leave => f.write_str("not restarted: exit code 0 is taken as its own wish; messages wait"),
            Self::Restart => f.write_str("restarted"),
            Self::RestartLater { after_ms } => write!(f, "restarted in {after_ms} ms: it ended before it did any work"),
            Self::BeginAgain { after_ms } => write!(
                f,
                "Exceeded http worker restart retry count: the functions host would shut down; begun again in {after_ms} ms"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Exits at minutes; what is decided about the last of them.
    #[track_caller]
    fn check(exits: &[(i64, Exit)], expect: Decision) {
        let mut history = History::default();
        let mut last = Decision::Leave;
        for (minute, exit) in exits {
            let now = Timestamp::from_second(minute * 60).unwrap();
            (last, history) = decide(*exit, history, now);
        }
        assert_eq!(last, expect, "{exits:?}");
    }

    const FAULT: Exit = Exit::Code(1);
    const KILLED: Exit = Exit::Signal(9);
    const FIRST_REST: Decision = Decision::BeginAgain { after_ms: 1_000 };

    #[test]
    fn exits_are_answered_by_the_hosts_rules() {
        check(&[(0, Exit::Code(0))], Decision::Leave);
        check(&[(0, Exit::Code(200))], Decision::RestartLater { after_ms: 1_000 });
        check(&[(0, Exit::Code(1))], Decision::Restart);
        check(&[(0, Exit::Code(-1))], Decision::Restart);
        check(&[(0, KILLED)], Decision::Restart);
        check(&[(0, Exit::NotStarted)], Decision::Restart);
    }

    #[test]
    fn intended_exit_of_a_process_that_worked_is_answered_at_once() {
        let history = History { has_worked: true, ..History::default() };
        assert_eq!(decide(Exit::Code(200), history, Timestamp::UNIX_EPOCH).0, Decision::Restart);
    }

    #[test]
    fn third_error_within_half_an_hour_of_the_one_before_is_too_many() {
        check(&[(0, FAULT), (1, FAULT)], Decision::Restart);
        check(&[(0, FAULT), (1, KILLED), (2, Exit::NotStarted)], FIRST_REST);
        check(&[(0, FAULT), (29, FAULT), (58, FAULT)], FIRST_REST);
        check(&[(0, FAULT), (1, FAULT), (31, FAULT)], Decision::Restart);
        check(&[(0, FAULT), (30, FAULT), (31, FAULT)], Decision::Restart);
    }

    #[test]
    fn intended_exits_and_timeouts_are_not_counted() {
        check(&[(0, FAULT), (1, Exit::Code(200)), (2, FAULT), (3, Exit::TimedOut)], Decision::Restart);
        check(&[(0, FAULT), (1, Exit::Code(200)), (2, FAULT), (3, FAULT)], FIRST_REST);
    }

    #[test]
    fn rests_double_up_to_a_minute() {
        let errors = |count: i64| (0..count).map(|minute| (minute, FAULT)).collect::<Vec<_>>();
        check(&errors(6), Decision::BeginAgain { after_ms: 2_000 });
        check(&errors(9), Decision::BeginAgain { after_ms: 4_000 });
        check(&errors(300), Decision::BeginAgain { after_ms: 60_000 });
    }
}
