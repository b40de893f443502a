//! A case that a guard rail holds back: its branch is scanned anew when the time is over, and decided by what is true then.

use crate::environment::Environment;
use crate::error::AgentError;
use crate::kill_switch;
use jiff::{SignedDuration, Timestamp};
use pipeline::case::Wound;
use pipeline::decision::Verdict;
use pipeline::ids::CaseId;
use pipeline::message::{Envelope, RunId, queue, topic};
use pipeline::outbox::{Outbox, Reply};
use pipeline::payload::{CaseEvent, Mode, ScanRequested};

/// By so much clocks may differ. Looked at by one that is behind, a case would be held until the same moment again: a message that was handled.
const SKEW_S: i64 = 2 * 60;

/// While the kill switch is on, a look is put off by so much.
const STOPPED_S: i64 = 15 * 60;

/// Until when `verdict` has nothing done, if it would have something done at all.
pub fn until(verdict: &Verdict) -> Option<Timestamp> {
    verdict.held_until.filter(|_| verdict.decision.is_delivered())
}

/// Tells that `case` is held, and has its branch scanned after `until`: what ought to be mended sooner some minutes before the rest, so that
/// it finds the budget that is renewed then. Cases of one branch that wait for the same moment share one scan.
pub fn look_again_after<P>(
    reply: &mut Reply<'_, P>,
    case: &CaseId,
    wound: &Wound,
    mode: Mode,
    verdict: &Verdict,
    until: Timestamp,
) -> Result<(), AgentError> {
    let detail = verdict.reasons.join("; ");
    let event = CaseEvent { case: case.clone(), repository: wound.repository.clone(), detail };
    reply.event(topic::HEALING_HELD, case.as_str(), &event)?;
    let scan = ScanRequested {
        repository: wound.repository.clone(),
        base_branch: wound.base_branch.clone(),
        commit: wound.commit.clone(),
        mode,
        is_anew: true,
    };
    let after = SignedDuration::from_secs(SKEW_S).saturating_add(verdict.priority.urgency.stagger());
    let due = until.saturating_add(after).unwrap_or(until);
    Ok(reply.begin_run_later(due, queue::SCAN, topic::SCAN_REQUESTED, &subject(&scan), &scan)?)
}

/// What is answered to a look by [`look_again_after`] while the kill switch is on: nothing but the same look later. Every case of the branch
/// would be held anew, and each time have one more run in its history. `None`: it is to be taken.
pub async fn put_off_while_stopped(
    env: &Environment,
    message: &Envelope<ScanRequested>,
) -> Result<Option<Outbox>, AgentError> {
    if !is_another_look(message) || kill_switch::guard(env).await?.is_none() {
        return Ok(None);
    }
    let now = env.clock.now();
    let began = message.correlation_id.began();
    // Looks keep the distance that they have by their urgency.
    let steps = now.duration_since(began).as_secs().max(0) / STOPPED_S + 1;
    let due = began.saturating_add(SignedDuration::from_secs(steps * STOPPED_S)).unwrap_or(now);
    let mut reply = Reply::new("scan", message, now);
    let scan = &message.payload;
    reply.begin_run_later(due, queue::SCAN, topic::SCAN_REQUESTED, &subject(scan), scan)?;
    Ok(Some(reply.finish()))
}

/// Whether `message` was put off by [`look_again_after`]: its run is named after when it was due, and its branch.
fn is_another_look(message: &Envelope<ScanRequested>) -> bool {
    let run = message.correlation_id;
    run == RunId::about(run.began(), &subject(&message.payload))
}

fn subject(scan: &ScanRequested) -> String {
    format!("{} {}", scan.repository, scan.base_branch)
}
