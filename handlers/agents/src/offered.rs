//! Which cases have a pull request that is open: one record for each, under `offered/<branch>/<case>`, so that they are found without
//! looking at all cases.

use crate::environment::store::{Store, StoreError};
use crate::inventory::branch_key;
use pipeline::case::Wound;
use pipeline::ids::{CaseId, CommitSha, RepoName};
use serde::{Deserialize, Serialize};

/// Where they are.
const SHELF: &str = "offered";

/// A case whose fix is offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    /// The case.
    pub case: CaseId,
    /// The repository.
    pub repository: RepoName,
    /// The commit that is offered.
    pub commit: CommitSha,
}

/// `commit`, the fix of `case`, is offered, in the place of what was before.
pub async fn keep(store: &Store, case: &CaseId, wound: &Wound, commit: &CommitSha) -> Result<(), StoreError> {
    let offered = Offered { case: case.clone(), repository: wound.repository.clone(), commit: commit.clone() };
    store.overwrite(&key(&wound.repository, &wound.base_branch, case), &offered).await
}

/// It is not any more.
pub async fn forget(store: &Store, case: &CaseId, wound: &Wound) -> Result<(), StoreError> {
    store.delete(&key(&wound.repository, &wound.base_branch, case)).await
}

/// The cases of `branch` of `repository` whose fixes are offered.
pub async fn of_branch(store: &Store, repository: &RepoName, branch: &str) -> Result<Vec<CaseId>, StoreError> {
    let keys = store.list(&format!("{SHELF}/{}", branch_key(repository, branch))).await?;
    Ok(keys.iter().filter_map(|key| key.rsplit('/').next()?.parse().ok()).collect())
}

/// All of them. One that can't be read is left out.
pub async fn all(store: &Store) -> Result<Vec<Offered>, StoreError> {
    Ok(read_all(store).await?.into_iter().map(|(_, offered)| offered).collect())
}

/// Nothing is offered any more in the repositories that `are` gone.
pub async fn forget_all(store: &Store, are: impl Fn(&RepoName) -> bool) -> Result<(), StoreError> {
    for (key, _) in read_all(store).await?.into_iter().filter(|(_, offered)| are(&offered.repository)) {
        store.delete(&key).await?;
    }
    Ok(())
}

/// All of them with their keys.
async fn read_all(store: &Store) -> Result<Vec<(String, Offered)>, StoreError> {
    let mut all = Vec::new();
    for key in store.list(SHELF).await? {
        match store.read::<Offered>(&key).await {
            Ok(offered) => all.extend(offered.map(|offered| (key, offered))),
            Err(StoreError::Damaged { key, error }) => {
                tracing::error!(key, %error, "a record of what is offered is damaged")
            }
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

fn key(repository: &RepoName, branch: &str, case: &CaseId) -> String {
    format!("{SHELF}/{}/{case}", branch_key(repository, branch))
}
