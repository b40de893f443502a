//! A case that something happened to from outside: a pull request, a check. What follows is recorded with the run that offered its fix,
//! whoever began the run that tells of it, and whatever later runs came to.

use crate::environment::Environment;
use crate::environment::github::{GitHubError, GitHubRepository};
use crate::error::AgentError;
use crate::offered::{self, Offer, Offered};
use crate::{history, learned, offer};
use pipeline::case::{Case, CaseRecord, FACTS_STEP, PullRequestRef, SETTINGS_STEP, Status, Step, fold};
use pipeline::ids::{CaseId, CommitSha, RepoName};
use pipeline::learning::outcome::Ending;
use pipeline::outbox::Reply;
use pipeline::payload::CaseEvent;

/// Name of the last step by which `verify` looks at what is offered.
pub(super) const LAST_STEP: &str = "verify: only what was meant";

/// A case with a fix that is offered in a pull request, and of which nothing is recorded yet that ends this.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The case.
    pub case: CaseId,
    /// What is offered.
    pub offer: Offer,
    /// Its pull request.
    pub pull: PullRequestRef,
    /// Its commit.
    pub commit: CommitSha,
    /// Steps of the run that offers it.
    pub steps: Vec<Step>,
    /// How the case stands, by its newest run.
    pub newest: Case,
    /// Why no fix is offered by what was done since, where that came to an end without one.
    pub is_without_fix: Option<Vec<String>>,
    /// Whether it became that of others, who committed to its branch.
    pub is_taken_over: bool,
    newest_hops: u32,
    hops: u32,
}

impl Standing {
    /// The case `id` of `repository`, if its fix is offered. Whoever knows our names can make a branch that looks like ours: then there is
    /// no such case.
    ///
    /// An offer that ended is forgotten here, and not where its end is seen: a process that dies before that is recorded has to find it again.
    pub async fn of(env: &Environment, id: &CaseId, repository: &RepoName) -> Result<Option<Self>, AgentError> {
        let records = history::case_records(&env.store, id).await?;
        let Some(newest) = fold(records.clone()) else { return Ok(None) };
        let Some(wound) = newest.wound.as_ref().filter(|wound| wound.repository == *repository) else {
            return Ok(None);
        };
        let Some(offered) = offered::find(&env.store, id, wound).await? else { return Ok(None) };
        let Some(offer) = of_records(offered, &records) else { return Ok(None) };
        let of_run = history::run_records(&env.store, id, offer.run).await?;
        if offered::is_over(&of_run, offer.hops) {
            offered::forget(&env.store, id, &offer.wound).await?;
            return Ok(None);
        }
        Ok(Self::from(id, offer, newest, &records, of_run))
    }

    /// The case `id` of `repository` whose fix was offered last in `number`, and became that of others, who committed to its branch. `None` once
    /// it is recorded what they made of it.
    pub async fn taken_over(
        env: &Environment,
        id: &CaseId,
        repository: &RepoName,
        number: u64,
    ) -> Result<Option<Self>, AgentError> {
        let offer = offered::last(&env.store, id).await?.filter(|offer| offer.wound.repository == *repository);
        // One that can't be read after the merge is looked at again.
        let is_open = |run: &Case| matches!(run.status, Status::Superseded | Status::Failed) && run.outcome.is_none();
        let is_it = |offer: &Offer| offer.delivery.pull_request.as_ref().is_some_and(|pull| pull.number == number);
        let Some(offer) = offer.filter(is_it) else { return Ok(None) };
        let of_run = history::run_records(&env.store, id, offer.run).await?;
        let is_theirs = fold(of_run.clone()).is_some_and(|run| is_open(&run));
        let records = history::case_records(&env.store, id).await?;
        let Some(newest) = fold(records.clone()).filter(|_| is_theirs) else { return Ok(None) };
        let standing = Self::from(id, offer, newest, &records, of_run);
        Ok(standing.map(|standing| Self { is_taken_over: true, ..standing }))
    }

    /// `None`: there is no pull request.
    fn from(id: &CaseId, offer: Offer, newest: Case, records: &[CaseRecord], of_run: Vec<CaseRecord>) -> Option<Self> {
        let (pull, commit) = (offer.delivery.pull_request.clone()?, offer.delivery.commit.clone()?);
        let is_without_fix = is_without_fix(records, &offer);
        let newest_hops = history::last_hops(records, newest.run);
        // `verify` itself follows next on the offer, and may not be through yet.
        let hops = history::last_hops(&of_run, offer.run).max(offer.hops.saturating_add(1));
        let steps = fold(of_run).map(|run| run.steps).unwrap_or_default();
        let (case, is_taken_over) = (id.clone(), false);
        Some(Self { case, offer, pull, commit, steps, newest, is_without_fix, is_taken_over, newest_hops, hops })
    }

    /// Records what became of the offer.
    pub fn record<P>(&self, reply: &mut Reply<'_, P>, fill: impl FnOnce(&mut CaseRecord)) {
        reply.record_in(&self.case, self.offer.run, self.hops.saturating_add(1), fill);
    }

    /// Records what that means for a later run, if there is one.
    pub fn record_in_newest<P>(&self, reply: &mut Reply<'_, P>, fill: impl FnOnce(&mut CaseRecord)) {
        if self.newest.run != self.offer.run {
            reply.record_in(&self.case, self.newest.run, self.newest_hops.saturating_add(1), fill);
        }
    }

    /// Whether `verify` looked at what is offered, and found that it holds.
    pub fn is_verified(&self) -> bool {
        self.steps.iter().any(|step| step.name == LAST_STEP && step.ok)
    }

    /// Has it learned how the fix ended. `is_unattended`: it was merged without people.
    pub fn learn<P>(
        &self,
        env: &Environment,
        reply: &mut Reply<'_, P>,
        ending: Ending,
        is_unattended: bool,
    ) -> Result<(), AgentError> {
        learned::tell(env, reply, learned::Told { case: &self.case, offer: &self.offer, ending, is_unattended })
    }

    /// An event about it.
    pub fn event(&self, detail: impl Into<String>) -> CaseEvent {
        let repository = self.offer.wound.repository.clone();
        CaseEvent { case: self.case.clone(), repository, detail: detail.into() }
    }

    /// Closes the pull request, says `why`, and deletes the branch. Whether it was ours to take back: others may have moved the
    /// branch. One that moves only once the pull request is closed is left to them.
    pub async fn take_back(&self, remote: &GitHubRepository, why: &str) -> Result<bool, GitHubError> {
        let branch = self.case.branch();
        if !offer::take_back(remote, &branch, &self.commit, Some(&self.pull), why).await? {
            return Ok(false);
        }
        remote.withdraw(&branch, &self.commit).await?;
        Ok(true)
    }
}

/// What is offered. Before it stood in its own record, it stood in those of the case alone.
fn of_records(offered: Offered, records: &[CaseRecord]) -> Option<Offer> {
    if offered.offer.is_some() {
        return offered.offer;
    }
    let is_it = |record: &&CaseRecord| {
        record.delivery.as_ref().is_some_and(|delivery| delivery.commit.as_ref() == Some(&offered.commit))
    };
    offer_of(records, is_it)
}

/// What was offered last in a record that `is_it`.
pub(super) fn offer_of(records: &[CaseRecord], is_it: impl Fn(&&CaseRecord) -> bool) -> Option<Offer> {
    let record = records.iter().filter(is_it).max_by_key(|record| (record.run, record.hops))?;
    let wound = fold(records.iter().filter(|other| other.run <= record.run).cloned())?.wound?;
    Some(Offer {
        run: record.run,
        hops: record.hops,
        wound,
        delivery: record.delivery.clone()?,
        left: record.left.clone().unwrap_or_default(),
        advisories: Default::default(),
        is_kept_by_people: false,
        tried: None,
        at: None,
        releases: Default::default(),
        verdict: None,
    })
}

/// Why there is no fix by what was looked at since `offer`, if that came to its end. Settings that can't be read say nothing of the fix,
/// nor do registries that can't be asked.
fn is_without_fix(records: &[CaseRecord], offer: &Offer) -> Option<Vec<String>> {
    let last = history::last_look(records).filter(|look| (look.run, look.hops) > (offer.run, offer.hops))?;
    let has_none = matches!(last.status, Some(Status::Escalated | Status::Failed | Status::Suppressed));
    let says_nothing = last.steps.iter().any(|step| [SETTINGS_STEP, FACTS_STEP].contains(&step.name.as_str()));
    let reasons = || last.decision.as_ref().map(|(_, reasons)| reasons.clone()).unwrap_or_default();
    (has_none && !says_nothing).then(reasons)
}
