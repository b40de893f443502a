//! Journeys on GitHub through the local host and the real handler: signed deliveries over HTTP in, pull requests out.

mod calm;
mod crowd;
mod storm;

use crate::world::project::Project;

/// `gate` asks for `latch ^1.0.0`; `latch` is vulnerable before 1.2.0.
fn shop() -> Project {
    Project::new().needs("gate", "^2.0.0").locks("gate", "2.1.0", &[("latch", "^1.0.0")]).locks("latch", "1.0.3", &[])
}

/// The shop as it should be.
fn healed() -> Project {
    shop().locks("latch", "1.2.0", &[])
}

/// The shop with one thing more.
fn grown() -> Project {
    shop().needs("hinge", "^1.0.0").locks("hinge", "1.0.0", &[])
}
