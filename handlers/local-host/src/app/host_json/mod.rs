//! `host.json`, as far as it concerns a custom handler.

mod bundle;
mod handler;
mod read;
#[cfg(test)]
mod tests;

pub(super) use read::read;

use std::path::PathBuf;

/// What `host.json` says, with the host's defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostJson {
    /// How the handler is started.
    pub description: Description,
    /// Whether HTTP functions (exactly one `httpTrigger` in, one `http` out) get the caller's own request, instead of the payload.
    pub forwards_http: bool,
    /// As [`Self::forwards_http`], but streamed (`enableProxyingHttpRequest`).
    pub proxies_http: bool,
    /// Written as the older `httpWorker`: forwards always, to `/<function>` instead of the caller's path.
    pub is_legacy: bool,
    /// First segments of every HTTP route, without slashes at its ends; may be empty. `api` by default.
    pub route_prefix: String,
    /// How long the handler may take until it answers. 30 s by default.
    pub initialization_timeout_ms: u64,
    /// How long one invocation may take; `None` is without a limit (`-1`). 30 min by default.
    pub function_timeout_ms: Option<u64>,
    /// The port that the handler is asked to listen on; `None`: the host chooses a free one.
    pub port: Option<u16>,
    /// How messages are taken.
    pub service_bus: ServiceBusOptions,
    /// Whether the host tells what it does by OpenTelemetry.
    pub open_telemetry: bool,
}

/// How the handler is started (`customHandler.description`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Absolute where the file lies in the app; otherwise as written, to be looked up on the `PATH`.
    pub executable: PathBuf,
    /// Each argument as the handler gets it: the host joins all into one line, which is split again where it has spaces without quotes.
    pub arguments: Vec<String>,
    /// Absolute.
    pub working_directory: PathBuf,
    /// Whether lines on standard error are errors, as they are by default.
    pub stderr_is_errors: bool,
}

/// `extensions.serviceBus`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceBusOptions {
    /// Messages in work at the same time, for each function. 16 for each processor by default.
    pub max_concurrent_calls: usize,
    /// How long the lock of a message is renewed while its function runs (never that of a batch). 5 min by default.
    pub max_auto_lock_renewal_ms: u64,
    /// Messages of one batch at most. 1000 by default.
    pub max_message_batch_size: usize,
    /// Messages that a batch waits for. 1 by default.
    pub min_message_batch_size: usize,
    /// How long a batch waits for them. 30 s by default.
    pub max_batch_wait_ms: u64,
    /// Messages fetched ahead. 0 by default.
    pub prefetch_count: usize,
}
