//! Every inventory is held against the advisories of today once in six hours: an hour's share of them each hour.

use super::{asked, look};
use crate::environment::Environment;
use crate::error::AgentError;
use crate::inventory;
use pipeline::message::{Envelope, RunId, queue, topic};
use pipeline::payload::MatchRequested;

/// How often an inventory is looked at, in hours.
const PERIOD_HOURS: i64 = 6;

/// Where it is noted that an hour's share is done.
const DONE: &str = "matching";

/// What of this hour's share is not done yet. Asked for until it is, with the same ids.
pub(super) async fn ask(env: &Environment) -> Result<Vec<Envelope>, AgentError> {
    let now = env.clock.now();
    let Some(look) = look::due(env, DONE, 3600).await? else { return Ok(Vec::new()) };
    let mut questions = Vec::new();
    for name in inventory::names(&env.store).await?.into_iter().filter(|name| is_of(name, look.number)) {
        let request = MatchRequested { inventory: name.clone() };
        let run = RunId::about(look.begun, &name);
        let question = Envelope::root("sweep", queue::SCAN, topic::MATCH_REQUESTED, &request, run, now)?;
        questions.push(question);
    }
    let left = asked::left(env, DONE, questions).await?;
    if left.is_nothing {
        look::taken(env, DONE, &look).await?;
    }
    Ok(left.messages)
}

/// Whether the inventory `name`, a hash in hex, is of the share of `hour`.
fn is_of(name: &str, hour: i64) -> bool {
    let number = name.get(..8).and_then(|digits| i64::from_str_radix(digits, 16).ok()).unwrap_or_default();
    number.rem_euclid(PERIOD_HOURS) == hour.rem_euclid(PERIOD_HOURS)
}
