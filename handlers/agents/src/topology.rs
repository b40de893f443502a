//! The topology as `functions/*/function.json` writes it: which function hears what, and where it may send.

mod function_json;

use function_json::parse_function;
use pipeline::message::{AGENT_EVENTS, Envelope};

/// The functions of the app, as the host will read them.
pub const FUNCTIONS: [(&str, &str); 10] = [
    ("analyze", include_str!("../../../functions/analyze/function.json")),
    ("github-webhook", include_str!("../../../functions/github-webhook/function.json")),
    ("health", include_str!("../../../functions/health/function.json")),
    ("monitor", include_str!("../../../functions/monitor/function.json")),
    ("notify", include_str!("../../../functions/notify/function.json")),
    ("poison", include_str!("../../../functions/poison/function.json")),
    ("remediate", include_str!("../../../functions/remediate/function.json")),
    ("scan", include_str!("../../../functions/scan/function.json")),
    ("sweep", include_str!("../../../functions/sweep/function.json")),
    ("verify", include_str!("../../../functions/verify/function.json")),
];

/// What starts a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// Messages of a queue.
    Queue(String),
    /// Messages of a topic, by a subscription.
    Subscription {
        /// The topic.
        topic: String,
        /// The subscription.
        subscription: String,
    },
    /// Time, by an NCRONTAB expression.
    Timer(String),
    /// Requests on a route, below the prefix that `host.json` sets.
    Http(String),
}

/// Where a function may send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// A queue.
    Queue(String),
    /// A topic.
    Topic(String),
    /// The answer to the request that started it.
    Http,
}

/// How the host hands over what started a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Name of the trigger's binding.
    pub name: String,
    /// Whether messages come as their bytes. Otherwise as text, which lets a body overwrite what the broker says of it.
    pub is_binary: bool,
    /// Whether many messages come at once.
    pub is_batch: bool,
}

/// One function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Name of its folder.
    pub name: String,
    /// What starts it.
    pub trigger: Trigger,
    /// How that is handed over.
    pub input: Input,
    /// Where it may send, by the name of the binding.
    pub outputs: Vec<(String, Output)>,
}

/// All functions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    /// In the order in which they were read.
    pub functions: Vec<Function>,
}

/// A topology that can't work, or a message that has no way in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopologyError {
    /// `function.json` is not what the host takes.
    #[error("functions/{function}/function.json: {reason}")]
    Function {
        /// Which function.
        function: String,
        /// What is wrong.
        reason: String,
    },
    /// A function sent where none of its bindings leads.
    #[error("{function} sent {topic} to {to}, but functions/{function}/function.json has no such output")]
    NoOutput {
        /// The sender.
        function: String,
        /// The message.
        topic: String,
        /// Queue or topic.
        to: String,
    },
}

impl Topology {
    /// The topology that is built in.
    pub fn built_in() -> Result<Self, TopologyError> {
        Self::parse(FUNCTIONS)
    }

    /// The topology of these functions: name and text of `function.json` each.
    pub fn parse<N: AsRef<str>, J: AsRef<str>>(
        functions: impl IntoIterator<Item = (N, J)>,
    ) -> Result<Self, TopologyError> {
        let functions = functions
            .into_iter()
            .map(|(name, json)| parse_function(name.as_ref(), json.as_ref()))
            .collect::<Result<_, _>>()?;
        Ok(Self { functions })
    }

    /// Names of the functions that hear `message` when `sender` sends it. `sender` is `None` for what comes from outside.
    pub fn consumers(&self, sender: Option<&str>, message: &Envelope) -> Result<Vec<&str>, TopologyError> {
        let output = way(message);
        if let Some(sender) = sender {
            let may = self.functions.iter().any(|function| {
                function.name == sender && function.outputs.iter().any(|(_, declared)| *declared == output)
            });
            if !may {
                return Err(no_output(sender, message));
            }
        }
        let hears = |trigger: &Trigger| match (trigger, &output) {
            (Trigger::Queue(heard), Output::Queue(sent)) => heard == sent,
            (Trigger::Subscription { topic, .. }, Output::Topic(sent)) => topic == sent,
            _ => false,
        };
        Ok(self
            .functions
            .iter()
            .filter(|function| hears(&function.trigger))
            .map(|function| function.name.as_str())
            .collect())
    }
}

impl Function {
    /// Name of the binding that `message` leaves by.
    pub fn binding_of(&self, message: &Envelope) -> Result<&str, TopologyError> {
        let output = way(message);
        let binding = self.outputs.iter().find(|(_, declared)| *declared == output);
        binding.map(|(name, _)| name.as_str()).ok_or_else(|| no_output(&self.name, message))
    }
}

/// Where `message` is to go.
fn way(message: &Envelope) -> Output {
    match &message.target {
        Some(queue) => Output::Queue(queue.clone()),
        None => Output::Topic(AGENT_EVENTS.to_owned()),
    }
}

fn no_output(sender: &str, message: &Envelope) -> TopologyError {
    let to = message.target.clone().unwrap_or_else(|| AGENT_EVENTS.to_owned());
    TopologyError::NoOutput { function: sender.to_owned(), topic: message.topic.clone(), to }
}
