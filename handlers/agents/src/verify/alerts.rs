//! What GitHub itself says after a merge: it closes its alerts some time after, or it does not.

use super::LOOKS_HOURS;
use super::case::Standing;
use crate::environment::Environment;
use crate::environment::github::DependabotAlert;
use crate::error::AgentError;
use crate::history;
use pipeline::case::{Status, Step};
use pipeline::message::{Envelope, queue, topic};
use pipeline::outbox::{Outbox, Reply};
use pipeline::payload::{AlertsAwaited, CaseEvent};
use pipeline::wording;

/// Name of the step that tells of alerts.
const STEP: &str = "verify: alerts";

/// Has GitHub's alerts on what a merged fix healed looked at after a while.
pub(super) fn await_closing<P>(
    env: &Environment,
    reply: &mut Reply<'_, P>,
    standing: &Standing,
) -> Result<(), AgentError> {
    let Standing { case, offer, .. } = standing;
    let awaited = AlertsAwaited {
        case: case.clone(),
        repository: offer.wound.repository.clone(),
        run: offer.run,
        path: offer.wound.path.clone(),
        advisories: offer.advisories.clone(),
        look: Some(0),
    };
    look_later(env, reply, &awaited)
}

/// Looks whether GitHub closed its alerts. Once it did, that is noted; if it never does, people are told, once, and the case stays what
/// our own look at the merged branch made of it. A later run of the case has its own word on them.
pub async fn alerts(env: &Environment, message: Envelope<AlertsAwaited>) -> Result<Outbox, AgentError> {
    let mut reply = Reply::new("verify", &message, env.clock.now());
    let awaited = &message.payload;
    let AlertsAwaited { case, repository, run, look, .. } = awaited;
    let of_run = history::run_records(&env.store, case, *run).await?;
    let is_told = of_run.iter().flat_map(|record| &record.steps).any(|step| step.name == STEP);
    let Some(newest) = history::case(&env.store, case).await? else { return Ok(reply.finish()) };
    let Some(wound) = newest.wound.filter(|_| newest.status == Status::Completed && !is_told) else {
        return Ok(reply.finish());
    };
    let there = env.repository(repository)?;
    let Some(remote) = there.on_github() else { return Ok(reply.finish()) };
    let listed = remote.dependabot_alerts().await?;
    let is_whole = listed.as_ref().is_some_and(|listed| !listed.is_cut);
    let alerts = listed.map(|listed| listed.items).unwrap_or_default();
    let open: Vec<String> = alerts.iter().filter(|alert| is_awaited(alert, awaited)).map(told).collect();
    let step = match (open.is_empty(), is_whole) {
        (true, true) => Step::new(STEP, true, "GitHub has no open alert on it"),
        (true, false) => Step::new(STEP, true, "GitHub's alerts can't all be looked at here"),
        (false, _) => {
            let Some(look) = look else { return Ok(reply.finish()) };
            let next = AlertsAwaited { look: Some(look.saturating_add(1)), ..awaited.clone() };
            if look.saturating_add(1) < LOOKS_HOURS.len() {
                look_later(env, &mut reply, &next)?;
                return Ok(reply.finish());
            }
            let notice = wording::alerts_open(case, &wound, &open);
            reply.command(queue::NOTIFY, topic::NOTIFICATION_REQUESTED, case.as_str(), &notice)?;
            Step::new(STEP, false, format!("still open: {}", open.join("; ")))
        }
    };
    let event = CaseEvent { case: case.clone(), repository: repository.clone(), detail: step.detail.clone() };
    reply.event(topic::VERIFICATION_COMPLETE, case.as_str(), &event)?;
    let hops = history::last_hops(&of_run, *run).saturating_add(1);
    reply.record_in(case, *run, hops, |record| record.steps.push(step));
    Ok(reply.finish())
}

fn look_later<P>(env: &Environment, reply: &mut Reply<'_, P>, awaited: &AlertsAwaited) -> Result<(), AgentError> {
    let hours = awaited.look.and_then(|look| LOOKS_HOURS.get(look)).copied().unwrap_or_default();
    super::come_again(env, reply, hours, topic::ALERTS_AWAITED, &awaited.case, awaited)
}

/// Whether an alert is about what was healed: in the folder of the file, for GitHub may name the manifest beside a lockfile, and by one of
/// the advisories.
fn is_awaited(alert: &DependabotAlert, awaited: &AlertsAwaited) -> bool {
    let AlertsAwaited { path, advisories, .. } = awaited;
    let manifest = &alert.dependency.manifest_path;
    if advisories.is_empty() {
        return alert.state == "open" && manifest == path;
    }
    let named = [Some(&alert.security_advisory.ghsa_id), alert.security_advisory.cve_id.as_ref()];
    alert.state == "open"
        && folder(manifest) == folder(path)
        && named.into_iter().flatten().any(|id| advisories.contains(id))
}

fn folder(path: &str) -> &str {
    path.trim_start_matches('/').rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn told(alert: &DependabotAlert) -> String {
    let fixed = alert.security_vulnerability.first_patched_version.as_ref().map(|version| version.identifier.as_str());
    let advisory = &alert.security_advisory;
    let package = &alert.dependency.package.name;
    wording::github::alert(alert.number, package, &advisory.ghsa_id, &advisory.severity, fixed)
}
