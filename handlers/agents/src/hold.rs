//! A case that a guard rail holds back: its branch is scanned anew when the time is over, and decided by what is true then.

use crate::error::AgentError;
use jiff::{SignedDuration, Timestamp};
use pipeline::case::Wound;
use pipeline::decision::Verdict;
use pipeline::ids::CaseId;
use pipeline::message::{queue, topic};
use pipeline::outbox::Reply;
use pipeline::payload::{CaseEvent, Mode, ScanRequested};

/// By so much clocks may differ. Looked at by one that is behind, a case would be held until the same moment again: a message that was handled.
const SKEW_S: i64 = 2 * 60;

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
    let subject = format!("{} {}", wound.repository, wound.base_branch);
    Ok(reply.begin_run_later(due, queue::SCAN, topic::SCAN_REQUESTED, &subject, &scan)?)
}
