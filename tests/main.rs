//! Everything that is tested across crates: one binary, so that it is linked once.

// `cfg(test)` tells the lints that all of it is tests, helpers too.
#[cfg(test)]
mod confidence;
#[cfg(test)]
mod contracts;
#[cfg(test)]
mod journeys;
#[cfg(test)]
mod world;
