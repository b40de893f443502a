//! Log lines for the host: JSON, one a line. It takes whatever is on standard error for an error, so nothing else goes there.

use std::io;
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::writer::MakeWriterExt;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// Starts the log with what `targets` lets through. To be called once; a second time nothing changes.
pub fn start(targets: Targets) {
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        // A host that is gone reads no more. Words about that would go the same way, and panic there.
        .log_internal_errors(false)
        .with_writer(io::stderr.with_max_level(Level::ERROR).or_else(io::stdout));
    // It fails only where a log was started before.
    let _ = tracing_subscriber::registry().with(lines.with_filter(targets)).try_init();
}

/// Panics become one line of the log each, instead of text on standard error.
pub fn catch_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string);
        tracing::error!(panic = panic.payload_as_str().unwrap_or("no words"), location, "panicked");
    }));
}
