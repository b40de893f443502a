//! Being asked to end.

use crate::Failure;

/// Ctrl-C, or the signal by which a service is ended.
pub struct Asked {
    #[cfg(unix)]
    signals: [tokio::signal::unix::Signal; 2],
}

impl Asked {
    /// From now on no signal is missed: one that comes while nobody waits is heard by the next wait.
    #[cfg(unix)]
    pub fn listen() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        let hear = |kind| signal(kind).map_err(Failure::new);
        Ok(Self { signals: [hear(SignalKind::interrupt())?, hear(SignalKind::terminate())?] })
    }

    /// As above.
    #[cfg(not(unix))]
    pub fn listen() -> Result<Self, Failure> {
        Ok(Self {})
    }

    /// Returns when it is asked once.
    pub async fn wait(&mut self) {
        #[cfg(unix)]
        {
            let [interrupted, terminated] = &mut self.signals;
            tokio::select! {
                _ = interrupted.recv() => {}
                _ = terminated.recv() => {}
            }
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }
}
