//! What came of fixes is learned from every ten minutes.

use super::look;
use crate::environment::Environment;
use crate::error::AgentError;
use crate::learned;

/// How often, in seconds.
const EVERY_S: i64 = 10 * 60;

/// Where it is noted that it was done.
const DONE: &str = "looked/outcomes";

/// Learns from the outcomes of the days that are not over.
pub(super) async fn learn(env: &Environment) -> Result<(), AgentError> {
    let Some(look) = look::due(env, DONE, EVERY_S).await? else { return Ok(()) };
    learned::learn(env).await?;
    look::taken(env, DONE, &look).await
}
