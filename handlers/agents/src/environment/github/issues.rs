//! Issues that we keep: each carries a hidden marker by which it is found.

use super::error::GitHubError;
use super::pulls::{Changes, Label, WireLabel};
use super::repository::{GitHubRepository, Login, in_segment};
use super::scope::Scope;
use super::session::Listed;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

/// Pages of issues that are looked through, newest first.
const PAGES_MAX: usize = 10;

/// An issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Its number.
    pub number: u64,
    /// Where people look at it.
    pub url: String,
    /// Whether it is open.
    pub is_open: bool,
    /// Its title.
    pub title: String,
    /// Its text.
    pub body: String,
    /// Login of who opened it.
    pub author: Option<String>,
    /// Names of its labels.
    pub labels: Vec<String>,
}

#[derive(Deserialize)]
struct WireIssue {
    number: u64,
    html_url: String,
    state: String,
    title: String,
    body: Option<String>,
    user: Option<Login>,
    #[serde(default)]
    labels: Vec<WireLabel>,
    /// To GitHub a pull request is an issue too.
    pull_request: Option<Value>,
}

impl WireIssue {
    fn read(self) -> Issue {
        Issue {
            number: self.number,
            url: self.html_url,
            is_open: self.state == "open",
            title: self.title,
            body: self.body.unwrap_or_default(),
            author: self.user.and_then(|user| user.login),
            labels: WireLabel::names(self.labels),
        }
    }
}

impl GitHubRepository {
    /// The login by which what we make here is known: the App's bot, or the token's user.
    pub async fn login(&self) -> Result<String, GitHubError> {
        self.session.login(&self.name).await
    }

    /// The issue by `creator` that has `marker` in its text: the open one, else the newest. Only the newest thousand are looked at.
    pub async fn issue_with(&self, marker: &str, creator: &str) -> Result<Option<Issue>, GitHubError> {
        let path = format!("/issues?state=all&sort=created&direction=desc&creator={}", in_segment(creator));
        let is_it = |issue: &WireIssue| {
            issue.pull_request.is_none() && issue.body.as_ref().is_some_and(|body| body.contains(marker))
        };
        let is_open = |issue: &WireIssue| is_it(issue) && issue.state == "open";
        let listed: Listed<WireIssue> =
            self.session.list(&self.who(Scope::Issues), self.path(&path), None, PAGES_MAX, is_open).await?;
        let mut found: Vec<_> = listed.items.into_iter().filter(is_it).collect();
        found.sort_by_key(|issue| (issue.state != "open", std::cmp::Reverse(issue.number)));
        Ok(found.into_iter().next().map(WireIssue::read))
    }

    /// Makes an issue, and its labels where they are absent. Who makes it only once looks for it first: [`Self::issue_with`].
    pub async fn create_issue(&self, title: &str, body: &str, labels: &[Label<'_>]) -> Result<Issue, GitHubError> {
        for label in labels {
            self.make_label(Scope::Issues, label).await?;
        }
        let labels: Vec<_> = labels.iter().map(|label| label.name).collect();
        let made = json!({ "title": title, "body": body, "labels": labels });
        Ok(self.write(Method::POST, Scope::Issues, "/issues", made, "issue").await?.json::<WireIssue>()?.read())
    }

    /// Changes an issue.
    pub async fn update_issue(&self, number: u64, changes: Changes<'_>) -> Result<Issue, GitHubError> {
        let below = format!("/issues/{number}");
        let answer =
            self.write(Method::PATCH, Scope::Issues, &below, changes.json(), &format!("change of #{number}")).await?;
        Ok(answer.json::<WireIssue>()?.read())
    }
}
