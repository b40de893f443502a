//! What a case has been through, as its guard rails count it: a record for each time, under `tries/<case>/<what>/<message id>`.

use crate::environment::Environment;
use crate::environment::store::StoreError;
use jiff::Timestamp;
use pipeline::decision::guard::History;
use pipeline::ids::CaseId;
use pipeline::message::MessageId;

/// Where they are.
const SHELF: &str = "tries";

/// What happened to a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Try {
    /// A fix of it was delivered.
    Delivered,
    /// A fix of it was taken back.
    TakenBack,
    /// It was healed. Found again, it has come back.
    Healed,
}

impl Try {
    const ALL: [Self; 3] = [Self::Delivered, Self::TakenBack, Self::Healed];

    fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::TakenBack => "taken_back",
            Self::Healed => "healed",
        }
    }
}

/// Notes that `what` happened to `case` when `message` was handled: once, however often that is.
pub async fn note(env: &Environment, case: &CaseId, what: Try, message: MessageId) -> Result<(), StoreError> {
    let key = format!("{SHELF}/{case}/{}/{message}", what.name());
    env.store.create(&key, &env.clock.now()).await?;
    Ok(())
}

/// Notes that a fix of `case` is about to be offered when `message` is handled: should the process die on the way, the next one knows that it
/// may stand there already.
pub async fn begin(env: &Environment, case: &CaseId, message: MessageId) -> Result<(), StoreError> {
    env.store.create(&begun_key(case, message), &env.clock.now()).await?;
    Ok(())
}

/// Whether that was noted before.
pub async fn is_begun(env: &Environment, case: &CaseId, message: MessageId) -> Result<bool, StoreError> {
    match env.store.read::<Timestamp>(&begun_key(case, message)).await {
        Ok(begun) => Ok(begun.is_some()),
        Err(StoreError::Damaged { .. }) => Ok(true),
        Err(error) => Err(error),
    }
}

fn begun_key(case: &CaseId, message: MessageId) -> String {
    format!("{SHELF}/{case}/begun/{message}")
}

/// What `case` has been through. What is noted of `message` itself does not count against it.
pub async fn history(env: &Environment, case: &CaseId, message: MessageId) -> Result<History, StoreError> {
    let mut history = History::default();
    let own = format!("/{message}");
    for what in Try::ALL {
        for key in env.store.list(&format!("{SHELF}/{case}/{}", what.name())).await? {
            if key.ends_with(&own) {
                continue;
            }
            let at: Timestamp = match env.store.read(&key).await {
                Ok(Some(at)) => at,
                Ok(None) => continue,
                // That it happened shows; when, is lost: it counts as now.
                Err(StoreError::Damaged { .. }) => env.clock.now(),
                Err(error) => return Err(error),
            };
            match what {
                Try::Delivered => history.deliveries.push(at),
                Try::TakenBack => history.taken_back.push(at),
                Try::Healed => history.reopenings.push(at),
            }
        }
    }
    Ok(history)
}
