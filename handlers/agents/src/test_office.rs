//! An environment for the tests of this crate: nothing outside, a clock that stands, ids that count.

use crate::environment::Environment;
use crate::environment::advisories::AdvisorySource;
use crate::environment::clock::Clock;
use crate::environment::ids::Ids;
use crate::environment::last_work::LastWork;
use crate::environment::outlet::Outlet;
use crate::environment::registries::Registries;
use crate::environment::retention::Retention;
use crate::environment::store::Store;
use crate::environment::tree_limits::TreeLimits;
use jiff::{SignedDuration, Timestamp};
use pipeline::suppress::Suppressions;

/// An environment on `store`, one day after the epoch.
pub fn environment(store: Store) -> Environment {
    Environment {
        clock: Clock::standing_at(Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24)),
        ids: Ids::counted(),
        store,
        repositories: Vec::new(),
        registries: Registries::offline(),
        advisories: AdvisorySource::Starter,
        policies: Vec::new(),
        suppressions: Suppressions::default(),
        tree_limits: TreeLimits::default(),
        retention: Retention::default(),
        last_work: LastWork::default(),
        outlet: Outlet::new(|_| {}),
    }
}
