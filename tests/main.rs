//! Everything that is tested across crates: one binary, so that it is linked once.

#![expect(clippy::unwrap_used, reason = "a test that can not go on fails where it stands")]

mod contracts;
mod journeys;
mod world;
