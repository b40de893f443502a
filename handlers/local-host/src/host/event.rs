//! What happens in the host, told to whoever listens: a view, a log, a test.

use serde::Serialize;
use tokio::sync::broadcast;

/// Events that a slow listener may be behind before it misses the oldest.
const EVENTS_MAX: usize = 8192;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum HostEvent {
    /// The host listens, and its apps are being started.
    Listening {
        /// Where.
        address: String,
        /// Names of the apps.
        apps: Vec<String>,
    },
    /// A handler's process was started; it does not answer yet.
    HandlerStarted {
        /// Of which app.
        app: String,
        /// The process.
        pid: u32,
        /// Where it has to listen.
        port: u16,
    },
    /// A handler answers.
    HandlerReady {
        /// Of which app.
        app: String,
        /// The process.
        pid: u32,
        /// From its start to its first answer.
        after_ms: u64,
    },
    /// A handler's process ended or could not be started.
    HandlerEnded {
        /// Of which app.
        app: String,
        /// How, and with which last words.
        reason: String,
        /// What is done about it.
        next: String,
    },
    /// A line that a handler wrote.
    Output {
        /// Of which app.
        app: String,
        /// `stdout` or `stderr`.
        stream: &'static str,
        /// Without its end, cut at a limit.
        line: String,
    },
    /// A line that a function put into `Logs`.
    Log {
        /// Of which function.
        function: String,
        /// The line.
        line: String,
    },
    /// A function did its work.
    Invoked {
        /// Which.
        function: String,
        /// The invocation.
        invocation: String,
        /// What began it: a queue, a timer, a request.
        source: String,
        /// Messages that it was given.
        messages: usize,
        /// Messages that it sent.
        sent: usize,
        /// From the call to the answer.
        duration_ms: u64,
    },
    /// A function failed: what it was given comes again, or is lost where nobody sends it again (a request, a timer).
    Failed {
        /// Which.
        function: String,
        /// The invocation.
        invocation: String,
        /// What began it.
        source: String,
        /// How often the message was delivered; 0 where there is none.
        delivery_count: u32,
        /// Why.
        reason: String,
    },
    /// A message became a dead letter: mostly it was delivered in vain too often.
    DeadLettered {
        /// Where it was.
        source: String,
        /// Which.
        message_id: String,
        /// Why: the last failure, where there was one.
        reason: String,
    },
    /// The bus refused something. Nothing is lost: the work is done again.
    BusTrouble {
        /// What was to be done.
        doing: String,
        /// Why it could not be.
        reason: String,
    },
    /// Nothing new is begun.
    Draining {
        /// Invocations that may still end.
        in_flight: usize,
    },
    /// All is over.
    Stopped {
        /// Invocations that were cut off; their messages come again.
        cut_off: usize,
    },
}

/// Where events are told.
#[derive(Debug, Clone)]
pub struct Events(broadcast::Sender<HostEvent>);

impl Default for Events {
    fn default() -> Self {
        Self(broadcast::Sender::new(EVENTS_MAX))
    }
}

impl Events {
    /// Tells `event` to whoever listens.
    pub fn tell(&self, event: HostEvent) {
        match &event {
            HostEvent::Output { app, stream, line } => tracing::info!(app, stream, line, "handler"),
            HostEvent::Log { function, line } => tracing::info!(function, line, "log"),
            HostEvent::HandlerEnded { app, reason, next } => tracing::warn!(app, reason, next, "the handler ended"),
            HostEvent::Failed { function, invocation, source, reason, .. } => {
                tracing::warn!(function, invocation, source, reason, "an invocation failed");
            }
            HostEvent::DeadLettered { source, message_id, reason } => {
                tracing::error!(source, message_id, reason, "dead-lettered");
            }
            HostEvent::BusTrouble { doing, reason } => tracing::error!(doing, reason, "the bus refused"),
            other => tracing::debug!(event = ?other),
        }
        // Nobody has to listen.
        let _ = self.0.send(event);
    }

    /// All events from now on.
    pub fn listen(&self) -> broadcast::Receiver<HostEvent> {
        self.0.subscribe()
    }
}
