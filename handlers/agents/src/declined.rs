//! Which fixes people declined: one record for each pull request that they closed, under
//! `declined/<case>/<hash of the plan>/<number>`, for as long as the case. Whatever else was offered since, such a fix is not offered again.

use crate::environment::store::{Store, StoreError};
use jiff::Timestamp;
use pipeline::ids::{CaseId, hash_of};

/// Where they are.
const SHELF: &str = "declined";

/// Somebody closed the pull request `number`, which offered `plan` for `case`.
pub async fn note(store: &Store, case: &CaseId, plan: &str, number: u64, at: Timestamp) -> Result<(), StoreError> {
    store.create(&key(case, plan, number), &at).await?;
    Ok(())
}

/// The pull request `number` is open again: nobody declines by it any more.
pub async fn take_back(store: &Store, case: &CaseId, plan: &str, number: u64) -> Result<(), StoreError> {
    store.delete(&key(case, plan, number)).await
}

/// The number of the last pull request in which somebody declined `plan`.
pub async fn find(store: &Store, case: &CaseId, plan: &str) -> Result<Option<u64>, StoreError> {
    let keys = store.list(&folder(case, plan)).await?;
    Ok(keys.iter().filter_map(|key| key.rsplit('/').next()?.parse().ok()).max())
}

/// The case is forgotten.
pub async fn forget(store: &Store, case: &CaseId) -> Result<(), StoreError> {
    for key in store.list(&format!("{SHELF}/{case}")).await? {
        store.delete(&key).await?;
    }
    Ok(())
}

/// A plan may be what the text of a pull request says, which anybody may edit: no part of a key.
fn folder(case: &CaseId, plan: &str) -> String {
    format!("{SHELF}/{case}/{}", &hash_of(&[plan])[..32])
}

fn key(case: &CaseId, plan: &str, number: u64) -> String {
    format!("{}/{number}", folder(case, plan))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::effects::Effects;

    #[tokio::test]
    async fn plan_is_declined_until_each_of_its_pull_requests_is_open_again() {
        let store = Store::memory(Effects::default());
        let case: CaseId = "npm-1".parse().unwrap();
        for number in [9, 10] {
            note(&store, &case, "../plan", number, Timestamp::UNIX_EPOCH).await.unwrap();
        }
        assert_eq!(find(&store, &case, "../plan").await.unwrap(), Some(10));
        assert_eq!(find(&store, &case, "plan").await.unwrap(), None);
        take_back(&store, &case, "../plan", 10).await.unwrap();
        assert_eq!(find(&store, &case, "../plan").await.unwrap(), Some(9));
        take_back(&store, &case, "../plan", 9).await.unwrap();
        assert_eq!(find(&store, &case, "../plan").await.unwrap(), None);
        note(&store, &case, "../plan", 9, Timestamp::UNIX_EPOCH).await.unwrap();
        forget(&store, &case).await.unwrap();
        assert_eq!(find(&store, &case, "../plan").await.unwrap(), None);
    }
}
