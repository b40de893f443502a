//! A case that something happened to from outside: a pull request, a check. What follows is recorded with its last run, whoever began
//! the run that tells of it.

use crate::environment::Environment;
use crate::error::AgentError;
use crate::history;
use pipeline::case::{Case, CaseRecord, Delivery, Status, Wound, fold};
use pipeline::ids::{CaseId, RepoName};
use pipeline::outbox::Reply;
use pipeline::payload::CaseEvent;

/// A case with a fix that was delivered.
#[derive(Debug, Clone)]
pub struct Standing {
    /// How it stands.
    pub case: Case,
    /// What it is about.
    pub wound: Wound,
    /// Where its fix is.
    pub delivery: Delivery,
    /// How far its last run came.
    hops: u32,
}

impl Standing {
    /// The case `id` of `repository`, if it stands with a fix that people may still take. Whoever knows our names can make a branch that
    /// looks like ours: then there is no such case.
    pub async fn of(env: &Environment, id: &CaseId, repository: &RepoName) -> Result<Option<Self>, AgentError> {
        let records = history::case_records(&env.store, id).await?;
        let Some(case) = fold(records.clone()) else { return Ok(None) };
        let hops = records.iter().filter(|record| record.run == case.run).map(|record| record.hops).max();
        let (Some(wound), Some(delivery)) = (case.wound.clone(), case.delivery.clone()) else { return Ok(None) };
        let is_open = matches!(case.status, Status::Initiated | Status::Proposed | Status::Failed | Status::Escalated);
        if !is_open || wound.repository != *repository || delivery.branch.is_none() {
            return Ok(None);
        }
        Ok(Some(Self { case, wound, delivery, hops: hops.unwrap_or_default() }))
    }

    /// Records what became of it.
    pub fn record<P>(&self, reply: &mut Reply<'_, P>, fill: impl FnOnce(&mut CaseRecord)) {
        reply.record_in(&self.case.case, self.case.run, self.hops.saturating_add(1), fill);
    }

    /// An event about it.
    pub fn event(&self, detail: impl Into<String>) -> CaseEvent {
        CaseEvent { case: self.case.case.clone(), repository: self.wound.repository.clone(), detail: detail.into() }
    }
}
