//! What a case has been through, as its guard rails count it: a record for each time, under `tries/<case>/<what>/<message id>`.

use crate::environment::Environment;
use crate::environment::store::StoreError;
use jiff::Timestamp;
use pipeline::decision::guard::History;
use pipeline::ids::{CaseId, Fingerprint};
use pipeline::message::MessageId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt::Display;

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

/// What was noted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// When it happened.
    pub at: Timestamp,
    /// Findings that were healed; empty where none were.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub healed: BTreeSet<Fingerprint>,
}

/// Notes that `what` happened to `case`: once for each `id`, however often that is.
pub async fn note(
    env: &Environment,
    case: &CaseId,
    what: Try,
    id: impl Display,
    noted: &Noted,
) -> Result<(), StoreError> {
    env.store.create(&format!("{SHELF}/{case}/{}/{id}", what.name()), noted).await?;
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

/// What `case`, of which `findings` are found now, has been through. A delivery in the handling of `message` itself does not count against it,
/// nor does healing what is not found again.
pub async fn history(
    env: &Environment,
    case: &CaseId,
    findings: &[Fingerprint],
    message: MessageId,
) -> Result<History, StoreError> {
    let mut history = History::default();
    let own = format!("/{message}");
    for what in Try::ALL {
        for key in env.store.list(&format!("{SHELF}/{case}/{}", what.name())).await? {
            if key.ends_with(&own) {
                continue;
            }
            let noted: Noted = match env.store.read(&key).await {
                Ok(Some(noted)) => noted,
                Ok(None) => continue,
                // That it happened shows; when, and of what, is lost: it counts as now, and as of what is found.
                Err(StoreError::Damaged { .. }) => {
                    Noted { at: env.clock.now(), healed: findings.iter().cloned().collect() }
                }
                Err(error) => return Err(error),
            };
            match what {
                Try::Delivered => history.deliveries.push(noted.at),
                Try::TakenBack => history.taken_back.push(noted.at),
                Try::Healed if findings.iter().any(|finding| noted.healed.contains(finding)) => {
                    history.reopenings.push(noted.at);
                }
                Try::Healed => {}
            }
        }
    }
    Ok(history)
}
