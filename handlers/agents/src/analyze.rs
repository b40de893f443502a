//! Function `analyze`: what may be done about a case, before anything is tried.

use crate::environment::Environment;
use crate::error::AgentError;
use crate::{guards, hold, offered, reverted};
use pipeline::case::Status;
use pipeline::decision::priority::soonest;
use pipeline::decision::{Circumstances, Decision, Evidence, Phase, Verdict, decide};
use pipeline::finding::Fix;
use pipeline::message::{Envelope, queue, topic};
use pipeline::outbox::{Outbox, Reply};
use pipeline::payload::{CaseEvent, Detected, Mode, RemediationRequested};
use pipeline::policy::layers::RepositoryMode;
use pipeline::policy::vocabulary::Condition;
use pipeline::policy::when::Subject;
use pipeline::wording;

/// Holds the policy and the guard rails against the findings: whatever can still reach a fix goes to `remediate`, now or later.
pub async fn analyze(env: &Environment, message: Envelope<Detected>) -> Result<Outbox, AgentError> {
    let Detected { case, wound, findings, suppressed, mode } = &message.payload;
    let mut reply = Reply::new("analyze", &message, env.clock.now());
    let event = |detail: String| CaseEvent { case: case.clone(), repository: wound.repository.clone(), detail };
    if findings.is_empty() {
        let reasons: Vec<String> = suppressed.iter().map(|(_, why)| why.clone()).collect();
        reply.event(topic::HEALING_SUPPRESSED, case.as_str(), &event(reasons.join("; ")))?;
        offered::have_looked_at(&env.store, &mut reply, case, wound).await?;
        reply.record(case, |record| {
            record.decision = Some((Decision::Suppress, reasons));
            record.status = Some(Status::Suppressed);
        });
        return Ok(reply.finish());
    }
    reverted::tell(env, &mut reply, case, wound, message.correlation_id).await?;
    let certainty = findings.iter().map(|finding| finding.confidence).fold(1.0, f64::min);
    // Without any fixed version `remediate` still looks: the registry may have one that advisories don't name.
    let patch_available = findings.iter().any(|finding| finding.fix == Fix::Available);
    let policy = env.policies.of(&Subject::of(wound, &findings.iter().collect::<Vec<_>>()));
    let guards = match &policy {
        Ok(Some(policy)) if *mode != Mode::DryRun => guards::before_work(env, policy, case, wound, message.id).await?,
        _ => Vec::new(),
    };
    let circumstances = Circumstances {
        phase: Phase::Analysis,
        severities: findings.iter().map(|finding| finding.severity).collect(),
        evidence: vec![Evidence::detection(certainty)],
        conditions: patch_available.then_some((Condition::PatchAvailable, true)).into_iter().collect(),
        is_as_intended: None,
        mode: RepositoryMode::Auto,
        priority: soonest(findings),
        guards,
    };
    let verdict = match policy {
        Ok(policy) => decide(policy, &circumstances),
        Err(error) => Verdict::undecidable(&circumstances, &error),
    };
    reply.event(topic::ANALYSIS_COMPLETE, case.as_str(), &event(format!("{} can be reached", verdict.decision)))?;
    reply.record(case, |record| {
        record.decision = Some((verdict.decision, verdict.reasons.clone()));
        record.grounds = Some(verdict.grounds());
    });
    if let Some(until) = hold::until(&verdict) {
        hold::look_again_after(&mut reply, case, wound, *mode, &verdict, until)?;
        return Ok(reply.finish());
    }
    if verdict.decision.is_delivered() {
        let request = RemediationRequested { case: case.clone(), wound: wound.clone(), verdict, mode: *mode };
        reply.command(queue::REMEDIATE, topic::REMEDIATION_REQUESTED, case.as_str(), &request)?;
        return Ok(reply.finish());
    }
    reply.event(topic::HEALING_ESCALATED, case.as_str(), &event(verdict.reasons.join("; ")))?;
    reply.command(
        queue::NOTIFY,
        topic::NOTIFICATION_REQUESTED,
        case.as_str(),
        &wording::escalated(case, wound, &verdict.reasons, &[]),
    )?;
    offered::have_looked_at(&env.store, &mut reply, case, wound).await?;
    let mut outbox = reply.finish();
    for record in outbox.records.iter_mut().filter(|record| record.run == message.correlation_id) {
        record.status = Some(Status::Escalated);
    }
    Ok(outbox)
}
