//! The topology as `functions/*/function.json` writes it: which function hears what, and where it may send.

use pipeline::message::Envelope;
use serde::Deserialize;

/// The functions of the app, as the host will read them.
pub const FUNCTIONS: [(&str, &str); 8] = [
    ("analyze", include_str!("../../../functions/analyze/function.json")),
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
}

/// Where a function may send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// A queue.
    Queue(String),
    /// A topic.
    Topic(String),
}

/// One function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Name of its folder.
    pub name: String,
    /// What starts it.
    pub trigger: Trigger,
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

#[derive(Deserialize)]
struct FunctionJson {
    bindings: Vec<Binding>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Binding {
    #[serde(rename = "type")]
    binding_type: String,
    name: String,
    queue_name: Option<String>,
    topic_name: Option<String>,
    subscription_name: Option<String>,
    schedule: Option<String>,
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
        let output = match &message.target {
            Some(queue) => Output::Queue(queue.clone()),
            None => Output::Topic(pipeline::message::AGENT_EVENTS.to_owned()),
        };
        if let Some(sender) = sender {
            let may = self.functions.iter().any(|function| {
                function.name == sender && function.outputs.iter().any(|(_, declared)| *declared == output)
            });
            if !may {
                let (Output::Queue(to) | Output::Topic(to)) = output;
                return Err(TopologyError::NoOutput { function: sender.to_owned(), topic: message.topic.clone(), to });
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

fn parse_function(name: &str, json: &str) -> Result<Function, TopologyError> {
    let error = |reason: String| TopologyError::Function { function: name.to_owned(), reason };
    let parsed: FunctionJson = serde_json::from_str(json).map_err(|json| error(json.to_string()))?;
    let mut trigger = None;
    let mut outputs = Vec::new();
    for binding in parsed.bindings {
        match (
            binding.binding_type.as_str(),
            binding.queue_name,
            binding.topic_name,
            binding.subscription_name,
            binding.schedule,
        ) {
            ("serviceBusTrigger", Some(queue), None, None, _) => trigger = Some(Trigger::Queue(queue)),
            ("serviceBusTrigger", None, Some(topic), Some(subscription), _) => {
                trigger = Some(Trigger::Subscription { topic, subscription });
            }
            ("timerTrigger", _, _, _, Some(schedule)) => trigger = Some(Trigger::Timer(schedule)),
            ("serviceBus", Some(queue), None, None, _) => outputs.push((binding.name, Output::Queue(queue))),
            ("serviceBus", None, Some(topic), None, _) => outputs.push((binding.name, Output::Topic(topic))),
            (other, ..) => {
                return Err(error(format!("binding `{}` of type `{other}` is not one that is known", binding.name)));
            }
        }
    }
    let trigger = trigger.ok_or_else(|| error("it has no trigger".to_owned()))?;
    Ok(Function { name: name.to_owned(), trigger, outputs })
}
