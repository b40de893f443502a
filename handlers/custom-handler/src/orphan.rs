//! A host that is killed does not take its handler along: the handler has to see it.

use std::time::Duration;

/// How often is looked.
const LOOK_MS: u64 = 500;

/// Ends once the process that started this one is gone. Never, where that can't be seen.
pub async fn host_gone() {
    let host = parent();
    let mut looks = tokio::time::interval(Duration::from_millis(LOOK_MS));
    loop {
        looks.tick().await;
        if parent() != host {
            return;
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
