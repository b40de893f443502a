//! Real advisories and real projects, where this machine has them.

use agents::environment::advisories::AdvisorySource;
use agents::environment::advisories::zips;
use agents::environment::settings::Settings;
use jiff::Timestamp;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The folder of shared material: `SUTURE_TEST_SHARED`, else beside the workspace. `None`: it is absent.
pub fn folder() -> Option<PathBuf> {
    let set = Settings::read().registries.environment.get("SUTURE_TEST_SHARED").map(PathBuf::from);
    let folder = set.unwrap_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared")));
    folder.join("advisories").is_dir().then_some(folder)
}

/// All real advisories. Indexed once, and again when the zips change.
pub fn advisories(shared: &Path) -> AdvisorySource {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("advisories");
    let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    // One at a time: the first builds what the others open.
    static BUILDING: Mutex<()> = Mutex::new(());
    let _building = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
    let opened = zips::open(&shared.join("advisories"), &cache, now, &mut |_| {}).unwrap();
    assert_eq!(opened.notes, Vec::<String>::new());
    AdvisorySource::Index(opened.index)
}
