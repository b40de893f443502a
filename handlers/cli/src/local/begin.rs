//! The runs that begin with the host.

use crate::Failure;
use crate::arguments::AdvisoryChoice;
use crate::open::{self, Wanted};
use crate::terminal::Terminal;
use agents::environment::effects::Effects;
use agents::environment::git::LocalRepository;
use agents::in_process;
use local_host::bus::{Destination, Outgoing};
use local_host::host::Host;
use pipeline::message::queue;
use pipeline::payload::Mode;
use std::path::PathBuf;

/// The repositories at `paths`. A path that is none is told before anything is started.
pub fn repositories(paths: &[PathBuf]) -> Result<Vec<LocalRepository>, Failure> {
    paths.iter().map(|path| LocalRepository::discover(path, Effects::default()).map_err(Failure::new)).collect()
}

/// Asks for the head of each repository to be healed.
pub async fn begin(host: &Host, repositories: Vec<LocalRepository>, terminal: &Terminal) -> Result<(), Failure> {
    let mut messages = Vec::new();
    for repository in repositories {
        let nobody = AdvisoryChoice { advisories: Some("starter".into()), offline: true };
        let env = open::environment(Wanted {
            advisories: &nobody,
            known: None,
            policy: None,
            repository: None,
            store: None,
            terminal,
        })?;
        let request = in_process::request(&env, &repository, "local", Mode::Heal).map_err(Failure::new)?;
        let body = serde_json::to_vec(&request).map_err(Failure::new)?;
        messages.push((Destination::Queue(queue::SCAN.to_owned()), Outgoing::new(body)));
    }
    host.bus().send(messages).await.map_err(Failure::new)
}
