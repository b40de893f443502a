//! Function `health`: says which version runs, with which functions, and whether its store can be read.

use crate::environment::Environment;
use crate::topology::FUNCTIONS;
use serde::Serialize;
use std::time::Duration;

/// A store that says nothing for this long can't be read.
const STORE_S_MAX: u64 = 5;

/// What anybody may know: the route has no key, so neither places nor reasons are in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Health {
    /// The release.
    pub version: &'static str,
    /// Names of the functions that are built in.
    pub functions: Vec<&'static str>,
    /// Whether records can be read; without them no function works.
    pub store_is_readable: bool,
}

impl Health {
    /// The health of this release with a store that can be read, or not.
    pub fn with_store(store_is_readable: bool) -> Self {
        let functions = FUNCTIONS.iter().map(|(name, _)| *name).collect();
        Self { version: env!("CARGO_PKG_VERSION"), functions, store_is_readable }
    }

    /// The HTTP status that says the same.
    pub fn status(&self) -> u16 {
        if self.store_is_readable { 200 } else { 503 }
    }
}

/// Asks the store. Why it can't be read is only logged.
pub async fn health(env: &Environment) -> Health {
    let asked = tokio::time::timeout(Duration::from_secs(STORE_S_MAX), env.store.folders("")).await;
    let reason = match asked {
        Ok(Ok(_)) => return Health::with_store(true),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("store: no answer within {STORE_S_MAX} s"),
    };
    tracing::error!(agent.name = "health", %reason, "the store can't be read");
    Health::with_store(false)
}
