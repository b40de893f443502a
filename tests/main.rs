//! Everything that is tested across crates: one binary, so that it is linked once.

mod contracts;
mod journeys;
mod world;
