//! Pull requests: one for each branch of a case, found before it is made.

use super::error::{GitHubError, Refusal, found};
use super::repository::{GitHubRepository, Login, in_path, in_segment};
use super::scope::Scope;
use super::session::Listed;
use http::Method;
use jiff::Timestamp;
use pipeline::ids::CommitSha;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Pages of open pull requests that are looked through, the newest first.
const OPEN_PAGES_MAX: usize = 10;

/// Pages of comments.
const COMMENT_PAGES_MAX: usize = 10;

const TO_DRAFT: &str = "mutation ConvertPullRequestToDraft($input: ConvertPullRequestToDraftInput!) \
    { convertPullRequestToDraft(input: $input) { clientMutationId } }";
const TO_READY: &str = "mutation MarkPullRequestReadyForReview($input: MarkPullRequestReadyForReviewInput!) \
    { markPullRequestReadyForReview(input: $input) { clientMutationId } }";

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    /// Its number.
    pub number: u64,
    /// Where people look at it.
    pub url: String,
    /// Whether it is open.
    pub is_open: bool,
    /// Whether it is a draft.
    pub is_draft: bool,
    /// When it was merged.
    pub merged_at: Option<Timestamp>,
    /// The commit that came of the merge.
    pub merge_commit: Option<CommitSha>,
    /// Login of who merged it. Not told in lists.
    pub merged_by: Option<String>,
    /// Whether it can be merged without a conflict, where GitHub knows yet. Not told in lists.
    pub is_mergeable: Option<bool>,
    /// Its title.
    pub title: String,
    /// Its text.
    pub body: String,
    /// The branch that it is of.
    pub head: String,
    /// Where that branch stands, as GitHub last looked.
    pub head_commit: CommitSha,
    /// The branch that it goes to.
    pub base: String,
    /// Where that stands.
    pub base_commit: CommitSha,
    /// Whether its branch lies in another repository, or in one that is gone.
    pub is_fork: bool,
    /// Login of who opened it.
    pub author: Option<String>,
    /// Names of its labels.
    pub labels: Vec<String>,
    node_id: String,
}

/// What a pull request is opened with.
#[derive(Debug, Clone, Copy)]
pub struct NewPullRequest<'a> {
    /// Its title.
    pub title: &'a str,
    /// Its text.
    pub body: &'a str,
    /// The branch that it is of.
    pub head: &'a str,
    /// The branch that it goes to.
    pub base: &'a str,
    /// Whether nobody is asked to look yet.
    pub is_draft: bool,
    /// Its labels, made where they are absent.
    pub labels: &'a [Label<'a>],
}

/// A label.
#[derive(Debug, Clone, Copy)]
pub struct Label<'a> {
    /// Its name.
    pub name: &'a str,
    /// Six hex digits.
    pub color: &'a str,
    /// At most 100 characters.
    pub description: &'a str,
}

/// What is to be changed of a pull request or an issue. `None`: stays.
#[derive(Debug, Clone, Copy, Default)]
pub struct Changes<'a> {
    /// The title.
    pub title: Option<&'a str>,
    /// The text.
    pub body: Option<&'a str>,
    /// Whether it is open.
    pub is_open: Option<bool>,
    /// The branch that it goes to. Not of an issue.
    pub base: Option<&'a str>,
}

/// What somebody said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Its number.
    pub id: u64,
    /// Who, by login.
    pub author: Option<String>,
    /// What.
    pub body: String,
}

#[derive(Deserialize)]
struct WirePull {
    number: u64,
    node_id: String,
    html_url: String,
    state: String,
    #[serde(default)]
    draft: bool,
    merged_at: Option<Timestamp>,
    merge_commit_sha: Option<CommitSha>,
    merged_by: Option<Login>,
    mergeable: Option<bool>,
    title: String,
    body: Option<String>,
    head: Side,
    base: Side,
    user: Option<Login>,
    #[serde(default)]
    labels: Vec<WireLabel>,
}

#[derive(Deserialize)]
struct Side {
    #[serde(rename = "ref")]
    branch: String,
    sha: CommitSha,
    /// `None` where a fork was deleted.
    repo: Option<Whole>,
}

#[derive(Deserialize)]
struct Whole {
    id: u64,
}

#[derive(Deserialize)]
pub(super) struct WireLabel {
    name: String,
}

#[derive(Deserialize)]
struct WireComment {
    id: u64,
    body: Option<String>,
    user: Option<Login>,
}

impl WireLabel {
    pub fn names(labels: Vec<Self>) -> Vec<String> {
        labels.into_iter().map(|label| label.name).collect()
    }
}

impl WirePull {
    /// Whether its branch lies in the repository it goes to, and not in a fork.
    fn is_at_home(&self) -> bool {
        let id = |side: &Side| side.repo.as_ref().map(|repo| repo.id);
        id(&self.head).is_some() && id(&self.head) == id(&self.base)
    }

    fn read(self) -> PullRequest {
        PullRequest {
            is_fork: !self.is_at_home(),
            number: self.number,
            url: self.html_url,
            is_open: self.state == "open",
            is_draft: self.draft,
            merged_at: self.merged_at,
            // Of an open one it is a trial merge.
            merge_commit: self.merge_commit_sha.filter(|_| self.merged_at.is_some()),
            merged_by: self.merged_by.and_then(|user| user.login),
            is_mergeable: self.mergeable,
            title: self.title,
            body: self.body.unwrap_or_default(),
            head: self.head.branch,
            head_commit: self.head.sha,
            base: self.base.branch,
            base_commit: self.base.sha,
            author: self.user.and_then(|user| user.login),
            labels: WireLabel::names(self.labels),
            node_id: self.node_id,
        }
    }
}

impl Changes<'_> {
    pub(super) fn json(&self) -> Value {
        let state = self.is_open.map(|is_open| if is_open { "open" } else { "closed" });
        let set = [("title", self.title), ("body", self.body), ("state", state), ("base", self.base)];
        set.into_iter().filter_map(|(key, value)| Some((key.to_owned(), json!(value?)))).collect::<Map<_, _>>().into()
    }
}

impl GitHubRepository {
    /// The pull request of `branch`, which is of this repository: the open one, else the newest.
    pub async fn pull_request_of(&self, branch: &str) -> Result<Option<PullRequest>, GitHubError> {
        // GitHub answers nothing for an owner who was renamed.
        let full_name = self.about().await?.full_name;
        let owner = full_name.split('/').next().unwrap_or(&self.owner);
        let head = in_path(&format!("{owner}:{branch}"));
        let path = self.path(&format!("/pulls?state=all&sort=created&direction=desc&head={head}"));
        let pulls: Listed<WirePull> = self.session.list(&self.who(Scope::Pulls), path, None, 1, |_| false).await?;
        let mut pulls: Vec<_> =
            pulls.items.into_iter().filter(|pull| pull.is_at_home() && pull.head.branch == branch).collect();
        pulls.sort_by_key(|pull| (pull.state != "open", std::cmp::Reverse(pull.number)));
        Ok(pulls.into_iter().next().map(WirePull::read))
    }

    /// The open pull requests that propose `commit`, of forks too. Only the newest thousand are looked at.
    pub async fn pull_requests_at(&self, commit: &CommitSha) -> Result<Vec<PullRequest>, GitHubError> {
        let open = self.open_pull_requests().await?;
        Ok(open.into_iter().filter(|pull| pull.head_commit == *commit).collect())
    }

    /// The open pull requests, of forks too: the newest thousand.
    pub async fn open_pull_requests(&self) -> Result<Vec<PullRequest>, GitHubError> {
        let path = self.path("/pulls?state=open&sort=created&direction=desc");
        let pulls: Listed<WirePull> =
            self.session.list(&self.who(Scope::Pulls), path, None, OPEN_PAGES_MAX, |_| false).await?;
        Ok(pulls.items.into_iter().map(WirePull::read).collect())
    }

    /// The pull request with this number.
    pub async fn pull_request(&self, number: u64) -> Result<Option<PullRequest>, GitHubError> {
        let path = self.path(&format!("/pulls/{number}"));
        Ok(self.session.find::<WirePull>(&self.who(Scope::Pulls), path).await?.map(WirePull::read))
    }

    /// Opens a pull request, or returns the open one of that branch. Labels are put on it either way. It is no draft where the repository
    /// has none.
    ///
    /// Tries later where GitHub says that there is one and does not list it yet.
    pub async fn open_pull_request(&self, new: &NewPullRequest<'_>) -> Result<PullRequest, GitHubError> {
        let mut pull = match self.pull_request_of(new.head).await?.filter(|pull| pull.is_open) {
            Some(pull) => pull,
            None => self.make_pull_request(new).await?,
        };
        let missing: Vec<_> = new
            .labels
            .iter()
            .filter(|label| !pull.labels.iter().any(|one| one.eq_ignore_ascii_case(label.name)))
            .collect();
        if !missing.is_empty() {
            for label in &missing {
                self.make_label(Scope::Pulls, label).await?;
            }
            let names: Vec<_> = missing.iter().map(|label| label.name).collect();
            let below = format!("/issues/{}/labels", pull.number);
            let effect = format!("labels of #{}", pull.number);
            let answer = self.write(Method::POST, Scope::Pulls, &below, json!({ "labels": names }), &effect).await?;
            pull.labels = WireLabel::names(answer.json()?);
        }
        Ok(pull)
    }

    async fn make_pull_request(&self, new: &NewPullRequest<'_>) -> Result<PullRequest, GitHubError> {
        let NewPullRequest { title, body, head, base, is_draft, .. } = new;
        let post = async |is_draft: bool| {
            let wanted = json!({ "title": title, "body": body, "head": head, "base": base, "draft": is_draft });
            self.write(Method::POST, Scope::Pulls, "/pulls", wanted, &format!("pull request of {head}")).await
        };
        let made = match post(*is_draft).await {
            Err(error) if *is_draft && has_no_drafts(&error) => post(false).await,
            made => made,
        };
        match made {
            Ok(answer) => Ok(answer.json::<WirePull>()?.read()),
            Err(error) if error.is_refused_as(Refusal::Exists) => {
                let there = self.pull_request_of(head).await?.filter(|pull| pull.is_open);
                there.ok_or_else(|| GitHubError::TryLater {
                    asked: format!("GitHub: {}: the pull request of {head}", self.name),
                    reason: "it is there, but not in the list yet".to_owned(),
                    not_before: None,
                })
            }
            Err(error) => Err(error),
        }
    }

    /// Changes a pull request.
    pub async fn update_pull_request(&self, number: u64, changes: Changes<'_>) -> Result<PullRequest, GitHubError> {
        let below = format!("/pulls/{number}");
        let answer =
            self.write(Method::PATCH, Scope::Pulls, &below, changes.json(), &format!("change of #{number}")).await?;
        Ok(answer.json::<WirePull>()?.read())
    }

    /// Makes a draft of a pull request, or has it looked at, if it is not so already.
    pub async fn set_draft(&self, pull: &PullRequest, is_draft: bool) -> Result<(), GitHubError> {
        if pull.is_draft == is_draft {
            return Ok(());
        }
        let input = json!({ "pullRequestId": pull.node_id });
        let mutation = if is_draft { TO_DRAFT } else { TO_READY };
        let effect = format!("draft of #{}", pull.number);
        self.session.mutate(&self.who(Scope::Drafts), mutation, input, &effect).await
    }

    /// Says something under a pull request. Who says it only once looks for it first, in [`Self::comments`].
    pub async fn comment(&self, number: u64, body: &str) -> Result<(), GitHubError> {
        let below = format!("/issues/{number}/comments");
        self.write(Method::POST, Scope::Pulls, &below, json!({ "body": body }), &format!("comment on #{number}"))
            .await
            .map(drop)
    }

    /// What was said under a pull request, oldest first, at most 1000 of them.
    pub async fn comments(&self, number: u64) -> Result<Listed<Comment>, GitHubError> {
        let path = self.path(&format!("/issues/{number}/comments"));
        let listed: Listed<WireComment> =
            self.session.list(&self.who(Scope::Pulls), path, None, COMMENT_PAGES_MAX, |_| false).await?;
        let items = listed.items.into_iter().map(|WireComment { id, body, user }| Comment {
            id,
            author: user.and_then(|user| user.login),
            body: body.unwrap_or_default(),
        });
        Ok(Listed { items: items.collect(), is_cut: listed.is_cut })
    }

    /// Makes a label where it is absent. One that is there stays as people made it.
    pub(super) async fn make_label(&self, scope: Scope, label: &Label<'_>) -> Result<(), GitHubError> {
        let path = self.path(&format!("/labels/{}", in_segment(label.name)));
        if found(self.session.get::<WireLabel>(&self.who(scope), path).await)?.is_some() {
            return Ok(());
        }
        let Label { name, color, description } = label;
        let made = json!({ "name": name, "color": color, "description": description });
        match self.write(Method::POST, scope, "/labels", made, &format!("label {name}")).await {
            Err(error) if !error.is_refused_as(Refusal::Exists) => Err(error),
            _ => Ok(()),
        }
    }
}

/// Whether it is refused because the repository has no drafts, as a private one of a free plan.
fn has_no_drafts(error: &GitHubError) -> bool {
    matches!(error, GitHubError::Refused { status: 422, message, .. } if message.to_lowercase().contains("draft"))
}
