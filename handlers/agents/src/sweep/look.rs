//! A look that is taken once in each part of time: which one is due, and that it was taken.

use crate::environment::Environment;
use crate::error::AgentError;
use jiff::Timestamp;

/// A look that is due.
pub(super) struct Look {
    /// How many parts of time were before it.
    pub number: i64,
    /// When its part of time began.
    pub begun: Timestamp,
}

/// The look of this part of time, of `every_s` seconds, unless it is noted under `shelf` that it was taken.
pub(super) async fn due(env: &Environment, shelf: &str, every_s: i64) -> Result<Option<Look>, AgentError> {
    let number = env.clock.now().as_second().div_euclid(every_s);
    let is_taken = env.store.read::<Timestamp>(&format!("{shelf}/{number}")).await?.is_some();
    let begun = Timestamp::from_second(number * every_s).unwrap_or(Timestamp::UNIX_EPOCH);
    Ok((!is_taken).then_some(Look { number, begun }))
}

/// A look was taken; earlier ones are no matter any more.
pub(super) async fn taken(env: &Environment, shelf: &str, look: &Look) -> Result<(), AgentError> {
    let key = format!("{shelf}/{}", look.number);
    env.store.create(&key, &env.clock.now()).await?;
    for older in env.store.list(shelf).await?.into_iter().filter(|other| *other != key) {
        env.store.delete(&older).await?;
    }
    Ok(())
}
