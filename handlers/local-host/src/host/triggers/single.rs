//! Messages one by one, several at the same time.

use super::Listener;
use super::lock::renewed;
use crate::app::{DataType, Trigger};
use crate::bus::Received;
use crate::host::invoke::message;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Receives as many messages as may be in work, and gives each to the function.
pub async fn listen(listener: Arc<Listener>) {
    let calls = Arc::new(Semaphore::new(listener.invoker.app.host.service_bus.max_concurrent_calls.max(1)));
    loop {
        // Waited for first: it may take as long as a call, and the handler may be gone by then.
        let Ok(first) = Arc::clone(&calls).acquire_owned().await else { return };
        if !listener.may_receive().await {
            return;
        }
        // Begun before anything is received: what is received is always worked on.
        let Some(work) = listener.drain.begin() else { return };
        let free = calls.available_permits();
        let mut permits = vec![first];
        permits.extend((0..free).map_while(|_| Arc::clone(&calls).try_acquire_owned().ok()));
        match listener.bus.receive(&listener.source, permits.len()).await {
            Ok(messages) if messages.is_empty() => {
                drop((permits, work));
                listener.rest().await;
            }
            Ok(messages) => {
                for (message, permit) in messages.into_iter().zip(permits) {
                    let (listener, work) = (Arc::clone(&listener), work.clone());
                    tokio::spawn(async move {
                        handle(&listener, message, permit).await;
                        drop(work);
                    });
                }
            }
            Err(error) => {
                drop((permits, work));
                listener.trouble("receiving from", &error).await;
            }
        }
    }
}

async fn handle(listener: &Listener, message: Received, permit: OwnedSemaphorePermit) {
    let invocation = crate::chance::uuid();
    let payload = message::one(&listener.function.trigger_binding, data_type(&listener.function.trigger), &message);
    let outcome = renewed(listener, &message, listener.call(invocation, &payload)).await;
    match outcome {
        Ok(invoked) => {
            // Where the disk has just taken what was sent, the next call need not wait until this one is settled. Else it does: a disk that
            // takes nothing may show only now.
            let permit = invoked.messages.is_empty().then_some(permit);
            listener.complete(message.lock).await;
            drop(permit);
            listener.tell_invoked(invocation, 1, &invoked);
        }
        Err(reason) => {
            listener.tell_failed(invocation, message.delivery_count, &reason);
            listener.abandon(message.lock, &reason).await;
            drop(permit);
        }
    }
}

/// How a function wants to see bodies.
pub fn data_type(trigger: &Trigger) -> DataType {
    match trigger {
        Trigger::Queue { data_type, .. } | Trigger::Subscription { data_type, .. } => *data_type,
        Trigger::Timer { .. } | Trigger::Http { .. } => DataType::Unset,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::Source;
    use crate::host::scripted::Scripted;
    use serde_json::json;
    use std::time::Duration;

    fn listen(scripted: &Scripted) {
        let listener = Listener {
            invoker: scripted.invoker.clone(),
            function: Arc::new(scripted.app.functions[0].clone()),
            source: Source::Queue("fn".to_owned()),
            bus: scripted.bus.clone(),
            events: scripted.events.clone(),
            drain: scripted.drain.clone(),
        };
        tokio::spawn(listener.listen());
    }

    #[tokio::test]
    async fn while_nothing_can_be_sent_functions_run_now_and_then() {
        let scripted = Scripted::new(json!({ "out": ["y"] })).await;
        scripted.send(5).await;
        scripted.refuse(Some("INSERT"));
        listen(&scripted);
        tokio::time::sleep(Duration::from_millis(700)).await;
        assert_eq!(scripted.calls(), 2, "as many as run at the same time");
        scripted.refuse(None);
        let settled = async {
            while scripted.numbers().await != [0; 3] {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), settled).await.unwrap();
        assert!(scripted.calls() <= 5 + 4, "{}", scripted.calls());
    }

    #[tokio::test]
    async fn while_nothing_can_be_completed_functions_run_now_and_then() {
        let scripted = Scripted::new(json!({})).await;
        scripted.send(5).await;
        scripted.refuse(Some("DELETE"));
        listen(&scripted);
        tokio::time::sleep(Duration::from_millis(700)).await;
        assert_eq!(scripted.calls(), 2, "as many as run at the same time");
    }
}
