//! The kill switch: while it is on, no fix is offered or merged anywhere; what was offered is still followed, and taken back where it does not
//! hold. Read at each decision; what can't be read counts as on.

use crate::audit;
use crate::environment::Environment;
use crate::environment::store::StoreError;
use crate::error::AgentError;
use crate::state::{self, View};
use jiff::Timestamp;
use pipeline::audit::{Act, Deed};
use pipeline::decision::guard::Guard;
use serde::{Deserialize, Serialize};

/// The state that it is kept in.
const NAME: &str = "kill-switch";

/// Who threw it, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KillSwitch {
    /// Whether it is on.
    pub is_on: bool,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// How it stands; `None` where it was never thrown.
pub async fn read(env: &Environment) -> Result<Option<KillSwitch>, StoreError> {
    let view: View<KillSwitch> = state::read(env, NAME).await?;
    if view.is_damaged {
        let (by, reason) = ("a damaged record".to_owned(), "what it says can't be read".to_owned());
        return Ok(Some(KillSwitch { is_on: true, by, reason, at: env.clock.now() }));
    }
    Ok(view.value)
}

/// What it says of any action.
pub async fn guard(env: &Environment) -> Result<Option<Guard>, StoreError> {
    let thrown = read(env).await?.filter(|switch| switch.is_on);
    Ok(thrown.map(|switch| Guard::kill_switch(env.clock.now(), &switch.by, &switch.reason)))
}

/// Throws it, or takes it back. Whoever comes last decides.
pub async fn set(env: &Environment, is_on: bool, by: &str, reason: &str) -> Result<(), AgentError> {
    let thrown = |_: &View<KillSwitch>| {
        (Some(KillSwitch { is_on, by: by.to_owned(), reason: reason.to_owned(), at: env.clock.now() }), ())
    };
    note(env).await?;
    while state::change(env, NAME, thrown).await?.is_none() {}
    note(env).await
}

/// Writes to the audit how it was thrown last, unless it is written: whoever throws it next does so for one who died on the way.
async fn note(env: &Environment) -> Result<(), AgentError> {
    let view: View<KillSwitch> = state::read(env, NAME).await?;
    let number = view.number();
    let Some(KillSwitch { is_on, by, reason, at }) = view.value else { return Ok(()) };
    let deed = Deed {
        id: format!("kill-switch {number}"),
        at,
        who: by,
        act: if is_on { Act::Stopped } else { Act::Resumed },
        about: "everything".to_owned(),
        detail: reason,
    };
    audit::note(env, &deed).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::effects::Effects;
    use crate::environment::store::Store;
    use crate::test_office::environment;

    #[tokio::test]
    async fn it_holds_until_it_is_taken_back_and_what_is_damaged_holds_too() {
        let env = environment(Store::memory(Effects::default()));
        assert_eq!(guard(&env).await.unwrap(), None);
        set(&env, true, "mona", "look into it").await.unwrap();
        assert!(guard(&env).await.unwrap().unwrap().reason.contains("mona stopped everything: look into it"));
        set(&env, false, "mona", "it is fine").await.unwrap();
        assert_eq!(guard(&env).await.unwrap(), None);
        env.store.create(&format!("state/{NAME}/{:012}", 3), &"torn").await.unwrap();
        assert!(guard(&env).await.unwrap().is_some());
    }
}
