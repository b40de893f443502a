//! What makes functions run: messages and moments. Requests are in `front`.

mod batch;
mod lock;
mod single;
mod timer;

pub use timer::Timer;

use super::drain::Drain;
use super::event::{Events, HostEvent};
use super::invoke::{InvokeError, Invoked, Invoker, Payload};
use super::process::Standing;
use crate::app::{Function, Trigger};
use crate::bus::{Bus, BusError, LockToken, Source};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Rest after the bus refused something, before it is asked again.
const TROUBLE_REST: Duration = Duration::from_secs(1);

/// Without any word of the bus, it is asked again after this long.
const ARRIVAL_WAIT: Duration = Duration::from_secs(5);

/// How long the end of a process may take to be noticed, after a call to it failed.
const NOTICE_WAIT: Duration = Duration::from_secs(1);

/// Hears messages of one source for one function.
#[derive(Debug, Clone)]
pub struct Listener {
    /// Calls the function.
    pub invoker: Invoker,
    /// The function.
    pub function: Arc<Function>,
    /// Where its messages are.
    pub source: Source,
    /// The bus.
    pub bus: Bus,
    /// Hears of it.
    pub events: Events,
    /// Whether anything new may begin.
    pub drain: Drain,
}

impl Listener {
    /// Listens until the host stops.
    pub async fn listen(self) {
        let is_batch = matches!(
            self.function.trigger,
            Trigger::Queue { batch: true, .. } | Trigger::Subscription { batch: true, .. }
        );
        let listener = Arc::new(self);
        if is_batch { batch::listen(listener).await } else { single::listen(listener).await }
    }

    /// Waits until the handler answers, so that no delivery is spent on one that does not. `false`: the host stops.
    async fn may_receive(&self) -> bool {
        let mut standing = self.invoker.process.standing();
        tokio::select! {
            ready = standing.wait_for(|standing| matches!(standing, Standing::Ready(_))) => ready.is_ok(),
            () = self.drain.stopped() => false,
        }
    }

    /// Waits until there may be messages, or the host stops.
    async fn rest(&self) {
        tokio::select! {
            () = self.bus.arrived(&self.source) => {}
            () = self.drain.stopped() => {}
            () = tokio::time::sleep(ARRIVAL_WAIT) => {}
        }
    }

    async fn trouble(&self, doing: &str, error: &BusError) {
        self.tell_trouble(doing, error);
        tokio::time::sleep(TROUBLE_REST).await;
    }

    fn tell_trouble(&self, doing: &str, error: &BusError) {
        self.events
            .tell(HostEvent::BusTrouble { doing: format!("{doing} {}", self.source), reason: error.to_string() });
    }

    /// Calls the function and sends what it answered. An error is why not, in words.
    async fn call(&self, invocation: Uuid, payload: &Payload) -> Result<Invoked, String> {
        let invoked = match self.invoker.invoke(&self.function, invocation, payload).await {
            Ok(invoked) => invoked,
            Err(error) => {
                if let InvokeError::Unreachable { generation, .. } = error {
                    self.notice(generation).await;
                }
                return Err(error.to_string());
            }
        };
        // Sent before the message is completed: should we die in between, both come again.
        if !invoked.messages.is_empty()
            && let Err(error) = self.bus.send(invoked.messages.clone()).await
        {
            match error {
                // It is the function's own.
                BusError::UnknownEntity { .. } | BusError::TooLarge { .. } | BusError::OutOfRange(..) => {}
                // Its message comes again at once, and would be done in vain just as often as it may.
                _ => tokio::time::sleep(TROUBLE_REST).await,
            }
            return Err(format!("its messages can't be sent: {error}"));
        }
        Ok(invoked)
    }

    /// A process that died is seen to be dead only a moment later. Until then messages would be delivered in vain at once, over and over.
    async fn notice(&self, generation: u64) {
        let mut standing = self.invoker.process.standing();
        let is_other = |standing: &Standing| !matches!(standing, Standing::Ready(now) if now.generation == generation);
        let _ = tokio::time::timeout(NOTICE_WAIT, standing.wait_for(is_other)).await;
    }

    async fn complete(&self, lock: LockToken) {
        match self.bus.complete(lock).await {
            Ok(()) => {}
            // It comes again; what is wrong is not the disk.
            Err(error @ BusError::LockLost(_)) => self.tell_trouble("completing a message of", &error),
            Err(error) => self.trouble("completing a message of", &error).await,
        }
    }

    async fn abandon(&self, lock: LockToken, reason: &str) {
        match self.bus.abandon_because(lock, reason).await {
            // It comes again by itself.
            Ok(()) | Err(BusError::LockLost(_)) => {}
            Err(error) => self.trouble("giving back a message of", &error).await,
        }
    }

    fn tell_invoked(&self, invocation: Uuid, messages: usize, invoked: &Invoked) {
        self.events.tell(HostEvent::Invoked {
            function: self.function.name.clone(),
            invocation: invocation.to_string(),
            source: self.source.to_string(),
            messages,
            sent: invoked.messages.len(),
            duration_ms: invoked.duration_ms,
        });
    }

    fn tell_failed(&self, invocation: Uuid, delivery_count: u32, reason: &str) {
        self.events.tell(HostEvent::Failed {
            function: self.function.name.clone(),
            invocation: invocation.to_string(),
            source: self.source.to_string(),
            delivery_count,
            reason: reason.to_owned(),
        });
    }
}
