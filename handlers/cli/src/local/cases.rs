//! How the cases in the store stand.

use agents::environment::store::Store;
use agents::history;
use std::collections::BTreeMap;

/// Cases that are counted; of more, those whose ids come first.
const CASES_MAX: usize = 500;

/// How many cases there are of each status. `None` where the store can't be read just now.
pub async fn by_status(store: &Store) -> Option<BTreeMap<String, usize>> {
    let mut counted = BTreeMap::new();
    for id in store.folders("cases").await.ok()?.into_iter().take(CASES_MAX) {
        let Ok(id) = id.parse() else { continue };
        if let Some(case) = history::case(store, &id).await.ok()? {
            *counted.entry(case.status.to_string()).or_default() += 1;
        }
    }
    Some(counted)
}
