//! `suture kill-switch`: stops every fix anywhere, and lets them go on.

use crate::arguments::{KillSwitch, KillSwitchCommand};
use crate::terminal::Terminal;
use crate::{Failure, Outcome, block_on, open};
use agents::environment::Environment;
use agents::kill_switch;
use pipeline::wording::plain;

/// Throws it, takes it back, or tells how it stands.
pub fn run(arguments: &KillSwitch, terminal: &Terminal) -> Result<Outcome, Failure> {
    let env = Environment::alone(open::store(arguments.state.as_deref())?);
    block_on(async {
        match &arguments.command {
            KillSwitchCommand::On { by, reason } => set(&env, true, by, reason).await?,
            KillSwitchCommand::Off { by, reason } => set(&env, false, by, reason).await?,
            KillSwitchCommand::Show => {}
        }
        let switch = kill_switch::read(&env).await.map_err(Failure::new)?;
        let is_on = switch.as_ref().is_some_and(|switch| switch.is_on);
        let by = switch.map_or_else(String::new, |switch| {
            format!(", by {} at {}: {}", plain(&switch.by), switch.at, plain(&switch.reason))
        });
        terminal.result(&format!("the kill switch is {}{by}\n", if is_on { "on" } else { "off" }));
        let is_asked = matches!(arguments.command, KillSwitchCommand::Show);
        Ok(if is_asked && is_on { Outcome::Left } else { Outcome::Clean })
    })
}

async fn set(env: &Environment, is_on: bool, by: &str, reason: &str) -> Result<(), Failure> {
    kill_switch::set(env, is_on, by, reason).await.map_err(Failure::new)
}
