//! Moments: each timer fires one call at a time, and remembers when.

use crate::app::ncrontab::Schedule;
use crate::app::{Function, Trigger};
use crate::bus::Bus;
use crate::host::drain::Drain;
use crate::host::event::{Events, HostEvent};
use crate::host::invoke::{InvokeError, Invoker, Payload, Value};
use crate::host::ledger::{Ledger, LedgerError};
use jiff::Timestamp;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// The clock is looked at this often, at least: it may be set anew, and the machine may sleep.
const LOOK: Duration = Duration::from_secs(1);

/// A function with a timer.
#[derive(Debug, Clone)]
pub struct Timer {
    /// Calls it.
    pub invoker: Invoker,
    /// The function.
    pub function: Arc<Function>,
    /// Takes what it sends.
    pub bus: Bus,
    /// Remembers when it fired.
    pub ledger: Ledger,
    /// Hears of it.
    pub events: Events,
    /// Whether anything new may begin.
    pub drain: Drain,
}

/// When a timer fires next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Due {
    at: Timestamp,
    is_past_due: bool,
}

/// The first moment to fire, for a host that starts `now` and last fired at `last`.
fn first(schedule: &Schedule, last: Option<Timestamp>, run_on_startup: bool, now: Timestamp) -> Option<Due> {
    if let Some(missed) = last.and_then(|last| schedule.next_after(last)).filter(|missed| *missed <= now) {
        return Some(Due { at: missed, is_past_due: true });
    }
    if run_on_startup {
        return Some(Due { at: now, is_past_due: false });
    }
    schedule.next_after(now).map(|at| Due { at, is_past_due: false })
}

impl Timer {
    /// Fires until the host stops.
    pub async fn run(self) {
        let Trigger::Timer { schedule, run_on_startup, use_monitor } = self.function.trigger.clone() else { return };
        let begun = self.invoker.clock.now();
        let mut last = if use_monitor { self.told(self.last()).flatten() } else { None };
        let mut due = first(&schedule, last, run_on_startup, begun);
        if use_monitor && last.is_none() {
            // Nothing was missed before the first start, but everything after it may be.
            self.told(self.note(begun).await);
        }
        while let Some(Due { at, is_past_due }) = due {
            if !self.wait_until(at).await {
                return;
            }
            let next = schedule.next_after(self.invoker.clock.now().max(at));
            let monitored = use_monitor.then_some((last, next));
            let payload = payload(&self.function.trigger_binding, monitored, is_past_due, self.invoker.clock.now());
            if !self.fire(payload).await {
                return;
            }
            last = Some(at);
            if use_monitor {
                // The moment itself may be long gone: what was missed up to now is made up for by this one call.
                self.told(self.note(self.invoker.clock.now().max(at)).await);
            }
            due = schedule.next_after(self.invoker.clock.now().max(at)).map(|at| Due { at, is_past_due: false });
        }
    }

    /// Calls the function once, whatever its schedule says.
    pub async fn fire_by_hand(&self) {
        self.fire(payload(&self.function.trigger_binding, None, false, self.invoker.clock.now())).await;
    }

    /// `false`: the host stops, and cut it off. It is made up for at the next start.
    async fn fire(&self, payload: Payload) -> bool {
        let Some(_work) = self.drain.begin() else { return false };
        let invocation = crate::chance::uuid();
        let (function, source) = (self.function.name.clone(), "timer".to_owned());
        let invoked = self.invoker.invoke(&self.function, invocation, &payload).await;
        let is_cut_off = self.drain.is_stopping() && invoked.as_ref().is_err_and(is_without_answer);
        let called = match invoked {
            Ok(invoked) => match self.bus.send(invoked.messages.clone()).await {
                Ok(()) => Ok(invoked),
                Err(error) => Err(format!("its messages can't be sent: {error}")),
            },
            Err(error) => Err(error.to_string()),
        };
        let invocation = invocation.to_string();
        self.events.tell(match called {
            Ok(invoked) => HostEvent::Invoked {
                function,
                invocation,
                source,
                messages: 0,
                sent: invoked.messages.len(),
                duration_ms: invoked.duration_ms,
            },
            Err(reason) => HostEvent::Failed { function, invocation, source, delivery_count: 0, reason },
        });
        !is_cut_off
    }

    /// `false`: the host stops.
    async fn wait_until(&self, moment: Timestamp) -> bool {
        loop {
            let left = Duration::try_from(moment.duration_since(self.invoker.clock.now())).unwrap_or_default();
            if left.is_zero() {
                return !self.drain.is_stopping();
            }
            tokio::select! {
                () = tokio::time::sleep(left.min(LOOK)) => {}
                () = self.drain.stopped() => return false,
            }
        }
    }

    fn last(&self) -> Result<Option<Timestamp>, LedgerError> {
        self.ledger.last(&self.invoker.app.name, &self.function.name)
    }

    async fn note(&self, moment: Timestamp) -> Result<(), LedgerError> {
        let (ledger, app, function) = (self.ledger.clone(), self.invoker.app.name.clone(), self.function.name.clone());
        let noted = tokio::task::spawn_blocking(move || ledger.note(&app, &function, moment)).await;
        // The task does not panic, and is not aborted while the host lives.
        noted.unwrap_or(Ok(()))
    }

    fn told<T>(&self, noted: Result<T, LedgerError>) -> Option<T> {
        noted
            .map_err(|error| {
                let doing = format!("remembering when {} fired", self.function.name);
                self.events.tell(HostEvent::BusTrouble { doing, reason: error.to_string() });
            })
            .ok()
    }
}

/// Whether the process was gone before the function said anything.
fn is_without_answer(error: &InvokeError) -> bool {
    match error {
        InvokeError::NotReady { .. } | InvokeError::Unreachable { .. } => true,
        InvokeError::Left | InvokeError::TimedOut { .. } | InvokeError::Answer(_) => false,
    }
}

fn payload(
    binding: &str,
    monitored: Option<(Option<Timestamp>, Option<Timestamp>)>,
    is_past_due: bool,
    now: Timestamp,
) -> Payload {
    let status = monitored.map(|(last, next)| {
        let told = |moment: Option<Timestamp>| moment.map_or("0001-01-01T00:00:00".to_owned(), |at| at.to_string());
        json!({ "Last": told(last), "Next": told(next), "LastUpdated": last.unwrap_or(now).to_string() })
    });
    let value = json!({ "Schedule": { "AdjustForDST": true }, "ScheduleStatus": status, "IsPastDue": is_past_due });
    Payload::new(binding, Value::Object(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        format!("2026-01-01T{text}Z").parse().unwrap()
    }

    #[track_caller]
    fn check(last: Option<&str>, run_on_startup: bool, expect: (&str, bool)) {
        let every_five_minutes: Schedule = "0 */5 * * * *".parse().unwrap();
        let due = first(&every_five_minutes, last.map(at), run_on_startup, at("12:07:00")).unwrap();
        assert_eq!((due.at, due.is_past_due), (at(expect.0), expect.1));
    }

    #[test]
    fn first_moment_makes_up_for_what_was_missed() {
        check(None, false, ("12:10:00", false));
        check(None, true, ("12:07:00", false));
        check(Some("12:05:00"), false, ("12:10:00", false));
        check(Some("12:05:00"), true, ("12:07:00", false));
        check(Some("12:00:00"), false, ("12:05:00", true));
        check(Some("06:00:00"), true, ("06:05:00", true));
    }

    #[test]
    fn timer_is_told_as_the_host_tells_it() {
        let payload = payload("timer", Some((None, Some(at("12:10:00")))), false, at("12:07:00"));
        assert_eq!(
            payload.data.1.encode().to_string(),
            r#"{"Schedule":{"AdjustForDST":true},"ScheduleStatus":{"Last":"0001-01-01T00:00:00","Next":"2026-01-01T12:10:00Z","LastUpdated":"2026-01-01T12:07:00Z"},"IsPastDue":false}"#
        );
    }
}
