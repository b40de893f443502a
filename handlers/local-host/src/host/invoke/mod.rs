//! Invocations: a function is called over HTTP, and its answer is read.

pub mod message;
mod outputs;
mod payload;
mod reply;
mod retry;
mod value;

pub use payload::Payload;
pub use reply::{Reply, text};
pub use value::Value;

use super::event::{Events, HostEvent};
use super::process::{Endpoint, Process, Standing, address};
use crate::app::{App, Function};
use crate::bus::{Destination, Outgoing};
use agents::environment::clock::Clock;
use futures::TryStreamExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// What the host calls itself.
pub const HOST_VERSION: &str = "4.0.0";

/// Longer answers are a failure.
pub const ANSWER_BYTES_MAX: usize = 64 << 20;

/// The HTTP client waits this much longer than a function may take, as that of the functions host.
const CLIENT_BEYOND: Duration = Duration::from_secs(60);

/// Calls the functions of one app.
#[derive(Debug, Clone)]
pub struct Invoker {
    /// The app.
    pub app: Arc<App>,
    /// Its handler.
    pub process: Process,
    /// Hears of lines for the log.
    pub events: Events,
    /// What time it is.
    pub clock: Clock,
}

/// An invocation that succeeded.
#[derive(Debug, Clone, PartialEq)]
pub struct Invoked {
    /// What was answered.
    pub reply: Reply,
    /// What is to be sent.
    pub messages: Vec<(Destination, Outgoing)>,
    /// How long it took.
    pub duration_ms: u64,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvokeError {
    /// The handler never became ready.
    #[error("the handler was not ready within {waited_ms} ms")]
    NotReady {
        /// How long was waited.
        waited_ms: u64,
    },
    /// The handler ended by its own wish.
    #[error("the handler ended with exit code 0, and is not started again; start the host again")]
    Left,
    /// The connection failed: mostly because the process died.
    #[error("the handler can't be reached: {reason}")]
    Unreachable {
        /// Which of the app's processes it was.
        generation: u64,
        /// What the connection says.
        reason: String,
    },
    /// The function took too long; its process is replaced.
    #[error("Timeout value of {after_ms} ms was exceeded by function: {function}; the handler is restarted")]
    TimedOut {
        /// Which.
        function: String,
        /// `functionTimeout`.
        after_ms: u64,
    },
    /// The host does not take the answer.
    #[error("{0}")]
    Answer(String),
}

impl Invoker {
    /// Calls `function` with `payload`, and again as often as its own policy says.
    pub async fn invoke(
        &self,
        function: &Function,
        invocation: Uuid,
        payload: &Payload,
    ) -> Result<Invoked, InvokeError> {
        let Some(policy) = &function.retry else { return self.call(function, invocation, payload).await };
        let (mut retries, mut reason) = (0, None);
        loop {
            let mut payload = payload.clone();
            payload.metadata.set("RetryContext", retry::context(policy, retries, reason.as_deref()));
            let error = match self.call(function, invocation, &payload).await {
                Ok(invoked) => return Ok(invoked),
                Err(error) => error,
            };
            let Some(delay) = retry::delay(policy, retries) else { return Err(error) };
            tokio::time::sleep(delay).await;
            retries += 1;
            reason = Some(error.to_string());
        }
    }

    /// One call. Waits for the handler to be ready, as long as the functions host would.
    async fn call(&self, function: &Function, invocation: Uuid, payload: &Payload) -> Result<Invoked, InvokeError> {
        let endpoint = self.ready().await?;
        let body = payload.encode(&function.name, self.clock.now(), crate::chance::uuid()).to_string();
        let begun = Instant::now();
        let mut request = endpoint
            .client
            .post(address(endpoint.port, &function.name))
            .header("Content-Type", "application/json; charset=utf-8")
            .header("X-Azure-Functions-HostVersion", HOST_VERSION)
            .header("X-Azure-Functions-InvocationId", invocation.to_string())
            .header("User-Agent", format!("Azure-Functions-Host/{HOST_VERSION}"))
            .body(body);
        if let Some(limit) = self.limit() {
            request = request.timeout(limit + CLIENT_BEYOND);
        }
        let answer = self.within(&endpoint, function, answer(&endpoint, request)).await?;
        let (status, content_type, answer) = answer?;
        endpoint.has_worked();
        let reply = reply::read(status, content_type.as_deref(), &answer).map_err(InvokeError::Answer)?;
        for line in &reply.logs {
            self.events.tell(HostEvent::Log { function: function.name.clone(), line: line.clone() });
        }
        let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(Invoked { messages: outputs::messages(function, &reply), reply, duration_ms })
    }

    /// The handler, once it is ready.
    pub async fn ready(&self) -> Result<Endpoint, InvokeError> {
        // The functions host waits for three restarts more.
        let waited_ms = self.app.host.initialization_timeout_ms.saturating_mul(4);
        let mut standing = self.process.standing();
        let settled = standing.wait_for(|standing| !matches!(standing, Standing::Starting));
        let Ok(Ok(settled)) = tokio::time::timeout(Duration::from_millis(waited_ms), settled).await else {
            return Err(InvokeError::NotReady { waited_ms });
        };
        match &*settled {
            Standing::Ready(endpoint) => Ok(endpoint.clone()),
            Standing::Starting => Err(InvokeError::NotReady { waited_ms }),
            Standing::Left => Err(InvokeError::Left),
        }
    }

    /// Lets `work` of `function` take as long as it may. Then the process is replaced, and everything in flight in it fails.
    pub async fn within<T>(
        &self,
        endpoint: &Endpoint,
        function: &Function,
        work: impl Future<Output = T>,
    ) -> Result<T, InvokeError> {
        let Some(limit) = self.limit() else { return Ok(work.await) };
        tokio::time::timeout(limit, work).await.map_err(|_| {
            self.process.replace(endpoint.generation);
            InvokeError::TimedOut {
                function: function.name.clone(),
                after_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
            }
        })
    }

    fn limit(&self) -> Option<Duration> {
        self.app.host.function_timeout_ms.map(Duration::from_millis)
    }
}

/// Sends `request`: status, content type and body of the answer.
async fn answer(
    endpoint: &Endpoint,
    request: reqwest::RequestBuilder,
) -> Result<(u16, Option<String>, Vec<u8>), InvokeError> {
    let response = request.send().await.map_err(|error| unreachable(endpoint, &error))?;
    let status = response.status().as_u16();
    let content_type = response.headers().get("content-type").and_then(|value| value.to_str().ok()).map(str::to_owned);
    Ok((status, content_type, body(endpoint, response).await?))
}

/// The body of an answer, up to the limit.
pub async fn body(endpoint: &Endpoint, response: reqwest::Response) -> Result<Vec<u8>, InvokeError> {
    let mut stream = response.bytes_stream();
    let mut body = Vec::new();
    while let Some(part) = stream.try_next().await.map_err(|error| unreachable(endpoint, &error))? {
        if body.len() + part.len() > ANSWER_BYTES_MAX {
            return Err(InvokeError::Answer(format!("the answer has more than {ANSWER_BYTES_MAX} bytes")));
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

/// A failure with its causes: reqwest's own words stop at "error sending request".
pub fn unreachable(endpoint: &Endpoint, error: &reqwest::Error) -> InvokeError {
    let mut reason = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        reason.push_str(&format!(": {error}"));
        cause = error.source();
    }
    InvokeError::Unreachable { generation: endpoint.generation, reason }
}
