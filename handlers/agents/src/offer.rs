//! The pull request of a case on GitHub: one for each case, found by its branch.

use crate::environment::github::{Changes, GitHubError, GitHubRepository, Label, NewPullRequest, PullRequest};
use pipeline::case::PullRequestRef;
use pipeline::ids::CommitSha;
use pipeline::patch::Plan;
use pipeline::wording::github as wording;

/// What every pull request and issue of ours carries.
pub const LABEL: Label<'_> = Label { name: "suture", color: "0e8a16", description: "What Suture sees, and offers" };

/// A pull request to be.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The branch that carries the fix.
    pub branch: &'a str,
    /// The branch that is mended.
    pub base: &'a str,
    /// The title.
    pub title: &'a str,
    /// The text, with its mark.
    pub body: &'a str,
    /// The plan that it offers.
    pub plan: &'a Plan,
    /// Whether nobody is asked to look yet.
    pub is_draft: bool,
}

/// What people say of the plan in a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// It is open.
    Open(PullRequestRef),
    /// It is declined: closed, and neither merged nor taken back by Suture.
    Declined(PullRequestRef),
}

/// What people say of what the pull request of `branch` offers: the open one, or else the newest. `None` where it was merged or taken back, or
/// does not tell its plan.
///
/// `last`: the one that was opened last, as far as is known here. It tells the plan where somebody took that out of the text.
pub async fn said(
    remote: &GitHubRepository,
    branch: &str,
    last: Option<&PullRequestRef>,
) -> Result<Option<Said>, GitHubError> {
    let Some(pull) = remote.pull_request_of(branch).await? else { return Ok(None) };
    let known = last.filter(|last| last.number == pull.number).and_then(|last| last.plan.as_deref());
    let Some(plan) = wording::offered_plan(&pull.body).or(known) else { return Ok(None) };
    let named = named(&pull, plan.to_owned());
    if pull.is_open {
        return Ok(Some(Said::Open(named)));
    }
    let is_declined = pull.merged_at.is_none() && !wording::is_withdrawn(&pull.body);
    Ok(is_declined.then_some(Said::Declined(named)))
}

/// Opens the pull request of a branch, or brings the open one up to date. Whether it is a draft is for people once it is open.
pub async fn open(remote: &GitHubRepository, wanted: &Wanted<'_>) -> Result<PullRequestRef, GitHubError> {
    let Wanted { branch, base, title, body, plan, is_draft } = *wanted;
    let new = NewPullRequest { title, body, head: branch, base, is_draft, labels: &[LABEL] };
    let pull = remote.open_pull_request(&new).await?;
    // GitHub trims what it keeps.
    if pull.title.trim() != title.trim() || pull.body.trim() != body.trim() || pull.base != base {
        let changes = Changes { title: Some(title), body: Some(body), base: Some(base), is_open: None };
        remote.update_pull_request(pull.number, changes).await?;
    }
    Ok(named(&pull, wording::plan_hash(plan)))
}

/// Closes the open pull request of `branch`, if there is one, and says why. It is marked, so that nobody seems to have declined it. Left
/// alone where the branch stands elsewhere than at `commit`, or we are not who made that: then others offer something. Whether it was ours to
/// close.
///
/// `known`: the one that was opened for it. A list may lack it for a while.
pub async fn take_back(
    remote: &GitHubRepository,
    branch: &str,
    commit: &CommitSha,
    known: Option<&PullRequestRef>,
    why: &str,
) -> Result<bool, GitHubError> {
    if let Some(tip) = remote.branch(branch).await?
        && (tip != *commit || !remote.is_ours(&remote.commit(&tip).await?, branch).await?)
    {
        return Ok(false);
    }
    let pull = match known {
        Some(known) => remote.pull_request(known.number).await?,
        None => remote.pull_request_of(branch).await?,
    };
    let Some(pull) = pull.filter(|pull| pull.is_open) else { return Ok(true) };
    say_once(remote, pull.number, &format!("taken-back-{commit}"), why).await?;
    let body = wording::withdrawn(&pull.body);
    let changes = Changes { body: Some(&body), is_open: Some(false), ..Changes::default() };
    remote.update_pull_request(pull.number, changes).await?;
    Ok(true)
}

/// Says `text` under a pull request, once for each `subject`.
pub async fn say_once(remote: &GitHubRepository, number: u64, subject: &str, text: &str) -> Result<(), GitHubError> {
    if has_said(remote, number, subject).await? {
        return Ok(());
    }
    remote.comment(number, &marked(text, subject)).await
}

/// Whether we said something about `subject` under a pull request.
pub async fn has_said(remote: &GitHubRepository, number: u64, subject: &str) -> Result<bool, GitHubError> {
    let marker = wording::comment_mark(subject);
    let us = remote.login().await?;
    let said = remote.comments(number).await?;
    Ok(said.items.iter().any(|comment| comment.author.as_ref() == Some(&us) && comment.body.contains(&marker)))
}

/// A comment about `subject`, by which it is found again.
pub fn marked(text: &str, subject: &str) -> String {
    format!("{text}\n\n{}", wording::comment_mark(subject))
}

/// As cases name it.
fn named(pull: &PullRequest, plan: String) -> PullRequestRef {
    PullRequestRef { number: pull.number, url: pull.url.clone(), plan: Some(plan) }
}
