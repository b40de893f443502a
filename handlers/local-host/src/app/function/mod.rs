//! `function.json`: one trigger, and where its outputs go.

mod binding;
mod read;
mod retry;
#[cfg(test)]
mod tests;
mod trigger;

pub(super) use read::read;
pub use retry::{Retry, RetryDelay};

use super::ncrontab::Schedule;

/// A function of an app.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    /// Name of its folder, and last segment of the path at the handler.
    pub name: String,
    /// What makes it run.
    pub trigger: Trigger,
    /// Name of the trigger's binding: the key of its value in `Data`.
    pub trigger_binding: String,
    /// Where its results go, in the order of the file.
    pub outputs: Vec<OutputBinding>,
    /// How often the host itself calls again after a failure, before the trigger's own rule.
    pub retry: Option<Retry>,
}

/// What makes a function run.
#[derive(Debug, Clone, PartialEq)]
pub enum Trigger {
    /// Messages of a queue.
    Queue {
        /// Its name.
        queue: String,
        /// Whether it is called for many messages at once (`cardinality` many).
        batch: bool,
        /// How a body is shown to the function.
        data_type: DataType,
    },
    /// Messages of a topic's subscription.
    Subscription {
        /// Name of the topic.
        topic: String,
        /// Name of the subscription.
        subscription: String,
        /// Whether it is called for many messages at once (`cardinality` many).
        batch: bool,
        /// How a body is shown to the function.
        data_type: DataType,
    },
    /// Moments.
    Timer {
        /// Which moments.
        schedule: Schedule,
        /// Also when the host starts.
        run_on_startup: bool,
        /// Whether a moment that passed while no host ran is made up for.
        use_monitor: bool,
    },
    /// Requests.
    Http {
        /// Which methods; empty means all.
        methods: Vec<Method>,
        /// Below the route prefix: `cases/{id:int?}`. The name of the function, where none is written.
        route: String,
        /// Which key is asked for.
        auth_level: AuthLevel,
    },
}

/// How the body of a message is shown to a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataType {
    /// Nothing is written: as text, whose JSON also shadows the metadata.
    Unset,
    /// As text.
    String,
    /// Byte for byte, in base64.
    Binary,
    /// As a stream.
    Stream,
}

/// Methods that an HTTP trigger may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "they are the names")]
pub enum Method {
    Get,
    Post,
    Delete,
    Head,
    Patch,
    Put,
    Options,
    Trace,
    Connect,
}

impl Method {
    const ALL: [Self; 9] = [
        Self::Get,
        Self::Post,
        Self::Delete,
        Self::Head,
        Self::Patch,
        Self::Put,
        Self::Options,
        Self::Trace,
        Self::Connect,
    ];

    /// As a request writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
            Self::Head => "HEAD",
            Self::Patch => "PATCH",
            Self::Put => "PUT",
            Self::Options => "OPTIONS",
            Self::Trace => "TRACE",
            Self::Connect => "CONNECT",
        }
    }
}

/// Which key a caller has to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthLevel {
    /// None.
    Anonymous,
    /// The function's, a host key, or the master key. The default.
    Function,
    /// The master key.
    Admin,
}

/// An output of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputBinding {
    /// The key in `Outputs`; `$return` for the return value.
    pub name: String,
    /// Where it goes.
    pub kind: Output,
    /// Whether the output is bytes rather than text.
    pub data_type: DataType,
}

/// Where an output goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// To a queue.
    Queue(String),
    /// To a topic.
    Topic(String),
    /// Back to the caller.
    Http,
}
