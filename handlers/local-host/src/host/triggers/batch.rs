//! Messages in batches, one batch at a time: all of a batch are settled alike, and their locks are not renewed.

use super::Listener;
use super::single::data_type;
use crate::bus::{BusError, Received};
use crate::host::invoke::message;
use futures::future::join_all;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Receives batches, and gives each to the function.
pub async fn listen(listener: Arc<Listener>) {
    loop {
        if !listener.may_receive().await {
            return;
        }
        let Some(work) = listener.drain.begin() else { return };
        match gather(&listener).await {
            Ok(messages) if messages.is_empty() => {
                drop(work);
                listener.rest().await;
            }
            Ok(messages) => handle(&listener, messages).await,
            Err(error) => {
                drop(work);
                listener.trouble("receiving from", &error).await;
            }
        }
    }
}

/// A batch; once it has its first message, as many as it has to have are waited for, but not for ever.
async fn gather(listener: &Listener) -> Result<Vec<Received>, BusError> {
    let options = &listener.invoker.app.host.service_bus;
    let size_max = options.max_message_batch_size.max(1);
    let mut messages = listener.bus.receive(&listener.source, size_max).await?;
    let until = Instant::now() + Duration::from_millis(options.max_batch_wait_ms);
    while !messages.is_empty() && messages.len() < options.min_message_batch_size.min(size_max) {
        let waited = tokio::select! {
            () = listener.rest() => true,
            () = tokio::time::sleep_until(until) => false,
        };
        match listener.bus.receive(&listener.source, size_max - messages.len()).await {
            Ok(more) => messages.extend(more),
            // What is there is worked on; the next receive meets the same trouble, if it lasts.
            Err(_) => break,
        }
        if !waited || listener.drain.is_stopping() {
            break;
        }
    }
    Ok(messages)
}

async fn handle(listener: &Listener, messages: Vec<Received>) {
    let invocation = crate::chance::uuid();
    let payload = message::many(&listener.function.trigger_binding, data_type(&listener.function.trigger), &messages);
    match listener.call(invocation, &payload).await {
        Ok(invoked) => {
            // All at once: they share one commit, and one rest if there is trouble.
            join_all(messages.iter().map(|message| listener.complete(message.lock))).await;
            listener.tell_invoked(invocation, messages.len(), &invoked);
        }
        Err(reason) => {
            let deliveries = messages.iter().map(|message| message.delivery_count).max().unwrap_or_default();
            listener.tell_failed(invocation, deliveries, &reason);
            join_all(messages.iter().map(|message| listener.abandon(message.lock, &reason))).await;
        }
    }
}
