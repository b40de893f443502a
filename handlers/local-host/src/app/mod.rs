//! A staged function app: `host.json`, one folder for each function, and what the host checks of them.
//!
//! Everything is read as the functions host reads it, and every fault is told at once: in Azure each of them would show only after the
//! deployment, as a function that is missing or a host that starts over and over.

mod faults;
mod function;
mod host_json;
pub mod ncrontab;
mod settings;

pub use faults::{AppFaults, Fault};
pub use function::{AuthLevel, DataType, Function, Method, Output, OutputBinding, Trigger};
pub use host_json::{Description, HostJson, ServiceBusOptions};
pub use settings::Settings;

use std::path::{Path, PathBuf};

/// A function app as it lies in a folder, ready to be run.
#[derive(Debug, Clone, PartialEq)]
pub struct App {
    /// Name of its folder.
    pub name: String,
    /// The folder that holds `host.json`, absolute.
    pub root: PathBuf,
    /// What `host.json` says, with the defaults of what it does not say.
    pub host: HostJson,
    /// In the order of their names.
    pub functions: Vec<Function>,
    /// What the host only warns of.
    pub warnings: Vec<Fault>,
}

impl App {
    /// Reads the app in `root` without any app settings: whatever names one (`%NAME%`) is a fault.
    pub fn read(root: &Path) -> Result<Self, AppFaults> {
        Self::read_with(root, &Settings::default())
    }

    /// Reads the app in `root`, with the app settings that the host would have in its environment.
    ///
    /// Every fault at once: of `host.json`, of each `function.json`, and of what they name.
    pub fn read_with(root: &Path, settings: &Settings) -> Result<Self, AppFaults> {
        let _ = (root, settings);
        Err(AppFaults(Vec::new()))
    }
}
