//! What the handler opens: the store, policies, advisories.

use super::report::Report;
use agents::environment::effects::Effects;
use agents::environment::open::{self, StorePlace};
use agents::environment::settings::Settings;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// A store that says nothing for this long does not open.
const STORE_S_MAX: u64 = 60;

/// Files that settings name.
#[derive(Debug, Default)]
pub struct Files {
    policy: Option<String>,
    advisories: Option<String>,
}

impl Files {
    /// Those that `variables` name.
    pub fn of(variables: &BTreeMap<String, String>) -> Self {
        let get = |name: &str| variables.get(name).filter(|text| !text.is_empty()).cloned();
        Self { policy: get("SUTURE_POLICY"), advisories: get("SUTURE_ADVISORIES").filter(|set| set != "starter") }
    }
}

/// Opens everything, and makes nothing.
pub async fn look(settings: &Settings, files: &Files, report: &mut Report) {
    store(settings, report).await;
    if let Some(file) = &files.policy {
        match open::policies(Some(Path::new(file))) {
            Ok(_) => report.right("policy", format!("{file} is read")),
            Err(error) => report.wrong("policy", error.to_string(), "see docs/heal.md for how policies are written"),
        }
    }
    if let Some(file) = &files.advisories {
        match open::index(Path::new(file)) {
            Ok(_) => report.right("advisories", format!("{file} is read")),
            Err(error) => report.wrong("advisories", error.to_string(), "suture advisories build writes an index"),
        }
    }
}

async fn store(settings: &Settings, report: &mut Report) {
    const CHECK: &str = "store";
    const MEND: &str = "SUTURE_STORE is memory, a folder, or az://ACCOUNT/CONTAINER; see docs/state.md";
    let place = match StorePlace::of(settings) {
        Ok(place) => place,
        Err(error) => return report.wrong(CHECK, error.to_string(), MEND),
    };
    match &place {
        StorePlace::Memory => return report.note(CHECK, "memory: everything is forgotten with the process"),
        // Opening would make it.
        StorePlace::Folder(folder) if !folder.exists() => {
            return report.note(CHECK, format!("{} is not there yet; it is made when it is needed", folder.display()));
        }
        StorePlace::Folder(_) | StorePlace::Azure { .. } => {}
    }
    let store = match open::store(&place, &settings.azure, Effects::default()) {
        Ok(store) => store,
        Err(error) => return report.wrong(CHECK, error.to_string(), MEND),
    };
    match tokio::time::timeout(Duration::from_secs(STORE_S_MAX), store.folders("")).await {
        Ok(Ok(_)) => report.right(CHECK, format!("{store} opens")),
        Ok(Err(error)) => report.wrong(CHECK, error.to_string(), MEND),
        Err(_) => report.unknown(CHECK, format!("{store}: no answer within {STORE_S_MAX} s")),
    }
}
