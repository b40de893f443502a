//! What was merged without people of late, as a state: one for all, for the rate of a policy is one of all such merges.

use crate::environment::Environment;
use crate::error::AgentError;
use crate::offered::Offer;
use crate::state::{self, View};
use jiff::Timestamp;
use pipeline::ids::CaseId;
use pipeline::learning::merges::{Merge, Merges};

/// The state that it is kept in.
const NAME: &str = "unattended-merges";

/// What is known of them. Damaged, nothing is: then nothing may be merged without people.
pub async fn read(env: &Environment) -> Result<Option<Merges>, AgentError> {
    let view: View<Merges> = state::read(env, NAME).await?;
    Ok((!view.is_damaged).then(|| view.value.unwrap_or_default()))
}

/// Whether the fix that was offered for `case` was taken for one of them.
pub async fn has_offer(env: &Environment, case: &CaseId, offer: &Offer) -> Result<bool, AgentError> {
    match offer.plan() {
        Some(plan) => has(env, case, &plan).await,
        None => Ok(false),
    }
}

/// Whether the fix of `case` by `plan` was taken for one of them.
pub async fn has(env: &Environment, case: &CaseId, plan: &str) -> Result<bool, AgentError> {
    Ok(read(env).await?.is_some_and(|merges| merges.has(case, plan)))
}

/// Takes the place of `merge`, before it is made. Why there is none, if there is none: others may have been faster.
pub async fn take(env: &Environment, merge: &Merge, wrong_rate_max: f64) -> Result<Option<String>, AgentError> {
    let now = env.clock.now();
    change(env, |merges| {
        let refusal = merges.refusal((&merge.case, &merge.plan), &merge.releases, wrong_rate_max, now);
        if refusal.is_none() {
            merges.take(merge.clone(), now);
        }
        refusal
    })
    .await
}

/// The place that was taken for the fix before `until` was taken in vain: it was not merged.
pub async fn give_back(env: &Environment, case: &CaseId, plan: &str, until: Timestamp) -> Result<(), AgentError> {
    // Few fixes have one, and where nothing can be read there is none.
    match has(env, case, plan).await? {
        true => change(env, |merges| merges.give_back(case, plan, until)).await,
        false => Ok(()),
    }
}

/// The fix was merged, and turned out wrong.
pub async fn turned_out_wrong(env: &Environment, case: &CaseId, plan: &str) -> Result<(), AgentError> {
    change(env, |merges| merges.turned_out_wrong(case, plan)).await
}

/// Changes the state. One that is damaged stays as it is until somebody looks at it.
async fn change<R>(env: &Environment, change: impl Fn(&mut Merges) -> R) -> Result<R, AgentError> {
    let changed = state::change(env, NAME, |view: &View<Merges>| {
        if view.is_damaged {
            return (None, None);
        }
        let before = view.value.clone().unwrap_or_default();
        let mut merges = before.clone();
        let said = change(&mut merges);
        ((merges != before).then_some(merges), Some(said))
    });
    match changed.await? {
        Some(Some(said)) => Ok(said),
        Some(None) => Err(AgentError::cant_be_helped("what was merged without people can't be read")),
        None => {
            Err(AgentError::TryLater { reason: "many fixes are merged at the same time".to_owned(), not_before: None })
        }
    }
}
