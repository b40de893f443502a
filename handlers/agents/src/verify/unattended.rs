//! Merging a fix without people, where the policy that holds now allows it and enough is known of its remedy.

use super::case::Standing;
use crate::environment::Environment;
use crate::environment::github::{GitHubRepository, Merging, PullRequest};
use crate::error::AgentError;
use crate::examine::{Examination, examine};
use crate::{guards, learned, merges};
use jiff::{SignedDuration, Timestamp};
use pipeline::case::Step;
use pipeline::decision::priority::soonest;
use pipeline::decision::{Circumstances, Decision, Phase, Verdict, decide};
use pipeline::finding::Finding;
use pipeline::learning::merges::Merge;
use pipeline::learning::outcome::Tried;
use pipeline::learning::unattended::{Asked, Pull, refusals};
use pipeline::policy::when::Subject;
use pipeline::policy::{AutoMerge, Policy};
use pipeline::wording;

/// Name of the steps that tell why it is not merged without people.
const STEP: &str = "verify: without people";

/// Name of the steps that tell what GitHub had against it.
const REFUSED_STEP: &str = "verify: merge";

/// For so long after a fix is offered it is left to people, and to checks that begin late, in minutes.
pub const REST_MINUTES: i64 = 60;

/// Whoever took a place so long ago has merged by now, or died, in minutes.
const GIVEN_UP_MINUTES: i64 = 60;

/// So often GitHub is asked to merge one commit.
const TRIES_MAX: usize = 3;

/// So many reasons are told of one offer; they change from look to look.
const TOLD_MAX: usize = 3;

/// Merges the pull request, whose checks are over and fine, if everything allows it. What there is to tell of that: why not, once each. That
/// it was merged is told by who hears of it.
///
/// Nothing is told where no policy wants it, where people have to approve, or where it is too soon.
pub(super) async fn merge(
    env: &Environment,
    standing: &Standing,
    remote: &GitHubRepository,
    pull: &PullRequest,
) -> Result<Option<Step>, AgentError> {
    let offer = &standing.offer;
    let (Some(tried), Some(offered), Some(plan), Some(at)) = (&offer.tried, &offer.verdict, offer.plan(), offer.at)
    else {
        return Ok(None);
    };
    if env.policies.iter().all(|policy| policy.auto_merge.is_none()) {
        return Ok(None);
    }
    // Nobody is at it any more who took a place so long ago, and it is open still: the place would count as a merge that was right.
    let given_up = env.clock.now().saturating_sub(SignedDuration::from_mins(GIVEN_UP_MINUTES)).unwrap_or(at);
    merges::give_back(env, &standing.case, &plan, given_up).await?;
    let is_for_people = offered.decision != Decision::Heal || offer.is_kept_by_people;
    let is_too_soon = env.clock.now() < at.saturating_add(SignedDuration::from_mins(REST_MINUTES)).unwrap_or(at);
    // GitHub finds out whether it can be merged only when it is asked, and takes a moment for it.
    if is_for_people || is_too_soon || !standing.is_verified() || pull.is_mergeable.is_none() {
        return Ok(None);
    }
    let is_refused = standing.steps.iter().filter(|step| step.name == REFUSED_STEP).count() >= TRIES_MAX;
    if is_refused {
        return Ok(None);
    }
    let Some(now) = Now::of(env, standing, remote, offered).await? else { return Ok(None) };
    let reasons = match now.auto_merge {
        None => vec![wording::no_auto_merge().to_owned()],
        Some(auto_merge) => {
            let pull = state_of(standing, remote, pull).await?;
            why_not(env, standing, (tried, &plan), &now, auto_merge, pull).await?
        }
    };
    let Some(auto_merge) = now.auto_merge.filter(|_| reasons.is_empty()) else {
        return Ok(told_once(standing, reasons.join("; ")));
    };
    let merge = Merge {
        case: standing.case.clone(),
        plan: plan.clone(),
        releases: offer.releases.clone(),
        at: env.clock.now(),
        is_wrong: false,
    };
    if let Some(reason) = merges::take(env, &merge, auto_merge.wrong_rate_max).await? {
        return Ok(told_once(standing, reason));
    }
    let refused = match remote.merge_method().await? {
        None => wording::github::no_merge_method().to_owned(),
        Some(method) => match remote.merge(pull.number, &standing.commit, method).await? {
            Merging::Done => return Ok(None),
            Merging::Refused(words) => words,
        },
    };
    // Somebody else may have been faster, or we ourselves.
    if remote.pull_request(pull.number).await?.is_some_and(|pull| pull.merged_at.is_some()) {
        return Ok(None);
    }
    merges::give_back(env, &standing.case, &plan, Timestamp::MAX).await?;
    Ok(Some(Step::new(REFUSED_STEP, false, wording::github::merge_refused(pull.number, &refused))))
}

/// Whether `pull`, which was merged, was merged by us without people.
pub(super) async fn was_ours(
    env: &Environment,
    standing: &Standing,
    remote: &GitHubRepository,
    pull: &PullRequest,
) -> Result<bool, AgentError> {
    let Some(by) = &pull.merged_by else { return Ok(false) };
    Ok(merges::has_offer(env, &standing.case, &standing.offer).await? && *by == remote.login().await?)
}

/// What holds at the head of the base.
struct Now {
    policy: Policy,
    /// What the policy allows; `None`: the repository does not.
    auto_merge: Option<AutoMerge>,
    verdict: Verdict,
}

impl Now {
    /// `None` where there is nothing to be merged without people: no policy wants it, or the wound is not seen.
    async fn of(
        env: &Environment,
        standing: &Standing,
        remote: &GitHubRepository,
        offered: &Verdict,
    ) -> Result<Option<Self>, AgentError> {
        let wound = &standing.offer.wound;
        let Some(head) = remote.branch(&wound.base_branch).await? else { return Ok(None) };
        let seen = examine(env, &remote.tree(&head, &env.tree_limits).await?).await?;
        let findings = findings_of(&seen, &wound.path);
        if seen.config_error.is_some() || seen.is_unasked(&wound.path) || findings.is_empty() {
            return Ok(None);
        }
        let policy = env.policies.of(&Subject::of(wound, &findings));
        let Some(policy) = policy.ok().flatten().filter(|policy| policy.auto_merge.is_some()) else {
            return Ok(None);
        };
        let policy = seen.config.tightened(policy);
        let circumstances = Circumstances {
            // Conditions held when it was proven.
            phase: Phase::Analysis,
            severities: findings.iter().map(|finding| finding.severity).collect(),
            evidence: offered.evidence.clone(),
            conditions: Default::default(),
            is_as_intended: None,
            mode: seen.config.mode,
            priority: soonest(findings.iter().copied()),
            guards: Vec::new(),
        };
        let verdict = decide(Some(&policy), &circumstances);
        Ok(Some(Self { auto_merge: policy.auto_merge, policy, verdict }))
    }
}

fn findings_of<'a>(seen: &'a Examination, path: &str) -> Vec<&'a Finding> {
    let Some(graph) = seen.graph_at(path) else { return Vec::new() };
    seen.of_graph(graph).map(|matched| &matched.finding).collect()
}

/// How the pull request stands, whose checks are fine.
async fn state_of(standing: &Standing, remote: &GitHubRepository, pull: &PullRequest) -> Result<Pull, AgentError> {
    let branch = standing.case.branch();
    let tip = remote.branch(&branch).await?;
    let is_at_ours = pull.head_commit == standing.commit && tip.as_ref() == Some(&standing.commit);
    Ok(Pull {
        are_checks_fine: true,
        is_draft: pull.is_draft,
        is_ours: is_at_ours && remote.is_ours(&remote.commit(&standing.commit).await?, &branch).await?,
        is_mergeable: pull.is_mergeable == Some(true) && pull.base == standing.offer.wound.base_branch,
        has_objections: remote.has_objections(pull.number).await?,
    })
}

/// Why it is not merged without people.
async fn why_not(
    env: &Environment,
    standing: &Standing,
    (tried, plan): (&Tried, &str),
    now: &Now,
    auto_merge: AutoMerge,
    pull: Pull,
) -> Result<Vec<String>, AgentError> {
    let (case, offer) = (&standing.case, &standing.offer);
    let guards = guards::before_merge(env, &now.policy, case, &offer.wound.repository, &tried.remedy).await?;
    let track = learned::track(env, &tried.remedy).await?;
    let Some(merges) = merges::read(env).await? else {
        return Ok(vec![wording::merges_unreadable().to_owned()]);
    };
    let asked = Asked {
        auto_merge,
        offered: offer.verdict.as_ref().unwrap_or(&now.verdict),
        now: &now.verdict,
        guards: &guards,
        track: &track,
        merges: &merges,
        fix: (case, plan),
        releases: &offer.releases,
        pull,
    };
    Ok(refusals(&asked, env.clock.now()))
}

/// The step that tells `why`, unless it or enough others were told.
fn told_once(standing: &Standing, why: String) -> Option<Step> {
    let told: Vec<&Step> = standing.steps.iter().filter(|step| step.name == STEP).collect();
    let is_told = told.len() >= TOLD_MAX || told.iter().any(|step| step.detail == why);
    (!is_told).then(|| Step::new(STEP, false, why))
}
