//! One call of one function. Whatever happens in it is its own: a panic, or work without end.

use super::Server;
use super::body::ReadBody;
use super::failure::Failure;
use super::message::handle_all;
use crate::wire::{Arrived, Reply, decode};
use agents::functions;
use agents::topology::{Function, Trigger};
use axum::http::HeaderMap;
use jiff::Timestamp;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// What is known of a call before its body is read.
#[derive(Debug, Clone)]
pub struct Call {
    /// The function.
    pub function: Arc<Function>,
    /// The host's id of the call, for log lines.
    pub invocation: Option<String>,
    /// W3C trace context of the host's span.
    pub traceparent: Option<String>,
    /// When it began.
    pub began: Timestamp,
}

impl Call {
    /// The call of `function` with these headers. Each of them may be missing.
    pub fn new(function: Arc<Function>, headers: &HeaderMap, began: Timestamp) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let traceparent = text("traceparent").filter(|text| is_traceparent(text));
        Self { function, invocation: text("x-azure-functions-invocationid"), traceparent, began }
    }

    /// Does the work on a thread of its own, where it may think for long without holding up other calls. Its panic ends there.
    pub async fn answer(&self, server: &Arc<Server>, body: ReadBody) -> Result<Vec<u8>, Failure> {
        // It is dropped with this call, by its limit or because the host hangs up: then the work ends at its next pause.
        let (_waiting, given_up) = oneshot::channel::<Infallible>();
        let work = async {
            let permit = Arc::clone(&server.calls).acquire_owned().await.map_err(Failure::broken)?;
            let (call, server, runtime) = (self.clone(), Arc::clone(server), Handle::current());
            let thread = tokio::task::spawn_blocking(move || {
                let span =
                    tracing::info_span!("call", agent.name = call.function.name, invocation.id = call.invocation);
                // Entered on the thread, so that the line of a panic carries it, wherever in the work it happens.
                let _entered = span.enter();
                let _permit = permit;
                runtime.block_on(async {
                    tokio::select! {
                        answer = call.work(&server, body) => answer,
                        _ = given_up => Err(Failure::given_up()),
                    }
                })
            });
            thread.await.unwrap_or_else(|_| Err(Failure::panicked()))
        };
        match tokio::time::timeout(server.step, work).await {
            Ok(answer) => answer,
            Err(_) => Err(Failure::too_long(server.step.as_secs())),
        }
    }

    async fn work(&self, server: &Server, body: ReadBody) -> Result<Vec<u8>, Failure> {
        // The room is given back with the end of the work: until then the bytes are here in one form or another.
        let ReadBody { bytes, room: _room } = body;
        let arrived = decode::decode(&bytes, &self.function.trigger, &self.function.input)?;
        drop(bytes);
        let name = self.function.name.as_str();
        let environment = server.environment().await;
        let reply = match arrived {
            Arrived::Messages(messages) => {
                let (sent, logs) = handle_all(self, environment?.as_ref(), messages).await?;
                Reply::messages(&self.function, &sent, logs).map_err(Failure::broken)?
            }
            Arrived::Tick(is_late) => {
                let env = environment?;
                let sent = functions::tick(&env, name).await?;
                let log = format!("{} sent", sent.len());
                tracing::info!(
                    agent.name = name,
                    invocation.id = self.invocation,
                    duration_ms = self.duration_ms(env.clock.now()),
                    is_late,
                    sent = sent.len(),
                    "ticked"
                );
                Reply::messages(&self.function, &sent, vec![log]).map_err(Failure::broken)?
            }
            Arrived::Request(request) => {
                if let Err(error) = &environment {
                    tracing::error!(reason = %error, "what the functions work with can't be had");
                }
                // After `?` a caller may have put the key of the function.
                let url = request.url.split('?').next().unwrap_or_default().to_owned();
                let asked = request.asked(self.traceparent.clone());
                let answer = functions::answer(environment.ok().as_deref(), name, &asked).await?;
                let sent = answer.messages.len();
                tracing::info!(
                    agent.name = name,
                    invocation.id = self.invocation,
                    duration_ms = self.duration_ms(server.clock.now()),
                    asked.method,
                    url,
                    status = answer.status,
                    sent,
                    "answered"
                );
                let logs = if sent == 0 { Vec::new() } else { vec![format!("{sent} sent")] };
                Reply::http(&self.function, answer, logs).map_err(Failure::broken)?
            }
        };
        reply.json().map_err(Failure::broken)
    }

    /// Rests after a message that failed in an outage, within the time of a step: else all its deliveries would be over before the
    /// outage is. Nobody waits for a thread meanwhile. A request is answered at once, and a tick comes again anyway.
    pub async fn rest(&self, failure: &Failure, server: &Server) {
        let is_message = matches!(self.function.trigger, Trigger::Queue(_) | Trigger::Subscription { .. });
        if failure.is_outage && is_message {
            let gone = u64::try_from(self.duration_ms(server.clock.now())).unwrap_or(0);
            tokio::time::sleep(server.rest.min(server.step.saturating_sub(Duration::from_millis(gone)))).await;
        }
    }

    /// How long it has been going on.
    pub fn duration_ms(&self, now: Timestamp) -> i64 {
        now.as_millisecond().saturating_sub(self.began.as_millisecond())
    }

    /// Logs `failure`, unless it is logged already.
    pub fn log(&self, failure: &Failure, now: Timestamp) {
        if !failure.is_logged {
            tracing::error!(
                agent.name = self.function.name,
                invocation.id = self.invocation,
                traceparent = self.traceparent,
                duration_ms = self.duration_ms(now),
                status = failure.status.as_u16(),
                reason = failure.reason,
                "failed"
            );
        }
    }
}

/// `00-<32 hex digits>-<16>-<2>`, in lower case, with ids that are not zero.
fn is_traceparent(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let is_hex =
        |part: &str, length| part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let is_id = |part: &str, length| is_hex(part, length) && part.bytes().any(|byte| byte != b'0');
    matches!(parts[..], ["00", trace, span, flags] if is_id(trace, 32) && is_id(span, 16) && is_hex(flags, 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traceparent_is_taken_as_w3c_writes_it() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert!(is_traceparent(good));
        for bad in [
            "",
            "00",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        ] {
            assert!(!is_traceparent(bad), "{bad}");
        }
    }
}
