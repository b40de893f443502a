//! Where notices for people go.

use pipeline::payload::Notification;
use std::fmt;
use std::sync::Arc;

/// Takes notices. It may be told the same one twice.
#[derive(Clone)]
pub struct Outlet(Arc<dyn Fn(&Notification) + Send + Sync>);

impl Outlet {
    /// An outlet that hands every notice to `take`.
    pub fn new(take: impl Fn(&Notification) + Send + Sync + 'static) -> Self {
        Self(Arc::new(take))
    }

    /// Tells people.
    pub fn tell(&self, notice: &Notification) {
        (self.0)(notice);
    }
}

impl fmt::Debug for Outlet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Outlet")
    }
}
