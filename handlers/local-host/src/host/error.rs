//! Why a host can't start, in words.

use super::ledger::LedgerError;
use crate::bus::BusError;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a host can't start.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// There is nothing to run.
    #[error("there is no app to run")]
    NoApp,
    /// Another host has the folder.
    #[error("{} is in use by another `suture local`; stop that one, or choose another --state", folder.display())]
    InUse {
        /// The host's folder.
        folder: PathBuf,
    },
    /// The folder can't be used.
    #[error("{}: {error}", folder.display())]
    Folder {
        /// The host's folder.
        folder: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// Nobody can listen there.
    #[error("{address}: {error}; choose another --port or --address")]
    Address {
        /// Where.
        address: SocketAddr,
        /// Why.
        error: std::io::Error,
    },
    /// Two functions are at one place.
    #[error("{0}")]
    Routes(String),
    /// The bus can't be opened.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// What the host remembers can't be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}
