//! Reads `host.json`.

use super::{HostJson, ServiceBusOptions, bundle, handler};
use crate::app::json::Node;
use crate::app::settings::Known;
use crate::app::time_span::TimeSpan;
use std::path::Path;

const ROUTE_PREFIX: &str = "api";
const FUNCTION_TIMEOUT_MS: u64 = 30 * 60 * 1_000;
/// Less is refused by the host.
const FUNCTION_TIMEOUT_MS_MIN: i64 = 1_000;
const CALLS_PER_PROCESSOR: usize = 16;
/// More than anybody has, and what still fits everywhere.
const COUNT_MAX: i64 = 1_000_000;

/// What is known of `extensions.serviceBus`; anything else is a slip of the pen that the host passes over.
const SERVICE_BUS_OPTIONS: [&str; 14] = [
    "autoCompleteMessages",
    "clientRetryOptions",
    "enableCrossEntityTransactions",
    "maxAutoLockRenewalDuration",
    "maxBatchWaitTime",
    "maxConcurrentCalls",
    "maxConcurrentCallsPerSession",
    "maxConcurrentSessions",
    "maxMessageBatchSize",
    "minMessageBatchSize",
    "prefetchCount",
    "sessionIdleTimeout",
    "transportType",
    "webProxy",
];

/// Reads the file; `None` where it does not say how to start a handler.
pub fn read(root: &Path, host_json: &Node<'_>, settings: Known<'_>) -> Option<HostJson> {
    version(host_json);
    if let Some(retry) = host_json.get("retry") {
        retry.fault(
            "retries for the whole app would run in the host while it holds the lock of a message",
            "Take it out: Service Bus delivers again by itself",
        );
    }
    bundle::check(host_json);
    let open_telemetry = telemetry(host_json);
    let function_timeout_ms = function_timeout(host_json);
    let extensions = host_json.get("extensions");
    let extension = |name: &str| extensions.as_ref().and_then(|extensions| extensions.get(name));
    let route_prefix = extension("http").and_then(|http| http.get("routePrefix")).and_then(|prefix| prefix.text());
    let route_prefix = route_prefix.unwrap_or(ROUTE_PREFIX).trim_matches('/').to_owned();
    let service_bus = service_bus(extension("serviceBus").as_ref());
    let handler = handler::read(root, host_json, settings)?;
    Some(HostJson {
        description: handler.description,
        forwards_http: handler.forwards_http,
        proxies_http: handler.proxies_http,
        is_legacy: handler.is_legacy,
        route_prefix,
        initialization_timeout_ms: handler.initialization_timeout_ms,
        function_timeout_ms,
        port: handler.port,
        service_bus,
        open_telemetry,
    })
}

fn version(host_json: &Node<'_>) {
    let remedy = "Write \"version\": \"2.0\", the version of the file's form";
    match host_json.get_exactly("version") {
        None => host_json.fault("has no version", remedy),
        Some(version) => {
            if version.text().is_some_and(|text| text != "2.0") {
                version.fault("is not \"2.0\"", remedy);
            }
        }
    }
}

fn telemetry(host_json: &Node<'_>) -> bool {
    let Some(mode) = host_json.get("telemetryMode") else { return false };
    match mode.text() {
        Some(text) if text.eq_ignore_ascii_case("OpenTelemetry") => true,
        Some(text) if text.eq_ignore_ascii_case("ApplicationInsights") => false,
        Some(text) => {
            mode.fault(format!("\"{text}\" is no mode"), "Write \"OpenTelemetry\" or \"ApplicationInsights\"");
            false
        }
        None => false,
    }
}

/// `None` is without a limit.
fn function_timeout(host_json: &Node<'_>) -> Option<u64> {
    let Some((span, node)) = host_json.time_span("functionTimeout") else { return Some(FUNCTION_TIMEOUT_MS) };
    if span == TimeSpan::MINUS_ONE {
        return None;
    }
    if span.ms < FUNCTION_TIMEOUT_MS_MIN {
        node.fault("is below one second", "Write at least \"00:00:01\", or \"-1\" for none");
    }
    Some(u64::try_from(span.ms).unwrap_or(FUNCTION_TIMEOUT_MS))
}

fn service_bus(options: Option<&Node<'_>>) -> ServiceBusOptions {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut read = ServiceBusOptions {
        max_concurrent_calls: CALLS_PER_PROCESSOR * processors,
        max_auto_lock_renewal_ms: 5 * 60 * 1_000,
        max_message_batch_size: 1_000,
        min_message_batch_size: 1,
        max_batch_wait_ms: 30_000,
        prefetch_count: 0,
    };
    let Some(options) = options else { return read };
    for (name, option) in options.members() {
        if !SERVICE_BUS_OPTIONS.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            option.warning("is no option of Service Bus, and changes nothing", "Correct its name, or take it out");
        }
    }
    let count = |name: &str, min: i64, default: usize| {
        options.number(name, min, COUNT_MAX).and_then(|count| usize::try_from(count).ok()).unwrap_or(default)
    };
    let span = |name: &str, default: u64| match options.time_span(name) {
        Some((span, node)) => u64::try_from(span.ms).unwrap_or_else(|_| {
            node.fault("is negative", "Write a span of time that is not");
            default
        }),
        None => default,
    };
    read.max_concurrent_calls = count("maxConcurrentCalls", 1, read.max_concurrent_calls);
    read.max_message_batch_size = count("maxMessageBatchSize", 1, read.max_message_batch_size);
    read.min_message_batch_size = count("minMessageBatchSize", 1, read.min_message_batch_size);
    read.prefetch_count = count("prefetchCount", 0, read.prefetch_count);
    read.max_auto_lock_renewal_ms = span("maxAutoLockRenewalDuration", read.max_auto_lock_renewal_ms);
    read.max_batch_wait_ms = span("maxBatchWaitTime", read.max_batch_wait_ms);
    if !options.flag("autoCompleteMessages", true) {
        options.fault(
            "autoCompleteMessages is false, but a custom handler can't complete messages: each would come again until it is a dead letter",
            "Take it out: the host completes a message when its function succeeded",
        );
    }
    if read.min_message_batch_size > read.max_message_batch_size {
        options.fault("minMessageBatchSize is above maxMessageBatchSize", "Lower the one or raise the other");
    }
    if options
        .get("transportType")
        .and_then(|kind| kind.text_if_any())
        .is_some_and(|kind| !kind.eq_ignore_ascii_case("amqpTcp") && !kind.eq_ignore_ascii_case("amqpWebSockets"))
    {
        options.fault("transportType is neither amqpTcp nor amqpWebSockets", "Write one of them, or take it out");
    }
    read
}
