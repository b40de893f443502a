//! A host that is killed does not take its handler along: the handler has to see it.

use std::time::Duration;

/// How often is looked.
const LOOK_MS: u64 = 500;

/// The process that started this one.
#[derive(Debug)]
pub struct Host(Option<u32>);

impl Host {
    /// Has to be asked for first of all: who is its parent later may be another one already.
    pub fn of_this_process() -> Self {
        Self(parent())
    }

    /// Ends once it is gone. Never, where that can't be seen.
    pub async fn gone(self) {
        let mut looks = tokio::time::interval(Duration::from_millis(LOOK_MS));
        loop {
            looks.tick().await;
            if parent() != self.0 {
                return;
            }
        }
    }
}

/// Whoever is left without a parent is given another one.
#[cfg(unix)]
fn parent() -> Option<u32> {
    Some(std::os::unix::process::parent_id())
}

#[cfg(not(unix))]
fn parent() -> Option<u32> {
    None
}
