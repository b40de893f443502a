//! A fix that was merged, held, and was undone soon after: the same findings, of the same versions, are seen again.

use crate::environment::Environment;
use crate::error::AgentError;
use crate::learned::{self, Told};
use crate::offered::{self, Offer};
use crate::{history, merges};
use jiff::SignedDuration;
use pipeline::case::{Outcome, Step, Wound};
use pipeline::ids::CaseId;
use pipeline::learning::merges::SETTLED_DAYS;
use pipeline::learning::outcome::Ending;
use pipeline::message::RunId;
use pipeline::outbox::Reply;

/// Name of the step that tells of it.
pub const STEP: &str = "verify: reverted";

/// Tells of each fix of `case` that was merged and undone, if `wound`, which `run` saw, shows it: once for each. A finding's fingerprint has the
/// version in it, so that what is found newly of the version that was brought in is no sign of it.
///
/// A run that began before the merge was seen to hold may have looked at what was there before: it says nothing.
pub async fn tell<P>(
    env: &Environment,
    reply: &mut Reply<'_, P>,
    case: &CaseId,
    wound: &Wound,
    run: RunId,
) -> Result<(), AgentError> {
    for offer in offered::merged(&env.store, case).await? {
        let promised = offer.healed();
        if wound.findings.iter().any(|finding| promised.contains(finding)) {
            // The repository may have been renamed since.
            let offer = Offer { wound: Wound { repository: wound.repository.clone(), ..offer.wound }, ..offer };
            tell_of(env, reply, case, &offer, wound, run).await?;
        }
    }
    Ok(())
}

async fn tell_of<P>(
    env: &Environment,
    reply: &mut Reply<'_, P>,
    case: &CaseId,
    offer: &Offer,
    wound: &Wound,
    run: RunId,
) -> Result<(), AgentError> {
    let of_run = history::run_records(&env.store, case, offer.run).await?;
    let held = of_run.iter().filter(|record| record.outcome == Some(Outcome::Verified)).map(|record| record.at).max();
    // Whoever undoes what broke checks says nothing new of it.
    let has_regressed = of_run.iter().any(|record| record.outcome == Some(Outcome::Regressed));
    let is_told = has_regressed || of_run.iter().flat_map(|record| &record.steps).any(|step| step.name == STEP);
    let Some(held) = held.filter(|_| !is_told) else { return Ok(()) };
    let is_soon = env.clock.now().duration_since(held) <= SignedDuration::from_hours(SETTLED_DAYS * 24);
    if !is_soon || run.began() <= held {
        return Ok(());
    }
    let is_unattended = merges::has_offer(env, case, offer).await?;
    learned::tell(env, reply, Told { case, offer, ending: Ending::Reverted, is_unattended })?;
    let step = Step::new(STEP, false, format!("what was gone with it is there again at {}", wound.commit.short()));
    let hops = history::last_hops(&of_run, offer.run).saturating_add(1);
    reply.record_in(case, offer.run, hops, |record| record.steps.push(step));
    Ok(())
}
