//! Everything outside: the clock, chance, the store, git, registries, advisories. Concrete clients; their addresses are the seam.

pub mod clock;
pub mod effects;
pub mod folder;
pub mod git;
pub mod ids;
pub mod store;
pub mod tree_limits;
