//! All agents in one process: messages move between functions by the topology, in memory.

use crate::environment::Environment;
use crate::environment::git::{GitError, Head, LocalRepository};
use crate::error::AgentError;
use crate::functions;
use crate::topology::{Topology, TopologyError};
use pipeline::message::{Envelope, queue, topic};
use pipeline::payload::{Mode, ScanRequested};

/// A message is dead-lettered after this many deliveries, as Service Bus does by default.
pub const DELIVERIES_MAX: u32 = 10;

/// Messages on their way, and those that nobody could handle.
#[derive(Debug)]
pub struct Bus {
    topology: Topology,
    /// Waiting, oldest first.
    pub waiting: Vec<Delivery>,
    /// Given up, with the last reason.
    pub dead_letters: Vec<(Delivery, String)>,
}

/// One message for one function, as bytes: what travels must be readable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// For whom.
    pub function: String,
    /// The message as JSON.
    pub body: Vec<u8>,
    /// How often it was delivered in vain.
    pub count: u32,
}

/// The message of `source` that begins a run on `repository`, at the head of the branch that is checked out.
pub fn request(
    env: &Environment,
    repository: &LocalRepository,
    source: &str,
    mode: Mode,
) -> Result<Envelope, BusError> {
    let Head { branch: base_branch, commit } = repository.head()?;
    let now = env.clock.now();
    let request = ScanRequested { repository: repository.name().clone(), base_branch, commit, mode, is_anew: false };
    Ok(Envelope::root(source, queue::SCAN, topic::SCAN_REQUESTED, &request, env.ids.run(now), now)?)
}

/// The bus itself is at fault: a bug in the topology.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// A message with no way.
    #[error(transparent)]
    Topology(#[from] TopologyError),
    /// The repository that is asked for can't be read.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A message that is not JSON.
    #[error("a message can't be written or read: {0}")]
    Json(#[from] serde_json::Error),
}

impl Bus {
    /// An empty bus on `topology`.
    pub fn new(topology: Topology) -> Self {
        Self { topology, waiting: Vec::new(), dead_letters: Vec::new() }
    }

    /// Sends `message` to whoever hears it. `sender` is `None` for what comes from outside.
    pub fn send(&mut self, sender: Option<&str>, message: &Envelope) -> Result<(), BusError> {
        let body = serde_json::to_vec(message)?;
        for function in self.topology.consumers(sender, message)? {
            self.waiting.push(Delivery { function: function.to_owned(), body: body.clone(), count: 0 });
        }
        Ok(())
    }

    /// Delivers the message at `index` and sends what it leads to. It stays when the function is broken, until it is
    /// dead-lettered. Returns the error of a broken function.
    pub async fn deliver(&mut self, index: usize, env: &Environment) -> Result<Option<AgentError>, BusError> {
        let Some(delivery) = self.waiting.get(index).cloned() else { return Ok(None) };
        let message: Envelope = serde_json::from_slice(&delivery.body)?;
        match functions::handle(env, &delivery.function, message).await {
            Ok(messages) => {
                for message in &messages {
                    self.send(Some(&delivery.function), message)?;
                }
                self.waiting.remove(index);
                Ok(None)
            }
            Err(error) => {
                let mut delivery = self.waiting.remove(index);
                delivery.count += 1;
                if delivery.count >= DELIVERIES_MAX {
                    self.dead_letters.push((delivery, error.to_string()));
                } else {
                    self.waiting.push(delivery);
                }
                Ok(Some(error))
            }
        }
    }

    /// Delivers until nothing waits. `watch` sees each message before it is delivered.
    pub async fn settle(&mut self, env: &Environment, mut watch: impl FnMut(&Delivery)) -> Result<(), BusError> {
        while let Some(delivery) = self.waiting.first() {
            watch(delivery);
            if let Some(error) = self.deliver(0, env).await? {
                tracing::error!(%error, "a function is broken");
            }
        }
        Ok(())
    }
}
