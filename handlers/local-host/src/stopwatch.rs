//! The only room of this crate where time is measured. What time it is, is `agents::environment::clock`'s to say.

use std::time::{Duration, Instant};

/// How long something takes. For deciding how to wait, never for what is kept.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// One that runs.
    #[expect(clippy::disallowed_methods, reason = "this is the room where the clock may be read")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Since it was started.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
