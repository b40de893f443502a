//! An environment for the tests of this crate: nothing outside, a clock that stands, ids that count.

use crate::environment::Environment;
use crate::environment::clock::Clock;
use crate::environment::ids::Ids;
use crate::environment::store::Store;
use jiff::{SignedDuration, Timestamp};

/// An environment on `store`, one day after the epoch.
pub fn environment(store: Store) -> Environment {
    let clock = Clock::standing_at(Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24));
    Environment { clock, ids: Ids::counted(), ..Environment::alone(store) }
}
