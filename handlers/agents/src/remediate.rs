//! Function `remediate`: the smallest fix of a case, proven, on a branch of its own.

use crate::declined;
use crate::environment::Environment;
use crate::environment::git::Delivered;
use crate::environment::github::GitHubRepository;
use crate::environment::registries::ProjectAddresses;
use crate::environment::repository::{Fix, Outcome};
use crate::error::AgentError;
use crate::examine::{Examination, examine};
use crate::facts::{self, Determined};
use crate::guards::{self, Asked, Delivering};
use crate::hold;
use crate::offer::{self, Said, Wanted};
use crate::offered;
use crate::prove::{Seen, failures, prove};
use crate::tries::{self, Noted, Try};
use crate::{breaker, history, merges};
use detectors::source_tree::SourceTree;
use jiff::Timestamp;
use pipeline::case::{CaseRecord, Delivery, FACTS_STEP, PullRequestRef, SETTINGS_STEP, Status, Step, Wound};
use pipeline::decision::guard::Guard;
use pipeline::decision::{Circumstances, Decision, Evidence, Phase, Reach, Verdict, decide, is_immediate};
use pipeline::finding::Finding;
use pipeline::ids::{CommitSha, hash_of};
use pipeline::learning::outcome::{Remedy, Tried};
use pipeline::message::{Envelope, queue, topic};
use pipeline::outbox::{Outbox, Reply};
use pipeline::patch::{Change, Patch, Plan};
use pipeline::payload::{CaseEvent, Mode, RemediationRequested, ScanRequested, VerificationRequested};
use pipeline::policy::vocabulary::{ActionType, Condition};
use pipeline::policy::when::Subject;
use pipeline::policy::{MINIMUM_RELEASE_AGE_DAYS, Policy};
use pipeline::wording;
use pipeline::wording::github::Offer;
use remedies::update_dependency::{self, Rules};
use std::collections::BTreeSet;

/// Work that a plan may cost: steps of the search before it settles for an irreducible set.
const PLAN_STEPS_MAX: u64 = 200_000;

/// How often a case waits for registries that can't be reached: half an hour in all. Then people are told, for the address may be wrong.
const FACTS_ATTEMPTS_MAX: u32 = 5;

type Request = Envelope<RemediationRequested>;

/// Validates, determines, applies, proves and delivers.
///
/// Starts over with a scan where the base branch moved. Tries later where a registry asks for it, and for a while where one can't
/// be reached; somebody who heals a folder is told that at once. Can't be helped where the branch is checked out, or the repository is gone.
pub async fn remediate(env: &Environment, message: Request) -> Result<Outbox, AgentError> {
    let request = &message.payload;
    let repository = env.repository(&request.wound.repository)?;
    let head = repository.branch(&request.wound.base_branch).await?.ok_or_else(|| gone(&request.wound))?;
    let tree = repository.tree(&head, &env.tree_limits).await?;
    let before = examine(env, &tree).await?;
    if is_forgotten(&before, &request.wound) {
        return Err(AgentError::advisories_silent());
    }
    let Some(graph) = before.graph_at(&request.wound.path).filter(|graph| before.of_graph(*graph).next().is_some())
    else {
        return not_true(env, &message, &head, &before).await;
    };
    if head != request.wound.commit {
        return start_over(env, &message, head);
    }
    let findings: Vec<&Finding> = before.of_graph(graph).map(|matched| &matched.finding).collect();
    let policy = env.policies.of(&Subject::of(&request.wound, &findings));
    let policy = policy.map(|policy| policy.map(|policy| before.config.tightened(policy)));
    let Determined { plan, facts, needs_unknown, passing } = match &before.config_error {
        // The repository may forbid what would be done, so nothing is.
        Some(_) => Determined::default(),
        None => determine(env, &tree, &before, graph, policy.as_ref().ok().and_then(Option::as_ref)).await?,
    };
    if let Some(reason) = passing.filter(|_| repository.on_github().is_some() && message.attempt < FACTS_ATTEMPTS_MAX) {
        return Err(AgentError::TryLater { reason, not_before: None });
    }
    let is_blind = facts.packages.values().any(|package| package.unavailable.is_some());
    let attempt = Attempt { env, message: &message, before: &before, graph, policy, plan, needs_unknown, is_blind };
    if attempt.plan.changes.is_empty() {
        return attempt.nothing_to_do().await;
    }
    let patch = match update_dependency::apply(&before.graphs[graph], &attempt.plan, &facts, &tree) {
        Ok(patch) => patch,
        Err(error) => return attempt.failed(vec![Step::new("apply", false, error.to_string())]).await,
    };
    attempt.finish(&tree, patch).await
}

fn gone(wound: &Wound) -> AgentError {
    AgentError::cant_be_helped(format!("the branch {} is gone", wound.base_branch))
}

/// Whether findings are missing only because their advisories can't be asked for any more.
fn is_forgotten(before: &Examination, wound: &Wound) -> bool {
    let suppressed = before.suppressed.iter().map(|(matched, _)| matched);
    let seen: BTreeSet<_> =
        before.matched.iter().chain(suppressed).map(|matched| &matched.finding.fingerprint).collect();
    before.is_unasked(&wound.path) && wound.findings.iter().any(|finding| !seen.contains(finding))
}

/// The findings are no longer true at the head of the base branch, or not to be acted on there.
async fn not_true(
    env: &Environment,
    message: &Request,
    head: &CommitSha,
    before: &Examination,
) -> Result<Outbox, AgentError> {
    let RemediationRequested { case, wound, .. } = &message.payload;
    if before.unread().contains(wound.path.as_str()) {
        return Err(AgentError::cant_be_helped(format!("{} can't be read at {}", wound.path, head.short())));
    }
    let mut reply = Reply::new("remediate", message, env.clock.now());
    let graph = before.graph_at(&wound.path);
    let why: Vec<String> = before
        .suppressed
        .iter()
        .filter(|(matched, _)| Some(matched.graph) == graph)
        .map(|(_, why)| wording::suppression(why))
        .collect();
    if !why.is_empty() {
        let event = CaseEvent { case: case.clone(), repository: wound.repository.clone(), detail: why.join("; ") };
        reply.event(topic::HEALING_SUPPRESSED, case.as_str(), &event)?;
        offered::have_looked_at(&env.store, &mut reply, case, wound).await?;
        reply.record(case, |record| {
            record.status = Some(Status::Suppressed);
            record.decision = Some((Decision::Suppress, why));
        });
        return Ok(reply.finish());
    }
    let detail = format!("at {} on {} nothing of it is found", head.short(), wound.base_branch);
    let event = CaseEvent { case: case.clone(), repository: wound.repository.clone(), detail: detail.clone() };
    reply.event(topic::HEALING_FALSE_POSITIVE, case.as_str(), &event)?;
    reply.record(case, |record| {
        record.status = Some(Status::FalsePositive);
        record.steps.push(Step::new("validate", false, detail));
    });
    Ok(reply.finish())
}

/// The base branch moved since the scan: what was decided there may not be true here.
fn start_over(env: &Environment, message: &Request, head: CommitSha) -> Result<Outbox, AgentError> {
    let RemediationRequested { case, wound, mode, .. } = &message.payload;
    let mut reply = Reply::new("remediate", message, env.clock.now());
    let detail = format!("{} moved from {} to {}", wound.base_branch, wound.commit.short(), head.short());
    let event = CaseEvent { case: case.clone(), repository: wound.repository.clone(), detail: detail.clone() };
    reply.event(topic::HEALING_SUPERSEDED, case.as_str(), &event)?;
    let scan = ScanRequested {
        repository: wound.repository.clone(),
        base_branch: wound.base_branch.clone(),
        commit: head,
        mode: *mode,
        is_anew: true,
    };
    // All cases of a moved base need the same scan.
    reply.command_of_run(queue::SCAN, topic::SCAN_REQUESTED, scan.commit.as_str(), &scan)?;
    reply.record(case, |record| {
        record.status = Some(Status::Superseded);
        record.steps.push(Step::new("validate", false, detail));
    });
    Ok(reply.finish())
}

/// The smallest plan for the findings of `graph`.
async fn determine(
    env: &Environment,
    tree: &SourceTree,
    before: &Examination,
    graph: usize,
    policy: Option<&Policy>,
) -> Result<Determined, AgentError> {
    let action = policy.and_then(|policy| policy.action(ActionType::UpdateDependency));
    let age = action.and_then(|action| action.minimum_release_age_days).unwrap_or(MINIMUM_RELEASE_AGE_DAYS);
    let rules = Rules {
        now: env.clock.now(),
        minimum_release_age_days: before.config.minimum_release_age_days.map_or(age, |stricter| stricter.max(age)),
        allow_breaking: action.is_some_and(|action| !action.requires(Condition::NoBreakingChanges)),
        allow_overrides: action.is_some_and(|action| action.allow_overrides),
        steps_max: PLAN_STEPS_MAX,
    };
    let matched: Vec<_> = before.of_graph(graph).collect();
    let project = &before.graphs[graph];
    let addresses =
        ProjectAddresses::of(project, npmrc(tree, &project.manifest), detectors::dependency::index_urls(tree, project));
    facts::plan(env, project, &addresses, &matched, &rules).await
}

/// The `.npmrc` beside the manifest, where there is one.
fn npmrc<'a>(tree: &'a SourceTree, manifest: &str) -> Option<&'a str> {
    let folder = manifest.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    tree.text(&format!("{folder}.npmrc")).ok()
}

/// A plan on its way to a branch.
struct Attempt<'a> {
    env: &'a Environment,
    message: &'a Request,
    before: &'a Examination,
    graph: usize,
    /// What holds for the case, or why that can't be told.
    policy: Result<Option<Policy>, String>,
    plan: Plan,
    /// Releases whose needs could not be learned.
    needs_unknown: Vec<String>,
    /// Whether nothing could be learned of some package: that there is no fix may only seem so.
    is_blind: bool,
}

impl Attempt<'_> {
    /// Proves `patch`, decides with the proof in hand, and delivers.
    async fn finish(self, tree: &SourceTree, patch: Patch) -> Result<Outbox, AgentError> {
        let RemediationRequested { case, wound, mode, .. } = &self.message.payload;
        let mut steps = vec![
            Step::new("validate", true, format!("true at {}", wound.commit.short())),
            Step::new("determine", true, wording::determined(self.plan.changes.len(), self.plan.heals.len())),
            Step::new("apply", true, files(&patch).join(", ")),
        ];
        let patched = tree.patched(&patch);
        let proof = prove(self.env, Seen { tree, examination: self.before }, &self.plan.heals, &patched).await?;
        let failed = failures(&proof);
        steps.extend(proof.iter().map(|step| Step::new(format!("prove: {}", step.name), step.ok, step.detail.clone())));
        if !failed.is_empty() {
            return self.failed(steps).await;
        }
        let review = self.wants_review().then(|| self.review(&patched, &patch));
        steps.extend(review.clone());
        let heals: Vec<&Finding> = self.healed().collect();
        let reach = update_dependency::reach(&self.before.graphs[self.graph], &self.plan);
        let remedy = Remedy::update(&self.before.graphs[self.graph].ecosystem.to_string(), reach);
        let circumstances =
            Circumstances { is_as_intended: review.map(|step| step.ok), ..self.circumstances(&heals, reach) };
        let mut verdict = self.verdict(circumstances.clone());
        let is_delivered = verdict.decision.is_delivered() && *mode != Mode::DryRun;
        let repository = self.env.repository(&wound.repository)?;
        let plan = wording::github::plan_hash(&self.plan);
        if let Some(remote) = repository.on_github().filter(|_| is_delivered) {
            self.hear(remote).await?;
            if let Some(number) = declined::find(&self.env.store, case, &plan).await? {
                return self.declined(steps, number).await;
            }
        }
        let mut taken = None;
        // What is not to be delivered anyway spends no budget.
        if let Ok(Some(policy)) = self.policy.as_ref()
            && is_delivered
        {
            let delivering = Delivering {
                case,
                wound,
                remedy: &remedy,
                plan: &plan,
                patch: &patch,
                message: self.message.id,
                is_immediate: is_immediate(policy, &circumstances),
                is_pull_request: repository.on_github().is_some(),
            };
            let Asked { mut guards, taken: by_asking } = guards::before_delivery(self.env, policy, delivering).await?;
            taken = Some((policy, delivering, by_asking));
            if guards.iter().any(Guard::is_stop) && self.is_offered(repository.on_github()).await? {
                // What stands there already is not stopped, but followed.
                guards.retain(|guard| !guard.is_stop());
            }
            verdict = self.verdict(Circumstances { guards, ..circumstances });
        }
        match verdict.decision {
            Decision::Observe => return self.observed(steps, &verdict),
            Decision::Escalate | Decision::Suppress => return self.escalated(steps, &verdict).await,
            Decision::Heal | Decision::Propose => {}
        }
        if let Some(until) = hold::until(&verdict) {
            return self.held(steps, &verdict, until);
        }
        let diff = wording::diff(&patch);
        let diff_key = format!("diffs/{}", hash_of(&[&diff]));
        self.env.store.keep(&diff_key, &diff).await?;
        let mut delivery =
            Delivery { branch: None, commit: None, files: files(&patch), diff: diff_key, pull_request: None };
        if *mode == Mode::DryRun {
            let mut reply = self.reply();
            reply.record(case, |record| {
                self.fill(record, Status::Planned, steps, &verdict);
                record.delivery = Some(delivery);
            });
            return Ok(reply.finish());
        }
        let message =
            wording::commit_message(case, self.message.correlation_id, wound, &self.plan, &heals, &proof, &verdict);
        let branch = case.branch();
        if repository.on_github().is_some() {
            tries::begin(self.env, case, self.message.id).await?;
        }
        let now = self.env.clock.now();
        let fix = Fix {
            base_branch: &wound.base_branch,
            base: &wound.commit,
            branch: &branch,
            patch: &patch,
            message: &message,
        };
        let commit = match repository.deliver(fix, now).await? {
            Outcome::Delivered(Delivered::Now(commit)) => {
                steps.push(Step::new("deliver", true, format!("{} on {branch}", commit.short())));
                commit
            }
            Outcome::Delivered(Delivered::Before(commit)) => {
                steps.push(Step::new("deliver", true, format!("{} is on {branch} already", commit.short())));
                commit
            }
            Outcome::Delivered(Delivered::Foreign(commit)) => {
                steps.push(Step::new(
                    "deliver",
                    false,
                    format!("{branch} has commits of somebody else ({}); it was left alone", commit.short()),
                ));
                if let Some((policy, delivering, taken)) = taken {
                    guards::give_back(self.env, policy, delivering, taken).await?;
                }
                return self.escalated(steps, &verdict).await;
            }
            Outcome::BaseMoved => {
                // What was taken before stands there still, and is followed.
                if let Some((policy, delivering, taken)) = taken {
                    guards::give_back(self.env, policy, delivering, taken).await?;
                }
                let head = repository.branch(&wound.base_branch).await?.ok_or_else(|| gone(wound))?;
                return start_over(self.env, self.message, head);
            }
        };
        if let Some(remote) = repository.on_github() {
            let offer = Offer {
                case,
                run: self.message.correlation_id,
                wound,
                plan: &self.plan,
                heals: &heals,
                proof: &proof,
                verdict: &verdict,
            };
            let wanted = Wanted {
                branch: &branch,
                base: &wound.base_branch,
                title: &wording::github::title(&self.plan, wound),
                body: &wording::github::body(&offer),
                plan: &self.plan,
                is_draft: !verdict.is_ready(),
            };
            let pull = offer::open(remote, &wanted).await?;
            steps.push(Step::new("offer", true, pull.url.clone()));
            delivery.pull_request = Some(pull);
        }
        delivery.branch = Some(branch);
        delivery.commit = Some(commit);
        if delivery.pull_request.is_some() {
            // Somebody may merge or close it already: nothing else comes before this.
            let offer = self.offer(&delivery, remedy, &verdict);
            if !offered::stands(&self.env.store, case, wound).await? {
                let noted = Noted { at: self.env.clock.now(), healed: BTreeSet::new() };
                tries::note(self.env, case, Try::Delivered, self.message.id, &noted).await?;
            }
            self.replace(&offer).await?;
            offered::keep_last(&self.env.store, case, &offer).await?;
            offered::keep(&self.env.store, case, offer).await?;
        }
        let mut reply = self.reply();
        reply.event(
            topic::REMEDIATION_COMPLETE,
            case.as_str(),
            &self.event(format!("{} changes", self.plan.changes.len())),
        )?;
        let request = VerificationRequested {
            case: case.clone(),
            wound: wound.clone(),
            verdict: verdict.clone(),
            heals: heals.into_iter().cloned().collect(),
            left: self.plan.left.clone(),
            delivery: delivery.clone(),
        };
        reply.command(queue::VERIFY, topic::VERIFICATION_REQUESTED, case.as_str(), &request)?;
        reply.record(case, |record| {
            self.fill(record, Status::Initiated, steps, &verdict);
            record.delivery = Some(delivery);
        });
        Ok(reply.finish())
    }

    /// Whether the handling of this message came as far as the pull request before, and then died.
    async fn is_offered(&self, remote: Option<&GitHubRepository>) -> Result<bool, AgentError> {
        let case = &self.message.payload.case;
        let Some(remote) = remote else { return Ok(false) };
        if !tries::is_begun(self.env, case, self.message.id).await? {
            return Ok(false);
        }
        let pull = remote.pull_request_of(&case.branch()).await?.filter(|pull| pull.is_open);
        let hash = wording::github::plan_hash(&self.plan);
        Ok(pull.is_some_and(|pull| wording::github::offered_plan(&pull.body) == Some(&*hash)))
    }

    /// What its pull request offered before `offer` is offered no more, and nobody will tell what came of it: it holds neither a place among
    /// merges without people nor the one try of a breaker.
    async fn replace(&self, offer: &offered::Offer) -> Result<(), AgentError> {
        let RemediationRequested { case, wound, .. } = &self.message.payload;
        let Some(before) = offered::find(&self.env.store, case, wound).await?.and_then(|offered| offered.offer) else {
            return Ok(());
        };
        let number = |offer: &offered::Offer| offer.delivery.pull_request.as_ref().map(|pull| pull.number);
        if let (Some(tried), Some(plan)) = (&before.tried, before.plan())
            && number(&before) == number(offer)
            && offer.plan().as_ref() != Some(&plan)
        {
            merges::give_back(self.env, case, &plan, Timestamp::MAX).await?;
            breaker::give_back(self.env, &tried.remedy, &before.wound.repository, (case, &plan)).await?;
        }
        Ok(())
    }

    /// What the pull request of `delivery` offers.
    fn offer(&self, delivery: &Delivery, remedy: Remedy, verdict: &Verdict) -> offered::Offer {
        let matched = || self.before.matched.iter().map(|matched| &matched.finding);
        let is_left = |finding: &&Finding| self.plan.left.iter().any(|left| left.fingerprint == finding.fingerprint);
        offered::Offer {
            run: self.message.correlation_id,
            hops: self.message.hops,
            wound: self.message.payload.wound.clone(),
            delivery: delivery.clone(),
            left: self.plan.left.clone(),
            advisories: offered::advisories(self.healed(), matched().filter(is_left)),
            is_kept_by_people: false,
            tried: Some(Tried { remedy, confidence: verdict.confidence }),
            at: Some(self.env.clock.now()),
            releases: self.releases(),
            verdict: Some(verdict.clone()),
        }
    }

    /// What the plan brings in.
    fn releases(&self) -> BTreeSet<String> {
        let ecosystem = self.before.graphs[self.graph].ecosystem;
        let brought = self.plan.changes.iter().filter_map(Change::brings_in);
        brought.map(|(name, version)| format!("{ecosystem} {name} {version}")).collect()
    }

    /// Nothing can be done: every finding stays, with its reason.
    async fn nothing_to_do(self) -> Result<Outbox, AgentError> {
        let mut verdict = self.message.payload.verdict.clone();
        verdict.decision = Decision::Escalate;
        let (reason, step, detail) = match &self.before.config_error {
            Some(error) => {
                let reason = format!("the repository's settings can't be read: {error}");
                (reason, SETTINGS_STEP, "the settings come first")
            }
            None => {
                let reason = "update_dependency: the condition patch_available does not hold".to_owned();
                match self.is_blind {
                    true => (reason, FACTS_STEP, "not every package could be asked for; what is left says why"),
                    false => (reason, "determine", "nothing can be changed within the rules; what is left says why"),
                }
            }
        };
        verdict.reasons.push(reason);
        self.escalated(vec![Step::new(step, false, detail)], &verdict).await
    }

    /// Hears what people say of what was offered last: nobody else may have heard it yet.
    async fn hear(&self, remote: &GitHubRepository) -> Result<(), AgentError> {
        let (case, store) = (&self.message.payload.case, &self.env.store);
        let last = match offered::last(store, case).await? {
            Some(offer) => offer.delivery.pull_request,
            None => history::last_pull(store, case).await?,
        };
        match offer::said(remote, &case.branch(), last.as_ref()).await? {
            Some(Said::Open(PullRequestRef { number, plan: Some(plan), .. })) => {
                declined::take_back(store, case, &plan, number).await?;
            }
            Some(Said::Declined(PullRequestRef { number, plan: Some(plan), .. })) => {
                declined::note(store, case, &plan, number, self.env.clock.now()).await?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Somebody closed the pull request `number` with this very fix: it is not offered again, and what is offered in its place is outdated.
    async fn declined(self, mut steps: Vec<Step>, number: u64) -> Result<Outbox, AgentError> {
        let RemediationRequested { case, wound, .. } = &self.message.payload;
        let why = wording::declined(number);
        steps.push(Step::new("offer", false, why.clone()));
        let mut reply = self.reply();
        reply.event(topic::HEALING_SUPPRESSED, case.as_str(), &self.event(why.clone()))?;
        offered::have_looked_at(&self.env.store, &mut reply, case, wound).await?;
        reply.record(case, |record| {
            record.status = Some(Status::Suppressed);
            record.decision = Some((Decision::Suppress, vec![why]));
            record.steps = steps;
            record.left = Some(self.plan.left.clone());
        });
        Ok(reply.finish())
    }

    /// The fix did not prove.
    async fn failed(self, steps: Vec<Step>) -> Result<Outbox, AgentError> {
        let RemediationRequested { case, wound, verdict, .. } = &self.message.payload;
        let reasons = failures(&steps);
        let mut reply = self.reply();
        reply.event(topic::REMEDIATION_FAILED, case.as_str(), &self.event(reasons.join("; ")))?;
        reply.command(
            queue::NOTIFY,
            topic::NOTIFICATION_REQUESTED,
            case.as_str(),
            &wording::escalated(case, wound, &reasons, &self.plan.left),
        )?;
        offered::have_looked_at(&self.env.store, &mut reply, case, wound).await?;
        let verdict = Verdict { decision: Decision::Escalate, reasons, ..verdict.clone() };
        reply.record(case, |record| self.fill(record, Status::Failed, steps, &verdict));
        Ok(reply.finish())
    }

    /// Nothing is done before `until`.
    fn held(self, mut steps: Vec<Step>, verdict: &Verdict, until: Timestamp) -> Result<Outbox, AgentError> {
        let RemediationRequested { case, wound, mode, .. } = &self.message.payload;
        steps.push(Step::new("guard", false, format!("nothing is done before {until}")));
        let mut reply = self.reply();
        hold::look_again_after(&mut reply, case, wound, *mode, verdict, until)?;
        reply.record(case, |record| self.fill(record, Status::Initiated, steps, verdict));
        Ok(reply.finish())
    }

    /// The repository only wants to be observed.
    fn observed(self, steps: Vec<Step>, verdict: &Verdict) -> Result<Outbox, AgentError> {
        let mut reply = self.reply();
        reply.record(&self.message.payload.case, |record| self.fill(record, Status::Observed, steps, verdict));
        Ok(reply.finish())
    }

    async fn escalated(self, steps: Vec<Step>, verdict: &Verdict) -> Result<Outbox, AgentError> {
        let RemediationRequested { case, wound, .. } = &self.message.payload;
        let mut reply = self.reply();
        let mut reasons = verdict.reasons.clone();
        reasons.extend(failures(&steps));
        let verdict = Verdict { decision: Decision::Escalate, reasons, ..verdict.clone() };
        reply.event(topic::HEALING_ESCALATED, case.as_str(), &self.event(verdict.reasons.join("; ")))?;
        let notice = wording::escalated(case, wound, &verdict.reasons, &self.plan.left);
        reply.command(queue::NOTIFY, topic::NOTIFICATION_REQUESTED, case.as_str(), &notice)?;
        offered::have_looked_at(&self.env.store, &mut reply, case, wound).await?;
        reply.record(case, |record| self.fill(record, Status::Escalated, steps, &verdict));
        Ok(reply.finish())
    }

    fn fill(&self, record: &mut CaseRecord, status: Status, steps: Vec<Step>, verdict: &Verdict) {
        record.status = Some(status);
        record.decision = Some((verdict.decision, verdict.reasons.clone()));
        record.grounds = Some(verdict.grounds());
        record.steps = steps;
        record.left = Some(self.plan.left.clone());
    }

    fn wants_review(&self) -> bool {
        let policy = self.policy.as_ref().ok().and_then(Option::as_ref);
        policy.is_some_and(|policy| policy.actions.iter().any(|action| action.validation.is_some()))
    }

    /// Whether `patch`, which made `patched`, changes what the plan says and nothing else.
    fn review(&self, patched: &SourceTree, patch: &Patch) -> Step {
        let before = &self.before.graphs[self.graph];
        let (graphs, _) = detectors::dependency::graphs(patched);
        let after = graphs.iter().find(|graph| graph.manifest == before.manifest && graph.lockfile == before.lockfile);
        let unintended = match after {
            Some(after) => update_dependency::review(before, after, &self.plan, patch),
            None => vec![format!("{} is gone", before.manifest)],
        };
        match unintended.is_empty() {
            true => Step::new("code_review", true, "only what was intended is changed"),
            false => Step::new("code_review", false, unintended.join("; ")),
        }
    }

    /// What is known with the proof in hand, but for the guard rails and the review.
    fn circumstances(&self, heals: &[&Finding], reach: Reach) -> Circumstances {
        let certainty = heals.iter().map(|finding| finding.confidence).fold(1.0, f64::min);
        let conditions = [
            (Condition::PatchAvailable, true),
            (Condition::NoBreakingChanges, reach != Reach::Breaking),
            (Condition::FixAvailable, true),
        ];
        Circumstances {
            phase: Phase::Proof,
            severities: heals.iter().map(|finding| finding.severity).collect(),
            evidence: vec![
                Evidence::detection(certainty),
                Evidence::proof(&[]),
                Evidence::compatibility(reach),
                Evidence::needs(&self.needs_unknown),
            ],
            conditions: conditions.into_iter().collect(),
            is_as_intended: None,
            mode: self.before.config.mode,
            // The scan knows what the code imports.
            priority: self.message.payload.verdict.priority,
            guards: Vec::new(),
        }
    }

    fn verdict(&self, circumstances: Circumstances) -> Verdict {
        match &self.policy {
            Ok(policy) => decide(policy.as_ref(), &circumstances),
            Err(error) => Verdict::undecidable(&circumstances, error),
        }
    }

    fn healed(&self) -> impl Iterator<Item = &Finding> {
        let matched = self.before.matched.iter().map(|matched| &matched.finding);
        matched.filter(|finding| self.plan.heals.contains(&finding.fingerprint))
    }

    fn reply(&self) -> Reply<'_, RemediationRequested> {
        Reply::new("remediate", self.message, self.env.clock.now())
    }

    fn event(&self, detail: String) -> CaseEvent {
        let RemediationRequested { case, wound, .. } = &self.message.payload;
        CaseEvent { case: case.clone(), repository: wound.repository.clone(), detail }
    }
}

fn files(patch: &Patch) -> Vec<String> {
    patch.files.iter().map(|file| file.path.clone()).collect()
}
