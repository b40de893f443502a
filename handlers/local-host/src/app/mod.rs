//! A staged function app: `host.json`, one folder for each function, and what the host checks of them.
//!
//! Everything is read as the functions host reads it, and every fault is told at once: in Azure each of them would show only after the
//! deployment, as a function that is missing or a host that starts over and over.

mod command_line;
mod faults;
mod folder;
mod function;
mod host_json;
mod json;
pub mod ncrontab;
mod route;
mod settings;
mod time_span;
mod version_range;

pub use faults::{AppFaults, Fault};
pub use function::{AuthLevel, DataType, Function, Method, Output, OutputBinding, Retry, RetryDelay, Trigger};
pub use host_json::{Description, HostJson, ServiceBusOptions};
pub use settings::Settings;

use faults::Report;
use settings::Known;
use std::cell::RefCell;
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
    /// What the host takes, but hardly anybody wants.
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
        read(root, Known::These(settings))
    }
}

/// What was found of an app whose settings are not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Names of the functions, in order.
    pub functions: Vec<String>,
    /// What starts the handler: absolute where the file lies in the app.
    pub executable: PathBuf,
    /// What the host takes, but hardly anybody wants.
    pub warnings: Vec<Fault>,
}

/// Checks the app in `root` as [`App::read`] does, but passes over what app settings will say (`%NAME%`): before a deployment nobody knows them.
pub fn check(root: &Path) -> Result<Checked, AppFaults> {
    let app = read(root, Known::Nothing)?;
    let functions = app.functions.into_iter().map(|function| function.name).collect();
    Ok(Checked { functions, executable: app.host.description.executable, warnings: app.warnings })
}

fn read(root: &Path, settings: Known<'_>) -> Result<App, AppFaults> {
    let report = RefCell::new(Report::default());
    let read = folder::read(root, settings, &report);
    let Report { mut faults, mut warnings } = report.into_inner();
    faults.sort();
    warnings.sort();
    match read {
        Some((root, host, functions)) if faults.is_empty() => {
            let name = root.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            Ok(App { name, root, host, functions, warnings })
        }
        _ => Err(AppFaults(faults)),
    }
}
