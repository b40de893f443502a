//! Which cases have a pull request that is open: one record for each, under `offered/<branch>/<case>`, so that they are found without
//! looking at all cases, and whatever later runs of the case came to. What each case offered last is kept under `last_offers/<case>` as well,
//! for as long as the case: what somebody declined is known however many runs came after it. Each that was merged and held is kept under
//! `merged/<case>/<run>`: whoever undoes it may do so after others were offered.

use crate::environment::store::{Store, StoreError};
use crate::history;
use crate::inventory::branch_key;
use jiff::Timestamp;
use pipeline::case::{CaseRecord, Delivery, Status, Wound};
use pipeline::decision::Verdict;
use pipeline::finding::Finding;
use pipeline::ids::{CaseId, CommitSha, Fingerprint, RepoName};
use pipeline::learning::outcome::Tried;
use pipeline::message::{RunId, queue, topic};
use pipeline::outbox::Reply;
use pipeline::patch::Left;
use pipeline::payload::ChecksCompleted;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Where they are.
const SHELF: &str = "offered";

/// Where what was offered last is.
const LAST: &str = "last_offers";

/// Where what was merged is.
const MERGED: &str = "merged";

/// A case whose fix is offered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Offered {
    /// The case.
    pub case: CaseId,
    /// The repository.
    pub repository: RepoName,
    /// The commit that is offered.
    pub commit: CommitSha,
    /// What is offered. Older records lack it: then those of the case tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<Offer>,
}

/// What a pull request offers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    /// The run that offers it. What becomes of it is recorded there.
    pub run: RunId,
    /// How far from the beginning of the run it was offered.
    pub hops: u32,
    /// What it mends.
    pub wound: Wound,
    /// Where it is.
    pub delivery: Delivery,
    /// Findings that it leaves.
    pub left: Vec<Left>,
    /// Ids of the advisories that nothing is left of with it. Empty where they are not known.
    #[serde(default)]
    pub advisories: BTreeSet<String>,
    /// Whether somebody opened it again after Suture took it back: then it is theirs to close.
    #[serde(default)]
    pub is_kept_by_people: bool,
    /// What there is to learn from it. Older records lack it: nothing is learned from them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tried: Option<Tried>,
    /// When it was offered. Older records lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// What it brings in, each like `npm latch 1.2.0`. Empty where it is not known.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub releases: BTreeSet<String>,
    /// What was decided of it. Older records lack it: then it waits for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
}

/// Ids of the advisories that `heals` is about, and that are not about what is `left`.
pub fn advisories<'a>(
    heals: impl IntoIterator<Item = &'a Finding>,
    left: impl IntoIterator<Item = &'a Finding>,
) -> BTreeSet<String> {
    let ids = |finding: &'a Finding| finding.advisories.iter().chain([&finding.rule]).cloned();
    let left: BTreeSet<String> = left.into_iter().flat_map(ids).collect();
    heals.into_iter().flat_map(ids).filter(|id| !left.contains(id)).collect()
}

/// What is offered for `case` from now on, in the place of what was before. Of two runs that offer the same commit, the later one does.
pub async fn keep(store: &Store, case: &CaseId, offer: Offer) -> Result<(), StoreError> {
    let Some(commit) = offer.delivery.commit.clone() else { return Ok(()) };
    let before = find(store, case, &offer.wound).await?.and_then(|before| before.offer);
    if before.is_some_and(|before| before.delivery.commit.as_ref() == Some(&commit) && before.order() > offer.order()) {
        return Ok(());
    }
    let key = key(&offer.wound.repository, &offer.wound.base_branch, case);
    let repository = offer.wound.repository.clone();
    store.overwrite(&key, &Offered { case: case.clone(), repository, commit, offer: Some(offer) }).await
}

/// `offer` is what `case` offered last, also when it is offered no more.
pub async fn keep_last(store: &Store, case: &CaseId, offer: &Offer) -> Result<(), StoreError> {
    store.overwrite(&last_key(case), offer).await
}

/// What was offered last for `case`, whether it is offered still or not. `None` too where an older release offered it.
pub async fn last(store: &Store, case: &CaseId) -> Result<Option<Offer>, StoreError> {
    read(store, &last_key(case)).await
}

/// `offer` of `case` was merged, and holds.
pub async fn keep_merged(store: &Store, case: &CaseId, offer: &Offer) -> Result<(), StoreError> {
    store.overwrite(&format!("{MERGED}/{case}/{}", offer.run), offer).await
}

/// What was merged of `case`, and held. Where an older release merged it, what was offered last may be that.
pub async fn merged(store: &Store, case: &CaseId) -> Result<Vec<Offer>, StoreError> {
    let mut merged = Vec::new();
    for key in store.list(&format!("{MERGED}/{case}")).await? {
        merged.extend(read::<Offer>(store, &key).await?);
    }
    let is_kept = |last: &Offer| merged.iter().any(|offer: &Offer| offer.run == last.run);
    let last = last(store, case).await?.filter(|last| !is_kept(last));
    merged.extend(last);
    Ok(merged)
}

/// The case is forgotten.
pub async fn forget_last(store: &Store, case: &CaseId) -> Result<(), StoreError> {
    store.delete(&last_key(case)).await
}

/// Keys of the diffs of what was offered last.
pub async fn last_diffs(store: &Store) -> Result<BTreeSet<String>, StoreError> {
    let mut diffs = BTreeSet::new();
    for key in store.list(LAST).await? {
        diffs.extend(read::<Offer>(store, &key).await?.map(|offer| offer.delivery.diff));
    }
    Ok(diffs)
}

/// What is offered for `case`. One that can't be read is none.
pub async fn find(store: &Store, case: &CaseId, wound: &Wound) -> Result<Option<Offered>, StoreError> {
    read(store, &key(&wound.repository, &wound.base_branch, case)).await
}

/// Whether what is offered for `case` is still, as far as is recorded: of one that ended the record goes only when somebody looks next.
pub async fn stands(store: &Store, case: &CaseId, wound: &Wound) -> Result<bool, StoreError> {
    stands_on(store, case, &wound.repository, &wound.base_branch).await
}

/// As [`stands`], on `branch` of `repository`.
pub async fn stands_on(store: &Store, case: &CaseId, repository: &RepoName, branch: &str) -> Result<bool, StoreError> {
    match read::<Offered>(store, &key(repository, branch, case)).await? {
        Some(offered) => is_open(store, &offered).await,
        None => Ok(false),
    }
}

/// The cases of the branch that is kept under `name`, by [`branch_key`], whose fixes are offered. Some of them may have ended.
pub async fn under(store: &Store, name: &str) -> Result<Vec<CaseId>, StoreError> {
    let keys = store.list(&format!("{SHELF}/{name}")).await?;
    Ok(keys.iter().filter_map(|key| case_of(key)).collect())
}

/// The cases of the branch that is kept under `name`, by [`branch_key`], whose fixes are offered still.
pub async fn standing_under(store: &Store, name: &str) -> Result<Vec<CaseId>, StoreError> {
    let mut standing = Vec::new();
    for key in store.list(&format!("{SHELF}/{name}")).await? {
        if let Some(offered) = read::<Offered>(store, &key).await?
            && is_open(store, &offered).await?
        {
            standing.push(offered.case);
        }
    }
    Ok(standing)
}

async fn is_open(store: &Store, offered: &Offered) -> Result<bool, StoreError> {
    let Some(offer) = &offered.offer else { return Ok(true) };
    Ok(!is_over(&history::run_records(store, &offered.case, offer.run).await?, offer.hops))
}

/// Whether the records of its run say that what was offered `hops` from the beginning is not any more: taken, declined, taken back, or
/// taken over by others.
pub fn is_over(of_run: &[CaseRecord], hops: u32) -> bool {
    let words = of_run.iter().filter(|record| record.agent == "verify" && record.hops > hops);
    let last = words.filter(|record| record.status.is_some()).max_by_key(|record| (record.hops, record.message));
    last.is_some_and(|record| {
        let ends =
            [Status::Completed, Status::Suppressed, Status::Superseded, Status::FalsePositive, Status::RolledBack];
        record.outcome.is_some() || record.status.is_some_and(|status| ends.contains(&status))
    })
}

/// It is not any more.
pub async fn forget(store: &Store, case: &CaseId, wound: &Wound) -> Result<(), StoreError> {
    store.delete(&key(&wound.repository, &wound.base_branch, case)).await
}

/// Has what is offered for `case` looked at, if anything is: a later run came to no fix.
pub async fn have_looked_at<P>(
    store: &Store,
    reply: &mut Reply<'_, P>,
    case: &CaseId,
    wound: &Wound,
) -> Result<(), crate::error::AgentError> {
    if let Some(Offered { repository, commit, .. }) = find(store, case, wound).await? {
        let about = ChecksCompleted { case: case.clone(), repository, commit };
        reply.command(queue::VERIFY, topic::CHECKS_COMPLETED, case.as_str(), &about)?;
    }
    Ok(())
}

/// The cases of `branch` of `repository` whose fixes are offered.
pub async fn of_branch(store: &Store, repository: &RepoName, branch: &str) -> Result<Vec<CaseId>, StoreError> {
    under(store, &branch_key(repository, branch)).await
}

/// The cases of all of them.
pub async fn cases(store: &Store) -> Result<BTreeSet<CaseId>, StoreError> {
    Ok(store.list(SHELF).await?.iter().filter_map(|key| case_of(key)).collect())
}

/// All of them. One that can't be read is left out.
pub async fn all(store: &Store) -> Result<Vec<Offered>, StoreError> {
    Ok(read_all(store).await?.into_iter().map(|(_, offered)| offered).collect())
}

/// Nothing is offered any more on the branch that is kept under `name`, by [`branch_key`].
pub async fn forget_branch(store: &Store, name: &str) -> Result<(), StoreError> {
    for key in store.list(&format!("{SHELF}/{name}")).await? {
        store.delete(&key).await?;
    }
    Ok(())
}

/// Nothing is offered any more in `repository`.
pub async fn forget_all(store: &Store, repository: &RepoName) -> Result<(), StoreError> {
    for (key, _) in read_all(store).await?.into_iter().filter(|(_, offered)| offered.repository == *repository) {
        store.delete(&key).await?;
    }
    Ok(())
}

/// Goes on under `now` with what is offered in the repository that was called `before`, unless as much was offered under that name since.
/// All offers are read for it: a renaming is rare.
pub async fn rename(store: &Store, before: &RepoName, now: &RepoName) -> Result<(), StoreError> {
    for key in store.list(LAST).await? {
        if let Some(offer) = read::<Offer>(store, &key).await?.filter(|offer| offer.wound.repository == *before) {
            let wound = Wound { repository: now.clone(), ..offer.wound };
            store.overwrite(&key, &Offer { wound, ..offer }).await?;
        }
    }
    for (old_key, offered) in read_all(store).await?.into_iter().filter(|(_, offered)| offered.repository == *before) {
        let of_offer = offered.offer.as_ref().map(|offer| offer.wound.base_branch.clone());
        let branch = match of_offer {
            Some(branch) => branch,
            None => match history::case(store, &offered.case).await?.and_then(|case| case.wound) {
                Some(wound) => wound.base_branch,
                None => continue,
            },
        };
        let offer = offered.offer.map(|offer| {
            let wound = Wound { repository: now.clone(), ..offer.wound };
            Offer { wound, ..offer }
        });
        let renamed = Offered { repository: now.clone(), offer, ..offered };
        let key = key(now, &branch, &renamed.case);
        if read(store, &key).await?.is_none_or(|there| order(&there) < order(&renamed)) {
            store.overwrite(&key, &renamed).await?;
        }
        store.delete(&old_key).await?;
    }
    Ok(())
}

impl Offer {
    /// Findings that are gone with it.
    pub fn healed(&self) -> BTreeSet<Fingerprint> {
        let left: BTreeSet<&Fingerprint> = self.left.iter().map(|left| &left.fingerprint).collect();
        self.wound.findings.iter().filter(|finding| !left.contains(finding)).cloned().collect()
    }

    /// By which the fix is known. `None`: there is no pull request.
    pub fn plan(&self) -> Option<String> {
        let pull = self.delivery.pull_request.as_ref()?;
        Some(pull.plan.clone().unwrap_or_else(|| pull.number.to_string()))
    }

    /// The later of two offers of a case has the greater one.
    fn order(&self) -> (RunId, u32) {
        (self.run, self.hops)
    }
}

/// Which of two offers of a case is the later one. Those that don't say are the earliest.
fn order(offered: &Offered) -> Option<(RunId, u32)> {
    offered.offer.as_ref().map(Offer::order)
}

/// All of them with their keys.
async fn read_all(store: &Store) -> Result<Vec<(String, Offered)>, StoreError> {
    let mut all = Vec::new();
    for key in store.list(SHELF).await? {
        all.extend(read::<Offered>(store, &key).await?.map(|offered| (key, offered)));
    }
    Ok(all)
}

async fn read<T: DeserializeOwned>(store: &Store, key: &str) -> Result<Option<T>, StoreError> {
    match store.read(key).await {
        Err(StoreError::Damaged { key, error }) => {
            tracing::error!(key, %error, "a record of what is offered is damaged");
            Ok(None)
        }
        read => read,
    }
}

fn case_of(key: &str) -> Option<CaseId> {
    key.rsplit('/').next()?.parse().ok()
}

fn last_key(case: &CaseId) -> String {
    format!("{LAST}/{case}")
}

fn key(repository: &RepoName, branch: &str, case: &CaseId) -> String {
    format!("{SHELF}/{}/{case}", branch_key(repository, branch))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::environment::effects::Effects;
    use serde_json::json;

    /// An offer in `repository` by the run that began at `second`.
    pub(crate) fn offer(repository: &str, second: i64) -> Offer {
        let commit = "0".repeat(40);
        let wound = json!({
            "repository": repository, "base_branch": "main", "commit": commit, "event_type": "vulnerability.dependency",
            "rule": "", "severity": "high", "path": "package-lock.json", "findings": [],
        });
        let delivery = json!({ "branch": "suture/one", "commit": commit, "files": [], "diff": "" });
        Offer {
            run: RunId::new(Timestamp::from_second(second).unwrap(), [0; 10]),
            hops: 3,
            wound: serde_json::from_value(wound).unwrap(),
            delivery: serde_json::from_value(delivery).unwrap(),
            left: Vec::new(),
            advisories: BTreeSet::new(),
            is_kept_by_people: false,
            tried: None,
            at: None,
            releases: BTreeSet::new(),
            verdict: None,
        }
    }

    #[tokio::test]
    async fn renaming_takes_an_offer_along_and_overwrites_no_later_one() {
        let (before, now) = ("hub/octo/shop", "hub/octo/store");
        let case = CaseId::of(&before.parse().unwrap(), "main", "npm", "package-lock.json");
        for (there, expected) in [(None, 2), (Some(1), 2), (Some(3), 3)] {
            let store = Store::memory(Effects::default());
            keep(&store, &case, offer(before, 2)).await.unwrap();
            if let Some(second) = there {
                keep(&store, &case, offer(now, second)).await.unwrap();
            }
            rename(&store, &before.parse().unwrap(), &now.parse().unwrap()).await.unwrap();
            let [left] = &all(&store).await.unwrap()[..] else { panic!("one is left") };
            assert_eq!(left.offer, Some(offer(now, expected)), "{there:?}");
        }
    }
}
