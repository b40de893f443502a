//! Leases: who may do a work that two must not do at the same time. A lease is a state with a generation and an expiry.
//!
//! A lease does not stop its holder, who may sleep past the expiry: what it does has to be harmless when done twice, or has
//! to ask [`Lease::holds`] before it.

use crate::environment::Environment;
use crate::environment::store::StoreError;
use crate::state::{self, View};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How far the clocks of two machines may be apart: for so long after its expiry a lease is not taken over.
pub const CLOCKS_APART_S_MAX: i64 = 30;

/// A lease, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Held {
    /// Grows with every new holder.
    generation: u64,
    /// Who.
    holder: Uuid,
    /// Until when. In the past once it was given back.
    expires: Timestamp,
    /// Whether it was given back.
    #[serde(default)]
    is_released: bool,
}

/// A lease that this process holds.
#[derive(Debug)]
pub struct Lease {
    view: View<Held>,
    held: Held,
    lasts: SignedDuration,
}

/// Takes the lease `name` for `seconds`. `None`: somebody else holds it, or was faster.
pub async fn acquire(env: &Environment, name: &str, seconds: i64) -> Result<Option<Lease>, StoreError> {
    let view: View<Held> = state::read(env, &format!("lease-{name}")).await?;
    let now = env.clock.now();
    if let Some(held) = &view.value
        && !held.is_released
        && now <= later(held.expires, SignedDuration::from_secs(CLOCKS_APART_S_MAX))
    {
        return Ok(None);
    }
    // Of a damaged lease nothing is known: it is taken. The number of its record still grows.
    let generation = view.number().saturating_add(1);
    let lasts = SignedDuration::from_secs(seconds);
    let held = Held { generation, holder: env.ids.run(now).0, expires: later(now, lasts), is_released: false };
    let taken = state::follow(env, &view, held.clone()).await?;
    Ok(taken.map(|view| Lease { view, held, lasts }))
}

impl Lease {
    /// Grows with every new holder, and never for the same: a mark for what is done under the lease.
    pub fn generation(&self) -> u64 {
        self.held.generation
    }

    /// Whether it has not expired.
    pub fn holds(&self, env: &Environment) -> bool {
        env.clock.now() < self.held.expires
    }

    /// Holds it for its time again, from now. `None`: it had expired, or was taken over.
    pub async fn renew(self, env: &Environment) -> Result<Option<Self>, StoreError> {
        if !self.holds(env) {
            return Ok(None);
        }
        let held = Held { expires: later(env.clock.now(), self.lasts), ..self.held };
        // Read again: the view of a lease that is held for long would be too old to follow on.
        let view: View<Held> = state::read(env, self.view.name()).await?;
        if view.value.as_ref().is_none_or(|there| there.holder != held.holder || there.is_released) {
            return Ok(None);
        }
        let renewed = state::follow(env, &view, held.clone()).await?;
        Ok(renewed.map(|view| Self { view, held, lasts: self.lasts }))
    }

    /// Gives it back before it expires. That somebody else has it by now is no matter.
    pub async fn release(self, env: &Environment) -> Result<(), StoreError> {
        let view: View<Held> = state::read(env, self.view.name()).await?;
        if view.value.as_ref().is_some_and(|there| there.holder == self.held.holder) {
            state::follow(env, &view, Held { is_released: true, ..self.held }).await?;
        }
        Ok(())
    }
}

fn later(moment: Timestamp, by: SignedDuration) -> Timestamp {
    moment.saturating_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
#[path = "lease_tests.rs"]
mod tests;
