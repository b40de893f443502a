//! `suture learning`: how reliable each remedy is, and how far confidence can be believed.

use crate::arguments::{Format, Learning};
use crate::terminal::Terminal;
use crate::{Failure, Outcome, block_on, open, present};
use agents::environment::Environment;
use agents::learned;

/// Prints what was learned, made anew from all outcomes.
pub fn run(arguments: &Learning, terminal: &Terminal) -> Result<Outcome, Failure> {
    let env = Environment::alone(open::store_to_read(arguments.state.as_deref())?);
    let learned = block_on(async { learned::anew(&env).await.map_err(Failure::new) })?;
    let now = env.clock.now();
    match arguments.format {
        Format::Json => terminal.document(&present::json(&present::learning_json(&learned.all, now))?),
        Format::Table => terminal.result(&present::learning(&learned.all, now, terminal.columns())),
    }
    Ok(Outcome::Clean)
}
